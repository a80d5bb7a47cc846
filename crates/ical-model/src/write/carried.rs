//! What an override carries besides core fields, compared with its master.

use std::collections::HashSet;

use super::field::restates;
use crate::component::{Component, Item};
use crate::line::Line;

/// Properties that are core fields, or every component's own.
const OURS: [&str; 17] = [
    "UID",
    "RECURRENCE-ID",
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "SEQUENCE",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "DTSTART",
    "DTEND",
    "DURATION",
    "STATUS",
    "TRANSP",
    "RRULE",
    super::ORIGIN,
    super::SOURCE_UID,
];

/// What tells how an event is shown: a new override takes it over from its master.
const LOOKS: [&str; 5] = ["CLASS", "CATEGORIES", "COLOR", "PRIORITY", "URL"];

/// Whether `component` has lines or components that are neither core fields nor its master's.
pub(super) fn has_own(component: &Component<'_>, master: &Component<'_>) -> bool {
    let lines: HashSet<_> = master.lines().map(Line::content).collect();
    let components: HashSet<_> = master.components().map(content).collect();
    component.items.iter().any(|item| match item {
        Item::Line(line) => {
            !line.is_blank()
                && !restates(line)
                && !OURS.iter().any(|name| line.is(name))
                && !lines.contains(&line.content())
        }
        Item::Component(inner) => !components.contains(&content(inner)),
    })
}

/// A component's lines without their folds.
fn content(component: &Component<'_>) -> Vec<Vec<u8>> {
    let mut lines = vec![component.name().to_ascii_uppercase().into_bytes()];
    for item in &component.items {
        match item {
            Item::Line(line) => lines.push(line.content().into_owned()),
            Item::Component(inner) => lines.extend(content(inner)),
        }
    }
    lines
}

/// The lines that a new override takes over.
pub(super) fn looks<'a>(master: &Component<'a>) -> Vec<Line<'a>> {
    master
        .lines()
        .filter(|line| LOOKS.iter().any(|name| line.is(name)))
        .cloned()
        .collect()
}
