#![no_main]
//! iCalendar text of strangers: cut into lines, put into a tree, read as an event, and written
//! again. Nothing that nobody edited may change by an octet.

use ical_model::component::Document;
use ical_model::line::{Lexer, Line, text};
use ical_model::write::{Edit, NewObject};
use ical_model::{Limits, Object, ReadContext, edit_object, new_object, read_object};
use libfuzzer_sys::fuzz_target;
use sync_engine::model::time::Timestamp;

fuzz_target!(|data: &[u8]| {
    lines(data);
    if let Ok(document) = Document::parse(data, &Limits::default()) {
        assert_eq!(document.to_bytes(), data, "the tree holds every octet");
    }
    if let Ok(plain) = std::str::from_utf8(data) {
        let escaped = text::escape(plain);
        let back = text::unescape(&escaped);
        assert_eq!(text::escape(&back), escaped, "an escaped text is settled");
    }
    object(data);
});

fn lines(data: &[u8]) {
    let raw: Vec<_> = Lexer::new(data).collect();
    let whole: Vec<u8> = raw.iter().flat_map(|line| line.octets).copied().collect();
    assert_eq!(whole, data, "the lines are the text");

    for raw in raw {
        let line = Line::parse(raw.octets, raw.folded);
        assert_eq!(line.raw(), raw.octets);
        // All of these must bear any octets.
        let parameters = line.parameters();
        let name = line.name();
        assert!(parameters.iter().all(|it| it.values.len() <= data.len()));
        if name.is_empty() || !line.has_value() || line.content().contains(&b'\r') {
            continue;
        }
        rebuilt(&line);
    }
}

/// The same line written by us: it says the same, and is folded as RFC 5545 section 3.1 asks.
fn rebuilt(line: &Line<'_>) {
    let content = line.content();
    let value = line.value_octets();
    let header = &content[..content.len() - value.len() - 1];
    let built = Line::build(header, &value);
    assert_eq!(built.content(), content, "folding adds nothing");
    assert_eq!(built.parameters(), line.parameters());

    let read: Vec<_> = Lexer::new(built.raw()).collect();
    assert_eq!(read.len(), 1, "one line stays one line");
    let physical: Vec<&[u8]> = built.raw().split(|octet| *octet == b'\n').collect();
    let is_text = std::str::from_utf8(&content).is_ok();
    for part in physical {
        let part = part.strip_suffix(b"\r").unwrap_or(part);
        assert!(part.len() <= 75, "75 octets are the limit");
        assert!(
            !is_text || std::str::from_utf8(part).is_ok(),
            "no character is cut"
        );
    }
}

fn object(data: &[u8]) {
    let context = ReadContext::default();
    let reading = read_object(data, &context);
    let Object::Event(event) = reading.object else {
        return;
    };
    let now = Timestamp::UNIX_EPOCH;

    let nothing = Edit {
        series: &event.series,
        changes: &[],
        tag: None,
        now,
    };
    if let Ok(same) = edit_object(data, &nothing, &context) {
        assert_eq!(same, data, "an edit that changes nothing");
    }

    // Overrides of nothing that repeats are kept as they came, and are not written anew.
    let series = &event.series;
    let Some(master) = &series.master else {
        return;
    };
    if master.recurrence.is_none() && !series.overrides.is_empty() {
        return;
    }
    // A UID is an id, kept as it came; only one that is text can be written.
    if event.uid.as_str().contains(char::is_control) {
        return;
    }
    let written = new_object(&NewObject {
        uid: &event.uid,
        series: &event.series,
        tag: None,
        source_uid: None,
        now,
    });
    let again = read_object(&written, &context);
    let Object::Event(again) = again.object else {
        panic!("what we write, we read: {:?}", again.object);
    };
    assert_eq!(again.series, event.series, "written and read again");
    assert_eq!(again.uid, event.uid);
}
