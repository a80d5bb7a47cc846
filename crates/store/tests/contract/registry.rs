//! Accounts, calendars, mappings, settings, webhooks.

use std::collections::BTreeMap;

use jiff::civil::date;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use store::StoreError;
use store::records::{
    CaldavAccountChange, CaldavStatus, Direction, GoogleStatus, GoogleTokens, MappingSettings,
    NewCaldavAccount, NewMapping, NewWebhook, WebhookSource,
};
use sync_engine::model::{AccountId, Side};
use sync_engine::ports::store::Store as _;
use sync_engine::report::Problem;

use crate::bench::{Bench as _, Sqlite, add_caldav, add_google, at, facts, present};
use crate::conformance::{intent, part, row};

fn problem(code: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        detail: "It is so.".to_owned(),
        action: "Do something.".to_owned(),
        side: Some(Side::Caldav),
    }
}

#[tokio::test]
async fn a_caldav_account_comes_with_its_calendars() {
    let db = Sqlite::new().db;
    let id = add_caldav(&db, "alice", &["work", "home"]).await;
    let account = db.caldav_account(&id).await.unwrap();
    assert_eq!(
        (account.name.as_str(), account.username.as_str()),
        ("Home", "alice")
    );
    assert_eq!(account.status, CaldavStatus::Ok);
    assert_eq!(account.profile, json!({"home": "/alice/"}));
    let calendars = db.calendars(Side::Caldav, Some(&id)).await.unwrap();
    let names: Vec<&str> = calendars.iter().map(|c| c.facts.remote.as_str()).collect();
    assert_eq!(names, ["home", "work"], "by name");
    assert_eq!(calendars[0].facts, facts("home"));
    assert_eq!(
        db.calendar_by_id(&calendars[0].id).await.unwrap(),
        calendars[0]
    );
    assert!(db.calendars(Side::Google, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_same_account_twice_is_refused_and_stores_nothing() {
    let db = Sqlite::new().db;
    let first = add_caldav(&db, "alice", &["work"]).await;
    let again = NewCaldavAccount {
        name: "Another name".to_owned(),
        base_url: "https://dav.example/".to_owned(),
        username: "alice".to_owned(),
        password: SecretString::from("x"),
        trusted_fingerprint: None,
        profile: json!({}),
        managed: false,
    };
    let error = db
        .add_caldav_account(again, vec![facts("new")], at(1))
        .await;
    assert!(matches!(error, Err(StoreError::Exists { id, .. }) if id == first.as_str()));
    assert_eq!(db.caldav_accounts().await.unwrap().len(), 1);
    assert_eq!(db.calendars(Side::Caldav, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_changes_field_by_field() {
    let db = Sqlite::new().db;
    let id = add_caldav(&db, "alice", &[]).await;
    add_caldav(&db, "bob", &[]).await;
    let broken = Some(problem("caldav_unauthorized"));
    db.set_caldav_status(&id, CaldavStatus::Unauthorized, broken.clone(), at(5))
        .await
        .unwrap();
    let account = db.caldav_account(&id).await.unwrap();
    assert_eq!(
        (account.status, account.problem),
        (CaldavStatus::Unauthorized, broken)
    );
    let change = CaldavAccountChange {
        password: Some(SecretString::from("new")),
        trusted_fingerprint: Some(Some("AA:BB".to_owned())),
        ..CaldavAccountChange::default()
    };
    let account = db.change_caldav_account(&id, change, at(6)).await.unwrap();
    assert_eq!((account.status, account.problem), (CaldavStatus::Ok, None));
    assert_eq!(account.username, "alice");
    assert_eq!(account.checked_at, Some(at(6)));
    let password = db.caldav_password(&id).await.unwrap();
    assert_eq!(password.expose_secret(), "new");
    assert_eq!(account.trusted_fingerprint.as_deref(), Some("AA:BB"));
    let kept = db.change_caldav_account(&id, CaldavAccountChange::default(), at(6));
    assert_eq!(
        kept.await.unwrap().trusted_fingerprint.as_deref(),
        Some("AA:BB")
    );
    let forgotten = CaldavAccountChange {
        trusted_fingerprint: Some(None),
        ..CaldavAccountChange::default()
    };
    let account = db.change_caldav_account(&id, forgotten, at(6)).await;
    assert_eq!(account.unwrap().trusted_fingerprint, None);
    let taken = CaldavAccountChange {
        username: Some("bob".to_owned()),
        ..CaldavAccountChange::default()
    };
    let error = db.change_caldav_account(&id, taken, at(7)).await;
    assert!(matches!(error, Err(StoreError::Exists { .. })));
    db.set_account_profile(&id, json!({"ctag": true}))
        .await
        .unwrap();
    assert_eq!(
        db.caldav_account(&id).await.unwrap().profile,
        json!({"ctag": true})
    );
    let stranger = AccountId::new("cda_none");
    for missing in [
        db.set_account_profile(&stranger, json!({})).await.err(),
        db.caldav_account(&stranger).await.err(),
        db.caldav_password(&stranger).await.err(),
        db.delete_account(&stranger).await.err(),
        db.put_calendars(&stranger, Vec::new()).await.err(),
    ] {
        assert!(matches!(missing, Some(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn signing_in_again_keeps_the_account() {
    let db = Sqlite::new().db;
    let id = add_google(&db, "Alice@example.com").await;
    let sad = Some(problem("google_invalid_grant"));
    db.set_google_status(&id, GoogleStatus::NeedsReauth, sad, at(1))
        .await
        .unwrap();
    assert_eq!(add_google(&db, "alice@example.com").await, id);
    let account = db.google_account(&id).await.unwrap();
    assert_eq!((account.status, account.problem), (GoogleStatus::Ok, None));
    let rotated = GoogleTokens {
        refresh: SecretString::from("r2"),
        access: None,
        expires_at: None,
        scopes: vec!["a".to_owned(), "b".to_owned()],
    };
    db.set_google_tokens(&id, rotated).await.unwrap();
    let tokens = db.google_tokens(&id).await.unwrap();
    assert_eq!(tokens.refresh.expose_secret(), "r2");
    assert!(tokens.access.is_none());
    assert_eq!(db.google_account(&id).await.unwrap().scopes, ["a", "b"]);
}

#[tokio::test]
async fn writes_are_counted_by_day() {
    let db = Sqlite::new().db;
    let id = add_google(&db, "alice@example.com").await;
    let (today, tomorrow) = (date(2026, 11, 22), date(2026, 11, 23));
    assert_eq!(db.google_writes(&id, today).await.unwrap(), 0);
    assert_eq!(db.count_google_writes(&id, today, 3).await.unwrap(), 3);
    assert_eq!(db.count_google_writes(&id, today, 2).await.unwrap(), 5);
    assert_eq!(db.count_google_writes(&id, tomorrow, 1).await.unwrap(), 1);
    assert_eq!(db.google_writes(&id, today).await.unwrap(), 5);
}

#[tokio::test]
async fn calendars_keep_their_ids_and_stay_while_they_are_used() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let account = &joined.caldav.account;
    let before = db.calendars(Side::Caldav, Some(account)).await.unwrap();
    let mut renamed = facts("work");
    renamed.name = "Renamed".to_owned();
    let found = vec![facts("extra"), renamed];
    let put = db.put_calendars(account, found).await.unwrap();
    assert_eq!(put[1].id, before[0].id);
    assert_eq!(put[1].facts.name, "Renamed");
    // Neither is found any more: the mapped one stays, unlisted.
    db.put_calendars(account, Vec::new()).await.unwrap();
    let left = db.calendars(Side::Caldav, Some(account)).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(!left[0].listed);
    assert_eq!(left[0].id, before[0].id);
    assert!(!db.mapping(&joined.id).await.unwrap().caldav.listed);
}

#[tokio::test]
async fn a_mapping_keeps_every_field() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let mapping = db.mapping(&joined.id).await.unwrap();
    assert_eq!(mapping.settings, MappingSettings::default());
    assert_eq!(mapping.caldav_key(), joined.caldav);
    assert_eq!(mapping.google_key(), joined.google);
    let settings = MappingSettings {
        name: Some("Work".to_owned()),
        direction: Direction::Bidirectional,
        time_zone: Some("Europe/Berlin".to_owned()),
        chain: true,
        ..MappingSettings::default()
    };
    let changed = db
        .set_mapping(&joined.id, settings.clone(), true, at(9))
        .await;
    let changed = changed.unwrap();
    assert_eq!(
        (changed.settings.clone(), changed.managed),
        (settings, true)
    );
    assert_eq!((changed.created_at, changed.updated_at), (at(0), at(9)));
    let off = db.enable_mapping(&joined.id, false, at(10)).await.unwrap();
    assert!(!off.settings.enabled);
    assert_eq!(off.settings.name.as_deref(), Some("Work"));
    assert_eq!(db.mappings().await.unwrap(), [off]);
}

#[tokio::test]
async fn a_pair_is_mapped_once_whoever_reads_it() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let second = add_google(db, "bob@example.com").await;
    let google = db.put_calendars(&second, vec![facts("w")]).await.unwrap();
    let caldav = db.calendars(Side::Caldav, None).await.unwrap();
    let new = |from: &str, to: &str| NewMapping {
        caldav_calendar_id: from.to_owned(),
        google_calendar_id: to.to_owned(),
        settings: MappingSettings::default(),
        managed: false,
    };
    let twin = db
        .add_mapping(new(&caldav[0].id, &google[0].id), at(1))
        .await;
    assert!(matches!(twin, Err(StoreError::Exists { id, .. }) if id == joined.id.as_str()));
    let crossed = db
        .add_mapping(new(&google[0].id, &caldav[0].id), at(1))
        .await;
    assert!(matches!(crossed, Err(StoreError::NotFound { .. })));
    let missing = db.add_mapping(new("cal_none", &google[0].id), at(1)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn an_account_in_use_stays() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    for account in [&joined.caldav.account, &joined.google.account] {
        match db.delete_account(account).await {
            Err(StoreError::AccountInUse { mappings }) => {
                assert_eq!(mappings, std::slice::from_ref(&joined.id));
            }
            other => panic!("{other:?}"),
        }
    }
    db.delete_mapping(&joined.id).await.unwrap();
    for account in [&joined.caldav.account, &joined.google.account] {
        db.delete_account(account).await.unwrap();
    }
    assert!(db.calendars(Side::Caldav, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn deleting_a_mapping_takes_its_part_and_no_more() {
    let bench = Sqlite::new();
    let work = bench.join("work", "shared").await;
    let home = bench.join("home", "shared").await;
    let db = &bench.db;
    db.record(&work.caldav, part(1, vec![present("a.ics", "a", "A", "1")]))
        .await
        .unwrap();
    db.record(&work.google, part(1, vec![present("x", "x", "A", "1")]))
        .await
        .unwrap();
    for joined in [&work, &home] {
        let written = intent("run_1:1", row("a", &["a"], &["x"]));
        db.intend(&joined.id, &written).await.unwrap();
    }
    let run = db.start_run(&work.id, at(1)).await.unwrap();
    db.delete_mapping(&work.id).await.unwrap();
    assert!(db.open_intents(&work.id).await.unwrap().is_empty());
    assert_eq!(db.open_intents(&home.id).await.unwrap().len(), 1);
    let versions = db.versions(&work.caldav, None).await.unwrap();
    assert!(versions.is_empty(), "nobody reads it any more");
    let versions = db.versions(&work.google, None).await.unwrap();
    assert_eq!(versions.len(), 1, "the other mapping reads it");
    assert!(db.run(&run).await.is_ok(), "runs stay on record");
    let late = intent("run_1:2", row("a", &["a"], &[]));
    let late = db.intend(&work.id, &late).await;
    assert!(matches!(late, Err(StoreError::NotFound { .. })));
    let again = db.delete_mapping(&work.id).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn settings_are_replaced_key_by_key() {
    let db = Sqlite::new().db;
    let put = |pairs: &[(&str, serde_json::Value)]| -> BTreeMap<_, _> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    };
    db.put_settings(put(&[
        ("interval_seconds", json!(300)),
        ("other", json!(["x"])),
    ]))
    .await
    .unwrap();
    db.put_settings(put(&[
        ("interval_seconds", json!(60)),
        ("other", json!(null)),
    ]))
    .await
    .unwrap();
    assert_eq!(
        db.setting("interval_seconds").await.unwrap(),
        Some(json!(60))
    );
    assert_eq!(db.setting("other").await.unwrap(), None);
    assert_eq!(
        db.settings().await.unwrap(),
        put(&[("interval_seconds", json!(60))])
    );
}

#[tokio::test]
async fn webhooks_keep_their_secret_unless_told_otherwise() {
    let db = Sqlite::new().db;
    let hook = |id: Option<&str>, secret: Option<&str>| NewWebhook {
        id: id.map(str::to_owned),
        url: "https://hooks.example/".to_owned(),
        secret: secret.map(SecretString::from),
        enabled: true,
    };
    let fixed = db.put_webhooks(WebhookSource::Environment, vec![hook(None, None)], at(0));
    fixed.await.unwrap();
    let put = db.put_webhooks(
        WebhookSource::Ui,
        vec![hook(None, Some("s")), hook(None, None)],
        at(0),
    );
    let all = put.await.unwrap();
    assert_eq!(all.len(), 3);
    let with_secret = all.iter().find(|hook| hook.has_secret).unwrap();
    let kept = db.put_webhooks(
        WebhookSource::Ui,
        vec![hook(Some(&with_secret.id), None)],
        at(0),
    );
    let all = kept.await.unwrap();
    assert_eq!(
        all.len(),
        2,
        "the other of this source went, the environment's stayed"
    );
    assert!(
        all.iter()
            .any(|hook| hook.id == with_secret.id && hook.has_secret)
    );
    let stranger = db.put_webhooks(
        WebhookSource::Config,
        vec![hook(Some(&with_secret.id), None)],
        at(0),
    );
    assert!(matches!(stranger.await, Err(StoreError::NotFound { .. })));
}
