//! Ways of breaking one direction that were thought of by looking for them, between two calendars
//! in memory.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use common::{World, at, recurring, series, single};
use sync_engine::memory::MemoryCalendar;
use sync_engine::model::{Caldav, Cursor, OverrideValue, RecurrenceId, ResourceId, RunId};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::Write;
use sync_engine::ports::side::{
    Capabilities, Create, Listed, Listing, Remove, SideError, SidePort, Update, Written,
};
use sync_engine::projection::{Privacy, Template};
use sync_engine::report::RunReport;
use sync_engine::run::Run;

#[test]
fn what_does_not_cross_makes_no_override() {
    let mut world = World::new();
    world.mapping.privacy = Privacy::Busy;
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=5");
    let titled = single("Standup with guests", at(3, 9), 1).master.unwrap();
    event.overrides.insert(
        RecurrenceId::Wall(at(3, 9).wall),
        OverrideValue::Fields(Box::new(titled)),
    );
    world.caldav.put("s.ics", "s", event);
    world.run();
    assert!(series(&world).overrides.is_empty());
    let writes = world.google.writes();
    world.run();
    world.run();
    assert_eq!(world.google.writes(), writes, "P1");
}

#[test]
fn a_new_privacy_rule_reaches_every_copy_though_the_run_dies_and_the_rule_changes_again() {
    for steps in 0..30 {
        let mut world = World::new();
        for day in 1..6 {
            let uid = format!("e{day}");
            world
                .caldav
                .put(&format!("{uid}.ics"), &uid, single("Secret", at(day, 9), 1));
        }
        world.mapping.privacy = Privacy::Busy;
        world.run();
        // Opened by mistake, and closed again before the run was through.
        world.mapping.privacy = Privacy::Full;
        world.store.break_after(steps);
        let _ = world.try_run();
        world.store = world.store.clone();
        world.mapping.privacy = Privacy::Busy;
        world.run();
        world.run();
        assert_eq!(world.titles(), ["Busy"; 5], "died after {steps} steps");
    }
}

#[test]
fn a_run_that_hides_titles_does_not_tell_them() {
    let mut world = World::new();
    for uid in ["a", "b", "c"] {
        let mut event = single("Secret", at(3, 9), 1);
        event.master.as_mut().unwrap().location = "Secret place".into();
        world.caldav.put(&format!("{uid}.ics"), uid, event);
    }
    world.run();
    world.mapping.privacy = Privacy::Busy;
    world.caldav.delete("c.ics");
    let run = world.run();
    assert_eq!((run.updated, run.deleted), (2, 1));
    let text = serde_json::to_string(&run).unwrap();
    assert!(!text.contains("Secret"), "P9: {text}");
}

#[test]
fn an_event_refused_while_the_rule_changed_is_not_forgotten() {
    let mut world = World::new();
    world
        .caldav
        .put("a.ics", "a", single("Secret", at(3, 9), 1));
    world.run();
    world.mapping.privacy = Privacy::Template(Template {
        title: "Taken".to_owned(),
        description: false,
        location: false,
    });
    world
        .google
        .fail_after(1, sync_engine::memory::Fault::Refused);
    assert_eq!(world.run().failed, 1);
    world.pass_days(1);
    world.run();
    assert_eq!(world.titles(), ["Taken"]);
}

#[test]
fn another_uid_in_the_same_place_is_another_event() {
    let world = World::new();
    world
        .caldav
        .put("a.ics", "first", single("First", at(2, 9), 1));
    world
        .caldav
        .put("b.ics", "other", single("Other", at(3, 9), 1));
    world.run();
    world
        .caldav
        .put("a.ics", "second", single("Second", at(2, 9), 1));
    let run = world.run();
    assert_eq!((run.inserted, run.deleted), (1, 1));
    assert_eq!(world.titles(), ["Other", "Second"]);
}

/// A server that names resources and lets them be fetched, and may not find what it names.
struct Naming<'a> {
    inner: &'a MemoryCalendar<Caldav>,
    lost: Mutex<Option<ResourceId<Caldav>>>,
    /// It names everything, every time.
    everything: bool,
}

impl SidePort for Naming<'_> {
    type Tag = Caldav;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn resource_of(&self, write: &Write<Caldav>) -> ResourceId<Caldav> {
        self.inner.resource_of(write)
    }

    async fn list(&self, cursor: Option<&Cursor<Caldav>>) -> Result<Listing<Caldav>, SideError> {
        let cursor = cursor.filter(|_| !self.everything);
        let mut listing = self.inner.list(cursor).await?;
        for item in &mut listing.items {
            if let Listed::Seen(seen @ Seen::Present(_)) = item {
                *item = Listed::Version {
                    resource: seen.resource().clone(),
                    etag: seen.etag().cloned(),
                };
            }
        }
        Ok(listing)
    }

    async fn fetch(
        &self,
        resources: &[ResourceId<Caldav>],
    ) -> Result<Vec<Seen<Caldav>>, SideError> {
        let lost = self.lost.lock().unwrap().clone();
        let mut seen = self.inner.fetch(resources).await?;
        for seen in &mut seen {
            if Some(seen.resource()) == lost.as_ref() {
                *seen = Seen::Gone {
                    resource: seen.resource().clone(),
                };
            }
        }
        Ok(seen)
    }

    async fn create(&self, create: &Create) -> Result<Written<Caldav>, SideError> {
        self.inner.create(create).await
    }

    async fn update(&self, update: &Update<Caldav>) -> Result<Written<Caldav>, SideError> {
        self.inner.update(update).await
    }

    async fn remove(&self, remove: &Remove<Caldav>) -> Result<Written<Caldav>, SideError> {
        self.inner.remove(remove).await
    }
}

fn run_with(world: &World, caldav: &Naming<'_>, id: &str) -> RunReport {
    world.pass(300);
    let stop = AtomicBool::new(false);
    let run = Run {
        mapping: &world.mapping,
        id: RunId::new(id),
        caldav,
        google: &world.google,
        store: &world.store,
        clock: &world.clock,
        stop: &stop,
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

#[test]
fn a_server_that_loses_events_bit_by_bit_is_held_up_too() {
    let world = World::new();
    let caldav = Naming {
        inner: &world.caldav,
        lost: Mutex::new(None),
        everything: true,
    };
    for n in 0..40 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n % 20, 9), 1));
    }
    run_with(&world, &caldav, "r1");
    let lose = |from: usize| {
        for n in from..from + 6 {
            world.caldav.delete(&format!("e{n:02}.ics"));
        }
    };
    lose(0);
    assert_eq!(run_with(&world, &caldav, "r2").deleted, 6);
    lose(6);
    let held = run_with(&world, &caldav, "r3");
    assert_eq!((held.deleted, held.held), (0, 6));
    // A day later the six are six again.
    world.pass_days(1);
    assert_eq!(run_with(&world, &caldav, "r4").deleted, 6);
}

#[test]
fn what_a_listing_names_is_not_deleted_because_it_was_not_found() {
    let world = World::new();
    let caldav = Naming {
        inner: &world.caldav,
        lost: Mutex::new(None),
        everything: false,
    };
    let run = |id: &str| run_with(&world, &caldav, id);
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    run("r1");
    world.caldav.put("a.ics", "a", single("A2", at(2, 9), 1));
    *caldav.lost.lock().unwrap() = Some(ResourceId::new("a.ics"));
    let second = run("r2");
    assert_eq!((second.deleted, world.titles()), (0, vec!["A".to_owned()]));
    *caldav.lost.lock().unwrap() = None;
    world.caldav.put("a.ics", "a", single("A3", at(2, 9), 1));
    run("r3");
    assert_eq!(world.titles(), ["A3"]);
    world.caldav.delete("a.ics");
    assert_eq!(run("r4").deleted, 1);
}
