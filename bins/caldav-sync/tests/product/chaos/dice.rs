//! Chance that a seed repeats: splitmix64, so that a seed means the same on every machine.

/// Throws numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    /// One of them.
    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        let at = self.roll(u64::try_from(from.len()).unwrap());
        &from[usize::try_from(at).unwrap()]
    }

    /// A whole number in `from..to`.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.roll(u64::try_from(to - from).unwrap())).unwrap()
    }
}
