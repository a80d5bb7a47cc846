//! Runs and history.

use serde_json::Value;
use store::records::RunState;
use store::{Db, StoreError};
use sync_engine::model::{MappingId, PlanId, RunId, Side, Uid};
use sync_engine::plan::operation::{ActionKind, Reason};
use sync_engine::ports::store::{MappingState, Marks, Settlement, Store as _};
use sync_engine::report::{EventRecord, Problem, RunReport, RunStatus};

use crate::bench::{Bench as _, Sqlite, at};
use crate::conformance::held;
use crate::outbox::{due, hook};

pub(crate) fn event(uid: &str, action: ActionKind, failed: bool) -> EventRecord {
    EventRecord {
        uid: Uid::new(uid),
        recurrence_id: None,
        summary: format!("Title of {uid}"),
        side: Side::Google,
        action,
        reason: Reason::New,
        changes: Vec::new(),
        error: failed.then(|| Problem {
            code: "refused".to_owned(),
            detail: "It was refused.".to_owned(),
            action: "Look at it.".to_owned(),
            side: Some(Side::Google),
        }),
        at: at(50),
    }
}

pub(crate) fn report(id: &RunId, events: Vec<EventRecord>) -> RunReport {
    RunReport {
        id: id.clone(),
        started_at: at(40),
        finished_at: at(60),
        status: RunStatus::Success,
        inserted: u32::try_from(events.len()).unwrap(),
        updated: 0,
        deleted: 0,
        failed: 0,
        deferred: 1,
        held: 2,
        conflicts: 3,
        warnings: Vec::new(),
        events,
        error: None,
    }
}

async fn settle(db: &Db, mapping: &MappingId, run: &RunId, events: Vec<EventRecord>) {
    let settlement = Settlement {
        events,
        ..Settlement::default()
    };
    db.settle(mapping, run, settlement).await.unwrap();
}

#[tokio::test]
async fn a_run_is_running_until_its_report() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let id = db.start_run(&joined.id, at(40)).await.unwrap();
    let insert = || event("a", ActionKind::Insert, false);
    settle(db, &joined.id, &id, vec![insert()]).await;
    let run = db.run(&id).await.unwrap();
    assert_eq!((run.state, run.finished_at), (RunState::Running, None));
    assert_eq!(run.events.len(), 1, "what was settled so far");
    let failed = event("b", ActionKind::Update, true);
    let all = vec![insert(), failed];
    db.finish(&joined.id, &report(&id, all.clone()))
        .await
        .unwrap();
    let run = db.run(&id).await.unwrap();
    assert_eq!(
        (run.state, run.finished_at),
        (RunState::Success, Some(at(60)))
    );
    assert_eq!((run.deferred, run.held, run.conflicts), (1, 2, 3));
    assert_eq!(run.events, all, "each once");
    let listed = &db.runs(None, 50, None).await.unwrap().runs[0];
    assert!(listed.events.is_empty());
    let missing = db.run(&RunId::new("run_none")).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_report_without_a_start_is_stored_all_the_same() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let id = RunId::new("mine");
    bench
        .db
        .finish(&joined.id, &report(&id, Vec::new()))
        .await
        .unwrap();
    assert_eq!(bench.db.run(&id).await.unwrap().started_at, at(40));
}

#[tokio::test]
async fn runs_are_paged_newest_first() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let other = bench.join("home", "h").await;
    let db = &bench.db;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(db.start_run(&joined.id, at(number)).await.unwrap());
        db.start_run(&other.id, at(number)).await.unwrap();
    }
    ids.reverse();
    let first = db.runs(Some(&joined.id), 2, None).await.unwrap();
    let seen: Vec<_> = first.runs.iter().map(|run| run.id.clone()).collect();
    assert_eq!(seen, ids[..2]);
    assert_eq!(first.next.as_ref(), Some(&ids[1]));
    let rest = db
        .runs(Some(&joined.id), 3, first.next.as_ref())
        .await
        .unwrap();
    let seen: Vec<_> = rest.runs.iter().map(|run| run.id.clone()).collect();
    assert_eq!(seen, ids[2..]);
    assert_eq!(rest.next, None);
    assert_eq!(db.runs(None, 200, None).await.unwrap().runs.len(), 10);
}

#[tokio::test]
async fn what_a_crash_left_open_is_ended_and_told() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let hook = hook(&bench.db, "https://hooks.example/", true).await;
    let id = bench.db.start_run(&joined.id, at(40)).await.unwrap();
    let events = vec![event("a", ActionKind::Insert, false)];
    settle(&bench.db, &joined.id, &id, events).await;
    let db = bench.killed().db;
    let ended = db.end_interrupted_runs(at(99)).await.unwrap();
    assert_eq!(ended, std::slice::from_ref(&id));
    assert!(db.end_interrupted_runs(at(99)).await.unwrap().is_empty());
    let run = db.run(&id).await.unwrap();
    assert_eq!(
        (run.state, run.finished_at),
        (RunState::Failure, Some(at(99)))
    );
    assert_eq!((run.inserted, run.events.len()), (1, 1));
    assert_eq!(run.error.unwrap().code, "interrupted");
    let told = due(&db, &hook, at(99)).await.unwrap();
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body["status"], "failure");
}

#[tokio::test]
async fn an_events_history_goes_across_runs() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    for action in [ActionKind::Insert, ActionKind::Update] {
        let id = db.start_run(&joined.id, at(1)).await.unwrap();
        let events = vec![event("a", action, false), event("b", action, true)];
        settle(db, &joined.id, &id, events).await;
    }
    let history = db.history(&Uid::new("a"), None, 10, None).await.unwrap();
    let actions: Vec<_> = history
        .entries
        .iter()
        .map(|entry| entry.event.action)
        .collect();
    assert_eq!(actions, [ActionKind::Update, ActionKind::Insert]);
    assert_eq!(history.last_synced, Some(at(50)));
    let failed = db
        .history(&Uid::new("b"), Some(&joined.id), 1, None)
        .await
        .unwrap();
    assert_eq!((failed.entries.len(), failed.last_synced), (1, None));
    let stranger = MappingId::new("map_none");
    let none = db
        .history(&Uid::new("a"), Some(&stranger), 10, None)
        .await
        .unwrap();
    assert!(none.entries.is_empty());
    assert_eq!((&history.next, &none.next), (&None, &None));
    // Page by page, and the last success is the event's, not the page's.
    let uid = Uid::new("a");
    let first = db.history(&uid, None, 1, None).await.unwrap();
    let next = first.next.clone();
    let second = db.history(&uid, None, 1, next.as_deref()).await.unwrap();
    assert_eq!([first.entries, second.entries].concat(), history.entries);
    assert_eq!((second.next, second.last_synced), (None, Some(at(50))));
    assert!(next.is_some());
    let wrong = db.history(&uid, None, 1, Some("run_1")).await;
    assert!(matches!(wrong, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn mappings_at_a_glance() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let fresh = &db.overview().await.unwrap()[0];
    assert_eq!((fresh.tracked, fresh.held), (0, 0));
    assert!(fresh.last_run.is_none() && fresh.last_success.is_none());
    let good = db.start_run(&joined.id, at(40)).await.unwrap();
    db.finish(&joined.id, &report(&good, Vec::new()))
        .await
        .unwrap();
    let bad = db.start_run(&joined.id, at(70)).await.unwrap();
    let failure = RunReport {
        status: RunStatus::Failure,
        finished_at: at(80),
        ..report(&bad, Vec::new())
    };
    db.finish(&joined.id, &failure).await.unwrap();
    db.start_run(&joined.id, at(90)).await.unwrap();
    let overview = &db.overview().await.unwrap()[0];
    let last = overview.last_run.as_ref().unwrap();
    assert_eq!((&last.id, last.state), (&bad, RunState::Failure));
    assert_eq!(overview.last_success, Some(at(60)));
    assert!(overview.enabled);
}

#[tokio::test]
async fn approval_waits_for_the_run_that_carries_it_out() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let plan = PlanId::new("p1");
    let state = MappingState {
        held: vec![
            held("p1", &["1", "2"], &["a", "b"]),
            held("p0", &["3"], &["c"]),
        ],
        ..MappingState::default()
    };
    let early = db.approve(&joined.id, &plan).await;
    assert!(
        matches!(early, Err(StoreError::NotFound { .. })),
        "nothing is held"
    );
    let marks = Marks::default();
    db.planned(&joined.id, marks, state.clone()).await.unwrap();
    assert_eq!(db.overview().await.unwrap()[0].held, 3);
    assert_eq!(db.held().await.unwrap()[0].1.id, plan);
    let other = db.approve(&joined.id, &PlanId::new("p2")).await;
    assert!(
        matches!(other, Err(StoreError::NotFound { .. })),
        "other content"
    );
    db.approve(&joined.id, &plan).await.unwrap();
    // A run that began before the approval holds the same plan again: the approval is not lost.
    db.planned(&joined.id, marks, state).await.unwrap();
    let stored = db.mapping_state(&joined.id).await.unwrap();
    assert_eq!(stored.approved, ["1", "2"].map(PlanId::new));
    // Carried out: nothing is held, the approval is spent.
    db.planned(&joined.id, marks, MappingState::default())
        .await
        .unwrap();
    let stored = db.mapping_state(&joined.id).await.unwrap();
    assert_eq!(stored.approved, []);
    assert!(db.held().await.unwrap().is_empty());
}
