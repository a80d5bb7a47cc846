//! Slowing down whoever guesses keys: a few tries at once per address, then one now and then; and a
//! pause for everybody while very many fail. Nobody is locked out for good.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries at once per address.
const BURST: f64 = 10.0;
/// Then one every so many seconds.
const SECONDS_PER_TRY: f64 = 6.0;
/// Failures at once from anywhere before everybody waits a little.
const GLOBAL_BURST: f64 = 100.0;
/// How long everybody waits then.
const PAUSE: Duration = Duration::from_secs(1);
/// Addresses remembered; when more come, all are forgotten but the global count.
const ADDRESSES: usize = 10_000;

/// Counts failed tries.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    peers: HashMap<IpAddr, Bucket>,
    all: Option<Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn refilled(self, now: Instant, burst: f64) -> Self {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        Self {
            left: (self.left + passed / SECONDS_PER_TRY).min(burst),
            at: now,
        }
    }
}

impl Throttle {
    /// Whether an address may try; if not, after how many seconds.
    pub(crate) fn may_try(&self, peer: IpAddr, now: Instant) -> Result<(), u64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = state.peers.get(&network(peer)) else {
            return Ok(());
        };
        if bucket.refilled(now, BURST).left >= 1.0 {
            Ok(())
        } else {
            Err(6)
        }
    }

    /// Notes a failure. Returns how long to wait before answering.
    pub(crate) fn failed(&self, peer: IpAddr, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.peers.len() >= ADDRESSES {
            state.peers.clear();
        }
        let full = |burst| Bucket {
            left: burst,
            at: now,
        };
        let bucket = state
            .peers
            .entry(network(peer))
            .or_insert_with(|| full(BURST));
        *bucket = bucket.refilled(now, BURST);
        bucket.left = (bucket.left - 1.0).max(0.0);
        let mut all = state
            .all
            .unwrap_or_else(|| full(GLOBAL_BURST))
            .refilled(now, GLOBAL_BURST);
        all.left = (all.left - 1.0).max(0.0);
        state.all = Some(all);
        if all.left < 1.0 {
            PAUSE
        } else {
            Duration::ZERO
        }
    }
}

/// Whoever has one IPv6 address has its whole /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guesser_is_slowed_down_and_others_are_not() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let guesser: IpAddr = "192.0.2.1".parse().unwrap();
        let other: IpAddr = "192.0.2.2".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(throttle.may_try(guesser, now), Ok(()));
            throttle.failed(guesser, now);
        }
        assert_eq!(throttle.may_try(guesser, now), Err(6));
        assert_eq!(throttle.may_try(other, now), Ok(()));
        let later = now + Duration::from_secs(7);
        assert_eq!(throttle.may_try(guesser, later), Ok(()));
    }

    #[test]
    fn a_flood_from_everywhere_makes_everybody_wait() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let mut waits = (0_u32..200).map(|n| throttle.failed(IpAddr::V4(n.into()), now));
        assert_eq!(waits.next(), Some(Duration::ZERO));
        assert_eq!(waits.last(), Some(PAUSE));
    }
}
