//! The walk over rules of hours, minutes and seconds, in elapsed time: a rule "every 6 hours" is
//! every 6 hours, also through a night when clocks change. BYxxx parts look at the wall.
//!
//! What the wall excludes is jumped over (to the next day, hour or minute), so that a rule in
//! seconds that means one moment a month stays cheap.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::Budget;
use super::days::Days;
use crate::recurrence::rule::{Freq, Rule};
use crate::recurrence::wall::Wall;

/// The walk.
#[derive(Debug, Clone)]
pub(super) struct Elapsed {
    freq: Freq,
    /// Seconds between periods.
    step: i64,
    hours: Vec<u8>,
    minutes: Vec<u8>,
    seconds: Vec<u8>,
    set_pos: Vec<i16>,
    days: Days,
    start: Timestamp,
    index: i64,
    pending: std::collections::VecDeque<Timestamp>,
}

impl Elapsed {
    /// The walk from the period that holds `from`, or from the start's.
    pub(super) fn new(rule: &Rule, wall: &Wall, from: Option<Timestamp>) -> Self {
        let unit = match rule.freq {
            Freq::Secondly => 1,
            Freq::Minutely => 60,
            _ => 3600,
        };
        let step = i64::from(rule.interval) * unit;
        let start = wall.start_at();
        let index = from.map_or(0, |from| {
            // One period early: a period may begin up to its length before its start.
            (from.as_second() - start.as_second()).div_euclid(step) - 1
        });
        Self {
            freq: rule.freq,
            step,
            hours: rule.by_hour.clone(),
            minutes: rule.by_minute.clone(),
            // A leap second is read as the second before it (RFC 5545 section 3.3.12).
            seconds: super::without_leap(&rule.by_second),
            set_pos: rule.by_set_pos.clone(),
            days: Days::of(rule, wall.start.date()),
            start,
            index: index.max(0),
            pending: std::collections::VecDeque::new(),
        }
    }

    /// The next start; `None` at the calendar's end or when the budget is spent.
    pub(super) fn next(&mut self, wall: &Wall, budget: &mut Budget) -> Option<Timestamp> {
        loop {
            if let Some(at) = self.pending.pop_front() {
                return Some(at);
            }
            if !budget.spend(1) {
                return None;
            }
            let offset = self.index.checked_mul(self.step)?;
            let at = Timestamp::from_second(self.start.as_second().checked_add(offset)?).ok()?;
            let shown = wall.plain(at);
            match self.excluded_for(shown) {
                None => {
                    self.index += 1;
                    self.fill(at, shown, wall, budget)?;
                }
                Some(seconds) => self.index += self.periods_over(seconds, at, shown, wall),
            }
        }
    }

    /// For how many seconds from `shown` on the wall nothing is allowed.
    fn excluded_for(&self, shown: DateTime) -> Option<i64> {
        let (hour, minute, second) = (shown.hour(), shown.minute(), shown.second());
        let left_in_minute = 60 - i64::from(second);
        let left_in_hour = left_in_minute + 60 * (59 - i64::from(minute));
        let misses =
            |list: &[u8], value: i8| !list.is_empty() && !list.contains(&value.unsigned_abs());
        if !self.days.is_all() && !self.days.allows(shown.date()) {
            Some(left_in_hour + 3600 * (23 - i64::from(hour)))
        } else if misses(&self.hours, hour) {
            Some(left_in_hour)
        } else if self.freq != Freq::Hourly && misses(&self.minutes, minute) {
            Some(left_in_minute)
        } else if self.freq == Freq::Secondly && misses(&self.seconds, second) {
            Some(1)
        } else {
            None
        }
    }

    /// How many periods to go on to be past `seconds` that are excluded on the wall. A change of
    /// offset on the way would make the wall jump: go up to it by ever smaller steps.
    fn periods_over(&self, seconds: i64, at: Timestamp, shown: DateTime, wall: &Wall) -> i64 {
        let mut jump = seconds;
        while jump > self.step {
            let span = SignedDuration::from_secs(jump);
            let steady = at.checked_add(span).is_ok_and(|then| {
                shown
                    .checked_add(span)
                    .is_ok_and(|there| wall.plain(then) == there)
            });
            if steady {
                break;
            }
            jump /= 4;
        }
        (jump + self.step - 1).div_euclid(self.step).max(1)
    }

    /// The starts of the period around `at`.
    fn fill(
        &mut self,
        at: Timestamp,
        shown: DateTime,
        wall: &Wall,
        budget: &mut Budget,
    ) -> Option<()> {
        let expands_minutes = self.freq == Freq::Hourly && !self.minutes.is_empty();
        let expands_seconds = self.freq != Freq::Secondly && !self.seconds.is_empty();
        if !expands_minutes && !expands_seconds && self.set_pos.is_empty() {
            self.pending.push_back(at);
            return Some(());
        }
        let own = [shown.minute().unsigned_abs()];
        let minutes = if expands_minutes {
            self.minutes.as_slice()
        } else {
            &own
        };
        let own = [shown.second().unsigned_abs()];
        let seconds = if expands_seconds {
            self.seconds.as_slice()
        } else {
            &own
        };
        let into_hour = i64::from(shown.minute()) * 60 + i64::from(shown.second());
        for minute in minutes {
            if !budget.spend(seconds.len() as u64) {
                return None;
            }
            for second in seconds {
                let wanted = i64::from(*minute) * 60 + i64::from(*second);
                let offset = SignedDuration::from_secs(wanted - into_hour);
                let start = at.checked_add(offset).ok()?;
                // Not where a change of offset took that minute out of the hour.
                if shown
                    .checked_add(offset)
                    .is_ok_and(|there| wall.plain(start) == there)
                {
                    self.pending.push_back(start);
                }
            }
        }
        if !self.set_pos.is_empty() {
            if !budget.spend(self.set_pos.len() as u64 / 8) {
                return None;
            }
            let size = self.pending.len();
            let chosen = self.set_pos.iter().filter_map(|pos| {
                let from_end = usize::from(pos.unsigned_abs());
                if *pos > 0 {
                    from_end.checked_sub(1)
                } else {
                    size.checked_sub(from_end)
                }
            });
            let mut chosen: Vec<usize> = chosen.collect();
            chosen.sort_unstable();
            chosen.dedup();
            self.pending = chosen
                .into_iter()
                .filter_map(|index| self.pending.get(index).copied())
                .collect();
        }
        Some(())
    }
}
