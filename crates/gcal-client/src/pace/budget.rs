//! The day's budget of writes, and the hours-long stop after "Calendar usage limits exceeded.".
//!
//! [`Usage`] is what survives a restart: the app stores it with the account and hands it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_engine::model::time::{Date, Timestamp};

use crate::error::{Error, WritesStopped};
use crate::time::later;

/// What an account has written today (UTC), and whether its writes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// The day that is counted, in UTC; `None` before the first write.
    pub day: Option<Date>,
    /// Writes sent on that day.
    pub writes: u32,
    /// Set while Google's usage limit holds.
    pub stopped: Option<Stop>,
}

/// Writes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// One write is tried then.
    pub until: Timestamp,
    /// How often in a row that was in vain.
    pub tries: u8,
}

impl Usage {
    /// When the count starts anew: the next 00:00 UTC.
    pub fn resets_at(now: Timestamp) -> Timestamp {
        let day = day_of(now);
        day.tomorrow()
            .ok()
            .and_then(|day| {
                jiff::tz::TimeZone::UTC
                    .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
                    .ok()
            })
            .unwrap_or(Timestamp::MAX)
    }

    /// Writes sent today.
    pub fn writes_today(&self, now: Timestamp) -> u32 {
        if self.day == Some(day_of(now)) {
            self.writes
        } else {
            0
        }
    }
}

fn day_of(at: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// The budget of one account.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u32,
    usage: Usage,
    /// A write is under way that tries whether the stop is over.
    trying: bool,
}

impl Budget {
    pub(super) fn new(limit: u32, usage: Usage) -> Self {
        Self {
            limit,
            usage,
            trying: false,
        }
    }

    pub(super) fn usage(&mut self, now: Timestamp) -> Usage {
        self.turn(now);
        self.usage
    }

    /// Whether a write may go out. When a stop is over, one write is let through to try; all
    /// others go on waiting until it came through.
    pub(super) fn check(&mut self, now: Timestamp) -> Result<(), Error> {
        self.turn(now);
        if let Some(stop) = self.usage.stopped {
            if stop.until > now {
                return Err(Error::WritesStopped {
                    why: WritesStopped::UsageLimit,
                    until: stop.until,
                });
            }
            self.trying = true;
            self.usage.stopped = Some(Stop {
                until: later(now, pause(stop.tries)),
                tries: stop.tries,
            });
        }
        if self.usage.writes >= self.limit {
            return Err(Error::WritesStopped {
                why: WritesStopped::DailyBudget,
                until: Usage::resets_at(now),
            });
        }
        Ok(())
    }

    pub(super) fn spend(&mut self, now: Timestamp) {
        self.turn(now);
        self.usage.writes = self.usage.writes.saturating_add(1);
    }

    pub(super) fn went_through(&mut self) {
        self.usage.stopped = None;
        self.trying = false;
    }

    /// Google's limit is reached; gives when one write is tried. Of several writes that hear so at
    /// once only the first counts.
    pub(super) fn exhausted(&mut self, now: Timestamp) -> Timestamp {
        if let Some(stop) = self.usage.stopped
            && stop.until > now
            && !self.trying
        {
            return stop.until;
        }
        self.trying = false;
        let tries = self
            .usage
            .stopped
            .map_or(0, |stop| stop.tries.saturating_add(1));
        let end = later(now, pause(tries));
        self.usage.stopped = Some(Stop { until: end, tries });
        end
    }

    /// A new day begins with nothing written.
    fn turn(&mut self, now: Timestamp) {
        let today = day_of(now);
        if self.usage.day != Some(today) {
            self.usage.day = Some(today);
            self.usage.writes = 0;
        }
    }
}

/// After 1, 2, then every 4 hours.
fn pause(tries: u8) -> Duration {
    Duration::from_hours(1 << tries.min(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_count_starts_anew_at_midnight_utc() {
        let mut budget = Budget::new(2, Usage::default());
        let evening = at("2026-11-22T23:59:59Z");
        for _ in 0..2 {
            budget.check(evening).unwrap();
            budget.spend(evening);
        }
        let Err(Error::WritesStopped { why, until }) = budget.check(evening) else {
            panic!("a third write was let through");
        };
        assert_eq!(why, WritesStopped::DailyBudget);
        assert_eq!(until, at("2026-11-23T00:00:00Z"));
        assert!(budget.check(until).is_ok());
        assert_eq!(budget.usage(until).writes, 0);
        assert_eq!(budget.usage(evening).writes_today(until), 0);
    }

    #[test]
    fn the_usage_limit_is_tried_after_one_two_and_then_every_four_hours() {
        let mut budget = Budget::new(100, Usage::default());
        let mut now = at("2026-11-22T10:00:00Z");
        for hours in [1, 2, 4, 4] {
            let until = budget.exhausted(now);
            assert_eq!(budget.exhausted(now), until, "heard twice, counted once");
            assert_eq!(until.duration_since(now).as_hours(), hours);
            assert!(budget.check(now).is_err());
            now = until;
            assert!(budget.check(now).is_ok(), "one is tried");
            assert!(budget.check(now).is_err(), "and only one");
        }
        budget.went_through();
        assert!(budget.check(now).is_ok());
        assert_eq!(budget.usage(now).stopped, None);
    }
}
