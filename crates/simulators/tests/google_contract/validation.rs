//! What `events.insert`, `update`, `patch` and `list` refuse, and in which words.

use serde_json::{Value, json};
use simulators::google::GoogleSimConfig;

use crate::support::{EVENTS, Session, all_day, plus, timed};

/// Inserts `timed()` with `change` on top and tells how it ended.
fn insert(session: &Session, change: &Value) -> (u16, String) {
    let reply = session.post(EVENTS, &plus(timed(), change));
    match reply.status {
        200 => (200, String::new()),
        _ => reply.refused(),
    }
}

#[test]
fn bodies_that_are_refused() {
    let session = Session::new();
    let long = |n: usize| "x".repeat(n);
    let many: serde_json::Map<String, Value> =
        (0..301).map(|n| (format!("k{n}"), json!("v"))).collect();
    let heavy: serde_json::Map<String, Value> = (0..40)
        .map(|n| (format!("k{n}"), json!(long(1000))))
        .collect();
    let popup = |minutes: i64| json!({"method": "popup", "minutes": minutes});
    for (change, reason) in [
        (json!({"id": "UPPER"}), "invalid"),
        (json!({"id": "abcd"}), "invalid"),
        (json!({"id": "wxyz0"}), "invalid"),
        (json!({"id": "abcde", "iCalUID": "u@x"}), "badRequest"),
        (json!({"start": null}), "required"),
        (json!({"end": null}), "required"),
        (json!({"end": {"date": "2026-11-10"}}), "invalid"),
        (
            json!({"start": {"date": "2026-11-09", "dateTime": "2026-11-09T10:00:00Z"}}),
            "invalid",
        ),
        (
            json!({"end": {"dateTime": "2026-11-09T09:00:00Z", "timeZone": "Nowhere/Else"}}),
            "invalid",
        ),
        (
            json!({"start": {"dateTime": "2026-11-09T10:00:00"}}),
            "required",
        ),
        (
            json!({"end": {"dateTime": "2026-11-09T08:00:00Z"}}),
            "timeRangeEmpty",
        ),
        (
            json!({"start": {"date": "2026-11-09"}, "end": {"date": "2026-11-09"}}),
            "timeRangeEmpty",
        ),
        (
            json!({"start": {"date": "2026-11-09"}, "end": {"date": "2026-11-08"}}),
            "timeRangeEmpty",
        ),
        (json!({"recurrence": ["FREQ=DAILY"]}), "invalid"),
        (
            json!({"recurrence": ["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"]}),
            "invalid",
        ),
        (
            json!({"recurrence": ["EXDATE:20261109T090000Z"]}),
            "invalid",
        ),
        // A Monday that is no Tuesday.
        (
            json!({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=TU"]}),
            "invalid",
        ),
        (
            json!({"start": {"dateTime": "2026-11-09T10:00:00+01:00"}, "recurrence": ["RRULE:FREQ=DAILY"]}),
            "required",
        ),
        (
            json!({"end": {"dateTime": "2026-11-09T11:00:00+01:00"}, "recurrence": ["RRULE:FREQ=DAILY"]}),
            "required",
        ),
        (
            json!({"extendedProperties": {"private": {long(45): "v"}}}),
            "invalid",
        ),
        (
            json!({"extendedProperties": {"private": {"k": long(1025)}}}),
            "invalid",
        ),
        (json!({"extendedProperties": {"shared": many}}), "invalid"),
        (json!({"extendedProperties": {"private": heavy}}), "invalid"),
        (
            json!({"reminders": {"useDefault": true, "overrides": [popup(5)]}}),
            "cannotUseDefaultRemindersAndSpecifyOverride",
        ),
        (
            json!({"reminders": {"useDefault": false, "overrides": vec![popup(5); 6]}}),
            "invalid",
        ),
        (
            json!({"reminders": {"useDefault": false, "overrides": [popup(-1)]}}),
            "invalid",
        ),
        (
            json!({"reminders": {"useDefault": false, "overrides": [popup(40_321)]}}),
            "invalid",
        ),
        (
            json!({"reminders": {"useDefault": false, "overrides": [{"method": "sms", "minutes": 5}]}}),
            "invalid",
        ),
        (json!({"description": long(8193)}), "invalid"),
        (json!({"summary": long(1025)}), "invalid"),
        (json!({"location": long(1025)}), "invalid"),
        (json!({"colorId": "12"}), "invalid"),
        (json!({"transparency": "clear"}), "invalid"),
        (json!({"visibility": "secret"}), "invalid"),
        (json!({"status": "done"}), "invalid"),
        (json!({"status": "cancelled"}), "invalid"),
        (json!({"attendees": [{"email": "nobody"}]}), "invalid"),
        (json!({"sequence": -1}), "invalid"),
        (json!({"eventType": "fromGmail"}), "invalid"),
        (json!({"eventType": "focusTime"}), "invalid"),
        (json!({"eventType": "birthday"}), "invalid"),
        (json!({"recurringEventId": "abcde"}), "invalid"),
        (
            json!({"originalStartTime": {"date": "2026-11-09"}}),
            "invalid",
        ),
        (json!({"organizer": {"email": "x@y.z"}}), "invalid"),
        (json!({"colour": "1"}), "invalid"),
        (json!({"summary": 5}), "invalid"),
        (json!({"recurrence": "RRULE:FREQ=DAILY"}), "invalid"),
    ] {
        assert_eq!(
            insert(&session, &change),
            (400, reason.to_owned()),
            "{change}"
        );
    }
    assert_eq!(session.sim.counts().writes_total(), 0);
}

#[test]
fn bodies_that_are_taken() {
    let session = Session::new();
    for change in [
        json!({"id": "abcdefghijklmnopqrstuv0123456789"}),
        json!({"summary": "x".repeat(1024), "description": "<b>bold</b> & plain"}),
        json!({"end": {"dateTime": "2026-11-09T10:00:00+01:00", "timeZone": "Europe/Berlin"}}),
        json!({"start": {"dateTime": "2026-11-09T10:00:00", "timeZone": "Asia/Tokyo"}}),
        json!({"reminders": {"useDefault": false}}),
        json!({"reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 0}]}}),
        json!({"extendedProperties": {"private": {"x".repeat(44): "x".repeat(1024)}}}),
        json!({"colorId": "11", "transparency": "transparent", "visibility": "private"}),
        json!({"recurrence": ["RRULE:FREQ=DAILY;UNTIL=20261001T000000Z"]}),
        json!({"status": "tentative"}),
        json!({"eventType": "birthday", "start": {"date": "2026-11-09"}, "end": {"date": "2026-11-10"}, "recurrence": ["RRULE:FREQ=YEARLY"]}),
    ] {
        assert_eq!(insert(&session, &change).0, 200, "{change}");
    }
}

#[test]
fn googles_words() {
    let session = Session::new();
    for (change, message) in [
        (json!({"id": "Nope!"}), "Invalid resource id value."),
        (
            json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=0"]}),
            "Invalid recurrence rule.",
        ),
        (
            json!({"start": {"dateTime": "2026-11-09T10:00:00"}}),
            "Missing time zone definition for start time.",
        ),
        (
            json!({"end": {"dateTime": "2026-11-08T10:00:00Z"}}),
            "The specified time range is empty.",
        ),
        (
            json!({"end": {"date": "2026-11-10"}}),
            "Invalid start time.",
        ),
    ] {
        assert_eq!(
            session.post(EVENTS, &plus(timed(), &change)).message(),
            message
        );
    }
}

#[test]
fn requests_that_are_not_json_or_not_known() {
    let session = Session::new();
    let broken = crate::support::send(
        &session.sim.base_url(),
        &format!("POST {EVENTS}"),
        &[
            ("authorization", &format!("Bearer {}", session.token)),
            ("content-type", "application/json"),
        ],
        b"{\"summary\": ",
    );
    assert_eq!(broken.refused(), (400, "parseError".into()));
    for (query, reason) in [
        ("sendUpdate=none", "invalidParameter"),
        ("sendUpdates=nobody", "invalidParameter"),
        ("supportsAttachments=yes", "invalidParameter"),
        ("maxAttendees=0", "invalidParameter"),
        ("sendUpdates=none&sendUpdates=all", "invalidParameter"),
    ] {
        let reply = session.post(&format!("{EVENTS}?{query}"), &timed());
        assert_eq!(reply.refused(), (400, reason.into()), "{query}");
    }
    let loose = Session::knobs(|knobs| knobs.strict = false);
    assert_eq!(
        loose
            .post(
                &format!("{EVENTS}?nonsense=1"),
                &plus(timed(), &json!({"colour": 1}))
            )
            .status,
        200
    );
}

#[test]
fn list_queries_that_are_refused() {
    let session = Session::new();
    let at = |day: u8| format!("2026-11-{day:02}T00:00:00Z");
    for (query, status, reason) in [
        ("maxResults=0".to_owned(), 400, "invalidParameter"),
        ("maxResults=many".to_owned(), 400, "invalidParameter"),
        ("singleEvents=1".to_owned(), 400, "invalidParameter"),
        ("orderBy=start".to_owned(), 400, "invalidParameter"),
        ("orderBy=startTime".to_owned(), 400, "badRequest"),
        (
            "timeMin=2026-11-01T00:00:00".to_owned(),
            400,
            "invalidParameter",
        ),
        ("timeMin=2026-11-01".to_owned(), 400, "invalidParameter"),
        (
            format!("timeMin={}&timeMax={}", at(2), at(2)),
            400,
            "timeRangeEmpty",
        ),
        ("eventTypes=party".to_owned(), 400, "invalidParameter"),
        ("timeZone=Mars/Base".to_owned(), 400, "invalidParameter"),
        ("pageToken=garbage".to_owned(), 400, "invalid"),
        ("privateExtendedProperty=novalue".to_owned(), 400, "invalid"),
        (
            "updatedMin=2026-09-01T00:00:00Z".to_owned(),
            410,
            "updatedMinTooLongAgo",
        ),
        ("showDelete=true".to_owned(), 400, "invalidParameter"),
    ] {
        let reply = session.get(&format!("{EVENTS}?{query}"));
        assert_eq!(reply.refused(), (status, reason.into()), "{query}");
    }
    assert_eq!(
        session.get(&format!("{EVENTS}?maxResults=9999")).status,
        200
    );
    session.sim.knobs(|knobs| knobs.max_results_refused = true);
    assert_eq!(
        session.get(&format!("{EVENTS}?maxResults=9999")).status,
        400
    );
}

#[test]
fn knobs_open_what_google_may_take() {
    let exdate = json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261110"]});
    let exrule =
        json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3", "EXRULE:FREQ=DAILY;INTERVAL=2"]});
    let session = Session::new();
    assert_eq!(insert(&session, &exdate).0, 400);
    assert_eq!(insert(&session, &exrule).0, 400);
    session.sim.knobs(|knobs| {
        knobs.lax_exdate = true;
        knobs.allow_exrule = true;
    });
    let id = session.insert(&plus(timed(), &exdate))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Taken, shown, and without effect.
    let instances = session.get(&format!("{EVENTS}/{id}/instances")).ok();
    assert_eq!(instances["items"].as_array().unwrap().len(), 3);
    let id = session.insert(&plus(timed(), &exrule))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let instances = session.get(&format!("{EVENTS}/{id}/instances")).ok();
    assert_eq!(instances["items"].as_array().unwrap().len(), 1);
    let workspace = Session::knobs(|knobs| knobs.workspace = true);
    assert_eq!(
        insert(&workspace, &json!({"eventType": "focusTime"})).0,
        200
    );
}

#[test]
fn stored_forms() {
    let session = Session::with(GoogleSimConfig::default());
    let event = session.insert(&plus(
        all_day(),
        &json!({"summary": "", "description": "", "transparency": "opaque", "visibility": "default",
            "recurrence": [], "attendees": [], "conferenceData": {"notes": "x"}}),
    ));
    for absent in [
        "summary",
        "description",
        "transparency",
        "visibility",
        "recurrence",
        "attendees",
        "conferenceData",
        "recurringEventId",
    ] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert_eq!(event["status"], "confirmed");
    assert_eq!(event["eventType"], "default");
    assert_eq!(event["reminders"], json!({"useDefault": true}));
    assert_eq!(event["sequence"], 0);
    assert_eq!(event["kind"], "calendar#event");
    assert_eq!(event["start"], json!({"date": "2026-11-09"}));
    let text = "Ünïcode \u{1F375}\r\n<a href=\"x\">link</a> &amp; <script>";
    let event = session.insert(&plus(timed(), &json!({"description": text})));
    assert_eq!(event["description"], text);
    let with_data = session.post(
        &format!("{EVENTS}?conferenceDataVersion=1"),
        &plus(timed(), &json!({"conferenceData": {"notes": "x"}})),
    );
    assert_eq!(with_data.ok()["conferenceData"]["notes"], "x");
}

#[test]
fn answers_show_the_zone_that_was_asked_for() {
    let session = Session::new();
    let id = session.insert(&plus(
        timed(),
        &json!({"start": {"dateTime": "2026-11-09T18:00:00", "timeZone": "Asia/Tokyo"}}),
    ))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let event = session.get(&format!("{EVENTS}/{id}")).ok();
    assert_eq!(
        event["start"],
        json!({"dateTime": "2026-11-09T10:00:00+01:00", "timeZone": "Asia/Tokyo"})
    );
    let event = session
        .get(&format!("{EVENTS}/{id}?timeZone=America/New_York"))
        .ok();
    assert_eq!(
        event["start"],
        json!({"dateTime": "2026-11-09T04:00:00-05:00", "timeZone": "Asia/Tokyo"})
    );
    let page = session.list("timeZone=UTC");
    assert_eq!(page["timeZone"], "UTC");
    assert_eq!(
        page["items"][0]["start"]["dateTime"],
        "2026-11-09T09:00:00Z"
    );
    // Without a zone of its own the event has the calendar's.
    let plain = session.insert(&json!({
        "start": {"dateTime": "2026-11-09T10:00:00Z"},
        "end": {"dateTime": "2026-11-09T11:00:00Z"},
    }));
    assert_eq!(
        plain["start"],
        json!({"dateTime": "2026-11-09T11:00:00+01:00", "timeZone": "Europe/Berlin"})
    );
}

#[test]
fn rrules_come_back_in_googles_order_when_the_knob_says_so() {
    let session = Session::knobs(|knobs| knobs.rewrite_rrule = true);
    let event = session.insert(&plus(
        timed(),
        &json!({"recurrence": ["RRULE:BYDAY=MO,TU;INTERVAL=2;FREQ=WEEKLY"]}),
    ));
    assert_eq!(
        event["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;WKST=MO;INTERVAL=2;BYDAY=MO,TU"])
    );
}
