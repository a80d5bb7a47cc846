//! Pacing of one account: the units a minute, one write at a time per calendar, the day's budget of
//! writes, and the pauses that Google asks for.
//!
//! All mappings of an account share one pacer. It waits where waiting is short and refuses where
//! it is not, so that a run ends and its rest is deferred.

pub mod backoff;
pub mod budget;
mod window;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sync_engine::model::time::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::error::{Error, LONGEST_PAUSE};
use crate::time::{Time, later, until};
use budget::Budget;
use window::Window;

pub use backoff::Backoff;
pub use budget::Usage;

/// How fast an account is used. [`Pace::default`] is for Google, [`Pace::unlimited`] for tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Units in any 60 seconds; `None` counts nothing. Google allows 600 per user and project;
    /// some room is left for the user's other sign-ins to the same project.
    pub units_a_minute: Option<u32>,
    /// Least time between two writes to one calendar, which then also go one after the other;
    /// `None` lets them go as they come.
    pub write_interval: Option<Duration>,
    /// Writes a day, from 00:00 UTC.
    pub daily_writes: u32,
    /// How failed requests are repeated.
    pub backoff: Backoff,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            units_a_minute: Some(540),
            write_interval: Some(Duration::from_millis(200)),
            daily_writes: 10_000,
            backoff: Backoff::default(),
        }
    }
}

impl Pace {
    /// Without pacing; for tests and the demo.
    pub fn unlimited() -> Self {
        Self {
            units_a_minute: None,
            write_interval: None,
            daily_writes: u32::MAX,
            backoff: Backoff::default(),
        }
    }
}

/// Paces one account.
pub(crate) struct Pacer {
    pace: Pace,
    time: Arc<dyn Time>,
    state: Mutex<State>,
}

struct State {
    window: Window,
    budget: Budget,
    /// Nothing is sent before this.
    paused_until: Option<Timestamp>,
    lanes: HashMap<String, Lane>,
}

/// The writes of one calendar.
#[derive(Clone, Default)]
struct Lane {
    next: Arc<tokio::sync::Mutex<Option<Timestamp>>>,
}

/// Held while a write is under way: the next one to the same calendar waits.
pub(crate) struct Admitted {
    _lane: Option<OwnedMutexGuard<Option<Timestamp>>>,
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl Pacer {
    pub(crate) fn new(pace: Pace, usage: Usage, time: Arc<dyn Time>) -> Self {
        let budget = Budget::new(pace.daily_writes, usage);
        Self {
            state: Mutex::new(State {
                window: Window::new(pace.units_a_minute),
                budget,
                paused_until: None,
                lanes: HashMap::new(),
            }),
            pace,
            time,
        }
    }

    pub(crate) fn backoff(&self) -> &Backoff {
        &self.pace.backoff
    }

    /// What was written today, and whether writing waits.
    pub(crate) fn usage(&self) -> Usage {
        let now = self.time.now();
        self.state().budget.usage(now)
    }

    /// Waits until a request of this cost may go out.
    ///
    /// # Errors
    /// [`Error::Paused`] if Google asked for a longer pause than a run should wait,
    /// [`Error::WritesStopped`] for a write while writes wait.
    pub(crate) async fn admit(
        &self,
        cost: u32,
        writes_to: Option<&str>,
    ) -> Result<Admitted, Error> {
        let lane = match (writes_to, self.pace.write_interval) {
            (Some(calendar), Some(interval)) => Some(self.lane(calendar, interval).await),
            _ => None,
        };
        let mut may_write = writes_to.is_none();
        loop {
            let wait = {
                let now = self.time.now();
                let mut state = self.state();
                match state.paused_until {
                    Some(end) if end > now => {
                        let pause = until(now, end);
                        if pause > LONGEST_PAUSE {
                            return Err(Error::Paused { until: end });
                        }
                        pause
                    }
                    _ => {
                        // Asked once: the answer may be "you are the one that tries".
                        if !may_write {
                            state.budget.check(now)?;
                            may_write = true;
                        }
                        match state.window.take(now, cost) {
                            None => {
                                if writes_to.is_some() {
                                    state.budget.spend(now);
                                }
                                break;
                            }
                            Some(wait) => wait,
                        }
                    }
                }
            };
            self.time.sleep(wait).await;
        }
        Ok(Admitted { _lane: lane })
    }

    /// Lets nothing out for `pause`: a rate limit concerns the whole account.
    pub(crate) fn pause(&self, pause: Duration) {
        let end = later(self.time.now(), pause);
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(end));
    }

    /// A write went through.
    pub(crate) fn write_went_through(&self) {
        self.state().budget.went_through();
    }

    /// "Calendar usage limits exceeded.": when a write is tried again.
    pub(crate) fn usage_limit(&self) -> Timestamp {
        let now = self.time.now();
        self.state().budget.exhausted(now)
    }

    async fn lane(&self, calendar: &str, interval: Duration) -> OwnedMutexGuard<Option<Timestamp>> {
        let lane = self
            .state()
            .lanes
            .entry(calendar.to_owned())
            .or_default()
            .clone();
        let mut next = lane.next.lock_owned().await;
        let now = self.time.now();
        if let Some(at) = *next
            && at > now
        {
            self.time.sleep(until(now, at)).await;
        }
        *next = Some(later(self.time.now(), interval));
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::TestTime;

    fn pacer(pace: Pace) -> (Pacer, Arc<TestTime>) {
        let time = Arc::new(TestTime::at("2026-11-22T10:00:00Z"));
        (Pacer::new(pace, Usage::default(), time.clone()), time)
    }

    #[tokio::test]
    async fn a_full_minute_makes_the_next_wait() {
        let (pacer, time) = pacer(Pace {
            units_a_minute: Some(6),
            ..Pace::unlimited()
        });
        pacer.admit(3, None).await.unwrap();
        pacer.admit(3, None).await.unwrap();
        assert_eq!(time.slept(), Duration::ZERO);
        pacer.admit(1, None).await.unwrap();
        assert_eq!(time.slept(), Duration::from_mins(1));
    }

    #[tokio::test]
    async fn writes_to_one_calendar_keep_their_distance() {
        let (pacer, time) = pacer(Pace {
            write_interval: Some(Duration::from_millis(200)),
            ..Pace::unlimited()
        });
        drop(pacer.admit(1, Some("a")).await.unwrap());
        drop(pacer.admit(1, Some("b")).await.unwrap());
        assert_eq!(time.slept(), Duration::ZERO);
        drop(pacer.admit(1, Some("a")).await.unwrap());
        assert_eq!(time.slept(), Duration::from_millis(200));
    }

    #[tokio::test]
    async fn short_pauses_are_waited_for_and_long_ones_are_not() {
        let (pacer, time) = pacer(Pace::unlimited());
        pacer.pause(Duration::from_secs(20));
        pacer.admit(1, None).await.unwrap();
        assert_eq!(time.slept(), Duration::from_secs(20));
        pacer.pause(Duration::from_mins(10));
        assert!(matches!(
            pacer.admit(1, None).await,
            Err(Error::Paused { .. })
        ));
    }

    #[tokio::test]
    async fn the_budget_stops_writes_and_not_reads() {
        let (pacer, _) = pacer(Pace {
            daily_writes: 1,
            ..Pace::unlimited()
        });
        pacer.admit(1, Some("a")).await.unwrap();
        assert!(matches!(
            pacer.admit(1, Some("a")).await,
            Err(Error::WritesStopped { .. })
        ));
        pacer.admit(1, None).await.unwrap();
        assert_eq!(pacer.usage().writes, 1);
    }
}
