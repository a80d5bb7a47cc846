//! Lines as they are seen in the wild.

use super::*;

fn lines(text: &[u8]) -> Vec<Line<'_>> {
    Lexer::new(text)
        .map(|raw| Line::parse(raw.octets, raw.folded))
        .collect()
}

fn one(text: &[u8]) -> Line<'_> {
    let all = lines(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[test]
fn name_parameters_and_value_are_found() {
    let line =
        one(b"ATTENDEE;CN=\"Doe, John: x\";ROLE=REQ-PARTICIPANT:mailto:john@example.com\r\n");
    assert!(line.is("attendee"));
    assert_eq!(line.parameter_text("CN").as_deref(), Some("Doe, John: x"));
    assert_eq!(
        line.parameter_text("role").as_deref(),
        Some("REQ-PARTICIPANT")
    );
    assert_eq!(line.value(), "mailto:john@example.com");
}

#[test]
fn folds_are_undone_wherever_they_are() {
    for text in [
        "SUMMARY;LANGUAGE=de:foo \r\n  bar ü\r\n",
        "SUMM\r\n ARY;LANGUAGE=de:foo  bar ü\r\n",
        "SUMMARY;LANG\n\tUAGE=de:foo  bar ü",
        "SUMMARY;LANGUAGE=de\r\r\n :foo  bar ü\r\r\n",
        "SUMMARY;LANGUAGE=de:\r\n foo  bar\r\n  ü\r\n \r\n",
        "SUMMARY;LANGUAGE=de:foo  b\r ar ü\r",
    ] {
        let line = one(text.as_bytes());
        assert!(line.is("SUMMARY"), "{text:?}");
        assert_eq!(line.value(), "foo  bar ü", "{text:?}");
        assert_eq!(
            line.parameter_text("LANGUAGE").as_deref(),
            Some("de"),
            "{text:?}"
        );
        assert_eq!(line.raw(), text.as_bytes());
    }
}

#[test]
fn a_fold_inside_a_character_or_a_quote_does_no_harm() {
    let mut text = b"SUMMARY;CN=\"a\r\n :b\":J\xC3\r\n \xB6rg\r\n".to_vec();
    let line = one(&text);
    assert_eq!(line.value(), "Jörg");
    assert_eq!(line.parameter_text("CN").as_deref(), Some("a:b"));
    text.extend_from_slice(b"X");
    assert_eq!(lines(&text).len(), 2);
}

#[test]
fn what_is_not_well_formed_is_kept_and_read_as_far_as_it_goes() {
    let line = one(b"no colon here\r\n");
    assert!(!line.has_value());
    assert_eq!(line.value(), "");
    let line = one(b"X;CN=\"never closed:value\r\n");
    assert_eq!(line.value(), "value");
    assert_eq!(line.parameter_text("CN").as_deref(), Some("\"never closed"));
    let line = one(b"DESCRIPTION;QUOTED-PRINTABLE:a=0Db");
    assert!(
        line.parameter("quoted-printable")
            .unwrap()
            .values
            .is_empty()
    );
    assert_eq!(line.value(), "a=0Db");
    let line = one(b"X-A;;B=1;:v");
    assert_eq!(line.parameters().len(), 3);
    assert_eq!(line.value(), "v");
    let line = one(b"X-\xFF:\xFE\n");
    assert!(!line.is_utf8());
    assert_eq!(line.value(), "\u{FFFD}");
    assert_eq!(one(b":").name(), "");
    assert_eq!(one(b" DTSTART :1").name(), "DTSTART");
    assert!(one(b"DTSTART :1").is("dtstart"));
    assert!(one(b" \r\n \r\n").is_blank());
}

#[test]
fn leading_and_trailing_characters_of_a_value_stay() {
    assert_eq!(one(b"X:: a \r\n").value(), ": a ");
}

#[test]
fn a_written_line_is_folded_at_75_octets_between_characters() {
    let value = "ü€🎉\\,".repeat(60);
    let line = Line::build(b"DESCRIPTION;X=\"^n\"", value.as_bytes());
    let text = String::from_utf8(line.raw().to_vec()).unwrap();
    for physical in text.split("\r\n") {
        assert!(physical.len() <= 75);
        assert!(!physical.ends_with('\\'), "{physical}");
    }
    assert_eq!(line.value(), value);
    assert_eq!(one(line.raw()), line);

    let broken = Line::build(b"X", &[0x80; 400]);
    assert_eq!(broken.value_octets().as_ref(), &[0x80; 400]);
    assert!(
        broken
            .raw()
            .split(|o| *o == b'\n')
            .all(|part| part.len() <= 76)
    );
    let backslashes = Line::build(b"X", &[b'\\'; 400]);
    assert_eq!(backslashes.value_octets().as_ref(), &[b'\\'; 400]);
    assert_eq!(
        Line::build(b"X", b"a\r\nBEGIN:VEVENT").raw(),
        b"X:aBEGIN:VEVENT\r\n"
    );
    assert_eq!(Line::build(b"X", &[b'a'; 73]).raw().len(), 77);
}
