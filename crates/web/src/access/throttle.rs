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

    /// How long until there is a try; `None` when there is one.
    fn wait(self) -> Option<Duration> {
        (self.left < 1.0).then(|| Duration::from_secs_f64((1.0 - self.left) * SECONDS_PER_TRY))
    }
}

impl Throttle {
    /// Whether an address may try; if not, after how long.
    pub(crate) fn may_try(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = state.peers.get(&network(peer)) else {
            return Ok(());
        };
        bucket.refilled(now, BURST).wait().map_or(Ok(()), Err)
    }

    /// Notes a failure. Returns how long to wait before saying so, or, for an address that has used
    /// up its tries, after how long it may try again.
    pub(crate) fn failed(&self, peer: IpAddr, now: Instant) -> Result<Duration, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.peers.len() >= ADDRESSES {
            state.peers.clear();
        }
        let full = |burst| Bucket {
            left: burst,
            at: now,
        };
        let mut all = state
            .all
            .unwrap_or_else(|| full(GLOBAL_BURST))
            .refilled(now, GLOBAL_BURST);
        all.left = (all.left - 1.0).max(0.0);
        state.all = Some(all);
        let bucket = state
            .peers
            .entry(network(peer))
            .or_insert_with(|| full(BURST));
        *bucket = bucket.refilled(now, BURST);
        // Tries that were refused anyway are not held against it: this is no lock-out.
        bucket.wait().map_or(Ok(()), Err)?;
        bucket.left -= 1.0;
        Ok(if all.left < 1.0 {
            PAUSE
        } else {
            Duration::ZERO
        })
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
            assert_eq!(throttle.failed(guesser, now), Ok(Duration::ZERO));
        }
        let wait = Err(Duration::from_secs(6));
        assert_eq!(throttle.failed(guesser, now).map(drop), wait);
        assert_eq!(throttle.may_try(guesser, now), wait);
        assert_eq!(throttle.may_try(other, now), Ok(()));
        let later = now + Duration::from_secs(7);
        assert_eq!(throttle.may_try(guesser, later), Ok(()));
    }

    #[test]
    fn whoever_goes_on_guessing_gets_no_more_and_is_not_locked_out() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        // Ten at once, then one in six seconds, over ten minutes.
        let tries = (0..6000_u32)
            .map(|n| start + Duration::from_millis(100) * n)
            .filter(|at| throttle.failed(guesser, *at).is_ok());
        assert_eq!(tries.count(), 10 + 99);
        let end = start + Duration::from_mins(10);
        assert_eq!(
            throttle.may_try(neighbour, end),
            throttle.may_try(guesser, end)
        );
        let later = end + Duration::from_secs(6);
        assert_eq!(throttle.may_try(neighbour, later), Ok(()));
    }

    #[test]
    fn a_flood_from_everywhere_makes_everybody_wait_and_is_forgotten() {
        let throttle = Throttle::default();
        let now = Instant::now();
        let mut waits = (0_u32..25_000).map(|n| throttle.failed(IpAddr::V4(n.into()), now));
        assert_eq!(waits.next(), Some(Ok(Duration::ZERO)));
        assert_eq!(waits.last(), Some(Ok(PAUSE)));
        let known = throttle.state.lock().unwrap().peers.len();
        assert!(known <= ADDRESSES, "{known}");
    }
}
