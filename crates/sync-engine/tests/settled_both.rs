//! Both directions, when edits, new settings, changes of form and lost databases meet: in the end
//! both sides show the same, and nothing is left that a rule forbids.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, edited, recurring, single};
use sync_engine::mapping::{ConflictPolicy, DeletionLimit, Direction};
use sync_engine::memory::{Fault, MemoryCalendar};
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Series, Status, Text};
use sync_engine::ports::Recurring;
use sync_engine::projection::Privacy;
use sync_engine::recurrence::{Recurrence, Rule};

fn world() -> World {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.deletion_limit = DeletionLimit {
        count: 100,
        percent: 100,
    };
    world
}

/// Google as it is about what it can hold as a series.
fn picky() -> World {
    let mut world = world();
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    world
}

/// A series that Google cannot hold.
fn twofold(title: &str) -> Series {
    let rule = |text: &str| Rule::parse(text).unwrap();
    let mut series = single(title, at(2, 9), 1);
    series.master.as_mut().unwrap().recurrence = Some(Recurrence {
        rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=2")],
        ..Recurrence::default()
    });
    series
}

fn overridden(series: &Series, day: i64, change: impl FnOnce(&mut Fields)) -> Series {
    let mut series = series.clone();
    let id = RecurrenceId::Wall(at(day, 9).wall);
    let mut fields = sync_engine::snapshot::inherited(series.master.as_ref().unwrap(), id);
    change(&mut fields);
    series
        .overrides
        .insert(id, OverrideValue::Fields(Box::new(fields)));
    series
}

fn on_google(world: &World) -> Vec<Series> {
    world.google.all().into_values().collect()
}

fn on_caldav(world: &World) -> Vec<Series> {
    world.caldav.all().into_values().collect()
}

fn writes(world: &World) -> (u64, u64) {
    (world.caldav.writes(), world.google.writes())
}

fn quiet(world: &World) {
    let before = writes(world);
    let run = world.run();
    assert_eq!(before, writes(world), "P1: {run:#?}");
}

#[test]
fn a_stricter_rule_reaches_a_copy_whose_edit_wins_against_a_cancellation() {
    for mut world in [world(), picky()] {
        world.mapping.conflict_policy = ConflictPolicy::Google;
        let secret = |fields: &mut Fields| fields.description = Text::new("Secret plan");
        let event = edited(&twofold("Secret"), secret);
        world.caldav.put("a.ics", "a", event.clone());
        world.run();
        world.run();
        let name = world.google_names().remove(0);
        let there = world.google.all().remove(&name).unwrap();
        let later =
            |fields: &mut Fields| fields.when = single("", at(2, 15), 1).master.unwrap().when;
        world.google.edit(&name, edited(&there, later));
        let off = |fields: &mut Fields| fields.status = Status::Cancelled;
        world.caldav.edit("a.ics", edited(&event, off));
        world.mapping.privacy = Privacy::Busy;
        // What was edited goes to CalDAV first.
        world.run();
        world.run();
        assert!(!on_google(&world).is_empty());
        for series in on_google(&world) {
            assert!(!format!("{series:?}").contains("Secret"), "{series:#?}");
        }
        world.run();
        quiet(&world);
    }
}

#[test]
fn under_busy_a_persons_words_on_a_single_event_stay_and_a_lost_database_lets_them_be() {
    let mut world = picky();
    world.mapping.privacy = Privacy::Busy;
    world.caldav.put("a.ics", "a", twofold("Secret"));
    world.run();
    world.run();
    let names = world.google_names();
    let words = |fields: &mut Fields| fields.description = Text::new("Mine");
    let there = world.google.all();
    // Alone, and along with something that crosses.
    world
        .google
        .edit(&names[0], edited(&there[&names[0]], words));
    let moved = edited(&there[&names[1]], |fields| {
        words(fields);
        fields.when = single("", at(5, 18), 1).master.unwrap().when;
    });
    world.google.edit(&names[1], moved);
    world.run();
    world.run();
    quiet(&world);
    let mine = |world: &World| {
        let all = on_google(world);
        let said = all.iter().filter_map(|series| series.master.as_ref());
        said.filter(|master| master.description.as_str() == "Mine")
            .count()
    };
    assert_eq!(mine(&world), 2);
    assert!(!format!("{:?}", on_caldav(&world)).contains("Mine"));
    world.forget();
    quiet(&world);
    assert_eq!(mine(&world), 2);
}

#[test]
fn an_override_that_is_new_on_a_copy_is_brought_in_line_with_a_new_rule() {
    for (before, after) in [
        (Privacy::Busy, Privacy::Full),
        (Privacy::Full, Privacy::Busy),
    ] {
        let mut world = world();
        world.mapping.privacy = before;
        let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
        world.caldav.put("a.ics", "a", event);
        world.run();
        world.run();
        let name = world.google_names().remove(0);
        let there = world.google.all().remove(&name).unwrap();
        let later =
            |fields: &mut Fields| fields.when = single("", at(3, 15), 1).master.unwrap().when;
        world.google.edit(&name, overridden(&there, 3, later));
        world.mapping.privacy = after.clone();
        world.run();
        world.run();
        let text = format!("{:?}", on_google(&world));
        let gone = if after == Privacy::Full {
            "Busy\""
        } else {
            "Standup"
        };
        assert!(!text.contains(gone), "{after:?}: {text}");
        assert!(on_caldav(&world)[0].overrides.len() == 1);
        quiet(&world);
    }
}

#[test]
fn what_waits_while_a_copy_changes_its_form_is_not_taken_as_agreed() {
    let mut world = picky();
    world.mapping.conflict_policy = ConflictPolicy::Merge;
    let event = recurring("Standup", at(2, 9), "FREQ=DAILY;COUNT=4");
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    world.run();
    // A new title and a form that Google cannot hold here, and later another rule there.
    world.caldav.edit("a.ics", twofold("Jour fixe"));
    let name = world.google_names().remove(0);
    for count in 5..30 {
        let rule = format!("FREQ=DAILY;COUNT={count}");
        world
            .google
            .edit(&name, recurring("Standup", at(2, 9), &rule));
    }
    world.run();
    world.run();
    assert_eq!(on_caldav(&world), on_google(&world));
    let master = on_google(&world).remove(0).master.unwrap();
    assert_eq!(master.title.as_str(), "Jour fixe");
    quiet(&world);
}

#[test]
fn a_single_event_keeps_itself_beside_an_override_of_its_own_start() {
    let mut world = picky();
    let event = single("Once", at(2, 9), 1);
    let other = |fields: &mut Fields| fields.title = Text::new("Left over");
    world.caldav.put("a.ics", "a", overridden(&event, 2, other));
    world.run();
    assert_eq!(world.titles(), ["Left over", "Once"]);
    world.run();
    quiet(&world);
    world.forget();
    quiet(&world);
    // Each is edited by itself.
    for (name, there) in world.google.all() {
        let longer = |fields: &mut Fields| fields.location = Text::new(fields.title.as_str());
        world.google.edit(&name, edited(&there, longer));
    }
    world.run();
    world.run();
    let here = on_caldav(&world).remove(0);
    assert_eq!(here.master.unwrap().location.as_str(), "Once");
    assert!(format!("{:?}", here.overrides).contains("Left over"));
    quiet(&world);
}

#[test]
fn single_events_that_were_written_before_an_interruption_follow_when_the_source_goes_back() {
    for direction in [Direction::CaldavToGoogle, Direction::Bidirectional] {
        for steps in 0..8 {
            let mut world = picky();
            world.mapping.direction = direction;
            let event = twofold("Before");
            world.caldav.put("a.ics", "a", event.clone());
            world.run();
            world.run();
            let title = |fields: &mut Fields| fields.title = Text::new("After");
            world.caldav.edit("a.ics", edited(&event, title));
            world.google.fail_after(steps, Fault::Lost);
            world.run();
            world.caldav.edit("a.ics", event);
            for _ in 0..3 {
                world.run();
            }
            let all = world.titles();
            assert!(all.iter().all(|t| t == "Before"), "{steps} steps: {all:?}");
            quiet(&world);
        }
    }
}

#[test]
fn a_lost_database_joins_a_copy_with_its_native_and_not_with_the_copys_copy() {
    let mut world = world();
    world.google.put("n", "n", single("Native", at(2, 9), 1));
    world.run();
    world.run();
    let copy = world.caldav.all().into_keys().next().unwrap();
    // Deleted there, edited here: it is made again there, as a copy of the copy.
    world.google.delete("n");
    world.caldav.edit(&copy, single("Edited", at(2, 9), 1));
    world.run();
    world.run();
    assert_eq!(world.google.all().len(), 1);
    // The native comes out of the bin, and the database is gone.
    world.google.put("n", "n", single("Native", at(2, 9), 1));
    world.forget();
    for _ in 0..3 {
        world.run();
        let held = world.store.held(&world.mapping.id);
        for held in held {
            world.store.approve(&world.mapping.id, &held.id);
        }
    }
    assert_eq!(world.caldav.all().len(), 1);
    assert_eq!(world.google_names(), ["n"]);
    assert_eq!(on_caldav(&world), on_google(&world));
    quiet(&world);
}

#[test]
fn under_busy_an_instances_words_stay_at_google_when_the_original_is_deleted() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
    world.caldav.put("a.ics", "a", event);
    world.run();
    world.run();
    let name = world.google_names().remove(0);
    let there = world.google.all().remove(&name).unwrap();
    let titled = |fields: &mut Fields| fields.title = Text::new("Theirs");
    let moved = edited(&overridden(&there, 3, titled), titled);
    world.google.edit(&name, moved);
    world.caldav.delete("a.ics");
    let later = |fields: &mut Fields| fields.location = Text::new("Here");
    let there = world.google.all().remove(&name).unwrap();
    world.google.edit(&name, overridden(&there, 4, later));
    for _ in 0..3 {
        world.run();
    }
    assert!(!format!("{:?}", on_caldav(&world)).contains("Theirs"));
    quiet(&world);
}
