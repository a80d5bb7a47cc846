//! The engine's tables of recurrence cases, read from real iCalendar text: TZIDs by their Windows
//! name and by a VTIMEZONE of their own included. Then written as new objects and read again.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use ical_model::{NewObject, Object, ReadContext, new_object, read_object};
use jiff::tz::Offset;
use sync_engine::model::time::{LocalTime, Timestamp};
use sync_engine::model::{Series, Uid, When, Zone, ZoneName};
use sync_engine::recurrence::{Cut, Limits, series_occurrences};

/// The rules of Europe/Berlin as Outlook writes them, under a name of nobody.
const CUSTOM: &str = "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\n\
    DTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
    RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\n\
    DTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
    RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n";

fn berlin() -> ZoneName {
    ZoneName::new("Europe/Berlin").expect("a known zone")
}

fn text(event: &str) -> String {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n{CUSTOM}");
    for component in event.split('!') {
        text.push_str("BEGIN:VEVENT\r\nUID:case\r\n");
        for line in component.split('~') {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("END:VEVENT\r\n");
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

fn read(text: &[u8]) -> Series {
    let context = ReadContext {
        floating: berlin(),
        ..ReadContext::default()
    };
    match read_object(text, &context).object {
        Object::Event(event) => event.series,
        other => panic!("{other:?}\n{}", String::from_utf8_lossy(text)),
    }
}

/// A time as the tables write it.
fn written(time: &LocalTime) -> String {
    match time.zone {
        Zone::Floating => time.wall.strftime("F%Y%m%dT%H%M%S").to_string(),
        Zone::Named(_) => Offset::UTC
            .to_datetime(time.instant(&berlin()))
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string(),
    }
}

fn shown(when: &When, with_end: bool) -> String {
    let (start, end) = match when {
        When::AllDay { start, end } => (
            start.strftime("%Y%m%d").to_string(),
            end.strftime("%Y%m%d").to_string(),
        ),
        When::Timed { start, end } => (written(start), written(end)),
    };
    if with_end {
        format!("{start}/{end}")
    } else {
        start
    }
}

/// What is shown instead, if it is not what is expected.
fn mistake(series: &Series, expected: &str) -> Option<String> {
    let mut expected: Vec<&str> = expected
        .split(',')
        .filter(|item| !item.is_empty())
        .collect();
    let more = expected.last() == Some(&"...");
    if more {
        expected.pop();
    }
    let limits = Limits {
        occurrences: if more { expected.len() } else { 100_000 },
        iterations: 1_000_000,
    };
    let always = (Timestamp::MIN, Timestamp::MAX);
    let showing = series_occurrences(series, &berlin(), always, &limits);
    if showing.cut != if more { Cut::Occurrences } else { Cut::No } {
        return Some(format!("cut: {:?}", showing.cut));
    }
    if let [only] = expected.as_slice()
        && let Some(count) = only.strip_prefix('#')
    {
        let found = showing.items.len().to_string();
        return (found != count).then_some(found);
    }
    let with_end = expected.iter().any(|item| item.contains('/'));
    let items = showing.items.iter();
    let found: Vec<String> = items.map(|item| shown(&item.when, with_end)).collect();
    (found != expected).then(|| found.join(","))
}

fn run(table: &str) -> usize {
    let mut count = 0;
    let mut mistakes = Vec::new();
    for line in table.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, event, expected] = columns.as_slice() else {
            panic!("short: {line}");
        };
        count += 1;
        let series = read(text(event).as_bytes());
        if let Some(found) = mistake(&series, expected) {
            mistakes.push(format!(
                "{name}\n  {event}\n  expected {expected}\n  found    {found}"
            ));
        }
        let again = new_object(&NewObject {
            uid: &Uid::new("case"),
            series: &series,
            tag: None,
            source_uid: None,
            now: Timestamp::UNIX_EPOCH,
        });
        if read(&again) != series {
            mistakes.push(format!(
                "{name} written anew\n{}",
                String::from_utf8_lossy(&again)
            ));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    count
}

#[test]
fn every_case_of_the_tables_shows_what_it_should() {
    let cases = run(include_str!(
        "../../sync-engine/tests/data/recurrence-cases.tsv"
    ));
    let more = run(include_str!(
        "../../sync-engine/tests/data/recurrence-more.tsv"
    ));
    assert!(cases >= 34 && cases + more >= 134, "{cases} + {more}");
}
