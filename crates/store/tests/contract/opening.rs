//! The file: its settings, its lock, its copies, what is refused, what survives a kill.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use store::{Db, Existing, StoreError};
use sync_engine::ports::store::Store as _;

use crate::bench::{Bench as _, Sqlite, keys};
use crate::conformance::{intent, row};

fn raw(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

#[tokio::test]
async fn every_connection_has_its_settings() {
    let bench = Sqlite::new();
    let pragmas = bench.db.pragmas();
    assert!(pragmas.len() >= 3, "a writer and a few readers");
    for (at, pragmas) in pragmas.iter().enumerate() {
        assert_eq!(pragmas.journal_mode, "wal");
        assert_eq!(pragmas.synchronous, 2, "FULL");
        assert!(pragmas.foreign_keys);
        assert_eq!(pragmas.busy_timeout, 5000);
        assert_eq!(pragmas.query_only, at > 0, "only the first may write");
    }
    bench.db.check().await.unwrap();
    bench.db.check().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Sqlite::new();
    bench.db.check().await.unwrap();
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_second_opening_is_refused_until_the_first_is_closed() {
    let bench = Sqlite::new();
    let second = Db::open(&bench.path(), keys());
    assert!(matches!(second, Err(StoreError::InUse { .. })));
    let clone = bench.db.clone();
    bench.db.clone().close().await;
    assert!(matches!(clone.mappings().await, Err(StoreError::Closed)));
    assert!(matches!(clone.check().await, Err(StoreError::Closed)));
    Db::open(&bench.path(), keys()).unwrap().close().await;
}

#[tokio::test]
async fn closing_folds_the_log_in() {
    let bench = Sqlite::new();
    bench.db.check().await.unwrap();
    let log = bench.folder.path().join("caldav_sync.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    bench.db.clone().close().await;
    assert_eq!(log.metadata().map_or(0, |log| log.len()), 0);
}

#[tokio::test]
async fn an_intent_survives_a_kill() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let written = intent("run_1:1", row("a", &["a"], &[]));
    bench.db.intend(&joined.id, &written).await.unwrap();
    let after = bench.killed();
    let open = after.db.open_intents(&joined.id).await.unwrap();
    assert_eq!(open, [written]);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_its_writer_named() {
    let bench = Sqlite::new();
    bench.db.clone().close().await;
    let conn = raw(&bench.path());
    conn.execute_batch(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES (999, 'future', '2030-01-01T00:00:00Z', '1'); \
         UPDATE meta SET value = '9.9.9' WHERE key = 'written_by';",
    )
    .unwrap();
    drop(conn);
    let before = std::fs::read(bench.path()).unwrap();
    let error = Db::open(&bench.path(), keys()).unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 999, .. }));
    assert!(error.to_string().contains("9.9.9"), "{error}");
    assert_eq!(std::fs::read(bench.path()).unwrap(), before, "untouched");
    assert!(!bench.folder.path().join("backups").exists());
}

/// A file none of whose steps is done.
fn set_back(path: &Path) {
    let conn = raw(path);
    let tables: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|name: &String| {
            !["refinery_schema_history", "meta", "seal_key"].contains(&name.as_str())
        })
        .collect();
    conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for table in tables {
        conn.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    conn.execute_batch(
        "DELETE FROM refinery_schema_history WHERE version > 1; \
         UPDATE refinery_schema_history SET version = 0, name = 'earlier'",
    )
    .unwrap();
}

#[tokio::test]
async fn an_older_file_is_copied_before_it_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caldav_sync.db");
    for round in 1..=5 {
        let _ = std::fs::remove_file(&path);
        Db::open(&path, keys()).unwrap().close().await;
        set_back(&path);
        // The first step cannot run on such a file; what counts is the copy before it.
        assert!(matches!(
            Db::open(&path, keys()),
            Err(StoreError::Migration { .. })
        ));
        let mut copies: Vec<_> = std::fs::read_dir(folder.path().join("backups"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        copies.sort();
        assert_eq!(copies.len(), round.min(3), "{copies:?}");
        let copy = raw(copies.last().unwrap());
        let version: u32 = copy
            .query_row(
                "SELECT max(version) FROM refinery_schema_history",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(version, 0, "as it was before");
    }
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caldav_sync.db");
    raw(&path)
        .execute_batch("CREATE TABLE songs (name TEXT)")
        .unwrap();
    let error = Db::open(&path, keys()).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    std::fs::write(&path, "this is no database, but long enough to look at").unwrap();
    assert!(Db::open(&path, keys()).is_err());
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    for number in 0..200 {
        let written = intent(&format!("run_1:{number}"), row("a", &["a"], &[]));
        bench.db.intend(&joined.id, &written).await.unwrap();
    }
    bench.db.clone().close().await;
    let mut bytes = std::fs::read(bench.path()).unwrap();
    let middle = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(middle).take(20_000) {
        *byte = 0x55;
    }
    std::fs::write(bench.path(), bytes).unwrap();
    let error = Db::open(&bench.path(), keys()).unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { .. } | StoreError::Sql { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_copy_made_while_running_is_whole() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let copy = bench.folder.path().join("copy.db");
    let writes = async {
        for number in 0..50 {
            let written = intent(&format!("run_1:{number}"), row("a", &["a"], &[]));
            bench.db.intend(&joined.id, &written).await.unwrap();
        }
    };
    let (path, to) = (bench.path(), copy.clone());
    let copying = tokio::task::spawn_blocking(move || store::back_up(&path, &to, Existing::Refuse));
    let ((), copied) = tokio::join!(writes, copying);
    copied.unwrap().unwrap();
    let restored = Db::open(&copy, keys()).unwrap();
    assert_eq!(restored.mappings().await.unwrap().len(), 1);
    restored.close().await;
    let again = store::back_up(&bench.path(), &copy, Existing::Refuse);
    assert!(
        matches!(again, Err(StoreError::File { .. })),
        "never overwritten unasked"
    );
    store::back_up(&bench.path(), &copy, Existing::Replace).unwrap();
    let none = bench.folder.path().join("none.db");
    let nothing = store::back_up(&none, &bench.folder.path().join("x"), Existing::Refuse);
    assert!(nothing.is_err());
    assert!(!none.exists(), "nothing is made where nothing was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_all_get_their_answer() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let mut tasks = Vec::new();
    for number in 0..200 {
        let (db, mapping) = (bench.db.clone(), joined.id.clone());
        tasks.push(tokio::spawn(async move {
            let name = format!("s{number}");
            let written = intent(&format!("run_1:{number}"), row(&name, &[&name], &[]));
            db.intend(&mapping, &written).await.unwrap();
            // What was answered is there for every reader.
            let open = db.open_intents(&mapping).await.unwrap();
            assert!(open.contains(&written));
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(1), task)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(bench.db.open_intents(&joined.id).await.unwrap().len(), 200);
}

#[tokio::test]
async fn one_refused_write_takes_no_other_with_it() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let stranger = sync_engine::model::MappingId::new("map_none");
    let written = intent("run_1:1", row("a", &["a"], &[]));
    let (good, bad, other) = tokio::join!(
        bench.db.intend(&joined.id, &written),
        bench.db.intend(&stranger, &written),
        bench.db.check(),
    );
    good.unwrap();
    other.unwrap();
    assert!(matches!(bad, Err(StoreError::NotFound { .. })));
    assert_eq!(bench.db.open_intents(&joined.id).await.unwrap().len(), 1);
}
