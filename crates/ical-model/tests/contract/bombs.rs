//! Objects made to hurt: each is dealt with at once, whatever it comes out as.
//!
//! No test here looks at a clock: work is bounded by limits, and what would take minutes instead of
//! milliseconds is noticed by whoever waits for the tests.

use std::fmt::Write as _;

use ical_model::{Limits, Object, ReadContext, read_object};

use super::{object, refusal};

fn read(text: &str) -> Object {
    read_object(text.as_bytes(), &ReadContext::default()).object
}

fn is_event(text: &str) -> bool {
    matches!(read(text), Object::Event(_))
}

const START: &str = "DTSTART:20261201T090000Z";

#[test]
fn too_much_of_anything_is_refused() {
    for text in [
        "X:1\r\n".repeat(2_100_000),
        "\n".repeat(300_000),
        format!("X:{}", "a".repeat(8_000_001)),
        format!("X:{}", "a\r\n ".repeat(2_100_000)),
        "BEGIN:A\r\n".repeat(100_000),
        "BEGIN:A\r\nEND:A\r\n".repeat(30_000),
        object(&format!("{START}~RRULE:FREQ=DAILY~EXDATE:{}", many(11_000))),
        object(&format!("{START}~RDATE:{}", many(11_000))),
    ] {
        assert_eq!(
            refusal(&text).code(),
            "too_large",
            "{}",
            &text[..20.min(text.len())]
        );
    }
}

/// So many different moments, apart by commas.
fn many(count: i64) -> String {
    let start: jiff::Timestamp = "2026-12-01T09:00:00Z".parse().unwrap();
    let moment = |day: i64| {
        let at = start + jiff::SignedDuration::from_hours(24 * day);
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    (0..count).map(moment).collect::<Vec<_>>().join(",")
}

#[test]
fn rules_that_never_end_or_never_match_are_only_read() {
    for rule in [
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=SECONDLY;INTERVAL=1;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=99991231T235959Z",
        "FREQ=YEARLY;INTERVAL=4294967295",
        "FREQ=MINUTELY;BYSETPOS=-366;BYSECOND=0",
    ] {
        assert!(
            is_event(&object(&format!("{START}~RRULE:{rule}"))),
            "{rule}"
        );
    }
    let future = format!(
        "{START}~RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30!\
         RECURRENCE-ID;RANGE=THISANDFUTURE:20261203T090000Z~{START}"
    );
    let _ = read(&object(&future));
    let rule = format!("{START}~RRULE:FREQ=DAILY;BYHOUR={}", "1,".repeat(100_000));
    let _ = read(&object(&rule));
}

#[test]
fn many_components_people_values_and_parameters_are_borne() {
    let mut guests = String::new();
    for number in 0..20_000 {
        write!(
            guests,
            "~ATTENDEE;CN=G{number}:mailto:g{number}@example.com"
        )
        .unwrap();
    }
    assert!(is_event(&object(&format!("{START}{guests}"))));
    let alarms = "BEGIN:VALARM~TRIGGER:-PT5M~ACTION:AUDIO~END:VALARM~".repeat(9_000);
    assert!(is_event(&object(&format!("{START}~{alarms}"))));
    let parameters = ";A=1,2,\"3\"".repeat(100_000);
    assert!(is_event(&object(&format!(
        "DTSTART{parameters}:20261201T090000Z"
    ))));
    let quotes = ";A=\"".repeat(100_000);
    assert!(is_event(&object(&format!("{START}~X{quotes}:1"))));
    let backslashes = "\\".repeat(3_000_000);
    assert!(is_event(&object(&format!("{START}~SUMMARY:{backslashes}"))));
    let folds = "\r\n ".repeat(500_000);
    assert!(is_event(&object(&format!("{START}~SUMMARY:a{folds}b"))));
    let carets = "^".repeat(1_000_000);
    assert!(is_event(&object(&format!(
        "DTSTART;X={carets}:20261201T090000Z"
    ))));
    let again = "~DTSTART:20261201T090000Z".repeat(100_000);
    assert!(is_event(&object(&format!("{START}{again}"))));
    let stray = "END:VEVENT2~".repeat(100_000);
    assert!(is_event(&object(&format!("{START}~{stray}"))));
}

#[test]
fn a_thousand_overrides_are_read_and_more_are_refused() {
    let with = |count: i64| {
        let mut events = format!("{START}~RRULE:FREQ=DAILY");
        for moment in many(count).split(',') {
            write!(events, "!RECURRENCE-ID:{moment}~DTSTART:{moment}~SUMMARY:x").unwrap();
        }
        object(&events)
    };
    let Object::Event(event) = read(&with(1000)) else {
        panic!("an event");
    };
    assert_eq!(event.series.overrides.len(), 1000);
    assert_eq!(refusal(with(1001)).code(), "too_large");
}

#[test]
fn zones_made_to_hurt_are_matched_in_bounds() {
    let dates = many(50_000);
    let observance = |rule: &str| {
        format!(
            "BEGIN:STANDARD\r\nDTSTART:00010101T000000\r\nTZOFFSETFROM:+0100\r\n\
             TZOFFSETTO:+0200\r\n{rule}END:STANDARD\r\n"
        )
    };
    for rules in [
        observance(
            "RRULE:FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYDAY=MO,TU,WE,TH,FR,SA,SU\r\n",
        ),
        observance("RRULE:FREQ=SECONDLY\r\n"),
        observance("RRULE:FREQ=YEARLY;COUNT=4294967295\r\n"),
        observance(&format!("RDATE:{dates}\r\n")),
        observance("RRULE:FREQ=YEARLY;BYMONTH=1,2,3;BYDAY=MO,TU\r\n").repeat(500),
    ] {
        let zone = format!("BEGIN:VTIMEZONE\r\nTZID:Odd\r\n{rules}END:VTIMEZONE\r\n");
        for repeats in ["", "~RRULE:FREQ=DAILY"] {
            let event = object(&format!("DTSTART;TZID=Odd:20261201T090000{repeats}"));
            let text = event.replace("BEGIN:VEVENT", &format!("{zone}BEGIN:VEVENT"));
            let _ = read(&text);
        }
    }
}

#[test]
fn limits_can_be_set() {
    let context = ReadContext {
        limits: Limits {
            bytes: 10,
            ..Limits::default()
        },
        ..ReadContext::default()
    };
    let reading = read_object(object(START).as_bytes(), &context);
    let Object::Unreadable(error) = reading.object else {
        panic!("refused");
    };
    assert_eq!(
        error.to_string(),
        "The event is too large to be read: it has more than 10 octets."
    );
}
