//! Randomness by seed, and events made of it.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use sync_engine::model::{Fields, RecurrenceId, Series, Text, ZoneName};
use sync_engine::recurrence::{Limits, Recurrence, Rule, series_occurrences};

use super::harness::{all_day, event, repeating};

/// A small generator of our own, so that a seed means the same everywhere (splitmix64).
pub(crate) struct Dice {
    state: u64,
    /// The first day on which new events may be.
    today: Date,
    /// Rules that Google cannot hold are left out.
    pub(crate) plain: bool,
    /// What tells the words of the one who writes: see `secrets`.
    pub(crate) pen: &'static str,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            today: jiff::civil::date(2026, 11, 2),
            plain: false,
            pen: "",
        }
    }

    /// Time goes on: new events are ahead of `now`.
    pub(crate) fn at(&mut self, now: Timestamp) {
        self.today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).unwrap()
    }

    pub(crate) fn small(&mut self, sides: u32) -> u32 {
        u32::try_from(self.roll(u64::from(sides))).unwrap()
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.index(of.len());
        &of[index]
    }

    pub(crate) fn title(&mut self) -> String {
        let number = self.roll(1000);
        format!("{}T{number}", self.pen)
    }

    /// A day within the window's first two weeks.
    pub(crate) fn day(&mut self) -> Date {
        self.today + (2 + i64::try_from(self.roll(12)).unwrap()).days()
    }

    pub(crate) fn hour(&mut self) -> u64 {
        7 + self.roll(12)
    }

    pub(crate) fn fields(&mut self) -> Fields {
        let (title, day) = (self.title(), self.day());
        let fields = if self.one_in(4) {
            all_day(&title, &day.to_string())
        } else {
            event(&title, &format!("{day}T{:02}:00:00", self.hour()))
        };
        self.ruled(fields)
    }

    /// A rule, now and then one that Google cannot hold.
    pub(crate) fn ruled(&mut self, fields: Fields) -> Fields {
        let rule = |text: &str| Rule::parse(text).unwrap();
        match self.roll(9) {
            0 => fields,
            1 | 2 => repeating(fields, "FREQ=DAILY;COUNT=6"),
            3 => repeating(fields, "FREQ=WEEKLY"),
            4 => repeating(fields, "FREQ=DAILY;INTERVAL=2;COUNT=5"),
            5 => repeating(fields, "FREQ=DAILY;COUNT=4"),
            6 if !self.plain => Fields {
                recurrence: Some(Recurrence {
                    rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=3")],
                    ..Recurrence::default()
                }),
                ..fields
            },
            7 if !self.plain && !fields.when.is_all_day() => {
                repeating(fields, "FREQ=HOURLY;INTERVAL=12;COUNT=8")
            }
            _ => repeating(fields, "FREQ=WEEKLY;COUNT=4"),
        }
    }

    /// One of the first occurrences that the rule gives.
    pub(crate) fn occurrence(&mut self, series: &Series) -> Option<RecurrenceId> {
        let (master, _) = series.recurring_master()?;
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let far = (Timestamp::MIN, "2027-02-01T00:00:00Z".parse().unwrap());
        let plain = Series::single(master.clone());
        let items = series_occurrences(&plain, &berlin, far, &Limits::default()).items;
        items.get(self.index(6))?.id
    }

    pub(crate) fn text(&mut self) -> Text {
        Text::new(&self.title())
    }
}
