//! The log at its most talkative: a line is one event whatever a value holds, and everything that is
//! secret in this program goes through it unseen. (Every other test looks for its own secrets too,
//! when its program ends: `common::canary`.)

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};
use simulators::caldav::{AuthScheme, CaldavSim, CaldavSimConfig, UserSpec};

use crate::common::{KEY, Stage, canary, event};

/// Ends of lines of every kind, and what a forged line would look like.
const LINES: &str =
    "one\r\n2026-01-01T00:00:00.000000Z  INFO forged: two\n\u{b}\u{85}\u{2028}{\"level\":\"INFO\"}";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_elsewhere_begins_a_line() {
    for format in ["text", "json"] {
        let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
        let title = LINES
            .replace(';', "\\;")
            .replace(',', "\\,")
            .replace("\r\n", "\\n")
            .replace('\n', "\\n");
        source.put("alice", "work", "a.ics", &event("uid\\nforged", &title, 30));
        let stage = Stage::start_with(&[("LOG_FORMAT", format)]);
        let mapping = stage.set_up(source.url(), "work").await;
        stage.api().sync(&mapping).await;
        let api = stage.api();
        // Names, paths and queries that people send.
        for body in [
            json!({ "name": LINES, "base_url": source.url(), "username": LINES, "password": "not-the-password" }),
            json!({ "base_url": format!("http://127.0.0.1:1/{LINES}"), "username": "x", "password": "not-the-password" }),
            json!({ "base_url": LINES, "username": "x", "password": "not-the-password" }),
        ] {
            let (status, _) = api.post("/caldav/accounts", &body).await;
            assert_eq!(status, 422);
        }
        let odd = "%0d%0a2026-01-01T00:00:00Z%20%20INFO%20forged";
        api.request(Method::GET, &format!("/runs/{odd}"), None)
            .await;
        api.request(Method::GET, &format!("/events/history?uid={odd}"), None)
            .await;
        api.request(
            Method::GET,
            &format!("/oauth/callback?error={odd}&state={odd}"),
            None,
        )
        .await;
        let key = format!("wrong\r\nkey {LINES}");
        let sign_in = plain()
            .post(format!("{}/ui/sign-in", stage.program().url))
            .form(&[("key", key)]);
        assert!(sign_in.send().await.unwrap().status().is_client_error());
        for line in stage.program().whole_log().lines() {
            if format == "json" {
                let entry: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(entry["level"].is_string(), "{line}");
            } else {
                let time = line.split_whitespace().next().unwrap_or_default();
                assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
                assert!(!line.starts_with("2026-01-01"), "{line}");
            }
        }
    }
}

fn plain() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_secret_is_in_play_and_nothing_is_told() {
    let source = CaldavSim::start(CaldavSimConfig {
        auth: AuthScheme::Both,
        ..CaldavSimConfig::default()
    })
    .unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Team Meeting", 3));
    let mut stage = Stage::start_with(&[
        ("WEBHOOK_URL", "http://127.0.0.1:9/none"),
        ("WEBHOOK_SECRET", "the-secret-of-the-webhook"),
    ]);
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    api.sync_well(&mapping).await;
    let more = json!({ "webhooks": [{ "url": "http://127.0.0.1:9/more", "secret": "another-webhook-secret", "enabled": true }] });
    let (status, settings) = api.request(Method::PUT, "/settings", Some(&more)).await;
    assert_eq!(status, 200, "{settings:#}");
    // A browser's session, a wrong key, a wrong password, a token that is renewed.
    let ours = stage.program().url.clone();
    let sign_in = async |key: &str| {
        let form = [("key", key)];
        plain()
            .post(format!("{ours}/ui/sign-in"))
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    let session = sign_in(KEY).await;
    let cookie = session.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    canary::secret("a session", cookie.split_once('=').unwrap().1);
    for page in [
        "/ui/",
        "/ui/caldav",
        "/ui/google",
        "/ui/settings",
        "/ui/runs",
    ] {
        let page = plain().get(format!("{ours}{page}")).header(COOKIE, &cookie);
        let page = page.send().await.unwrap();
        assert!(page.status().is_success());
        canary::answered("a page", &page.text().await.unwrap());
    }
    canary::secret("a key that is none", "key-that-nobody-knows");
    assert!(
        sign_in("key-that-nobody-knows")
            .await
            .status()
            .is_client_error()
    );
    source.set_user(UserSpec::new("alice", "a-password-of-today"));
    api.sync(&mapping).await;
    let accounts = api.get("/caldav/accounts").await;
    let account = accounts["accounts"][0]["id"].as_str().unwrap();
    let change = json!({ "username": "alice", "password": "a-password-of-today" });
    let path = format!("/caldav/accounts/{account}");
    let (status, changed) = api.request(Method::PATCH, &path, Some(&change)).await;
    assert_eq!(status, 200, "{changed:#}");
    stage.google.expire_access_tokens();
    api.sync_well(&mapping).await;
    stage.google.revoke(crate::common::ACCOUNT);
    api.sync(&mapping).await;

    let log = stage.program().whole_log();
    for talker in [" TRACE ", " DEBUG ", "gcal_client", "hyper", "actix"] {
        assert!(log.contains(talker), "{talker} has nothing to say");
    }
    assert!(
        canary::count() > 15,
        "{} secrets are known",
        canary::count()
    );
    // A stop, a start with the database as it is, and a kill that leaves the write-ahead log behind.
    assert!(stage.down().terminate().0.success());
    stage.up();
    stage.api().get("/status").await;
    stage.down().kill();
}

#[test]
fn a_secret_that_is_told_is_found() {
    canary::secret("a password", "correct horse");
    let look = |log: &str| canary::found(log.as_bytes(), None, &BTreeSet::new());
    assert!(look("nothing").is_empty());
    assert_eq!(look("said: correct horse").len(), 1);
    assert_eq!(look("said: correct+horse").len(), 1);
    let key = "caldav-sync_0123456789abcdefghijklmnopq";
    assert!(look(&format!("shown once: {key}")).is_empty());
    assert_eq!(look(&format!("shown: {key}\nshown: {key}")).len(), 1);
    canary::answered("GET /", &format!("<p>{key}"));
    assert_eq!(look("nothing").len(), 1);
}
