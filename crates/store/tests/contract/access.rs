//! API keys, sessions, sign-ins under way.

use secrecy::{ExposeSecret as _, SecretString};
use store::StoreError;
use store::records::{OauthState, UiSession};

use crate::bench::{Sqlite, at};

#[tokio::test]
async fn a_key_is_named_replaced_and_revoked() {
    let db = Sqlite::new().db;
    let first = db.put_api_key("admin", &[1; 32], at(0)).await.unwrap();
    let second = db.put_api_key("admin", &[2; 32], at(1)).await.unwrap();
    assert_eq!((first.id.clone(), second.hash), (second.id, [2; 32]));
    db.put_api_key("script", &[3; 32], at(2)).await.unwrap();
    db.touch_api_key(&first.id, at(10)).await.unwrap();
    db.touch_api_key(&first.id, at(20)).await.unwrap();
    db.revoke_api_key(&first.id, at(30)).await.unwrap();
    db.revoke_api_key(&first.id, at(40)).await.unwrap();
    let keys = db.api_keys().await.unwrap();
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["admin", "script"]);
    assert_eq!(keys[0].used_at, Some(at(10)), "written once a minute");
    assert_eq!(keys[0].revoked_at, Some(at(30)));
    let missing = db.revoke_api_key("key_none", at(1)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn sessions_end_one_by_one_by_age_and_all_at_once() {
    let db = Sqlite::new().db;
    for number in 0..4_u8 {
        let session = UiSession {
            hash: [number; 32],
            csrf: format!("token {number}"),
            created_at: at(i64::from(number) * 100),
            seen_at: at(i64::from(number) * 100),
        };
        db.add_session(session).await.unwrap();
    }
    let session = db.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(
        (session.csrf.as_str(), session.seen_at),
        ("token 1", at(100))
    );
    db.touch_session(&[1; 32], at(130)).await.unwrap();
    assert_eq!(
        db.session(&[1; 32]).await.unwrap().unwrap().seen_at,
        at(100)
    );
    db.touch_session(&[1; 32], at(500)).await.unwrap();
    assert_eq!(
        db.session(&[1; 32]).await.unwrap().unwrap().seen_at,
        at(500)
    );
    db.prune_access(at(50), at(250), at(0)).await.unwrap();
    let mut left = Vec::new();
    for number in 0..4_u8 {
        if db.session(&[number; 32]).await.unwrap().is_some() {
            left.push(number);
        }
    }
    assert_eq!(left, [1, 3], "0 is too old, 2 was not seen for too long");
    db.delete_session(&[1; 32]).await.unwrap();
    assert!(db.session(&[1; 32]).await.unwrap().is_none());
    db.delete_sessions().await.unwrap();
    assert!(db.session(&[3; 32]).await.unwrap().is_none());
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
    db.add_oauth_state(state(1)).await.unwrap();
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
    db.add_oauth_state(state(1)).await.unwrap();
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
