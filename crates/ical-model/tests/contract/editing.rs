//! Edits of stored objects, one by one: what changes, what goes along, what stays.

use ical_model::{Edit, EditError, ReadContext, edit_object};
use sync_engine::identity::{OriginTag, PairKey};
use sync_engine::model::time::{LocalTime, Timestamp};
use sync_engine::model::{
    CalendarId, ComponentKey, Field, Fields, OverrideValue, RecurrenceId, Series, Status, Uid, When,
};
use sync_engine::ports::{Change, ComponentChange};

use super::generate::zone;
use super::{event, object};

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn try_edit(
    text: &str,
    series: &Series,
    changes: Vec<(ComponentKey, Change)>,
) -> Result<String, EditError> {
    let changes: Vec<ComponentChange> = changes
        .into_iter()
        .map(|(key, change)| ComponentChange { key, change })
        .collect();
    let edit = Edit {
        series,
        changes: &changes,
        tag: None,
        now: now(),
    };
    let own = ["mailto:alice@example.com".to_owned()];
    let context = ReadContext {
        own_addresses: &own,
        ..ReadContext::default()
    };
    edit_object(text.as_bytes(), &edit, &context).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Edits, and sees to it that the result reads as wanted.
fn edit(text: &str, series: &Series, changes: Vec<(ComponentKey, Change)>) -> String {
    let edited = try_edit(text, series, changes).unwrap();
    assert_eq!(event(&edited).series, *series, "{edited}");
    edited
}

/// Changes fields of the master.
fn set(text: &str, fields: &[Field], change: impl FnOnce(&mut Fields)) -> String {
    let mut series = event(text).series;
    change(series.master.as_mut().unwrap());
    let change = Change::Set(fields.iter().copied().collect());
    edit(text, &series, vec![(ComponentKey::Master, change)])
}

/// Lines that are new and lines that are gone, the stamps every edit changes aside.
fn difference(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let stamps = ["DTSTAMP", "LAST-MODIFIED", "SEQUENCE"];
    let lines = |text: &str| -> Vec<String> {
        let lines = text.split("\r\n").map(str::to_owned);
        lines
            .filter(|line| !stamps.iter().any(|name| line.starts_with(name)))
            .collect()
    };
    let (old, new) = (lines(before), lines(after));
    let gone = old.iter().filter(|line| !new.contains(line)).cloned();
    let come = new.iter().filter(|line| !old.contains(line)).cloned();
    (come.collect(), gone.collect())
}

fn wall(id: &str) -> RecurrenceId {
    RecurrenceId::Wall(id.parse().unwrap())
}

fn shifted(when: &mut When, hours: i64) {
    if let When::Timed { start, end } = when {
        for time in [start, end] {
            time.wall += jiff::SignedDuration::from_hours(hours);
        }
    }
}

const APPLE: &str = include_str!("../corpus/apple-rich.ics");
const OUTLOOK: &str = include_str!("../corpus/outlook-windows-zone.ics");
const THUNDERBIRD: &str = include_str!("../corpus/thunderbird.ics");
const MIX: &str = include_str!("../corpus/recurring-cancelled-override.ics");

#[test]
fn a_title_changes_its_line_and_the_stamps_alone() {
    let edited = set(APPLE, &[Field::Title], |fields| {
        fields.title = "Nü, neu".into();
    });
    let (come, gone) = difference(APPLE, &edited);
    assert_eq!(come, ["SUMMARY:Nü\\, neu"]);
    assert_eq!(gone, ["SUMMARY:Kickoff \\, phase 2"]);
    assert!(edited.contains("SEQUENCE:4\r\n") && edited.contains("DTSTAMP:20261122T100000Z"));
    let kept = set(OUTLOOK, &[Field::Title], |fields| {
        fields.title = "Other".into();
    });
    assert!(kept.contains("SUMMARY;LANGUAGE=en-US:Other\r\n"));
    // Somebody else's event: revisions are not ours to count.
    assert!(!kept.contains("SEQUENCE:1"));
}

#[test]
fn what_restates_a_field_goes_with_it_and_only_with_it() {
    let edited = set(APPLE, &[Field::Location], |fields| {
        fields.location = "Here".into();
    });
    let (come, _) = difference(APPLE, &edited);
    assert_eq!(come, ["LOCATION:Here"]);
    assert!(!edited.contains("X-APPLE-STRUCTURED") && !edited.contains("GEO"));
    assert!(edited.contains("ALTREP"));
    let edited = set(APPLE, &[Field::Description], |fields| {
        fields.description = "D".into();
    });
    assert!(edited.contains("\r\nDESCRIPTION:D\r\n") && edited.contains("X-APPLE-STRUCTURED"));
    let edited = set(APPLE, &[Field::Description], |fields| {
        fields.description = "".into();
    });
    assert!(!edited.contains("DESCRIPTION"));

    let edited = set(OUTLOOK, &[Field::Status], |fields| {
        fields.status = Status::Tentative;
    });
    let (come, gone) = difference(OUTLOOK, &edited);
    assert_eq!(come, ["STATUS:TENTATIVE"]);
    assert_eq!(
        gone,
        [
            "STATUS:CONFIRMED",
            "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
            "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY"
        ]
    );
}

#[test]
fn a_moved_event_keeps_the_form_of_its_times() {
    let edited = set(APPLE, &[Field::When], |fields| shifted(&mut fields.when, 2));
    let (come, _) = difference(APPLE, &edited);
    assert_eq!(
        come,
        [
            "DTEND;TZID=Europe/Berlin:20261201T123000",
            "DTSTART;TZID=Europe/Berlin:20261201T113000"
        ]
    );
    let duration = object(
        "DTSTART;X-KEPT=1;TZID=W. Europe Standard Time:20261201T090000~DURATION:PT1H~SUMMARY:A",
    );
    let edited = set(&duration, &[Field::When], |fields| {
        shifted(&mut fields.when, 1);
    });
    let (come, _) = difference(&duration, &edited);
    assert_eq!(
        come,
        ["DTSTART;TZID=W. Europe Standard Time;X-KEPT=1:20261201T100000"]
    );
    let longer = set(&duration, &[Field::When], |fields| {
        if let When::Timed { end, .. } = &mut fields.when {
            end.wall = "2026-12-01T10:30:00".parse().unwrap();
        }
    });
    assert_eq!(difference(&duration, &longer).0, ["DURATION:PT1H30M"]);
    let bare = object("DTSTART:20261201T090000Z~SUMMARY:A");
    let edited = set(&bare, &[Field::When], |fields| shifted(&mut fields.when, 1));
    assert_eq!(difference(&bare, &edited).0, ["DTSTART:20261201T100000Z"]);
}

#[test]
fn an_end_that_its_start_passes_moves_along() {
    // An end before the start reads as none, which is a day for a date, and nothing for a time:
    // just what these two are meant to last.
    let day = object("DTSTART;VALUE=DATE:20261203~DTEND;VALUE=DATE:20261204~SUMMARY:A");
    let edited = set(&day, &[Field::When], |fields| {
        fields.when = When::all_day("2026-12-05".parse().unwrap(), None);
    });
    let (come, _) = difference(&day, &edited);
    assert_eq!(
        come,
        ["DTSTART;VALUE=DATE:20261205", "DTEND;VALUE=DATE:20261206"]
    );
    let moment = object("DTSTART:20261203T090000Z~DTEND:20261203T090000Z~SUMMARY:A");
    let edited = set(&moment, &[Field::When], |fields| {
        shifted(&mut fields.when, 3);
    });
    let (come, _) = difference(&moment, &edited);
    assert_eq!(come, ["DTSTART:20261203T120000Z", "DTEND:20261203T120000Z"]);
}

#[test]
fn days_and_times_turn_into_each_other() {
    let days = set(OUTLOOK, &[Field::Title], |fields| fields.title = "x".into());
    assert!(days.contains("X-MICROSOFT-CDO-ALLDAYEVENT"));
    let single = object(
        "DTSTART;TZID=Europe/Berlin:20261201T090000~DURATION:PT1H~X-MICROSOFT-CDO-ALLDAYEVENT:FALSE",
    );
    let edited = set(&single, &[Field::When], |fields| {
        fields.when = When::all_day("2026-12-02".parse().unwrap(), None);
    });
    let (come, gone) = difference(&single, &edited);
    assert_eq!(come, ["DTSTART;VALUE=DATE:20261202", "DURATION:P1D"]);
    assert_eq!(gone.len(), 3);
    let google = include_str!("../corpus/google-export.ics");
    let edited = set(google, &[Field::When], |fields| {
        let start = LocalTime::new("2026-12-24T18:00:00".parse().unwrap(), zone("Europe/Paris"));
        fields.when = When::timed(start, None);
    });
    let (come, _) = difference(google, &edited);
    assert!(come.contains(&"DTSTART;TZID=Europe/Paris:20261224T180000".to_owned()));
    assert!(edited.contains("BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\n"));
    assert!(edited.find("END:VTIMEZONE").unwrap() < edited.find("BEGIN:VEVENT").unwrap());
}

#[test]
fn cancelling_writes_an_exdate_like_the_start() {
    let mut series = event(OUTLOOK).series;
    let (moved, plain) = (wall("2026-12-15T10:00:00"), wall("2026-12-29T10:00:00"));
    for id in [moved, plain] {
        series.overrides.insert(id, OverrideValue::Cancelled);
    }
    let changes = [moved, plain].map(|id| (ComponentKey::Override(id), Change::Cancel));
    let edited = edit(OUTLOOK, &series, changes.into());
    let (come, _) = difference(OUTLOOK, &edited);
    assert_eq!(
        come,
        [
            "EXDATE;TZID=W. Europe Standard Time:20261215T100000",
            "EXDATE;TZID=W. Europe Standard Time:20261229T100000"
        ]
    );
    assert_eq!(edited.matches("BEGIN:VEVENT").count(), 1);

    let alone = include_str!("../corpus/only-overrides.ics");
    let series = event(alone).series;
    let id = *series.overrides.keys().next().unwrap();
    let edited = try_edit(
        alone,
        &series,
        vec![(ComponentKey::Override(id), Change::Cancel)],
    )
    .unwrap();
    assert!(edited.contains("STATUS:CANCELLED"));
}

#[test]
fn an_exdate_is_taken_back_from_a_list() {
    let mut series = event(OUTLOOK).series;
    let id = wall("2026-12-08T10:00:00");
    series.overrides.remove(&id);
    let edited = edit(
        OUTLOOK,
        &series,
        vec![(ComponentKey::Override(id), Change::Inherit)],
    );
    let (come, gone) = difference(OUTLOOK, &edited);
    assert_eq!(
        come,
        ["EXDATE;TZID=W. Europe Standard Time:20261222T100000"]
    );
    assert_eq!(
        gone,
        ["EXDATE;TZID=W. Europe Standard Time:20261208T100000,20261222T100000"]
    );
    for day in ["02", "03", "04"] {
        let mut series = event(MIX).series;
        let id = wall(&format!("2026-12-{day}T09:00:00"));
        series.overrides.remove(&id);
        let edited = edit(
            MIX,
            &series,
            vec![(ComponentKey::Override(id), Change::Inherit)],
        );
        assert_eq!(difference(MIX, &edited).1.len(), 1, "{day}");
    }
}

#[test]
fn a_new_override_carries_looks_and_no_people_or_alarms() {
    let mut series = event(OUTLOOK).series;
    let id = wall("2026-12-29T10:00:00");
    let mut own = series.master.clone().unwrap();
    own.recurrence = None;
    own.declined = false;
    own.title = "Last of the year".into();
    own.when = sync_engine::recurrence::inherited_when(series.master.as_ref().unwrap(), id);
    series
        .overrides
        .insert(id, OverrideValue::Fields(Box::new(own)));
    let edited = edit(
        OUTLOOK,
        &series,
        vec![(ComponentKey::Override(id), Change::Add)],
    );
    assert!(edited.starts_with(OUTLOOK.strip_suffix("END:VCALENDAR\r\n").unwrap()));
    let added = edited.rsplit("BEGIN:VEVENT").next().unwrap();
    assert!(added.contains("RECURRENCE-ID;TZID=W. Europe Standard Time:20261229T100000\r\n"));
    assert!(added.contains("CLASS:PRIVATE\r\n") && added.contains("PRIORITY:5\r\n"));
    assert!(
        !added.contains("ATTENDEE") && !added.contains("VALARM") && !added.contains("ORGANIZER")
    );
    assert!(!added.contains("BEGIN:VTIMEZONE") && edited.matches("BEGIN:VTIMEZONE").count() == 1);
}

#[test]
fn an_override_becomes_inherited_but_for_what_it_carries() {
    let mut series = event(OUTLOOK).series;
    let id = wall("2026-12-15T10:00:00");
    series.overrides.remove(&id);
    let inherit = || vec![(ComponentKey::Override(id), Change::Inherit)];
    let edited = edit(OUTLOOK, &series, inherit());
    assert_eq!(edited.matches("BEGIN:VEVENT").count(), 1);

    let carrying = OUTLOOK.replace(
        "SUMMARY:Weekly (moved)\r\n",
        "SUMMARY:Weekly (moved)\r\nX-MINE:1\r\n",
    );
    let mut wanted = series.clone();
    let master = wanted.master.as_mut().unwrap();
    // What it says of people and privacy stays its own.
    let (declined, sensitivity) = (master.declined, master.sensitivity);
    let edited = try_edit(&carrying, &wanted, inherit()).unwrap();
    assert!(edited.contains("X-MINE:1\r\n") && !edited.contains("X-ALT-DESC"));
    assert!(edited.contains("DTSTART;TZID=W. Europe Standard Time:20261215T100000\r\n"));
    let now = event(&edited).series;
    let OverrideValue::Fields(own) = &now.overrides[&id] else {
        panic!("differs in people only");
    };
    assert_ne!((own.declined, own.sensitivity), (declined, sensitivity));
    assert_eq!(own.title, now.master.as_ref().unwrap().title);
}

#[test]
fn an_override_that_says_nothing_of_its_own_follows_the_master() {
    // Thunderbird keeps a component for a snoozed alarm.
    let renamed = set(THUNDERBIRD, &[Field::Title], |fields| {
        fields.title = "Orchestra".into();
    });
    assert_eq!(renamed.matches("SUMMARY:Orchestra").count(), 2);
    let mut series = event(THUNDERBIRD).series;
    shifted(&mut series.master.as_mut().unwrap().when, 1);
    let cancelled = series.overrides.pop_first().unwrap();
    series
        .overrides
        .insert(wall("2026-12-03T20:00:00"), cancelled.1);
    let changes = vec![
        (ComponentKey::Master, Change::Set([Field::When].into())),
        (ComponentKey::Override(cancelled.0), Change::Inherit),
        (
            ComponentKey::Override(wall("2026-12-03T20:00:00")),
            Change::Cancel,
        ),
    ];
    let moved = edit(THUNDERBIRD, &series, changes);
    let zone = ";TZID=/mozilla.org/20050126_1/Europe/Berlin:";
    assert!(
        moved.contains(&format!("RECURRENCE-ID{zone}20261204T200000\r\n")),
        "{moved}"
    );
    assert!(
        moved.contains(&format!("EXDATE{zone}20261203T200000\r\n")),
        "{moved}"
    );
    assert!(moved.contains("X-MOZ-SNOOZE-TIME:20261204T170000Z\r\n"));
    assert_eq!(moved.matches("DURATION:PT2H").count(), 2);
}

#[test]
fn a_tag_is_replaced_and_nothing_else() {
    let ours = include_str!("../corpus/copy-of-ours.ics");
    let pair = PairKey::new(
        &CalendarId::new("https://dav.example/b/"),
        &CalendarId::new("b"),
    );
    let tag = OriginTag::new(&pair, &Uid::new("one"), None, 3);
    let series = event(ours).series;
    let edit = Edit {
        series: &series,
        changes: &[],
        tag: Some(&tag),
        now: now(),
    };
    let bytes = edit_object(ours.as_bytes(), &edit, &ReadContext::default()).unwrap();
    let edited = String::from_utf8(bytes).unwrap();
    assert_eq!(event(&edited).tag, Some(tag));
    assert_eq!(event(&edited).series, series);
    let (come, _) = difference(ours, &edited);
    assert!(
        come.iter()
            .all(|line| line.starts_with("X-CALDAV-SYNC-ORIGIN") || line.starts_with(' '))
    );
}

#[test]
fn what_cannot_be_edited_says_why() {
    let series = Series::default();
    let title = || vec![(ComponentKey::Master, Change::Set([Field::Title].into()))];
    let code = |text: &str| try_edit(text, &series, title()).unwrap_err().code();
    assert_eq!(code(APPLE), "no_fields");
    assert_eq!(code(include_str!("../corpus/todo.ics")), "no_event");
    assert_eq!(
        code(include_str!("../corpus/only-overrides.ics")),
        "no_master"
    );
    assert_eq!(code("rubbish"), "not_a_calendar");
}
