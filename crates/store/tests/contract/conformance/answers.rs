//! Checks of what people answer and what was written: conflicts and decisions, held plans, images
//! for undoing. A crash after each of them changes nothing.

use std::collections::BTreeMap;

use sync_engine::conflict::{Conflict, Decision, Keep, Version, Winner};
use sync_engine::mapping::ConflictPolicy;
use sync_engine::model::time::{Date, When};
use sync_engine::model::{
    ComponentKey, ConflictId, Field, Fields, PlanId, RunId, Series, SeriesKey, Side, Uid,
};
use sync_engine::plan::operation::Step;
use sync_engine::ports::store::{MappingState, Marks, RowChange, Settlement, Store as _, Undoable};
use sync_engine::row::RowKey;

use super::{held, intent, row};
use crate::bench::{Bench, Joined};

pub(crate) fn conflict(id: &str, winner: Option<Winner>) -> Conflict {
    let fields = |title: &str| Version::Fields(BTreeMap::from([(Field::Title, title.to_owned())]));
    let row = row("a", &["a"], &["x"]);
    Conflict {
        id: ConflictId::new(id),
        row: row.key,
        uid: row.uid,
        key: ComponentKey::Master,
        recurrence_id: None,
        policy: ConflictPolicy::Manual,
        base: None,
        caldav: fields("Lunch"),
        google: fields("Dinner"),
        winner,
        reason: "Both changed the title.".to_owned(),
    }
}

fn decision(id: &str, keep: Keep) -> Decision {
    let of = conflict(id, None);
    Decision {
        conflict: of.id,
        row: of.row,
        keep,
    }
}

/// An image whose text is nowhere but in what was there before.
pub(crate) fn undoable(name: &str, before: &str) -> Undoable {
    let written = intent("run_1:1", row(name, &[name], &["x"]));
    let mut step = written.step;
    if let Step::Google(operation) = &mut step {
        let day = When::all_day(Date::constant(2026, 12, 1), None);
        operation.before = Some(Box::new(Series::single(Fields::new(before, day))));
    }
    Undoable {
        row: written.row,
        step,
        left: None,
    }
}

async fn settle<B: Bench>(bench: &B, joined: &Joined, run: &str, settlement: Settlement) {
    let run = RunId::new(run);
    let settled = bench.store().settle(&joined.id, &run, settlement);
    settled.await.unwrap();
}

async fn meet<B: Bench>(bench: &B, joined: &Joined, conflicts: Vec<Conflict>) {
    let settlement = Settlement {
        conflicts,
        ..Settlement::default()
    };
    settle(bench, joined, "run_1", settlement).await;
}

async fn over<B: Bench>(bench: &B, joined: &Joined, ids: &[&str]) {
    let settlement = Settlement {
        over: ids.iter().map(|id| ConflictId::new(*id)).collect(),
        ..Settlement::default()
    };
    settle(bench, joined, "run_2", settlement).await;
}

async fn asked<B: Bench>(bench: &B, joined: &Joined) -> Vec<Decision> {
    bench.store().decisions(&joined.id).await.unwrap()
}

pub(super) async fn an_answer_stays_until_it_is_carried_out<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let other = bench.join("home", "h").await;
    assert!(asked(bench, &joined).await.is_empty());
    let open = vec![conflict("k1", None), conflict("k2", None)];
    meet(bench, &joined, open.clone()).await;
    assert_eq!(bench.open_conflicts(&joined.id).await, open);
    assert!(asked(bench, &joined).await.is_empty());

    let merged = decision("k1", Keep::Merged);
    bench.decide(&joined.id, merged).await;
    let by_field = Keep::Fields(BTreeMap::from([(Field::Title, Side::Google)]));
    let chosen = decision("k1", by_field);
    bench.decide(&joined.id, chosen.clone()).await;
    let last = [chosen];
    assert_eq!(asked(bench, &joined).await, last, "the last word counts");
    // A run that began before the answer meets the same conflict once more.
    meet(bench, &joined, open[..1].to_vec()).await;
    assert_eq!(asked(bench, &joined).await, last);
    assert!(asked(bench, &other).await.is_empty());

    let bench = &bench.crashed();
    assert_eq!(asked(bench, &joined).await, last);
    assert_eq!(bench.open_conflicts(&joined.id).await, open);
    meet(bench, &joined, vec![conflict("k1", Some(Winner::Google))]).await;
    assert!(asked(bench, &joined).await.is_empty());
    assert_eq!(bench.open_conflicts(&joined.id).await, open[1..]);
}

pub(super) async fn a_conflict_that_is_over_is_open_no_more<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let open = vec![conflict("k1", None), conflict("k2", None)];
    meet(bench, &joined, open.clone()).await;
    bench.decide(&joined.id, decision("k1", Keep::Caldav)).await;
    over(bench, &joined, &["k1", "none"]).await;
    let bench = &bench.crashed();
    assert!(asked(bench, &joined).await.is_empty());
    assert_eq!(bench.open_conflicts(&joined.id).await, open[1..]);
    assert_eq!(
        bench.conflicts(&joined.id).await,
        open,
        "it stays on record"
    );
    // The same two versions meet again: it is asked anew, and the old answer does not count.
    meet(bench, &joined, open.clone()).await;
    assert!(asked(bench, &joined).await.is_empty());
    assert_eq!(bench.open_conflicts(&joined.id).await, open);
    // One that was decided is not undecided by being over.
    meet(bench, &joined, vec![conflict("k1", Some(Winner::Merged))]).await;
    over(bench, &joined, &["k1"]).await;
    assert_eq!(bench.open_conflicts(&joined.id).await, open[1..]);
    // A rule that hides texts ended the other: its words go.
    let mut veiled = open[1].clone();
    veiled.veil();
    assert_ne!(veiled, open[1]);
    let settlement = Settlement {
        over: vec![open[1].id.clone()],
        veils: true,
        ..Settlement::default()
    };
    settle(bench, &joined, "run_1", settlement).await;
    let bench = &bench.crashed();
    let recorded = bench.conflicts(&joined.id).await;
    assert!(recorded.contains(&veiled), "{recorded:#?}");
    assert_eq!(recorded.len(), 2);
}

pub(super) async fn what_a_run_wrote_comes_newest_first<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let other = bench.join("home", "h").await;
    let wrote = async |joined: &Joined, run: &str, name: &str| {
        let undo = undoable(name, "before");
        let settlement = Settlement {
            rows: vec![RowChange::Put(Box::new(undo.row.clone()))],
            undo: Some(undo),
            ..Settlement::default()
        };
        settle(bench, joined, run, settlement).await;
    };
    wrote(&joined, "run_1", "a").await;
    wrote(&joined, "run_2", "b").await;
    wrote(&joined, "run_1", "c").await;
    wrote(&other, "run_1", "d").await;
    // A settlement without a write adds nothing.
    settle(bench, &joined, "run_1", Settlement::default()).await;
    let bench = &bench.crashed();
    for (joined, run, expected) in [
        (&joined, "run_1", vec!["c", "a"]),
        (&joined, "run_2", vec!["b"]),
        (&joined, "run_3", vec![]),
        (&other, "run_1", vec!["d"]),
    ] {
        let run = RunId::new(run);
        let written = bench.store().written_in(&joined.id, &run);
        let expected: Vec<_> = expected
            .iter()
            .map(|name| undoable(name, "before"))
            .collect();
        assert_eq!(written.await.unwrap(), expected, "{run}");
    }
}

pub(super) async fn answers_given_during_a_run_are_not_lost<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let id = &joined.id;
    let row = |name: &str| RowKey::new::<sync_engine::model::Caldav>(&SeriesKey::new(name));
    let both = MappingState {
        held: vec![
            held("p1", &["1", "2"], &["a", "b"]),
            held("p2", &["3"], &["c"]),
        ],
        ..MappingState::default()
    };
    let planned = async |bench: &B, state: &MappingState| {
        let marks = Marks::default();
        bench
            .store()
            .planned(id, marks, state.clone())
            .await
            .unwrap();
        let stored = bench.store().mapping_state(id).await.unwrap();
        (stored.approved, stored.restoring)
    };
    assert!(
        !bench.approve(id, &PlanId::new("p1")).await,
        "nothing is held"
    );
    assert_eq!(planned(bench, &both).await, (vec![], vec![]));
    assert!(
        !bench.approve(id, &PlanId::new("p9")).await,
        "other content"
    );
    assert!(bench.approve(id, &PlanId::new("p1")).await);
    assert!(bench.restore(id, &PlanId::new("p2")).await);
    let parts = ["1", "2"].map(PlanId::new);

    // A run that was under way meanwhile holds the same: it knows nothing of the answers.
    let bench = &bench.crashed();
    let (approved, restoring) = planned(bench, &both).await;
    assert_eq!(
        (approved.as_slice(), restoring),
        (&parts[..], vec![row("c")])
    );
    // The next one carries a part of it out; what it still holds stays answered.
    let rest = MappingState {
        held: vec![held("p3", &["2", "4"], &["b"]), both.held[1].clone()],
        ..both.clone()
    };
    let (approved, restoring) = planned(bench, &rest).await;
    assert_eq!(
        (approved.as_slice(), restoring),
        (&parts[1..], vec![row("c")])
    );
    // And what a run claims to have been approved does not count: only what is stored does.
    let claimed = MappingState {
        approved: vec![PlanId::new("4")],
        ..rest
    };
    assert_eq!(planned(bench, &claimed).await.0, parts[1..]);
    assert_eq!(
        planned(bench, &MappingState::default()).await,
        (vec![], vec![])
    );
}

pub(super) async fn namesakes_survive_a_crash<B: Bench>(bench: &B) {
    let joined = bench.join("work", "w").await;
    let looked = super::change_set(bench, &joined).await;
    assert!(looked.due.is_empty());
    let a = row("a", &["a"], &["x"]);
    let settlement = Settlement {
        rows: vec![RowChange::Put(Box::new(a.clone()))],
        ..Settlement::default()
    };
    settle(bench, &joined, "run_1", settlement).await;
    let bench = &bench.crashed();
    let uids: [Uid; 1] = [a.uid.clone()];
    let found = bench
        .store()
        .namesakes(&joined.google, &uids)
        .await
        .unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.row).collect();
    assert_eq!(found, [a]);
}
