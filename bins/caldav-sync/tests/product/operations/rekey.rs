//! `rekey`: killed half-way and gone on with, with the key in the folder and in the environment.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rusqlite::Connection;
use secrecy::SecretString;
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use store::records::NewCaldavAccount;
use store::{Db, Keys};

use super::ended;
use crate::common::{Program, Stage, command, event};

/// So many that a change of keys takes many transactions.
const MANY: i64 = 4000;

fn key_of(data: &Path) -> String {
    let key = std::fs::read_to_string(data.join("secret.key")).unwrap();
    key.trim().to_owned()
}

fn id_of(key: &str) -> String {
    let keys = Keys::from_base64(&SecretString::from(key)).unwrap();
    keys.primary_id().to_owned()
}

/// Adds accounts that are never asked, with a password each.
async fn add_accounts(data: &Path) {
    let keys = Keys::from_base64(&SecretString::from(key_of(data))).unwrap();
    let path = data.join("caldav_sync.db");
    let db = tokio::task::spawn_blocking(move || Db::open(&path, keys));
    let db = db.await.unwrap().unwrap();
    let now = jiff::Timestamp::now();
    let added = (0..MANY).map(|number| {
        let new = NewCaldavAccount {
            name: format!("Account {number}"),
            base_url: "https://dav.example/".to_owned(),
            username: format!("user{number}"),
            password: SecretString::from(format!("password-{number}-of-many")),
            trusted_fingerprint: None,
            profile: serde_json::json!({}),
            managed: false,
        };
        db.add_caldav_account(new, Vec::new(), now)
    });
    for added in join_all(added).await {
        added.unwrap();
    }
    db.close().await;
}

/// How many passwords are sealed with a key.
fn sealed_with(conn: &Connection, key: &str) -> i64 {
    let like = format!("v1.{}.%", id_of(key));
    let sql = "SELECT count(*) FROM caldav_account WHERE password LIKE ?1";
    conn.query_row(sql, [like], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_it_goes_on_when_called_again() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Breakfast", 3));
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let told = ended(&stage.run(&["rekey"]), 1);
    assert!(told.contains("Stop it first"), "{told}");
    assert!(stage.down().terminate().0.success());
    assert!(!stage.data().join("secret.key.new").exists());
    add_accounts(stage.data()).await;
    let old = key_of(stage.data());
    let backup = tempfile::tempdir().unwrap();
    let backup = backup.path().join("before.sqlite");
    ended(&stage.run(&["backup", backup.to_str().unwrap()]), 0);

    // As soon as some of them are sealed anew it is killed.
    let conn = Connection::open(stage.data().join("caldav_sync.db")).unwrap();
    let environment = [("DATA_DIR".to_owned(), stage.data().display().to_string())];
    let mut child = command(&["rekey"], &environment.into()).spawn().unwrap();
    let begun = Instant::now();
    while sealed_with(&conn, &old) > MANY {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "it does not begin"
        );
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = sealed_with(&conn, &old);
    drop(conn);
    assert!(
        0 < left && left <= MANY,
        "half-way: {left} of {MANY} are left"
    );
    assert_eq!(
        key_of(stage.data()),
        old,
        "the old key is kept until the end"
    );

    // Neither key alone opens it now; nothing starts, and it is said what to do.
    let told = ended(&stage.run(&["serve"]), 78);
    assert!(told.contains("caldav-sync rekey"), "{told}");
    let told = ended(&stage.run(&["rekey"]), 0);
    assert!(told.contains("goes on now"), "{told}");
    let new = key_of(stage.data());
    assert_ne!(new, old);
    let conn = Connection::open(stage.data().join("caldav_sync.db")).unwrap();
    assert_eq!(sealed_with(&conn, &old), 0);
    assert_eq!(sealed_with(&conn, &new), MANY + 1);
    drop(conn);
    assert!(!stage.data().join("secret.key.new").exists());
    stage.up();
    stage.api().sync_well(&mapping).await;

    // What was backed up before opens with the key that was kept.
    assert!(stage.down().terminate().0.success());
    let kept = stage
        .data()
        .join(format!("backups/secret-{}.key", id_of(&old)));
    let arguments = ["restore", backup.to_str().unwrap()];
    ended(&stage.run(&arguments), 78);
    let arguments = [arguments[0], arguments[1], "--key", kept.to_str().unwrap()];
    ended(&stage.run(&arguments), 0);
    assert_eq!(key_of(stage.data()), old);
}

#[test]
fn with_the_key_in_the_environment_the_old_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let one = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let two = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";
    let three = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    let serves = |key: Option<&str>| {
        let key = key.map(|key| ("SECRET_KEY".to_owned(), key.to_owned()));
        let program = Program::serve(folder.path(), &key.into_iter().collect());
        assert!(program.terminate().0.success());
    };
    let rekey = |more: &[(&str, &str)]| {
        let environment: Vec<_> = [("DATA_DIR", data)]
            .into_iter()
            .chain(more.to_vec())
            .collect();
        Program::run(&["rekey"], &environment)
    };
    serves(Some(one));
    let told = ended(&rekey(&[("SECRET_KEY", two)]), 78);
    assert!(told.contains("OLD_SECRET_KEY"), "{told}");
    let told = ended(
        &rekey(&[("SECRET_KEY", two), ("OLD_SECRET_KEY", three)]),
        78,
    );
    assert!(told.contains("another key"), "{told}");
    serves(Some(one));
    ended(&rekey(&[("SECRET_KEY", two), ("OLD_SECRET_KEY", one)]), 0);
    serves(Some(two));
    let told = ended(
        &Program::run(&["serve"], &[("DATA_DIR", data), ("SECRET_KEY", one)]),
        78,
    );
    assert!(told.contains("another key"), "{told}");

    // From a key in the folder to one in the environment.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert!(
        Program::serve(folder.path(), &[].into())
            .terminate()
            .0
            .success()
    );
    let moved = [("DATA_DIR", data), ("SECRET_KEY", two)];
    ended(&Program::run(&["rekey"], &moved), 0);
    assert!(!folder.path().join("secret.key").exists());
    let key = [("SECRET_KEY".to_owned(), two.to_owned())];
    assert!(
        Program::serve(folder.path(), &key.into())
            .terminate()
            .0
            .success()
    );
}
