//! The oracle expands iCalendar and Google's events alike, so that the two can be compared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::{expand_google, expand_ics};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn object(events: &[&str]) -> String {
    let mut out = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n");
    for event in events {
        out += "BEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\n";
        for line in event.split(' ') {
            out = out + &line.replace('_', " ") + "\r\n";
        }
        out += "END:VEVENT\r\n";
    }
    out + "END:VCALENDAR\r\n"
}

#[test]
fn both_sides_of_a_series_have_one_agenda() {
    let caldav = [
        object(&[
            "SUMMARY:Daily DTSTART;TZID=Europe/Berlin:20270326T090000 DURATION:PT1H \
             RRULE:FREQ=DAILY;COUNT=5 EXDATE;TZID=Europe/Berlin:20270327T090000",
            "SUMMARY:Moved RECURRENCE-ID:20270328T070000Z DTSTART:20270328T150000Z DURATION:PT30M",
            "SUMMARY:Off RECURRENCE-ID;TZID=Europe/Berlin:20270329T090000 STATUS:CANCELLED \
             DTSTART;TZID=Europe/Berlin:20270329T090000 DURATION:PT1H",
        ]),
        object(&["SUMMARY:Whole_day DTSTART;VALUE=DATE:20270327"]),
        object(&["SUMMARY:Float DTSTART:20270329T080000 DTEND:20270329T090000"]),
        object(&["SUMMARY:Far DTSTART:20280101T080000Z DTEND:20280101T090000Z"]),
    ];
    let berlin = |time: &str| json!({ "dateTime": time, "timeZone": "Europe/Berlin" });
    let google: Vec<Value> = vec![
        json!({ "id": "m", "iCalUID": "series", "status": "confirmed", "summary": "Daily",
                "start": berlin("2027-03-26T09:00:00+01:00"), "end": berlin("2027-03-26T10:00:00+01:00"),
                "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"] }),
        json!({ "id": "m_1", "recurringEventId": "m", "status": "cancelled",
                "originalStartTime": berlin("2027-03-27T09:00:00+01:00") }),
        json!({ "id": "m_2", "recurringEventId": "m", "status": "confirmed", "summary": "Moved",
                "originalStartTime": { "dateTime": "2027-03-28T07:00:00Z", "timeZone": "UTC" },
                "start": berlin("2027-03-28T17:00:00+02:00"), "end": berlin("2027-03-28T17:30:00+02:00") }),
        json!({ "id": "m_3", "recurringEventId": "m", "status": "cancelled",
                "originalStartTime": berlin("2027-03-29T09:00:00+02:00") }),
        json!({ "id": "d", "iCalUID": "d", "status": "confirmed", "summary": "Whole day",
                "start": { "date": "2027-03-27" }, "end": { "date": "2027-03-28" } }),
        json!({ "id": "f", "iCalUID": "f", "status": "confirmed", "summary": "Float",
                "start": berlin("2027-03-29T08:00:00+02:00"), "end": berlin("2027-03-29T09:00:00+02:00") }),
        json!({ "id": "x", "status": "cancelled" }),
        json!({ "id": "gone_1", "recurringEventId": "gone", "status": "confirmed", "summary": "Alone",
                "originalStartTime": { "date": "2028-01-01" },
                "start": { "date": "2028-01-01" }, "end": { "date": "2028-01-02" } }),
    ];
    let (from, to) = (at("2027-03-25T00:00:00Z"), at("2027-04-10T00:00:00Z"));
    let left = expand_ics(&caldav, from, to, "Europe/Berlin");
    let right = expand_google(&google, from, to);
    assert_eq!(
        (left.errors.len(), right.errors.len()),
        (0, 0),
        "{left:?} {right:?}"
    );
    assert_eq!(left.agenda(), right.agenda());
    let starts: Vec<String> = left
        .agenda()
        .into_iter()
        .map(|(s, _, t)| format!("{s} {t}"))
        .collect();
    assert_eq!(
        starts,
        [
            "2027-03-26T08:00:00Z Daily",
            "2027-03-27 Whole day",
            "2027-03-28T15:00:00Z Moved",
            "2027-03-29T06:00:00Z Float",
            "2027-03-30T07:00:00Z Daily",
        ]
    );
    assert_eq!(left.occurrences[0].uid, "series");
    assert_eq!(
        left.occurrences.iter().filter(|o| o.is_cancelled()).count(),
        1
    );
    assert!(right.occurrences.iter().all(|o| !o.is_cancelled()));
}

#[test]
fn what_cannot_be_expanded_is_named() {
    let (from, to) = (at("2027-03-25T00:00:00Z"), at("2027-04-10T00:00:00Z"));
    let good = object(&["SUMMARY:Fine DTSTART:20270401T080000Z"]);
    let found = expand_ics(&["nonsense".to_owned(), good], from, to, "UTC");
    assert_eq!(found.errors.len(), 1);
    assert_eq!(found.errors[0].0, 0);
    assert_eq!(found.occurrences[0].input, 1);
}
