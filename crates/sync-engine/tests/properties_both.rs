//! What holds for any two people who edit the same event, one on each side, between two runs: the
//! sides end the same, nothing that only one of them changed is lost, nothing that nobody changed is
//! written, and what a privacy rule removes never leaves.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, recurring, single};
use proptest::prelude::*;
use sync_engine::mapping::{ConflictPolicy, DeletionLimit, Direction};
use sync_engine::memory::MemoryCalendar;
use sync_engine::model::{
    Field, Fields, LocalTime, OverrideValue, RecurrenceId, Series, Side, Status, Transparency,
    When, Zone,
};
use sync_engine::projection::Privacy;
use sync_engine::snapshot::inherited;

/// What a person does to an event.
#[derive(Debug, Clone, PartialEq)]
enum Edit {
    Title(u8),
    Description(u8),
    Location(u8),
    Free,
    Tentative,
    Move(u8),
    AllDay,
    Instance(u8, u8),
    InstanceMoved(u8),
    CallOff(u8),
    PutBack(u8),
    Delete,
}

fn an_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0_u8..9).prop_map(Edit::Title),
        (0_u8..9).prop_map(Edit::Description),
        (0_u8..9).prop_map(Edit::Location),
        Just(Edit::Free),
        Just(Edit::Tentative),
        (1_u8..9).prop_map(Edit::Move),
        Just(Edit::AllDay),
        (0_u8..6, 0_u8..9).prop_map(|(n, word)| Edit::Instance(n, word)),
        (0_u8..6).prop_map(Edit::InstanceMoved),
        (0_u8..6).prop_map(Edit::CallOff),
        (0_u8..6).prop_map(Edit::PutBack),
        Just(Edit::Delete),
    ]
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(an_edit(), 0..4)
}

fn policies() -> impl Strategy<Value = ConflictPolicy> {
    prop_oneof![
        Just(ConflictPolicy::Latest),
        Just(ConflictPolicy::Merge),
        Just(ConflictPolicy::Caldav),
        Just(ConflictPolicy::Google),
    ]
}

fn events() -> impl Strategy<Value = Series> {
    (0_u8..4, 1_i64..9, 8_i8..12).prop_map(|(kind, day, hour)| match kind {
        0 => single("Secret 0", at(day, hour), 1),
        1 => {
            let when = When::all_day(at(day, 0).wall.date(), None);
            Series::single(Fields::new("Secret 0", when))
        }
        2 => recurring("Secret 0", at(day, hour), "FREQ=DAILY;COUNT=6"),
        _ => {
            let mut event = recurring("Secret 0", at(day, hour), "FREQ=DAILY;COUNT=6");
            let id = occurrence(&event, 2).unwrap();
            event.overrides.insert(id, OverrideValue::Cancelled);
            event
        }
    })
}

fn occurrence(series: &Series, n: u8) -> Option<RecurrenceId> {
    use jiff::ToSpan as _;
    let (master, _) = series.recurring_master()?;
    let When::Timed { start, .. } = &master.when else {
        return None;
    };
    Some(RecurrenceId::Wall(start.wall + i64::from(n).days()))
}

/// The series after an edit; `None` if it was deleted. `side` keeps both people's words apart.
fn after(series: &Series, edits: &[Edit], side: &str) -> Option<Series> {
    let mut series = series.clone();
    let words = |word: u8| format!("Secret {side}{word}");
    for edit in edits {
        let master = series.master.as_mut().unwrap();
        match edit {
            Edit::Title(word) => master.title = words(*word).as_str().into(),
            Edit::Description(word) => master.description = words(*word).as_str().into(),
            Edit::Location(word) => master.location = words(*word).as_str().into(),
            Edit::Free => master.transparency = Transparency::Free,
            Edit::Tentative => master.status = Status::Tentative,
            Edit::Move(days) => {
                // A moved series leaves behind what stood aside of it.
                let moved = single("x", at(i64::from(*days), 20), 2);
                master.when = moved.master.unwrap().when;
                series.overrides.clear();
            }
            Edit::AllDay if master.recurrence.is_none() => {
                master.when = When::all_day(at(4, 0).wall.date(), None);
            }
            Edit::AllDay => {}
            Edit::Instance(n, word) => {
                if let Some(id) = occurrence(&series, *n) {
                    let mut own = inherited(series.master.as_ref().unwrap(), id);
                    own.title = words(*word).as_str().into();
                    series
                        .overrides
                        .insert(id, OverrideValue::Fields(Box::new(own)));
                }
            }
            Edit::InstanceMoved(n) => {
                if let Some(id) = occurrence(&series, *n) {
                    let mut own = inherited(series.master.as_ref().unwrap(), id);
                    let day = i64::from(*n) + 3;
                    own.when = single("x", at(day, 21), 1).master.unwrap().when;
                    series
                        .overrides
                        .insert(id, OverrideValue::Fields(Box::new(own)));
                }
            }
            Edit::CallOff(n) => {
                if let Some(id) = occurrence(&series, *n) {
                    series.overrides.insert(id, OverrideValue::Cancelled);
                }
            }
            Edit::PutBack(n) => {
                if let Some(id) = occurrence(&series, *n) {
                    series.overrides.remove(&id);
                }
            }
            Edit::Delete => return None,
        }
    }
    Some(normal(series))
}

/// An override that says what the series says is none.
fn normal(mut series: Series) -> Series {
    let master = series.master.clone().unwrap();
    series.overrides.retain(|id, value| match value {
        OverrideValue::Cancelled => true,
        OverrideValue::Fields(fields) => **fields != inherited(&master, *id),
    });
    series
}

fn world(policy: ConflictPolicy) -> World {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.conflict_policy = policy;
    world.mapping.window.past_days = 400;
    world.mapping.window.future_days = 400;
    world.mapping.deletion_limit = DeletionLimit {
        count: 100,
        percent: 100,
    };
    for n in 0..3 {
        let uid = format!("stays{n}");
        let event = single("stays", at(20 + n, 9), 1);
        world.caldav.put(&format!("{uid}.ics"), &uid, event);
    }
    world
}

fn the_one(all: impl IntoIterator<Item = (String, Series)>) -> Option<(String, Series)> {
    let late = |series: &Series| match &series.master.as_ref().unwrap().when {
        When::Timed { start, .. } => start.wall.date() >= at(20, 0).wall.date(),
        When::AllDay { .. } => false,
    };
    let mut left = all.into_iter().filter(|(_, series)| !late(series));
    let first = left.next();
    assert!(left.next().is_none(), "there twice");
    first
}

fn on_caldav(world: &World) -> Option<Series> {
    the_one(world.caldav.all()).map(|(_, series)| normal(series))
}

fn on_google(world: &World) -> Option<Series> {
    the_one(world.google.all()).map(|(_, series)| normal(series))
}

fn edit_caldav(world: &World, event: &Series, edits: &[Edit]) -> Option<Series> {
    let (name, _) = the_one(world.caldav.all()).unwrap();
    let now = after(event, edits, "c");
    match &now {
        None => world.caldav.delete(&name),
        Some(now) if now != event => world.caldav.edit(&name, now.clone()),
        Some(_) => {}
    }
    now
}

fn edit_google(world: &World, event: &Series, edits: &[Edit]) -> Option<Series> {
    let (name, _) = the_one(world.google.all()).unwrap();
    let now = after(event, edits, "g");
    match &now {
        None => world.google.delete(&name),
        Some(now) if now != event => world.google.edit(&name, now.clone()),
        Some(_) => {}
    }
    now
}

fn writes(world: &World) -> (u64, u64) {
    (world.caldav.writes(), world.google.writes())
}

/// Runs until nothing is written any more; says in how many runs, `MAX` if it never comes to rest.
fn quiet(world: &World) -> usize {
    for runs in 0..6 {
        let before = writes(world);
        world.run();
        if before == writes(world) {
            return runs;
        }
    }
    usize::MAX
}

fn get(field: Field, series: &Series) -> Fields {
    let mut only = Fields::new("", When::all_day(at(0, 0).wall.date(), None));
    sync_engine::diff::copy(field, series.master.as_ref().unwrap(), &mut only);
    only
}

const FIELDS: [Field; 6] = [
    Field::Title,
    Field::Description,
    Field::Location,
    Field::When,
    Field::Status,
    Field::Transparency,
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(100)
    })]

    #[test]
    fn both_sides_come_to_rest_and_show_the_same(
        event in events(), here in edits(), there in edits(), policy in policies(), native in any::<bool>(),
    ) {
        let world = world(policy);
        if native {
            world.google.put("e", "e", event.clone());
        } else {
            world.caldav.put("e.ics", "e", event.clone());
        }
        world.run();
        prop_assert_eq!(quiet(&world), 0);
        edit_caldav(&world, &event, &here);
        edit_google(&world, &event, &there);
        prop_assert!(quiet(&world) <= 3);
        prop_assert_eq!(on_caldav(&world), on_google(&world));
    }

    #[test]
    fn what_one_side_changed_arrives_whole_under_every_policy(
        event in events(), edits in edits(), policy in policies(), at_google in any::<bool>(),
        native in any::<bool>(),
    ) {
        let world = world(policy);
        if native {
            world.google.put("e", "e", event.clone());
        } else {
            world.caldav.put("e.ics", "e", event.clone());
        }
        world.run();
        prop_assert_eq!(quiet(&world), 0, "and every read has shown it");
        let now = if at_google {
            edit_google(&world, &event, &edits)
        } else {
            edit_caldav(&world, &event, &edits)
        };
        let before = writes(&world);
        let run = world.run();
        prop_assert_eq!(run.conflicts, 0);
        prop_assert_eq!(on_caldav(&world), now.clone());
        prop_assert_eq!(on_google(&world), now.clone());
        let after = writes(&world);
        let written = (after.0 - before.0, after.1 - before.1);
        let changed = u64::from(now.as_ref() != Some(&event));
        prop_assert_eq!(written, if at_google { (changed, 0) } else { (0, changed) });
        prop_assert_eq!(quiet(&world), 0);
    }

    #[test]
    fn a_field_that_nobody_changed_is_never_written_and_one_that_one_side_changed_is_kept_by_merge(
        event in events(), here in edits(), there in edits(), policy in policies(),
    ) {
        let world = world(policy);
        world.caldav.put("e.ics", "e", event.clone());
        world.run();
        let here = edit_caldav(&world, &event, &here);
        let there = edit_google(&world, &event, &there);
        prop_assert!(quiet(&world) <= 3);
        if let (Some(here), Some(there), Some(now)) = (here, there, on_caldav(&world)) {
            for field in FIELDS {
                let (was, here, there) = (get(field, &event), get(field, &here), get(field, &there));
                let now = get(field, &now);
                match (here == was, there == was) {
                    (true, true) => prop_assert_eq!(now, was, "nobody changed {:?}", field),
                    (false, true) if policy == ConflictPolicy::Merge => {
                        prop_assert_eq!(now, here, "only CalDAV changed {:?}", field);
                    }
                    (true, false) if policy == ConflictPolicy::Merge => {
                        prop_assert_eq!(now, there, "only Google changed {:?}", field);
                    }
                    _ => prop_assert!(now == here || now == there || now == was),
                }
            }
        }
    }

    #[test]
    fn under_a_privacy_rule_no_word_of_caldavs_leaves(
        event in events(), here in edits(), there in edits(), policy in policies(),
    ) {
        let mut world = world(policy);
        world.mapping.privacy = Privacy::Busy;
        let mut event = event;
        event.master.as_mut().unwrap().description = "Secret".into();
        event.master.as_mut().unwrap().location = "Secret".into();
        world.caldav.put("e.ics", "e", event.clone());
        world.run();
        let (_, copy) = the_one(world.google.all()).unwrap();
        prop_assert_eq!(copy.master.as_ref().unwrap().title.as_str(), "Busy");
        edit_caldav(&world, &event, &here);
        // Words of Google's own may be told.
        let there: Vec<Edit> = there
            .into_iter()
            .filter(|edit| !matches!(
                edit,
                Edit::Title(_)
                    | Edit::Description(_)
                    | Edit::Location(_)
                    | Edit::Instance(..)
                    | Edit::PutBack(_)
            ))
            .collect();
        edit_google(&world, &copy, &there);
        for _ in 0..4 {
            world.run();
        }
        let reports = world.store.reports();
        let to_google = reports
            .iter()
            .flat_map(|report| &report.events)
            .filter(|event| event.side == Side::Google);
        let told = serde_json::to_string(&(
            to_google.collect::<Vec<_>>(),
            world.store.conflicts(&world.mapping.id),
            world.store.held(&world.mapping.id),
        ))
        .unwrap();
        prop_assert!(!told.contains("Secret"), "P9: {}", told);
        let shown = format!("{:?}", world.google.all());
        prop_assert!(!shown.contains("Secret"), "P9: {}", shown);
    }

    #[test]
    fn what_google_cannot_hold_stays_whole_on_caldav(
        event in events(), there in edits(), floating in any::<bool>(),
    ) {
        let mut world = world(ConflictPolicy::Latest);
        world.google = MemoryCalendar::new().with(|c| {
            c.description_limit = Some(10);
            c.floating = false;
        });
        let mut event = event;
        let master = event.master.as_mut().unwrap();
        master.description = "a description that is longer than that".into();
        if floating && let When::Timed { start, end } = &mut master.when {
            *start = LocalTime::new(start.wall, Zone::Floating);
            *end = LocalTime::new(end.wall, Zone::Floating);
        }
        world.caldav.put("e.ics", "e", event.clone());
        world.run();
        prop_assert_eq!(quiet(&world), 0);
        let (_, copy) = the_one(world.google.all()).unwrap();
        let there: Vec<Edit> = there
            .into_iter()
            .filter(|edit| matches!(edit, Edit::Title(_) | Edit::Location(_) | Edit::Free))
            .collect();
        let Some(now) = edit_google(&world, &copy, &there) else {
            return Ok(());
        };
        quiet(&world);
        let kept = on_caldav(&world).unwrap();
        let (was, kept) = (event.master.unwrap(), kept.master.unwrap());
        prop_assert_eq!((&kept.description, &kept.when), (&was.description, &was.when));
        let now = now.master.unwrap();
        prop_assert_eq!((&kept.title, &kept.location), (&now.title, &now.location));
    }
}
