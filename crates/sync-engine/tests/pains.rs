//! What users of other calendar syncs suffer from, where it is the engine that must know better:
//! one test named after each pain, in every direction in which it can hurt. The whole list, and
//! where each test stands, is at the head of `bins/caldav-sync/tests/product/pains.rs`.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use std::collections::BTreeMap;

use common::{World, at, recurring, single};
use sync_engine::mapping::{ConflictPolicy, Direction};
use sync_engine::memory::Fault;
use sync_engine::model::{OverrideValue, RecurrenceId, Series, Side};

/// Each direction with each side that may be where an event was made.
const WAYS: [(Direction, Side); 4] = [
    (Direction::CaldavToGoogle, Side::Caldav),
    (Direction::GoogleToCaldav, Side::Google),
    (Direction::Bidirectional, Side::Caldav),
    (Direction::Bidirectional, Side::Google),
];

/// A world whose mapping goes this way.
fn world(direction: Direction) -> World {
    let mut world = World::new();
    world.mapping.direction = direction;
    world
}

fn other(side: Side) -> Side {
    match side {
        Side::Caldav => Side::Google,
        Side::Google => Side::Caldav,
    }
}

fn put(world: &World, side: Side, name: &str, series: Series) {
    match side {
        Side::Caldav => world.caldav.put(name, name, series),
        Side::Google => world.google.put(name, name, series),
    }
}

fn delete(world: &World, side: Side, name: &str) {
    match side {
        Side::Caldav => world.caldav.delete(name),
        Side::Google => world.google.delete(name),
    }
}

fn all(world: &World, side: Side) -> BTreeMap<String, Series> {
    match side {
        Side::Caldav => world.caldav.all(),
        Side::Google => world.google.all(),
    }
}

fn writes(world: &World) -> u64 {
    world.caldav.writes() + world.google.writes()
}

fn titles(world: &World, side: Side) -> Vec<String> {
    let all = all(world, side).into_values();
    let mut titles: Vec<String> = all
        .map(|series| series.master.unwrap().title.as_str().to_owned())
        .collect();
    titles.sort();
    titles
}

/// Events `e00`, `e01`, … on a side, each titled as it is named.
fn fill(world: &World, side: Side, count: i64) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("e{n:02}")).collect();
    for (n, name) in (0..count).zip(&names) {
        put(world, side, name, single(name, at(1 + n % 20, 9), 1));
    }
    names
}

#[test]
fn pain_01_duplicates_after_every_run() {
    for (direction, source) in WAYS {
        let mut world = world(direction);
        let names = fill(&world, source, 12);
        world.run();
        let (written, copies) = (writes(&world), all(&world, other(source)));
        assert_eq!((written, copies.len()), (12, 12), "{direction:?}");
        for round in 0..6 {
            match round {
                // A listing that failed is not an empty calendar, and a lost database no first run
                // of everything.
                1 => world.caldav.fail_after(0, Fault::Lost),
                3 => world.google.fail_after(0, Fault::Lost),
                4 => world.forget(),
                _ => {}
            }
            world.run();
        }
        assert_eq!(titles(&world, source), names, "{direction:?}");
        assert_eq!(all(&world, other(source)), copies, "{direction:?}");
        assert_eq!(writes(&world), written, "{direction:?}");
    }
}

#[test]
fn pain_02_a_crash_between_the_creation_and_its_record_makes_no_second_copy() {
    for (direction, source) in WAYS {
        for steps in 0..40 {
            let mut world = world(direction);
            let names = fill(&world, source, 3);
            world.store.break_after(steps);
            let died = world.try_run().is_err();
            // What was on the disk is what the next start finds.
            world.store = world.store.clone();
            world.run();
            world.run();
            for side in [Side::Caldav, Side::Google] {
                assert_eq!(
                    titles(&world, side),
                    names,
                    "{direction:?} {side:?}, died after {steps} steps: {died}"
                );
            }
        }
    }
}

#[test]
fn pain_04_a_cancelled_occurrence_stays_cancelled() {
    for (direction, source) in WAYS {
        let world = world(direction);
        let id = RecurrenceId::Wall(at(3, 9).wall);
        let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=8");
        put(&world, source, "s", event.clone());
        world.run();
        event.overrides.insert(id, OverrideValue::Cancelled);
        put(&world, source, "s", event.clone());
        world.run();
        let copy = || all(&world, other(source)).into_values().next().unwrap();
        assert_eq!(copy().overrides.get(&id), Some(&OverrideValue::Cancelled));
        // Nor does it come back when the series is changed.
        event.master.as_mut().unwrap().title = "Standup, renamed".into();
        put(&world, source, "s", event.clone());
        for _ in 0..3 {
            world.run();
        }
        assert_eq!(copy(), event, "{direction:?}");
        assert_eq!(all(&world, source).into_values().next(), Some(event));
    }
}

#[test]
fn pain_08_one_bad_read_deletes_nothing() {
    for (direction, source) in WAYS {
        let world = world(direction);
        let names = fill(&world, source, 40);
        world.run();
        world.run();
        // As if the server had been set up anew: it answers, and has nothing.
        for name in &names {
            delete(&world, source, name);
        }
        for _ in 0..3 {
            let run = world.run();
            assert_eq!((run.deleted, run.held), (0, 40), "{direction:?}");
        }
        assert_eq!(titles(&world, other(source)), names, "{direction:?}");
        // The backup is played back: all is as it was, and nobody is asked any more.
        fill(&world, source, 40);
        let run = world.run();
        assert_eq!((run.deleted, run.held), (0, 0), "{direction:?}");
        for side in [Side::Caldav, Side::Google] {
            assert_eq!(titles(&world, side), names, "{direction:?}");
        }
    }
}

#[test]
fn pain_10_what_was_deleted_does_not_come_back() {
    for (direction, source) in WAYS {
        let world = world(direction);
        let mut names = fill(&world, source, 6);
        world.run();
        world.run();
        delete(&world, source, "e02");
        names.remove(2);
        if direction == Direction::Bidirectional {
            // And a copy that a person deletes takes its origin with it.
            let copies = all(&world, other(source));
            let copy = copies.iter().find(|(_, series)| {
                let master = series.master.as_ref();
                master.is_some_and(|master| master.title.as_str() == "e04")
            });
            delete(&world, other(source), copy.unwrap().0);
            names.remove(3);
        }
        for _ in 0..4 {
            world.run();
            world.pass_days(1);
            for side in [Side::Caldav, Side::Google] {
                assert_eq!(titles(&world, side), names, "{direction:?} {side:?}");
            }
        }
    }
}

#[test]
fn pain_11_a_deletion_against_an_edit_is_decided_once_as_set() {
    use ConflictPolicy::{Caldav, Google, Latest, Manual, Merge};
    for (policy, deleted_on, stays) in [
        (Latest, Side::Caldav, true),
        (Latest, Side::Google, true),
        (Merge, Side::Caldav, true),
        (Merge, Side::Google, true),
        (Caldav, Side::Caldav, false),
        (Caldav, Side::Google, true),
        (Google, Side::Caldav, true),
        (Google, Side::Google, false),
    ] {
        let (mut world, names) = edited_here_and_deleted_there(policy, deleted_on);
        let run = world.run();
        let told = format!("{policy:?}, deleted on {deleted_on:?}: {run:#?}");
        assert_eq!(run.conflicts, 1, "{told}");
        // It is decided once: no run asks again, or changes its mind.
        for _ in 0..3 {
            let later = world.run();
            assert_eq!(later.conflicts, 0, "{told}\n{later:#?}");
        }
        let mut wanted = names.clone();
        wanted.remove(1);
        if stays {
            wanted.push("edited".to_owned());
        }
        wanted.sort();
        for side in [Side::Caldav, Side::Google] {
            assert_eq!(titles(&world, side), wanted, "{told}");
        }
        world.forget();
    }
    for deleted_on in [Side::Caldav, Side::Google] {
        let (world, _) = edited_here_and_deleted_there(Manual, deleted_on);
        let before = (writes(&world), titles(&world, other(deleted_on)));
        for _ in 0..3 {
            world.run();
        }
        let after = (writes(&world), titles(&world, other(deleted_on)));
        assert_eq!(after, before, "it waits for a person");
    }
}

/// Three events that both sides know; then the second is deleted on one side and edited on the
/// other.
fn edited_here_and_deleted_there(policy: ConflictPolicy, deleted_on: Side) -> (World, Vec<String>) {
    let mut world = world(Direction::Bidirectional);
    world.mapping.conflict_policy = policy;
    let names = fill(&world, Side::Caldav, 3);
    world.run();
    world.run();
    let name_on = |side: Side| {
        let all = all(&world, side).into_iter();
        let mut all = all.filter(|(_, series)| {
            let master = series.master.as_ref();
            master.is_some_and(|master| master.title.as_str() == "e01")
        });
        all.next().unwrap().0
    };
    let edited = name_on(other(deleted_on));
    put(
        &world,
        other(deleted_on),
        &edited,
        single("edited", at(2, 9), 1),
    );
    delete(&world, deleted_on, &name_on(deleted_on));
    (world, names)
}

#[test]
fn pain_22_an_edit_is_an_edit_and_not_a_removal_and_a_creation() {
    for (direction, source) in WAYS {
        let world = world(direction);
        let mut event = single("Lunch", at(2, 12), 1);
        put(&world, source, "s", event.clone());
        world.run();
        let names: Vec<String> = all(&world, other(source)).into_keys().collect();
        let moved = recurring("Lunch", at(9, 11), "FREQ=WEEKLY;COUNT=3");
        for edit in 0..4 {
            let master = event.master.as_mut().unwrap();
            match edit {
                0 => master.title = "Late lunch".into(),
                1 => master.location = "Canteen".into(),
                2 => master.when = single("", at(4, 15), 2).master.unwrap().when,
                _ => event = moved.clone(),
            }
            put(&world, source, "s", event.clone());
            let before = writes(&world);
            let run = world.run();
            assert_eq!(
                (run.inserted, run.updated, run.deleted),
                (0, 1, 0),
                "{direction:?}, edit {edit}"
            );
            assert_eq!(writes(&world), before + 1, "{direction:?}, edit {edit}");
            let copies = all(&world, other(source));
            assert_eq!(
                copies.keys().collect::<Vec<_>>(),
                names.iter().collect::<Vec<_>>()
            );
            assert_eq!(copies.into_values().next(), Some(event.clone()));
        }
    }
}

#[test]
fn pain_02_an_edit_that_never_arrived_is_not_taken_back() {
    for side in [Side::Caldav, Side::Google] {
        for steps in 0..20 {
            let mut world = world(Direction::Bidirectional);
            fill(&world, side, 2);
            world.run();
            world.run();
            let copy = || {
                let all = all(&world, other(side)).into_iter();
                let mut all = all.filter(|(_, series)| {
                    let master = series.master.as_ref();
                    master.is_some_and(|master| master.title.as_str() == "e00")
                });
                all.next().unwrap()
            };
            let (name, mut there) = copy();
            let mut here = single("e00", at(1, 9), 1);
            here.master.as_mut().unwrap().location = "Room 44".into();
            put(&world, side, "e00", here);
            // The write is lost on its way, and the program dies before it can note that.
            match side {
                Side::Caldav => world.google.fail_after(1, Fault::Lost),
                Side::Google => world.caldav.fail_after(1, Fault::Lost),
            }
            world.store.break_after(steps);
            let _ = world.try_run();
            world.store = world.store.clone();
            world.google.fail_after(u32::MAX, Fault::Lost);
            world.caldav.fail_after(u32::MAX, Fault::Lost);
            // Meanwhile somebody renames the copy.
            there.master.as_mut().unwrap().title = "renamed".into();
            put(&world, other(side), &name, there);
            for _ in 0..3 {
                world.run();
            }
            for at in [Side::Caldav, Side::Google] {
                let all = all(&world, at).into_values();
                let mut all = all.filter_map(|series| series.master);
                let found = all.find(|master| master.location.as_str() == "Room 44");
                assert!(
                    found.is_some(),
                    "made at {side:?}, seen at {at:?}, died after {steps} steps"
                );
            }
        }
    }
}
