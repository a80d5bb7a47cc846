//! Taking a run back: only what that run wrote, only what nobody changed since, and never what the
//! settings hide by now.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, edited, recurring, single, with_override};
use sync_engine::mapping::Direction;
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Sensitivity, Series, Transparency};
use sync_engine::projection::{Privacy, PrivateEvents, privacy::Template};
use sync_engine::report::RunReport;

fn world() -> World {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world
}

fn there(world: &World) -> (String, Series) {
    let all = world.google.all();
    assert_eq!(all.len(), 1, "{all:#?}");
    all.into_iter().next().unwrap()
}

fn master(world: &World) -> Fields {
    there(world).1.master.unwrap()
}

fn here(world: &World) -> Fields {
    world.caldav.all()["a.ics"].master.clone().unwrap()
}

fn own(series: &Series, day: i64, hour: i8) -> Option<Fields> {
    let id = RecurrenceId::Wall(at(day, hour).wall);
    match series.overrides.get(&id)? {
        OverrideValue::Fields(fields) => Some(fields.as_ref().clone()),
        OverrideValue::Cancelled => None,
    }
}

fn warned(run: &RunReport) -> bool {
    run.warnings.iter().any(|w| w.code == "not_undone")
}

/// A run that carries this version of the only event.
fn puts(world: &World, event: &Series) -> RunReport {
    world.caldav.put("a.ics", "a", event.clone());
    world.run()
}

#[test]
fn what_a_later_run_wrote_is_left_and_told() {
    let world = world();
    let event = single("one", at(2, 9), 1);
    puts(&world, &event);
    let first = puts(&world, &edited(&event, |f| f.title = "two".into()));
    puts(
        &world,
        &edited(&event, |f| {
            f.title = "three".into();
            f.location = "room 3".into();
        }),
    );
    let undone = world.undo(&first.id);
    let shows = master(&world);
    assert_eq!(shows.title.as_str(), "three", "{undone:#?}");
    assert_eq!(shows.location.as_str(), "room 3");
    assert!(warned(&undone), "{undone:#?}");
    assert_eq!(undone.updated, 0);
}

#[test]
fn only_the_fields_of_the_run_are_taken_back() {
    let world = world();
    let event = single("one", at(2, 9), 1);
    puts(&world, &event);
    let later = edited(&event, |f| f.title = "two".into());
    let first = puts(&world, &later);
    puts(&world, &edited(&later, |f| f.location = "room 3".into()));
    let undone = world.undo(&first.id);
    let shows = master(&world);
    assert_eq!(shows.title.as_str(), "one", "{undone:#?}");
    assert_eq!(shows.location.as_str(), "room 3", "the later run's");
    assert!(!warned(&undone), "{undone:#?}");
}

#[test]
fn of_one_run_what_changed_since_stays_and_the_rest_goes_back() {
    let world = world();
    let event = single("one", at(2, 9), 1);
    puts(&world, &event);
    let first = puts(
        &world,
        &edited(&event, |f| {
            f.title = "two".into();
            f.location = "room 2".into();
        }),
    );
    let (name, copy) = there(&world);
    world
        .google
        .edit(&name, edited(&copy, |f| f.title = "by hand".into()));
    world.run();
    assert_eq!(here(&world).title.as_str(), "by hand");
    let undone = world.undo(&first.id);
    let shows = master(&world);
    assert_eq!(shows.title.as_str(), "by hand", "a person's");
    assert_eq!(shows.location.as_str(), "", "the run's");
    assert!(warned(&undone), "{undone:#?}");
    let writes = (world.caldav.writes(), world.google.writes());
    world.run();
    world.run();
    assert_eq!(writes, (world.caldav.writes(), world.google.writes()), "P1");
}

#[test]
fn a_change_that_has_not_crossed_yet_still_crosses_after_an_undo() {
    let world = world();
    let event = single("one", at(2, 9), 1);
    puts(&world, &event);
    let first = puts(&world, &edited(&event, |f| f.title = "two".into()));
    let (name, copy) = there(&world);
    world
        .google
        .edit(&name, edited(&copy, |f| f.description = "mine".into()));
    let undone = world.undo(&first.id);
    assert_eq!(master(&world).title.as_str(), "one", "{undone:#?}");
    assert_eq!(master(&world).description.as_str(), "mine");
    world.run();
    assert_eq!(here(&world).description.as_str(), "mine");
    assert_eq!(here(&world).title.as_str(), "two", "taken back at Google");
}

#[test]
fn a_copy_that_a_later_run_changed_is_not_removed() {
    let world = world();
    let event = single("one", at(2, 9), 1);
    let first = puts(&world, &event);
    puts(&world, &edited(&event, |f| f.title = "two".into()));
    let undone = world.undo(&first.id);
    assert_eq!(master(&world).title.as_str(), "two");
    assert!(warned(&undone), "{undone:#?}");
}

#[test]
fn a_new_series_with_exceptions_is_taken_back_whole() {
    for apart in [true, false] {
        let mut world = world();
        world.google =
            sync_engine::memory::MemoryCalendar::new().with(|c| c.exceptions_apart = apart);
        let event = recurring("S", at(2, 9), "FREQ=DAILY;COUNT=6");
        let event = with_override(&event, 3, 9, |f| f.title = "special".into());
        let first = puts(&world, &event);
        assert_eq!(
            own(&there(&world).1, 3, 9).unwrap().title.as_str(),
            "special"
        );
        let undone = world.undo(&first.id);
        assert!(world.google.all().is_empty(), "{undone:#?}");
    }
}

#[test]
fn an_override_that_changed_since_is_left_and_its_neighbour_goes_back() {
    for apart in [true, false] {
        let mut world = world();
        world.google =
            sync_engine::memory::MemoryCalendar::new().with(|c| c.exceptions_apart = apart);
        let event = recurring("S", at(2, 9), "FREQ=DAILY;COUNT=6");
        puts(&world, &event);
        let both = with_override(&event, 3, 9, |f| f.title = "three".into());
        let both = with_override(&both, 4, 9, |f| f.title = "four".into());
        let first = puts(&world, &both);
        puts(
            &world,
            &with_override(&both, 3, 9, |f| f.title = "three again".into()),
        );
        let undone = world.undo(&first.id);
        let (_, shows) = there(&world);
        assert_eq!(own(&shows, 3, 9).unwrap().title.as_str(), "three again");
        assert_eq!(own(&shows, 4, 9), None, "{undone:#?}");
        assert!(warned(&undone));
    }
}

#[test]
fn a_move_stays_where_an_exception_was_made_since() {
    let world = world();
    let event = recurring("S", at(2, 9), "FREQ=DAILY;COUNT=6");
    puts(&world, &event);
    let later = recurring("S", at(2, 12), "FREQ=DAILY;COUNT=6");
    let first = puts(&world, &later);
    puts(
        &world,
        &with_override(&later, 3, 12, |f| f.title = "new".into()),
    );
    let undone = world.undo(&first.id);
    let (_, shows) = there(&world);
    assert_eq!(own(&shows, 3, 12).unwrap().title.as_str(), "new");
    assert_eq!(shows.master.unwrap().when, later.master.unwrap().when);
    assert!(warned(&undone), "{undone:#?}");
}

#[test]
fn what_a_rule_hides_by_now_is_not_sent_again() {
    let mut world = World::new();
    let event = edited(&single("Dentist", at(2, 9), 1), |f| {
        f.location = "Dr Tooth".into();
    });
    puts(&world, &event);
    world.caldav.delete("a.ics");
    let first = world.run();
    assert_eq!(first.deleted, 1);
    world.mapping.privacy = Privacy::Busy;
    let undone = world.undo(&first.id);
    let shows = master(&world);
    assert_eq!(shows.title.as_str(), "Busy", "{undone:#?}");
    assert!(shows.location.is_empty());
    let told = serde_json::to_string(&undone).unwrap();
    assert!(!told.contains("Dentist"), "{told}");
}

#[test]
fn a_change_goes_back_as_the_rule_of_now_has_it() {
    let mut world = World::new();
    let event = single("Dentist", at(2, 9), 1);
    puts(&world, &event);
    let first = puts(
        &world,
        &edited(&event, |f| {
            f.title = "Lunch".into();
            f.transparency = Transparency::Free;
        }),
    );
    // The rule changed, and no run has carried that out yet.
    world.mapping.privacy = Privacy::Busy;
    let undone = world.undo(&first.id);
    let shows = master(&world);
    assert_eq!(shows.title.as_str(), "Busy", "{undone:#?}");
    assert_eq!(shows.transparency, Transparency::Busy, "taken back");
    let told = serde_json::to_string(&undone).unwrap();
    assert!(
        !told.contains("Dentist") && !told.contains("Lunch"),
        "{told}"
    );
}

#[test]
fn a_template_is_laid_over_once() {
    let mut world = World::new();
    world.mapping.privacy = Privacy::Template(Template {
        title: "Work: {title}".to_owned(),
        description: false,
        location: true,
    });
    let event = single("one", at(2, 9), 1);
    puts(&world, &event);
    let first = puts(&world, &edited(&event, |f| f.title = "two".into()));
    world.undo(&first.id);
    assert_eq!(master(&world).title.as_str(), "Work: one");
}

#[test]
fn of_a_private_event_no_more_comes_back_than_its_setting_lets_through() {
    let mut world = World::new();
    world.mapping.private_events = PrivateEvents::AsIs;
    let event = edited(&single("Dentist", at(2, 9), 1), |f| {
        f.sensitivity = Sensitivity::Private;
    });
    puts(&world, &event);
    let first = puts(&world, &edited(&event, |f| f.title = "Lunch".into()));
    world.mapping.private_events = PrivateEvents::Skip;
    let undone = world.undo(&first.id);
    assert_eq!(
        master(&world).title.as_str(),
        "Lunch",
        "the next run removes it"
    );
    assert!(warned(&undone));
    world.mapping.private_events = PrivateEvents::Busy;
    world.undo(&first.id);
    assert_eq!(master(&world).title.as_str(), "Busy");
}

#[test]
fn an_override_that_is_private_stays_veiled_though_its_master_is_public() {
    let mut world = World::new();
    world.mapping.private_events = PrivateEvents::AsIs;
    let event = recurring("S", at(2, 9), "FREQ=DAILY;COUNT=6");
    let private = with_override(&event, 3, 9, |f| {
        f.title = "Dentist".into();
        f.sensitivity = Sensitivity::Private;
    });
    puts(&world, &private);
    let later = with_override(&event, 3, 9, |f| {
        f.title = "Lunch".into();
        f.sensitivity = Sensitivity::Private;
    });
    let first = puts(&world, &later);
    world.mapping.private_events = PrivateEvents::Busy;
    let undone = world.undo(&first.id);
    let shows = own(&there(&world).1, 3, 9).unwrap();
    assert_eq!(shows.title.as_str(), "Busy", "{undone:#?}");
    let told = serde_json::to_string(&undone).unwrap();
    assert!(
        !told.contains("Dentist") && !told.contains("Lunch"),
        "{told}"
    );
}

#[test]
fn over_what_a_person_wrote_a_ruled_text_does_not_go_back() {
    let mut world = world();
    // Made at Google; CalDAV has the copy.
    world.google.put("g", "g", single("Google's", at(2, 9), 1));
    world.run();
    let name = world.caldav.all().into_keys().next().unwrap();
    let copy = world.caldav.all()[&name].clone();
    world
        .caldav
        .edit(&name, edited(&copy, |f| f.title = "CalDAV's".into()));
    world.run();
    world
        .caldav
        .edit(&name, edited(&copy, |f| f.title = "once more".into()));
    let second = world.run();
    world.mapping.privacy = Privacy::Busy;
    let undone = world.undo(&second.id);
    assert_eq!(master(&world).title.as_str(), "once more", "{undone:#?}");
    assert!(warned(&undone));
}
