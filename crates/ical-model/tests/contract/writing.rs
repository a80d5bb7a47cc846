//! New objects: their text, and that reading gives back what was written.

use ical_model::{NewObject, Object, ReadContext, new_object, read_object};
use proptest::prelude::*;
use sync_engine::identity::{OriginTag, PairKey};
use sync_engine::model::time::{LocalTime, Timestamp};
use sync_engine::model::{CalendarId, Fields, OverrideValue, RecurrenceId, Series, Uid, When};
use sync_engine::recurrence::{Recurrence, Rule};

use super::generate::{series, zone};

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn text_of(series: &Series) -> String {
    let bytes = new_object(&NewObject {
        uid: &Uid::new("u@example.com"),
        series,
        tag: None,
        source_uid: None,
        now: now(),
    });
    String::from_utf8(bytes).unwrap()
}

fn tea() -> Series {
    let wall = "2026-12-01T09:30:00".parse().unwrap();
    let berlin = zone("Europe/Berlin");
    let start = LocalTime::new(wall, berlin.clone());
    let end = LocalTime::new("2026-12-01T10:00:00".parse().unwrap(), berlin);
    let mut fields = Fields::new("Tea, \"cake\"; more", When::timed(start, Some(end)));
    fields.description = "one\ntwo".into();
    fields.recurrence = Some(Recurrence::of(Rule::parse("FREQ=WEEKLY;BYDAY=TU").unwrap()));
    let mut series = Series::single(fields);
    let id = RecurrenceId::Wall("2026-12-08T09:30:00".parse().unwrap());
    series.overrides.insert(id, OverrideValue::Cancelled);
    series
}

#[test]
fn a_new_object_has_all_it_must_have() {
    let pair = PairKey::new(
        &CalendarId::new("https://dav.example/a/"),
        &CalendarId::new("a@example.com"),
    );
    let source = Uid::new("source,1");
    let tag = OriginTag::new(&pair, &source, None, 0);
    let bytes = new_object(&NewObject {
        uid: &tag.caldav_uid(),
        series: &tea(),
        tag: Some(&tag),
        source_uid: Some(&source),
        now: now(),
    });
    let text = String::from_utf8(bytes.clone()).unwrap();
    let unfolded = text.replace("\r\n ", "");
    for line in [
        "VERSION:2.0",
        "PRODID:-//caldav-sync//caldav-sync//EN",
        "TZID:Europe/Berlin",
        "DTSTAMP:20261122T100000Z",
        "CREATED:20261122T100000Z",
        "LAST-MODIFIED:20261122T100000Z",
        "SEQUENCE:0",
        "SUMMARY:Tea\\, \"cake\"\\; more",
        "DESCRIPTION:one\\ntwo",
        "DTSTART;TZID=Europe/Berlin:20261201T093000",
        "DTEND;TZID=Europe/Berlin:20261201T100000",
        "RRULE:FREQ=WEEKLY;BYDAY=TU",
        "EXDATE;TZID=Europe/Berlin:20261208T093000",
        "X-CALDAV-SYNC-SOURCE-UID:source\\,1",
    ] {
        assert!(
            unfolded.contains(&format!("\r\n{line}\r\n")),
            "{line}\n{text}"
        );
    }
    let Object::Event(event) = read_object(&bytes, &ReadContext::default()).object else {
        panic!("an event");
    };
    assert_eq!(event.uid, tag.caldav_uid());
    assert!(
        event
            .tag
            .is_some_and(|read| read == tag && read.proves_caldav(&event.uid))
    );
    assert_eq!(event.source_uid, Some(source));
}

#[test]
fn an_occurrence_in_the_second_pass_of_a_fold_is_named_in_utc() {
    let berlin = zone("Europe/Berlin");
    let start = LocalTime::new("2026-10-25T01:00:00".parse().unwrap(), berlin);
    let mut fields = Fields::new("Hourly", When::timed(start, None));
    fields.recurrence = Some(Recurrence::of(Rule::parse("FREQ=HOURLY;COUNT=4").unwrap()));
    let text = "RECURRENCE-ID:20261025T010000Z";
    let object = super::object(&format!(
        "DTSTART;TZID=Europe/Berlin:20261025T010000~RRULE:FREQ=HOURLY;COUNT=4!{text}~DTSTART:20261026T120000Z"
    ));
    let read = super::event(object).series;
    let written = text_of(&read);
    assert!(written.contains(text), "{written}");
    assert_eq!(super::event(&written).series, read);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(series in series()) {
        let text = text_of(&series);
        for line in text.split("\r\n") {
            prop_assert!(line.len() <= 75, "{}", line);
            prop_assert!(!line.contains('\n'));
        }
        for never in ["ATTENDEE", "ORGANIZER", "VALARM"] {
            prop_assert!(!text.lines().any(|line| line.starts_with(never)));
        }
        let event = super::event(&text);
        prop_assert_eq!(&event.series, &series, "{}", text);
        prop_assert!(event.remarks.is_empty());
        prop_assert_eq!(event.modified, Some(now()));
    }
}
