//! Checks of what belongs to a mapping: change sets, rows, namesakes, intents, its state.

use sync_engine::model::{AccountId, RunId, Uid};
use sync_engine::ports::store::{CalendarKey, MappingState, RowChange, Settlement, Store as _};
use sync_engine::row::Row;

use super::{answer, change_set, held, intent, keys, part, plan, row};
use crate::bench::{Bench, Joined, at, present};

pub(super) async fn changes_are_exactly_what_changed_since_the_marks<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let other = bench.join("work", "v").await;
    let store = bench.store();
    let seen = vec![
        present("a.ics", "a", "A", "1"),
        present("b.ics", "b", "B", "1"),
    ];
    store.record(&joined.caldav, part(1, seen)).await.unwrap();
    let seen = vec![present("x", "x", "A", "1")];
    store.record(&joined.google, part(1, seen)).await.unwrap();
    let changes = change_set(bench, &joined).await;
    assert_eq!(changes.caldav, keys(&["a", "b"]));
    assert_eq!(changes.google, keys(&["x"]));
    assert_eq!(plan(bench, &joined).await, ["a", "b"]);
    let changes = change_set(bench, &joined).await;
    assert!(changes.caldav.is_empty() && changes.google.is_empty());
    // What came in after the change set was made is not lost by its marks.
    let early = change_set(bench, &joined).await.upto;
    let seen = vec![present("b.ics", "b", "B", "2")];
    store.record(&joined.caldav, part(2, seen)).await.unwrap();
    let state = MappingState::default();
    store.planned(&joined.id, early, state).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["b"]);
    // A calendar that two mappings share has one mirror and two marks.
    assert_eq!(plan(bench, &other).await, ["a", "b"]);
    let Joined { id, caldav, google } = &joined;
    let all = store
        .changes(id, caldav, google, at(5), true)
        .await
        .unwrap();
    assert_eq!((all.caldav.len(), all.google.len()), (2, 1));
}

async fn put<B: Bench>(bench: &B, joined: &Joined, rows: Vec<Row>) {
    let rows = rows.into_iter().map(|row| RowChange::Put(Box::new(row)));
    let settlement = Settlement {
        rows: rows.collect(),
        ..Settlement::default()
    };
    let run = RunId::new("run_1");
    let settled = bench.store().settle(&joined.id, &run, settlement);
    settled.await.unwrap();
}

pub(super) async fn rows_are_found_by_name_and_by_link<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let a = row("a", &["a"], &["x"]);
    let b = row("b", &["b"], &["y1", "y2"]);
    let c = row("c", &["c"], &[]);
    put(bench, &joined, vec![a.clone(), b.clone(), c.clone()]).await;
    let id = &joined.id;
    assert_eq!(store.tracked(id).await.unwrap(), 2);
    let by_name = store
        .rows(id, std::slice::from_ref(&c.key), &[], &[])
        .await
        .unwrap();
    assert_eq!(by_name, std::slice::from_ref(&c));
    let by_link = store
        .rows(id, &[], &keys(&["a"]), &keys(&["y2", "none"]))
        .await
        .unwrap();
    assert_eq!(by_link, [a.clone(), b.clone()]);
    // Each once, however often it is named.
    let often = store
        .rows(
            id,
            std::slice::from_ref(&a.key),
            &keys(&["a"]),
            &keys(&["x"]),
        )
        .await
        .unwrap();
    assert_eq!(often, std::slice::from_ref(&a));

    // Put again, the old links are forgotten.
    let moved = row("a", &["a"], &["z"]);
    put(bench, &joined, vec![moved.clone()]).await;
    assert!(
        store
            .rows(id, &[], &[], &keys(&["x"]))
            .await
            .unwrap()
            .is_empty()
    );
    let found = store.rows(id, &[], &[], &keys(&["z"])).await.unwrap();
    assert_eq!(found, [moved]);
    let drop = Settlement {
        rows: vec![RowChange::Drop(b.key.clone())],
        ..Settlement::default()
    };
    store.settle(id, &RunId::new("run_1"), drop).await.unwrap();
    assert!(
        store
            .rows(id, &[b.key], &[], &keys(&["y1"]))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.tracked(id).await.unwrap(), 1);
    let strangers = bench.join("home", "h").await;
    let none = store
        .rows(&strangers.id, &[c.key], &keys(&["a"]), &[])
        .await
        .unwrap();
    assert!(none.is_empty(), "rows are their mapping's");
}

pub(super) async fn due_rows_come_when_they_are_due<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let mut soon = row("soon", &["s"], &[]);
    soon.due = Some(at(10));
    let mut late = row("late", &["l"], &[]);
    late.due = Some(at(20));
    put(
        bench,
        &joined,
        vec![soon.clone(), late, row("never", &["n"], &[])],
    )
    .await;
    let Joined { id, caldav, google } = &joined;
    for (now, expected) in [(9, 0), (10, 1), (20, 2), (99, 2)] {
        let changes = store.changes(id, caldav, google, at(now), false);
        assert_eq!(changes.await.unwrap().due.len(), expected, "at {now}");
    }
    let all = store
        .changes(id, caldav, google, at(0), true)
        .await
        .unwrap();
    assert_eq!(all.due.len(), 3);
    soon.due = None;
    put(bench, &joined, vec![soon]).await;
    let changes = store.changes(id, caldav, google, at(10), false);
    assert!(changes.await.unwrap().due.is_empty());
}

pub(super) async fn namesakes_are_rows_of_every_mapping_of_the_calendar<B: Bench>(bench: &B) {
    let work = bench.join("work", "shared").await;
    let home = bench.join("home", "shared").await;
    let apart = bench.join("home", "own").await;
    for joined in [&work, &home, &apart] {
        change_set(bench, joined).await;
    }
    let store = bench.store();
    let a = row("a", &["a"], &["x"]);
    let mut twin = row("b", &["b"], &[]);
    twin.uid = a.uid.clone();
    put(bench, &home, vec![twin.clone()]).await;
    put(bench, &work, vec![a.clone(), row("c", &["c"], &[])]).await;
    put(bench, &apart, vec![a.clone()]).await;

    let uids = [a.uid.clone(), Uid::new("none@example.com")];
    // As another account reads it: the calendar counts.
    let calendar = CalendarKey {
        account: AccountId::new("somebody"),
        ..work.google.clone()
    };
    let found = store.namesakes(&calendar, &uids).await.unwrap();
    let expected = [(&work.id, &a), (&home.id, &twin)];
    let found: Vec<_> = found.iter().map(|one| (&one.mapping, &one.row)).collect();
    assert_eq!(found, expected, "its own too, the oldest mapping first");
    let on_source = store.namesakes(&home.caldav, &uids).await.unwrap();
    let found: Vec<_> = on_source.iter().map(|one| &one.mapping).collect();
    assert_eq!(found, [&home.id, &apart.id]);
    assert!(store.namesakes(&calendar, &[]).await.unwrap().is_empty());

    // A row that takes another UID is found by that.
    twin.uid = Uid::new("new@example.com");
    put(bench, &home, vec![twin.clone()]).await;
    let found = store.namesakes(&calendar, &uids).await.unwrap();
    assert_eq!(found.len(), 1);
    let found = store.namesakes(&calendar, &[twin.uid]).await.unwrap();
    assert_eq!(found.len(), 1);
}

pub(super) async fn an_intent_stays_until_it_is_settled<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let first = intent("run_1:1", row("a", &["a"], &[]));
    let second = intent("run_1:2", row("b", &["b"], &[]));
    store.intend(&joined.id, &first).await.unwrap();
    store.intend(&joined.id, &second).await.unwrap();
    let open = store.open_intents(&joined.id).await.unwrap();
    assert_eq!(open, [first.clone(), second.clone()]);
    let settlement = Settlement {
        intent: Some(first.id),
        ..Settlement::default()
    };
    let run = RunId::new("run_1");
    store.settle(&joined.id, &run, settlement).await.unwrap();
    assert_eq!(store.open_intents(&joined.id).await.unwrap(), [second]);
}

pub(super) async fn a_settlement_is_one_unit<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let open = intent("run_1:1", row("a", &["a"], &[]));
    store.intend(&joined.id, &open).await.unwrap();
    let linked = row("a", &["a"], &["x"]);
    let settlement = Settlement {
        intent: Some(open.id),
        rows: vec![RowChange::Put(Box::new(linked.clone()))],
        google: Some((
            joined.google.clone(),
            answer(2, vec![present("x", "x", "A", "1")]),
        )),
        ..Settlement::default()
    };
    let run = RunId::new("run_1");
    store.settle(&joined.id, &run, settlement).await.unwrap();
    assert!(store.open_intents(&joined.id).await.unwrap().is_empty());
    let rows = store
        .rows(&joined.id, &[], &[], &keys(&["x"]))
        .await
        .unwrap();
    assert_eq!(rows, [linked]);
    let mirrored = store.mirrored(&joined.google, &keys(&["x"])).await.unwrap();
    assert_eq!(mirrored.len(), 1);
    assert!(!mirrored[0].shown, "our own answer shows nothing");
}

pub(super) async fn the_state_between_runs_is_kept<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let fresh = store.mapping_state(&joined.id).await.unwrap();
    assert_eq!(fresh, MappingState::default());
    let state = MappingState {
        first_plan_done: true,
        planned_with: "abc".to_owned(),
        looked_at: Some(at(1)),
        held: vec![held("p1", &["1", "2"], &["a", "b"])],
        ..MappingState::default()
    };
    let upto = change_set(bench, &joined).await.upto;
    store
        .planned(&joined.id, upto, state.clone())
        .await
        .unwrap();
    assert_eq!(store.mapping_state(&joined.id).await.unwrap(), state);
}
