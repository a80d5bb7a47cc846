//! Loops are stopped, people are not.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, recurring, single};
use sync_engine::memory::MemoryCalendar;
use sync_engine::ports::Recurring;
use sync_engine::report::RunReport;
use sync_engine::row::RowState;

fn tells(run: &RunReport) -> bool {
    run.warnings.iter().any(|warning| warning.code == "loop")
}

fn states(world: &World) -> Vec<RowState> {
    let rows = world.store.rows_of(&world.mapping.id);
    rows.iter().map(|row| row.state).collect()
}

/// Another program puts its own title back ten times. Returns the world and how it is called there.
fn fought() -> (World, String) {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("Ours", at(2, 9), 1));
    world.run();
    let name = world.google_names().remove(0);
    let mut written = 0;
    let mut told = 0;
    for _ in 0..10 {
        world.google.edit(&name, single("Theirs", at(2, 9), 1));
        let run = world.run();
        written += run.updated;
        told += usize::from(tells(&run));
    }
    assert_eq!(written, 5, "the sixth time within the hour is one too many");
    assert_eq!(told, 5, "and it is said as long as it goes on");
    (world, name)
}

#[test]
fn what_another_program_puts_back_for_ever_is_set_aside() {
    let (world, name) = fought();
    assert_eq!(states(&world), [RowState::SetAside]);
    world.pass_days(1);
    assert_eq!(world.run().updated, 0, "it is not tried again by itself");
    world.google.edit(&name, single("Theirs", at(2, 9), 1));
    assert_eq!(world.run().updated, 0, "the same again stirs nothing");
    // A new state is a person, on either side.
    world.google.edit(&name, single("Mine", at(2, 9), 1));
    assert_eq!(world.run().updated, 1);
    assert_eq!(states(&world), [RowState::Active]);
    assert_eq!(world.titles(), ["Ours"]);
    let writes = world.google.writes();
    assert!(!tells(&world.run()) && world.google.writes() == writes);

    let (world, _) = fought();
    world.caldav.edit("a.ics", single("New", at(2, 9), 1));
    assert_eq!(world.run().updated, 1);
    assert_eq!(states(&world), [RowState::Active]);
    assert_eq!(world.titles(), ["New"]);
}

#[test]
fn what_another_program_deletes_for_ever_is_set_aside() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("Ours", at(2, 9), 1));
    world.run();
    let mut made = 1;
    for _ in 0..10 {
        // A reading shows it, then it goes.
        world.run();
        for name in world.google_names() {
            world.google.delete(&name);
        }
        made += world.run().inserted;
    }
    assert_eq!(made, 5);
    assert_eq!(states(&world), [RowState::SetAside]);
    world.pass_days(1);
    assert_eq!(world.run().inserted, 0);
    world.caldav.edit("a.ics", single("New", at(2, 9), 1));
    assert_eq!(world.run().inserted, 1, "a person wants it");
    assert_eq!(states(&world), [RowState::Active]);
}

#[test]
fn what_a_person_puts_back_by_hand_is_followed_again() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("Ours", at(2, 9), 1));
    world.run();
    let name = world.google_names().remove(0);
    for _ in 0..7 {
        world.run();
        world.google.delete(&name);
        world.run();
    }
    assert_eq!(states(&world), [RowState::SetAside]);
    world.google.put(&name, &name, single("Ours", at(2, 9), 1));
    world.run();
    assert_eq!(states(&world), [RowState::Active]);
    world.caldav.edit("a.ics", single("New", at(2, 9), 1));
    assert_eq!(world.run().updated, 1);
}

#[test]
fn of_single_events_what_they_showed_counts_too() {
    let mut world = World::new();
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    let rule = "FREQ=HOURLY;INTERVAL=24;COUNT=2";
    world
        .caldav
        .put("p.ics", "p", recurring("Pills", at(1, 8), rule));
    world.run();
    let name = world.google_names().remove(0);
    let shown = world.google.all()[&name].clone();
    let titled = |title: &str| {
        let mut series = shown.clone();
        series.master.as_mut().unwrap().title = title.into();
        series
    };
    // A person who tries ever new titles is none.
    for n in 0..9 {
        world.google.edit(&name, titled(&format!("Try {n}")));
        assert_eq!(world.run().updated, 1, "{n}");
    }
    // A program that insists is.
    let mut written = 0;
    for _ in 0..8 {
        world.google.edit(&name, titled("Theirs"));
        written += world.run().updated;
    }
    assert_eq!(written, 5);
    assert_eq!(states(&world), [RowState::SetAside]);
}

#[test]
fn a_person_who_edits_often_is_never_stopped() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("v0", at(2, 9), 1));
    world.run();
    for edit in 1..=11 {
        let title = format!("v{edit}");
        world.caldav.edit("a.ics", single(&title, at(2, 9), 1));
        let run = world.run();
        assert_eq!((run.updated, run.warnings.len()), (1, 0));
    }
}
