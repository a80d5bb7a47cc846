//! One STANDARD or DAYLIGHT of a VTIMEZONE (RFC 5545 section 3.6.5): from which moments on which
//! offset holds. Only rules that repeat yearly are understood; they are all that zones have.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::Offset;
use sync_engine::model::time::Timestamp;
use sync_engine::recurrence::{Freq, Rule, RuleEnd, Until};

use crate::component::Component;
use crate::line::text::split_commas;
use crate::value::Stamp;

/// Most onsets of one rule in a year; real ones have one.
const MAX_A_YEAR: usize = 4;
/// Years in which onsets are looked for before the first one asked about.
const LOOK_BACK: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Observance {
    /// The first onset, on the wall before it.
    pub(super) start: DateTime,
    pub(super) from: Offset,
    pub(super) to: Offset,
    rule: Option<Rule>,
    dates: Vec<DateTime>,
}

/// A moment from which on another offset holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Onset {
    pub(super) at: Timestamp,
    pub(super) from: Offset,
    pub(super) to: Offset,
}

impl Observance {
    /// Reads one; `None` without a start or offsets. At most `dates_left` RDATEs are kept.
    pub(super) fn read(component: &Component<'_>, dates_left: &mut usize) -> Option<Self> {
        let offset = |name| offset_of(&component.first(name)?.value());
        let start = wall_of(&component.first("DTSTART")?.value())?;
        let rule = component
            .first("RRULE")
            .and_then(|line| Rule::parse(line.value().trim()).ok())
            .filter(is_yearly);
        let mut dates = Vec::new();
        for line in component.all("RDATE") {
            for date in split_commas(&line.value()).filter_map(wall_of) {
                if *dates_left > 0 {
                    *dates_left -= 1;
                    dates.push(date);
                }
            }
        }
        let to = offset("TZOFFSETTO")?;
        Some(Self {
            start,
            from: offset("TZOFFSETFROM").unwrap_or(to),
            to,
            rule,
            dates,
        })
    }

    /// One without RDATEs, for a rule that is being tried.
    pub(super) fn of_rule(start: DateTime, from: Offset, to: Offset, rule: Rule) -> Self {
        Self {
            start,
            from,
            to,
            rule: Some(rule),
            dates: Vec::new(),
        }
    }

    /// The onsets in the years `first` to `last`, and the last one before them.
    pub(super) fn onsets(&self, first: i16, last: i16, into: &mut Vec<Onset>) {
        let mut add = |wall: DateTime| {
            if let Ok(at) = self.from.to_timestamp(wall) {
                into.push(Onset {
                    at,
                    from: self.from,
                    to: self.to,
                });
            }
        };
        add(self.start);
        for date in &self.dates {
            add(*date);
        }
        let Some(rule) = &self.rule else { return };
        let own_first = self.start.year();
        let own_last = match rule.end {
            RuleEnd::Never => last,
            RuleEnd::Until(until) => until_year(until).min(last),
            // Whoever counts writes a handful of years.
            RuleEnd::Count(count) => own_first
                .saturating_add(i16::try_from(count).unwrap_or(i16::MAX))
                .min(last),
        };
        let counted = matches!(rule.end, RuleEnd::Count(_));
        let from_year = if counted {
            own_first
        } else {
            own_first.max(first.min(own_last).saturating_sub(LOOK_BACK))
        };
        let mut left = match rule.end {
            RuleEnd::Count(count) => count,
            RuleEnd::Never | RuleEnd::Until(_) => u32::MAX,
        };
        for year in from_year..=own_last {
            let age = u32::try_from(year - own_first).unwrap_or(0);
            if !age.is_multiple_of(rule.interval.max(1)) {
                continue;
            }
            let days = days_in(rule, self.start.date(), year);
            for date in days.into_iter().take(MAX_A_YEAR) {
                let wall = date.to_datetime(self.start.time());
                if wall < self.start || !self.before_end(rule, wall) {
                    continue;
                }
                if left == 0 {
                    return;
                }
                left -= 1;
                if wall > self.start {
                    add(wall);
                }
            }
        }
    }

    fn before_end(&self, rule: &Rule, wall: DateTime) -> bool {
        match rule.end {
            RuleEnd::Until(Until::Utc(until)) => {
                self.from.to_timestamp(wall).is_ok_and(|at| at <= until)
            }
            RuleEnd::Until(Until::Local(until)) => wall <= until,
            RuleEnd::Until(Until::Date(until)) => wall.date() <= until,
            RuleEnd::Never | RuleEnd::Count(_) => true,
        }
    }
}

fn is_yearly(rule: &Rule) -> bool {
    let in_months = !rule.by_month.is_empty();
    let freq = rule.freq == Freq::Yearly
        || (rule.freq == Freq::Monthly && in_months && rule.interval == 1);
    let numbered = rule.by_day.iter().any(|(ordinal, _)| *ordinal != 0);
    freq && rule.by_year_day.is_empty()
        && rule.by_week_no.is_empty()
        && rule.other.is_empty()
        && (in_months || !numbered)
}

fn until_year(until: Until) -> i16 {
    match until {
        Until::Date(date) => date.year(),
        Until::Local(wall) => wall.year(),
        Until::Utc(at) => Offset::UTC.to_datetime(at).year(),
    }
}

/// The days that a yearly rule gives in `year`, in order.
fn days_in(rule: &Rule, start: Date, year: i16) -> Vec<Date> {
    let own_month = [start.month().unsigned_abs()];
    let months = if rule.by_month.is_empty() {
        &own_month
    } else {
        rule.by_month.as_slice()
    };
    let mut days = Vec::new();
    for month in months {
        let Some(first) = i8::try_from(*month)
            .ok()
            .and_then(|month| Date::new(year, month, 1).ok())
        else {
            continue;
        };
        let on_day = |day: i8| {
            let length = first.days_in_month();
            let day = if day < 0 { length + 1 + day } else { day };
            Date::new(year, first.month(), day).ok()
        };
        if rule.by_day.is_empty() && rule.by_month_day.is_empty() {
            days.extend(on_day(start.day()));
        } else if rule.by_day.is_empty() {
            days.extend(rule.by_month_day.iter().filter_map(|day| on_day(*day)));
        } else if rule.by_month_day.is_empty() {
            for (ordinal, day) in &rule.by_day {
                weekdays(first, *ordinal, Weekday::from(*day), &mut days);
            }
        } else {
            let fits = |date: &Date| {
                let mut named = rule.by_day.iter();
                named.any(|(_, day)| Weekday::from(*day) == date.weekday())
            };
            let named = rule.by_month_day.iter().filter_map(|day| on_day(*day));
            days.extend(named.filter(fits));
        }
    }
    days.sort_unstable();
    days.dedup();
    if rule.by_set_pos.is_empty() {
        return days;
    }
    let count = i16::try_from(days.len()).unwrap_or(i16::MAX);
    let wanted = rule.by_set_pos.iter().filter_map(|position| {
        let index = if *position < 0 {
            count + position
        } else {
            position - 1
        };
        days.get(usize::try_from(index).ok()?).copied()
    });
    wanted.collect()
}

fn weekdays(first: Date, ordinal: i16, day: Weekday, into: &mut Vec<Date>) {
    if ordinal == 0 {
        for number in 1..=5 {
            into.extend(first.nth_weekday_of_month(number, day).ok());
        }
    } else if let Ok(ordinal) = i8::try_from(ordinal) {
        into.extend(first.nth_weekday_of_month(ordinal, day).ok());
    }
}

fn wall_of(text: &str) -> Option<DateTime> {
    Some(match Stamp::parse(text)? {
        Stamp::Date(date) => date.at(0, 0, 0, 0),
        Stamp::Local(wall) | Stamp::Utc(wall) => wall,
    })
}

/// `+0100`, `-053000`; forgiven: colons and a missing sign.
fn offset_of(text: &str) -> Option<Offset> {
    let text = text.trim();
    let (sign, rest) = match text.as_bytes() {
        [b'-', ..] => (-1, text.get(1..)?),
        [b'+', ..] => (1, text.get(1..)?),
        _ => (1, text),
    };
    let digits: String = rest.chars().filter(|each| *each != ':').collect();
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let part = |range| {
        digits
            .get(range)
            .and_then(|part: &str| part.parse::<i32>().ok())
    };
    let seconds = part(0..2)? * 3600 + part(2..4)? * 60 + part(4..6).unwrap_or(0);
    Offset::from_seconds(sign * seconds).ok()
}

/// The day before, for messages and searches that must not fail at the calendar's end.
pub(super) fn day_before(at: Timestamp) -> Timestamp {
    at.checked_sub(24.hours()).unwrap_or(Timestamp::MIN)
}
