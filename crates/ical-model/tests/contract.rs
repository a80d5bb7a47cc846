//! The contract of `ical-model`: what is read, what is written, and that nothing else changes.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "contract/bombs.rs"]
mod bombs;
#[path = "contract/corpus.rs"]
mod corpus;
#[path = "contract/differential.rs"]
mod differential;
#[path = "contract/edit_properties.rs"]
mod edit_properties;
#[path = "contract/editing.rs"]
mod editing;
#[path = "contract/generate.rs"]
mod generate;
#[path = "contract/hostile.rs"]
mod hostile;
#[path = "contract/lossless.rs"]
mod lossless;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/this_and_future.rs"]
mod this_and_future;
#[path = "contract/writing.rs"]
mod writing;

use ical_model::{EventObject, Object, ReadContext, ReadError, read_object};

/// One object that must be an event.
fn event(text: impl AsRef<[u8]>) -> EventObject {
    event_of(text, &["mailto:alice@example.com".to_owned()])
}

fn event_of(text: impl AsRef<[u8]>, own: &[String]) -> EventObject {
    let context = ReadContext {
        own_addresses: own,
        ..ReadContext::default()
    };
    match read_object(text.as_ref(), &context).object {
        Object::Event(event) => *event,
        other => panic!("{other:?}\n{}", String::from_utf8_lossy(text.as_ref())),
    }
}

/// Why an object is unreadable.
fn refusal(text: impl AsRef<[u8]>) -> ReadError {
    match read_object(text.as_ref(), &ReadContext::default()).object {
        Object::Unreadable(error) => error,
        other => panic!("{other:?}\n{}", String::from_utf8_lossy(text.as_ref())),
    }
}

/// An object of one VEVENT (or more, apart by `!`) from property lines apart by `~`.
fn object(events: &str) -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n".to_owned();
    for event in events.split('!') {
        text.push_str("BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20261101T000000Z\r\n");
        for line in event.split('~').filter(|line| !line.is_empty()) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str("END:VEVENT\r\n");
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}
