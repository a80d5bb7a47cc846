//! One direction between two calendars in memory: the promises that need no server to be shown.

mod common;

use common::{World, at, day, recurring, series, single};
use sync_engine::mapping::{OnTargetEdit, Window};
use sync_engine::model::{OverrideValue, RecurrenceId, Status};
use sync_engine::report::RunStatus;

#[test]
fn what_is_in_the_window_arrives_and_the_rest_waits_for_its_time() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("Soon", at(3, 9), 1));
    world
        .caldav
        .put("b.ics", "b", single("Later", at(40, 9), 1));
    world
        .caldav
        .put("c.ics", "c", single("Long ago", at(-40, 9), 1));

    let run = world.run();
    assert_eq!((run.inserted, run.status), (1, RunStatus::Success));
    assert_eq!(world.titles(), ["Soon"]);

    world.pass_days(12);
    let run = world.run();
    assert_eq!(run.inserted, 1, "the second entered the window by itself");
    assert_eq!(world.titles(), ["Later", "Soon"]);
}

#[test]
fn p1_nothing_changed_nothing_written() {
    let world = World::new();
    for day in 0..20 {
        let uid = format!("e{day}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(day, 9), 1));
    }
    assert_eq!(world.run().inserted, 20);
    let writes = world.google.writes();
    for _ in 0..3 {
        let run = world.run();
        assert_eq!((run.inserted, run.updated, run.deleted), (0, 0, 0));
    }
    assert_eq!(world.google.writes(), writes);
}

#[test]
fn edits_and_deletions_follow_and_cost_one_write_each() {
    let world = World::new();
    for uid in ["a", "b", "c", "d"] {
        world
            .caldav
            .put(&format!("{uid}.ics"), uid, single(uid, at(2, 9), 1));
    }
    world.run();
    let writes = world.google.writes();

    world
        .caldav
        .put("a.ics", "a", single("Renamed", at(2, 9), 1));
    let run = world.run();
    assert_eq!(run.updated, 1);
    assert_eq!(world.google.writes(), writes + 1);

    world.caldav.delete("b.ics");
    let run = world.run();
    assert_eq!(run.deleted, 1);
    assert_eq!(world.google.writes(), writes + 2);
    assert_eq!(world.titles(), ["Renamed", "c", "d"]);
}

#[test]
fn an_event_that_moves_out_of_the_window_is_still_followed() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    world.caldav.put("a.ics", "a", single("A", at(90, 9), 1));
    assert_eq!(world.run().updated, 1);
    world.pass_days(200);
    let run = world.run();
    assert_eq!(
        (run.deleted, run.updated),
        (0, 0),
        "P6: time passing deletes nothing"
    );
    assert_eq!(world.titles(), ["A"]);
}

#[test]
fn an_edit_on_the_target_is_put_back_or_kept_as_set() {
    for (setting, shown) in [
        (OnTargetEdit::Restore, "Original"),
        (OnTargetEdit::Keep, "Edited"),
    ] {
        let mut world = World::new();
        world.mapping.on_target_edit = setting;
        world
            .caldav
            .put("a.ics", "a", single("Original", at(2, 9), 1));
        world.run();
        let name = world.google_names().remove(0);
        world.google.put(&name, "x", single("Edited", at(2, 9), 1));
        world.run();
        assert_eq!(world.titles(), [shown]);
        world.run();
        assert_eq!(world.titles(), [shown], "and stays so");
    }
}

#[test]
fn only_the_changed_field_crosses() {
    let mut world = World::new();
    world.mapping.on_target_edit = OnTargetEdit::Keep;
    let mut event = single("Title", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let name = world.google_names().remove(0);
    let mut there = world.google.all().remove(&name).unwrap();
    there.master.as_mut().unwrap().location = "Added there".into();
    world.google.put(&name, "x", there);
    event.master.as_mut().unwrap().title = "New title".into();
    world.caldav.put("a.ics", "a", event);
    world.run();
    let there = world.google.all().remove(&name).unwrap().master.unwrap();
    assert_eq!(there.title.as_str(), "New title");
    assert_eq!(there.location.as_str(), "Added there");
}

#[test]
fn a_copy_somebody_deleted_is_put_back() {
    let world = World::new();
    for uid in ["a", "b", "c", "d"] {
        world
            .caldav
            .put(&format!("{uid}.ics"), uid, single(uid, at(2, 9), 1));
    }
    world.run();
    world.run(); // a reading must have shown it once
    let name = world.google_names().remove(0);
    world.google.delete(&name);
    assert_eq!(world.run().inserted, 1);
    assert_eq!(world.titles(), ["a", "b", "c", "d"]);
}

#[test]
fn natives_of_the_target_are_left_alone() {
    let world = World::new();
    world
        .google
        .put("native", "n", single("Private matter", at(1, 9), 1));
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    world.caldav.delete("a.ics");
    world.run();
    world.run();
    assert_eq!(world.titles(), ["Private matter"]);
}

#[test]
fn cancelled_as_a_whole_has_no_copy_and_comes_back() {
    let world = World::new();
    let mut event = single("A", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    event.master.as_mut().unwrap().status = Status::Cancelled;
    world.caldav.put("a.ics", "a", event.clone());
    assert_eq!(world.run().deleted, 1);
    assert!(world.titles().is_empty());
    assert_eq!(world.run().deleted, 0);
    event.master.as_mut().unwrap().status = Status::Confirmed;
    world.caldav.put("a.ics", "a", event);
    assert_eq!(world.run().inserted, 1);
    assert_eq!(world.titles(), ["A"]);
}

#[test]
fn a_series_crosses_whole_with_its_overrides() {
    let world = World::new();
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
    let moved = single("Standup, moved", at(3, 15), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(3, 9).wall),
        OverrideValue::Fields(Box::new(moved)),
    );
    event
        .overrides
        .insert(RecurrenceId::Wall(at(4, 9).wall), OverrideValue::Cancelled);
    world.caldav.put("s.ics", "s", event.clone());
    let run = world.run();
    assert_eq!(run.inserted, 1, "a series with its overrides is one event");
    assert_eq!(series(&world), event);

    // The moved one comes back to its place, the cancelled one too.
    event.overrides.clear();
    world.caldav.put("s.ics", "s", event.clone());
    world.run();
    assert_eq!(series(&world), event);
    assert_eq!(world.run().updated, 0);
}

#[test]
fn the_guard_holds_what_looks_like_an_accident_and_lets_the_rest_go() {
    let world = World::new();
    for n in 0..40 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n % 20, 9), 1));
    }
    world.run();
    for n in 0..20 {
        world.caldav.delete(&format!("e{n:02}.ics"));
    }
    world
        .caldav
        .put("new.ics", "new", single("New", at(5, 9), 1));
    let run = world.run();
    assert_eq!((run.deleted, run.held, run.inserted), (0, 20, 1));
    let again = world.run();
    assert_eq!((again.deleted, again.held), (0, 20), "still held");
    // Putting most of them back lets it lapse.
    for n in 0..15 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n % 20, 9), 1));
    }
    let run = world.run();
    assert_eq!((run.deleted, run.held), (5, 0));
    assert_eq!(world.titles().len(), 36);
}

#[test]
fn p12_a_lost_database_makes_no_duplicate_and_no_loss() {
    let mut world = World::new();
    for n in 0..12 {
        let uid = format!("e{n}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n, 9), 1));
    }
    world.google.put("native", "n", single("Native", day(3), 1));
    world.run();
    let before = world.google.all();
    world.forget();
    let run = world.run();
    assert_eq!((run.inserted, run.updated, run.deleted), (0, 0, 0));
    assert_eq!(world.google.all(), before);
    world.caldav.delete("e3.ics");
    assert_eq!(world.run().deleted, 1, "and it is tracked again");
}

#[test]
fn equal_events_on_both_sides_are_adopted_in_the_first_run_only_one_to_one() {
    let world = World::new();
    world.caldav.put("a.ics", "a", single("Same", at(2, 9), 1));
    world
        .google
        .put("g", "other-uid", single("Same", at(2, 9), 1));
    world
        .caldav
        .put("t1.ics", "t1", single("Twin", at(3, 9), 1));
    world
        .caldav
        .put("t2.ics", "t2", single("Twin", at(3, 9), 1));
    world.google.put("t", "t", single("Twin", at(3, 9), 1));
    let run = world.run();
    assert_eq!(run.inserted, 2, "the twins are ambiguous and get copies");
    assert_eq!(world.titles(), ["Same", "Twin", "Twin", "Twin"]);
    // A native that was linked is never deleted because its source went.
    world.caldav.delete("a.ics");
    world.run();
    assert!(world.titles().contains(&"Same".to_owned()));
}

#[test]
fn busy_hides_everything_and_never_writes_back() {
    let mut world = World::new();
    world.mapping.privacy = sync_engine::projection::Privacy::Busy;
    let mut event = single("Dentist", at(2, 9), 1);
    event.master.as_mut().unwrap().description = "teeth".into();
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let there = world.google.all().into_values().next().unwrap();
    let text = serde_json::to_string(&there).unwrap();
    assert!(!text.contains("Dentist") && !text.contains("teeth"));
    assert_eq!(world.titles(), ["Busy"]);
    event.master.as_mut().unwrap().description = "other teeth".into();
    world.caldav.put("a.ics", "a", event);
    let writes = world.google.writes();
    world.run();
    assert_eq!(
        world.google.writes(),
        writes,
        "what does not cross costs nothing"
    );
}

#[test]
fn a_smaller_window_deletes_nothing_and_a_larger_one_brings_more() {
    let mut world = World::new();
    world.caldav.put("a.ics", "a", single("A", at(20, 9), 1));
    world.caldav.put("b.ics", "b", single("B", at(50, 9), 1));
    world.run();
    world.mapping.window = Window {
        past_days: 0,
        future_days: 5,
    };
    let run = world.run();
    assert_eq!((run.deleted, run.updated), (0, 0));
    world.mapping.window = Window {
        past_days: 0,
        future_days: 60,
    };
    assert_eq!(world.run().inserted, 1);
    assert_eq!(world.titles(), ["A", "B"]);
}

#[test]
fn an_approval_passes_exactly_what_was_shown() {
    let world = World::new();
    for n in 0..40 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n % 20, 9), 1));
    }
    world.run();
    for n in 0..20 {
        world.caldav.delete(&format!("e{n:02}.ics"));
    }
    assert_eq!(world.run().held, 20);
    let shown = world.store.held(&world.mapping.id).remove(0);
    assert_eq!(shown.operations.len(), 20);

    // One more vanishes after the person looked: what was shown goes, the rest is asked about.
    world.caldav.delete("e20.ics");
    assert!(world.store.approve(&world.mapping.id, &shown.id));
    let run = world.run();
    assert_eq!((run.deleted, run.held), (20, 1));

    let shown = world.store.held(&world.mapping.id).remove(0);
    assert!(world.store.approve(&world.mapping.id, &shown.id));
    let run = world.run();
    assert_eq!((run.deleted, run.held), (1, 0));
    assert_eq!(world.titles().len(), 19);
    assert!(world.store.held(&world.mapping.id).is_empty());
}
