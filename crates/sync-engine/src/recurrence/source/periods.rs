//! The general walk over a rule of days, weeks, months or years: period by period on the wall,
//! each period's allowed days times its times of day, BYSETPOS taken from that set.
//!
//! [`super::plain`] is used for the rules most calendars hold. This one is for the others, for
//! intervals beyond 65,535, and wherever a period may well give nothing: every step is paid for.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};

use super::days::Days;
use super::{Budget, Times};
use crate::recurrence::rule::{Freq, Rule};

/// The periods of a rule, numbered by how many intervals they are after the start's.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    freq: Freq,
    interval: i64,
    /// The start's period: a day or week's first day since 1970, a month since year 0, a year.
    base: i64,
    by_weeks: bool,
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

fn day_number(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

fn day_of(number: i64) -> Option<Date> {
    EPOCH
        .checked_add(jiff::Span::new().try_days(number).ok()?)
        .ok()
}

impl Grid {
    pub(super) fn of(rule: &Rule, days: &Days, start: Date) -> Self {
        let mut grid = Self {
            freq: rule.freq,
            interval: i64::from(rule.interval),
            base: 0,
            by_weeks: !days.week_nos.is_empty(),
        };
        grid.base = grid.number(days, start);
        grid
    }

    /// The number of the period that `date` is in, in periods rather than intervals.
    fn number(&self, days: &Days, date: Date) -> i64 {
        match self.freq {
            Freq::Weekly => day_number(days.week_begin(date).unwrap_or(date)) / 7,
            Freq::Monthly => i64::from(date.year()) * 12 + i64::from(date.month()) - 1,
            Freq::Yearly if self.by_weeks => i64::from(days.week(date).0),
            Freq::Yearly => i64::from(date.year()),
            _ => day_number(date),
        }
    }

    /// The last interval that begins at or before `date`, at least 0.
    pub(super) fn at(&self, days: &Days, date: Date) -> i64 {
        ((self.number(days, date) - self.base) / self.interval).max(0)
    }

    /// The first day of interval `index` and the day after its last.
    pub(super) fn bounds(&self, days: &Days, index: i64) -> Option<(Date, Date)> {
        let number = self.base.checked_add(index.checked_mul(self.interval)?)?;
        let year = |number: i64| i16::try_from(number).ok();
        let span = match self.freq {
            Freq::Weekly => {
                // Weeks are numbered by their first day; a week of 1970 tells which weekday.
                let offset = day_number(days.week_begin(EPOCH)?).rem_euclid(7);
                let begin = day_of(number.checked_mul(7)?.checked_add(offset)?)?;
                (begin, begin.checked_add(7.days()).ok()?)
            }
            Freq::Monthly => {
                let month = i8::try_from(number.rem_euclid(12)).ok()? + 1;
                let begin = Date::new(year(number.div_euclid(12))?, month, 1).ok()?;
                (begin, begin.checked_add(1.month()).ok()?)
            }
            Freq::Yearly => {
                let begin = |number: i64| {
                    if self.by_weeks {
                        // The week with 4 January is a year's first.
                        days.week_begin(Date::new(year(number)?, 1, 4).ok()?)
                    } else {
                        Date::new(year(number)?, 1, 1).ok()
                    }
                };
                (begin(number)?, begin(number.checked_add(1)?)?)
            }
            _ => {
                let begin = day_of(number)?;
                (begin, begin.tomorrow().ok()?)
            }
        };
        Some(span)
    }
}

/// The walk.
#[derive(Debug, Clone)]
pub(super) struct Periods {
    days: Days,
    times: Times,
    set_pos: Vec<i16>,
    grid: Grid,
    index: i64,
    /// Days before this one are of no interest.
    floor: Date,
    /// The current period's starts: days whole, or the chosen positions.
    current: Vec<Date>,
    chosen: Option<Vec<u64>>,
    next: u64,
}

impl Periods {
    pub(super) fn new(
        rule: &Rule,
        days: Days,
        times: Times,
        (grid, index): (Grid, i64),
        floor: Date,
    ) -> Self {
        Self {
            days,
            times,
            set_pos: rule.by_set_pos.clone(),
            grid,
            index,
            floor,
            current: Vec::new(),
            chosen: None,
            next: 0,
        }
    }

    /// The next wall time; `None` at the calendar's end or when the budget is spent.
    pub(super) fn next(&mut self, budget: &mut Budget) -> Option<DateTime> {
        loop {
            if let Some(wall) = self.emit() {
                return budget.spend(1).then_some(wall);
            }
            self.fill(budget)?;
        }
    }

    fn emit(&mut self) -> Option<DateTime> {
        let position = match &self.chosen {
            None => self.next,
            Some(chosen) => *chosen.get(usize::try_from(self.next).ok()?)?,
        };
        let each = self.times.len();
        let day = *self.current.get(usize::try_from(position / each).ok()?)?;
        let time = self.times.get(position % each)?;
        self.next += 1;
        Some(day.to_datetime(time))
    }

    /// Computes the next period.
    fn fill(&mut self, budget: &mut Budget) -> Option<()> {
        self.current.clear();
        self.next = 0;
        let (mut day, end) = self.grid.bounds(&self.days, self.index)?;
        self.index += 1;
        while day < end {
            if !budget.spend(1) {
                return None;
            }
            if !self.days.allows_month(day.month()) {
                day = day.last_of_month().tomorrow().ok()?;
                continue;
            }
            // BYSETPOS counts in the whole period.
            let wanted = day >= self.floor || !self.set_pos.is_empty();
            if wanted && self.days.allows(day) {
                self.current.push(day);
            }
            day = day.tomorrow().ok()?;
        }
        if !self.set_pos.is_empty() {
            if !budget.spend(self.set_pos.len() as u64 / 8) {
                return None;
            }
            self.chosen = Some(self.choose());
        }
        Some(())
    }

    /// BYSETPOS: positions in the period's set, from its start or its end.
    fn choose(&self) -> Vec<u64> {
        let size = i64::try_from(self.current.len() as u64 * self.times.len()).unwrap_or(i64::MAX);
        let mut chosen: Vec<u64> = self
            .set_pos
            .iter()
            .map(|pos| i64::from(*pos))
            .map(|pos| if pos > 0 { pos - 1 } else { size + pos })
            .filter(|pos| (0..size).contains(pos))
            .filter_map(|pos| u64::try_from(pos).ok())
            .collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }
}
