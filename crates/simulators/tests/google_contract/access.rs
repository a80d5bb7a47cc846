//! Roles, private events, invitations by others, locked events.

use serde_json::{Value, json};
use simulators::google::{AccountConfig, CalendarConfig, GoogleSimConfig, Role};

use crate::support::{ADA, EVENTS, Session, ids, plus, timed};

const TEAM: &str = "/calendar/v3/calendars/team%40x/events";
const BOB: &str = "bob@example.com";

/// Bob owns `team@x`; Ada has it with `role`.
fn shared(role: Role) -> Session {
    let team = CalendarConfig::new("team@x", "Team");
    let session = Session::with(GoogleSimConfig::default().accounts([
        AccountConfig::new(BOB).calendar(team.clone()),
        AccountConfig::new(ADA).calendar(team.role(role)),
    ]));
    let bob = session.sim.as_user(BOB);
    bob.insert(
        "team@x",
        plus(timed(), &json!({"id": "open0", "location": "Hall"})),
    )
    .unwrap();
    bob.insert(
        "team@x",
        plus(
            timed(),
            &json!({"id": "secret", "visibility": "private", "location": "Hall"}),
        ),
    )
    .unwrap();
    session
}

#[test]
fn roles_gate_reading_and_writing() {
    for (role, writes, open_summary, private_summary) in [
        (Role::FreeBusyReader, false, false, false),
        (Role::Reader, false, true, false),
        (Role::WriterWithoutPrivateAccess, true, true, false),
        (Role::Writer, true, true, true),
        (Role::Owner, true, true, true),
    ] {
        let session = shared(role);
        let page = session.get(TEAM).ok();
        assert_eq!(page["accessRole"], serde_json::to_value(role).unwrap());
        assert_eq!(ids(&page), ["open0", "secret"]);
        let event = |id: &str| session.get(&format!("{TEAM}/{id}")).ok();
        assert_eq!(
            event("open0").get("summary").is_some(),
            open_summary,
            "{role:?}"
        );
        assert_eq!(
            event("secret").get("summary").is_some(),
            private_summary,
            "{role:?}"
        );
        assert!(event("secret")["start"]["dateTime"].is_string());
        let reply = session.post(TEAM, &timed());
        if writes {
            assert_eq!(reply.status, 200, "{role:?}");
        } else {
            assert_eq!(
                reply.refused(),
                (403, "requiredAccessLevel".into()),
                "{role:?}"
            );
            assert_eq!(session.delete(&format!("{TEAM}/open0")).refused().0, 403);
        }
    }
}

#[test]
fn without_access_there_is_nothing() {
    let session = shared(Role::Reader);
    session.sim.set_role(ADA, "team@x", Role::None).unwrap();
    assert_eq!(session.get(TEAM).refused(), (404, "notFound".into()));
    assert_eq!(session.post(TEAM, &timed()).refused().0, 404);
    assert_eq!(
        session
            .get("/calendar/v3/calendars/never%40x/events")
            .refused()
            .0,
        404
    );
    let list = session.get("/calendar/v3/users/me/calendarList").ok();
    assert_eq!(ids(&list), [ADA]);
    session.sim.set_role(ADA, "team@x", Role::Writer).unwrap();
    assert_eq!(session.post(TEAM, &timed()).status, 200);
}

fn invitation(more: &Value) -> Session {
    let session = Session::new();
    let event = plus(
        timed(),
        &json!({
            "id": "invite", "organizer": {"email": BOB}, "creator": {"email": BOB},
            "attendees": [{"email": BOB}, {"email": ADA}],
        }),
    );
    session
        .sim
        .as_user(ADA)
        .plant("primary", plus(event, more))
        .unwrap();
    session
}

#[test]
fn guests_may_change_only_what_is_theirs() {
    let session = invitation(&json!({}));
    let path = format!("{EVENTS}/invite");
    let event = session.get(&path).ok();
    assert_eq!(event["organizer"], json!({"email": BOB}));
    assert_eq!(event["attendees"][0]["organizer"], true);
    assert_eq!(event["attendees"][1]["self"], true);
    for change in [
        json!({"summary": "Mine"}),
        json!({"location": "Elsewhere"}),
        json!({"start": {"dateTime": "2026-11-09T10:30:00+01:00"}}),
        json!({"attendees": [{"email": ADA}]}),
        json!({"extendedProperties": {"shared": {"a": "b"}}}),
    ] {
        let reply = session.patch(&path, &change);
        assert_eq!(
            reply.refused(),
            (403, "forbiddenForNonOrganizer".into()),
            "{change}"
        );
    }
    for change in [
        json!({"reminders": {"useDefault": false}}),
        json!({"colorId": "4"}),
        json!({"extendedProperties": {"private": {"a": "b"}}}),
        json!({"attendees": [{"email": BOB}, {"email": ADA, "responseStatus": "accepted"}]}),
    ] {
        assert_eq!(session.patch(&path, &change).status, 200, "{change}");
    }
    let open = invitation(&json!({"guestsCanModify": true}));
    assert_eq!(open.patch(&path, &json!({"summary": "Ours"})).status, 200);
    // One's own copy may go.
    assert_eq!(session.delete(&path).status, 204);
}

#[test]
fn locked_events_keep_their_six_fields() {
    let session = Session::new();
    session
        .sim
        .as_user(ADA)
        .plant(
            "primary",
            plus(timed(), &json!({"id": "locked", "locked": true})),
        )
        .unwrap();
    let path = format!("{EVENTS}/locked");
    assert_eq!(session.get(&path).ok()["locked"], true);
    assert_eq!(
        session.patch(&path, &json!({"summary": "x"})).refused().0,
        403
    );
    assert_eq!(
        session.patch(&path, &json!({"colorId": "2"})).ok()["locked"],
        true
    );
}

#[test]
fn the_primary_alias_is_only_a_way_in() {
    let session = Session::new();
    session.insert(&plus(timed(), &json!({"id": "event"})));
    let by_name = session
        .get("/calendar/v3/calendars/ada%40example.com/events/event")
        .ok();
    let by_alias = session.get(&format!("{EVENTS}/event")).ok();
    assert_eq!(by_name, by_alias);
    assert!(!by_alias.to_string().contains("primary"));
    assert_eq!(
        session.get("/calendar/v3/calendars/primary").ok()["id"],
        ADA
    );
}

#[test]
fn guest_lists_can_be_cut_short() {
    let session = invitation(&json!({}));
    let event = session.get(&format!("{EVENTS}/invite?maxAttendees=1")).ok();
    assert_eq!(event["attendeesOmitted"], true);
    assert_eq!(event["attendees"].as_array().unwrap().len(), 1);
    assert_eq!(event["attendees"][0]["self"], true);
}
