//! An iCalendar object as a careful client edits it: it changes the lines it means and leaves every
//! other byte alone. Nothing here knows our own iCalendar code.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Lines that say what a core field says, or when it was said: not carried.
const OWNED: [&str; 19] = [
    "BEGIN",
    "END",
    "CLASS",
    "DURATION",
    "STATUS",
    "TRANSP",
    "UID",
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "SEQUENCE",
    "RECURRENCE-ID",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "DTSTART",
    "DTEND",
    "RRULE",
    "EXDATE",
];

/// The lines of an object, each with its folds.
#[derive(Debug, Clone)]
pub(super) struct Object(Vec<String>);

/// A time as it is written: its parameters and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    parameters: String,
    wall: DateTime,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Day,
    Local,
    Utc,
}

impl Object {
    pub(super) fn parse(text: &str) -> Self {
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            match lines.last_mut() {
                Some(last) if line.starts_with([' ', '\t']) => {
                    last.push_str("\r\n");
                    last.push_str(line);
                }
                _ => lines.push(line.to_owned()),
            }
        }
        Self(lines)
    }

    pub(super) fn text(&self) -> String {
        self.0.join("\r\n") + "\r\n"
    }

    /// The VEVENTs, from BEGIN to END.
    fn events(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut begin = 0;
        for (number, line) in self.0.iter().enumerate() {
            match line.as_str() {
                "BEGIN:VEVENT" => begin = number,
                "END:VEVENT" => found.push(begin..number + 1),
                _ => {}
            }
        }
        found
    }

    /// The lines of a component itself, not of those within it.
    fn own(&self, event: &Range<usize>) -> Vec<usize> {
        let mut depth = 0;
        let mut own = Vec::new();
        for number in event.start + 1..event.end - 1 {
            match name(&self.0[number]) {
                "BEGIN" => depth += 1,
                "END" => depth -= 1,
                _ if depth == 0 => own.push(number),
                _ => {}
            }
        }
        own
    }

    fn line(&self, event: &Range<usize>, wanted: &str) -> Option<String> {
        let own = self.own(event);
        let found = own.into_iter().find(|n| name(&self.0[*n]) == wanted)?;
        Some(self.0[found].replace("\r\n ", ""))
    }

    pub(super) fn master(&self) -> Option<Range<usize>> {
        let mut events = self.events().into_iter();
        events.find(|event| self.line(event, "RECURRENCE-ID").is_none())
    }

    /// The override of the occurrence that began at this instant.
    pub(super) fn overridden(&self, original: Timestamp) -> Option<Range<usize>> {
        let mut events = self.events().into_iter();
        events
            .find(|event| self.stamp(event, "RECURRENCE-ID").map(|s| s.instant()) == Some(original))
    }

    pub(super) fn is_plain(&self) -> bool {
        let master = self.master();
        self.events().len() == 1 && master.is_some_and(|m| self.line(&m, "EXDATE").is_none())
    }

    pub(super) fn value(&self, event: &Range<usize>, wanted: &str) -> Option<String> {
        let line = self.line(event, wanted)?;
        Some(line.split_once(':')?.1.to_owned())
    }

    pub(super) fn stamp(&self, event: &Range<usize>, wanted: &str) -> Option<Stamp> {
        Stamp::parse(&self.line(event, wanted)?)
    }

    /// Whether an occurrence is called off by an EXDATE.
    pub(super) fn excludes(&self, original: Timestamp) -> bool {
        let Some(master) = self.master() else {
            return false;
        };
        let lines = self.own(&master).into_iter().map(|number| &self.0[number]);
        lines
            .filter(|line| name(line) == "EXDATE")
            .flat_map(|line| {
                let (head, values) = line.split_once(':').unwrap();
                let each = values.split(',');
                each.filter_map(move |value| Stamp::parse(&format!("{head}:{value}")))
            })
            .any(|stamp| stamp.instant() == original)
    }

    /// Replaces a property, or adds it, and says that the component was modified.
    pub(super) fn set(&mut self, event: &Range<usize>, line: &str, now: Timestamp) {
        let modified = format!("LAST-MODIFIED:{}", now.strftime("%Y%m%dT%H%M%SZ"));
        let event = self.put(event, line);
        self.put(&event, &modified);
    }

    fn put(&mut self, event: &Range<usize>, line: &str) -> Range<usize> {
        let own = self.own(event);
        match own.into_iter().find(|n| name(&self.0[*n]) == name(line)) {
            Some(number) => {
                line.clone_into(&mut self.0[number]);
                event.clone()
            }
            None => self.insert(event, line),
        }
    }

    /// Adds a line at the end of a component's own.
    pub(super) fn insert(&mut self, event: &Range<usize>, line: &str) -> Range<usize> {
        let last = self.own(event).into_iter().next_back();
        let at = last.unwrap_or(event.start) + 1;
        self.0.insert(at, line.to_owned());
        event.start..event.end + 1
    }

    pub(super) fn remove(&mut self, event: Range<usize>) {
        self.0.drain(event);
    }

    /// Adds an override: the master's lines without those of a series, at another time.
    pub(super) fn override_at(&mut self, original: &Stamp, marker: &str) -> Range<usize> {
        let master = self.master().unwrap();
        let (start, end) = (
            self.stamp(&master, "DTSTART").unwrap(),
            self.stamp(&master, "DTEND").unwrap(),
        );
        let length = start.wall.until(end.wall).unwrap();
        let own = self.own(&master);
        let mut lines = Vec::new();
        for number in master.clone() {
            let line = &self.0[number];
            if !own.contains(&number) {
                lines.push(line.clone());
                continue;
            }
            match name(line) {
                "RRULE" | "EXDATE" | "RDATE" => {}
                // What the program notes at its own copies is not a person's to copy.
                "DTSTART" => {
                    lines.push(original.line("RECURRENCE-ID"));
                    lines.push(original.line("DTSTART"));
                }
                "DTEND" => lines.push(original.later(length).line("DTEND")),
                _ => lines.push(line.clone()),
            }
        }
        lines.insert(1, marker.to_owned());
        let at = master.end;
        let count = lines.len();
        self.0.splice(at..at, lines);
        at..at + count
    }

    /// What is carried, by component: every line that no core field owns, in order.
    pub(super) fn carried(&self) -> BTreeMap<Option<Timestamp>, Vec<String>> {
        let events = self.events().into_iter();
        events
            .map(|event| {
                let id = self.stamp(&event, "RECURRENCE-ID").map(|s| s.instant());
                let own = self.own(&event);
                let lines = (event.start + 1..event.end - 1)
                    .filter(|number| {
                        !own.contains(number) || !OWNED.contains(&name(&self.0[*number]))
                    })
                    .map(|number| self.0[number].clone());
                (id, lines.collect())
            })
            .collect()
    }
}

impl Stamp {
    fn parse(line: &str) -> Option<Self> {
        let (head, value) = line.split_once(':')?;
        let parameters = head.split_once(';').map_or("", |(_, rest)| rest);
        let form = match value.len() {
            8 => Form::Day,
            _ if value.ends_with('Z') => Form::Utc,
            _ => Form::Local,
        };
        let wall = match form {
            Form::Day => Date::strptime("%Y%m%d", value).ok()?.at(0, 0, 0, 0),
            _ => DateTime::strptime("%Y%m%dT%H%M%S", value.trim_end_matches('Z')).ok()?,
        };
        Some(Self {
            parameters: parameters.to_owned(),
            wall,
            form,
        })
    }

    pub(super) fn line(&self, property: &str) -> String {
        let value = match self.form {
            Form::Day => self.wall.strftime("%Y%m%d").to_string(),
            Form::Local => self.wall.strftime("%Y%m%dT%H%M%S").to_string(),
            Form::Utc => self.wall.strftime("%Y%m%dT%H%M%SZ").to_string(),
        };
        match self.parameters.as_str() {
            "" => format!("{property}:{value}"),
            parameters => format!("{property};{parameters}:{value}"),
        }
    }

    #[must_use]
    pub(super) fn later(&self, span: Span) -> Self {
        Self {
            wall: self.wall.checked_add(span).unwrap(),
            ..self.clone()
        }
    }

    pub(super) fn is_day(&self) -> bool {
        self.form == Form::Day
    }

    /// The instant, a day standing for its midnight in UTC.
    pub(super) fn instant(&self) -> Timestamp {
        let zone = match self.form {
            Form::Local => TimeZone::get(super::cast::ZONE).unwrap(),
            Form::Day | Form::Utc => TimeZone::UTC,
        };
        zone.to_timestamp(self.wall).unwrap()
    }

    /// As an agenda shows it: an instant in UTC, or a day.
    pub(super) fn shown(&self) -> String {
        match self.form {
            Form::Day => self.wall.strftime("%Y-%m-%d").to_string(),
            _ => self.instant().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

fn name(line: &str) -> &str {
    line.split([';', ':']).next().unwrap_or_default()
}
