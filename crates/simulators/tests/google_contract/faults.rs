//! Faults on order: before and after the effect, in every shape.

use serde_json::json;
use simulators::google::{
    AccountConfig, Action, CalendarConfig, Fault, GoogleSimConfig, PersonEdit, When,
};

use crate::support::{ADA, EVENTS, Session, plus, send, timed};

fn body() -> serde_json::Value {
    plus(timed(), &json!({"id": "event"}))
}

#[test]
fn an_error_before_the_effect_leaves_nothing_behind() {
    let session = Session::new();
    session
        .sim
        .fault(Fault::status("events.insert", 503, "backendError"));
    assert_eq!(
        session.post(EVENTS, &body()).refused(),
        (503, "backendError".into())
    );
    assert!(session.ids("").is_empty());
    assert_eq!(session.post(EVENTS, &body()).status, 200);
    assert_eq!(session.sim.counts().requests_of("events.insert"), 2);
    assert_eq!(session.sim.counts().writes_of("events.insert"), 1);
}

#[test]
fn a_lost_answer_leaves_the_effect_behind() {
    let account = AccountConfig::new(ADA).calendar(CalendarConfig::new("team@x", "Team"));
    let session = Session::with(GoogleSimConfig::default().accounts([account]));
    for method in [
        "events.insert",
        "events.patch",
        "events.move",
        "events.import",
        "events.delete",
    ] {
        session.sim.fault(Fault::lost_answer(method));
    }
    let path = format!("{EVENTS}/event");
    assert_eq!(session.post(EVENTS, &body()).status, 0);
    assert_eq!(session.get(&path).ok()["summary"], "Tea");
    assert_eq!(session.patch(&path, &json!({"summary": "New"})).status, 0);
    assert_eq!(session.get(&path).ok()["summary"], "New");
    let import = plus(timed(), &json!({"iCalUID": "foobar"}));
    assert_eq!(session.post(&format!("{EVENTS}/import"), &import).status, 0);
    assert_eq!(session.get(&format!("{EVENTS}/_cpnmuoj1e8")).status, 200);
    let moving = format!("POST {EVENTS}/event/move?destination=team%40x");
    assert_eq!(session.call(&moving, &[], None).status, 0);
    assert_eq!(
        session
            .get("/calendar/v3/calendars/team%40x/events/event")
            .status,
        200
    );
    let copy = format!("{EVENTS}/_cpnmuoj1e8");
    assert_eq!(session.delete(&copy).status, 0);
    assert_eq!(session.delete(&copy).refused().0, 410);
    assert_eq!(session.sim.counts().writes_total(), 5);
    assert!(session.sim.faults().is_empty());
}

#[test]
fn answers_that_do_not_arrive_whole() {
    let session = Session::new();
    session.insert(&body());
    let path = format!("{EVENTS}/event");
    let whole = session.get(&path).body;
    session
        .sim
        .fault(Fault::after("events.get", Action::Truncate { keep: 20 }));
    let reply = session.get(&path);
    assert_eq!(reply.body, whole[..20]);
    assert_eq!(
        reply.header("content-length"),
        Some(whole.len().to_string().as_str())
    );
    session
        .sim
        .fault(Fault::before("events.get", Action::Html { status: 502 }));
    let reply = session.get(&path);
    assert_eq!(reply.status, 502);
    assert!(reply.body.starts_with(b"<!DOCTYPE html>"));
    session
        .sim
        .fault(Fault::before("events.get", Action::Reset));
    assert_eq!(session.get(&path).status, 0);
    session.sim.fault(Fault::after(
        "events.get",
        Action::Drip {
            bytes: 50,
            pause_ms: 1,
        },
    ));
    assert_eq!(session.get(&path).body, whole);
    session
        .sim
        .fault(Fault::after("events.get", Action::Hold { ms: 1 }));
    assert_eq!(session.get(&path).body, whole);
}

#[test]
fn faults_choose_their_requests() {
    let session = Session::new();
    session.sim.fault(
        Fault::status("events.list", 500, "backendError")
            .nth(2)
            .times(2),
    );
    let seen: Vec<u16> = (0..5).map(|_| session.get(EVENTS).status).collect();
    assert_eq!(seen, [200, 500, 500, 200, 200]);
    let mut fault = Fault::status("events.list", 500, "backendError").times(0);
    fault.matching.probability = Some(0.5);
    fault.matching.path = Some("/events".to_owned());
    session.sim.fault(fault);
    let failed = (0..100)
        .filter(|_| session.get(EVENTS).status == 500)
        .count();
    assert!((30..70).contains(&failed), "{failed}");
    session.sim.clear_faults();
    assert_eq!(session.get(EVENTS).status, 200);
}

#[test]
fn time_passes_and_people_edit_at_the_right_moment() {
    let session = Session::new();
    session.insert(&body());
    let before = session.sim.now();
    session
        .sim
        .fault(Fault::before("events.list", Action::Delay { ms: 5000 }));
    session.get(EVENTS).ok();
    assert_eq!(session.sim.now().duration_since(before).as_secs(), 5);
    // Between the client's GET and its PATCH somebody else changes the event.
    let edit = PersonEdit {
        account: ADA.to_owned(),
        calendar: "primary".to_owned(),
        op: "patch".to_owned(),
        id: "event".to_owned(),
        body: json!({"summary": "Theirs"}),
    };
    session.sim.fault(Fault {
        when: When::After,
        ..Fault::before("events.get", Action::AsUser(edit))
    });
    let path = format!("{EVENTS}/event");
    let read = session.get(&path).ok();
    assert_eq!(read["summary"], "Tea");
    let etag = read["etag"].as_str().unwrap();
    let write = session.call(
        &format!("PATCH {path}"),
        &[("if-match", etag)],
        Some(&json!({"summary": "Ours"})),
    );
    assert_eq!(write.status, 412);
    assert_eq!(session.get(&path).ok()["summary"], "Theirs");
    assert!(session.sim.violations().is_empty());
}

#[test]
fn the_token_endpoint_fails_in_its_own_words() {
    let session = Session::new();
    session
        .sim
        .fault(Fault::status("token", 503, "temporarily_unavailable"));
    let reply = send(&session.sim.base_url(), "POST /token", &[], b"");
    assert_eq!(
        (reply.status, &reply.json()["error"]),
        (503, &json!("temporarily_unavailable"))
    );
}
