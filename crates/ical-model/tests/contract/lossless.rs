//! Whatever octets come in come out.

use ical_model::component::Document;
use ical_model::line::{Lexer, Line, text};
use ical_model::{Limits, ReadContext, read_object};
use proptest::prelude::*;

/// Text that looks enough like iCalendar to reach every branch.
fn nearly_calendar() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"BEGIN:VEVENT".to_vec()),
        Just(b"END:VEVENT".to_vec()),
        Just(b"BEGIN:VCALENDAR".to_vec()),
        Just(b"END:VCALENDAR".to_vec()),
        Just(b"BEGIN:VTIMEZONE".to_vec()),
        Just(b"DTSTART;TZID=Europe/Berlin:20261201T0".to_vec()),
        Just(b"UID:1".to_vec()),
        Just(b"RRULE:FREQ=DAILY;COUNT=3".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n ".to_vec()),
        Just(b"\n\t".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\"".to_vec()),
        Just(b";A=".to_vec()),
        Just(b":".to_vec()),
        Just("ü🎉".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
        "[ -~]{0,100}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_come_out_as_they_came_in(input in nearly_calendar()) {
        let document = Document::parse(&input, &Limits { depth: 100, ..Limits::default() }).unwrap();
        prop_assert_eq!(document.to_bytes(), &input[..]);
        let lines: Vec<u8> = Lexer::new(&input).flat_map(|line| line.octets.to_vec()).collect();
        prop_assert_eq!(lines, &input[..]);
        for raw in Lexer::new(&input) {
            let line = Line::parse(raw.octets, raw.folded);
            // Name, parameters and value put together are the line.
            let mut again = line.header();
            if line.has_value() {
                again.push(b':');
                again.extend_from_slice(&line.value_octets());
            }
            prop_assert_eq!(again, line.content().into_owned());
            let _ = (line.parameters(), line.value(), line.name());
        }
        let _ = read_object(&input, &ReadContext::default());
    }

    #[test]
    fn a_written_line_reads_back(value in "\\PC{0,300}", name in "[A-Z][A-Z-]{0,20}") {
        let escaped = text::escape(&value);
        let line = Line::build(name.as_bytes(), escaped.as_bytes());
        prop_assert!(line.is(&name));
        let read = text::unescape(&line.value()).into_owned();
        prop_assert_eq!(read, value);
        for physical in line.raw().split(|octet| *octet == b'\n') {
            prop_assert!(physical.len() <= 76);
            prop_assert!(std::str::from_utf8(physical).is_ok());
        }
    }
}
