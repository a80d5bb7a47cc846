//! Which version is the newer one: what the event says of itself, else what its server says.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use std::sync::atomic::AtomicBool;

use common::odd::Odd;
use common::{World, at, edited, single};
use sync_engine::mapping::Direction;
use sync_engine::model::{Caldav, Google, RunId};
use sync_engine::run::Run;

fn run(world: &World, caldav: &Odd<'_, Caldav>, google: &Odd<'_, Google>, id: &str) {
    world.pass(300);
    let run = Run {
        mapping: &world.mapping,
        id: RunId::new(id),
        caldav,
        google,
        store: &world.store,
        clock: &world.clock,
        stop: &AtomicBool::new(false),
        round: None,
        joining: None,
        only: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    assert_eq!(runtime.block_on(run.run()).unwrap().failed, 0);
}

/// A program that changes an event and leaves its LAST-MODIFIED as it was.
#[test]
fn an_edit_that_does_not_say_so_is_dated_by_its_server() {
    for caldav_is_later in [true, false] {
        let mut world = World::new();
        world.mapping.direction = Direction::Bidirectional;
        let (caldav, google) = (Odd::new(&world.caldav), Odd::new(&world.google));
        let now = || world.now();
        let event = single("A", at(2, 9), 1);
        caldav.written.lock().unwrap().insert("a.ics".into(), now());
        world.caldav.put("a.ics", "a", event.clone());
        run(&world, &caldav, &google, "first");
        let name = world.google.all().into_keys().next().unwrap();
        google.written.lock().unwrap().insert(name.clone(), now());
        run(&world, &caldav, &google, "second");
        // Both are edited; who was later, only the servers know. The reading tells the other way
        // round.
        world.pass(3600);
        let early = now();
        world.pass(3600);
        let late = now();
        let (of_caldav, of_google) = if caldav_is_later {
            (late, early)
        } else {
            (early, late)
        };
        caldav
            .written
            .lock()
            .unwrap()
            .insert("a.ics".into(), of_caldav);
        google
            .written
            .lock()
            .unwrap()
            .insert(name.clone(), of_google);
        world
            .caldav
            .put("a.ics", "a", edited(&event, |f| f.title = "caldav".into()));
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "google".into()));
        run(&world, &caldav, &google, "third");
        let wanted = if caldav_is_later { "caldav" } else { "google" };
        let shows = world.google.all()[&name].master.clone().unwrap();
        assert_eq!(shows.title.as_str(), wanted);
        let shows = world.caldav.all()["a.ics"].master.clone().unwrap();
        assert_eq!(shows.title.as_str(), wanted);
    }
}

/// What older versions stored has no such time.
#[test]
fn observations_and_links_of_older_versions_still_read() {
    use sync_engine::observation::Observation;
    use sync_engine::row::Link;
    let old = r#"{"keys":[],"resources":[],"echo":{"master":null,"overrides":[]},"shown":true,
        "missing_since":null,"expanded":false}"#;
    let link: Link<Caldav> = serde_json::from_str(old).unwrap();
    assert!(link.written.is_empty());
    let old = r#"{"resource":"a.ics","series":"a","uid":"a","etag":null,"modified":null,
        "content":{"Series":{"master":null,"overrides":[]}},"tag":null,"access":"full",
        "has_guests":false,"note":null,"remarks":[]}"#;
    let seen: Observation<Caldav> = serde_json::from_str(old).unwrap();
    assert_eq!(seen.written, None);
}
