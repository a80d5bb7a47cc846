//! Time as this crate sees it: what the clock says, sleeping, and the dice for jitter. Passed in, so
//! that tests wait for nothing.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use sync_engine::model::time::Timestamp;

/// A clock one can sleep by.
pub trait Time: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Ends after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// A number from 0 up to 1, different each time.
    fn jitter(&self) -> f64;
}

/// The machine's clock, tokio's timer, the system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Time for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn jitter(&self) -> f64 {
        // Without randomness retries only lose their spread.
        getrandom::u32().map_or(0.5, |dice| f64::from(dice) / (f64::from(u32::MAX) + 1.0))
    }
}

/// `at` plus `duration`; saturates.
pub(crate) fn later(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// From `from` to `to`; zero if it is past.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
