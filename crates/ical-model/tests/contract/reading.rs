//! Shapes of times, rules and people, one by one.

use sync_engine::model::{OverrideValue, When};

use super::{event, object, refusal};

/// Start and end, walls only, and the start's zone.
fn when(lines: &str) -> String {
    let event = event(object(lines));
    match event.series.master.unwrap().when {
        When::AllDay { start, end } => format!("{start} {end}"),
        When::Timed { start, end } => format!("{} {} {:?}", start.wall, end.wall, start.zone),
    }
}

#[test]
fn every_shape_of_start_and_end() {
    let berlin = "DTSTART;TZID=Europe/Berlin:20260328T100000";
    for (lines, expected) in [
        (
            "DTSTART:20261201T090000Z",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Named(UTC)",
        ),
        (
            "DTSTART:20261201T090000",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Floating",
        ),
        (
            "DTSTART;TZID=:20261201T090000",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Floating",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20261201T090000Z",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Named(UTC)",
        ),
        ("DTSTART;VALUE=DATE:20261201", "2026-12-01 2026-12-02"),
        ("DTSTART:20261201", "2026-12-01 2026-12-02"),
        (
            "DTSTART;VALUE=DATE:20261201T000000Z",
            "2026-12-01 2026-12-02",
        ),
        (
            "DTSTART;VALUE=DATE;TZID=Asia/Tokyo:20261201",
            "2026-12-01 2026-12-02",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DTEND;VALUE=DATE:20261201",
            "2026-12-01 2026-12-02",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DTEND;VALUE=DATE:20261130",
            "2026-12-01 2026-12-02",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DURATION:P3D",
            "2026-12-01 2026-12-04",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DURATION:P1W",
            "2026-12-01 2026-12-08",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DURATION:PT36H",
            "2026-12-01 2026-12-03",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DTEND:20261202T000000Z",
            "2026-12-01 2026-12-02",
        ),
        (
            "DTSTART;VALUE=DATE:20261201~DTEND:20261202T120000Z",
            "2026-12-01 2026-12-03",
        ),
        (
            "DTSTART:20261201T090000~DTEND;VALUE=DATE:20261202",
            "2026-12-01T09:00:00 2026-12-02T00:00:00 Floating",
        ),
        (
            "DTSTART:20261201T090000~DTEND:20261201T080000",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Floating",
        ),
        (
            "DTSTART:20261201T090000~DURATION:-PT1H",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Floating",
        ),
        (
            "DTSTART:20261201T090000~DTEND:~DURATION:PT1H",
            "2026-12-01T09:00:00 2026-12-01T10:00:00 Floating",
        ),
        (
            "DTSTART:20261201T090000~DTEND:20261201T093000~DURATION:PT1H",
            "2026-12-01T09:00:00 2026-12-01T09:30:00 Floating",
        ),
        (
            &format!("{berlin}~DURATION:P1D"),
            "2026-03-28T10:00:00 2026-03-29T10:00:00 Named(Europe/Berlin)",
        ),
        // A day that has 23 hours: exact hours are not a day there.
        (
            &format!("{berlin}~DURATION:PT24H"),
            "2026-03-28T10:00:00 2026-03-29T11:00:00 Named(Europe/Berlin)",
        ),
        (
            &format!("{berlin}~DTEND;TZID=America/New_York:20260328T060000"),
            "2026-03-28T10:00:00 2026-03-28T06:00:00 Named(Europe/Berlin)",
        ),
        (
            "DTSTART:20261201T090000Z~DTSTART:20270101T090000Z",
            "2026-12-01T09:00:00 2026-12-01T09:00:00 Named(UTC)",
        ),
    ] {
        assert_eq!(when(lines), expected, "{lines}");
    }
}

#[test]
fn each_refusal_has_its_own_reason() {
    let start = "DTSTART:20261201T090000Z";
    for (events, code) in [
        ("SUMMARY:x".to_owned(), "no_start"),
        ("DTSTART:soon".to_owned(), "bad_time"),
        (format!("{start}~DTEND:later"), "bad_time"),
        (format!("{start}~DURATION:long"), "bad_time"),
        (format!("{start}~RRULE:FREQ=SOMETIMES"), "bad_rule"),
        (format!("{start}~RRULE:FREQ=DAILY~EXDATE:never"), "bad_time"),
        (
            format!("{start}~RDATE;VALUE=PERIOD:20261201T090000Z/x"),
            "bad_time",
        ),
        (
            "DTSTART;TZID=Nowhere:20261201T090000".to_owned(),
            "unknown_zone",
        ),
    ] {
        let error = refusal(object(&events));
        assert_eq!(error.code(), code, "{events}");
        assert!(error.to_string().ends_with('.'), "{error}");
    }
    let two = object(start).replace(
        "END:VEVENT\r\n",
        "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\n",
    );
    assert_eq!(refusal(two).code(), "several_uids");
    assert_eq!(
        refusal(object(start).replace("UID:1\r\n", "")).code(),
        "no_uid"
    );
    assert_eq!(refusal("").code(), "not_a_calendar");
    // A zone of one's own is good for one event, not for a series.
    let own = include_str!("../corpus/own-zone-single.ics");
    let repeating = own.replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY");
    let error = refusal(repeating);
    assert_eq!(error.code(), "unknown_zone");
    assert!(error.to_string().contains("Ship's time"), "{error}");
}

#[test]
fn an_override_that_says_what_the_master_says_is_none() {
    let master =
        "DTSTART;TZID=Europe/Berlin:20261201T090000~DURATION:PT1H~RRULE:FREQ=DAILY~SUMMARY:A";
    for (own, expected) in [
        (
            "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T090000Z~SUMMARY:A",
            0,
        ),
        (
            "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T090000Z~SUMMARY: A ",
            0,
        ),
        (
            "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T093000Z~SUMMARY:A",
            1,
        ),
        (
            "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T090000Z~SUMMARY:B",
            1,
        ),
        ("RECURRENCE-ID:20261203T080000Z~STATUS:CANCELLED", 1),
        // Two of one occurrence: the higher SEQUENCE counts.
        (
            "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T090000Z~SUMMARY:B!\
             RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DTEND:20261203T090000Z~SEQUENCE:2~SUMMARY:A",
            0,
        ),
    ] {
        let event = event(object(&format!("{master}!{own}")));
        assert_eq!(event.series.overrides.len(), expected, "{own}");
    }
    let declined = "RECURRENCE-ID:20261203T080000Z~DTSTART:20261203T080000Z~DURATION:PT1H~SUMMARY:A~\
        ATTENDEE;PARTSTAT=DECLINED;EMAIL=Alice@Example.com:/principals/alice/";
    let event = event(object(&format!("{master}!{declined}")));
    let own = event.series.overrides.values().next().unwrap();
    assert!(matches!(own, OverrideValue::Fields(fields) if fields.declined));
}

#[test]
fn guests_and_organisers_are_told_from_the_owner() {
    let start = "DTSTART:20261201T090000Z";
    let alone = event(object(&format!(
        "{start}~ORGANIZER:mailto:ALICE@example.com~ATTENDEE:MAILTO:alice@example.com"
    )));
    assert!(alone.organized_by_me && !alone.has_guests && !alone.attending);
    let hosting = event(object(&format!(
        "{start}~ORGANIZER:mailto:alice@example.com~ATTENDEE:mailto:bob@example.com"
    )));
    assert!(hosting.organized_by_me && hosting.has_guests);
    let unknown = super::event_of(
        object(&format!("{start}~ATTENDEE:mailto:alice@example.com")),
        &[],
    );
    assert!(unknown.has_guests && !unknown.organized_by_me);
}

#[test]
fn an_exdate_beside_an_override_loses_and_without_a_rule_means_nothing() {
    let text = "DTSTART:20261201T090000Z~RRULE:FREQ=DAILY~EXDATE:20261202T090000Z!\
        RECURRENCE-ID:20261202T090000Z~DTSTART:20261202T100000Z";
    let both = event(object(text));
    let value = both.series.overrides.values().next().unwrap();
    assert!(matches!(value, OverrideValue::Fields(_)));
    let single = event(object("DTSTART:20261201T090000Z~EXDATE:20261201T090000Z"));
    assert!(single.series.overrides.is_empty());
    assert!(single.series.master.unwrap().recurrence.is_none());
}
