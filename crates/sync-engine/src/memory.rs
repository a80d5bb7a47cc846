//! Calendars and a store that live in memory: for trying the engine out, for tests, and as the
//! shortest description of what its ports mean. They forget everything when they are dropped.

mod calendar;
mod mirror;
mod state;
mod store;

pub use calendar::{Fault, MemoryCalendar};
pub use store::{MemoryError, MemoryStore};

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::time::Timestamp;
use crate::ports::Clock;

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves to `now`.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.0) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

/// A lock that survives a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
