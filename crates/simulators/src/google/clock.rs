//! The virtual clock and the seeded randomness of the simulator.
//!
//! Everything that lives for a while (tokens, quota windows, sync tokens) is
//! measured with this clock. It never asks the operating system: in real mode
//! the HTTP shell hands in the system's time with each request.

use jiff::Timestamp;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How the clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ClockMode {
    /// It stands still, but for one millisecond a write and for `/_sim/clock`.
    Virtual,
    /// It follows the system's time; `/_sim/clock` shifts it.
    Real,
}

/// Milliseconds since the epoch, moved by hand or along with the system's time.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    mode: ClockMode,
    now: i64,
    offset: i64,
}

impl Clock {
    /// A virtual clock starts at `start`, a real one at the system's time `wall`.
    pub(super) fn new(mode: ClockMode, start: Timestamp, wall: i64) -> Self {
        let now = match mode {
            ClockMode::Virtual => start.as_millisecond(),
            ClockMode::Real => wall,
        };
        Self {
            mode,
            now,
            offset: 0,
        }
    }

    /// Milliseconds since the epoch.
    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// Follows the system's time in real mode; never steps back by itself.
    pub(super) fn observe(&mut self, wall: i64) {
        if self.mode == ClockMode::Real {
            self.now = self.now.max(wall.saturating_add(self.offset));
        }
    }

    /// Moves by `millis`; a negative amount moves back.
    pub(super) fn advance(&mut self, millis: i64) {
        self.now = self.now.saturating_add(millis);
        self.offset = self.offset.saturating_add(millis);
    }

    /// Jumps to an instant.
    pub(super) fn set(&mut self, to: i64) {
        self.advance(to.saturating_sub(self.now));
    }

    /// A fresh instant for a write: later than `last` by at least 1 ms.
    pub(super) fn tick(&mut self, last: i64) -> i64 {
        if self.mode == ClockMode::Virtual {
            self.now = self.now.saturating_add(1);
        }
        self.now = self.now.max(last.saturating_add(1));
        self.now
    }
}

/// `2026-11-22T10:00:00.123Z`, as Google writes `created` and `updated`.
pub(super) fn rfc3339_millis(millis: i64) -> String {
    let stamp = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}

/// The seeded source of ids and tokens.
#[derive(Debug, Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// `length` characters drawn from `alphabet`.
    pub(super) fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        let mut out = String::with_capacity(length);
        for _ in 0..length {
            let at = self.0.random_range(0..alphabet.len().max(1));
            out.push(alphabet.get(at).copied().map_or('0', char::from));
        }
        out
    }

    /// True with probability `p`.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.0.random_bool(p.clamp(0.0, 1.0))
    }

    /// 32 secret bytes.
    pub(super) fn key(&mut self) -> [u8; 32] {
        self.0.random()
    }
}

/// A stable pseudo-random rank of `text` under `salt`: the simulator's
/// "unspecified order", the same for the same seed.
pub(super) fn shuffle_rank(salt: u64, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // One round of splitmix64, so that short ids spread too.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_ignores_the_wall() {
        let mut clock = Clock::new(ClockMode::Virtual, Timestamp::UNIX_EPOCH, 9);
        clock.observe(5_000);
        assert_eq!(clock.now(), 0);
        assert_eq!(clock.tick(0), 1);
        assert_eq!(clock.tick(10), 11);
    }

    #[test]
    fn a_real_clock_follows_the_wall_with_its_offset() {
        let mut clock = Clock::new(ClockMode::Real, Timestamp::UNIX_EPOCH, 9);
        assert_eq!(clock.now(), 9);
        clock.observe(5_000);
        clock.advance(1_000);
        clock.observe(6_000);
        assert_eq!(clock.now(), 7_000);
        clock.observe(5_000);
        assert_eq!(clock.now(), 7_000);
    }

    #[test]
    fn millis_are_always_three_digits() {
        assert_eq!(rfc3339_millis(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339_millis(1_020), "1970-01-01T00:00:01.020Z");
    }

    #[test]
    fn the_same_seed_draws_the_same_text() {
        let draw = || Dice::new(7).text(26, b"abc");
        assert_eq!(draw(), draw());
        assert_ne!(shuffle_rank(1, "a"), shuffle_rank(2, "a"));
    }
}
