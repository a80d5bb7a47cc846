//! Several mappings of one Google calendar: the same UID from two sources is mirrored once, and
//! handed over when its first source goes.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use std::sync::atomic::AtomicBool;

use common::{World, at, single};
use sync_engine::mapping::{Direction, Mapping};
use sync_engine::memory::MemoryCalendar;
use sync_engine::model::{AccountId, Caldav, CalendarId, MappingId, RunId, Status};
use sync_engine::ports::store::CalendarKey;
use sync_engine::report::RunReport;
use sync_engine::run::Run;

/// A second mapping into the same Google calendar.
struct Second {
    mapping: Mapping,
    caldav: MemoryCalendar<Caldav>,
}

fn second(world: &World) -> Second {
    let source = CalendarKey {
        account: AccountId::new("bob"),
        calendar: CalendarId::new("https://dav.example/bob/work/"),
    };
    Second {
        mapping: Mapping::new(MappingId::new("map2"), source, world.mapping.google.clone()),
        caldav: MemoryCalendar::new(),
    }
}

fn run(world: &World, second: &Second) -> RunReport {
    world.pass(300);
    let run = Run {
        mapping: &second.mapping,
        id: RunId::new(format!("second-{}", world.now())),
        caldav: &second.caldav,
        google: &world.google,
        store: &world.store,
        clock: &world.clock,
        stop: &AtomicBool::new(false),
        round: None,
        joining: None,
        only: None,
    };
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(run.run())
        .unwrap()
}

/// The same meeting in both calendars, mirrored by the first mapping.
fn shared() -> (World, Second) {
    let world = World::new();
    let second = second(&world);
    world
        .caldav
        .put("a.ics", "meeting", single("Meeting", at(2, 9), 1));
    for n in 0..4 {
        let uid = format!("own{n}");
        world.caldav.put(&uid, &uid, single(&uid, at(3 + n, 9), 1));
    }
    second.caldav.put(
        "b.ics",
        "meeting",
        single("Meeting, seen by Bob", at(2, 9), 1),
    );
    assert_eq!(world.run().inserted, 5);
    assert_eq!(run(&world, &second).inserted, 0, "it stands by");
    assert_eq!(world.titles().len(), 5);
    (world, second)
}

#[test]
fn the_same_uid_from_two_sources_is_mirrored_once() {
    let (world, second) = shared();
    let writes = world.google.writes();
    world.run();
    run(&world, &second);
    // A change at the one that stands by is none of the copy's.
    second
        .caldav
        .edit("b.ics", single("Meeting, Bob again", at(2, 10), 1));
    run(&world, &second);
    world.run();
    assert_eq!(world.google.writes(), writes);
    assert!(world.titles().contains(&"Meeting".to_owned()));
}

#[test]
fn the_second_source_takes_the_very_event_over_with_one_write() {
    let (mut world, second) = shared();
    let copy = world
        .google
        .all()
        .into_iter()
        .find(|(_, series)| series.master.as_ref().unwrap().title.as_str() == "Meeting")
        .unwrap()
        .0;
    world.caldav.delete("a.ics");
    let writes = world.google.writes();
    let first = world.run();
    assert_eq!(
        (first.deleted, first.held),
        (0, 0),
        "it is handed over: {first:#?}"
    );
    let taken = run(&world, &second);
    assert_eq!((taken.inserted, taken.updated), (0, 1), "{taken:#?}");
    assert_eq!(world.google.writes(), writes + 1);
    let now = world.google.all()[&copy].clone();
    assert_eq!(now.master.unwrap().title.as_str(), "Meeting, seen by Bob");
    world.run();
    run(&world, &second);
    assert_eq!(world.google.writes(), writes + 1, "and that is that");

    // The database is lost: the copy is still known as the second mapping's, and as nobody else's.
    world.forget();
    let again = (world.run(), run(&world, &second));
    assert_eq!((again.0.inserted, again.1.inserted), (0, 0), "{again:#?}");
    assert_eq!(world.google.writes(), writes + 1);
    // Its own deletion is followed.
    second.caldav.delete("b.ics");
    run(&world, &second);
    let held = world.store.held(&second.mapping.id);
    if let Some(held) = held.first() {
        assert!(world.store.approve(&second.mapping.id, &held.id));
        run(&world, &second);
    }
    assert!(!world.google.all().contains_key(&copy));
}

#[test]
fn what_is_called_off_at_the_first_source_goes_to_the_second() {
    let (world, second) = shared();
    let mut off = single("Meeting", at(2, 9), 1);
    off.master.as_mut().unwrap().status = Status::Cancelled;
    world.caldav.edit("a.ics", off);
    assert_eq!(world.run().deleted, 0);
    assert_eq!(run(&world, &second).updated, 1);
    assert!(world.titles().contains(&"Meeting, seen by Bob".to_owned()));
}

#[test]
fn a_pause_of_the_first_mapping_is_no_going_away() {
    let (world, second) = shared();
    world.caldav.delete("a.ics");
    // Nobody runs the first mapping: the second goes on standing by.
    for _ in 0..3 {
        assert_eq!(run(&world, &second).updated, 0);
    }
    assert!(world.titles().contains(&"Meeting".to_owned()));
}

fn waits(run: &RunReport) -> bool {
    run.warnings.iter().any(|w| w.code == "waits_for_mapping")
}

#[test]
fn a_pause_of_the_second_mapping_is_no_going_away_but_it_is_said() {
    let (world, second) = shared();
    world.store.tell_mapping(&second.mapping, false);
    world.caldav.delete("a.ics");
    for _ in 0..3 {
        let first = world.run();
        assert_eq!((first.deleted, waits(&first)), (0, true), "{first:#?}");
    }
    assert!(world.titles().contains(&"Meeting".to_owned()));
    // It runs again, and takes the copy over.
    world.store.tell_mapping(&second.mapping, true);
    assert!(!waits(&world.run()));
    assert_eq!(run(&world, &second).updated, 1);
    assert!(world.titles().contains(&"Meeting, seen by Bob".to_owned()));
    assert!(!waits(&world.run()));
}

#[test]
fn what_the_paused_mapping_lost_as_well_goes_once_that_is_known() {
    let (world, second) = shared();
    world.store.tell_mapping(&second.mapping, false);
    world.caldav.delete("a.ics");
    second.caldav.delete("b.ics");
    assert_eq!(world.run().deleted, 0);
    world.store.tell_mapping(&second.mapping, true);
    let both = (run(&world, &second), world.run());
    assert_eq!(both.0.updated, 0);
    assert_eq!(both.0.deleted + both.1.deleted, 1, "{both:#?}");
    assert_eq!(world.titles().len(), 4);
    assert!(!waits(&world.run()));
}

#[test]
fn a_mapping_that_was_turned_round_is_no_heir() {
    let (world, mut second) = shared();
    second.mapping.direction = Direction::GoogleToCaldav;
    for on in [true, false] {
        world.store.tell_mapping(&second.mapping, on);
    }
    world.caldav.delete("a.ics");
    let first = world.run();
    assert_eq!((first.deleted, waits(&first)), (1, false), "{first:#?}");
    assert_eq!(world.titles().len(), 4);
}

#[test]
fn a_copy_of_one_mapping_is_no_source_for_another() {
    let world = World::new();
    let mut back = second(&world);
    back.mapping.direction = Direction::GoogleToCaldav;
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.google.put("n", "n", single("Native", at(3, 9), 1));
    world.run();
    assert_eq!(run(&world, &back).inserted, 1, "the native only");
    back.mapping.chain = true;
    assert_eq!(run(&world, &back).inserted, 1, "unless it says so");
}

#[test]
fn a_native_with_the_uid_of_our_copy_takes_its_place() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    for n in 0..4 {
        let uid = format!("own{n}");
        world.caldav.put(&uid, &uid, single(&uid, at(3 + n, 9), 1));
    }
    // In memory the iCalUID of an event at Google is what it was put under.
    world.google.put(
        "invite",
        "invite@example.com",
        single("Invite", at(2, 9), 1),
    );
    world.run();
    world.run();
    assert_eq!(world.caldav.all().len(), 5);
    world
        .caldav
        .put("i.ics", "invite@example.com", single("Invite", at(2, 9), 1));
    let run = world.run();
    assert_eq!(run.failed, 0, "{run:#?}");
    let there: Vec<String> = world.caldav.all().into_keys().collect();
    assert_eq!(there.len(), 5, "{there:?}");
    assert!(there.contains(&"i.ics".to_owned()));
    assert_eq!(world.google.all().len(), 5);
    let writes = (world.caldav.writes(), world.google.writes());
    world.run();
    assert_eq!(writes, (world.caldav.writes(), world.google.writes()));
    world
        .caldav
        .edit("i.ics", single("Invite, moved", at(2, 12), 1));
    world.run();
    assert!(world.titles().contains(&"Invite, moved".to_owned()));
}
