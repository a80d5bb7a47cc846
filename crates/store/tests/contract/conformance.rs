//! What the engine may rely on, checked over any store: each check takes a fresh [`Bench`].

use std::collections::{BTreeMap, BTreeSet};

use sync_engine::guard::{Held, HeldKind};
use sync_engine::mirror::{MirrorState, Reading, ReadingEnd};
use sync_engine::model::{
    Both, Caldav, ComponentKey, Cursor, Google, IntentId, PlanId, ResourceId, RunId, Series,
    SeriesKey, Side, SideTag, Uid,
};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::{Account, ActionKind, After, Operation, Reason, Step, Write};
use sync_engine::ports::side::{Remove, Resource};
use sync_engine::ports::store::{
    CalendarKey, ChangeSet, Intent, MappingState, RowChange, Settlement, Store,
};
use sync_engine::row::{Link, Row, RowKey, RowState};

use crate::bench::{Bench, Joined, at, foreign, gone, observed, present, tag, unreadable};

/// Makes a module of tests for a store: every check on a fresh one.
macro_rules! conforms {
    ($store:ident, $fresh:expr, $($check:ident)*) => {
        mod $store {
            $(#[tokio::test]
            async fn $check() {
                super::$check(&$fresh).await;
            })*
        }
    };
}

/// What every store has to pass.
macro_rules! common {
    ($store:ident, $fresh:expr) => {
        conforms! {
            $store, $fresh,
            a_calendar_never_read_is_empty
            cursor_and_dates_come_with_the_end_of_a_reading
            equal_states_change_nothing
            every_difference_has_its_change_number
            only_a_reading_shows
            what_is_gone_stays_known_and_may_return
            gone_and_never_seen_is_nothing
            series_are_found_by_uid_and_by_origin
            changes_are_exactly_what_changed_since_the_marks
            rows_are_found_by_name_and_by_link
            due_rows_come_when_they_are_due
            an_intent_stays_until_it_is_settled
            a_settlement_is_one_unit
            the_state_between_runs_is_kept
            calendars_of_one_name_on_two_sides_are_two
        }
    };
}

/// What a store that is kept has to pass besides: rare turns of a resource's life, and several
/// mappings. The engine's store in memory is simpler there.
macro_rules! thorough {
    ($store:ident, $fresh:expr) => {
        conforms! {
            $store, $fresh,
            foreign_things_are_remembered_by_version_only
            unreadable_is_present_and_keeps_what_it_showed
            a_resource_that_changes_its_series_changes_both
            claims_are_other_mappings_links
        }
    };
}

common!(sqlite, crate::bench::Sqlite::new());
thorough!(sqlite_thorough, crate::bench::Sqlite::new());
common!(memory, crate::bench::Memory::default());

pub(crate) fn part<S: SideTag>(seconds: i64, seen: Vec<Seen<S>>) -> Reading<S> {
    Reading {
        at: at(seconds),
        seen,
        shown: true,
        end: None,
    }
}

fn answer<S: SideTag>(seconds: i64, seen: Vec<Seen<S>>) -> Reading<S> {
    Reading {
        shown: false,
        ..part(seconds, seen)
    }
}

fn keys<S: SideTag>(names: &[&str]) -> Vec<SeriesKey<S>> {
    names.iter().map(|name| SeriesKey::new(*name)).collect()
}

fn link<S: SideTag>(names: &[&str]) -> Option<Link<S>> {
    (!names.is_empty()).then(|| Link {
        keys: keys(names),
        resources: vec![(ComponentKey::Master, ResourceId::new("r"))],
        echo: Series::default(),
        shown: true,
        missing_since: None,
        expanded: false,
    })
}

pub(crate) fn row(name: &str, caldav: &[&str], google: &[&str]) -> Row {
    Row {
        key: RowKey::new::<Caldav>(&SeriesKey::new(name)),
        uid: Uid::new(format!("{name}@example.com")),
        copy: Some(Side::Google),
        generation: 0,
        links: Both {
            caldav: link(caldav),
            google: link(google),
        },
        state: RowState::Active,
        setbacks: Vec::new(),
        due: None,
    }
}

pub(crate) fn intent(id: &str, row: Row) -> Intent {
    let step = Step::Google(Operation {
        row: row.key.clone(),
        write: Write::Remove(Remove {
            resource: Resource {
                id: ResourceId::new("r"),
                etag: None,
                note: None,
            },
            attending: false,
        }),
        agrees: Vec::new(),
        after: After::Dropped,
        account: account(),
    });
    Intent {
        id: IntentId::new(id),
        run: RunId::new("run_1"),
        at: at(1),
        row,
        step,
    }
}

pub(crate) fn account() -> Account {
    Account {
        action: ActionKind::Delete,
        uid: Uid::new("a@example.com"),
        key: ComponentKey::Master,
        summary: "Lunch".to_owned(),
        start: None,
        recurrence_id: None,
        reason: Reason::Deleted,
        changes: Vec::new(),
        counted: true,
    }
}

async fn change_set<B: Bench>(bench: &B, joined: &Joined) -> ChangeSet {
    let Joined { id, caldav, google } = joined;
    let changes = bench.store().changes(id, caldav, google, at(100), false);
    changes.await.unwrap()
}

/// Plans what there is to plan, and says which CalDAV series that were.
async fn plan<B: Bench>(bench: &B, joined: &Joined) -> Vec<String> {
    let changes = change_set(bench, joined).await;
    let state = bench.store().mapping_state(&joined.id).await.unwrap();
    let planned = bench.store().planned(&joined.id, changes.upto, state);
    planned.await.unwrap();
    changes.caldav.iter().map(ToString::to_string).collect()
}

async fn a_calendar_never_read_is_empty<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let state = store.calendar(&joined.caldav).await.unwrap();
    assert_eq!(state, sync_engine::mirror::CalendarState::default());
    assert!(
        store
            .versions(&joined.caldav, None)
            .await
            .unwrap()
            .is_empty()
    );
    let mirrored = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert!(mirrored.is_empty());
    assert!(plan(bench, &joined).await.is_empty());
    assert_eq!(store.tracked(&joined.id).await.unwrap(), 0);
}

async fn cursor_and_dates_come_with_the_end_of_a_reading<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let seen = vec![present("a.ics", "a", "A", "1"), unreadable("b.ics", "1")];
    store.record(calendar, part(1, seen)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!((state.cursor, state.read_at), (None, None));

    let end = |seconds, cursor: &str, complete| Reading {
        end: Some(ReadingEnd {
            cursor: Some(Cursor::new(cursor)),
            complete,
        }),
        ..part(seconds, Vec::new())
    };
    store.record(calendar, end(2, "c1", true)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!(state.cursor, Some(Cursor::new("c1")));
    assert_eq!((state.read_at, state.listed_at), (Some(at(2)), Some(at(2))));
    assert_eq!(state.present, 2, "unreadable is present");

    store.record(calendar, end(3, "c2", false)).await.unwrap();
    let state = store.calendar(calendar).await.unwrap();
    assert_eq!(state.cursor, Some(Cursor::new("c2")));
    assert_eq!((state.read_at, state.listed_at), (Some(at(3)), Some(at(2))));

    let seen = Reading {
        seen: vec![gone("a.ics")],
        ..end(4, "c3", false)
    };
    store.record(calendar, seen).await.unwrap();
    assert_eq!(store.calendar(calendar).await.unwrap().present, 1);
}

async fn equal_states_change_nothing<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let seen = || {
        vec![
            present("a.ics", "a", "A", "1"),
            unreadable("b.ics", "1"),
            foreign("c.ics", "1"),
        ]
    };
    store.record(&joined.caldav, part(1, seen())).await.unwrap();
    let before = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b.ics"]);
    store.record(&joined.caldav, part(2, seen())).await.unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    let after = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(after[0].since, at(1));
}

async fn every_difference_has_its_change_number<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let steps: Vec<Seen<Caldav>> = vec![
        present("a.ics", "a", "A", "1"),
        present("a.ics", "a", "A", "2"),
        present("a.ics", "a", "B", "2"),
        unreadable("a.ics", "3"),
        present("a.ics", "a", "B", "2"),
        gone("a.ics"),
        present("a.ics", "a", "B", "2"),
    ];
    let mut last = 0;
    for (step, seen) in (1..).zip(steps) {
        let reading = part(step, vec![seen]);
        store.record(&joined.caldav, reading).await.unwrap();
        assert_eq!(plan(bench, &joined).await, ["a"], "step {step}");
        let now = store.mirrored(&joined.caldav, &keys(&["a"])).await.unwrap();
        assert_eq!(now.len(), 1);
        assert!(now[0].change > last, "step {step}");
        assert_eq!(now[0].since, at(step));
        last = now[0].change;
    }
}

async fn only_a_reading_shows<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.google;
    let seen = || vec![present("x", "x", "A", "1")];
    store.record(calendar, answer(1, seen())).await.unwrap();
    let written = &store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0];
    assert!(!written.shown);
    store.record(calendar, part(2, seen())).await.unwrap();
    let shown = &store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0];
    assert!(shown.shown);
    assert_eq!(shown.change, written.change, "being shown is no change");
    // Another write does not take it back.
    let edited = vec![present("x", "x", "B", "2")];
    store.record(calendar, answer(3, edited)).await.unwrap();
    assert!(store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0].shown);
    // Its next life begins unseen.
    let seen = vec![gone("x"), present("x", "x", "C", "3")];
    store.record(calendar, answer(4, seen)).await.unwrap();
    assert!(!store.mirrored(calendar, &keys(&["x"])).await.unwrap()[0].shown);
}

async fn what_is_gone_stays_known_and_may_return<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    store
        .record(calendar, part(2, vec![gone("a.ics")]))
        .await
        .unwrap();
    let buried = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert_eq!(buried.state, MirrorState::Gone);
    assert!(buried.shown, "an earlier read had shown it");
    assert_eq!(buried.since, at(2));
    assert!(buried.observation.is_some());
    assert!(store.versions(calendar, None).await.unwrap().is_empty());
    // Told again, nothing is new.
    plan(bench, &joined).await;
    store
        .record(calendar, part(3, vec![gone("a.ics")]))
        .await
        .unwrap();
    assert!(plan(bench, &joined).await.is_empty());

    let again = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(4, again)).await.unwrap();
    let back = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].state, MirrorState::Present);
}

async fn gone_and_never_seen_is_nothing<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let reading = part(1, vec![gone("a.ics")]);
    store.record(&joined.caldav, reading).await.unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    assert!(
        store
            .versions(&joined.caldav, None)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn foreign_things_are_remembered_by_version_only<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    store
        .record(calendar, part(1, vec![foreign("t.ics", "1")]))
        .await
        .unwrap();
    assert!(plan(bench, &joined).await.is_empty());
    let versions = store.versions(calendar, None).await.unwrap();
    assert_eq!(versions.len(), 1);
    store
        .record(calendar, part(2, vec![foreign("t.ics", "2")]))
        .await
        .unwrap();
    let only = [ResourceId::new("t.ics"), ResourceId::new("other")];
    let versions = store.versions(calendar, Some(&only)).await.unwrap();
    let etag = versions[&only[0]].as_ref().map(ToString::to_string);
    assert_eq!((versions.len(), etag.as_deref()), (1, Some("2")));

    // An event that turns into something else is gone for its series, and back.
    let event = vec![present("t.ics", "a", "A", "3")];
    store.record(calendar, part(3, event)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a"]);
    store
        .record(calendar, part(4, vec![foreign("t.ics", "4")]))
        .await
        .unwrap();
    assert_eq!(plan(bench, &joined).await, ["a"]);
    let mirrored = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(mirrored[0].state, MirrorState::Gone);
    assert_eq!(store.versions(calendar, None).await.unwrap().len(), 1);
    let event = vec![present("t.ics", "a", "A", "5")];
    store.record(calendar, part(5, event)).await.unwrap();
    let mirrored = store.mirrored(calendar, &keys(&["a"])).await.unwrap();
    assert_eq!(mirrored.len(), 1);
    assert_eq!(mirrored[0].state, MirrorState::Present);
    store
        .record(calendar, part(6, vec![gone("t.ics")]))
        .await
        .unwrap();
    assert!(store.versions(calendar, None).await.unwrap().is_empty());
}

async fn unreadable_is_present_and_keeps_what_it_showed<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    let broken = vec![unreadable("a.ics", "2")];
    store.record(calendar, part(2, broken)).await.unwrap();
    let entry = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert_eq!(
        entry.state,
        MirrorState::Unreadable("no iCalendar".to_owned())
    );
    assert_eq!(entry.observation, Some(observed("a.ics", "a", "A", "1")));
    let versions = store.versions(calendar, None).await.unwrap();
    let version = versions[&ResourceId::new("a.ics")].as_ref();
    assert_eq!(version.map(ToString::to_string).as_deref(), Some("2"));
    let by_uid = store
        .series_by_uid(calendar, &[Uid::new("a@example.com")])
        .await
        .unwrap();
    assert_eq!(by_uid.len(), 1, "it is there: no second one");

    // Where an event was deleted, something unreadable may be it again.
    let seen = vec![gone("a.ics"), unreadable("a.ics", "3")];
    store.record(calendar, part(3, seen)).await.unwrap();
    let entry = &store.mirrored(calendar, &keys(&["a"])).await.unwrap()[0];
    assert!(matches!(entry.state, MirrorState::Unreadable(_)));

    // Never understood: a series of its own until it is.
    let broken = vec![unreadable("b.ics", "1")];
    store.record(calendar, part(4, broken)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b.ics"]);
    let mended = vec![present("b.ics", "b", "B", "2")];
    store.record(calendar, part(5, mended)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["b", "b.ics"]);
}

async fn a_resource_that_changes_its_series_changes_both<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.caldav;
    let first = vec![present("a.ics", "a", "A", "1")];
    store.record(calendar, part(1, first)).await.unwrap();
    plan(bench, &joined).await;
    let other = vec![present("a.ics", "b", "B", "2")];
    store.record(calendar, part(2, other)).await.unwrap();
    assert_eq!(plan(bench, &joined).await, ["a", "b"]);
    let mirrored = store.mirrored(calendar, &keys(&["a", "b"])).await.unwrap();
    let states: Vec<_> = mirrored.iter().map(|entry| entry.state.clone()).collect();
    assert_eq!(states, [MirrorState::Gone, MirrorState::Present]);
    assert_eq!(store.versions(calendar, None).await.unwrap().len(), 1);
    // A move: gone from one href, present at another.
    let moved = vec![present("c.ics", "b", "B", "2"), gone("a.ics")];
    store.record(calendar, part(3, moved)).await.unwrap();
    let mirrored = store.mirrored(calendar, &keys(&["b"])).await.unwrap();
    let there = mirrored
        .iter()
        .filter(|entry| entry.state == MirrorState::Present);
    assert_eq!((mirrored.len(), there.count()), (2, 1));
}

async fn series_are_found_by_uid_and_by_origin<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let calendar = &joined.google;
    let mut copy = observed("x", "x", "A", "1");
    copy.tag = Some(tag(&joined, "source@example.com"));
    let seen = vec![Seen::Present(Box::new(copy)), present("y", "y", "B", "1")];
    store.record(calendar, part(1, seen)).await.unwrap();
    let uids = [Uid::new("x@example.com"), Uid::new("none@example.com")];
    let found = store.series_by_uid(calendar, &uids).await.unwrap();
    assert_eq!(found, [(uids[0].clone(), SeriesKey::new("x"))]);
    let hash = tag(&joined, "source@example.com").uid_hash;
    let hashes = [hash.clone(), "none".to_owned()];
    let found = store.series_by_origin(calendar, &hashes).await.unwrap();
    assert_eq!(found, [(hash.clone(), SeriesKey::new("x"))]);
    store
        .record(calendar, part(2, vec![gone("x")]))
        .await
        .unwrap();
    let found = store.series_by_uid(calendar, &uids).await.unwrap();
    assert!(found.is_empty(), "gone things carry no UID");
    let found = store.series_by_origin(calendar, &hashes).await.unwrap();
    assert_eq!(found.len(), 1, "but their ids are used up");
}

async fn changes_are_exactly_what_changed_since_the_marks<B: Bench>(bench: &B) {
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

async fn rows_are_found_by_name_and_by_link<B: Bench>(bench: &B) {
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

async fn due_rows_come_when_they_are_due<B: Bench>(bench: &B) {
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

async fn claims_are_other_mappings_links<B: Bench>(bench: &B) {
    let work = bench.join("work", "shared").await;
    let home = bench.join("home", "shared").await;
    let apart = bench.join("home", "own").await;
    let store = bench.store();
    put(bench, &work, vec![row("a", &["a"], &["x"])]).await;
    put(bench, &apart, vec![row("b", &["b"], &["x"])]).await;
    let wanted = keys(&["x", "y"]);
    let claims = store.claims(&home.id, &home.google, &wanted).await.unwrap();
    assert_eq!(claims.len(), 1, "not those of another calendar");
    assert_eq!(claims[0].mapping, work.id);
    assert_eq!(claims[0].series, wanted[0]);
    assert_eq!(claims[0].row, row("a", &["a"], &["x"]));
    let own = store.claims(&work.id, &work.google, &wanted).await.unwrap();
    assert!(own.is_empty());
    let sources = store
        .claims(&home.id, &home.caldav, &keys(&["b"]))
        .await
        .unwrap();
    assert_eq!(sources.len(), 1);
}

async fn an_intent_stays_until_it_is_settled<B: Bench>(bench: &B) {
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

async fn a_settlement_is_one_unit<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let open = intent("run_1:1", row("a", &["a"], &[]));
    store.intend(&joined.id, &open).await.unwrap();
    let linked = row("a", &["a"], &["x"]);
    let settlement = Settlement {
        intent: Some(open.id),
        rows: vec![RowChange::Put(Box::new(linked.clone()))],
        caldav: None,
        google: Some((
            joined.google.clone(),
            answer(2, vec![present("x", "x", "A", "1")]),
        )),
        events: Vec::new(),
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

async fn the_state_between_runs_is_kept<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let store = bench.store();
    let fresh = store.mapping_state(&joined.id).await.unwrap();
    assert_eq!(fresh, MappingState::default());
    let state = MappingState {
        first_plan_done: true,
        planned_with: "abc".to_owned(),
        absences: vec![(at(1), 3)],
        held: Some(Held {
            id: PlanId::new("p1"),
            kind: HeldKind::Deletions,
            side: Side::Google,
            since: at(1),
            operations: vec![account()],
        }),
        ..MappingState::default()
    };
    let upto = change_set(bench, &joined).await.upto;
    store
        .planned(&joined.id, upto, state.clone())
        .await
        .unwrap();
    assert_eq!(store.mapping_state(&joined.id).await.unwrap(), state);
}

async fn calendars_of_one_name_on_two_sides_are_two<B: Bench>(bench: &B) {
    let joined = bench.join("same", "same").await;
    let store = bench.store();
    let seen = vec![present("a", "a", "A", "1")];
    store.record(&joined.caldav, part(1, seen)).await.unwrap();
    let google = CalendarKey::<Google> {
        account: joined.caldav.account.clone(),
        calendar: joined.google.calendar.clone(),
    };
    assert!(store.versions(&google, None).await.unwrap().is_empty());
}

/// The mirror against the simplest model of it: per resource what it shows now, and the set of
/// series that a mark has to bring up.
mod by_model {
    use super::*;
    use crate::bench::Sqlite;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Act {
        Present(u8, u8, u8),
        Unreadable(u8, u8),
        Foreign(u8, u8),
        Gone(u8),
        Plan,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let small = 0u8..3;
        let act = prop_oneof![
            6 => (small.clone(), small.clone(), small.clone())
                .prop_map(|(r, s, v)| Act::Present(r, s, v)),
            1 => (small.clone(), small.clone()).prop_map(|(r, v)| Act::Unreadable(r, v)),
            1 => (small.clone(), small.clone()).prop_map(|(r, v)| Act::Foreign(r, v)),
            2 => small.prop_map(Act::Gone),
            2 => Just(Act::Plan),
        ];
        proptest::collection::vec(act, 1..25)
    }

    #[derive(Default)]
    struct Model {
        /// What each resource shows: its series, and a word for the rest.
        there: BTreeMap<u8, (Option<String>, String)>,
        /// The series each resource had when it last left one.
        went: BTreeMap<u8, String>,
        dirty: BTreeSet<String>,
    }

    impl Model {
        fn show(&mut self, resource: u8, series: Option<String>, word: String) {
            let now = (series, word);
            let old = self.there.insert(resource, now.clone());
            if old.as_ref() != Some(&now) {
                let series = now.0;
                self.dirty.extend(series.clone());
                let old = old.and_then(|(series, _)| series);
                if old != series {
                    self.leave(resource, old);
                }
            }
        }

        fn leave(&mut self, resource: u8, series: Option<String>) {
            if let Some(series) = series {
                self.dirty.insert(series.clone());
                self.went.insert(resource, series);
            }
        }

        fn act(&mut self, act: &Act) -> Option<Seen<Caldav>> {
            let name = |resource: u8| format!("r{resource}");
            match *act {
                Act::Present(r, s, v) => {
                    let (series, version) = (format!("s{s}"), v.to_string());
                    self.show(r, Some(series.clone()), format!("present {v}"));
                    Some(present(&name(r), &series, &version, &version))
                }
                Act::Unreadable(r, v) => {
                    let there = self.there.get(&r).and_then(|(series, _)| series.clone());
                    let series = there
                        .or_else(|| self.went.get(&r).cloned())
                        .unwrap_or_else(|| name(r));
                    self.show(r, Some(series), format!("unreadable {v}"));
                    Some(unreadable(&name(r), &v.to_string()))
                }
                Act::Foreign(r, v) => {
                    self.show(r, None, format!("foreign {v}"));
                    Some(foreign(&name(r), &v.to_string()))
                }
                Act::Gone(r) => {
                    if let Some((series, _)) = self.there.remove(&r) {
                        self.leave(r, series);
                    }
                    Some(gone(&name(r)))
                }
                Act::Plan => None,
            }
        }
    }

    async fn check(bench: &Sqlite, joined: &Joined, acts: &[Act]) {
        let store = &bench.db;
        let mut model = Model::default();
        for act in acts.iter().chain([&Act::Plan]) {
            if let Some(seen) = model.act(act) {
                let reading = part(1, vec![seen]);
                store.record(&joined.caldav, reading).await.unwrap();
                continue;
            }
            let expected: Vec<String> = model.dirty.iter().cloned().collect();
            assert_eq!(plan(bench, joined).await, expected, "{acts:?}");
            model.dirty.clear();
            let versions = store.versions(&joined.caldav, None).await.unwrap();
            assert_eq!(versions.len(), model.there.len(), "{acts:?}");
            let names = ["s0", "s1", "s2", "r0", "r1", "r2"];
            let series: Vec<_> = names.map(SeriesKey::new).into();
            let mirrored = store.mirrored(&joined.caldav, &series).await.unwrap();
            let there: BTreeSet<String> = mirrored
                .iter()
                .filter(|entry| entry.state != MirrorState::Gone)
                .map(|entry| entry.series.to_string())
                .collect();
            let expected: BTreeSet<String> = model
                .there
                .values()
                .filter_map(|(series, _)| series.clone())
                .collect();
            assert_eq!(there, expected, "{acts:?}");
        }
    }

    #[test]
    fn the_mirror_says_exactly_what_a_simple_model_says() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let bench = Sqlite::new();
        let mut case = 0;
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 48,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let case = std::cell::RefCell::new(&mut case);
        runner
            .run(&acts(), |acts| {
                let number = {
                    let mut case = case.borrow_mut();
                    **case += 1;
                    **case
                };
                runtime.block_on(async {
                    let joined = bench.join(&format!("c{number}"), "g").await;
                    check(&bench, &joined, &acts).await;
                });
                Ok(())
            })
            .unwrap();
    }
}
