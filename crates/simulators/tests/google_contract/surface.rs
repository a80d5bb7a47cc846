//! What surrounds the methods: authorization, scopes, selectors, gzip, errors
//! of the front end, determinism.

use std::io::Read as _;

use serde_json::json;
use simulators::google::GoogleSimConfig;

use crate::support::{ADA, EVENTS, Reply, Session, plus, send, timed, weekly};

fn bearer(session: &Session, head: &str, token: &str) -> Reply {
    send(
        &session.sim.base_url(),
        head,
        &[("authorization", &format!("Bearer {token}"))],
        b"",
    )
}

#[test]
fn without_a_good_token_nothing_goes() {
    let session = Session::new();
    let base = session.sim.base_url();
    let none = send(&base, &format!("GET {EVENTS}"), &[], b"");
    assert_eq!(none.refused(), (401, "required".into()));
    let garbage = bearer(&session, &format!("GET {EVENTS}"), "ya29.nonsense");
    assert_eq!(garbage.refused(), (401, "authError".into()));
    assert!(garbage.header("www-authenticate").is_some());
    session.sim.advance(jiff::SignedDuration::from_secs(3601));
    assert_eq!(session.get(EVENTS).refused(), (401, "authError".into()));
}

#[test]
fn scopes_gate_methods() {
    let session = Session::new();
    let with = |scopes: &[&str]| session.sim.sign_in(ADA, scopes).unwrap().access_token;
    let list = "GET /calendar/v3/users/me/calendarList";
    for (scopes, head, allowed) in [
        (vec!["calendar.events"], format!("GET {EVENTS}"), true),
        (vec!["calendar.events"], list.to_owned(), false),
        (
            vec!["calendar.events", "calendar.calendarlist.readonly"],
            list.to_owned(),
            true,
        ),
        (
            vec!["calendar.events"],
            "GET /calendar/v3/calendars/primary".to_owned(),
            false,
        ),
        (
            vec!["calendar.events"],
            "GET /calendar/v3/users/me/settings".to_owned(),
            false,
        ),
        (
            vec!["calendar.settings.readonly"],
            "GET /calendar/v3/users/me/settings".to_owned(),
            true,
        ),
        (vec!["calendar.readonly"], format!("GET {EVENTS}"), true),
        (vec!["calendar.readonly"], format!("POST {EVENTS}"), false),
    ] {
        let reply = bearer(&session, &head, &with(&scopes));
        if allowed {
            assert_eq!(reply.status, 200, "{scopes:?} {head}");
        } else {
            assert_eq!(
                reply.refused(),
                (403, "insufficientPermissions".into()),
                "{scopes:?} {head}"
            );
            let details = &reply.json()["error"]["details"][0];
            assert_eq!(details["reason"], "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        }
    }
}

#[test]
fn what_is_not_there() {
    let session = Session::new();
    for (head, status) in [
        ("GET /calendar/v3/nothing", 404),
        ("GET /elsewhere", 404),
        ("DELETE /calendar/v3/colors", 405),
        (
            "POST /calendar/v3/calendars/primary/events/quickAdd?text=x",
            501,
        ),
        ("POST /calendar/v3/calendars/primary/events/watch", 501),
        ("GET /calendar/v3/calendars/primary/acl", 501),
        ("POST /batch/calendar/v3", 501),
    ] {
        let reply = session.call(head, &[], None);
        assert_eq!(reply.status, status, "{head}");
        let html = matches!(status, 404 | 405);
        assert_eq!(reply.body.starts_with(b"<!DOCTYPE"), html, "{head}");
    }
}

#[test]
fn selectors_and_verbs_in_disguise() {
    let session = Session::new();
    session.insert(&plus(timed(), &json!({"id": "event"})));
    let page = session.list("fields=nextSyncToken,items(id,start/dateTime)");
    assert_eq!(
        page["items"],
        json!([{"id": "event", "start": {"dateTime": "2026-11-09T10:00:00+01:00"}}])
    );
    assert_eq!(page.as_object().unwrap().len(), 2);
    let bad = session.get(&format!("{EVENTS}?fields=items(id"));
    assert_eq!(bad.refused(), (400, "invalidParameter".into()));
    let reply = session.call(
        &format!("POST {EVENTS}/event"),
        &[("x-http-method-override", "PATCH")],
        Some(&json!({"summary": "x"})),
    );
    assert_eq!(reply.ok()["summary"], "x");
}

#[test]
fn gzip_for_those_who_ask_properly() {
    let session = Session::new();
    session.insert(&weekly());
    let get = |agent: &str| {
        session.call(
            &format!("GET {EVENTS}"),
            &[("accept-encoding", "gzip"), ("user-agent", agent)],
            None,
        )
    };
    assert!(get("plain").header("content-encoding").is_none());
    let packed = get("client (gzip)");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, get("plain").body);
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes() {
    let run = |seed: u64| -> Vec<Vec<u8>> {
        let session = Session::with(GoogleSimConfig {
            seed,
            ..GoogleSimConfig::default()
        });
        let mut out = vec![session.token.clone().into_bytes()];
        out.push(session.post(EVENTS, &timed()).body);
        out.push(session.post(EVENTS, &weekly()).body);
        out.push(session.get(&format!("{EVENTS}?maxResults=1")).body);
        out.push(
            session
                .post("/calendar/v3/calendars", &json!({"summary": "New"}))
                .body,
        );
        out.push(session.get(&format!("{EVENTS}?singleEvents=true")).body);
        out
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn the_log_tells_what_happened_and_no_secret() {
    let session = Session::new();
    session.call(
        &format!("PATCH {EVENTS}/nothere?sendUpdates=none"),
        &[("if-match", "\"1\""), ("user-agent", "me")],
        Some(&json!({"summary": "x"})),
    );
    let log = session.sim.log();
    let entry = &log[0];
    assert_eq!(entry.method, "events.patch");
    assert_eq!(entry.account.as_deref(), Some(ADA));
    assert_eq!(entry.if_match.as_deref(), Some("\"1\""));
    assert_eq!(entry.user_agent.as_deref(), Some("me"));
    assert_eq!(entry.body, Some(json!({"summary": "x"})));
    assert_eq!(
        (entry.status, entry.reason.as_deref(), entry.effect),
        (404, Some("notFound"), false)
    );
    assert_eq!(entry.query, [("sendUpdates".to_owned(), "none".to_owned())]);
    send(
        &session.sim.base_url(),
        "POST /token",
        &[],
        b"client_secret=hush&refresh_token=hush",
    );
    assert!(!format!("{:?}", session.sim.log()).contains("hush"));
    assert!(!format!("{:?}", session.sim.log()).contains(&session.token));
}
