//! Both directions under fire, by seed: people edit both calendars at any moment, requests and
//! answers get lost, events are refused, the program dies between any two steps of the store, the
//! database is lost. When the edits stop, both sides show the same, nothing is there twice, and what
//! nobody deleted is still there.
//!
//! A failing seed is printed; replay it with
//! `SEED=n cargo nextest run -p sync-engine --test simulation_both`. `SEEDS=n` runs more.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test: it asserts the blunt way, and reads its seed from the environment"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::dice::{Dice, an_event, seeds};
use common::{World, at, single};
use sync_engine::mapping::{ConflictPolicy, DeletionLimit, Direction};
use sync_engine::memory::Fault;
use sync_engine::model::{OverrideValue, RecurrenceId, Series, Status};

fn title(series: &Series) -> String {
    let master = series.master.as_ref();
    master.map_or_else(String::new, |m| m.title.as_str().to_owned())
}

/// What people did: the last title somebody gave to an event, and whether somebody deleted it.
#[derive(Default)]
struct People {
    given: u64,
    deleted: BTreeSet<String>,
}

/// One change to a series, as a person makes it on either side.
fn an_edit(dice: &mut Dice, series: &Series, words: &str) -> Series {
    let mut series = series.clone();
    let master = series.master.as_mut().unwrap();
    match dice.roll(6) {
        0 => master.title = words.into(),
        1 => master.location = words.into(),
        2 => master.description = words.into(),
        3 => {
            let recurrence = master.recurrence.clone();
            let moved = single(words, at(dice.day(), dice.hour()), 1)
                .master
                .unwrap();
            if recurrence.is_none() {
                master.when = moved.when;
            } else if dice.roll(3) == 0 {
                // The whole series moves, and leaves what stood aside of it behind.
                master.when = moved.when;
                series.overrides.clear();
            }
        }
        _ => {
            let occurrence = |master: &sync_engine::model::Fields, n: i64| {
                use jiff::ToSpan as _;
                match &master.when {
                    sync_engine::model::When::Timed { start, .. } => {
                        Some(RecurrenceId::Wall(start.wall + n.days()))
                    }
                    sync_engine::model::When::AllDay { .. } => None,
                }
            };
            let n = i64::try_from(dice.roll(6)).unwrap();
            if master.recurrence.is_some()
                && let Some(id) = occurrence(master, n)
            {
                match dice.roll(3) {
                    0 => {
                        series.overrides.insert(id, OverrideValue::Cancelled);
                    }
                    1 => {
                        series.overrides.remove(&id);
                    }
                    _ => {
                        let mut own = sync_engine::snapshot::inherited(master, id);
                        own.title = words.into();
                        series
                            .overrides
                            .insert(id, OverrideValue::Fields(Box::new(own)));
                    }
                }
            } else {
                master.title = words.into();
            }
        }
    }
    series
}

/// With `TRACE=1`, tells what people do.
fn trace(what: impl FnOnce() -> String) {
    if std::env::var("TRACE").is_ok() {
        eprintln!("{}", what());
    }
}

fn live(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.window.past_days = 400;
    world.mapping.window.future_days = 400;
    world.mapping.conflict_policy = [
        ConflictPolicy::Latest,
        ConflictPolicy::Merge,
        ConflictPolicy::Caldav,
        ConflictPolicy::Google,
    ][usize::try_from(dice.roll(4)).unwrap()];
    world.mapping.deletion_limit = DeletionLimit {
        count: 1000,
        percent: 100,
    };
    for n in 0..6 {
        let uid = format!("stays{n}");
        let event = single(&uid, at(5 + n, 9), 1);
        if n % 2 == 0 {
            world.caldav.put(&format!("{uid}.ics"), &uid, event);
        } else {
            world.google.put(&uid, &uid, event);
        }
    }
    let mut people = People::default();
    let mut lost = false;
    for step in 0..40_u64 {
        let on_caldav = dice.roll(2) == 0;
        match dice.roll(10) {
            0 | 1 => {
                let uid = format!("e{}", dice.roll(8));
                let mut event = an_event(&mut dice, &format!("{uid} v{step}"));
                event.master.as_mut().unwrap().status = Status::Confirmed;
                trace(|| format!("put {uid} caldav {on_caldav} {event:?}"));
                if on_caldav {
                    world.caldav.put(&format!("{uid}.ics"), &uid, event);
                } else {
                    world
                        .google
                        .put(&format!("{uid}{step}"), &format!("{uid}{step}"), event);
                }
            }
            2..=4 => {
                let all: BTreeMap<String, Series> = if on_caldav {
                    world.caldav.all()
                } else {
                    world.google.all()
                };
                let pick = usize::try_from(dice.roll(all.len().max(1) as u64)).unwrap();
                if let Some((name, series)) = all.iter().nth(pick)
                    && !title(series).starts_with("stays")
                {
                    people.given += 1;
                    let edited = an_edit(&mut dice, series, &format!("edit {}", people.given));
                    if on_caldav {
                        trace(|| format!("edit on CalDAV {name} {edited:?}"));
                        world.caldav.edit(name, edited);
                    } else {
                        trace(|| format!("edit at Google {name} {edited:?}"));
                        world.google.edit(name, edited);
                    }
                }
            }
            5 => {
                let all = if on_caldav {
                    world.caldav.all()
                } else {
                    world.google.all()
                };
                let pick = usize::try_from(dice.roll(all.len().max(1) as u64)).unwrap();
                if let Some((name, series)) = all.iter().nth(pick)
                    && !title(series).starts_with("stays")
                {
                    people.deleted.insert(title(series));
                    if on_caldav {
                        trace(|| format!("delete on CalDAV {name}"));
                        world.caldav.delete(name);
                    } else {
                        trace(|| format!("delete at Google {name}"));
                        world.google.delete(name);
                    }
                }
            }
            _ => lost |= trouble_and_run(&mut dice, &mut world),
        }
    }
    world.store = world.store.clone();
    settle(seed, &world, lost);
}

/// One run in which something goes wrong, more often than not. Returns whether the database was
/// lost.
fn trouble_and_run(dice: &mut Dice, world: &mut World) -> bool {
    let mut lost = false;
    let when = u32::try_from(dice.roll(12)).unwrap();
    let fault = [Fault::AnswerLost, Fault::Lost, Fault::Refused];
    match dice.roll(8) {
        n @ 0..=2 => world
            .google
            .fail_after(when, fault[usize::try_from(n).unwrap()]),
        n @ 3..=5 => world
            .caldav
            .fail_after(when, fault[usize::try_from(n - 3).unwrap()]),
        6 => world.store.break_after(when),
        _ if dice.roll(6) == 0 => {
            trace(|| "database lost".to_owned());
            world.forget();
            lost = true;
        }
        _ => {}
    }
    let run = world.try_run();
    trace(|| format!("run {run:?}"));
    trace(|| {
        let rows = world.store.rows_of(&world.mapping.id);
        let told = rows.iter().map(|row| {
            let caldav = row.links.caldav.as_ref().map(|l| &l.keys);
            let google = row.links.google.as_ref().map(|l| &l.keys);
            format!("  {:?} {:?} {caldav:?} {google:?}\n", row.key, row.state)
        });
        told.collect()
    });
    if run.is_err() {
        world.store = world.store.clone();
    }
    if dice.roll(5) == 0 {
        world.pass_days(1);
    }
    lost
}

fn settle(seed: u64, world: &World, lost: bool) {
    let replay = format!("SEED={seed} cargo nextest run -p sync-engine --test simulation_both");
    world.google.fail_after(u32::MAX, Fault::Lost);
    world.caldav.fail_after(u32::MAX, Fault::Lost);
    for _ in 0..6 {
        world.pass(5 * 3600);
        world.run();
    }
    let writes = (world.caldav.writes(), world.google.writes());
    world.pass(-5 * 60);
    let last = world.run();
    assert_eq!(
        (world.caldav.writes(), world.google.writes()),
        writes,
        "P1: a quiet run writes. {last:#?} {replay}"
    );
    assert_eq!(last.failed, 0, "{last:#?} {replay}");
    let sorted = |all: BTreeMap<String, Series>| {
        let mut all: Vec<Series> = all.into_values().collect();
        all.sort_by_key(|series| serde_json::to_string(series).unwrap());
        all
    };
    let (mut caldav, mut google) = (sorted(world.caldav.all()), sorted(world.google.all()));
    let stays = |all: &[Series]| all.iter().filter(|s| title(s).starts_with("stays")).count();
    assert_eq!((stays(&caldav), stays(&google)), (6, 6), "{replay}");
    if lost {
        // A copy whose source went while nobody remembered it is an orphan: offered for removal.
        let held = world.store.held(&world.mapping.id);
        let mut orphans: Vec<String> = held
            .iter()
            .flat_map(|held| &held.operations)
            .map(|operation| operation.summary.clone())
            .collect();
        for side in [&mut caldav, &mut google] {
            side.retain(|series| {
                let found = orphans.iter().position(|orphan| *orphan == title(series));
                found.map(|index| orphans.remove(index)).is_none()
            });
        }
    }
    let names = |all: BTreeMap<String, Series>| -> Vec<String> {
        let named = all
            .iter()
            .map(|(name, s)| format!("{} as {name}", title(s)));
        named.collect()
    };
    let only = |here: &[Series], there: &[Series]| -> Vec<Series> {
        let rest = here.iter().filter(|series| !there.contains(series));
        rest.cloned().collect()
    };
    assert!(
        caldav == google,
        "P2: the sides differ.\nonly on CalDAV {:#?}\nonly at Google {:#?}\non CalDAV {:#?}\nat Google \
         {:#?}\nlast {last:#?}\n{replay}",
        only(&caldav, &google),
        only(&google, &caldav),
        names(world.caldav.all()),
        names(world.google.all()),
    );
}

#[test]
fn both_sides_end_the_same_whatever_happens() {
    seeds(live);
}
