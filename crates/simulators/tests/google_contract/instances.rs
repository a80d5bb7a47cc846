//! The state machine of series, instances, exceptions and cancellations.

use serde_json::{Value, json};
use simulators::google::{CascadeTombstones, ExceptionPolicy};

use crate::support::{EVENTS, SERIES, Session, ids, plus, timed, weekly};

/// The instance of the nth Monday of [`weekly`], counted from 0.
fn nth(n: i64) -> String {
    let day = jiff::civil::date(2026, 11, 9) + jiff::Span::new().days(7 * n);
    format!("{SERIES}_{}T090000Z", day.strftime("%Y%m%d"))
}

fn path(id: &str) -> String {
    format!("{EVENTS}/{id}")
}

fn with_series() -> Session {
    let session = Session::new();
    session.insert(&weekly());
    session
}

fn instances(session: &Session, query: &str) -> Vec<Value> {
    let page = session
        .get(&format!("{EVENTS}/{SERIES}/instances?{query}"))
        .ok();
    page["items"].as_array().unwrap().clone()
}

#[test]
fn computed_instances_answer_under_their_ids() {
    let session = with_series();
    let master = session.get(&path(SERIES)).ok();
    let one = session.get(&path(&nth(1))).ok();
    assert_eq!(one["recurringEventId"], SERIES);
    assert_eq!(
        one["originalStartTime"],
        json!({"dateTime": "2026-11-16T10:00:00+01:00", "timeZone": "Europe/Berlin"})
    );
    assert_eq!(one["start"], one["originalStartTime"]);
    assert_eq!(one["end"]["dateTime"], "2026-11-16T11:00:00+01:00");
    assert_eq!(
        (&one["etag"], &one["updated"], &one["iCalUID"]),
        (&master["etag"], &master["updated"], &master["iCalUID"])
    );
    assert!(one.get("recurrence").is_none());
    // No row was made by looking.
    assert_eq!(session.ids(""), [SERIES]);
    for wrong in [
        "series_20261110T090000Z",
        "series_20261109",
        "series_20270118T090000Z",
        "nobody_20261109T090000Z",
    ] {
        assert_eq!(
            session.get(&path(wrong)).refused(),
            (404, "notFound".into()),
            "{wrong}"
        );
    }
}

#[test]
fn a_write_makes_an_exception() {
    let session = with_series();
    let before = session.get(&path(SERIES)).ok();
    let token = session.sync_token();
    let one = session
        .patch(&path(&nth(2)), &json!({"summary": "Special"}))
        .ok();
    assert_eq!(one["id"], nth(2));
    assert_ne!(one["etag"], before["etag"]);
    assert_eq!(session.get(&path(SERIES)).ok()["etag"], before["etag"]);
    // Only the exception is in the delta, and the list now has two rows.
    assert_eq!(session.ids(&format!("syncToken={token}")), [nth(2)]);
    assert_eq!(session.ids(""), [SERIES.to_owned(), nth(2)]);
    // Moved to another day it keeps its id and original start.
    let moved = session
        .patch(
            &path(&nth(2)),
            &json!({
                "start": {"date": "2026-12-24", "dateTime": null, "timeZone": null},
                "end": {"date": "2026-12-25", "dateTime": null, "timeZone": null},
            }),
        )
        .ok();
    assert_eq!(
        moved["originalStartTime"]["dateTime"],
        "2026-11-23T10:00:00+01:00"
    );
    assert_eq!(moved["start"], json!({"date": "2026-12-24"}));
    let recurring = session.patch(&path(&nth(2)), &json!({"recurrence": ["RRULE:FREQ=DAILY"]}));
    assert_eq!(recurring.refused(), (400, "invalid".into()));
    // A PATCH that changes nothing makes no row.
    session
        .patch(&path(&nth(4)), &json!({"summary": "Tea"}))
        .ok();
    assert_eq!(session.ids(""), [SERIES.to_owned(), nth(2)]);
    // PUT works on an instance too.
    let put = plus(
        timed(),
        &json!({
            "summary": "Put",
            "start": {"dateTime": "2026-12-07T12:00:00+01:00"}, "end": {"dateTime": "2026-12-07T13:00:00+01:00"},
        }),
    );
    assert_eq!(
        session.put(&path(&nth(4)), &put).ok()["recurringEventId"],
        SERIES
    );
}

#[test]
fn deleting_an_instance_leaves_a_bare_hole() {
    let session = with_series();
    let token = session.sync_token();
    assert_eq!(session.delete(&path(&nth(3))).status, 204);
    assert_eq!(
        session.delete(&path(&nth(3))).refused(),
        (410, "deleted".into())
    );
    let hole = session.get(&path(&nth(3))).ok();
    let keys: Vec<&String> = hole.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "etag",
            "id",
            "kind",
            "originalStartTime",
            "recurringEventId",
            "status"
        ]
    );
    // No EXDATE appears, and the hole is listed without showDeleted.
    let page = session.list("");
    assert_eq!(ids(&page), [SERIES.to_owned(), nth(3)]);
    assert_eq!(
        session.get(&path(SERIES)).ok()["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;COUNT=10"])
    );
    assert_eq!(session.ids(&format!("syncToken={token}")), [nth(3)]);
    assert_eq!(instances(&session, "").len(), 9);
    assert_eq!(instances(&session, "showDeleted=true").len(), 10);
    assert_eq!(
        session.list("singleEvents=true")["items"]
            .as_array()
            .unwrap()
            .len(),
        9
    );
    // Confirmed again it is an instance like the others.
    let back = session
        .patch(&path(&nth(3)), &json!({"status": "confirmed"}))
        .ok();
    assert_eq!(back["start"]["dateTime"], "2026-11-30T10:00:00+01:00");
    assert_eq!(instances(&session, "").len(), 10);
    // By status it works as well as by DELETE.
    assert_eq!(
        session
            .patch(&path(&nth(5)), &json!({"status": "cancelled"}))
            .ok()["status"],
        "cancelled"
    );
    assert_eq!(instances(&session, "").len(), 9);
}

#[test]
fn instances_are_sorted_filtered_and_paged() {
    let session = with_series();
    session.patch(&path(&nth(0)), &json!({
        "start": {"dateTime": "2026-11-20T10:00:00+01:00"}, "end": {"dateTime": "2026-11-20T11:00:00+01:00"},
    })).ok();
    let all = instances(&session, "");
    let order: Vec<&str> = all.iter().map(|i| i["id"].as_str().unwrap()).collect();
    assert_eq!(order[..3], [nth(1), nth(0), nth(2)]);
    // timeMin is inclusive on the end, timeMax exclusive on the start.
    let some = instances(
        &session,
        "timeMin=2026-11-23T10:00:00Z&timeMax=2026-12-07T09:00:00Z",
    );
    assert_eq!(some.len(), 2);
    let one = instances(&session, "originalStart=2026-11-09T10:00:00%2B01:00");
    assert_eq!(one[0]["id"], nth(0));
    let first = session
        .get(&format!("{EVENTS}/{SERIES}/instances?maxResults=4"))
        .ok();
    let next = first["nextPageToken"].as_str().unwrap();
    let second = session
        .get(&format!(
            "{EVENTS}/{SERIES}/instances?maxResults=4&pageToken={next}"
        ))
        .ok();
    assert_eq!(
        (
            first["items"].as_array().unwrap().len(),
            second["items"].as_array().unwrap().len()
        ),
        (4, 4)
    );
    assert!(second["nextPageToken"].is_string() && first.get("nextSyncToken").is_none());
    // Of an instance: that one. Of a cancelled one: nothing. Of a single event: 400.
    let of = |id: &str| session.get(&format!("{EVENTS}/{id}/instances"));
    assert_eq!(ids(&of(&nth(1)).ok()), [nth(1)]);
    session.delete(&path(&nth(1)));
    assert!(ids(&of(&nth(1)).ok()).is_empty());
    session.insert(&plus(timed(), &json!({"id": "single"})));
    assert_eq!(of("single").refused(), (400, "badRequest".into()));
}

#[test]
fn endless_series_end_at_the_horizon() {
    let session = Session::knobs(|knobs| knobs.horizon_years = 1);
    session.insert(&plus(
        timed(),
        &json!({"id": SERIES, "recurrence": ["RRULE:FREQ=MONTHLY"]}),
    ));
    // 13 months from 2026-11-09 on, both ends included.
    assert_eq!(instances(&session, "").len(), 13);
    assert_eq!(
        instances(&session, "timeMax=2036-11-01T00:00:00Z").len(),
        120
    );
}

#[test]
fn deleting_a_series_takes_its_exceptions_along() {
    for (cascade, in_delta) in [
        (CascadeTombstones::MasterOnly, 1),
        (CascadeTombstones::All, 2),
    ] {
        let session = Session::knobs(|knobs| knobs.cascade_tombstones = cascade);
        session.insert(&weekly());
        session
            .patch(&path(&nth(2)), &json!({"summary": "Special"}))
            .ok();
        let token = session.sync_token();
        assert_eq!(session.delete(&path(SERIES)).status, 204);
        assert_eq!(session.ids(&format!("syncToken={token}")).len(), in_delta);
        assert_eq!(session.get(&path(&nth(2))).ok()["status"], "cancelled");
        assert_eq!(session.get(&path(&nth(3))).status, 404);
        // Holes of a dead series are not listed.
        assert!(session.ids("").is_empty());
        assert_eq!(
            session
                .patch(&path(&nth(2)), &json!({"status": "confirmed"}))
                .refused()
                .0,
            403
        );
    }
}

#[test]
fn reviving_a_series() {
    for restores in [false, true] {
        let session = Session::knobs(|knobs| knobs.revive_restores_exceptions = restores);
        session.insert(&weekly());
        session
            .patch(&path(&nth(2)), &json!({"summary": "Special"}))
            .ok();
        session.delete(&path(&nth(5)));
        session.delete(&path(SERIES));
        session
            .patch(&path(SERIES), &json!({"status": "confirmed"}))
            .ok();
        let status = session.get(&path(&nth(2))).ok()["status"].clone();
        assert_eq!(status, if restores { "confirmed" } else { "cancelled" });
        // What was cancelled by itself stays so.
        assert_eq!(session.get(&path(&nth(5))).ok()["status"], "cancelled");
        assert_eq!(session.get(&path(&nth(1))).ok()["status"], "confirmed");
    }
}

#[test]
fn exceptions_after_the_series_moved() {
    // The series moves from 10:00 to 14:00.
    let moved = json!({
        "start": {"dateTime": "2026-11-09T14:00:00+01:00"}, "end": {"dateTime": "2026-11-09T15:00:00+01:00"},
    });
    let new_id = "series_20261123T130000Z";
    for (policy, old_status, new_summary) in [
        (ExceptionPolicy::Keep, "confirmed", "Tea"),
        (ExceptionPolicy::Drop, "cancelled", "Tea"),
        (ExceptionPolicy::Shift, "cancelled", "Special"),
    ] {
        let session = Session::knobs(|knobs| knobs.exception_policy = policy);
        session.insert(&weekly());
        session
            .patch(&path(&nth(2)), &json!({"summary": "Special"}))
            .ok();
        let master = session.patch(&path(SERIES), &moved).ok();
        assert_eq!(master["sequence"], 1);
        assert_eq!(
            session.get(&path(&nth(2))).ok()["status"],
            old_status,
            "{policy:?}"
        );
        assert_eq!(
            session.get(&path(new_id)).ok()["summary"],
            new_summary,
            "{policy:?}"
        );
        assert_eq!(session.get(&path(&nth(3))).status, 404);
    }
}

#[test]
fn cutting_a_series_leaves_stray_exceptions_alive() {
    for (policy, count, stray) in [
        (ExceptionPolicy::Keep, 3, "confirmed"),
        (ExceptionPolicy::Drop, 2, "cancelled"),
    ] {
        let session = Session::knobs(|knobs| knobs.exception_policy = policy);
        session.insert(&weekly());
        session
            .patch(&path(&nth(7)), &json!({"summary": "Stray"}))
            .ok();
        session
            .patch(
                &path(SERIES),
                &json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261116T090000Z"]}),
            )
            .ok();
        assert_eq!(session.get(&path(&nth(7))).ok()["status"], stray);
        assert_eq!(instances(&session, "").len(), count);
    }
}

#[test]
fn a_series_without_its_rule_is_a_single_event() {
    let session = with_series();
    let flat = session.put(&path(SERIES), &timed()).ok();
    assert!(flat.get("recurrence").is_none());
    assert_eq!(session.get(&path(&nth(1))).status, 404);
    assert_eq!(
        session
            .get(&format!("{EVENTS}/{SERIES}/instances"))
            .refused()
            .0,
        400
    );
}

#[test]
fn a_change_of_the_master_touches_exceptions_when_the_knob_says_so() {
    for (touches, changed) in [(false, 1), (true, 2)] {
        let session = Session::knobs(|knobs| knobs.touch_exceptions = touches);
        session.insert(&weekly());
        session
            .patch(&path(&nth(2)), &json!({"summary": "Special"}))
            .ok();
        let token = session.sync_token();
        session
            .patch(&path(SERIES), &json!({"location": "Here"}))
            .ok();
        assert_eq!(session.ids(&format!("syncToken={token}")).len(), changed);
        assert_eq!(session.get(&path(&nth(2))).ok()["summary"], "Special");
    }
}

#[test]
fn all_day_series_have_day_stamps() {
    let session = Session::new();
    let body = json!({
        "id": SERIES, "start": {"date": "2026-11-09"}, "end": {"date": "2026-11-11"},
        "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20261130", "EXDATE;VALUE=DATE:20261116"],
    });
    session.insert(&body);
    let one = session.get(&path("series_20261123")).ok();
    assert_eq!(one["originalStartTime"], json!({"date": "2026-11-23"}));
    assert_eq!(one["end"], json!({"date": "2026-11-25"}));
    assert_eq!(session.get(&path("series_20261116")).status, 404);
    assert_eq!(instances(&session, "").len(), 3);
}

#[test]
fn moving_a_series_takes_exceptions_along() {
    use simulators::google::{AccountConfig, CalendarConfig, GoogleSimConfig};
    let account =
        AccountConfig::new(crate::support::ADA).calendar(CalendarConfig::new("team@x", "Team"));
    let session = Session::with(GoogleSimConfig::default().accounts([account]));
    session.insert(&weekly());
    session
        .patch(&path(&nth(2)), &json!({"summary": "Special"}))
        .ok();
    let instance = session.call(
        &format!("POST {EVENTS}/{}/move?destination=team%40x", nth(2)),
        &[],
        None,
    );
    assert_eq!(instance.refused().0, 400);
    session
        .call(
            &format!("POST {EVENTS}/{SERIES}/move?destination=team%40x"),
            &[],
            None,
        )
        .ok();
    let there = session
        .get(&format!(
            "/calendar/v3/calendars/team%40x/events/{}",
            nth(2)
        ))
        .ok();
    assert_eq!(there["summary"], "Special");
}
