//! What a rule hides is in no report, history, preview or conflict either (P9): not what copies made
//! under an earlier rule still say, nor what was said before an event became private.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use common::{World, at, edited, recurring, single, with_override};
use sync_engine::mapping::{ConflictPolicy, Direction};
use sync_engine::model::{Fields, Sensitivity, Series, Status};
use sync_engine::projection::{Privacy, PrivateEvents};
use sync_engine::report::RunReport;

fn private(fields: &mut Fields) {
    fields.sensitivity = Sensitivity::Private;
}

fn two_way(private_events: PrivateEvents) -> World {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.private_events = private_events;
    world
}

fn there(world: &World) -> (String, Series) {
    let all = world.google.all();
    all.into_iter().next().unwrap()
}

/// Nothing of this is told, of the run or on record.
fn silent(world: &World, run: &RunReport, words: &[&str]) {
    let conflicts = world.store.conflicts(&world.mapping.id);
    let told = serde_json::to_string(&(run, conflicts)).unwrap();
    for word in words {
        assert!(!told.contains(word), "P9, {word}: {told}");
    }
}

const HIDING: [PrivateEvents; 2] = [PrivateEvents::Busy, PrivateEvents::Skip];

#[test]
fn an_event_that_became_private_is_not_told_by_its_old_words() {
    for setting in HIDING {
        for direction in [Direction::CaldavToGoogle, Direction::Bidirectional] {
            let mut world = two_way(setting);
            world.mapping.direction = direction;
            let event = single("Dentist", at(2, 9), 1);
            world.caldav.put("a.ics", "a", event.clone());
            world.run();
            world.caldav.put("a.ics", "a", edited(&event, private));
            let run = world.run();
            assert_eq!(run.updated + run.deleted, 1, "{setting:?} {run:#?}");
            silent(&world, &run, &["Dentist"]);
        }
    }
}

#[test]
fn an_override_that_became_private_is_not_told_by_its_old_words() {
    for setting in HIDING {
        let world = two_way(setting);
        let event = recurring("Standup", at(2, 9), "FREQ=DAILY;COUNT=6");
        let special = with_override(&event, 3, 9, |f| f.title = "Dentist".into());
        world.caldav.put("a.ics", "a", special);
        world.run();
        let hidden = with_override(&event, 3, 9, |f| {
            f.title = "Dentist".into();
            private(f);
        });
        world.caldav.put("a.ics", "a", hidden);
        let run = world.run();
        assert_eq!(run.failed, 0);
        silent(&world, &run, &["Dentist"]);
    }
}

#[test]
fn a_public_override_of_a_master_that_became_private_goes_untold() {
    let world = two_way(PrivateEvents::Skip);
    let event = recurring("Therapy", at(2, 9), "FREQ=DAILY;COUNT=6");
    let special = with_override(&event, 3, 9, |f| f.title = "Therapy with music".into());
    world.caldav.put("a.ics", "a", special.clone());
    world.run();
    world.caldav.put("a.ics", "a", edited(&special, private));
    let run = world.run();
    assert_eq!(run.deleted, 1, "{run:#?}");
    silent(&world, &run, &["Therapy"]);
}

#[test]
fn what_crosses_to_a_private_event_does_not_quote_it() {
    let world = two_way(PrivateEvents::Busy);
    let event = edited(&single("Dentist", at(2, 9), 1), private);
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, copy) = there(&world);
    let later = single("x", at(2, 14), 1).master.unwrap().when;
    world.google.edit(&name, edited(&copy, |f| f.when = later));
    let run = world.run();
    assert_eq!(run.updated, 1, "{run:#?}");
    silent(&world, &run, &["Dentist"]);
}

#[test]
fn a_public_event_is_still_told_where_private_ones_are_hidden() {
    let world = two_way(PrivateEvents::Busy);
    let event = single("Lunch", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, copy) = there(&world);
    world
        .google
        .edit(&name, edited(&copy, |f| f.title = "Brunch".into()));
    let run = world.run();
    assert_eq!(run.events[0].summary, "Brunch");
    assert_eq!(run.events[0].changes[0].from, "Lunch");
}

/// Copies made while everything crossed, and a rule that came since.
fn tightened(
    policy: ConflictPolicy,
    tighten: impl Fn(&mut World),
) -> (World, Series, String, Series) {
    let mut world = two_way(PrivateEvents::AsIs);
    world.mapping.conflict_policy = policy;
    let event = edited(&single("Dentist", at(2, 9), 1), |f| {
        f.description = "root canal".into();
        f.location = "Dr Tooth".into();
        private(f);
    });
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, copy) = there(&world);
    tighten(&mut world);
    (world, event, name, copy)
}

const RULES: [fn(&mut World); 3] = [
    |world| world.mapping.privacy = Privacy::Busy,
    |world| world.mapping.private_events = PrivateEvents::Busy,
    |world| world.mapping.private_events = PrivateEvents::Skip,
];

const WORDS: [&str; 3] = ["Dentist", "root canal", "Dr Tooth"];

#[test]
fn a_conflict_holds_nothing_that_a_rule_hides_by_now() {
    let policies = [
        ConflictPolicy::Manual,
        ConflictPolicy::Latest,
        ConflictPolicy::Google,
    ];
    for policy in policies {
        for rule in RULES {
            let (world, event, name, copy) = tightened(policy, rule);
            let at_hour = |series: &Series, hour| {
                let when = single("x", at(2, hour), 1).master.unwrap().when;
                edited(series, |f| f.when = when)
            };
            world.caldav.put("a.ics", "a", at_hour(&event, 12));
            world.google.edit(&name, at_hour(&copy, 15));
            for _ in 0..3 {
                let run = world.run();
                silent(&world, &run, &WORDS);
            }
        }
    }
}

#[test]
fn a_conflict_with_a_deletion_holds_nothing_that_a_rule_hides_by_now() {
    for policy in [ConflictPolicy::Manual, ConflictPolicy::Latest] {
        for rule in RULES {
            let (world, event, name, copy) = tightened(policy, rule);
            let when = single("x", at(2, 12), 1).master.unwrap().when;
            // Edited here, deleted there.
            world
                .caldav
                .put("a.ics", "a", edited(&event, |f| f.when = when.clone()));
            world.google.delete(&name);
            for _ in 0..3 {
                let run = world.run();
                silent(&world, &run, &WORDS);
            }
            // And the other way about.
            let (world, _, name, _) = tightened(policy, rule);
            world.google.edit(&name, edited(&copy, |f| f.when = when));
            world.caldav.delete("a.ics");
            for _ in 0..3 {
                let run = world.run();
                silent(&world, &run, &WORDS);
            }
        }
    }
}

#[test]
fn a_conflict_with_what_was_called_off_holds_nothing_that_a_rule_hides_by_now() {
    for policy in [ConflictPolicy::Manual, ConflictPolicy::Latest] {
        for rule in RULES {
            let (world, event, name, copy) = tightened(policy, rule);
            let when = single("x", at(2, 12), 1).master.unwrap().when;
            world.caldav.put(
                "a.ics",
                "a",
                edited(&event, |f| f.status = Status::Cancelled),
            );
            world.google.edit(&name, edited(&copy, |f| f.when = when));
            for _ in 0..3 {
                let run = world.run();
                silent(&world, &run, &WORDS);
            }
        }
    }
}

#[test]
fn an_answer_to_a_conflict_sends_nothing_that_a_rule_hides_by_now() {
    use sync_engine::conflict::{Decision, Keep};
    for keep in [Keep::Caldav, Keep::Google, Keep::Merged] {
        for rule in RULES {
            let (world, event, name, copy) = tightened(ConflictPolicy::Manual, rule);
            let at_hour = |series: &Series, hour| {
                let when = single("x", at(2, hour), 1).master.unwrap().when;
                edited(series, |f| {
                    f.when = when;
                    f.description = "root canal, again".into();
                })
            };
            world.caldav.put("a.ics", "a", at_hour(&event, 12));
            world.google.edit(&name, at_hour(&copy, 15));
            world.run();
            for conflict in world.store.open_conflicts(&world.mapping.id) {
                world.store.decide(
                    &world.mapping.id,
                    Decision {
                        conflict: conflict.id,
                        row: conflict.row,
                        keep: keep.clone(),
                    },
                );
            }
            for _ in 0..3 {
                let run = world.run();
                silent(&world, &run, &["Dentist", "Dr Tooth"]);
            }
            for series in world.google.all().values() {
                let text = format!("{series:?}");
                assert!(!text.contains("Dentist"), "{keep:?}: {text}");
                assert!(!text.contains("Dr Tooth"), "{keep:?}: {text}");
            }
        }
    }
}

fn later(series: &Series, hour: i8) -> Series {
    let when = single("x", at(2, hour), 1).master.unwrap().when;
    edited(series, |f| f.when = when)
}

/// What stands on CalDAV.
fn here(world: &World) -> Series {
    world.caldav.all()["a.ics"].clone()
}

fn title(series: &Series) -> String {
    series.master.as_ref().unwrap().title.as_str().to_owned()
}

#[test]
fn busy_is_no_version_of_an_event_that_is_private_no_more() {
    for policy in [ConflictPolicy::Google, ConflictPolicy::Caldav] {
        let mut world = two_way(PrivateEvents::Busy);
        world.mapping.conflict_policy = policy;
        let event = single("Dentist", at(2, 9), 1);
        world.caldav.put("a.ics", "a", edited(&event, private));
        world.run();
        let (name, copy) = there(&world);
        assert_eq!(title(&copy), "Busy");
        world.google.edit(&name, later(&copy, 15));
        world.caldav.put("a.ics", "a", later(&event, 12));
        assert_eq!(world.run().conflicts, 1);
        world.run();
        assert_eq!(title(&here(&world)), "Dentist", "{policy:?}");
        assert_eq!(title(&there(&world).1), "Dentist", "{policy:?}");
    }
}

#[test]
fn busy_in_a_copy_on_caldav_is_no_version_either() {
    let mut world = two_way(PrivateEvents::Busy);
    world.mapping.conflict_policy = ConflictPolicy::Caldav;
    let event = single("Dentist", at(2, 9), 1);
    world.google.put("g", "g", edited(&event, private));
    world.run();
    let (name, copy) = world.caldav.all().into_iter().next().unwrap();
    assert_eq!(title(&copy), "Busy");
    world.caldav.edit(&name, later(&copy, 15));
    world.google.edit("g", later(&event, 12));
    assert_eq!(world.run().conflicts, 1);
    world.run();
    assert_eq!(title(&there(&world).1), "Dentist");
    assert_eq!(title(&world.caldav.all()[&name]), "Dentist");
}
