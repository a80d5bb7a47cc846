//! One direction under fire, by seed: people edit both calendars at any moment, requests and answers
//! get lost, events are refused, the program dies between any two steps of the store, the database
//! is lost. When the edits stop, the promises hold.
//!
//! A failing seed is printed; replay it with
//! `SEED=n cargo nextest run -p sync-engine --test simulation`. `SEEDS=n` runs more than the default.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test: it asserts the blunt way, and reads its seed from the environment"
)]

mod common;

use std::collections::BTreeMap;

use common::dice::{Dice, an_event, seeds};
use common::{World, at, single};
use sync_engine::mapping::DeletionLimit;
use sync_engine::memory::{Fault, MemoryStore};
use sync_engine::model::{Series, Status};

fn live(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new();
    world.mapping.deletion_limit = DeletionLimit {
        count: 1000,
        percent: 100,
    };
    // These stay, so that never "all of them" vanish.
    for n in 0..4 {
        let uid = format!("stays{n}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(5 + n, 9), 1));
    }
    let mut natives = BTreeMap::new();
    let mut lost = false;
    for step in 0..40_u64 {
        match dice.roll(10) {
            0..=3 => {
                let uid = format!("e{}", dice.roll(8));
                let event = an_event(&mut dice, &format!("{uid} v{step}"));
                world.caldav.put(&format!("{uid}.ics"), &uid, event);
            }
            4 => world.caldav.delete(&format!("e{}.ics", dice.roll(8))),
            5 => {
                // A person edits or deletes something at Google.
                let names = world.google_names();
                if !names.is_empty() {
                    let pick = usize::try_from(dice.roll(names.len() as u64)).unwrap();
                    let name = &names[pick];
                    if natives.contains_key(name) || dice.roll(2) == 0 {
                        let edited = single(&format!("edited {step}"), at(3, 10), 2);
                        if let Some(native) = natives.get_mut(name) {
                            *native = edited.clone();
                        }
                        world.google.put(name, "x", edited);
                    } else {
                        world.google.delete(name);
                    }
                }
            }
            6 => {
                let name = format!("native{step}");
                let event = single(&name, at(dice.day(), 11), 1);
                world.google.put(&name, &name, event.clone());
                natives.insert(name, event);
            }
            _ => lost |= trouble_and_run(&mut dice, &mut world),
        }
    }
    world.store = world.store.clone();
    settle(seed, &world, &natives, lost);
}

/// One run in which something goes wrong, more often than not. Returns whether the database was
/// lost.
fn trouble_and_run(dice: &mut Dice, world: &mut World) -> bool {
    let mut lost = false;
    let when = u32::try_from(dice.roll(12)).unwrap();
    match dice.roll(7) {
        0 => world.google.fail_after(when, Fault::AnswerLost),
        1 => world.google.fail_after(when, Fault::Lost),
        2 => world.google.fail_after(when, Fault::Refused),
        3 => world.caldav.fail_after(0, Fault::Lost),
        4 => world.store.break_after(when),
        5 if dice.roll(6) == 0 => {
            world.forget();
            lost = true;
        }
        _ => {}
    }
    if world.try_run().is_err() {
        // The program died: it starts again from what was stored.
        world.store = world.store.clone();
    }
    if dice.roll(5) == 0 {
        world.pass_days(1);
    }
    lost
}

/// The edits have stopped: two quiet days of runs, then everything must fit.
fn settle(seed: u64, world: &World, natives: &BTreeMap<String, Series>, lost: bool) {
    let replay = format!("SEED={seed} cargo nextest run -p sync-engine --test simulation");
    world.google.fail_after(u32::MAX, Fault::Lost);
    world.caldav.fail_after(u32::MAX, Fault::Lost);
    for _ in 0..6 {
        world.pass(5 * 3600);
        world.run();
    }
    let writes = world.google.writes();
    // At the very same moment: time alone may bring an event into the window.
    world.pass(-5 * 60);
    let last = world.run();
    assert_eq!(
        world.google.writes(),
        writes,
        "P1: a quiet run writes. {replay}"
    );
    assert_eq!(last.failed, 0, "{replay}");

    let mut copies = world.google.all();
    for (name, native) in natives {
        assert_eq!(
            copies.remove(name).as_ref(),
            Some(native),
            "a native was touched. {replay}"
        );
    }
    // The window is open at its front and moves on: what is in it now must be there.
    let window = world.mapping.window.around(world.now());
    let floating = sync_engine::model::ZoneName::utc();
    for (name, source) in world.caldav.all() {
        let cancelled = source.master.as_ref().unwrap().status == Status::Cancelled;
        let found: Vec<String> = copies
            .iter()
            .filter(|(_, copy)| **copy == source)
            .map(|(name, _)| name.clone())
            .collect();
        let inside = sync_engine::recurrence::touches(&source, window, &floating);
        if cancelled {
            assert!(
                found.is_empty(),
                "{name} is cancelled and has a copy. {replay}"
            );
        } else if inside {
            assert!(
                found.len() == 1,
                "{name} has {} copies.
source {source:?}
copies {copies:#?}
rows {:#?}
last {last:#?}
{replay}",
                found.len(),
                world.store.rows_of(&world.mapping.id),
            );
        }
        for name in found {
            copies.remove(&name);
        }
    }
    if lost {
        // A copy whose source went while nobody remembered it is an orphan: left, and reported.
        let linked: Vec<String> = world
            .store
            .rows_of(&world.mapping.id)
            .into_iter()
            .filter_map(|row| row.links.google)
            .flat_map(|link| link.keys)
            .map(|key| key.as_str().to_owned())
            .collect();
        copies.retain(|name, _| linked.contains(name));
    }
    assert!(
        copies.is_empty(),
        "copies without a source, or not in step: {copies:#?}\nsource {:#?}\nrows {:#?}\nlast {last:#?}\n{replay}",
        world.caldav.all(),
        world.store.rows_of(&world.mapping.id)
    );
    assert_eq!(
        world.caldav.writes(),
        0,
        "P5: the source was written. {replay}"
    );
}

#[test]
fn promises_hold_under_fire() {
    seeds(live);
}

#[test]
fn a_snapshot_of_the_store_is_what_a_crash_leaves() {
    let store = MemoryStore::new();
    store.break_after(0);
    let after = store.clone();
    assert!(after.reports().is_empty());
}
