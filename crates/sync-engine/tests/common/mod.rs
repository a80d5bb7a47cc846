//! A small world: two calendars in memory, a store, a clock and one mapping.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses its own part; helpers of tests assert the blunt way"
)]

pub mod dice;
pub mod odd;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sync_engine::mapping::Mapping;
use sync_engine::memory::{FixedClock, MemoryCalendar, MemoryStore};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{
    AccountId, Caldav, CalendarId, Fields, Google, LocalTime, MappingId, OverrideValue,
    RecurrenceId, RunId, Series, When, Zone, ZoneName,
};
use sync_engine::ports::store::CalendarKey;
use sync_engine::recurrence::{Recurrence, Rule};
use sync_engine::report::RunReport;
use sync_engine::run::Run;

pub struct World {
    pub caldav: MemoryCalendar<Caldav>,
    pub google: MemoryCalendar<Google>,
    pub store: MemoryStore,
    pub clock: FixedClock,
    pub mapping: Mapping,
    pub runs: AtomicU32,
}

pub fn start() -> Timestamp {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

/// A time in Berlin, so many days after the world's first day.
pub fn at(days: i64, hour: i8) -> LocalTime {
    use jiff::ToSpan as _;
    let date = jiff::civil::date(2026, 12, 1) + days.days();
    LocalTime::new(
        date.at(hour, 0, 0, 0),
        Zone::Named(ZoneName::new("Europe/Berlin").unwrap()),
    )
}

pub fn day(days: i64) -> LocalTime {
    at(days, 0)
}

pub fn single(title: &str, start: LocalTime, hours: i64) -> Series {
    use jiff::ToSpan as _;
    let end = LocalTime::new(start.wall + hours.hours(), start.zone.clone());
    Series::single(Fields::new(title, When::timed(start, Some(end))))
}

/// The series with its master changed.
pub fn edited(series: &Series, change: impl FnOnce(&mut Fields)) -> Series {
    let mut series = series.clone();
    change(series.master.as_mut().unwrap());
    series
}

/// The series with an override of the occurrence at this time, which says what `change` makes of what
/// the master says.
pub fn with_override(
    series: &Series,
    day: i64,
    hour: i8,
    change: impl FnOnce(&mut Fields),
) -> Series {
    let mut series = series.clone();
    let mut own = series.master.clone().unwrap();
    own.recurrence = None;
    own.when = single("x", at(day, hour), 1).master.unwrap().when;
    change(&mut own);
    let id = RecurrenceId::Wall(at(day, hour).wall);
    let value = OverrideValue::Fields(Box::new(own));
    series.overrides.insert(id, value);
    series
}

pub fn recurring(title: &str, start: LocalTime, rule: &str) -> Series {
    let mut series = single(title, start, 1);
    let master = series.master.as_mut().unwrap();
    master.recurrence = Some(Recurrence::of(Rule::parse(rule).unwrap()).normalized(&master.when));
    series
}

/// The only series on the Google side.
pub fn series(world: &World) -> Series {
    let all: Vec<_> = world.google.all().into_values().collect();
    assert_eq!(all.len(), 1);
    all.into_iter().next().unwrap()
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    pub fn new() -> Self {
        let account = AccountId::new("acc");
        Self {
            caldav: MemoryCalendar::new(),
            google: MemoryCalendar::new(),
            store: MemoryStore::new(),
            clock: FixedClock::at(start()),
            mapping: Mapping::new(
                MappingId::new("map"),
                CalendarKey {
                    account: account.clone(),
                    calendar: CalendarId::new("https://dav.example/alice/work/"),
                },
                CalendarKey {
                    account,
                    calendar: CalendarId::new("alice@example.com"),
                },
            ),
            runs: AtomicU32::new(0),
        }
    }

    /// One run; the clock moves on by five minutes.
    pub fn run(&self) -> RunReport {
        self.try_run().unwrap()
    }

    pub fn try_run(&self) -> Result<RunReport, sync_engine::memory::MemoryError> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        self.pass(5 * 60);
        let stop = AtomicBool::new(false);
        let run = Run {
            mapping: &self.mapping,
            id: RunId::new(format!("run{number}")),
            caldav: &self.caldav,
            google: &self.google,
            store: &self.store,
            clock: &self.clock,
            stop: &stop,
            round: None,
            joining: None,
            only: None,
        };
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(run.run())
    }

    /// Takes a run back.
    pub fn undo(&self, run: &RunId) -> RunReport {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        self.pass(5 * 60);
        let undoing = Run {
            mapping: &self.mapping,
            id: RunId::new(format!("run{number}")),
            caldav: &self.caldav,
            google: &self.google,
            store: &self.store,
            clock: &self.clock,
            stop: &AtomicBool::new(false),
            round: None,
            joining: None,
            only: None,
        };
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(undoing.undo(run))
            .unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        use sync_engine::ports::Clock as _;
        let now = self.clock.now();
        self.clock.set(
            now.checked_add(jiff::SignedDuration::from_secs(seconds))
                .unwrap(),
        );
    }

    pub fn pass_days(&self, days: i64) {
        self.pass(days * 24 * 3600);
    }

    /// Loses the database.
    pub fn forget(&mut self) {
        self.store = MemoryStore::new();
    }

    /// Titles on the Google side, sorted.
    pub fn titles(&self) -> Vec<String> {
        let mut titles: Vec<String> = self
            .google
            .all()
            .into_values()
            .map(|series| {
                series
                    .master
                    .map(|master| master.title.as_str().to_owned())
                    .unwrap_or_default()
            })
            .collect();
        titles.sort();
        titles
    }

    pub fn google_names(&self) -> Vec<String> {
        self.google.all().into_keys().collect()
    }
}

impl World {
    /// The world's now.
    pub fn now(&self) -> Timestamp {
        use sync_engine::ports::Clock as _;
        self.clock.now()
    }
}
