//! The seeded lives.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::json;
use simulators::google::{
    Action, CascadeTombstones, DEFAULT_ACCOUNT, ExceptionPolicy, Fault, GoogleSimConfig, PersonEdit,
};
use sync_engine::memory::MemoryStore;
use sync_engine::model::{
    Fields, LocalTime, OverrideValue, RecurrenceId, Series, Status, Text, When, ZoneName,
};
use sync_engine::projection::Privacy;
use sync_engine::recurrence::{Limits, Recurrence, Rule, inherited_when, series_occurrences};

use super::harness::{all_day, event, repeating};
use super::world::{Both, own};

/// A small generator of our own, so that a seed means the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }

    fn title(&mut self) -> String {
        format!("T{}", self.roll(1000))
    }

    /// An event within the window's first two weeks.
    fn fields(&mut self) -> Fields {
        let (title, day) = (self.title(), 4 + self.roll(12));
        let fields = if self.roll(4) == 0 {
            all_day(&title, &format!("2026-11-{day:02}"))
        } else {
            event(
                &title,
                &format!("2026-11-{day:02}T{:02}:00:00", 7 + self.roll(12)),
            )
        };
        self.ruled(fields)
    }

    /// A rule, now and then one that Google cannot hold.
    fn ruled(&mut self, fields: Fields) -> Fields {
        let rule = |text: &str| Rule::parse(text).unwrap();
        match self.roll(9) {
            0 => fields,
            1 | 2 => repeating(fields, "FREQ=DAILY;COUNT=6"),
            3 => repeating(fields, "FREQ=WEEKLY"),
            4 => repeating(fields, "FREQ=DAILY;INTERVAL=2;COUNT=5"),
            5 => repeating(fields, "FREQ=DAILY;COUNT=4"),
            6 => Fields {
                recurrence: Some(Recurrence {
                    rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=3")],
                    ..Recurrence::default()
                }),
                ..fields
            },
            7 if !fields.when.is_all_day() => repeating(fields, "FREQ=HOURLY;INTERVAL=12;COUNT=8"),
            _ => repeating(fields, "FREQ=WEEKLY;COUNT=4"),
        }
    }

    fn occurrence(&mut self, series: &Series) -> Option<RecurrenceId> {
        let (master, _) = series.recurring_master()?;
        let berlin = ZoneName::new("Europe/Berlin").unwrap();
        let far = (Timestamp::MIN, "2027-02-01T00:00:00Z".parse().unwrap());
        let plain = Series::single(master.clone());
        let items = series_occurrences(&plain, &berlin, far, &Limits::default()).items;
        items.get(usize::try_from(self.roll(6)).unwrap())?.id
    }
}

fn later(when: &When, hours: i64) -> When {
    match when {
        When::AllDay { start, end } => When::AllDay {
            start: *start + (hours % 3).days(),
            end: *end + (hours % 3).days(),
        },
        When::Timed { start, end } => {
            let moved = |time: &LocalTime| {
                LocalTime::new(
                    time.wall.checked_add(hours.hours()).unwrap(),
                    time.zone.clone(),
                )
            };
            When::Timed {
                start: moved(start),
                end: moved(end),
            }
        }
    }
}

/// The overrides of a series whose start moved, moved with it as clients do, or left behind as
/// sloppy ones do (an override whose id is gone is one more event).
fn carried(dice: &mut Dice, series: &Series, hours: i64) -> Series {
    let mut out = Series {
        master: series.master.clone(),
        ..Series::default()
    };
    if dice.roll(3) == 0 {
        return out;
    }
    for (id, value) in &series.overrides {
        let id = match id {
            RecurrenceId::Wall(wall) => {
                RecurrenceId::Wall(wall.checked_add(hours.hours()).unwrap())
            }
            RecurrenceId::Date(date) => RecurrenceId::Date(*date + (hours % 3).days()),
        };
        out.overrides.insert(id, value.clone());
    }
    out
}

fn inherited(master: &Fields, id: RecurrenceId) -> Fields {
    Fields {
        when: inherited_when(master, id),
        recurrence: None,
        ..master.clone()
    }
}

/// A person edits the source.
fn edit(dice: &mut Dice, both: &Both) {
    let all = both.caldav.all();
    let nth = usize::try_from(dice.roll(4)).unwrap();
    let Some((name, series)) = all.iter().nth(nth) else {
        let name = format!("e{}", dice.roll(1_000_000));
        both.put(&name, &Series::single(dice.fields()));
        return;
    };
    let mut series = series.clone();
    let master = series.master.clone().unwrap();
    match dice.roll(16) {
        0 => return both.caldav.delete(name),
        1 => series = Series::single(dice.fields()),
        2 => series.master.as_mut().unwrap().title = Text::new(&dice.title()),
        3..=5 => {
            if let Some(id) = dice.occurrence(&series) {
                let changed = Fields {
                    title: Text::new(&dice.title()),
                    ..inherited(&master, id)
                };
                series.overrides.insert(id, own(changed));
            }
        }
        6 | 7 => {
            if let Some(id) = dice.occurrence(&series) {
                let mut changed = inherited(&master, id);
                changed.when = later(&changed.when, 1 + i64::try_from(dice.roll(30)).unwrap());
                series.overrides.insert(id, own(changed));
            }
        }
        8 | 9 => {
            if let Some(id) = dice.occurrence(&series) {
                series.overrides.insert(id, OverrideValue::Cancelled);
            }
        }
        10 | 11 => {
            let ids: Vec<_> = series.overrides.keys().copied().collect();
            if !ids.is_empty() {
                series.overrides.remove(dice.pick(&ids));
            }
        }
        12 => {
            let hours = 1 + i64::try_from(dice.roll(4)).unwrap();
            series = carried(dice, &series, hours);
            let master = series.master.as_mut().unwrap();
            master.when = later(&master.when, hours);
        }
        13 => {
            // Another rule, the same start: overrides stay where they still mean something.
            let plain = Fields {
                recurrence: None,
                ..master
            };
            let ruled = dice.ruled(plain);
            let keep = ruled.recurrence.is_some();
            series.master = Some(ruled);
            if !keep {
                series.overrides.clear();
            }
        }
        14 => {
            // Whole days to times and back.
            let day = |wall: jiff::civil::DateTime| wall.date();
            let when = match &master.when {
                When::AllDay { start, .. } => event("", &format!("{start}T09:00:00")).when,
                When::Timed { start, .. } => When::all_day(day(start.wall), None),
            };
            let recurrence = master.recurrence.clone().filter(|recurrence| {
                !matches!(when, When::AllDay { .. }) || !recurrence.is_sub_daily()
            });
            series = Series::single(Fields {
                when,
                recurrence,
                ..master
            });
        }
        _ => {
            let status = &mut series.master.as_mut().unwrap().status;
            *status = match status {
                Status::Cancelled => Status::Confirmed,
                _ => Status::Cancelled,
            };
        }
    }
    both.put(name, &series);
}

/// Something goes wrong at Google, or somebody edits a copy there.
fn disturb(dice: &mut Dice, both: &Both) {
    let sim = &both.world.sim;
    let methods = [
        "events.insert",
        "events.patch",
        "events.patch",
        "events.delete",
        "events.list",
        "events.get",
    ];
    let method = *dice.pick(&methods);
    let nth = u32::try_from(1 + dice.roll(4)).unwrap();
    let all = sim.dump(DEFAULT_ACCOUNT).unwrap();
    let alive: Vec<String> = all
        .iter()
        .filter(|event| event["status"] != "cancelled")
        .filter_map(|event| event["id"].as_str().map(str::to_owned))
        .collect();
    match dice.roll(11) {
        0 | 1 => sim.fault(Fault::lost_answer(method).nth(nth)),
        2 => sim.fault(Fault::status(method, 503, "backendError").nth(nth).times(3)),
        3 => sim.fault(Fault::status("events.patch", 400, "invalid").nth(nth)),
        4 => sim.fault(Fault::status("events.insert", 400, "invalid").nth(nth)),
        5 => sim.expire_sync_tokens(),
        6 => both
            .store
            .break_after(u32::try_from(dice.roll(12)).unwrap()),
        _ if alive.is_empty() => {}
        7 => {
            let id = dice.pick(&alive).clone();
            let edit = PersonEdit {
                account: DEFAULT_ACCOUNT.to_owned(),
                calendar: DEFAULT_ACCOUNT.to_owned(),
                op: "patch".to_owned(),
                id,
                body: json!({"summary": format!("By hand {}", dice.roll(1000))}),
            };
            sim.fault(Fault::before("events.patch", Action::AsUser(edit)).nth(nth));
        }
        8 => both.world.person_deletes(dice.pick(&alive).as_str()),
        9 => both
            .world
            .person_changes(dice.pick(&alive).as_str(), json!({"summary": "By hand"})),
        _ => {
            // An instance of a series.
            let id = dice.pick(&alive).clone();
            let person = sim.as_user(DEFAULT_ACCOUNT);
            let Ok(list) = person.instances(DEFAULT_ACCOUNT, &id, &[("maxResults", "5")]) else {
                return;
            };
            let items = list["items"].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return;
            }
            let instance = dice.pick(&items)["id"].as_str().unwrap();
            if dice.roll(2) == 0 {
                both.world.person_deletes(instance);
            } else {
                both.world
                    .person_changes(instance, json!({"summary": "Once by hand"}));
            }
        }
    }
}

async fn live(seed: u64) {
    let mut dice = Dice(seed);
    let policies = [
        ExceptionPolicy::Keep,
        ExceptionPolicy::Drop,
        ExceptionPolicy::Shift,
    ];
    let policy = policies[usize::try_from(seed % 3).unwrap()];
    let config = GoogleSimConfig::default().knobs(|knobs| {
        knobs.exception_policy = policy;
        knobs.touch_exceptions = dice.roll(2) == 0;
        knobs.rewrite_rrule = dice.roll(4) == 0;
        knobs.require_if_match = dice.roll(2) == 0;
        knobs.revive_restores_exceptions = dice.roll(2) == 0;
        knobs.bare_tombstones = dice.roll(2) == 0;
        knobs.noop_moves_etag = dice.roll(4) == 0;
        if dice.roll(2) == 0 {
            knobs.cascade_tombstones = CascadeTombstones::All;
        }
    });
    let mut both = Both::new(config);
    let calm = seed.is_multiple_of(4);
    if dice.roll(5) == 0 {
        both.mapping.privacy = Privacy::Busy;
    }
    for _ in 0..10 {
        for _ in 0..dice.roll(4) {
            edit(&mut dice, &both);
        }
        if !calm && dice.roll(2) == 0 {
            disturb(&mut dice, &both);
        }
        if dice.roll(25) == 0 {
            both.mapping.privacy = match both.mapping.privacy {
                Privacy::Busy => Privacy::Full,
                _ => Privacy::Busy,
            };
        }
        if dice.roll(8) == 0 {
            both.world.sim.advance(SignedDuration::from_hours(20));
        }
        if both.try_run().await.is_err() {
            // The program died: it starts again from what was stored.
            both.store = both.store.clone();
        }
    }
    both.store = both.store.clone();
    both.settles(&format!("SEED={seed}, {policy:?}")).await;

    // The database is lost: everything is found again, and nothing is made twice.
    both.store = MemoryStore::new();
    both.world.sim.clear_log();
    both.run().await;
    let writes = both.world.sim.counts().writes_total();
    assert_eq!(writes, 0, "SEED={seed}, {policy:?}: the database was lost");
    both.settles(&format!("SEED={seed}, {policy:?}, the database was lost"))
        .await;
}

#[tokio::test]
async fn series_end_up_equal_whatever_happens_to_them() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    if let Some(seed) = number("SEED") {
        return live(seed).await;
    }
    let mut failed = Vec::new();
    for seed in number("FROM").unwrap_or(0)..number("SEEDS").unwrap_or(150) {
        if tokio::spawn(live(seed)).await.is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "these seeds failed: {failed:?}");
}
