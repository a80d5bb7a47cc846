//! What is done to a database beside the process that has it open, and in its place.

use std::path::Path;

use rusqlite::Connection;
use secrecy::SecretString;
use store::records::UiSession;
use store::{Db, Existing, Keys, Staged, StoreError};

use crate::bench::{Bench as _, Sqlite, add_caldav, at, keys};

/// A backup of a database with one mapping; the folder it is in.
async fn backup() -> (tempfile::TempDir, std::path::PathBuf) {
    let bench = Sqlite::new();
    bench.join("work", "w").await;
    sign_in(&bench.db).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.sqlite");
    store::back_up(&bench.path(), &file, Existing::Refuse).unwrap();
    (folder, file)
}

/// A key, and a browser that has signed in with it.
async fn sign_in(db: &Db) {
    let key = db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    let session = UiSession {
        hash: [3; 32],
        key_id: key.id,
        csrf: "token".to_owned(),
        address: "192.0.2.1".to_owned(),
        agent: "Browser".to_owned(),
        created_at: at(0),
        seen_at: at(0),
    };
    db.add_session(session).await.unwrap();
    assert!(db.session(&[3; 32]).await.unwrap().is_some());
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_look_reads_beside_the_owner_and_writes_nothing() {
    let bench = Sqlite::new();
    let alice = add_caldav(&bench.db, "alice", &[]).await;
    assert!(store::is_open(&bench.path()).unwrap());
    let look = Db::look(&bench.path(), keys()).unwrap();
    assert!(look.is_read_only() && !bench.db.is_read_only());
    assert_eq!(look.caldav_accounts().await.unwrap()[0].id, alice);
    assert!(look.caldav_password(&alice).await.is_ok());
    assert!(matches!(look.check().await, Err(StoreError::ReadOnly)));
    // What its owner writes meanwhile is seen.
    add_caldav(&bench.db, "bob", &[]).await;
    assert_eq!(look.caldav_accounts().await.unwrap().len(), 2);
    look.close().await;
    let wrong = Db::look(&bench.path(), Keys::new([8; 32]));
    assert!(matches!(wrong, Err(StoreError::WrongKey { .. })));
    bench.db.check().await.unwrap();
    bench.db.clone().close().await;
    assert!(!store::is_open(&bench.path()).unwrap());
    assert!(Db::look(&bench.folder.path().join("none.db"), keys()).is_err());
}

#[tokio::test]
async fn asking_whether_it_is_open_keeps_nobody_from_opening_it() {
    let bench = Sqlite::new();
    bench.db.clone().close().await;
    let path = bench.path();
    let asks = std::thread::spawn({
        let path = path.clone();
        move || {
            for _ in 0..2000 {
                store::is_open(&path).unwrap();
            }
        }
    });
    while !asks.is_finished() {
        Db::open(&path, keys()).unwrap().close().await;
    }
    asks.join().unwrap();
}

#[tokio::test]
async fn an_inspection_names_what_is_wrong() {
    let bench = Sqlite::new();
    add_caldav(&bench.db, "alice", &[]).await;
    let found = bench.db.inspect(true).await.unwrap();
    assert!(found.sound.is_ok() && found.schema.is_ok() && found.bytes > 0);
    assert!(matches!(found.key, Some(Ok(()))));
    let other = store::inspect(&bench.path(), Some(&Keys::new([8; 32])), false).unwrap();
    assert!(matches!(other.key, Some(Err(StoreError::WrongKey { .. }))));
    let foreign = bench.folder.path().join("songs.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE songs (name TEXT)")
        .unwrap();
    let foreign = store::inspect(&foreign, Some(&keys()), false).unwrap();
    assert!(matches!(foreign.schema, Err(StoreError::Foreign { .. })));
    assert!(foreign.key.is_none());
}

#[tokio::test]
async fn a_new_key_counts_at_once_and_sessions_are_over() {
    let bench = Sqlite::new();
    sign_in(&bench.db).await;
    store::replace_api_key(&bench.path(), "admin", &[2; 32], at(1)).unwrap();
    let keys = bench.db.api_keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].hash, [2; 32]);
    assert!(bench.db.session(&[3; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn the_time_of_the_last_whole_check_is_kept() {
    let bench = Sqlite::new();
    assert_eq!(bench.db.sound_at().await.unwrap(), None);
    bench.db.set_sound_at(at(5)).await.unwrap();
    bench.db.set_sound_at(at(7)).await.unwrap();
    assert_eq!(bench.db.sound_at().await.unwrap(), Some(at(7)));
}

#[tokio::test]
async fn a_restored_database_waits_and_the_replaced_one_is_kept() {
    let (_backup, file) = backup().await;
    let bench = Sqlite::new();
    add_caldav(&bench.db, "later", &[]).await;
    let refused = Staged::take(&file, &bench.path());
    assert!(matches!(refused, Err(StoreError::InUse { .. })));
    bench.db.clone().close().await;
    let staged = Staged::take(&file, &bench.path()).unwrap();
    let opened = Db::open(&bench.path(), keys());
    assert!(matches!(opened, Err(StoreError::InUse { .. })), "not now");
    assert!(staged.opens_with(&Keys::new([8; 32])).is_err());
    staged.opens_with(&keys()).unwrap();
    let restored = staged.put(&keys(), at(9)).unwrap();
    assert_eq!(restored.mappings, 1);

    let db = Db::open(&bench.path(), keys()).unwrap();
    let mapping = db.mappings().await.unwrap().remove(0);
    assert_eq!(mapping.restored_at, Some(at(9)));
    assert_eq!(db.caldav_accounts().await.unwrap()[0].username, "alice");
    assert!(db.session(&[3; 32]).await.unwrap().is_none(), "signed out");
    db.confirm_restored(&mapping.id).await.unwrap();
    assert_eq!(db.mapping(&mapping.id).await.unwrap().restored_at, None);
    db.close().await;
    let kept = restored.kept.unwrap();
    let replaced = Db::look(&kept, keys()).unwrap();
    assert_eq!(
        replaced.caldav_accounts().await.unwrap()[0].username,
        "later"
    );
    replaced.close().await;
    assert!(
        files(bench.folder.path())
            .iter()
            .all(|name| !name.contains("restoring") && !name.contains("wal")),
        "{:?}",
        files(bench.folder.path())
    );
}

#[tokio::test]
async fn what_is_no_backup_changes_nothing() {
    let (backups, file) = backup().await;
    let bench = Sqlite::new();
    bench.db.clone().close().await;
    let before = std::fs::read(bench.path()).unwrap();
    let newer = backups.path().join("newer.sqlite");
    std::fs::copy(&file, &newer).unwrap();
    Connection::open(&newer)
        .unwrap()
        .execute_batch("UPDATE refinery_schema_history SET version = version + 500")
        .unwrap();
    let foreign = backups.path().join("foreign.sqlite");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE songs (name TEXT)")
        .unwrap();
    let text = backups.path().join("text");
    std::fs::write(&text, "no database at all, but long enough to look at").unwrap();
    let broken = backups.path().join("broken.sqlite");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 9000].fill(0x55);
    std::fs::write(&broken, bytes).unwrap();
    for wrong in [&newer, &foreign, &text, &broken, &backups.path().join("no")] {
        let taken = Staged::take(wrong, &bench.path());
        assert!(taken.is_err(), "{wrong:?}");
    }
    let unknown = Staged::take(&file, &bench.path()).unwrap();
    let put = unknown.put(&Keys::new([8; 32]), at(9));
    assert!(matches!(put, Err(StoreError::WrongKey { .. })));
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
    assert!(!bench.folder.path().join("backups").exists());
}

#[tokio::test]
async fn a_broken_database_is_replaced_and_kept_with_its_log() {
    let (_backup, file) = backup().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caldav_sync.db");
    // What an interrupted restoration leaves is in nobody's way.
    std::fs::create_dir(folder.path().join("caldav_sync.db.restoring")).unwrap();
    std::fs::write(&path, "a disk has had its way with this file, alas").unwrap();
    std::fs::write(folder.path().join("caldav_sync.db-wal"), "and its log").unwrap();
    let staged = Staged::take(&file, &path).unwrap();
    let kept = staged.put(&keys(), at(9)).unwrap().kept.unwrap();
    let db = Db::open(&path, keys()).unwrap();
    assert_eq!(db.mappings().await.unwrap().len(), 1);
    let mut log = kept.clone().into_os_string();
    log.push("-wal");
    assert!(std::fs::read_to_string(kept).unwrap().starts_with("a disk"));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "and its log");
}

#[tokio::test]
async fn a_backup_goes_into_an_empty_folder() {
    let (_backup, file) = backup().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("caldav_sync.db");
    let restored = Staged::take(&file, &path)
        .unwrap()
        .put(&keys(), at(9))
        .unwrap();
    assert_eq!(restored.kept, None);
    let db = Db::open(&path, keys()).unwrap();
    let account = db.caldav_accounts().await.unwrap().remove(0);
    let password: SecretString = db.caldav_password(&account.id).await.unwrap();
    drop(password);
}
