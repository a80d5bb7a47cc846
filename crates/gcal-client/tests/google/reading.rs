//! Google's JSON as it is seen in the wild, and what the engine is told of it.

use gcal_client::AccessRole;
use gcal_client::event::Setting;
use gcal_client::event::read::read_item;
use serde_json::{Value, json};
use sync_engine::model::{
    Google, OverrideValue, Sensitivity, Status, Transparency, When, ZoneName,
};
use sync_engine::observation::{Content, Observation, Seen};
use sync_engine::recurrence::OriginalStart;

use super::harness::{berlin, in_zone, series_of, tag};

pub(super) fn setting() -> Setting {
    Setting {
        calendar: "ada@example.com".to_owned(),
        account: "ada@example.com".to_owned(),
        zone: ZoneName::new("Europe/Berlin"),
        role: Some(AccessRole::Owner),
    }
}

pub(super) fn read(event: Value) -> Seen<Google> {
    read_item(event, &setting()).unwrap()
}

pub(super) fn observed(event: Value) -> Box<Observation<Google>> {
    match read(event) {
        Seen::Present(observation) => observation,
        other => panic!("{other:?}"),
    }
}

/// A plain event with these fields over it; `null` takes one away.
pub(super) fn with(changes: Value) -> Value {
    let mut event = json!({
        "kind": "calendar#event", "etag": "\"3600000000000000\"", "id": "abc123",
        "status": "confirmed", "htmlLink": "https://www.google.com/calendar/event?eid=x",
        "created": "2026-10-01T08:00:00.000Z", "updated": "2026-10-02T08:00:00.123Z",
        "summary": "Lunch", "creator": {"email": "ada@example.com", "self": true},
        "organizer": {"email": "ada@example.com", "self": true},
        "start": {"dateTime": "2026-11-10T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-10T13:00:00+01:00", "timeZone": "Europe/Berlin"},
        "iCalUID": "abc123@google.com", "sequence": 0,
        "reminders": {"useDefault": true}, "eventType": "default",
    });
    let fields = event.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    event
}

#[test]
fn a_plain_event() {
    let event = observed(with(json!({})));
    assert_eq!(event.resource.as_str(), "abc123");
    assert_eq!(event.series.as_str(), "abc123");
    assert_eq!(event.uid.as_str(), "abc123@google.com");
    assert_eq!(
        event.etag.as_ref().unwrap().as_str(),
        "\"3600000000000000\""
    );
    assert_eq!(
        event.modified.unwrap().to_string(),
        "2026-10-02T08:00:00.123Z"
    );
    assert_eq!(event.tag, None);
    assert_eq!(event.note, None);
    let fields = series_of(&event).master.as_ref().unwrap();
    assert_eq!(fields.title.as_str(), "Lunch");
    assert_eq!(
        fields.when,
        When::timed(
            berlin("2026-11-10T12:00:00"),
            Some(berlin("2026-11-10T13:00:00"))
        )
    );
    assert_eq!(
        (fields.status, fields.transparency, fields.sensitivity),
        (Status::Confirmed, Transparency::Busy, Sensitivity::Public)
    );
}

#[test]
fn single_fields() {
    let fields = |changes: Value| series_of(&observed(with(changes))).master.clone().unwrap();
    assert_eq!(
        fields(json!({"status": "tentative"})).status,
        Status::Tentative
    );
    assert_eq!(
        fields(json!({"transparency": "transparent"})).transparency,
        Transparency::Free
    );
    for (visibility, sensitivity) in [
        ("default", Sensitivity::Public),
        ("public", Sensitivity::Public),
        ("private", Sensitivity::Private),
        ("confidential", Sensitivity::Confidential),
    ] {
        assert_eq!(
            fields(json!({"visibility": visibility})).sensitivity,
            sensitivity
        );
    }
    assert_eq!(fields(json!({"summary": null})).title.as_str(), "");
    assert_eq!(
        fields(json!({"description": "a<br>b &amp; c"}))
            .description
            .as_str(),
        "a\nb & c"
    );
}

#[test]
fn times_of_every_kind() {
    let when = |start: Value, end: Value| {
        let event = with(json!({"start": start, "end": end}));
        series_of(&observed(event))
            .master
            .as_ref()
            .unwrap()
            .when
            .clone()
    };
    let date = |text: &str| text.parse().unwrap();
    assert_eq!(
        when(json!({"date": "2026-11-10"}), json!({"date": "2026-11-12"})),
        When::AllDay {
            start: date("2026-11-10"),
            end: date("2026-11-12")
        }
    );
    // A flight: the zones differ, both shown with the calendar's offset.
    assert_eq!(
        when(
            json!({"dateTime": "2026-11-10T12:00:00+01:00", "timeZone": "Europe/Berlin"}),
            json!({"dateTime": "2026-11-10T20:00:00+01:00", "timeZone": "America/New_York"})
        ),
        When::timed(
            berlin("2026-11-10T12:00:00"),
            Some(in_zone("2026-11-10T14:00:00", "America/New_York"))
        )
    );
    let unspecified = with(json!({"endTimeUnspecified": true}));
    assert_eq!(
        series_of(&observed(unspecified))
            .master
            .as_ref()
            .unwrap()
            .when,
        When::timed(berlin("2026-11-10T12:00:00"), None)
    );
}

#[test]
fn a_zone_nobody_knows_is_kept_as_an_instant_and_said() {
    let event = observed(with(json!({
        "start": {"dateTime": "2026-11-10T12:00:00+01:00", "timeZone": "Mars/Base"},
        "end": {"dateTime": "2026-11-10T13:00:00+01:00", "timeZone": "Mars/Base"},
    })));
    let fields = series_of(&event).master.as_ref().unwrap();
    assert_eq!(
        fields.when,
        When::timed(
            in_zone("2026-11-10T11:00:00", "UTC"),
            Some(in_zone("2026-11-10T12:00:00", "UTC"))
        )
    );
    assert_eq!(event.remarks.len(), 1);
    assert_eq!(event.remarks[0].code, "time_zone_unknown");
}

#[test]
fn exceptions_say_which_occurrence_they_are() {
    let exception = |changes: Value| {
        let mut event = with(json!({
            "id": "abc123_20261117T110000Z", "recurringEventId": "abc123",
            "originalStartTime": {"dateTime": "2026-11-17T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        }));
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        let observation = observed(event);
        assert_eq!(observation.series.as_str(), "abc123");
        match observation.content {
            Content::Exception { original, value } => (original, value),
            Content::Series(_) => panic!("no exception"),
        }
    };
    let (original, value) = exception(json!({}));
    assert_eq!(original, OriginalStart::At(berlin("2026-11-17T12:00:00")));
    assert!(matches!(value, OverrideValue::Fields(_)));
    let (original, _) = exception(json!({"originalStartTime": {"date": "2026-11-17"}}));
    assert_eq!(original, OriginalStart::Date("2026-11-17".parse().unwrap()));
    // Google a release behind: the wall of the occurrence stays what it is.
    let (original, _) = exception(json!({"originalStartTime":
        {"dateTime": "2026-11-17T12:00:00+02:00", "timeZone": "Europe/Berlin"}}));
    assert_eq!(original, OriginalStart::At(berlin("2026-11-17T12:00:00")));
}

#[test]
fn a_hole_comes_bare() {
    for event in [
        json!({"kind": "calendar#event", "etag": "\"1\"", "id": "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g_20261117T110000Z",
            "status": "cancelled", "recurringEventId": "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g",
            "originalStartTime": {"dateTime": "2026-11-17T12:00:00+01:00"}}),
        json!({"id": "abc123_20261117T110000Z", "status": "cancelled", "recurringEventId": "abc123"}),
    ] {
        let observation = observed(event);
        let Content::Exception { original, value } = &observation.content else {
            panic!("no exception");
        };
        assert_eq!(*value, OverrideValue::Cancelled);
        let OriginalStart::At(at) = original else {
            panic!("{original:?}");
        };
        assert_eq!(
            at.instant(&ZoneName::utc()).to_string(),
            "2026-11-17T11:00:00Z"
        );
    }
}

#[test]
fn ids_that_google_makes_are_taken_as_they_are() {
    for id in [
        "_61gj8c9o6kqj4b9k",
        "abc123_R20201130T010000",
        "UPPER-case.and_more",
    ] {
        let event = observed(with(json!({"id": id})));
        assert_eq!(event.resource.as_str(), id);
        assert_eq!(event.series.as_str(), id);
    }
}

#[test]
fn tombstones_are_gone() {
    for event in [
        json!({"id": "abc123", "status": "cancelled"}),
        with(json!({"status": "cancelled"})),
    ] {
        assert!(matches!(read(event), Seen::Gone { .. }));
    }
}

#[test]
fn a_tag_is_read_and_a_strange_one_is_none() {
    let tagged = |text: &str| {
        observed(with(json!({"extendedProperties": {
            "private": {"caldav-sync": text, "other": "x"}, "shared": {"a": "b"}}})))
        .tag
    };
    assert_eq!(tagged(&tag("x").to_text()), Some(tag("x")));
    assert_eq!(tagged("1;nonsense"), None);
}

#[test]
fn one_bad_event_is_unreadable_and_never_absent() {
    for bad in [
        json!({"start": null}),
        json!({"start": {"date": "2026-02-30"}}),
        json!({"start": {"date": "2026-11-10"}}),
        json!({"start": "noon"}),
        json!({"recurrence": ["RRULE:FREQ=FORTNIGHTLY"]}),
        json!({"recurrence": ["EXDATE;TZID=Mars/Base:20261110T120000"]}),
        json!({"recurrence": "RRULE:FREQ=DAILY"}),
        json!({"summary": 7}),
    ] {
        let seen = read(with(bad.clone()));
        let Seen::Unreadable {
            resource,
            etag,
            reason,
        } = seen
        else {
            panic!("{bad} was read");
        };
        assert_eq!(resource.as_str(), "abc123");
        assert!(etag.is_some());
        assert!(!reason.is_empty());
    }
    assert_eq!(read_item(json!({"summary": "no id"}), &setting()), None);
}
