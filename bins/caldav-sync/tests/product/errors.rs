//! What goes wrong in the world: each a clear message that says what to do, nothing stored or lost,
//! and the rest goes on.

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig, CalendarSpec, UserSpec};
use simulators::google::{Consent, Fault};

use crate::common::{ACCOUNT, Browser, KEY, Stage, event, wait_until};

fn source() -> CaldavSim {
    CaldavSim::start(CaldavSimConfig::default()).unwrap()
}

/// A problem has a code, words and what to do.
fn is_problem(problem: &Value, code: &str) {
    assert_eq!(problem["code"], code, "{problem:#}");
    for member in ["title", "detail", "action"] {
        let text = problem[member].as_str().unwrap_or_default();
        assert!(text.len() > 5, "no {member} in {problem:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_work_is_not_stored() {
    let source = source();
    source.set_user(UserSpec::new("carol", "carolpw"));
    let stage = Stage::start();
    let api = stage.api();
    let elsewhere = stage.google.base_url();
    for (url, user, password, code) in [
        (source.url(), "alice", "wrong", "caldav_unauthorized"),
        (
            "http://127.0.0.1:1",
            "alice",
            "alicepw",
            "caldav_unreachable",
        ),
        (
            "http://no-such-host.invalid",
            "alice",
            "alicepw",
            "caldav_unreachable",
        ),
        // Somebody without calendars, and a server of another kind.
        (source.url(), "carol", "carolpw", "caldav_not_found"),
        (elsewhere.as_str(), "alice", "alicepw", "caldav_not_found"),
    ] {
        let account = json!({ "base_url": url, "username": user, "password": password });
        let problem = api.post_for(422, "/caldav/accounts", &account).await;
        is_problem(&problem, code);
        assert!(!problem.to_string().contains(password), "{problem:#}");
    }
    let accounts = api.get("/caldav/accounts").await;
    assert_eq!(accounts["accounts"], json!([]));
    let log = stage.program().log();
    assert!(
        !log.contains("alicepw") && !log.contains("carolpw"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_consent_and_a_missing_permission_connect_nothing() {
    let stage = Stage::start();
    let ours = stage.program().url.clone();
    let start = format!("{ours}/oauth/start");
    let refused = Consent {
        deny: true,
        ..Consent::all(ACCOUNT)
    };
    let unticked = Consent {
        grant: Some(vec![
            "openid".to_owned(),
            "email".to_owned(),
            "calendar.events".to_owned(),
        ]),
        ..Consent::all(ACCOUNT)
    };
    for (consent, words) in [(refused, "declined"), (unticked, "not allowed")] {
        stage.google.consent(consent);
        let (_, status, page) = Browser::new(KEY).follow(&start, &ours).await;
        assert!(status.is_client_error(), "{status}: {page}");
        let page = page.to_lowercase();
        assert!(page.contains(words) && page.contains("again"), "{page}");
    }
    let accounts = stage.api().get("/google/accounts").await;
    assert_eq!(accounts["accounts"], json!([]));
    // And then it works.
    stage.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_may_not_be_written_is_not_mapped() {
    let source = source();
    let stage = Stage::start();
    let account = stage.add_caldav(source.url()).await;
    stage.sign_in().await;
    let mapping = json!({
        "caldav_calendar_id": account["calendars"][0]["id"],
        "google_calendar_id": stage.google_calendar("Holidays").await,
    });
    let problem = stage.api().post_for(422, "/mappings", &mapping).await;
    is_problem(&problem, "calendar_not_writable");
    assert_eq!(stage.api().get("/mappings").await["mappings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_is_one_bad_event() {
    let source = source();
    for number in 0..5 {
        let uid = format!("good-{number}");
        source.put(
            "alice",
            "work",
            &format!("{uid}.ics"),
            &event(&uid, &uid, 3 + number),
        );
    }
    source.put(
        "alice",
        "work",
        "bad.ics",
        "BEGIN:VCALENDAR\r\nthis is no calendar\r\n",
    );
    let stage = Stage::start();
    let account = stage.add_caldav(source.url()).await;
    stage.sign_in().await;
    stage
        .google
        .fault(Fault::status("events.insert", 400, "invalid").nth(2));
    let mapping = stage.map(&account, "work", &json!({})).await;
    let first = first_run(&stage).await;
    assert_eq!(first["status"], "partial_failure", "{first:#}");
    assert_eq!(
        stage.titles().len(),
        4,
        "one was refused, four arrived: {first:#}"
    );
    let reasons: Vec<&Value> = first["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| !event["error"].is_null())
        .collect();
    assert!(!reasons.is_empty(), "{first:#}");
    let told = first.to_string();
    assert!(
        told.contains("bad.ics"),
        "the unreadable one is not named: {first:#}"
    );

    // Mended, both follow; what failed waits a little, or until it changes.
    source.put("alice", "work", "bad.ics", &event("bad", "Mended", 9));
    for number in 0..5 {
        let uid = format!("good-{number}");
        let title = format!("{uid} again");
        source.put(
            "alice",
            "work",
            &format!("{uid}.ics"),
            &event(&uid, &title, 3 + number),
        );
    }
    stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles().len(), 6);
}

/// The mapping's first run, once it has ended, with its events.
async fn first_run(stage: &Stage) -> Value {
    let api = stage.api();
    let id = wait_until("the first run", async || {
        let runs = api.get("/runs").await;
        let first = runs["runs"].as_array().unwrap().last()?;
        (!first["finished_at"].is_null()).then(|| first["id"].as_str().unwrap().to_owned())
    })
    .await;
    api.get(&format!("/runs/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_stops_its_own_mapping_only_and_loses_nothing() {
    let broken = CaldavSim::start(CaldavSimConfig {
        calendars: vec![("alice".to_owned(), CalendarSpec::new("work", "Work"))],
        ..CaldavSimConfig::default()
    })
    .unwrap();
    let whole = source();
    broken.put(
        "alice",
        "work",
        "a.ics",
        &event("a", "From the broken one", 3),
    );
    whole.put(
        "alice",
        "work",
        "b.ics",
        &event("b", "From the whole one", 4),
    );
    let stage = Stage::start();
    let api = stage.api();
    let account = stage.add_caldav(broken.url()).await;
    let other = stage.add_caldav(whole.url()).await;
    stage.sign_in().await;
    let first = stage.map(&account, "work", &json!({})).await;
    let second = stage.map(&other, "work", &json!({})).await;
    api.sync_well(&first).await;
    api.sync_well(&second).await;

    broken.set_user(UserSpec::new("alice", "another-password"));
    whole.put("alice", "work", "c.ics", &event("c", "Another", 5));
    let run = api.sync(&first).await;
    assert_eq!(run["status"], "failure");
    is_problem(&run["error"], "caldav_unauthorized");
    api.sync_well(&second).await;
    let titles = ["Another", "From the broken one", "From the whole one"];
    assert_eq!(stage.titles(), titles);
    let status = api.get("/status").await;
    assert_eq!(status["status"], "degraded");
    let states: Vec<&Value> = status["caldav"]["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|known| known["id"] == account["id"])
        .map(|known| &known["status"])
        .collect();
    assert_eq!(states, ["unauthorized"]);

    let path = format!("/caldav/accounts/{}", account["id"].as_str().unwrap());
    let change = json!({ "password": "another-password" });
    let (code, answer) = api
        .request(reqwest::Method::PATCH, &path, Some(&change))
        .await;
    assert_eq!(code, 200, "{answer:#}");
    api.sync_well(&first).await;
    assert_eq!(stage.titles(), titles);
    assert_eq!(api.get("/status").await["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_grant_needs_a_sign_in_and_keeps_everything() {
    let source = source();
    source.put("alice", "work", "a.ics", &event("a", "Kept", 3));
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    api.sync_well(&mapping).await;
    stage.google.revoke(ACCOUNT);
    stage.google.expire_access_tokens();
    let run = api.sync(&mapping).await;
    assert_eq!(run["status"], "failure", "{run:#}");
    is_problem(&run["error"], "google_needs_sign_in");
    let status = api.get("/status").await;
    assert_eq!(status["google"]["accounts"][0]["status"], "needs_reauth");
    assert_eq!(stage.titles(), ["Kept"]);
    source.put("alice", "work", "b.ics", &event("b", "Later", 4));
    stage.sign_in().await;
    let run = api.sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["Kept", "Later"], "{run:#}");
    assert_eq!(
        api.get("/mappings").await["mappings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
