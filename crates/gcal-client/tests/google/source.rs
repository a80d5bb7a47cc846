//! Google as a source: what kind of event it is, whose, with whom, and in which of the forms it may
//! come.

use gcal_client::AccessRole;
use gcal_client::event::Setting;
use gcal_client::event::read::read_item;
use serde_json::{Value, json};
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Series, Status, When};
use sync_engine::observation::{Access, Content, Seen};
use sync_engine::recurrence::OriginalStart;

use super::harness::{all_day, berlin, repeating, series_of, wall};
use super::reading::{observed, read, setting, with};

/// The master that is read of a plain event with these changes.
fn fields(changes: Value) -> Fields {
    series_of(&observed(with(changes))).master.clone().unwrap()
}

fn series(changes: Value) -> Series {
    series_of(&observed(with(changes))).clone()
}

fn access(changes: Value) -> Access {
    observed(with(changes)).access
}

#[test]
fn what_kind_an_event_is_says_what_may_be_done_with_it() {
    for (kind, expected) in [
        ("default", Access::Full),
        ("birthday", Access::Ignored),
        ("workingLocation", Access::Ignored),
        ("focusTime", Access::ReadOnly),
        ("outOfOffice", Access::ReadOnly),
        ("fromGmail", Access::ReadOnly),
        ("brandNew", Access::ReadOnly),
    ] {
        assert_eq!(access(json!({"eventType": kind})), expected, "{kind}");
    }
    assert_eq!(access(json!({"locked": true})), Access::ReadOnly);
    let bob = json!({"email": "bob@example.com"});
    assert_eq!(access(json!({"organizer": bob})), Access::ReadOnly);
    assert_eq!(
        access(json!({"organizer": bob, "guestsCanModify": true})),
        Access::Full
    );
    // An import without an organizer is nobody's: Google refuses most changes.
    let nobody = json!({"organizer": {"email": "unknownorganizer@calendar.google.com"},
                        "privateCopy": true});
    assert_eq!(access(nobody), Access::ReadOnly);
}

#[test]
fn an_exception_is_read_with_the_rights_of_its_own() {
    let exception = observed(with(json!({
        "id": "abc123_20261117T110000Z", "recurringEventId": "abc123",
        "originalStartTime": {"dateTime": "2026-11-17T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        "locked": true, "attendees": [{"email": "bob@example.com"}],
    })));
    assert_eq!(exception.access, Access::ReadOnly);
    assert!(exception.has_guests);
}

#[test]
fn guests_are_everybody_but_the_owner() {
    for (guests, others, declined) in [
        (json!([]), false, false),
        (
            json!([{"email": "ada@example.com", "self": true, "responseStatus": "declined"}]),
            false,
            true,
        ),
        (
            json!([{"email": "ADA@example.com", "responseStatus": "declined"}]),
            false,
            true,
        ),
        (
            json!([{"email": "bob@example.com", "responseStatus": "declined"}]),
            true,
            false,
        ),
        (
            json!([{"email": "room@resource.calendar.google.com", "resource": true}]),
            true,
            false,
        ),
        (
            json!([{"email": "ada@example.com", "self": true, "responseStatus": "tentative"},
                   {"displayName": "Somebody"}]),
            true,
            false,
        ),
    ] {
        let event = observed(with(json!({"attendees": guests})));
        let read = series_of(&event).master.as_ref().unwrap();
        assert_eq!(
            (event.has_guests, read.declined),
            (others, declined),
            "{guests}"
        );
        assert_eq!(read.status, Status::Confirmed, "an answer is no status");
    }
    let cut = observed(with(json!({"attendeesOmitted": true,
        "attendees": [{"email": "ada@example.com", "self": true}]})));
    assert!(cut.has_guests);
}

#[test]
fn ends_of_every_kind() {
    let start = berlin("2026-11-10T12:00:00");
    let point =
        json!({"end": {"dateTime": "2026-11-10T12:00:00+01:00", "timeZone": "Europe/Berlin"}});
    assert_eq!(
        fields(point).when,
        When::timed(start.clone(), Some(start.clone())),
        "no length at all"
    );
    assert_eq!(fields(json!({"end": null})).when, When::timed(start, None));
    let day = |changes: Value| fields(changes).when;
    let one = all_day("", "2026-11-10").when;
    let date = |text: &str| json!({"date": text});
    assert_eq!(
        day(json!({"start": date("2026-11-10"), "end": date("2026-11-11")})),
        one,
        "its end is the day after"
    );
    assert_eq!(
        day(json!({"start": date("2026-11-10"), "end": date("2026-11-10")})),
        one,
        "no day at all is one"
    );
    assert_eq!(day(json!({"start": date("2026-11-10"), "end": null})), one);
}

#[test]
fn a_description_loses_its_markup_and_the_block_about_a_call() {
    let mark = "-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-";
    let html = format!(
        "<b>Agenda</b><ul><li>one</li><li>two</li></ul><br>{mark}<br>\
         Join: https://meet.google.com/x<br>{mark}"
    );
    assert_eq!(
        fields(json!({"description": html})).description.as_str(),
        "Agenda\n- one\n- two"
    );
}

#[test]
fn recurrence_lines_in_the_words_google_has_for_them() {
    let weekly = series(json!({"recurrence": [
        "RRULE:FREQ=WEEKLY;WKST=SU;UNTIL=20270131T225959Z;BYDAY=TU",
        "RDATE;TZID=Asia/Ho_Chi_Minh:20261112T180000,20261113T180000",
        "EXDATE;TZID=Europe/Berlin:20261117T120000",
        "EXDATE:20261124T110000Z",
    ]}));
    let gone: Vec<_> = weekly.overrides.into_iter().collect();
    assert_eq!(
        gone,
        [
            (wall("2026-11-17T12:00:00"), OverrideValue::Cancelled),
            (wall("2026-11-24T12:00:00"), OverrideValue::Cancelled),
        ]
    );
    let recurrence = weekly.master.unwrap().recurrence.unwrap();
    assert_eq!((recurrence.rules.len(), recurrence.dates.len()), (1, 2));

    let days = json!({"start": {"date": "2026-11-10"}, "end": {"date": "2026-11-11"},
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20261112"]});
    let mut expected = Series::single(repeating(
        all_day("Lunch", "2026-11-10"),
        "FREQ=DAILY;COUNT=5",
    ));
    let day = RecurrenceId::Date("2026-11-12".parse().unwrap());
    expected.overrides.insert(day, OverrideValue::Cancelled);
    assert_eq!(series(days), expected);
}

#[test]
fn an_excluded_date_of_the_wrong_kind_excludes_nothing_and_is_said() {
    let event = observed(with(json!({
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20261112"]})));
    assert!(series_of(&event).overrides.is_empty());
    assert_eq!(event.remarks[0].code, "exdate_ineffective");
}

#[test]
fn an_import_and_the_rest_of_a_split_series_are_series_like_any_other() {
    for id in [
        "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g",
        "abc123_R20261117T110000",
    ] {
        let master = observed(with(json!({"id": id, "iCalUID": "x@elsewhere.example",
            "recurrence": ["RRULE:FREQ=WEEKLY"]})));
        assert_eq!((master.resource.as_str(), master.series.as_str()), (id, id));
        assert_eq!(master.uid.as_str(), "x@elsewhere.example");
        let stamp = format!("{id}_20261124T110000Z");
        let hole = observed(json!({"id": stamp, "status": "cancelled", "recurringEventId": id}));
        assert_eq!(hole.series, master.series);
        assert!(matches!(
            hole.content,
            Content::Exception {
                value: OverrideValue::Cancelled,
                ..
            }
        ));
    }
}

#[test]
fn an_exception_may_move_anywhere_and_become_a_whole_day() {
    let moved = observed(with(json!({
        "id": "abc123_20261117T110000Z", "recurringEventId": "abc123",
        "originalStartTime": {"dateTime": "2026-11-17T12:00:00+01:00", "timeZone": "Europe/Berlin"},
        "start": {"date": "2027-03-01"}, "end": {"date": "2027-03-02"},
    })));
    let Content::Exception {
        original,
        value: OverrideValue::Fields(fields),
    } = &moved.content
    else {
        panic!("{moved:?}");
    };
    assert_eq!(*original, OriginalStart::At(berlin("2026-11-17T12:00:00")));
    assert_eq!(fields.when, all_day("", "2027-03-01").when);
}

#[test]
fn texts_that_are_hidden_are_not_empty() {
    let private = json!({"id": "abc123", "etag": "\"1\"", "status": "confirmed",
        "visibility": "private", "iCalUID": "abc123@google.com",
        "start": {"date": "2026-11-10"}, "end": {"date": "2026-11-11"}});
    let mut busy = private.clone();
    busy.as_object_mut().unwrap().remove("iCalUID");
    for role in [
        None,
        Some(AccessRole::Owner),
        Some(AccessRole::Writer),
        Some(AccessRole::WriterWithoutPrivateAccess),
        Some(AccessRole::Reader),
    ] {
        for event in [&private, &busy] {
            let setting = Setting { role, ..setting() };
            let seen = read_item(event.clone(), &setting).unwrap();
            assert!(matches!(seen, Seen::Unreadable { .. }), "{role:?} {seen:?}");
        }
    }
    // Where busy times are all there ever was, they are the event.
    let role = Some(AccessRole::FreeBusyReader);
    let seen = read_item(busy, &Setting { role, ..setting() }).unwrap();
    assert!(matches!(seen, Seen::Present(_)), "{seen:?}");
    // A private event without a title is one, for who may see it.
    let untitled = with(json!({"visibility": "private", "summary": null}));
    assert!(matches!(read(untitled), Seen::Present(_)));
}
