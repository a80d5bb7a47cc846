//! Reads the events of the tables. No iCalendar parser: just enough for lines we write ourselves.
//! `ical-model` runs the same tables through the real one.

use jiff::civil::{Date, DateTime};
use sync_engine::model::series::{Fields, OverrideValue, Series};
use sync_engine::model::time::{LocalTime, Timestamp, When, Zone, ZoneName};
use sync_engine::recurrence::{ExtraDate, OriginalStart, Recurrence, Rule, recurrence_id_in};

pub(crate) fn berlin() -> ZoneName {
    ZoneName::new("Europe/Berlin").expect("a known zone")
}

fn zone(tzid: &str) -> Zone {
    let name = match tzid {
        "W. Europe Standard Time" | "Customized Time Zone" => "Europe/Berlin",
        name => name,
    };
    Zone::Named(ZoneName::new(name).unwrap_or_else(|| panic!("no zone {name}")))
}

struct Line<'a> {
    name: &'a str,
    tzid: Option<&'a str>,
    value: &'a str,
}

fn lines(component: &str) -> impl Iterator<Item = Line<'_>> {
    component.split('~').map(|line| {
        let (head, value) = line.split_once(':').expect("a property line");
        let mut parts = head.split(';');
        Line {
            name: parts.next().unwrap_or_default(),
            tzid: parts.find_map(|part| part.strip_prefix("TZID=")),
            value,
        }
    })
}

fn original(value: &str, tzid: Option<&str>) -> OriginalStart {
    if value.len() == 8 {
        return OriginalStart::Date(Date::strptime("%Y%m%d", value).expect("a date"));
    }
    let (wall, zone) = match (value.strip_suffix('Z'), tzid) {
        (Some(wall), _) => (wall, Zone::utc()),
        (None, Some(tzid)) => (value, zone(tzid)),
        (None, None) => (value, Zone::Floating),
    };
    let wall = DateTime::strptime("%Y%m%dT%H%M%S", wall).expect("a wall time");
    OriginalStart::At(LocalTime::new(wall, zone))
}

fn at(value: &str, tzid: Option<&str>) -> LocalTime {
    match original(value, tzid) {
        OriginalStart::At(at) => at,
        OriginalStart::Date(_) => panic!("{value} is no date-time"),
    }
}

fn plus(at: &LocalTime, duration: &str) -> LocalTime {
    let span: jiff::Span = duration.parse().expect("a duration");
    LocalTime::new(
        at.wall.checked_add(span).expect("in range"),
        at.zone.clone(),
    )
}

fn when(component: &str) -> When {
    let mut start = None;
    let mut end = None;
    for line in lines(component) {
        match (line.name, &start) {
            ("DTSTART", _) => start = Some(original(line.value, line.tzid)),
            ("DTEND", _) => end = Some(original(line.value, line.tzid)),
            ("DURATION", Some(OriginalStart::At(start))) => {
                end = Some(OriginalStart::At(plus(start, line.value)));
            }
            _ => {}
        }
    }
    match start.expect("a start") {
        OriginalStart::Date(start) => When::all_day(
            start,
            end.map(|end| match end {
                OriginalStart::Date(end) => end,
                OriginalStart::At(end) => end.wall.date(),
            }),
        ),
        OriginalStart::At(start) => When::timed(
            start,
            end.map(|end| match end {
                OriginalStart::At(end) => end,
                OriginalStart::Date(_) => panic!("the end is a date"),
            }),
        ),
    }
}

fn extra(value: &str, tzid: Option<&str>) -> ExtraDate {
    if let Some((start, end)) = value.split_once('/') {
        let start = at(start, tzid);
        let end = if end.starts_with('P') {
            plus(&start, end)
        } else {
            at(end, tzid)
        };
        return ExtraDate::Period { start, end };
    }
    match original(value, tzid) {
        OriginalStart::Date(date) => ExtraDate::Date(date),
        OriginalStart::At(at) => ExtraDate::At(at),
    }
}

/// The series an event of a table describes.
pub(crate) fn series(event: &str) -> Series {
    let mut components = event.split('!');
    let text = components.next().unwrap_or_default();
    let mut master = Fields::new("master", when(text));
    let mut series = Series::default();
    let mut recurrence = Recurrence::default();
    for line in lines(text) {
        match line.name {
            "RRULE" => recurrence
                .rules
                .push(Rule::parse(line.value).expect("a rule")),
            "EXRULE" => recurrence
                .exclusion_rules
                .push(Rule::parse(line.value).expect("a rule")),
            "RDATE" => recurrence
                .dates
                .extend(line.value.split(',').map(|value| extra(value, line.tzid))),
            "EXDATE" => {
                for value in line.value.split(',') {
                    let original = original(value, line.tzid);
                    let id = recurrence_id_in(&master.when, &original, &berlin());
                    series.overrides.insert(id, OverrideValue::Cancelled);
                }
            }
            _ => {}
        }
    }
    for component in components {
        let id = lines(component)
            .find(|line| line.name == "RECURRENCE-ID")
            .expect("an override");
        let id = recurrence_id_in(&master.when, &original(id.value, id.tzid), &berlin());
        let fields = Fields::new("override", when(component));
        series
            .overrides
            .insert(id, OverrideValue::Fields(Box::new(fields)));
    }
    master.recurrence = (!recurrence.is_empty()).then_some(recurrence);
    series.master = Some(master);
    series
}

/// An instant as the tables write it.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A start, and an end if wanted, as the tables write them.
pub(crate) fn shown(when: &When, with_end: bool) -> String {
    let (from, to) = match when {
        When::AllDay { start, end } => (
            start.strftime("%Y%m%d").to_string(),
            end.strftime("%Y%m%d").to_string(),
        ),
        When::Timed { start, .. } if start.zone == Zone::Floating => (
            start.wall.strftime("F%Y%m%dT%H%M%S").to_string(),
            String::new(),
        ),
        When::Timed { .. } => {
            let (start, end) = when.instants(&berlin());
            (instant(start), instant(end))
        }
    };
    if with_end {
        format!("{from}/{to}")
    } else {
        from
    }
}
