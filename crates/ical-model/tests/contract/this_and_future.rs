//! RANGE=THISANDFUTURE in series that never end: read whole, shown rightly in any window, and edited
//! one occurrence at a time.

use ical_model::{Edit, EditError, NewObject, ReadContext, edit_object, new_object};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{
    ComponentKey, Field, Fields, OverrideValue, RecurrenceId, Series, Uid, ZoneName,
};
use sync_engine::ports::{Capabilities, Change, ComponentChange, Recurring};
use sync_engine::projection::{Declined, Privacy, PrivateEvents, Projection, Shaped, expand};
use sync_engine::recurrence::{Limits, series_occurrences};

use super::{event, object};

const FOREVER: &str = "DTSTART;TZID=Europe/Berlin:20261201T090000~DTEND;TZID=Europe/Berlin:20261201T100000~\
    RRULE:FREQ=DAILY~EXDATE;TZID=Europe/Berlin:20261206T090000~SUMMARY:Stand-up~\
    LAST-MODIFIED:20261101T000000Z!\
    RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261203T090000~\
    DTSTART;TZID=Europe/Berlin:20261203T110000~DTEND;TZID=Europe/Berlin:20261203T113000~\
    SUMMARY:Late stand-up~X-CARRIED:kept~LAST-MODIFIED:20261115T000000Z!\
    RECURRENCE-ID;TZID=Europe/Berlin:20261208T090000~\
    DTSTART;TZID=Europe/Berlin:20261208T150000~DTEND;TZID=Europe/Berlin:20261208T160000~\
    SUMMARY:Party~LAST-MODIFIED:20261110T000000Z";

fn id(day: i8) -> RecurrenceId {
    RecurrenceId::Wall(jiff::civil::date(2026, 12, day).at(9, 0, 0, 0))
}

/// Titles and starts in a window, both UTC.
fn shown(series: &Series, from: &str, to: &str) -> Vec<String> {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let utc = ZoneName::utc();
    let window = (at(from), at(to));
    let found = series_occurrences(series, &utc, window, &Limits::default());
    let each = found.items.iter().map(|shown| {
        let (start, end) = shown.when.instants(&utc);
        let minutes = end.duration_since(start).as_mins();
        format!("{start} {minutes} {}", shown.fields.title.as_str())
    });
    each.collect()
}

fn try_edit(
    text: &str,
    series: &Series,
    key: ComponentKey,
    change: Change,
) -> Result<String, EditError> {
    let edit = Edit {
        series,
        changes: &[ComponentChange { key, change }],
        tag: None,
        now: "2026-11-22T10:00:00Z".parse().unwrap(),
    };
    let edited = edit_object(text.as_bytes(), &edit, &ReadContext::default())?;
    Ok(String::from_utf8(edited).unwrap())
}

fn retitled(series: &Series, day: i8, title: &str) -> Series {
    let mut wanted = series.clone();
    let master = series.master.as_ref().unwrap();
    let mut fields = sync_engine::snapshot::inherited(master, id(day));
    fields.title = title.into();
    wanted
        .overrides
        .insert(id(day), OverrideValue::Fields(Box::new(fields)));
    wanted
}

#[test]
fn every_occurrence_is_right_in_any_window() {
    let series = event(object(FOREVER)).series;
    assert_eq!(
        shown(&series, "2026-12-01T00:00:00Z", "2026-12-10T00:00:00Z"),
        [
            "2026-12-01T08:00:00Z 60 Stand-up",
            "2026-12-02T08:00:00Z 60 Stand-up",
            "2026-12-03T10:00:00Z 30 Late stand-up",
            "2026-12-04T10:00:00Z 30 Late stand-up",
            "2026-12-05T10:00:00Z 30 Late stand-up",
            "2026-12-07T10:00:00Z 30 Late stand-up",
            "2026-12-08T14:00:00Z 60 Party",
            "2026-12-09T10:00:00Z 30 Late stand-up",
        ]
    );
    // Long after any number of overrides, on the wall through the change of the clocks.
    assert_eq!(
        shown(&series, "2051-07-01T00:00:00Z", "2051-07-03T00:00:00Z"),
        [
            "2051-07-01T09:00:00Z 30 Late stand-up",
            "2051-07-02T09:00:00Z 30 Late stand-up"
        ]
    );
    // A window between where an occurrence was and where it is now.
    assert!(shown(&series, "2026-12-09T07:30:00Z", "2026-12-09T09:30:00Z").is_empty());
    assert_eq!(
        shown(&series, "2026-12-09T10:15:00Z", "2026-12-09T10:20:00Z"),
        ["2026-12-09T10:00:00Z 30 Late stand-up"]
    );
}

#[test]
fn a_range_that_moves_far_or_calls_off_is_right_too() {
    let far = FOREVER
        .replace(
            "DTSTART;TZID=Europe/Berlin:20261203T110000",
            "DTSTART;TZID=Europe/Berlin:20261213T110000",
        )
        .replace(
            "DTEND;TZID=Europe/Berlin:20261203T113000",
            "DTEND;TZID=Europe/Berlin:20261213T113000",
        );
    let series = event(object(&far)).series;
    assert_eq!(
        shown(&series, "2026-12-13T00:00:00Z", "2026-12-14T00:00:00Z"),
        ["2026-12-13T10:00:00Z 30 Late stand-up"]
    );
    let off = FOREVER.replace("X-CARRIED:kept", "STATUS:CANCELLED");
    let series = event(object(&off)).series;
    assert_eq!(
        shown(&series, "2026-12-01T00:00:00Z", "2027-12-10T00:00:00Z"),
        [
            "2026-12-01T08:00:00Z 60 Stand-up",
            "2026-12-02T08:00:00Z 60 Stand-up",
            "2026-12-08T14:00:00Z 60 Party",
        ]
    );
}

#[test]
fn stamps_tell_each_component_s_age() {
    let event = event(object(FOREVER));
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    assert_eq!(
        event.stamps,
        [
            (ComponentKey::Master, at("2026-11-15T00:00:00Z")),
            (ComponentKey::Override(id(8)), at("2026-11-10T00:00:00Z")),
        ]
    );
    assert_eq!(event.modified, Some(at("2026-11-15T00:00:00Z")));
}

#[test]
fn an_edit_of_one_occurrence_leaves_the_others_alone() {
    let text = object(FOREVER);
    let series = event(&text).series;
    let set = Change::Set([Field::Title].into());
    let window = ("2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z");
    // The first one of the range, and a later one.
    for day in [3, 5] {
        let wanted = retitled(&series, day, "Alone");
        let edited =
            try_edit(&text, &wanted, ComponentKey::Override(id(day)), set.clone()).unwrap();
        let now = event(&edited).series;
        assert_eq!(
            shown(&now, window.0, window.1),
            shown(&wanted, window.0, window.1),
            "{edited}"
        );
        assert_eq!(now.overrides, wanted.overrides, "{edited}");
        assert_eq!(edited.matches("RANGE=THISANDFUTURE").count(), 1);
        assert!(edited.contains("X-CARRIED:kept"));
    }
    // Called off, one by one.
    for day in [3, 5, 8] {
        let mut wanted = series.clone();
        wanted.overrides.insert(id(day), OverrideValue::Cancelled);
        let edited = try_edit(
            &text,
            &wanted,
            ComponentKey::Override(id(day)),
            Change::Cancel,
        )
        .unwrap();
        let now = event(&edited).series;
        assert_eq!(
            shown(&now, window.0, window.1),
            shown(&wanted, window.0, window.1),
            "{edited}"
        );
    }
    // Given up, an override says what the range says.
    let mut wanted = series.clone();
    wanted.overrides.remove(&id(8));
    let edited = try_edit(
        &text,
        &wanted,
        ComponentKey::Override(id(8)),
        Change::Inherit,
    )
    .unwrap();
    assert_eq!(event(&edited).series, wanted, "{edited}");
    // The master's own fields are those before the range.
    let mut wanted = series.clone();
    wanted.master.as_mut().unwrap().title = "Morning".into();
    let edited = try_edit(&text, &wanted, ComponentKey::Master, set).unwrap();
    assert_eq!(event(&edited).series, wanted, "{edited}");
}

#[test]
fn the_time_of_such_a_series_is_not_edited() {
    let text = object(FOREVER);
    let mut wanted = event(&text).series;
    let other = Fields::new("", wanted.master.as_ref().unwrap().when.clone());
    wanted.master.as_mut().unwrap().recurrence = other.recurrence;
    let change = Change::Set([Field::When].into());
    let error = try_edit(&text, &wanted, ComponentKey::Master, change).unwrap_err();
    assert_eq!(error.code(), "this_and_future");
}

#[test]
fn it_is_written_anew_as_it_was_read() {
    let series = event(object(FOREVER)).series;
    let text = new_object(&NewObject {
        uid: &Uid::new("1"),
        series: &series,
        tag: None,
        source_uid: None,
        now: "2026-11-22T10:00:00Z".parse().unwrap(),
    });
    assert_eq!(
        event(&text).series,
        series,
        "{}",
        String::from_utf8_lossy(&text)
    );
}

#[test]
fn what_a_privacy_rule_hides_is_hidden_in_the_range_too() {
    let target = Capabilities {
        writable: true,
        exceptions_apart: true,
        recurring: Recurring::Google,
        floating: false,
        title_limit: None,
        description_limit: None,
        location_limit: None,
        visibility: true,
        time_zone: None,
        concurrency: 1,
    };
    let projection = Projection {
        privacy: Privacy::Busy,
        declined: Declined::Free,
        private_events: PrivateEvents::Private,
        calendar: String::new(),
        time_zone: ZoneName::utc(),
        target: target.clone(),
    };
    let series = event(object(FOREVER)).series;
    let utc = ZoneName::utc();
    assert_eq!(
        expand::holds(&target, &series, &utc),
        Err(expand::Why::ThisAndFuture)
    );
    let Shaped::Series(shaped) = projection.shape(&series) else {
        panic!("it has a presence");
    };
    let text = format!("{shaped:?}");
    assert!(!text.contains("Late") && !text.contains("Stand-up") && !text.contains("Party"));
    let singles = expand::Singles::of(&shaped, &utc);
    let single = singles.at(id(20)).unwrap();
    let single = format!("{single:?}");
    assert!(
        single.contains("Busy") && single.contains("2026-12-20T11:00:00"),
        "{single}"
    );
    assert!(singles.at(id(6)).is_none());
}
