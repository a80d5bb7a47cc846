//! The port under the engine: a CalDAV calendar in memory, mapped to the simulated Google, edited
//! at random, with answers lost and versions moved. What Google shows must end up what the source
//! gives, and a run with nothing to do must ask one question.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use gcal_client::Pace;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use simulators::google::{Action, DEFAULT_ACCOUNT, ExceptionPolicy, Fault, GoogleSimConfig};
use sync_engine::mapping::Mapping;
use sync_engine::memory::{MemoryCalendar, MemoryStore};
use sync_engine::model::{
    AccountId, Caldav, CalendarId, Fields, MappingId, OverrideValue, RecurrenceId, RunId, Series,
    Text, ZoneName,
};
use sync_engine::ports::Clock;
use sync_engine::ports::store::CalendarKey;
use sync_engine::recurrence::{Limits, inherited_when, series_occurrences};
use sync_engine::report::{RunReport, RunStatus};
use sync_engine::run::Run;

use super::harness::{SimTime, World, all_day, event, repeating};

impl Clock for SimTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

struct Both {
    world: World,
    caldav: MemoryCalendar<Caldav>,
    store: MemoryStore,
    mapping: Mapping,
    runs: AtomicU32,
}

impl Both {
    fn new(world: World) -> Self {
        let account = AccountId::new("a");
        let mut mapping = Mapping::new(
            MappingId::new("m"),
            CalendarKey {
                account: account.clone(),
                calendar: CalendarId::new("https://dav.example/alice/work/"),
            },
            CalendarKey {
                account,
                calendar: CalendarId::new(DEFAULT_ACCOUNT),
            },
        );
        // Half of a small calendar may go at once here; the guard has tests of its own.
        mapping.deletion_limit.percent = 100;
        mapping.deletion_limit.count = 1000;
        Self {
            world,
            caldav: MemoryCalendar::new(),
            store: MemoryStore::new(),
            mapping,
            runs: AtomicU32::new(0),
        }
    }

    async fn run(&self) -> RunReport {
        self.world.sim.advance(SignedDuration::from_mins(11));
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let google = self.world.calendar();
        let clock = SimTime(self.world.sim.clone());
        let stop = AtomicBool::new(false);
        let run = Run {
            mapping: &self.mapping,
            id: RunId::new(format!("r{number}")),
            caldav: &self.caldav,
            google: &google,
            store: &self.store,
            clock: &clock,
            stop: &stop,
            round: None,
            joining: None,
            only: None,
        };
        run.run().await.unwrap()
    }

    fn window(&self) -> (Timestamp, Timestamp) {
        let now = self.world.sim.now();
        (now, now + SignedDuration::from_hours(24 * 60))
    }

    /// What the source gives: starts, how often each, with titles.
    fn wanted(&self) -> BTreeMap<(String, String), usize> {
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let all = self.caldav.all();
        let mut out = BTreeMap::new();
        for series in all.values() {
            let shown = series_occurrences(series, &berlin, self.window(), &Limits::default());
            for item in shown.items {
                let start = match &item.when {
                    sync_engine::model::When::AllDay { start, .. } => start.to_string(),
                    timed @ sync_engine::model::When::Timed { .. } => {
                        timed.instants(&berlin).0.to_string()
                    }
                };
                *out.entry((start, item.fields.title.as_str().to_owned()))
                    .or_default() += 1;
            }
        }
        out
    }

    /// What Google shows, by its own expansion.
    fn shown(&self) -> BTreeMap<(String, String), usize> {
        let (from, to) = self.window();
        let (from, to) = (from.to_string(), to.to_string());
        let list = self
            .world
            .sim
            .as_user(DEFAULT_ACCOUNT)
            .list(
                DEFAULT_ACCOUNT,
                &[
                    ("singleEvents", "true"),
                    ("maxResults", "2500"),
                    ("timeMin", &from),
                    ("timeMax", &to),
                ],
            )
            .unwrap();
        let mut out = BTreeMap::new();
        for item in list["items"].as_array().unwrap() {
            let start = match item["start"]["dateTime"].as_str() {
                Some(time) => time.parse::<Timestamp>().unwrap().to_string(),
                None => item["start"]["date"].as_str().unwrap().to_owned(),
            };
            let title = item["summary"].as_str().unwrap_or_default().to_owned();
            *out.entry((start, title)).or_default() += 1;
        }
        out
    }
}

/// Dice by seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn title(&mut self) -> String {
        format!("T{}", self.roll(1000))
    }

    /// A start within the window's first weeks.
    fn start(&mut self) -> String {
        format!(
            "2026-11-{:02}T{:02}:00:00",
            6 + self.roll(20),
            7 + self.roll(12)
        )
    }

    fn fields(&mut self) -> Fields {
        let (title, start) = (self.title(), self.start());
        let fields = if self.roll(4) == 0 {
            all_day(&title, start.split_once('T').unwrap().0)
        } else {
            event(&title, &start)
        };
        match self.roll(3) {
            0 => repeating(fields, "FREQ=DAILY;COUNT=6"),
            1 => repeating(fields, "FREQ=WEEKLY"),
            _ => fields,
        }
    }

    fn occurrence(&mut self, series: &Series) -> Option<(RecurrenceId, Fields)> {
        let (master, _) = series.recurring_master()?;
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let far = (Timestamp::MIN, "2027-02-01T00:00:00Z".parse().unwrap());
        let plain = Series::single(master.clone());
        let items = series_occurrences(&plain, &berlin, far, &Limits::default()).items;
        let nth = usize::try_from(self.roll(5)).unwrap();
        let id = items.get(nth)?.id?;
        let fields = Fields {
            when: inherited_when(master, id),
            recurrence: None,
            ..master.clone()
        };
        Some((id, fields))
    }
}

/// A person edits the source.
fn edit(dice: &mut Dice, caldav: &MemoryCalendar<Caldav>) {
    let all = caldav.all();
    let nth = usize::try_from(dice.roll(8)).unwrap();
    let Some((name, series)) = all.iter().nth(nth) else {
        let name = format!("e{}", dice.roll(1_000_000));
        caldav.put(&name, &format!("{name}@x"), Series::single(dice.fields()));
        return;
    };
    let (uid, mut series) = (format!("{name}@x"), series.clone());
    match dice.roll(7) {
        0 => return caldav.delete(name),
        1 => series = Series::single(dice.fields()),
        2 => {
            let title = Text::new(&dice.title());
            series.master.as_mut().unwrap().title = title;
        }
        3 | 4 => {
            if let Some((id, fields)) = dice.occurrence(&series) {
                let title = Text::new(&dice.title());
                let changed = Fields { title, ..fields };
                let changed = OverrideValue::Fields(Box::new(changed));
                series.overrides.insert(id, changed);
            }
        }
        5 => {
            if let Some((id, _)) = dice.occurrence(&series) {
                series.overrides.insert(id, OverrideValue::Cancelled);
            }
        }
        _ => {
            if let Some(id) = series.overrides.keys().next().copied() {
                series.overrides.remove(&id);
            }
        }
    }
    caldav.put(name, &uid, series);
}

/// Something goes wrong at Google, or somebody edits a copy there.
fn disturb(dice: &mut Dice, world: &World) {
    let method = [
        "events.insert",
        "events.patch",
        "events.delete",
        "events.list",
        "events.get",
    ][usize::try_from(dice.roll(5)).unwrap()];
    match dice.roll(8) {
        0 | 1 => world.sim.fault(Fault::lost_answer(method)),
        2 => world.sim.fault(Fault::status(method, 503, "backendError")),
        3 => world
            .sim
            .fault(Fault::before(method, Action::Html { status: 502 })),
        4 => world
            .sim
            .fault(Fault::status(method, 403, "rateLimitExceeded")),
        5 => world.sim.expire_sync_tokens(),
        6 => world.sim.expire_access_tokens(),
        _ => {
            let all = world.sim.dump(DEFAULT_ACCOUNT).unwrap();
            let alive: Vec<_> = all
                .iter()
                .filter(|event| event["status"] != "cancelled")
                .filter_map(|event| event["id"].as_str())
                .collect();
            if alive.is_empty() {
                return;
            }
            let nth = usize::try_from(dice.roll(alive.len() as u64)).unwrap();
            if dice.roll(3) == 0 {
                world.person_deletes(alive[nth]);
            } else {
                world.person_changes(alive[nth], json!({"summary": "By hand"}));
            }
        }
    }
}

async fn settles(both: &Both, context: &str) {
    both.world.sim.clear_faults();
    for _ in 0..6 {
        both.run().await;
    }
    assert_eq!(both.shown(), both.wanted(), "{context}");
    both.world.sim.clear_log();
    let quiet = both.run().await;
    assert_eq!(quiet.status, RunStatus::Success, "{context}: {quiet:?}");
    let asked: Vec<_> = both
        .world
        .sim
        .log()
        .iter()
        .filter(|entry| entry.method != "token")
        .map(|entry| entry.method.clone())
        .collect();
    assert_eq!(asked, ["events.list"], "{context}: a quiet run asks once");
    both.world.is_clean();
}

#[tokio::test]
async fn a_series_with_everything_crosses_and_one_change_is_one_write() {
    let both = Both::new(World::new());
    let mut series = Series::single(repeating(
        event("Daily", "2026-11-10T10:00:00"),
        "FREQ=DAILY;COUNT=6",
    ));
    let at = |day: u32| super::harness::wall(&format!("2026-11-{day}T10:00:00"));
    series.overrides.insert(at(11), OverrideValue::Cancelled);
    let moved = event("Moved", "2026-11-12T15:00:00");
    series
        .overrides
        .insert(at(12), OverrideValue::Fields(Box::new(moved)));
    both.caldav.put("one", "one@x", series.clone());
    let report = both.run().await;
    assert_eq!(
        (report.status, report.inserted),
        (RunStatus::Success, 1),
        "{report:?}"
    );
    assert_eq!(both.world.sim.counts().writes_total(), 2);
    settles(&both, "after the first run").await;

    series.master.as_mut().unwrap().description = Text::new("more");
    both.caldav.put("one", "one@x", series.clone());
    both.world.sim.clear_log();
    both.run().await;
    assert_eq!(both.world.sim.counts().writes_total(), 1);

    series.overrides.remove(&at(11));
    series.overrides.remove(&at(12));
    both.caldav.put("one", "one@x", series.clone());
    both.run().await;
    settles(&both, "after giving occurrences back").await;

    both.caldav.delete("one");
    both.run().await;
    settles(&both, "after the deletion").await;
    assert_eq!(both.world.alive(), 0);
}

#[tokio::test]
async fn a_lost_database_makes_nothing_twice() {
    let mut both = Both::new(World::new());
    let mut dice = Dice(7);
    for _ in 0..12 {
        edit(&mut dice, &both.caldav);
    }
    both.run().await;
    settles(&both, "before").await;
    let before = both.world.alive();
    both.store = MemoryStore::new();
    both.run().await;
    settles(&both, "after").await;
    assert_eq!(both.world.alive(), before);
}

#[tokio::test]
async fn an_exception_of_a_series_former_kind_is_none_of_its_occurrences() {
    for policy in [ExceptionPolicy::Keep, ExceptionPolicy::Drop] {
        let config = GoogleSimConfig::default().knobs(|knobs| knobs.exception_policy = policy);
        let both = Both::new(World::with(config, Pace::unlimited()));
        let own = |fields: Fields| OverrideValue::Fields(Box::new(fields));
        let mut days = Series::single(repeating(
            all_day("Day", "2026-11-10"),
            "FREQ=DAILY;COUNT=5",
        ));
        let id = RecurrenceId::Date("2026-11-12".parse().unwrap());
        days.overrides
            .insert(id, own(all_day("Other", "2026-11-12")));
        both.caldav.put("one", "one@x", days);
        both.run().await;
        settles(&both, "all-day").await;

        let mut timed = Series::single(repeating(
            event("Timed", "2026-11-10T10:00:00"),
            "FREQ=DAILY;COUNT=5",
        ));
        let id = super::harness::wall("2026-11-12T10:00:00");
        timed
            .overrides
            .insert(id, own(event("Own", "2026-11-12T12:00:00")));
        both.caldav.put("one", "one@x", timed);
        both.run().await;
        settles(&both, &format!("timed, {policy:?}")).await;
    }
}

#[tokio::test]
async fn a_copy_that_may_not_be_revived_is_made_under_another_id() {
    for forbidden in [false, true] {
        let config = GoogleSimConfig::default().knobs(|knobs| knobs.revive_forbidden = forbidden);
        let both = Both::new(World::with(config, Pace::unlimited()));
        let one = Series::single(event("One", "2026-11-10T10:00:00"));
        both.caldav.put("one", "one@x", one);
        both.run().await;
        let all = both.world.sim.dump(DEFAULT_ACCOUNT).unwrap();
        both.world.person_deletes(all[0]["id"].as_str().unwrap());
        both.run().await;
        settles(&both, &format!("forbidden: {forbidden}")).await;
        assert_eq!(both.world.alive(), 1);
        let ids = both.world.sim.dump(DEFAULT_ACCOUNT).unwrap().len();
        assert_eq!(ids, if forbidden { 2 } else { 1 });
    }
}

#[tokio::test]
async fn random_edits_and_troubles_end_in_equal_calendars() {
    let policies = [
        ExceptionPolicy::Keep,
        ExceptionPolicy::Drop,
        ExceptionPolicy::Shift,
    ];
    for seed in 1..=16_u64 {
        let policy = policies[usize::try_from(seed % 3).unwrap()];
        let config = GoogleSimConfig::default().knobs(|knobs| {
            knobs.exception_policy = policy;
            knobs.touch_exceptions = seed % 2 == 0;
            knobs.rewrite_rrule = seed % 4 == 1;
            knobs.rotate_refresh_tokens = seed % 2 == 1;
            knobs.require_if_match = true;
        });
        let both = Both::new(World::with(config, Pace::unlimited()));
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for _ in 0..12 {
            for _ in 0..dice.roll(4) {
                edit(&mut dice, &both.caldav);
            }
            if dice.roll(2) == 0 {
                disturb(&mut dice, &both.world);
            }
            both.run().await;
        }
        settles(&both, &format!("seed {seed}, {policy:?}")).await;
    }
}
