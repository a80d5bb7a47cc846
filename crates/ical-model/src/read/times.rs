//! When an event takes place: DTSTART, DTEND, DURATION, and the times of RDATE, EXDATE and
//! RECURRENCE-ID.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use sync_engine::model::time::LocalTime;
use sync_engine::model::{When, Zone};
use sync_engine::recurrence::OriginalStart;

use crate::component::Component;
use crate::error::ReadError;
use crate::line::Line;
use crate::line::text::split_commas;
use crate::value::{Duration, Stamp};
use crate::zones::{Resolved, Zones};

/// A date or a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    Date(Date),
    Time(LocalTime),
}

impl Moment {
    pub(crate) fn original(self) -> OriginalStart {
        match self {
            Self::Date(date) => OriginalStart::Date(date),
            Self::Time(time) => OriginalStart::At(time),
        }
    }
}

/// A moment, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadTime {
    pub(crate) moment: Moment,
    /// Whether it became UTC by the object's own rules.
    pub(crate) by_rules: bool,
}

/// A beginning of a value, for messages.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

fn bad(line: &Line<'_>, text: &str) -> ReadError {
    ReadError::BadTime {
        property: line.name().to_ascii_uppercase(),
        text: excerpt(text),
    }
}

/// Reads one of a line's values.
pub(crate) fn read_time(line: &Line<'_>, text: &str, zones: &Zones) -> Result<ReadTime, ReadError> {
    let stamp = Stamp::parse(text).ok_or_else(|| bad(line, text))?;
    let plain = |moment| {
        Ok(ReadTime {
            moment,
            by_rules: false,
        })
    };
    let is_date = || {
        line.parameter_text("VALUE")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("DATE"))
    };
    let wall = match stamp {
        Stamp::Date(date) => return plain(Moment::Date(date)),
        _ if is_date() => return plain(Moment::Date(stamp.date())),
        // RFC 5545 section 3.2.19: TZID has no say over UTC.
        Stamp::Utc(wall) => return plain(Moment::Time(LocalTime::new(wall, Zone::utc()))),
        Stamp::Local(wall) => wall,
    };
    let tzid = line.parameter_text("TZID").unwrap_or_default();
    if tzid.trim().is_empty() {
        return plain(Moment::Time(LocalTime::new(wall, Zone::Floating)));
    }
    match zones.resolve(&tzid) {
        Resolved::Zone(zone) => plain(Moment::Time(LocalTime::new(wall, Zone::Named(zone)))),
        Resolved::Rules(_) if zones.repeats() => Err(ReadError::UnknownZone {
            tzid: excerpt(&tzid),
            described: true,
        }),
        Resolved::Rules(rules) => Ok(ReadTime {
            moment: Moment::Time(LocalTime::utc(
                rules.instant(wall).ok_or_else(|| bad(line, text))?,
            )),
            by_rules: true,
        }),
        Resolved::Unknown => Err(ReadError::UnknownZone {
            described: zones.describes(&tzid),
            tzid: excerpt(&tzid),
        }),
    }
}

/// Reads all values of a line; empty ones are left out.
pub(crate) fn read_times(line: &Line<'_>, zones: &Zones) -> Result<Vec<ReadTime>, ReadError> {
    split_commas(&line.value())
        .filter(|text| !text.trim().is_empty())
        .map(|text| read_time(line, text, zones))
        .collect()
}

/// Start and end of a component, and whether either became UTC by the object's own rules.
pub(crate) fn read_when(
    component: &Component<'_>,
    zones: &Zones,
) -> Result<(When, bool), ReadError> {
    let start_line = component.first("DTSTART").ok_or(ReadError::NoStart)?;
    let start = read_time(start_line, &start_line.value(), zones)?;
    let mut by_rules = start.by_rules;
    let end = match component.first("DTEND").filter(|line| says_something(line)) {
        Some(line) => {
            let end = read_time(line, &line.value(), zones)?;
            by_rules |= end.by_rules;
            Some(end.moment)
        }
        None => None,
    };
    let duration = match component
        .first("DURATION")
        .filter(|line| says_something(line))
    {
        Some(line) if end.is_none() => {
            let text = line.value();
            Some(Duration::parse(&text).ok_or_else(|| bad(line, &text))?)
        }
        _ => None,
    };
    let when = match start.moment {
        Moment::Date(start) => {
            let end = match (end, duration) {
                (Some(Moment::Date(end)), _) => Some(end),
                (Some(Moment::Time(end)), _) => Some(last_day(&end)),
                (None, Some(duration)) => days_after(start, duration),
                (None, None) => None,
            };
            When::all_day(start, end)
        }
        Moment::Time(start) => {
            let end = match (end, duration) {
                (Some(Moment::Time(end)), _) => Some(end),
                (Some(Moment::Date(end)), _) => Some(LocalTime::new(
                    end.to_datetime(Time::midnight()),
                    start.zone.clone(),
                )),
                (None, Some(duration)) => Some(end_after(&start, duration)),
                (None, None) => None,
            };
            When::timed(start, end)
        }
    };
    Ok((when, by_rules))
}

fn says_something(line: &Line<'_>) -> bool {
    !line.value().trim().is_empty()
}

/// The day after the last that an end in time still touches.
fn last_day(end: &LocalTime) -> Date {
    let date = end.wall.date();
    if end.wall.time() == Time::midnight() {
        date
    } else {
        date.tomorrow().unwrap_or(date)
    }
}

fn days_after(start: Date, duration: Duration) -> Option<Date> {
    let seconds = duration.seconds.max(0);
    let partly = seconds / 86_400 + i64::from(seconds % 86_400 > 0);
    let days = i64::from(duration.days).checked_add(partly)?;
    start
        .checked_add(jiff::Span::new().try_days(days).ok()?)
        .ok()
}

/// Where a duration ends: its days on the wall, its hours, minutes and seconds in elapsed time
/// (RFC 5545 section 3.3.6).
pub(crate) fn end_after(start: &LocalTime, duration: Duration) -> LocalTime {
    let later = start
        .wall
        .checked_add(duration.days.days())
        .unwrap_or(start.wall);
    let nominal = LocalTime::new(later, start.zone.clone());
    if duration.seconds == 0 {
        return nominal;
    }
    match &start.zone {
        Zone::Floating => LocalTime::new(
            later.checked_add(duration.exact()).unwrap_or(later),
            Zone::Floating,
        ),
        Zone::Named(zone) => {
            let at = nominal.instant(zone);
            LocalTime::in_zone(at.checked_add(duration.exact()).unwrap_or(at), zone)
        }
    }
}

/// One value of an RDATE of periods: `start/end` or `start/duration`.
pub(crate) fn read_period(
    line: &Line<'_>,
    text: &str,
    zones: &Zones,
) -> Result<(ReadTime, Moment), ReadError> {
    let (from, to) = text.split_once('/').ok_or_else(|| bad(line, text))?;
    let stamp = |text: &str| read_stamp_of_period(line, text, zones);
    let start = stamp(from)?;
    let Moment::Time(begin) = &start.moment else {
        return Err(bad(line, text));
    };
    let end = if to.trim_start().starts_with(['P', 'p', '+', '-']) {
        let duration = Duration::parse(to).ok_or_else(|| bad(line, text))?;
        Moment::Time(end_after(begin, duration))
    } else {
        stamp(to)?.moment
    };
    Ok((start, end))
}

fn read_stamp_of_period(line: &Line<'_>, text: &str, zones: &Zones) -> Result<ReadTime, ReadError> {
    match read_time(line, text, zones)? {
        time @ ReadTime {
            moment: Moment::Time(_),
            ..
        } => Ok(time),
        ReadTime { .. } => Err(bad(line, text)),
    }
}
