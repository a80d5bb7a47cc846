//! Series that Google has as single events, and series that are moved away from under an override:
//! what is done to a part is no judgement on the whole.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, recurring, single};
use sync_engine::mapping::{ConflictPolicy, DeletionLimit, Direction};
use sync_engine::memory::MemoryCalendar;
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Series};
use sync_engine::ports::Recurring;
use sync_engine::projection::Declined;
use sync_engine::recurrence::{Recurrence, Rule};
use sync_engine::snapshot::inherited;

fn world() -> World {
    let mut world = World::new();
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.deletion_limit = DeletionLimit {
        count: 100,
        percent: 100,
    };
    world
}

/// On two days of the month: within the window once or twice.
fn twice_a_month() -> Series {
    let rule = |text: &str| Rule::parse(text).unwrap();
    let mut series = single("Rent", at(5, 9), 1);
    series.master.as_mut().unwrap().recurrence = Some(Recurrence {
        rules: vec![rule("FREQ=MONTHLY;COUNT=12"), rule("FREQ=YEARLY;COUNT=3")],
        ..Recurrence::default()
    });
    series
}

#[test]
fn deleting_the_last_single_event_calls_that_occurrence_off_and_no_other() {
    let world = world();
    world.caldav.put("rent.ics", "rent", twice_a_month());
    world.run();
    world.run();
    let names = world.google_names();
    assert_eq!(names.len(), 1);
    world.google.delete(&names[0]);
    world.run();
    world.run();
    let left = world.caldav.all().remove("rent.ics").unwrap();
    let off = RecurrenceId::Wall(at(5, 9).wall);
    assert_eq!(left.overrides.get(&off), Some(&OverrideValue::Cancelled));
    assert_eq!(left.overrides.len(), 1);
    assert!(world.google.all().is_empty());
    // The next month comes all the same.
    world.pass_days(30);
    world.run();
    assert_eq!(world.google.all().len(), 1);
    let before = (world.caldav.writes(), world.google.writes());
    world.run();
    assert_eq!(before, (world.caldav.writes(), world.google.writes()));
}

#[test]
fn the_last_single_event_of_a_series_that_was_edited_meanwhile_is_a_conflict_of_that_occurrence() {
    for policy in [ConflictPolicy::Latest, ConflictPolicy::Google] {
        let mut world = world();
        world.mapping.conflict_policy = policy;
        world.caldav.put("rent.ics", "rent", twice_a_month());
        world.run();
        world.run();
        let name = world.google_names().remove(0);
        world.google.delete(&name);
        let mut dearer = twice_a_month();
        dearer.master.as_mut().unwrap().title = "Dearer rent".into();
        world.caldav.edit("rent.ics", dearer.clone());
        world.run();
        world.run();
        let left = world.caldav.all().remove("rent.ics").unwrap();
        assert_eq!(left.master, dearer.master);
        assert_eq!(left.overrides.len(), world.google.all().len() ^ 1);
    }
}

/// A series of Mondays; the override of the second is changed on `side` while the other moves all to
/// a weekday on which it has no place.
fn moved_from_under(policy: ConflictPolicy, google_moves: bool) -> (World, Series, Series) {
    let mut world = world();
    world.mapping.conflict_policy = policy;
    let weekly = recurring("Weekly", at(3, 9), "FREQ=WEEKLY;COUNT=4");
    world.caldav.put("a.ics", "a", weekly.clone());
    world.run();
    world.run();
    let name = world.google_names().remove(0);
    let id = RecurrenceId::Wall(at(10, 9).wall);
    let mut overridden = weekly.clone();
    let own = Fields {
        title: "Only this one".into(),
        ..inherited(weekly.master.as_ref().unwrap(), id)
    };
    overridden
        .overrides
        .insert(id, OverrideValue::Fields(Box::new(own)));
    let mut moved = recurring("Weekly", at(4, 15), "FREQ=DAILY;INTERVAL=5;COUNT=3");
    moved.master.as_mut().unwrap().location = "Elsewhere".into();
    if google_moves {
        world.google.edit(&name, moved.clone());
        world.caldav.edit("a.ics", overridden.clone());
    } else {
        world.caldav.edit("a.ics", moved.clone());
        world.google.edit(&name, overridden.clone());
    }
    world.run();
    world.run();
    (world, moved, overridden)
}

#[test]
fn a_move_that_leaves_no_place_for_an_override_is_a_conflict_of_the_series() {
    for google_moves in [false, true] {
        for policy in [ConflictPolicy::Caldav, ConflictPolicy::Google] {
            let (world, moved, overridden) = moved_from_under(policy, google_moves);
            let mover_wins = (policy == ConflictPolicy::Google) == google_moves;
            let want = if mover_wins { &moved } else { &overridden };
            let caldav = world.caldav.all().remove("a.ics").unwrap();
            let google = world.google.all().into_values().next().unwrap();
            for shown in [&caldav, &google] {
                let (shown, want_master) = (shown, want.master.as_ref().unwrap());
                let master = shown.master.as_ref().unwrap();
                assert_eq!(master.when, want_master.when, "{policy:?} {google_moves}");
                assert_eq!(master.location.as_str(), "Elsewhere");
                assert_eq!(
                    shown.overrides.len(),
                    want.overrides.len(),
                    "{policy:?} {google_moves}"
                );
            }
            let before = (world.caldav.writes(), world.google.writes());
            world.run();
            assert_eq!(before, (world.caldav.writes(), world.google.writes()));
        }
    }
}

#[test]
fn a_move_that_leaves_no_place_for_an_override_waits_where_people_decide() {
    for google_moves in [false, true] {
        let (world, ..) = moved_from_under(ConflictPolicy::Manual, google_moves);
        assert!(!world.store.open_conflicts(&world.mapping.id).is_empty());
        let before = (world.caldav.writes(), world.google.writes());
        world.run();
        assert_eq!(before, (world.caldav.writes(), world.google.writes()));
    }
}

#[test]
fn what_no_reading_has_shown_is_asked_for_before_its_absence_counts() {
    let world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    let name = world.google_names().remove(0);
    missed(&world, &name);
    assert_eq!(world.run().deleted, 0);
    // It was late, and is there; no listing names it again.
    world.pass(10 * 60);
    let later = world.run();
    assert_eq!((later.deleted, later.inserted), (0, 0), "{later:#?}");
    assert_eq!((world.caldav.all().len(), world.google.all().len()), (1, 1));
}

#[test]
fn a_single_event_that_no_reading_has_shown_is_missed_twice_before_its_occurrence_is_called_off() {
    let world = world();
    let rule = |text: &str| Rule::parse(text).unwrap();
    let mut series = single("A", at(2, 9), 1);
    series.master.as_mut().unwrap().recurrence = Some(Recurrence {
        rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=2")],
        ..Recurrence::default()
    });
    for late in [true, false] {
        world.caldav.put("a.ics", "a", series.clone());
        world.run();
        let names = world.google_names();
        assert_eq!(names.len(), 4);
        if late {
            missed(&world, &names[1]);
        } else {
            world.google.delete(&names[1]);
        }
        let soon = world.run();
        assert_eq!(
            (soon.inserted, soon.updated, soon.deleted),
            (0, 0, 0),
            "{soon:#?}"
        );
        world.pass(10 * 60);
        world.run();
        let off = &world.caldav.all()["a.ics"].overrides;
        assert_eq!(off.len(), usize::from(!late));
        assert_eq!(world.google.all().len(), 3 + usize::from(late));
        let before = (world.caldav.writes(), world.google.writes());
        world.run();
        world.pass(3600);
        world.run();
        assert_eq!(before, (world.caldav.writes(), world.google.writes()));
        world.caldav.delete("a.ics");
        world.run();
        assert!(world.google.all().is_empty());
    }
}

#[test]
fn an_edit_of_a_copy_that_is_left_out_by_now_is_put_on_record() {
    let mut world = world();
    world.mapping.declined = Declined::Skip;
    let invited = single("Party", at(2, 9), 1);
    world.caldav.put("a.ics", "a", invited.clone());
    world.run();
    world.run();
    let name = world.google_names().remove(0);
    world.google.edit(&name, single("Party", at(3, 9), 1));
    let mut declined = invited;
    declined.master.as_mut().unwrap().declined = true;
    world.caldav.edit("a.ics", declined);
    let run = world.run();
    assert!(world.google.all().is_empty());
    assert_eq!(run.conflicts, 1, "{run:#?}");
}

/// A reading up to now that did not find it, though it is there.
fn missed(world: &World, name: &str) {
    use sync_engine::ports::side::SidePort as _;
    use sync_engine::ports::store::Store as _;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let listing = runtime.block_on(world.google.list(None)).unwrap();
    let reading = sync_engine::mirror::Reading {
        at: world.now(),
        seen: vec![sync_engine::observation::Seen::Gone {
            resource: sync_engine::model::ResourceId::new(name),
        }],
        unlisted: std::collections::BTreeSet::new(),
        same: Vec::new(),
        shown: false,
        end: Some(sync_engine::mirror::ReadingEnd {
            cursor: listing.cursor,
            complete: false,
        }),
    };
    let recorded = world.store.record(&world.mapping.google, reading);
    runtime.block_on(recorded).unwrap();
}
