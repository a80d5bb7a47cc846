//! If-Match and If-None-Match.

use serde_json::json;

use crate::support::{EVENTS, SERIES, Session, plus, timed, weekly};

#[test]
fn if_match_guards_every_kind_of_write() {
    let session = Session::new();
    let event = session.insert(&plus(timed(), &json!({"id": "event"})));
    let path = format!("{EVENTS}/event");
    let etag = event["etag"].as_str().unwrap();
    let other = "\"1\"";
    let put = plus(timed(), &json!({"summary": "Put"}));
    for (verb, body) in [("PUT", Some(&put)), ("PATCH", Some(&put)), ("DELETE", None)] {
        let with =
            |value: &str| session.call(&format!("{verb} {path}"), &[("if-match", value)], body);
        let stale = with(other);
        assert_eq!(stale.refused(), (412, "conditionNotMet".into()), "{verb}");
        assert_eq!(stale.json()["error"]["errors"][0]["location"], "If-Match");
        for malformed in ["unquoted", "W/\"1\""] {
            assert_eq!(with(malformed).refused().0, 400, "{verb} {malformed}");
        }
    }
    let right = session.call(
        &format!("PATCH {path}"),
        &[("if-match", etag)],
        Some(&json!({"summary": "x"})),
    );
    assert_ne!(right.ok()["etag"], etag);
    assert_eq!(right.header("etag"), right.ok()["etag"].as_str());
    let stale = session.call(
        &format!("PATCH {path}"),
        &[("if-match", etag)],
        Some(&json!({"summary": "y"})),
    );
    assert_eq!(stale.status, 412);
    let star = session.call(&format!("DELETE {path}"), &[("if-match", "*")], None);
    assert_eq!(star.status, 204);
}

#[test]
fn a_computed_instance_has_its_masters_etag() {
    let session = Session::new();
    let etag = session.insert(&weekly())["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{EVENTS}/{SERIES}_20261116T090000Z");
    let write = || {
        session.call(
            &format!("PATCH {path}"),
            &[("if-match", etag.as_str())],
            Some(&json!({"summary": "x"})),
        )
    };
    assert_eq!(write().status, 200);
    assert_eq!(write().status, 412);
}

#[test]
fn writes_without_if_match_can_be_forbidden() {
    let session = Session::knobs(|knobs| knobs.require_if_match = true);
    let event = session.insert(&plus(timed(), &json!({"id": "event"})));
    let path = format!("{EVENTS}/event");
    assert_eq!(
        session.patch(&path, &json!({"summary": "x"})).refused().0,
        428
    );
    assert_eq!(session.delete(&path).refused().0, 428);
    assert_eq!(session.sim.violations().len(), 2);
    let etag = event["etag"].as_str().unwrap();
    assert_eq!(
        session
            .call(&format!("DELETE {path}"), &[("if-match", etag)], None)
            .status,
        204
    );
}

#[test]
fn if_none_match_saves_the_body() {
    let session = Session::new();
    let event = session.insert(&plus(timed(), &json!({"id": "event"})));
    let etag = event["etag"].as_str().unwrap();
    let get = |value: &str| {
        session.call(
            &format!("GET {EVENTS}/event"),
            &[("if-none-match", value)],
            None,
        )
    };
    let reply = get(etag);
    assert_eq!((reply.status, reply.body.len()), (304, 0));
    assert_eq!(get("\"1\"").status, 200);
}

#[test]
fn calendars_have_etags_too() {
    let session = Session::new();
    let path = "/calendar/v3/calendars/primary";
    let etag = session.get(path).ok()["etag"].as_str().unwrap().to_owned();
    let patch = |etag: &str, text: &str| {
        session.call(
            &format!("PATCH {path}"),
            &[("if-match", etag)],
            Some(&json!({"description": text})),
        )
    };
    let changed = patch(&etag, "a").ok()["etag"].as_str().unwrap().to_owned();
    assert_ne!(changed, etag);
    assert_eq!(patch(&etag, "b").refused().0, 412);
    // A patch of nothing keeps the etag.
    assert_eq!(patch(&changed, "a").ok()["etag"], changed.as_str());
}
