//! Occurrences by an expander that is not ours: the packages icalendar and recurring-ical-events.
//!
//! The work is in `python/expand.py`; here is the way there and back. Both sides of a mapping can
//! be expanded and compared, whatever our own code thinks of them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::python::{python, script};

/// One occurrence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Occurrence {
    /// `2026-12-01T09:00:00Z`, or `2026-12-01` when it is all-day.
    pub start: String,
    /// The same for its end, exclusive.
    pub end: String,
    /// The title, empty when there is none.
    pub summary: String,
    /// The UID, or a Google event's iCalUID.
    pub uid: String,
    /// The location, empty when there is none.
    pub location: String,
    /// `CONFIRMED`, `TENTATIVE` or `CANCELLED`.
    pub status: String,
    /// Whether it leaves its time free.
    pub transparent: bool,
    /// Which of the given objects it comes from.
    pub input: usize,
}

impl Occurrence {
    /// Whether it is marked as cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.status == "CANCELLED"
    }
}

/// What the oracle makes of its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// All occurrences that touch the range, cancelled ones included, in order.
    pub occurrences: Vec<Occurrence>,
    /// The inputs it cannot expand, by position, with the reason.
    pub errors: Vec<(usize, String)>,
}

impl Expansion {
    /// The occurrences that take place, as (start, end, summary), in order: what two sides of a
    /// mapping must share.
    #[must_use]
    pub fn agenda(&self) -> Vec<(String, String, String)> {
        let mut agenda: Vec<_> = self
            .occurrences
            .iter()
            .filter(|o| !o.is_cancelled())
            .map(|o| (o.start.clone(), o.end.clone(), o.summary.clone()))
            .collect();
        agenda.sort();
        agenda
    }
}

/// Expands iCalendar objects, each by itself, from `from` to `to`. Floating times stand for
/// `floating_zone`.
#[must_use]
pub fn expand_ics<S: AsRef<str>>(
    objects: &[S],
    from: Timestamp,
    to: Timestamp,
    floating_zone: &str,
) -> Expansion {
    let inputs: Vec<Value> = objects
        .iter()
        .map(|ics| json!({ "ics": ics.as_ref() }))
        .collect();
    expand(&inputs, from, to, floating_zone)
}

/// Expands the events of one Google calendar: everything that `events.list` gives with
/// `singleEvents=false` and `showDeleted=true`.
#[must_use]
pub fn expand_google(events: &[Value], from: Timestamp, to: Timestamp) -> Expansion {
    expand(&[json!({ "google": events })], from, to, "UTC")
}

fn expand(inputs: &[Value], from: Timestamp, to: Timestamp, floating_zone: &str) -> Expansion {
    let moment = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut child = Command::new(python())
        .arg(script("expand.py"))
        .args([moment(from), moment(to), floating_zone.to_owned()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut text = String::new();
    for input in inputs {
        text += &input.to_string();
        text.push('\n');
    }
    let mut stdin = child.stdin.take().expect("the input is piped");
    // From a thread, so that neither side waits for a full pipe.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).is_ok());
    let output = child.wait_with_output().expect("Python ends");
    let written = writer.join().unwrap_or(false);
    assert!(
        output.status.success() && written,
        "expand.py failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut expansion = Expansion::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")) {
            Line::Occurrence(occurrence) => expansion.occurrences.push(occurrence),
            Line::Error { error, input } => expansion.errors.push((input, error)),
        }
    }
    expansion.occurrences.sort();
    expansion
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Occurrence(Occurrence),
    Error { error: String, input: usize },
}
