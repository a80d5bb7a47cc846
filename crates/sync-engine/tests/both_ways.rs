//! Both directions between two calendars in memory: the table, the conflict policies, and what
//! people do to a series on both sides at once.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, edited, recurring, series, single};
use sync_engine::conflict::{Decision, Keep, Winner};
use sync_engine::mapping::{ConflictPolicy, DeletionLimit, Direction};
use sync_engine::model::{Field, OverrideValue, RecurrenceId, Series, Side, Status};
use sync_engine::projection::Privacy;

fn world() -> World {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    for n in 0..5 {
        let uid = format!("stays{n}");
        let event = single(&uid, at(20 + n, 9), 1);
        world.caldav.put(&format!("{uid}.ics"), &uid, event);
    }
    world
}

/// What is on a side besides the events that always stay.
fn others<'a>(all: impl Iterator<Item = &'a Series>) -> Vec<Series> {
    all.filter(|series| !title(series).starts_with("stays"))
        .cloned()
        .collect()
}

fn title(series: &Series) -> String {
    let master = series.master.as_ref();
    master.map_or_else(String::new, |m| m.title.as_str().to_owned())
}

fn on_caldav(world: &World) -> Vec<Series> {
    others(world.caldav.all().values())
}

fn on_google(world: &World) -> Vec<Series> {
    others(world.google.all().values())
}

fn google_name(world: &World, wanted: &str) -> String {
    let all = world.google.all();
    let found = all.iter().find(|(_, series)| title(series) == wanted);
    found.unwrap().0.clone()
}

fn caldav_name(world: &World, wanted: &str) -> String {
    let all = world.caldav.all();
    let found = all.iter().find(|(_, series)| title(series) == wanted);
    found.unwrap().0.clone()
}

fn quiet(world: &World) {
    let writes = (world.caldav.writes(), world.google.writes());
    let run = world.run();
    assert_eq!((run.failed, run.deferred), (0, 0));
    assert_eq!(
        writes,
        (world.caldav.writes(), world.google.writes()),
        "P1: {run:#?}"
    );
}

/// An event on both sides.
fn shared(world: &World, event: Series) {
    world.caldav.put("a.ics", "a", event);
    world.run();
    quiet(world);
}

#[test]
fn what_is_new_on_either_side_is_created_on_the_other() {
    let world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.google.put("b", "b", single("B", at(3, 9), 1));
    let run = world.run();
    assert_eq!(run.inserted, 7);
    assert_eq!(on_caldav(&world).len(), 2);
    assert_eq!(on_google(&world).len(), 2);
    quiet(&world);
}

#[test]
fn edits_and_deletions_cross_from_either_side() {
    let world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.google.put("b", "b", single("B", at(3, 9), 1));
    world.run();
    let name = google_name(&world, "A");
    world.google.edit(&name, single("A2", at(2, 10), 1));
    let name = caldav_name(&world, "B");
    world.caldav.edit(&name, single("B2", at(3, 10), 1));
    let run = world.run();
    assert_eq!((run.updated, run.conflicts), (2, 0));
    assert_eq!(on_caldav(&world), on_google_like(&world));
    quiet(&world);
    quiet(&world);

    world.google.delete(&google_name(&world, "A2"));
    world.caldav.delete(&caldav_name(&world, "B2"));
    let run = world.run();
    assert_eq!(run.deleted, 2, "{run:#?}");
    assert!(on_caldav(&world).is_empty() && on_google(&world).is_empty());
    quiet(&world);
}

/// Google's events in the order of CalDAV's.
fn on_google_like(world: &World) -> Vec<Series> {
    let mut google = on_google(world);
    let order: Vec<String> = on_caldav(world).iter().map(title).collect();
    google.sort_by_key(|series| order.iter().position(|known| *known == title(series)));
    google
}

#[test]
fn different_fields_of_one_component_are_a_conflict_only_where_the_policy_is_not_merge() {
    for (policy, conflicts) in [(ConflictPolicy::Merge, 1), (ConflictPolicy::Latest, 1)] {
        let mut world = world();
        world.mapping.conflict_policy = policy;
        let event = single("A", at(2, 9), 1);
        shared(&world, event.clone());
        let name = google_name(&world, "A");
        world
            .caldav
            .put("a.ics", "a", edited(&event, |f| f.location = "here".into()));
        world.pass(60);
        world
            .google
            .edit(&name, edited(&event, |f| f.description = "text".into()));
        let run = world.run();
        assert_eq!(run.conflicts, conflicts);
        assert_eq!(on_caldav(&world), on_google(&world), "{policy:?}");
        let both = on_caldav(&world).remove(0).master.unwrap();
        match policy {
            ConflictPolicy::Merge => {
                assert_eq!(both.location.as_str(), "here");
                assert_eq!(both.description.as_str(), "text");
            }
            // In memory both sides count versions by themselves: CalDAV's is the later one.
            _ => assert!(both.location.as_str() == "here" && both.description.is_empty()),
        }
        quiet(&world);
    }
}

#[test]
fn each_policy_takes_the_side_it_names() {
    for (policy, kept) in [
        (ConflictPolicy::Caldav, "from caldav"),
        (ConflictPolicy::Google, "from google"),
    ] {
        let mut world = world();
        world.mapping.conflict_policy = policy;
        let event = single("A", at(2, 9), 1);
        shared(&world, event.clone());
        let name = google_name(&world, "A");
        world.caldav.put(
            "a.ics",
            "a",
            edited(&event, |f| f.title = "from caldav".into()),
        );
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "from google".into()));
        assert_eq!(world.run().conflicts, 1);
        assert_eq!(title(&on_caldav(&world)[0]), kept);
        assert_eq!(title(&on_google(&world)[0]), kept);
        let conflict = world.store.conflicts(&world.mapping.id).remove(0);
        assert!(conflict.winner.is_some() && conflict.base.is_some());
        quiet(&world);
    }
}

#[test]
fn the_same_edit_on_both_sides_is_no_conflict() {
    let world = world();
    let event = single("A", at(2, 9), 1);
    shared(&world, event.clone());
    let name = google_name(&world, "A");
    let both = edited(&event, |f| f.title = "Same".into());
    world.caldav.put("a.ics", "a", both.clone());
    world.google.edit(&name, both);
    let run = world.run();
    assert_eq!((run.conflicts, run.updated), (0, 0));
    quiet(&world);
}

#[test]
fn manual_waits_for_a_person_and_writes_nothing_meanwhile() {
    for (keep, title_kept, winner) in [
        (Keep::Caldav, "from caldav", Winner::Caldav),
        (Keep::Google, "from google", Winner::Google),
        (
            Keep::Fields([(Field::Title, Side::Google)].into()),
            "from google",
            Winner::Merged,
        ),
    ] {
        let mut world = world();
        world.mapping.conflict_policy = ConflictPolicy::Manual;
        let event = single("A", at(2, 9), 1);
        shared(&world, event.clone());
        let name = google_name(&world, "A");
        world.caldav.put(
            "a.ics",
            "a",
            edited(&event, |f| f.title = "from caldav".into()),
        );
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "from google".into()));
        assert_eq!(world.run().conflicts, 1);
        quiet(&world);
        assert_eq!(title(&on_caldav(&world)[0]), "from caldav");
        assert_eq!(title(&on_google(&world)[0]), "from google");
        let conflicts = world.store.conflicts(&world.mapping.id);
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].winner, None);
        world.store.decide(
            &world.mapping.id,
            Decision {
                conflict: conflicts[0].id.clone(),
                row: conflicts[0].row.clone(),
                keep,
            },
        );
        world.run();
        assert_eq!(title(&on_caldav(&world)[0]), title_kept);
        assert_eq!(title(&on_google(&world)[0]), title_kept);
        let conflicts = world.store.conflicts(&world.mapping.id);
        assert_eq!(conflicts[0].winner, Some(winner));
        quiet(&world);
    }
}

#[test]
fn an_open_conflict_is_over_when_both_agree_by_themselves() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    let event = single("A", at(2, 9), 1);
    shared(&world, event.clone());
    let name = google_name(&world, "A");
    let (one, two) = (
        edited(&event, |f| f.title = "one".into()),
        edited(&event, |f| f.title = "two".into()),
    );
    world.caldav.put("a.ics", "a", one);
    world.google.edit(&name, two.clone());
    world.run();
    world.caldav.put("a.ics", "a", two);
    assert_eq!(world.run().conflicts, 0);
    assert!(world.store.open_conflicts(&world.mapping.id).is_empty());
    quiet(&world);
}

#[test]
fn an_edit_wins_against_a_deletion_but_not_against_a_policy_that_names_the_other_side() {
    for (policy, stays) in [
        (ConflictPolicy::Latest, true),
        (ConflictPolicy::Merge, true),
        (ConflictPolicy::Caldav, false),
        (ConflictPolicy::Google, true),
    ] {
        let mut world = world();
        world.mapping.conflict_policy = policy;
        let event = single("A", at(2, 9), 1);
        shared(&world, event.clone());
        let name = google_name(&world, "A");
        world.caldav.delete("a.ics");
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "edited".into()));
        let run = world.run();
        assert_eq!(run.conflicts, 1, "{policy:?}");
        assert_eq!(on_caldav(&world).len(), usize::from(stays), "{policy:?}");
        assert_eq!(on_caldav(&world), on_google(&world), "{policy:?}");
        quiet(&world);
    }
}

#[test]
fn an_instance_changed_here_and_another_there_is_no_conflict() {
    let world = world();
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
    shared(&world, event.clone());
    let name = google_name(&world, "Standup");
    let mut there = event.clone();
    let moved = |n: i64| single("Standup, moved", at(n, 15), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(3, 9).wall),
        OverrideValue::Fields(Box::new(moved(3))),
    );
    there
        .overrides
        .insert(RecurrenceId::Wall(at(4, 9).wall), OverrideValue::Cancelled);
    world.caldav.put("a.ics", "a", event);
    world.google.edit(&name, there);
    let run = world.run();
    assert_eq!((run.conflicts, run.updated), (0, 2), "{run:#?}");
    assert_eq!(on_caldav(&world), on_google(&world));
    assert_eq!(on_caldav(&world)[0].overrides.len(), 2);
    quiet(&world);
}

#[test]
fn a_moved_series_takes_the_other_sides_overrides_along() {
    for mover in [Side::Caldav, Side::Google] {
        let world = world();
        let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
        shared(&world, event.clone());
        let name = google_name(&world, "Standup");
        let later = recurring("Standup", at(1, 11), "FREQ=DAILY;COUNT=10");
        let mut there = event.clone();
        let mut titled = single("Standup with cake", at(3, 9), 1).master.unwrap();
        titled.location = "kitchen".into();
        there.overrides.insert(
            RecurrenceId::Wall(at(3, 9).wall),
            OverrideValue::Fields(Box::new(titled)),
        );
        match mover {
            Side::Caldav => {
                world.caldav.put("a.ics", "a", later);
                world.google.edit(&name, there);
            }
            Side::Google => {
                world.caldav.put("a.ics", "a", there);
                world.google.edit(&name, later);
            }
        }
        world.run();
        world.run();
        assert_eq!(on_caldav(&world), on_google(&world), "{mover}");
        let all = on_caldav(&world).remove(0);
        let Some(OverrideValue::Fields(fields)) =
            all.overrides.get(&RecurrenceId::Wall(at(3, 11).wall))
        else {
            panic!("{mover}: the override did not come along: {all:#?}");
        };
        assert_eq!(fields.title.as_str(), "Standup with cake");
        assert_eq!(
            fields.when,
            single("x", at(3, 11), 1).master.unwrap().when,
            "by the same shift"
        );
        quiet(&world);
    }
}

#[test]
fn a_stripped_copy_never_flows_back() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    let event = edited(&single("Dentist", at(2, 9), 1), |f| {
        f.description = "teeth".into();
    });
    shared(&world, event);
    let name = google_name(&world, "Busy");
    let there = world.google.all()[&name].clone();
    world.google.edit(
        &name,
        edited(&there, |f| {
            f.title = "Still busy".into();
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        }),
    );
    let run = world.run();
    let kept = on_caldav(&world).remove(0).master.unwrap();
    assert_eq!(kept.title.as_str(), "Dentist");
    assert_eq!(kept.description.as_str(), "teeth");
    assert_eq!(kept.when, single("x", at(2, 14), 1).master.unwrap().when);
    let text = serde_json::to_string(&run).unwrap();
    assert!(
        !text.contains("Dentist") && !text.contains("teeth"),
        "P9: {text}"
    );
    quiet(&world);

    // Deleted at Google and edited on CalDAV, and the other way round: no title leaves or is lost.
    world.google.delete(&name);
    let here = on_caldav(&world).remove(0);
    world.caldav.put(
        "a.ics",
        "a",
        edited(&here, |f| f.title = "Dentist again".into()),
    );
    let run = world.run();
    let text = serde_json::to_string(&run).unwrap();
    assert!(!text.contains("Dentist"), "P9: {text}");
}

#[test]
fn a_native_of_google_keeps_its_own_words_under_a_privacy_rule() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    world.google.put("b", "b", single("Concert", at(3, 9), 1));
    world.run();
    let name = caldav_name(&world, "Concert");
    let here = world.caldav.all()[&name].clone();
    world.caldav.edit(
        &name,
        edited(&here, |f| {
            f.title = "Concert with her".into();
            f.when = single("x", at(3, 19), 1).master.unwrap().when;
        }),
    );
    world.run();
    let there = world.google.all()["b"].master.clone().unwrap();
    assert_eq!(there.title.as_str(), "Concert");
    assert_eq!(there.when, single("x", at(3, 19), 1).master.unwrap().when);
    quiet(&world);
}

#[test]
fn mass_deletions_are_held_on_either_side_and_can_be_put_back() {
    for side in [Side::Caldav, Side::Google] {
        let world = world();
        for n in 0..40 {
            let uid = format!("e{n:02}");
            let event = single(&uid, at(n % 20, 9), 1);
            world.caldav.put(&format!("{uid}.ics"), &uid, event);
        }
        world.run();
        quiet(&world);
        for n in 0..20 {
            let wanted = format!("e{n:02}");
            match side {
                Side::Caldav => world.caldav.delete(&caldav_name(&world, &wanted)),
                Side::Google => world.google.delete(&google_name(&world, &wanted)),
            }
        }
        assert_eq!(world.run().held, 20, "{side}");
        let held = world.store.held(&world.mapping.id).remove(0);
        assert_eq!(held.side, side.other());
        assert!(world.store.restore(&world.mapping.id, &held.id));
        let run = world.run();
        assert_eq!((run.inserted, run.held, run.deleted), (20, 0, 0), "{side}");
        assert_eq!(world.caldav.all().len(), 45);
        assert_eq!(world.google.all().len(), 45);
        quiet(&world);
    }
}

#[test]
fn p12_a_lost_database_makes_no_duplicate_in_either_direction() {
    let mut world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.google.put("b", "b", single("B", at(3, 9), 1));
    let mut series = recurring("S", at(4, 9), "FREQ=DAILY;COUNT=6");
    series
        .overrides
        .insert(RecurrenceId::Wall(at(5, 9).wall), OverrideValue::Cancelled);
    world.google.put("s", "s", series);
    world.run();
    let before = (world.caldav.all(), world.google.all());
    world.forget();
    let run = world.run();
    assert_eq!(
        (run.inserted, run.updated, run.deleted),
        (0, 0, 0),
        "{run:#?}"
    );
    assert_eq!(before, (world.caldav.all(), world.google.all()));
    world.google.delete("b");
    assert_eq!(world.run().deleted, 1, "and it is tracked again");
    quiet(&world);
}

#[test]
fn an_orphan_is_offered_for_removal_and_never_created_on_the_other_side() {
    let mut world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    world.forget();
    world.caldav.delete("a.ics");
    let run = world.run();
    assert_eq!((run.inserted, run.deleted, run.held), (0, 0, 1), "{run:#?}");
    let held = world.store.held(&world.mapping.id).remove(0);
    assert_eq!(held.operations[0].summary, "A");
    assert_eq!(world.run().held, 1, "it stays offered");
    assert!(world.store.approve(&world.mapping.id, &held.id));
    assert_eq!(world.run().deleted, 1);
    assert!(on_google(&world).is_empty());
    quiet(&world);
}

#[test]
fn called_off_on_caldav_goes_at_google_and_comes_back() {
    let world = world();
    let event = single("A", at(2, 9), 1);
    shared(&world, event.clone());
    let off = edited(&event, |f| f.status = Status::Cancelled);
    world.caldav.put("a.ics", "a", off);
    assert_eq!(world.run().deleted, 1);
    assert!(on_google(&world).is_empty());
    assert_eq!(
        on_caldav(&world).len(),
        1,
        "and stays where it was called off"
    );
    quiet(&world);
    world.caldav.put("a.ics", "a", event);
    assert_eq!(world.run().inserted, 1);
    quiet(&world);
}

#[test]
fn what_google_cannot_hold_goes_both_ways_as_single_events() {
    let mut world = world();
    world.google = sync_engine::memory::MemoryCalendar::new()
        .with(|c| c.recurring = sync_engine::ports::Recurring::Google);
    let event = recurring("Pills", at(1, 8), "FREQ=HOURLY;INTERVAL=8;COUNT=6");
    world.caldav.put("a.ics", "a", event);
    world.run();
    assert_eq!(on_google(&world).len(), 6);
    quiet(&world);
    let names: Vec<String> = world
        .google
        .all()
        .into_iter()
        .filter(|(_, series)| title(series) == "Pills")
        .map(|(name, _)| name)
        .collect();
    let first = world.google.all()[&names[0]].clone();
    world
        .google
        .edit(&names[0], edited(&first, |f| f.title = "Two pills".into()));
    world.google.delete(&names[1]);
    let run = world.run();
    assert_eq!(run.conflicts, 0);
    let here = on_caldav(&world).remove(0);
    assert_eq!(here.overrides.len(), 2, "{here:#?}");
    assert!(
        here.overrides
            .values()
            .any(|v| *v == OverrideValue::Cancelled)
    );
    assert_eq!(on_google(&world).len(), 5);
    quiet(&world);
    quiet(&world);
}

#[test]
fn a_changed_direction_asks_before_it_writes_much_to_a_new_side() {
    let mut world = World::new();
    world.mapping.deletion_limit = DeletionLimit {
        count: 100,
        percent: 100,
    };
    for n in 0..12 {
        let uid = format!("g{n}");
        world.google.put(&uid, &uid, single(&uid, at(n, 9), 1));
    }
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    world.mapping.direction = Direction::Bidirectional;
    let run = world.run();
    assert_eq!((run.inserted, run.held), (0, 12));
    let held = world.store.held(&world.mapping.id).remove(0);
    assert_eq!(held.kind, sync_engine::guard::HeldKind::Change);
    assert!(world.store.approve(&world.mapping.id, &held.id));
    let run = world.run();
    assert_eq!((run.inserted, run.held), (12, 0));
    quiet(&world);
    world
        .google
        .put("more", "more", single("more", at(3, 9), 1));
    assert_eq!(world.run().inserted, 1, "from now on it is known");
}

#[test]
fn this_and_following_is_in_scope_whatever_the_window_says() {
    let world = world();
    let event = recurring("Course", at(1, 9), "FREQ=WEEKLY;COUNT=20");
    world.google.put("course", "course", event);
    world.run();
    let cut = recurring("Course", at(1, 9), "FREQ=WEEKLY;UNTIL=20270105T080000Z");
    let rest = recurring("Course", at(57, 10), "FREQ=WEEKLY;COUNT=12");
    world.google.put("course", "course", cut);
    world
        .google
        .put("course_R20270127T080000", "course-rest", rest);
    let run = world.run();
    assert_eq!(
        (run.inserted, run.updated, run.deleted),
        (1, 1, 0),
        "{run:#?}"
    );
    assert_eq!(on_caldav(&world).len(), 2);
    quiet(&world);
    let _ = series;
}

#[test]
fn single_events_that_vanish_in_numbers_are_held() {
    let mut world = world();
    world.google = sync_engine::memory::MemoryCalendar::new()
        .with(|c| c.recurring = sync_engine::ports::Recurring::Google);
    let event = recurring("Pills", at(1, 0), "FREQ=HOURLY;INTERVAL=8;COUNT=30");
    world.caldav.put("a.ics", "a", event);
    world.run();
    world.run();
    let pills: Vec<String> = world
        .google
        .all()
        .into_iter()
        .filter(|(_, series)| title(series) == "Pills")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(pills.len(), 30);
    for name in pills.iter().take(25) {
        world.google.delete(name);
    }
    let run = world.run();
    assert_eq!((run.updated, run.held), (0, 1), "{run:#?}");
    assert!(on_caldav(&world)[0].overrides.is_empty());
}

#[test]
fn a_run_is_taken_back_where_nothing_changed_since() {
    let world = world();
    let event = single("A", at(2, 9), 1);
    shared(&world, event.clone());
    let name = google_name(&world, "A");
    world.google.edit(
        &name,
        edited(&event, |f| f.title = "Not what I meant".into()),
    );
    world.caldav.put("n.ics", "n", single("New", at(4, 9), 1));
    let run = world.run();
    assert_eq!((run.updated, run.inserted), (1, 1));
    world.run();
    let undone = world.undo(&run.id);
    assert_eq!(
        (undone.updated, undone.deleted, undone.failed),
        (1, 1, 0),
        "{undone:#?}"
    );
    assert_eq!(title(&on_caldav(&world)[0]), "A");
    assert_eq!(title(&on_google(&world)[0]), "Not what I meant");
    assert_eq!(on_google(&world).len(), 1, "the new copy is gone");
    // Both sit out until a person changes them again.
    quiet(&world);
    world
        .caldav
        .edit("n.ics", single("New, really", at(4, 9), 1));
    assert_eq!(world.run().inserted, 1);
    quiet(&world);
}

#[test]
fn a_deletion_is_taken_back() {
    let world = world();
    let event = recurring("S", at(2, 9), "FREQ=DAILY;COUNT=4");
    shared(&world, event.clone());
    quiet(&world);
    world.google.delete(&google_name(&world, "S"));
    let run = world.run();
    assert_eq!(run.deleted, 1);
    assert!(on_caldav(&world).is_empty());
    let undone = world.undo(&run.id);
    assert_eq!(undone.failed, 0, "{undone:#?}");
    assert_eq!(on_caldav(&world), [event]);
    quiet(&world);
}

#[test]
fn what_floats_on_caldav_is_written_back_floating() {
    use sync_engine::model::{LocalTime, When, Zone};
    let mut world = world();
    world.mapping.time_zone = sync_engine::model::ZoneName::new("Europe/Berlin");
    world.google = sync_engine::memory::MemoryCalendar::new().with(|c| c.floating = false);
    let floating = |hour: i8| {
        let time = |hour: i8| LocalTime::new(at(2, hour).wall, Zone::Floating);
        When::timed(time(hour), Some(time(hour + 1)))
    };
    let event = edited(&single("A", at(2, 9), 1), |f| f.when = floating(9));
    shared(&world, event);
    let name = google_name(&world, "A");
    let there = world.google.all()[&name].clone();
    assert_eq!(
        there.master.as_ref().unwrap().when,
        single("A", at(2, 9), 1).master.unwrap().when
    );
    let later = edited(&there, |f| {
        f.when = single("A", at(2, 14), 1).master.unwrap().when;
    });
    world.google.edit(&name, later);
    world.run();
    assert_eq!(
        on_caldav(&world)[0].master.as_ref().unwrap().when,
        floating(14)
    );
    quiet(&world);
}

#[test]
fn another_policy_decides_what_waited_for_a_person() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    let event = single("A", at(2, 9), 1);
    shared(&world, event.clone());
    let name = google_name(&world, "A");
    world
        .caldav
        .edit("a.ics", edited(&event, |f| f.title = "one".into()));
    world
        .google
        .edit(&name, edited(&event, |f| f.title = "two".into()));
    assert_eq!(world.run().conflicts, 1);
    world.mapping.conflict_policy = ConflictPolicy::Google;
    world.run();
    assert_eq!(title(&on_caldav(&world)[0]), "two");
    quiet(&world);
}

#[test]
fn the_later_version_wins_whichever_side_it_is_on() {
    for winner in [Side::Caldav, Side::Google] {
        let world = world();
        let event = single("A", at(2, 9), 1);
        shared(&world, event.clone());
        let name = google_name(&world, "A");
        let on_caldav_it_is = edited(&event, |f| f.title = "from caldav".into());
        let at_google_it_is = edited(&event, |f| f.title = "from google".into());
        // In memory a version's number is its time.
        let (caldav, google) = match winner {
            Side::Caldav => (40, 1),
            Side::Google => (1, 40),
        };
        for _ in 0..caldav {
            world.caldav.edit("a.ics", on_caldav_it_is.clone());
        }
        for _ in 0..google {
            world.google.edit(&name, at_google_it_is.clone());
        }
        assert_eq!(world.run().conflicts, 1);
        let kept = format!("from {winner}");
        assert_eq!(title(&on_caldav(&world)[0]), kept);
        assert_eq!(title(&on_google(&world)[0]), kept);
        quiet(&world);
    }
}

#[test]
fn a_copy_that_no_reading_has_shown_must_be_missed_twice_ten_minutes_apart() {
    let world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    // Nothing but our own write has shown the copy.
    world.google.delete(&google_name(&world, "A"));
    assert_eq!(world.run().deleted, 0);
    world.pass(-5 * 60);
    assert_eq!(world.run().deleted, 0, "five minutes are not enough");
    assert_eq!(on_caldav(&world).len(), 1);
    world.pass(10 * 60);
    assert_eq!(world.run().deleted, 1);
    assert!(on_caldav(&world).is_empty());
}

#[test]
fn a_merge_that_dies_half_way_keeps_both_halves() {
    use sync_engine::memory::Fault;
    for steps in 0..24 {
        for fault in [
            None,
            Some(Fault::Lost),
            Some(Fault::AnswerLost),
            Some(Fault::Refused),
        ] {
            let mut world = world();
            world.mapping.conflict_policy = ConflictPolicy::Merge;
            let event = single("A", at(2, 9), 1);
            shared(&world, event.clone());
            let name = google_name(&world, "A");
            world
                .caldav
                .edit("a.ics", edited(&event, |f| f.location = "here".into()));
            world
                .google
                .edit(&name, edited(&event, |f| f.description = "text".into()));
            match fault {
                None => world.store.break_after(steps),
                Some(fault) if steps % 2 == 0 => world.google.fail_after(steps / 2, fault),
                Some(fault) => world.caldav.fail_after(steps / 2, fault),
            }
            let _ = world.try_run();
            world.store = world.store.clone();
            world.google.fail_after(u32::MAX, Fault::Lost);
            world.caldav.fail_after(u32::MAX, Fault::Lost);
            for _ in 0..3 {
                world.pass(3600);
                world.run();
            }
            for both in [on_caldav(&world).remove(0), on_google(&world).remove(0)] {
                let both = both.master.unwrap();
                assert_eq!(
                    (both.location.as_str(), both.description.as_str()),
                    ("here", "text"),
                    "{fault:?} after {steps} steps"
                );
            }
            quiet(&world);
        }
    }
}

#[test]
fn a_single_event_with_a_left_over_override_arrives_whole() {
    let mut world = world();
    world.google = sync_engine::memory::MemoryCalendar::new()
        .with(|c| c.recurring = sync_engine::ports::Recurring::Google);
    let mut event = single("A", at(2, 9), 1);
    let left = single("Left over", at(4, 9), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(4, 9).wall),
        OverrideValue::Fields(Box::new(left)),
    );
    world.caldav.put("a.ics", "a", event);
    world.run();
    let mut titles: Vec<String> = on_google(&world).iter().map(title).collect();
    titles.sort();
    assert_eq!(titles, ["A", "Left over"]);
    quiet(&world);
    world.google.delete(&google_name(&world, "Left over"));
    world.run();
    assert_eq!(on_google(&world).len(), 1);
    quiet(&world);
}

#[test]
fn an_override_that_came_along_survives_a_refusal_half_way() {
    use sync_engine::memory::Fault;
    for steps in 0..16 {
        let world = world();
        let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=10");
        shared(&world, event.clone());
        let name = google_name(&world, "Standup");
        let mut here = event.clone();
        let titled = single("Standup with cake", at(3, 9), 1).master.unwrap();
        here.overrides.insert(
            RecurrenceId::Wall(at(3, 9).wall),
            OverrideValue::Fields(Box::new(titled)),
        );
        world.caldav.edit("a.ics", here);
        world.google.edit(
            &name,
            recurring("Standup", at(1, 11), "FREQ=DAILY;COUNT=10"),
        );
        match steps % 3 {
            0 => world.google.fail_after(steps / 3, Fault::Refused),
            1 => world.caldav.fail_after(steps / 3, Fault::Refused),
            _ => world.google.fail_after(steps / 3, Fault::Lost),
        }
        for _ in 0..4 {
            world.run();
            world.pass(3600);
        }
        let all = on_caldav(&world);
        assert_eq!(all, on_google(&world), "after {steps} steps");
        assert!(
            all[0]
                .overrides
                .contains_key(&RecurrenceId::Wall(at(3, 11).wall))
        );
        quiet(&world);
    }
}

#[test]
fn a_rule_made_while_the_original_was_deleted_and_the_copy_edited_is_kept() {
    let mut world = world();
    let event = single("Dentist", at(2, 9), 1);
    shared(&world, event.clone());
    quiet(&world);
    let name = google_name(&world, "Dentist");
    world.caldav.delete("a.ics");
    world.google.edit(
        &name,
        edited(&event, |f| {
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        }),
    );
    world.mapping.privacy = Privacy::Busy;
    world.run();
    world.run();
    assert_eq!(title(&world.google.all()[&name]), "Busy");
    assert_eq!(title(&on_caldav(&world)[0]), "Dentist");
    quiet(&world);
}

#[test]
fn a_private_event_says_no_more_in_a_conflict_about_its_deletion() {
    use sync_engine::model::Sensitivity;
    let mut world = world();
    world.mapping.private_events = sync_engine::projection::PrivateEvents::Busy;
    let event = edited(&single("Dentist", at(2, 9), 1), |f| {
        f.sensitivity = Sensitivity::Private;
    });
    shared(&world, event.clone());
    quiet(&world);
    world.google.delete(&google_name(&world, "Busy"));
    world.caldav.edit(
        "a.ics",
        edited(&event, |f| {
            f.when = single("x", at(2, 12), 1).master.unwrap().when;
        }),
    );
    assert_eq!(world.run().conflicts, 1);
    let conflicts = world.store.conflicts(&world.mapping.id);
    let text = serde_json::to_string(&conflicts).unwrap();
    assert!(!text.contains("Dentist"), "P9: {text}");
}

/// What Google cannot hold, and what it can.
fn two_forms() -> (Series, Series) {
    let held = recurring("Pills", at(1, 8), "FREQ=WEEKLY;COUNT=4");
    let not_held = recurring("Pills", at(1, 8), "FREQ=HOURLY;INTERVAL=8;COUNT=6");
    (held, not_held)
}

fn strict_world() -> World {
    let mut world = world();
    world.google = sync_engine::memory::MemoryCalendar::new()
        .with(|c| c.recurring = sync_engine::ports::Recurring::Google);
    world
}

#[test]
fn a_change_of_form_that_is_refused_is_made_later_or_not_at_all() {
    use sync_engine::memory::Fault;
    let (held, not_held) = two_forms();
    for (before, after) in [(&held, &not_held), (&not_held, &held)] {
        for then in ["waits", "is taken back", "is edited", "is deleted"] {
            let world = strict_world();
            shared(&world, before.clone());
            world.caldav.edit("a.ics", after.clone());
            // After the reading.
            world.google.fail_after(1, Fault::Refused);
            assert_eq!(world.run().failed, 1);
            match then {
                "is taken back" => world.caldav.edit("a.ics", before.clone()),
                "is edited" => world
                    .caldav
                    .edit("a.ics", edited(after, |f| f.title = "Drops".into())),
                "is deleted" => world.caldav.delete("a.ics"),
                _ => {}
            }
            for _ in 0..3 {
                world.pass(3600);
                world.run();
            }
            let shown = match then {
                "is taken back" if *before == held => 1,
                "is taken back" => 6,
                "is deleted" => 0,
                _ if *after == held => 1,
                _ => 6,
            };
            assert_eq!(on_google(&world).len(), shown, "{then}");
            assert_eq!(
                title(&on_google(&world)[..].first().cloned().unwrap_or_default()),
                title(&on_caldav(&world)[..].first().cloned().unwrap_or_default())
            );
            quiet(&world);
        }
    }
}

#[test]
fn an_override_outside_the_window_survives_a_change_of_form() {
    let world = strict_world();
    let mut event = recurring("Pills", at(1, 8), "FREQ=WEEKLY");
    let far = RecurrenceId::Wall(at(64, 8).wall);
    let own = single("Other pills", at(64, 8), 1).master.unwrap();
    event
        .overrides
        .insert(far, OverrideValue::Fields(Box::new(own)));
    shared(&world, event.clone());
    let rules = recurring("Pills", at(1, 8), "FREQ=HOURLY;INTERVAL=84");
    let reshaped = Series {
        master: rules.master,
        ..event.clone()
    };
    world.caldav.edit("a.ics", reshaped.clone());
    for _ in 0..3 {
        world.run();
    }
    assert_eq!(on_caldav(&world), [reshaped]);
    quiet(&world);
}

#[test]
fn a_single_event_that_both_sides_changed_goes_by_the_policy() {
    for policy in [
        ConflictPolicy::Merge,
        ConflictPolicy::Google,
        ConflictPolicy::Caldav,
    ] {
        let mut world = strict_world();
        world.mapping.conflict_policy = policy;
        let (_, event) = two_forms();
        shared(&world, event.clone());
        let name = google_name(&world, "Pills");
        let there = world.google.all()[&name].clone();
        world
            .caldav
            .edit("a.ics", edited(&event, |f| f.title = "Drops".into()));
        world
            .google
            .edit(&name, edited(&there, |f| f.location = "Kitchen".into()));
        world.run();
        world.run();
        let all = world.google.all();
        let shown = all[&name].master.clone().unwrap();
        let (title, location) = match policy {
            ConflictPolicy::Merge => ("Drops", "Kitchen"),
            ConflictPolicy::Google => ("Pills", "Kitchen"),
            _ => ("Drops", ""),
        };
        assert_eq!(
            (shown.title.as_str(), shown.location.as_str()),
            (title, location),
            "{policy:?}"
        );
        let here = on_caldav(&world).remove(0);
        let others = all.values().filter(|series| **series != all[&name]);
        assert_eq!(
            others
                .filter(|series| series.master.as_ref().unwrap().title.as_str() == "Drops")
                .count(),
            5
        );
        let own = here.overrides.values().next();
        let own = match own {
            Some(OverrideValue::Fields(fields)) => fields.as_ref().clone(),
            _ => here.master.clone().unwrap(),
        };
        assert_eq!(
            (own.title.as_str(), own.location.as_str()),
            (title, location),
            "{policy:?}"
        );
        quiet(&world);
    }
}

#[test]
fn single_events_that_are_found_again_are_still_somebodys_to_edit_and_delete() {
    let mut world = strict_world();
    let (_, event) = two_forms();
    shared(&world, event);
    world.store = sync_engine::memory::MemoryStore::new();
    world.run();
    world.run();
    let names: Vec<String> = world
        .google
        .all()
        .into_iter()
        .filter(|(_, series)| title(series) == "Pills")
        .map(|(name, _)| name)
        .collect();
    let there = world.google.all()[&names[0]].clone();
    world
        .google
        .edit(&names[0], edited(&there, |f| f.title = "Two pills".into()));
    world.google.delete(&names[1]);
    world.run();
    let here = on_caldav(&world).remove(0);
    assert_eq!(here.overrides.len(), 2, "{here:#?}");
    assert_eq!(on_google(&world).len(), 5);
    quiet(&world);
}

#[test]
fn an_event_that_does_not_repeat_is_edited_itself_where_it_stands_beside_a_left_over_override() {
    let world = strict_world();
    let mut event = single("A", at(2, 9), 1);
    let left = single("Left over", at(4, 9), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(4, 9).wall),
        OverrideValue::Fields(Box::new(left)),
    );
    shared(&world, event);
    let name = google_name(&world, "A");
    let there = world.google.all()[&name].clone();
    world
        .google
        .edit(&name, edited(&there, |f| f.title = "B".into()));
    world.run();
    let here = on_caldav(&world).remove(0);
    assert_eq!((title(&here).as_str(), here.overrides.len()), ("B", 1));
    assert_eq!(on_google(&world).len(), 2);
    quiet(&world);
}

#[test]
fn what_was_free_because_its_owner_declined_is_free_when_it_is_made_again() {
    let world = world();
    let mut event = single("Lunch", at(2, 12), 1);
    event.master.as_mut().unwrap().declined = true;
    world.google.put("lunch", "lunch@x", event);
    world.run();
    quiet(&world);
    let name = caldav_name(&world, "Lunch");
    let here = world.caldav.all()[&name].clone();
    world
        .caldav
        .edit(&name, edited(&here, |f| f.title = "Late lunch".into()));
    world.google.delete("lunch");
    world.run();
    world.run();
    let free = |all: Vec<Series>| all[0].master.as_ref().unwrap().transparency;
    assert_eq!(on_google(&world).len(), 1);
    assert_eq!(free(on_google(&world)), free(on_caldav(&world)));
    quiet(&world);
}

#[test]
fn what_waits_for_a_person_goes_on_waiting_when_the_settings_change() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    let event = single("Dentist", at(2, 9), 1);
    shared(&world, event.clone());
    let name = google_name(&world, "Dentist");
    let at_hour = |h| {
        edited(&event, |f| {
            f.when = single("x", at(2, h), 1).master.unwrap().when;
        })
    };
    world.caldav.edit("a.ics", at_hour(12));
    world.google.edit(&name, at_hour(15));
    assert_eq!(world.run().conflicts, 1);
    world.mapping.privacy = Privacy::Busy;
    for _ in 0..2 {
        world.run();
        assert_eq!(title(&world.google.all()[&name]), "Busy");
    }
    let open = world.store.open_conflicts(&world.mapping.id);
    assert_eq!(open.len(), 1);
    world.store.decide(
        &world.mapping.id,
        Decision {
            conflict: open[0].id.clone(),
            row: open[0].row.clone(),
            keep: Keep::Google,
        },
    );
    world.run();
    world.run();
    let when = |series: &Series| series.master.as_ref().unwrap().when.clone();
    assert_eq!(when(&on_caldav(&world)[0]), when(&at_hour(15)));
    assert_eq!(when(&world.google.all()[&name]), when(&at_hour(15)));
    quiet(&world);
}

#[test]
fn an_original_that_comes_back_takes_its_place_from_a_copy_of_its_copy_after_a_lost_database() {
    let mut world = world();
    let event = single("Lunch", at(2, 12), 1);
    world.google.put("lunch", "lunch@x", event.clone());
    world.run();
    let name = caldav_name(&world, "Lunch");
    world
        .caldav
        .edit(&name, edited(&event, |f| f.title = "Late lunch".into()));
    world.google.delete("lunch");
    world.run();
    assert_eq!(on_google(&world).len(), 1);
    world.google.put("lunch", "lunch@x", event);
    world.store = sync_engine::memory::MemoryStore::new();
    for _ in 0..3 {
        for held in world.store.held(&world.mapping.id) {
            world.store.approve(&world.mapping.id, &held.id);
        }
        world.run();
    }
    assert_eq!((on_google(&world).len(), on_caldav(&world).len()), (1, 1));
    let rows = world.store.rows_of(&world.mapping.id);
    let same = rows.iter().filter(|row| {
        row.links
            .caldav
            .as_ref()
            .is_some_and(|link| link.resources.iter().any(|(_, id)| id.as_str() == name))
    });
    assert_eq!(same.count(), 1);
    quiet(&world);
}

#[test]
fn new_settings_reach_an_override_that_came_from_the_copy_in_the_same_run() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    shared(&world, event);
    let (name, mut there) = world
        .google
        .all()
        .into_iter()
        .find(|(_, series)| series.master.as_ref().unwrap().recurrence.is_some())
        .unwrap();
    let moved = single("Busy", at(3, 15), 1).master.unwrap();
    there.overrides.insert(
        RecurrenceId::Wall(at(3, 9).wall),
        OverrideValue::Fields(Box::new(moved)),
    );
    world.google.edit(&name, there);
    world.mapping.privacy = Privacy::Full;
    world.run();
    world.run();
    let here = on_caldav(&world);
    assert_eq!(here[0].overrides.len(), 1);
    assert_eq!(here, on_google(&world));
    quiet(&world);
}

#[test]
fn a_stricter_rule_reaches_the_overrides_of_a_series_that_its_copy_moved_in_the_same_run() {
    let mut world = world();
    let secret = |hour| {
        let mut event = recurring("Standup", at(1, hour), "FREQ=DAILY;COUNT=6");
        let own = single("Secret", at(3, hour), 1).master.unwrap();
        event.overrides.insert(
            RecurrenceId::Wall(at(3, hour).wall),
            OverrideValue::Fields(Box::new(own)),
        );
        event
    };
    shared(&world, secret(9));
    let name = google_name(&world, "Standup");
    world.google.edit(&name, secret(11));
    world.mapping.privacy = Privacy::Busy;
    for _ in 0..3 {
        world.run();
    }
    let told = format!("{:?}", world.google.all());
    assert!(
        !told.contains("Secret") && !told.contains("Standup"),
        "P9: {told}"
    );
    assert_eq!(on_caldav(&world), [secret(11)]);
    quiet(&world);
}

#[test]
fn a_stricter_rule_reaches_an_override_that_had_only_words_of_its_own() {
    let mut world = world();
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    let own = single("Secret", at(3, 9), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(3, 9).wall),
        OverrideValue::Fields(Box::new(own)),
    );
    shared(&world, event.clone());
    world.mapping.privacy = Privacy::Busy;
    world.run();
    let told = format!("{:?}", world.google.all());
    assert!(
        !told.contains("Secret") && !told.contains("Standup"),
        "P9: {told}"
    );
    assert_eq!(on_caldav(&world), [event]);
    quiet(&world);
}
