//! Trees of texts as they are seen in the wild.

use super::*;
use crate::error::ReadError;
use crate::limits::Limits;

fn parse(text: &str) -> Document<'_> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).expect("within limits");
    assert_eq!(String::from_utf8(document.to_bytes()).unwrap(), text);
    document
}

fn codes(document: &Document<'_>) -> Vec<(u32, &'static str)> {
    let codes = document.problems.iter();
    codes.map(|problem| (problem.line, problem.code)).collect()
}

#[test]
fn components_nest_in_any_case_and_keep_what_is_unknown() {
    let document = parse(
        "\u{FEFF}begin:vcalendar\nX-A:1\nBegin:X-Own\r\nBEGIN:VALARM\r\nEND:VALARM\nend:x-OWN\n\
         BEGIN:VEVENT \nUID:1\nUID:2\nEND:VEVENT\nEND:VCALENDAR",
    );
    assert_eq!(codes(&document), []);
    let calendar = document.components().next().unwrap();
    assert!(calendar.is("VCALENDAR"));
    let names: Vec<String> = calendar.components().map(Component::name).collect();
    assert_eq!(names, ["X-Own", "VEVENT"]);
    let event = calendar.components().last().unwrap();
    assert_eq!(event.first("uid").unwrap().value(), "1");
    assert_eq!(event.all("UID").count(), 2);
    assert_eq!(document.unclosed, None);
}

#[test]
fn ends_that_are_missing_or_too_many_do_no_harm() {
    let document = parse("BEGIN:A\r\nBEGIN:B\r\nX:1\r\nEND:A\r\nEND:C\r\nX:2\r\n\r\nrubbish\r\n");
    assert_eq!(
        codes(&document),
        [(4, "missing_end"), (5, "stray_end"), (8, "missing_colon")]
    );
    let outer = document.components().next().unwrap();
    let inner = outer.components().next().unwrap();
    assert_eq!(inner.first("X").unwrap().value(), "1");

    let document = parse("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTST");
    assert_eq!(document.unclosed.as_deref(), Some("VCALENDAR"));
}

#[test]
fn limits_are_errors_and_nothing_else_is() {
    let limits = Limits {
        bytes: 100,
        lines: 5,
        line_bytes: 20,
        components: 2,
        depth: 1,
        exceptions: 1,
        ..Limits::default()
    };
    for (text, what) in [
        ("X:1\n".repeat(26), "octets"),
        ("X:1\n".repeat(6), "lines"),
        (format!("X:{}", "a".repeat(30)), "octets in one line"),
        ("BEGIN:A\nEND:A\n".repeat(3), "components"),
        (
            "BEGIN:A\nBEGIN:B\n".to_owned(),
            "components inside each other",
        ),
    ] {
        let limits = Limits {
            lines: if what == "components" { 100 } else { 5 },
            ..limits.clone()
        };
        match Document::parse(text.as_bytes(), &limits) {
            Err(ReadError::TooLarge { what: found, .. }) => assert_eq!(found, what),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert_eq!(parse("").items, []);
}
