//! API keys, sessions, sign-ins under way.

use secrecy::{ExposeSecret as _, SecretString};
use store::records::{ApiKey, KeyScope, OauthState, UiSession};
use store::{Db, StoreError};
use sync_engine::model::time::Timestamp;

use crate::bench::{Sqlite, at};

#[tokio::test]
async fn the_first_key_is_replaced_and_its_sessions_end() {
    let db = Sqlite::new().db;
    let first = db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    db.add_session(session(1, &first.id, 5)).await.unwrap();
    db.touch_api_key(&first.id, at(10)).await.unwrap();
    db.touch_api_key(&first.id, at(20)).await.unwrap();
    let same = db.put_api_key("admin", &[1; 32], at(30)).await.unwrap();
    assert_eq!((same.created_at, same.used_at), (at(0), Some(at(10))));
    assert!(db.session(&[1; 32]).await.unwrap().is_some());
    let other = db.put_api_key("admin", &[2; 32], at(40)).await.unwrap();
    assert_eq!((&other.id, other.hash), (&first.id, [2; 32]));
    assert_eq!((other.created_at, other.used_at), (at(40), None));
    assert!(db.session(&[1; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn the_first_key_may_be_set_to_one_that_had_another_name() {
    let db = Sqlite::new().db;
    db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    let script = add(&db, "script", 3).await.unwrap();
    db.add_session(session(1, &script.id, 5)).await.unwrap();
    let admin = db.put_api_key("admin", &[3; 32], at(10)).await.unwrap();
    assert_eq!(admin.scope, KeyScope::Admin);
    assert_eq!(db.api_keys().await.unwrap(), [admin]);
    assert!(db.session(&[1; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn keys_have_names_and_scopes_and_are_revoked_for_good() {
    let db = Sqlite::new().db;
    db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    let script = add(&db, "script", 3).await.unwrap();
    assert_eq!(script.scope, KeyScope::Sync);
    let twin = add(&db, "script", 4).await;
    assert!(matches!(twin, Err(StoreError::Exists { id, .. }) if id == script.id));
    db.add_session(session(1, &script.id, 5)).await.unwrap();
    db.revoke_api_key(&script.id, at(30)).await.unwrap();
    db.revoke_api_key(&script.id, at(40)).await.unwrap();
    assert!(db.session(&[1; 32]).await.unwrap().is_none());
    let keys = db.api_keys().await.unwrap();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["admin", "script"]);
    assert_eq!(keys[1].revoked_at, Some(at(30)));
    let admin = &keys[0].id;
    assert!(!db.revoke_api_key(admin, at(50)).await.unwrap());
    assert_eq!(db.api_keys().await.unwrap()[0].revoked_at, None);
    let missing = db.revoke_api_key("key_none", at(1)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    // The name is free again; what the old one's sessions were is not taken over.
    let again = add(&db, "script", 5).await.unwrap();
    assert_ne!(again.id, script.id);
    assert_eq!((again.hash, again.revoked_at), ([5; 32], None));
}

async fn add(db: &Db, name: &str, hash: u8) -> Result<ApiKey, StoreError> {
    let hash = [hash; 32];
    db.add_api_key(name, KeyScope::Sync, &hash, at(2)).await
}

fn session(number: u8, key: &str, seconds: i64) -> UiSession {
    UiSession {
        hash: [number; 32],
        key_id: key.to_owned(),
        csrf: format!("token {number}"),
        address: "192.0.2.1".to_owned(),
        agent: "Browser".to_owned(),
        created_at: at(seconds),
        seen_at: at(seconds),
    }
}

#[tokio::test]
async fn sessions_end_one_by_one_by_age_and_all_at_once() {
    let db = Sqlite::new().db;
    let key = db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    for number in 0..6_u8 {
        let session = session(number, &key.id, i64::from(number) * 100);
        db.add_session(session).await.unwrap();
    }
    let (found, of) = db.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((found, of), (session(1, &key.id, 100), key.clone()));
    db.touch_session(&[1; 32], at(130)).await.unwrap();
    assert_eq!(seen(&db, 1).await, at(100));
    db.touch_session(&[1; 32], at(700)).await.unwrap();
    assert_eq!(seen(&db, 1).await, at(700));
    db.prune_sessions(at(50), at(250)).await.unwrap();
    assert_eq!(
        left(&db).await,
        [1, 5, 4, 3],
        "0 is too old, 2 was not seen for too long"
    );
    db.delete_session(&[1; 32]).await.unwrap();
    db.delete_session_by_start("0505").await.unwrap();
    let gone = db.delete_session_by_start("0505").await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert_eq!(left(&db).await, [4, 3]);
    db.delete_sessions(Some(&[3; 32])).await.unwrap();
    assert_eq!(left(&db).await, [3]);
    db.delete_sessions(None).await.unwrap();
    assert!(left(&db).await.is_empty());
}

async fn seen(db: &Db, number: u8) -> Timestamp {
    db.session(&[number; 32]).await.unwrap().unwrap().0.seen_at
}

async fn left(db: &Db) -> Vec<u8> {
    let sessions = db.sessions().await.unwrap();
    sessions
        .iter()
        .map(|(session, _)| session.hash[0])
        .collect()
}

fn state(hash: u8) -> OauthState {
    OauthState {
        hash: [hash; 32],
        verifier: SecretString::from("verifier"),
        session_hash: [9; 32],
        redirect_uri: "http://localhost:8080/oauth/callback".to_owned(),
        expires_at: at(600),
    }
}

#[tokio::test]
async fn a_sign_in_is_taken_once() {
    let db = Sqlite::new().db;
    db.add_oauth_state(state(1), at(0)).await.unwrap();
    let (one, two) = tokio::join!(
        db.take_oauth_state(&[1; 32], at(10)),
        db.take_oauth_state(&[1; 32], at(10)),
    );
    let mut taken = [one.unwrap(), two.unwrap()].into_iter().flatten();
    let first = taken.next().unwrap();
    assert!(taken.next().is_none());
    assert_eq!(first.verifier.expose_secret(), "verifier");
    assert_eq!(first.session_hash, [9; 32]);
    assert!(
        db.take_oauth_state(&[2; 32], at(10))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_expired_sign_in_is_worth_nothing() {
    let db = Sqlite::new().db;
    db.add_oauth_state(state(1), at(0)).await.unwrap();
    assert!(
        db.take_oauth_state(&[1; 32], at(600))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        db.take_oauth_state(&[1; 32], at(1))
            .await
            .unwrap()
            .is_none(),
        "and gone"
    );
}
