//! Conflicts on record, images for undoing on disk, handing over, forgetting what is old, and the
//! step from the first schema.

use refinery::{Migration, Runner};
use rusqlite::Connection;
use store::records::{ConflictStatus, MappingSettings, Purged, Retention};
use store::{Db, Existing, Keys, StoreError};
use sync_engine::conflict::{Conflict, Keep, Winner};
use sync_engine::mapping::Direction;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ComponentKey, ConflictId, Google, RunId};
use sync_engine::ports::store::{RowChange, Settlement, Store as _};
use sync_engine::report::{RunReport, RunStatus};
use sync_engine::row::{Row, RowState, Setback};

use crate::bench::{Bench as _, Joined, Sqlite, at, gone, keys, present};
use crate::conformance::answers::{conflict, undoable};
use crate::conformance::{part, row};

const DAY: i64 = 86_400;

async fn meet(db: &Db, joined: &Joined, seconds: i64, conflicts: Vec<Conflict>) {
    let run = db.start_run(&joined.id, at(seconds)).await.unwrap();
    let settlement = Settlement {
        conflicts,
        ..Settlement::default()
    };
    db.settle(&joined.id, &run, settlement).await.unwrap();
}

async fn put(db: &Db, joined: &Joined, rows: &[Row]) {
    let rows = rows.iter().cloned();
    let settlement = Settlement {
        rows: rows.map(|row| RowChange::Put(Box::new(row))).collect(),
        ..Settlement::default()
    };
    let run = RunId::new("run_0");
    db.settle(&joined.id, &run, settlement).await.unwrap();
}

async fn finished(db: &Db, joined: &Joined, seconds: i64, inserted: u32) -> RunId {
    let id = db.start_run(&joined.id, at(seconds)).await.unwrap();
    let settlement = Settlement {
        undo: Some(undoable("a", "undo-canary-41d7")),
        ..Settlement::default()
    };
    db.settle(&joined.id, &id, settlement).await.unwrap();
    let report = RunReport {
        id: id.clone(),
        started_at: at(seconds),
        finished_at: at(seconds),
        status: RunStatus::PartialFailure,
        inserted,
        updated: 0,
        deleted: 0,
        failed: 0,
        deferred: 0,
        held: 0,
        conflicts: 0,
        warnings: Vec::new(),
        events: Vec::new(),
        error: None,
    };
    db.finish(&joined.id, &report).await.unwrap();
    id
}

#[tokio::test]
async fn conflicts_stay_on_record_and_are_paged() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    for (number, id) in ["k1", "k2", "k3"].into_iter().enumerate() {
        let seconds = 10 * i64::try_from(number).unwrap();
        meet(db, &joined, seconds, vec![conflict(id, None)]).await;
    }
    let (k1, k2) = (ConflictId::new("k1"), ConflictId::new("k2"));
    db.decide_conflict(&k2, Keep::Caldav).await.unwrap();
    let of = Some(&joined.id);
    let first = db.conflicts(of, None, 2, None).await.unwrap();
    let ids: Vec<_> = first
        .conflicts
        .iter()
        .map(|one| one.conflict.id.as_str())
        .collect();
    assert_eq!(ids, ["k3", "k2"]);
    assert_eq!(first.conflicts[1].decision, Some(Keep::Caldav));
    let rest = db
        .conflicts(of, None, 2, first.next.as_ref())
        .await
        .unwrap();
    assert_eq!((rest.conflicts.len(), rest.next), (1, None));
    assert_eq!(db.overview().await.unwrap()[0].open_conflicts, 3);

    meet(db, &joined, 50, vec![conflict("k2", Some(Winner::Caldav))]).await;
    let record = db.conflict(&k2).await.unwrap();
    assert_eq!(
        (record.detected_at, record.decided_at),
        (at(10), Some(at(50)))
    );
    assert_eq!(
        (record.status, record.decision),
        (ConflictStatus::Decided, None)
    );
    let again = db.decide_conflict(&k2, Keep::Google).await;
    assert!(matches!(again, Err(StoreError::AlreadyDecided { .. })));
    let none = db
        .decide_conflict(&ConflictId::new("none"), Keep::Google)
        .await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
    assert_eq!(db.overview().await.unwrap()[0].open_conflicts, 2);

    let over = Settlement {
        over: vec![k1.clone()],
        ..Settlement::default()
    };
    let run = db.start_run(&joined.id, at(60)).await.unwrap();
    db.settle(&joined.id, &run, over).await.unwrap();
    let record = db.conflict(&k1).await.unwrap();
    assert_eq!(
        (record.status, record.decided_at),
        (ConflictStatus::Decided, Some(at(60)))
    );
    assert_eq!(
        record.conflict,
        conflict("k1", None),
        "why it arose is kept"
    );

    // What was decided outlives the mapping; nobody can answer what is open.
    db.delete_mapping(&joined.id).await.unwrap();
    let left = db.conflicts(None, None, 10, None).await.unwrap().conflicts;
    let ids: Vec<_> = left.iter().map(|one| one.conflict.id.as_str()).collect();
    assert_eq!(ids, ["k2", "k1"]);
}

#[tokio::test]
async fn images_are_sealed_on_disk_and_go_through_a_change_of_keys() {
    let canary = "undo-canary-41d7";
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let run = finished(&bench.db, &joined, 1, 1).await;
    let copy = bench.folder.path().join("copy.db");
    store::back_up(&bench.path(), &copy, Existing::Refuse).unwrap();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let hit = bytes
            .windows(canary.len())
            .any(|window| window == canary.as_bytes());
        assert!(!hit, "{path:?}");
    }
    assert_eq!(bench.db.undoable(&run).await.unwrap(), 1);
    bench.db.clone().close().await;
    let both = Keys::new([9; 32]).with_older([7; 32]);
    assert!(store::rekey(&bench.path(), &both).unwrap() > 0);
    let db = Db::open(&bench.path(), Keys::new([9; 32])).unwrap();
    let written = db.written_in(&joined.id, &run).await.unwrap();
    assert_eq!(written, [undoable("a", canary)]);
    db.delete_mapping(&joined.id).await.unwrap();
    assert_eq!(
        db.undoable(&run).await.unwrap(),
        0,
        "it goes with the mapping"
    );
}

#[tokio::test]
async fn copies_are_handed_to_who_stands_by() {
    let bench = Sqlite::new();
    let leaving = bench.join("work", "shared").await;
    let heir = bench.join("home", "shared").await;
    let apart = bench.join("home", "own").await;
    let db = &bench.db;
    let standby = |name: &str| Row {
        state: RowState::Standby,
        ..row(name, &[name], &[])
    };
    let mut copy = row("a", &["a"], &["x"]);
    copy.generation = 3;
    let native = Row {
        copy: None,
        ..row("n", &["n"], &["y"])
    };
    put(
        db,
        &leaving,
        &[copy.clone(), native, row("b", &["b"], &["z"])],
    )
    .await;
    put(
        db,
        &heir,
        &[standby("a"), standby("n"), row("b", &["b"], &["own"])],
    )
    .await;
    put(db, &apart, &[standby("a")]).await;

    let expected = [copy.uid.clone()];
    for seconds in [5, 6] {
        let handed = db.hand_over(&leaving.id, at(seconds)).await.unwrap();
        assert_eq!(handed, expected, "called again it says the same");
    }
    let found = db.namesakes(&leaving.google, &expected).await.unwrap();
    let taken = found.into_iter().find(|found| found.mapping == heir.id);
    let taken = taken.unwrap().row;
    assert_eq!(taken.link::<Google>(), copy.link::<Google>());
    assert_eq!((taken.generation, taken.due), (3, Some(at(5))));
    // Once the heir has taken it over, it still has to be spared.
    let active = Row {
        state: RowState::Active,
        ..taken
    };
    put(db, &heir, &[active]).await;
    assert_eq!(db.hand_over(&leaving.id, at(7)).await.unwrap(), expected);
    let other = db.namesakes(&apart.google, &expected).await.unwrap();
    assert_eq!(other[0].row, standby("a"), "another calendar's");
}

#[tokio::test]
async fn a_mapping_that_is_off_inherits_nothing() {
    let bench = Sqlite::new();
    let leaving = bench.join("work", "shared").await;
    let heir = bench.join("home", "shared").await;
    let db = &bench.db;
    db.enable_mapping(&heir.id, false, at(1)).await.unwrap();
    put(db, &leaving, &[row("a", &["a"], &["x"])]).await;
    let standby = Row {
        state: RowState::Standby,
        ..row("a", &["a"], &[])
    };
    put(db, &heir, &[standby]).await;
    assert!(db.hand_over(&leaving.id, at(5)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_namesake_says_whether_its_mapping_runs_and_where_to() {
    let bench = Sqlite::new();
    let joined = bench.join("home", "shared").await;
    let db = &bench.db;
    let a = row("a", &["a"], &[]);
    put(db, &joined, std::slice::from_ref(&a)).await;
    let uids = [a.uid.clone()];
    let told = async || {
        let found = db.namesakes(&joined.google, &uids).await.unwrap();
        (found[0].runs, found[0].writes)
    };
    assert_eq!(told().await, (true, true));
    let settings = |enabled, direction| MappingSettings {
        enabled,
        direction,
        ..MappingSettings::default()
    };
    for (settings, expected) in [
        (settings(false, Direction::CaldavToGoogle), (false, true)),
        (settings(true, Direction::GoogleToCaldav), (true, false)),
        (settings(true, Direction::Bidirectional), (true, true)),
    ] {
        db.set_mapping(&joined.id, settings, false, at(2))
            .await
            .unwrap();
        assert_eq!(told().await, expected);
    }
}

#[tokio::test]
async fn a_loop_waits_for_somebody_and_is_counted_until_then() {
    let bench = Sqlite::new();
    let joined = bench.join("home", "own").await;
    let db = &bench.db;
    let mut looped = row("a", &["a"], &["x"]);
    looped.state = RowState::SetAside;
    looped.due = Some(Timestamp::MAX);
    let setback = Setback {
        attempts: 0,
        until: Timestamp::MAX,
        code: "loop".to_owned(),
        detail: "Something puts it back.".to_owned(),
    };
    looped.setbacks = vec![(ComponentKey::Master, setback)];
    put(db, &joined, &[looped]).await;
    let left = db.left(&joined.id, 10).await.unwrap();
    assert_eq!((left.len(), left[0].next_attempt), (1, None));
    let late = at(365 * 86_400);
    let (caldav, google) = (&joined.caldav, &joined.google);
    let changes = db.changes(&joined.id, caldav, google, late, false).await;
    assert!(changes.unwrap().due.is_empty(), "it is never due");
}

#[tokio::test]
async fn what_is_old_is_forgotten() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let old = finished(db, &joined, 0, 1).await;
    let kept = [
        finished(db, &joined, 80 * DAY, 1).await,
        finished(db, &joined, 80 * DAY, 0).await,
    ];
    meet(db, &joined, 0, vec![conflict("open", None)]).await;
    meet(db, &joined, 0, vec![conflict("done", Some(Winner::Google))]).await;
    let seen = ["a", "b", "c"].map(|name| present(name, name, "A", "1"));
    db.record(&joined.caldav, part(0, seen.into()))
        .await
        .unwrap();
    let left = vec![gone("a"), gone("b")];
    db.record(&joined.caldav, part(1, left)).await.unwrap();
    put(db, &joined, &[row("b", &["b"], &["x"])]).await;

    let purged = db.purge(at(100 * DAY), Retention::default()).await.unwrap();
    let expected = Purged {
        runs: 1,
        conflicts: 1,
        messages: 0,
        gone: 1,
    };
    assert_eq!(purged, expected);
    assert!(db.run(&old).await.is_err());
    assert_eq!(db.undoable(&old).await.unwrap(), 0);
    for run in &kept {
        assert_eq!(db.undoable(run).await.unwrap(), 1);
    }
    assert!(db.conflict(&ConflictId::new("open")).await.is_ok());
    let again = db.purge(at(100 * DAY), Retention::default()).await.unwrap();
    assert_eq!(again, Purged::default());

    // Both kinds are counted by themselves, and a mapping's last run is never forgotten.
    let few = Retention {
        runs: 0,
        ..Retention::default()
    };
    assert_eq!(db.purge(at(100 * DAY), few).await.unwrap().runs, 1);
    assert!(db.run(&kept[1]).await.is_ok());
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caldav_sync.db");
    let mut conn = Connection::open(&path).unwrap();
    let first = include_str!("../../../../migrations/V1__first.sql");
    let steps = [Migration::unapplied("V1__first", first).unwrap()];
    Runner::new(&steps).run(&mut conn).unwrap();
    let body = serde_json::to_string(&row("a", &["a"], &["x"])).unwrap();
    conn.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF; \
         INSERT INTO sync_row (mapping_id, key, state, tracked, body) \
         VALUES ('m', 'caldav:a', 'active', 1, '{body}'); \
         INSERT INTO mapping_state (mapping_id, state) VALUES \
         ('m', '{{\"first_plan_done\":true,\"planned_with\":\"f\",\"absences\":[],\
         \"caldav_empty_since\":null,\"google_empty_since\":null,\
         \"held\":{{\"id\":\"p\"}},\"approved\":\"p\"}}'), \
         ('n', '{{\"first_plan_done\":true,\"planned_with\":\"f\",\"absences\":[],\
         \"caldav_empty_since\":null,\"google_empty_since\":null,\
         \"held\":null,\"approved\":null}}');"
    ))
    .unwrap();
    drop(conn);
    let db = Db::open(&path, keys()).unwrap();
    for (mapping, planned_with) in [("m", ""), ("n", "f")] {
        let id = sync_engine::model::MappingId::new(mapping);
        let state = db.mapping_state(&id).await.unwrap();
        assert!(state.first_plan_done && state.held.is_empty() && state.approved.is_empty());
        assert_eq!(
            state.planned_with, planned_with,
            "what was held is planned anew"
        );
    }
    db.close().await;
    let uid: String = Connection::open(&path)
        .unwrap()
        .query_row("SELECT uid FROM sync_row", [], |row| row.get(0))
        .unwrap();
    assert_eq!(uid, "a@example.com");
}
