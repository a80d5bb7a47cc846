//! The walk over plain rules of days, weeks, months and years by the `rrule` crate: naive, with
//! the wall's times as if they were UTC, always limited, without COUNT and UNTIL (which are ours).
//!
//! "Plain" is what `rrule` gets right *and* what has an occurrence in nearly every period: its
//! walk cannot be interrupted while it looks for the next one. Everything else (BYSETPOS,
//! BYWEEKNO, BYYEARDAY, ordinals beside plain days, 31sts with an interval) is for
//! [`super::periods`]; the two are tested against each other.

use chrono::{Datelike as _, TimeZone as _, Timelike as _};
use jiff::civil::{Date, DateTime, Weekday};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, RRuleSetIter, Tz};

use super::days::Days;
use super::{Budget, Times};
use crate::recurrence::rule::{Freq, Rule};

/// The walk.
pub(super) struct Plain {
    dates: RRuleSetIter,
}

impl Plain {
    /// The walk from the period that begins on `begin`, or `None` for a rule that is not plain.
    pub(super) fn new(rule: &Rule, days: &Days, times: &Times, begin: Date) -> Option<Self> {
        if !is_plain(rule, days, times) || begin.year() < 1 {
            return None;
        }
        let begin = Tz::UTC
            .with_ymd_and_hms(
                i32::from(begin.year()),
                begin.month().unsigned_abs().into(),
                begin.day().unsigned_abs().into(),
                0,
                0,
                0,
            )
            .single()?;
        let months: Vec<chrono::Month> = days
            .months
            .iter()
            .filter_map(|month| chrono::Month::try_from(*month).ok())
            .collect();
        let rule = RRule::new(frequency(rule.freq)?)
            .interval(u16::try_from(rule.interval).ok()?)
            .week_start(weekday(days.week_start))
            .by_month(&months)
            .by_month_day(days.month_days.clone())
            .by_weekday(
                days.weekdays
                    .iter()
                    .map(|(ordinal, day)| {
                        NWeekday::new((*ordinal != 0).then_some(*ordinal), weekday(*day))
                    })
                    .collect(),
            )
            .by_hour(times.hours.clone())
            .by_minute(times.minutes.clone())
            .by_second(times.seconds.clone())
            .validate(begin)
            .ok()?;
        let dates = (&RRuleSet::new(begin).limit().rrule(rule)).into_iter();
        Some(Self { dates })
    }

    /// The next wall time.
    pub(super) fn next(&mut self, budget: &mut Budget) -> Option<DateTime> {
        if !budget.spend(1) {
            return None;
        }
        let naive = self.dates.next()?.naive_utc();
        DateTime::new(
            i16::try_from(naive.year()).ok()?,
            i8::try_from(naive.month()).ok()?,
            i8::try_from(naive.day()).ok()?,
            i8::try_from(naive.hour()).ok()?,
            i8::try_from(naive.minute()).ok()?,
            i8::try_from(naive.second()).ok()?,
            0,
        )
        .ok()
    }
}

/// Whether a rule is plain; see the module's description.
fn is_plain(rule: &Rule, days: &Days, times: &Times) -> bool {
    let (hours, minutes, seconds) = (&times.hours, &times.minutes, &times.seconds);
    if !rule.by_set_pos.is_empty()
        || !days.year_days.is_empty()
        || !days.week_nos.is_empty()
        || rule.interval > 1_000
        || minutes.len() > 1
        || seconds.len() > 1
        || hours.len() > 24
    {
        return false;
    }
    let no_ordinals = days.weekdays.iter().all(|(ordinal, _)| *ordinal == 0);
    let all_ordinals = days
        .weekdays
        .iter()
        .all(|(ordinal, _)| (-4..=5).contains(ordinal) && *ordinal != 0);
    let frequent_day = days.month_days.iter().any(|day| day.abs() <= 28);
    let frequent_weekday = days.weekdays.iter().any(|(ordinal, _)| ordinal.abs() <= 4);
    match rule.freq {
        Freq::Daily => {
            // A daily interval and a month or weekday can miss each other for long.
            no_ordinals && days.month_days.is_empty() && (rule.interval == 1 || days.is_all())
        }
        Freq::Weekly => {
            no_ordinals
                && days.month_days.is_empty()
                && (rule.interval == 1 || days.months.is_empty())
        }
        Freq::Monthly => {
            let by_day =
                days.month_days.is_empty() && (no_ordinals || all_ordinals) && frequent_weekday;
            let by_month_day = days.weekdays.is_empty() && frequent_day;
            (by_day || by_month_day) && (rule.interval == 1 || days.months.is_empty())
        }
        Freq::Yearly => {
            days.weekdays.is_empty() && frequent_day
                || days.month_days.is_empty()
                    && !days.months.is_empty()
                    && (no_ordinals || all_ordinals)
                    && frequent_weekday
        }
        _ => false,
    }
}

fn frequency(freq: Freq) -> Option<Frequency> {
    Some(match freq {
        Freq::Daily => Frequency::Daily,
        Freq::Weekly => Frequency::Weekly,
        Freq::Monthly => Frequency::Monthly,
        Freq::Yearly => Frequency::Yearly,
        _ => return None,
    })
}

fn weekday(day: Weekday) -> chrono::Weekday {
    match day {
        Weekday::Monday => chrono::Weekday::Mon,
        Weekday::Tuesday => chrono::Weekday::Tue,
        Weekday::Wednesday => chrono::Weekday::Wed,
        Weekday::Thursday => chrono::Weekday::Thu,
        Weekday::Friday => chrono::Weekday::Fri,
        Weekday::Saturday => chrono::Weekday::Sat,
        Weekday::Sunday => chrono::Weekday::Sun,
    }
}
