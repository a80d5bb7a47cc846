//! Insert, import, update, patch, delete, move: ids, merges, sequences, revival.

use serde_json::{Value, json};
use simulators::google::{AccountConfig, CalendarConfig, GoogleSimConfig};

use crate::support::{ADA, EVENTS, Session, all_day, plus, timed};

const ID: &str = "abcde0";

fn with_event() -> (Session, Value) {
    let session = Session::new();
    let event = session.insert(&plus(timed(), &json!({"id": ID})));
    (session, event)
}

#[test]
fn ids_and_uids_the_server_makes() {
    let (session, event) = with_event();
    assert_eq!(event["iCalUID"], "abcde0@google.com");
    assert_eq!(event["creator"], json!({"email": ADA, "self": true}));
    assert_eq!(event["organizer"], json!({"email": ADA, "self": true}));
    let made = session.insert(&plus(timed(), &json!({"iCalUID": "u-1@example.org"})));
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 26);
    assert_eq!(made["iCalUID"], "u-1@example.org");
    let again = session.post(
        EVENTS,
        &plus(timed(), &json!({"iCalUID": "u-1@example.org"})),
    );
    assert_eq!(again.refused(), (409, "duplicate".into()));
    session
        .sim
        .knobs(|knobs| knobs.duplicate_ical_uid_refused = false);
    assert_eq!(
        session
            .post(
                EVENTS,
                &plus(timed(), &json!({"iCalUID": "u-1@example.org"}))
            )
            .status,
        200
    );
}

#[test]
fn a_taken_id_stays_taken() {
    let (session, _) = with_event();
    let body = plus(timed(), &json!({"id": ID}));
    assert_eq!(
        session.post(EVENTS, &body).refused(),
        (409, "duplicate".into())
    );
    assert_eq!(session.delete(&format!("{EVENTS}/{ID}")).status, 204);
    let reply = session.post(EVENTS, &body);
    assert_eq!(reply.refused(), (409, "duplicate".into()));
    assert_eq!(reply.message(), "The requested identifier already exists.");
}

#[test]
fn deleting_twice_is_gone_and_getting_still_works() {
    let (session, event) = with_event();
    let path = format!("{EVENTS}/{ID}");
    let reply = session.delete(&path);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(session.delete(&path).refused(), (410, "deleted".into()));
    let tombstone = session.get(&path).ok();
    assert_eq!(tombstone["status"], "cancelled");
    assert_eq!(tombstone.as_object().unwrap().len(), 4, "{tombstone}");
    session.sim.knobs(|knobs| knobs.bare_tombstones = false);
    assert_eq!(session.get(&path).ok()["summary"], event["summary"]);
    assert_eq!(
        session.get(&format!("{EVENTS}/nothere")).refused(),
        (404, "notFound".into())
    );
}

#[test]
fn revival() {
    let (session, _) = with_event();
    let path = format!("{EVENTS}/{ID}");
    session.delete(&path);
    // Without a status it stays deleted.
    assert_eq!(
        session.patch(&path, &json!({"summary": "x"})).ok()["status"],
        "cancelled"
    );
    assert_eq!(session.put(&path, &timed()).ok()["status"], "cancelled");
    session.sim.knobs(|knobs| knobs.revive_forbidden = true);
    let body = plus(timed(), &json!({"status": "confirmed", "summary": "Back"}));
    assert_eq!(
        session.put(&path, &body).refused(),
        (403, "forbidden".into())
    );
    session.sim.knobs(|knobs| knobs.revive_forbidden = false);
    let back = session.put(&path, &body).ok();
    assert_eq!(
        (&back["status"], &back["summary"]),
        (&json!("confirmed"), &json!("Back"))
    );
    session.delete(&path);
    let back = session.patch(&path, &json!({"status": "confirmed"})).ok();
    assert_eq!(back["summary"], "Back");
}

#[test]
fn cancelling_by_status_deletes() {
    let (session, _) = with_event();
    let path = format!("{EVENTS}/{ID}");
    assert_eq!(
        session.patch(&path, &json!({"status": "cancelled"})).ok()["status"],
        "cancelled"
    );
    assert_eq!(session.delete(&path).refused(), (410, "deleted".into()));
}

#[test]
fn patch_merges_put_replaces() {
    let session = Session::new();
    session.insert(&plus(
        timed(),
        &json!({
            "id": ID, "description": "long", "colorId": "3",
            "extendedProperties": {"private": {"a": "1", "b": "2"}},
            "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}]},
        }),
    ));
    let path = format!("{EVENTS}/{ID}");
    let event = session
        .patch(
            &path,
            &json!({
                "summary": "New", "description": null,
                "extendedProperties": {"private": {"a": null, "c": "3"}},
            }),
        )
        .ok();
    assert_eq!(event["summary"], "New");
    assert!(event.get("description").is_none());
    assert_eq!(
        event["extendedProperties"]["private"],
        json!({"b": "2", "c": "3"})
    );
    assert_eq!(event["colorId"], "3");
    let event = session.put(&path, &timed()).ok();
    for gone in ["colorId", "extendedProperties"] {
        assert!(event.get(gone).is_none(), "{gone}");
    }
    assert_eq!(event["reminders"], json!({"useDefault": true}));
    assert_eq!(event["iCalUID"], "abcde0@google.com");
}

#[test]
fn switching_to_all_day_needs_the_other_field_nulled() {
    let (session, _) = with_event();
    let path = format!("{EVENTS}/{ID}");
    let half = json!({"start": {"date": "2026-11-09"}, "end": {"date": "2026-11-10"}});
    let reply = session.patch(&path, &half);
    assert_eq!(reply.refused(), (400, "invalid".into()));
    assert_eq!(reply.message(), "Invalid start time.");
    let whole = json!({
        "start": {"date": "2026-11-09", "dateTime": null, "timeZone": null},
        "end": {"date": "2026-11-10", "dateTime": null, "timeZone": null},
    });
    assert_eq!(
        session.patch(&path, &whole).ok()["start"],
        json!({"date": "2026-11-09"})
    );
}

#[test]
fn sequence_never_falls_and_rises_with_the_time() {
    let (session, _) = with_event();
    let path = format!("{EVENTS}/{ID}");
    assert_eq!(
        session.patch(&path, &json!({"summary": "x"})).ok()["sequence"],
        0
    );
    let later = json!({"end": {"dateTime": "2026-11-09T12:00:00+01:00"}});
    assert_eq!(session.patch(&path, &later).ok()["sequence"], 1);
    assert_eq!(
        session.patch(&path, &json!({"sequence": 7})).ok()["sequence"],
        7
    );
    let reply = session.patch(&path, &json!({"sequence": 6}));
    assert_eq!(reply.refused(), (400, "invalid".into()));
    assert!(reply.message().starts_with("Invalid sequence value."));
    // A PUT without one keeps it, unless the knob says it counts as 0.
    let same_times = plus(timed(), &later);
    assert_eq!(session.put(&path, &same_times).status, 200);
    session.sim.knobs(|knobs| knobs.put_sequence_zero = true);
    assert_eq!(
        session
            .put(&path, &plus(same_times, &json!({"summary": "z"})))
            .status,
        400
    );
}

#[test]
fn read_only_fields_may_be_echoed_but_not_changed() {
    let (session, event) = with_event();
    let path = format!("{EVENTS}/{ID}");
    assert_eq!(session.put(&path, &event).status, 200);
    for change in [
        json!({"id": "other0"}),
        json!({"iCalUID": "other"}),
        json!({"eventType": "birthday"}),
        json!({"recurringEventId": "other"}),
        json!({"originalStartTime": {"date": "2026-11-09"}}),
        json!({"created": "2020-01-01T00:00:00.000Z"}),
        json!({"creator": {"email": "x@y.z"}}),
        json!({"organizer": {"email": "x@y.z"}}),
        json!({"kind": "calendar#other"}),
        json!({"privateCopy": true}),
    ] {
        assert_eq!(
            session.patch(&path, &change).refused(),
            (400, "invalid".into()),
            "{change}"
        );
    }
    session.sim.knobs(|knobs| knobs.ignore_immutable = true);
    assert_eq!(
        session.patch(&path, &json!({"iCalUID": "other"})).ok()["iCalUID"],
        event["iCalUID"]
    );
}

#[test]
fn etags_follow_updated() {
    let (session, event) = with_event();
    let path = format!("{EVENTS}/{ID}");
    let at = |event: &Value| {
        event["updated"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    assert_eq!(
        event["etag"],
        format!("\"{}\"", at(&event).as_microsecond() * 2)
    );
    let same = session.patch(&path, &json!({"summary": "Tea"})).ok();
    assert_eq!(same["etag"], event["etag"]);
    let token = session.sync_token();
    let reminders = session
        .patch(&path, &json!({"reminders": {"useDefault": false}}))
        .ok();
    assert_eq!(reminders["etag"], event["etag"]);
    // The change shows up in a delta all the same.
    assert_eq!(session.ids(&format!("syncToken={token}")), [ID]);
    let other = session.patch(&path, &json!({"summary": "Coffee"})).ok();
    assert!(at(&other) > at(&event));
    session.sim.knobs(|knobs| knobs.noop_moves_etag = true);
    let moved = session.patch(&path, &json!({"summary": "Coffee"})).ok();
    assert!(at(&moved) > at(&other));
}

#[test]
fn import_is_an_upsert_by_uid() {
    let session = Session::new();
    let path = format!("{EVENTS}/import");
    let body = plus(timed(), &json!({"iCalUID": "foobar"}));
    let event = session.post(&path, &body).ok();
    assert_eq!(event["id"], "_cpnmuoj1e8");
    assert_eq!(
        event["organizer"],
        json!({"email": "unknownorganizer@calendar.google.com"})
    );
    assert_eq!(event["privateCopy"], true);
    let again = session
        .post(&path, &plus(body.clone(), &json!({"summary": "Again"})))
        .ok();
    assert_eq!(
        (&again["id"], &again["summary"]),
        (&event["id"], &json!("Again"))
    );
    assert_eq!(session.list("")["items"].as_array().unwrap().len(), 1);
    session.delete(&format!("{EVENTS}/_cpnmuoj1e8"));
    assert_eq!(session.post(&path, &body).ok()["status"], "confirmed");
    for (change, reason) in [
        (json!({"iCalUID": null}), "required"),
        (json!({"iCalUID": ""}), "invalid"),
        (json!({"eventType": "focusTime"}), "invalid"),
        (json!({"recurringEventId": "abcde"}), "invalid"),
        (json!({"start": null}), "required"),
    ] {
        assert_eq!(
            session.post(&path, &plus(body.clone(), &change)).refused(),
            (400, reason.into()),
            "{change}"
        );
    }
    let own = plus(
        timed(),
        &json!({"iCalUID": "own", "organizer": {"email": ADA}}),
    );
    assert!(session.post(&path, &own).ok().get("privateCopy").is_none());
}

#[test]
fn moving_leaves_a_tombstone() {
    let account = AccountConfig::new(ADA).calendar(CalendarConfig::new(
        "team@group.calendar.google.com",
        "Team",
    ));
    let session = Session::with(GoogleSimConfig::default().accounts([account]));
    session.insert(&plus(timed(), &json!({"id": ID})));
    let target = "team%40group.calendar.google.com";
    let reply = session
        .call(
            &format!("POST {EVENTS}/{ID}/move?destination={target}"),
            &[],
            None,
        )
        .ok();
    assert_eq!(reply["status"], "cancelled");
    assert_eq!(
        session.get(&format!("{EVENTS}/{ID}")).ok()["status"],
        "cancelled"
    );
    let there = session
        .get(&format!("/calendar/v3/calendars/{target}/events/{ID}"))
        .ok();
    assert_eq!(there["status"], "confirmed");
    assert_eq!(
        there["organizer"]["email"],
        "team@group.calendar.google.com"
    );
    assert!(there["creator"].get("self").is_none());
    let again = session.call(
        &format!("POST {EVENTS}/{ID}/move?destination={target}"),
        &[],
        None,
    );
    assert_eq!(again.refused(), (410, "deleted".into()));
    let nowhere = session.call(&format!("POST {EVENTS}/{ID}/move"), &[], None);
    assert_eq!(nowhere.refused(), (400, "required".into()));
}

#[test]
fn mail_is_kept_in_a_ledger() {
    let session = Session::new();
    let guests = json!({"attendees": [{"email": "bob@example.com"}, {"email": ADA}]});
    session.insert(&all_day());
    assert!(session.sim.mail().is_empty());
    session
        .post(&format!("{EVENTS}?sendUpdates=all"), &all_day())
        .ok();
    assert_eq!(session.sim.mail()[0].send_updates, "all");
    session
        .post(
            &format!("{EVENTS}?sendUpdates=none"),
            &plus(all_day(), &guests),
        )
        .ok();
    assert_eq!(session.sim.mail()[1].recipients, ["bob@example.com"]);
    session.sim.knobs(|knobs| knobs.fail_on_mail = true);
    assert_eq!(
        session.post(EVENTS, &plus(all_day(), &guests)).refused().0,
        400
    );
    assert_eq!(session.sim.violations().len(), 1);
    assert_eq!(session.list("")["items"].as_array().unwrap().len(), 3);
}

#[test]
fn a_new_event_may_stay_unseen_for_a_while() {
    let session = Session::knobs(|knobs| knobs.invisible_for = 2);
    let before = session.sync_token();
    session.insert(&plus(timed(), &json!({"id": ID})));
    let path = format!("{EVENTS}/{ID}");
    assert_eq!(session.get(&path).refused(), (404, "notFound".into()));
    let page = session.list(&format!("syncToken={before}"));
    assert_eq!(page["items"], json!([]));
    // Later it is there, and in the delta of a token from before it was seen.
    let token = page["nextSyncToken"].as_str().unwrap();
    assert_eq!(session.ids(&format!("syncToken={token}")), [ID]);
    assert_eq!(session.get(&path).status, 200);
    assert_eq!(
        session
            .post(EVENTS, &plus(timed(), &json!({"id": ID})))
            .refused()
            .0,
        409
    );
}
