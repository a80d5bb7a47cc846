//! One recurrence line, taken apart.

use jiff::Span;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use sync_engine::model::time::LocalTime;
use sync_engine::model::{Zone, ZoneName};
use sync_engine::recurrence::OriginalStart;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    Rule(&'l str),
    ExclusionRule(&'l str),
    Dates(Vec<Dated>),
    ExclusionDates(Vec<Dated>),
    /// Its name, at most 40 characters.
    Unknown(String),
}

/// One value of an RDATE or EXDATE.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dated {
    Start(OriginalStart),
    Period { start: LocalTime, end: LocalTime },
}

impl<'l> Line<'l> {
    pub(super) fn parse(line: &'l str) -> Result<Self, String> {
        let line = line.trim();
        let end = line.find([':', ';']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        match name.to_ascii_uppercase().as_str() {
            "RRULE" => Ok(Self::Rule(after_colon(rest)?)),
            "EXRULE" => Ok(Self::ExclusionRule(after_colon(rest)?)),
            "RDATE" => Ok(Self::Dates(dates(rest)?)),
            "EXDATE" => Ok(Self::ExclusionDates(dates(rest)?)),
            _ => Ok(Self::Unknown(
                name.chars().filter(|c| !c.is_control()).take(40).collect(),
            )),
        }
    }
}

fn after_colon(rest: &str) -> Result<&str, String> {
    rest.split_once(':')
        .map(|(_, value)| value)
        .ok_or_else(|| "a recurrence line has no value".to_owned())
}

fn dates(rest: &str) -> Result<Vec<Dated>, String> {
    let (parameters, values) = rest
        .split_once(':')
        .ok_or("a recurrence line has no value")?;
    let mut zone = Zone::Floating;
    for parameter in parameters.split(';') {
        if let Some((name, value)) = parameter.split_once('=')
            && name.eq_ignore_ascii_case("TZID")
        {
            let value = value.trim_matches('"');
            zone = ZoneName::new(value)
                .map(Zone::Named)
                .ok_or_else(|| format!("the time zone {:?} is not known", excerpt(value)))?;
        }
    }
    values
        .split(',')
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(|value| dated(value, &zone).ok_or_else(|| format!("{:?} is no date", excerpt(value))))
        .collect()
}

fn dated(value: &str, zone: &Zone) -> Option<Dated> {
    let Some((start, end)) = value.split_once('/') else {
        return Some(Dated::Start(match value.len() {
            8 => OriginalStart::Date(Date::strptime("%Y%m%d", value).ok()?),
            _ => OriginalStart::At(time(value, zone)?),
        }));
    };
    let start = time(start, zone)?;
    let end = if end.starts_with('P') {
        let length: Span = end.parse().ok()?;
        LocalTime::new(start.wall.checked_add(length).ok()?, start.zone.clone())
    } else {
        time(end, zone)?
    };
    Some(Dated::Period { start, end })
}

fn time(value: &str, zone: &Zone) -> Option<LocalTime> {
    let wall = |text: &str| {
        (text.len() == 15)
            .then(|| DateTime::strptime("%Y%m%dT%H%M%S", text).ok())
            .flatten()
    };
    match value.strip_suffix('Z') {
        Some(utc) => Some(LocalTime::utc(TimeZone::UTC.to_timestamp(wall(utc)?).ok()?)),
        None => Some(LocalTime::new(wall(value)?, zone.clone())),
    }
}

fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_an_end_or_a_length() {
        for line in [
            "RDATE;VALUE=PERIOD:20261210T100000Z/20261210T120000Z",
            "RDATE;VALUE=PERIOD:20261210T100000Z/PT2H",
        ] {
            let Ok(Line::Dates(dates)) = Line::parse(line) else {
                panic!("{line}");
            };
            let [Dated::Period { end, .. }] = &dates[..] else {
                panic!("{line}");
            };
            assert_eq!(end.wall.to_string(), "2026-12-10T12:00:00");
        }
    }

    #[test]
    fn a_line_that_could_be_misread_is_an_error() {
        for line in [
            "RDATE:tomorrow",
            "EXDATE;TZID=Nowhere/Town:20261103T090000",
            "EXDATE:20261103T0900",
            "EXDATE",
            "RRULE",
        ] {
            assert!(Line::parse(line).is_err(), "{line}");
        }
        assert_eq!(
            Line::parse("DTSTART:20261103").unwrap(),
            Line::Unknown("DTSTART".into())
        );
    }
}
