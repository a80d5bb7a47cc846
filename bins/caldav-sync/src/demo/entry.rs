//! One sample event as data, and its iCalendar text. Plain writing, not `ical-model`'s: the demo's
//! calendar server stands for somebody else's program.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan as _};

/// The zone of everything in the demo.
pub(super) const ZONE: &str = "Europe/Berlin";

/// Berlin's rules since 1996, as a calendar program sends them along.
const VTIMEZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n\
    BEGIN:DAYLIGHT\r\nDTSTART:19960331T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n\
    TZNAME:CEST\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n\
    BEGIN:STANDARD\r\nDTSTART:19961027T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n\
    TZNAME:CET\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// When an entry begins and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// Whole days.
    Days(Date, i64),
    /// A local time and minutes.
    Timed(DateTime, i64),
}

/// An instance of a series that is elsewhere, or called otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    /// Where the rule puts it.
    pub(super) original: DateTime,
    /// Where it is.
    pub(super) start: DateTime,
    /// What it is called.
    pub(super) summary: String,
}

/// An event or series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// UID and, with `.ics`, name.
    pub(super) uid: String,
    /// Title.
    pub(super) summary: String,
    /// Place; may be empty.
    pub(super) location: String,
    /// Text; may be empty.
    pub(super) description: String,
    /// When.
    pub(super) when: When,
    /// RRULE's value.
    pub(super) rule: Option<String>,
    /// Instances that do not take place.
    pub(super) cancelled: Vec<DateTime>,
    /// Instances that are elsewhere.
    pub(super) moved: Vec<Moved>,
    /// Further lines, each whole.
    pub(super) lines: Vec<&'static str>,
    /// How often it was changed.
    pub(super) sequence: u32,
}

impl Entry {
    /// An event with a title.
    pub(super) fn new(uid: impl Into<String>, summary: &str, when: When) -> Self {
        Self {
            uid: uid.into(),
            summary: summary.to_owned(),
            location: String::new(),
            description: String::new(),
            when,
            rule: None,
            cancelled: Vec::new(),
            moved: Vec::new(),
            lines: Vec::new(),
            sequence: 0,
        }
    }

    pub(super) fn at(mut self, location: &str) -> Self {
        location.clone_into(&mut self.location);
        self
    }

    pub(super) fn about(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    pub(super) fn repeats(mut self, rule: &str) -> Self {
        self.rule = Some(rule.to_owned());
        self
    }

    pub(super) fn line(mut self, line: &'static str) -> Self {
        self.lines.push(line);
        self
    }

    /// The object's name on the server.
    pub(super) fn name(&self) -> String {
        format!("{}.ics", self.uid)
    }

    /// The object's text.
    pub(super) fn ics(&self, now: Timestamp) -> String {
        let mut out = String::from(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//caldav-sync//demo calendars//EN\r\n",
        );
        out.push_str(VTIMEZONE);
        self.component(&mut out, now, &self.when, &self.summary, None);
        for moved in &self.moved {
            let minutes = match self.when {
                When::Timed(_, minutes) => minutes,
                When::Days(..) => 60,
            };
            let when = When::Timed(moved.start, minutes);
            self.component(&mut out, now, &when, &moved.summary, Some(moved.original));
        }
        out.push_str("END:VCALENDAR\r\n");
        out
    }

    fn component(
        &self,
        out: &mut String,
        now: Timestamp,
        when: &When,
        summary: &str,
        instance: Option<DateTime>,
    ) {
        let stamp = now.strftime("%Y%m%dT%H%M%SZ");
        let mut line = |text: &str| fold(out, text);
        line("BEGIN:VEVENT");
        line(&format!("UID:{}", self.uid));
        line(&format!("DTSTAMP:{stamp}"));
        line(&format!("LAST-MODIFIED:{stamp}"));
        line(&format!("SEQUENCE:{}", self.sequence));
        line(&format!("SUMMARY:{}", escape(summary)));
        if !self.location.is_empty() {
            line(&format!("LOCATION:{}", escape(&self.location)));
        }
        if !self.description.is_empty() {
            line(&format!("DESCRIPTION:{}", escape(&self.description)));
        }
        match when {
            When::Days(first, days) => {
                let end = first.checked_add(days.days()).unwrap_or(*first);
                line(&format!("DTSTART;VALUE=DATE:{}", first.strftime("%Y%m%d")));
                line(&format!("DTEND;VALUE=DATE:{}", end.strftime("%Y%m%d")));
            }
            When::Timed(start, minutes) => {
                let end = start.checked_add(minutes.minutes()).unwrap_or(*start);
                line(&format!("DTSTART;TZID={ZONE}:{}", local(*start)));
                line(&format!("DTEND;TZID={ZONE}:{}", local(end)));
            }
        }
        if let Some(original) = instance {
            line(&format!("RECURRENCE-ID;TZID={ZONE}:{}", local(original)));
        } else {
            if let Some(rule) = &self.rule {
                line(&format!("RRULE:{rule}"));
            }
            for cancelled in &self.cancelled {
                line(&format!("EXDATE;TZID={ZONE}:{}", local(*cancelled)));
            }
        }
        for further in &self.lines {
            line(further);
        }
        line("END:VEVENT");
    }
}

fn local(time: DateTime) -> String {
    time.strftime("%Y%m%dT%H%M%S").to_string()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out
}

/// Writes a line, folded at 75 octets.
fn fold(out: &mut String, line: &str) {
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    let _ = write!(out, "\r\n");
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_series_is_written_with_its_exceptions() {
        let start = date(2026, 11, 24).at(9, 30, 0, 0);
        let mut entry = Entry::new("a", "Tea, cake; \\ and\nmore", When::Timed(start, 45))
            .repeats("FREQ=WEEKLY")
            .at(&"Far away ".repeat(12));
        entry.cancelled.push(start + 7.days());
        entry.moved.push(Moved {
            original: start + 14.days(),
            start: start + 15.days(),
            summary: "Tea on another day".to_owned(),
        });
        let text = entry.ics(Timestamp::UNIX_EPOCH);
        for wanted in [
            "SUMMARY:Tea\\, cake\\; \\\\ and\\nmore\r\n",
            "DTSTART;TZID=Europe/Berlin:20261124T093000\r\n",
            "DTEND;TZID=Europe/Berlin:20261124T101500\r\n",
            "EXDATE;TZID=Europe/Berlin:20261201T093000\r\n",
            "RECURRENCE-ID;TZID=Europe/Berlin:20261208T093000\r\n",
            "DTSTART;TZID=Europe/Berlin:20261209T093000\r\n",
        ] {
            assert!(text.contains(wanted), "no {wanted:?} in {text}");
        }
        assert!(text.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 2);
    }
}
