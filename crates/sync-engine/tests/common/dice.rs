//! Chance by seed, and events made from it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses its own part; helpers of tests assert the blunt way"
)]

use super::{at, recurring, single};
use sync_engine::model::{OverrideValue, RecurrenceId, Series, Status};

/// A small generator of our own, so that a seed means the same everywhere (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn day(&mut self) -> i64 {
        i64::try_from(self.roll(60)).unwrap() - 10
    }

    pub fn hour(&mut self) -> i8 {
        i8::try_from(8 + self.roll(9)).unwrap()
    }
}

/// Every occurrence of the recurring events is inside the series' first ten days.
pub fn an_event(dice: &mut Dice, title: &str) -> Series {
    let (day, hour) = (dice.day(), dice.hour());
    let mut event = match dice.roll(3) {
        0 => recurring(title, at(day, hour), "FREQ=DAILY;COUNT=6"),
        _ => single(title, at(day, hour), 1),
    };
    let recurs = event.recurring_master().is_some();
    if recurs && dice.roll(2) == 0 {
        let id = RecurrenceId::Wall(at(day + 2, hour).wall);
        let value = if dice.roll(2) == 0 {
            OverrideValue::Cancelled
        } else {
            let moved = single(&format!("{title}, moved"), at(day + 2, 20), 1);
            OverrideValue::Fields(Box::new(moved.master.unwrap()))
        };
        event.overrides.insert(id, value);
    }
    if dice.roll(8) == 0 {
        event.master.as_mut().unwrap().status = Status::Cancelled;
    }
    event
}

/// Lives through the seed that the environment names (`SEED`), or through as many as it says
/// (`SEEDS`, 1,500 without).
#[allow(
    clippy::disallowed_methods,
    reason = "a test reads its seed from the environment"
)]
pub fn seeds(live: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    match number("SEED") {
        Some(seed) => live(seed),
        None => (0..number("SEEDS").unwrap_or(1500)).for_each(live),
    }
}
