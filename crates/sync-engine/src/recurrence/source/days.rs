//! Which days a rule allows: BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO and BYDAY as one question
//! about a date (the table of RFC 5545 section 3.3.10, read as limits).
//!
//! Combinations the RFC forbids (BYMONTHDAY in a weekly rule, ordinals in a daily one) are seen,
//! and limit like the others; an ordinal without month or year to count in is ignored.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::recurrence::rule::{Freq, Rule};

/// The days a rule allows.
#[derive(Debug, Clone)]
pub(super) struct Days {
    pub(super) months: Vec<u8>,
    pub(super) month_days: Vec<i8>,
    pub(super) year_days: Vec<i16>,
    pub(super) week_nos: Vec<i8>,
    pub(super) weekdays: Vec<(i16, Weekday)>,
    pub(super) week_start: Weekday,
    ordinals: Ordinals,
}

/// What an ordinal of BYDAY counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ordinals {
    Month,
    Year,
    Ignored,
}

impl Days {
    /// The days of `rule`, with what it leaves to its start filled in.
    pub(super) fn of(rule: &Rule, start: Date) -> Self {
        let ordinals = match rule.freq {
            Freq::Monthly => Ordinals::Month,
            Freq::Yearly if !rule.by_week_no.is_empty() => Ordinals::Ignored,
            Freq::Yearly if !rule.by_month.is_empty() => Ordinals::Month,
            Freq::Yearly => Ordinals::Year,
            _ => Ordinals::Ignored,
        };
        let mut days = Self {
            months: rule.by_month.clone(),
            month_days: rule.by_month_day.clone(),
            year_days: rule.by_year_day.clone(),
            week_nos: rule.by_week_no.clone(),
            weekdays: rule
                .by_day
                .iter()
                .map(|(ordinal, day)| (*ordinal, Weekday::from(*day)))
                .collect(),
            week_start: rule.week_start.into(),
            ordinals,
        };
        let any_day =
            days.month_days.is_empty() && days.year_days.is_empty() && days.weekdays.is_empty();
        if any_day {
            match rule.freq {
                Freq::Weekly => days.weekdays.push((0, start.weekday())),
                Freq::Yearly if !days.week_nos.is_empty() => {
                    days.weekdays.push((0, start.weekday()));
                }
                Freq::Monthly => days.month_days.push(start.day()),
                Freq::Yearly => {
                    if days.months.is_empty() {
                        days.months.push(start.month().unsigned_abs());
                    }
                    days.month_days.push(start.day());
                }
                _ => {}
            }
        }
        days
    }

    /// Whether every day is allowed.
    pub(super) fn is_all(&self) -> bool {
        self.months.is_empty()
            && self.month_days.is_empty()
            && self.year_days.is_empty()
            && self.week_nos.is_empty()
            && self.weekdays.is_empty()
    }

    /// Whether days of this month are allowed at all.
    pub(super) fn allows_month(&self, month: i8) -> bool {
        self.months.is_empty() || self.months.contains(&month.unsigned_abs())
    }

    /// Whether `date` is allowed.
    pub(super) fn allows(&self, date: Date) -> bool {
        self.allows_month(date.month())
            && (self.month_days.is_empty() || self.allows_month_day(date))
            && (self.year_days.is_empty() || self.allows_year_day(date))
            && (self.weekdays.is_empty() || self.allows_weekday(date))
            && (self.week_nos.is_empty() || self.allows_week(date))
    }

    fn allows_month_day(&self, date: Date) -> bool {
        let from_end = date.day() - date.days_in_month() - 1;
        self.month_days.contains(&date.day()) || self.month_days.contains(&from_end)
    }

    fn allows_year_day(&self, date: Date) -> bool {
        let day = date.day_of_year();
        let from_end = day - date.days_in_year() - 1;
        self.year_days.contains(&day) || self.year_days.contains(&from_end)
    }

    fn allows_weekday(&self, date: Date) -> bool {
        let weekday = date.weekday();
        let (day, length) = match self.ordinals {
            Ordinals::Month => (i16::from(date.day()), i16::from(date.days_in_month())),
            Ordinals::Year => (date.day_of_year(), date.days_in_year()),
            Ordinals::Ignored => (0, 0),
        };
        let (from_start, from_end) = ((day - 1) / 7 + 1, -((length - day) / 7 + 1));
        self.weekdays.iter().any(|(ordinal, wanted)| {
            *wanted == weekday
                && (self.ordinals == Ordinals::Ignored
                    || *ordinal == 0
                    || *ordinal == from_start
                    || *ordinal == from_end)
        })
    }

    fn allows_week(&self, date: Date) -> bool {
        let (_, number, last) = self.week(date);
        self.week_nos.contains(&number) || self.week_nos.contains(&(number - last - 1))
    }

    /// The first day of `date`'s week; `None` at the calendar's start.
    pub(super) fn week_begin(&self, date: Date) -> Option<Date> {
        let into = date.weekday().since(self.week_start);
        date.checked_sub(i64::from(into).days()).ok()
    }

    /// The year `date`'s week belongs to, the week's number in it, and that year's last number. A
    /// week belongs to the year that has at least four of its days: the year of its fourth day.
    /// The week with 28 December is always a year's last.
    pub(super) fn week(&self, date: Date) -> (i16, i8, i8) {
        let number = |date: Date| {
            let fourth = self
                .week_begin(date)
                .and_then(|begin| begin.checked_add(3.days()).ok())
                .unwrap_or(date);
            let number = i8::try_from((fourth.day_of_year() - 1) / 7 + 1).unwrap_or(1);
            (fourth.year(), number)
        };
        let (year, own) = number(date);
        let last = Date::new(year, 12, 28).map_or(52, |date| number(date).1);
        (year, own, last)
    }
}
