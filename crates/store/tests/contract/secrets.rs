//! Secrets at rest: nothing readable in the files, nothing opens in another place or with another
//! key, and a change of keys can be interrupted.

use rusqlite::Connection;
use secrecy::{ExposeSecret as _, SecretString};
use store::records::{NewWebhook, OauthState, WebhookSource};
use store::{Db, Existing, Keys, StoreError};

use crate::bench::{Sqlite, add_caldav, add_google, at, keys};

const CANARIES: [&str; 6] = [
    "pw-canary-91c4",
    "refresh-canary-5d02",
    "access-canary-77aa",
    "hook-canary-3f3f",
    "verifier-canary-8e8e",
    "former-canary-2a2a",
];

async fn fill(db: &Db) {
    add_caldav(db, "alice", &["work"]).await;
    add_google(db, "alice@example.com").await;
    let webhook = NewWebhook {
        id: None,
        url: "https://hooks.example/".to_owned(),
        secret: Some(SecretString::from(CANARIES[5])),
        enabled: true,
    };
    let put = db.put_webhooks(WebhookSource::Ui, vec![webhook], at(0));
    let webhook = put.await.unwrap().remove(0);
    let secret = SecretString::from(CANARIES[3]);
    let changed = db.change_webhook_secret(&webhook.id, &secret, at(600));
    changed.await.unwrap();
    let state = OauthState {
        hash: [1; 32],
        verifier: SecretString::from(CANARIES[4]),
        session_hash: [2; 32],
        redirect_uri: "http://localhost/oauth/callback".to_owned(),
        expires_at: at(600),
    };
    db.add_oauth_state(state, at(0)).await.unwrap();
}

#[tokio::test]
async fn no_secret_can_be_read_from_the_files() {
    let bench = Sqlite::new();
    fill(&bench.db).await;
    let copy = bench.folder.path().join("copy.db");
    store::back_up(&bench.path(), &copy, Existing::Refuse).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        files += 1;
        for canary in CANARIES {
            let hit = bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes());
            assert!(!hit, "{canary} in {path:?}");
        }
    }
    assert!(files >= 4, "database, log, shared memory, copy");
}

#[tokio::test]
async fn what_was_sealed_comes_back_and_is_never_shown() {
    let bench = Sqlite::new();
    fill(&bench.db).await;
    let account = bench.db.caldav_accounts().await.unwrap().remove(0);
    let password = bench.db.caldav_password(&account.id).await.unwrap();
    assert_eq!(password.expose_secret(), CANARIES[0]);
    let google = bench.db.google_accounts().await.unwrap().remove(0);
    let tokens = bench.db.google_tokens(&google.id).await.unwrap();
    assert_eq!(tokens.refresh.expose_secret(), CANARIES[1]);
    let access = tokens.access.as_ref().map(SecretString::expose_secret);
    assert_eq!(access, Some(CANARIES[2]));
    assert_eq!(tokens.expires_at, Some(at(3600)));
    let shown = format!("{:?} {account:?} {google:?} {tokens:?}", bench.db);
    for canary in CANARIES {
        assert!(!shown.contains(canary), "{shown}");
    }
}

#[tokio::test]
async fn swapped_cells_do_not_open() {
    let bench = Sqlite::new();
    let alice = add_caldav(&bench.db, "alice", &[]).await;
    let bob = add_caldav(&bench.db, "bob", &[]).await;
    bench.db.clone().close().await;
    let conn = Connection::open(bench.path()).unwrap();
    conn.execute(
        "UPDATE caldav_account SET password = \
         (SELECT password FROM caldav_account WHERE account_id = ?1) WHERE account_id = ?2",
        [alice.as_str(), bob.as_str()],
    )
    .unwrap();
    drop(conn);
    let db = Db::open(&bench.path(), keys()).unwrap();
    assert!(db.caldav_password(&alice).await.is_ok());
    let moved = db.caldav_password(&bob).await;
    assert!(matches!(moved, Err(StoreError::Unsealable { .. })));
}

#[tokio::test]
async fn a_wrong_key_is_noticed_before_anything_is_touched() {
    let bench = Sqlite::new();
    fill(&bench.db).await;
    bench.db.clone().close().await;
    let before = std::fs::read(bench.path()).unwrap();
    let error = Db::open(&bench.path(), Keys::new([8; 32])).unwrap_err();
    let StoreError::WrongKey { key_id } = &error else {
        panic!("{error}");
    };
    assert_eq!(key_id, keys().primary_id(), "the key that is wanted");
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
    assert!(Db::open(&bench.path(), keys()).is_ok());
}

#[tokio::test]
async fn changing_keys_reseals_everything_and_forgets_the_old_key() {
    let bench = Sqlite::new();
    fill(&bench.db).await;
    for name in 0..150 {
        add_caldav(&bench.db, &format!("user{name}"), &[]).await;
    }
    bench.db.clone().close().await;

    // Begun and interrupted: both keys are needed from the moment the new one is in use.
    let both = Keys::new([9; 32]).with_older([7; 32]);
    Db::open(&bench.path(), both.clone()).unwrap().close().await;
    for single in [keys(), Keys::new([9; 32])] {
        let opened = Db::open(&bench.path(), single);
        assert!(matches!(opened, Err(StoreError::WrongKey { .. })));
    }
    let conn = Connection::open(bench.path()).unwrap();
    let sealed_old = |conn: &Connection| -> i64 {
        let like = format!("v1.{}.%", keys().primary_id());
        conn.query_row(
            "SELECT count(*) FROM caldav_account WHERE password LIKE ?1",
            [like],
            |row| row.get(0),
        )
        .unwrap()
    };
    assert_eq!(sealed_old(&conn), 151);

    assert_eq!(
        store::rekey(&bench.path(), &both).unwrap(),
        156,
        "151 passwords and five others"
    );
    let again = store::rekey(&bench.path(), &both).unwrap();
    assert_eq!(again, 0, "nothing is left to do");
    assert_eq!(sealed_old(&conn), 0);
    drop(conn);
    let bytes = std::fs::read(bench.path()).unwrap();
    let old = format!("v1.{}.", keys().primary_id());
    let hit = bytes
        .windows(old.len())
        .any(|window| window == old.as_bytes());
    assert!(
        !hit,
        "something sealed with the old key is still in the file"
    );
    assert!(
        Db::open(&bench.path(), keys()).is_err(),
        "the old key is worth nothing"
    );
    let db = Db::open(&bench.path(), Keys::new([9; 32])).unwrap();
    let account = db.caldav_accounts().await.unwrap().remove(0);
    let password = db.caldav_password(&account.id).await.unwrap();
    assert_eq!(password.expose_secret(), CANARIES[0]);
}
