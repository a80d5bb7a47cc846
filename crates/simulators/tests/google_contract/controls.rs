//! `/_sim/**`: the controls over HTTP do what the typed ones do.

use serde_json::{Value, json};
use simulators::google::{ClockMode, GoogleSim, GoogleSimConfig};

use crate::support::{ADA, EVENTS, Reply, Session, send, timed};

fn control(session: &Session, head: &str, body: &Value) -> Reply {
    send(
        &session.sim.base_url(),
        head,
        &[],
        body.to_string().as_bytes(),
    )
}

#[test]
fn every_control_answers() {
    let session = Session::new();
    for (head, body) in [
        ("GET /_sim/clock", Value::Null),
        ("POST /_sim/clock", json!({"advance": 1000})),
        ("POST /_sim/clock", json!({"set": "2026-12-01T00:00:00Z"})),
        ("GET /_sim/knobs", Value::Null),
        ("POST /_sim/knobs", json!({"exceptionPolicy": "shift"})),
        ("GET /_sim/quota", Value::Null),
        ("POST /_sim/quota", json!({"perUser": 600})),
        ("GET /_sim/faults", Value::Null),
        ("POST /_sim/faults", json!({"do": {"kind": "reset"}})),
        (
            "POST /_sim/faults",
            json!([{"match": {"nth": 2}, "do": {"kind": "html", "status": 502}, "times": 0}]),
        ),
        ("DELETE /_sim/faults", Value::Null),
        ("GET /_sim/log", Value::Null),
        ("GET /_sim/counts", Value::Null),
        ("DELETE /_sim/log", Value::Null),
        ("GET /_sim/mail", Value::Null),
        ("DELETE /_sim/mail", Value::Null),
        ("GET /_sim/violations", Value::Null),
        ("GET /_sim/dump?calendar=ada%40example.com", Value::Null),
        (
            "POST /_sim/consent",
            json!({"account": ADA, "grant": ["calendar.events"]}),
        ),
        ("DELETE /_sim/consent", Value::Null),
        (
            "POST /_sim/token",
            json!({"account": ADA, "scopes": ["calendar"]}),
        ),
        (
            "POST /_sim/role",
            json!({"account": ADA, "calendar": "primary", "role": "reader"}),
        ),
        (
            "POST /_sim/role",
            json!({"account": ADA, "calendar": "primary", "role": "owner"}),
        ),
        (
            "POST /_sim/as-user",
            json!({"account": ADA, "calendar": "primary", "op": "insert", "body": timed()}),
        ),
        ("POST /_sim/expire-tokens", Value::Null),
        ("POST /_sim/expire-access", Value::Null),
        ("POST /_sim/purge", json!({"olderThan": 60})),
        ("POST /_sim/revoke", json!({"account": ADA})),
        ("POST /_sim/snapshot", json!({"name": "a"})),
        ("POST /_sim/restore", json!({"name": "a"})),
        ("POST /_sim/reset", Value::Null),
    ] {
        assert_eq!(control(&session, head, &body).status, 200, "{head} {body}");
    }
    for (head, body) in [
        ("POST /_sim/nothing", Value::Null),
        ("POST /_sim/knobs", json!({"unknown": true})),
        ("POST /_sim/clock", json!({"set": "noon"})),
        ("POST /_sim/restore", json!({"name": "b"})),
        (
            "POST /_sim/token",
            json!({"account": "nobody", "scopes": []}),
        ),
        (
            "POST /_sim/as-user",
            json!({"account": ADA, "calendar": "primary", "op": "insert", "body": {}}),
        ),
        (
            "POST /_sim/as-user",
            json!({"account": ADA, "calendar": "primary", "op": "insert", "body": {"colour": 1}}),
        ),
    ] {
        let reply = control(&session, head, &body);
        assert_eq!(reply.status, 400, "{head} {body}");
        assert!(reply.json()["error"].is_string());
    }
    // Controls are not requests to Google.
    assert!(session.sim.log().is_empty());
}

#[test]
fn a_snapshot_brings_everything_back() {
    let session = Session::new();
    session.sim.snapshot("empty");
    let token = session.sync_token();
    session.insert(&timed());
    session.sim.restore("empty").unwrap();
    assert!(session.sim.dump(ADA).unwrap().is_empty());
    assert_eq!(
        session.get(&format!("{EVENTS}?syncToken={token}")).status,
        200
    );
    assert!(session.sim.restore("other").is_err());
    session.sim.reset();
    // The first state knows no tokens.
    assert_eq!(session.get(EVENTS).status, 401);
}

#[test]
fn a_persons_edits_are_no_requests() {
    let session = Session::new();
    let ada = session.sim.as_user(ADA);
    let event = ada.insert("primary", timed()).unwrap();
    let id = event["id"].as_str().unwrap();
    ada.patch("primary", id, json!({"summary": "Changed"}))
        .unwrap();
    assert_eq!(
        ada.list("primary", &[]).unwrap()["items"][0]["summary"],
        "Changed"
    );
    ada.delete("primary", id).unwrap();
    assert!(ada.delete("primary", id).is_err());
    assert_eq!(session.sim.dump(ADA).unwrap()[0]["status"], "cancelled");
    assert_eq!(session.sim.dump(ADA).unwrap()[0]["summary"], "Changed");
    assert!(session.sim.log().is_empty());
    assert_eq!(session.sim.counts().writes_total(), 0);
}

#[test]
fn a_real_clock_runs_along() {
    let sim = GoogleSim::start(GoogleSimConfig {
        clock: ClockMode::Real,
        ..GoogleSimConfig::default()
    })
    .unwrap();
    send(&sim.base_url(), "GET /_sim/clock", &[], b"");
    let wall = jiff::Timestamp::now();
    let apart = wall.duration_since(sim.now()).abs();
    assert!(apart < jiff::SignedDuration::from_secs(60), "{apart:?}");
    sim.advance(jiff::SignedDuration::from_hours(2));
    send(&sim.base_url(), "GET /_sim/clock", &[], b"");
    assert!(sim.now() > wall);
}

#[test]
fn it_stops() {
    let sim = GoogleSim::start(GoogleSimConfig::default()).unwrap();
    let address = sim.base_url().replace("http://", "");
    sim.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}
