//! What the guard holds: single events with guests, whole calendars that drain away, emptied texts.
#![allow(clippy::unwrap_used, reason = "a test: it asserts the blunt way")]

mod common;

use std::sync::atomic::AtomicBool;

use common::odd::Odd;
use common::{World, at, recurring, single};
use sync_engine::guard::HeldKind;
use sync_engine::mapping::{Direction, Mapping};
use sync_engine::memory::{Fault, MemoryCalendar};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Google, MappingId, OverrideValue, RecurrenceId, RunId, Series};
use sync_engine::plan::CleanUp;
use sync_engine::ports::Recurring;
use sync_engine::ports::side::SidePort;
use sync_engine::report::RunReport;
use sync_engine::run::Run;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A run of `mapping`, five minutes later.
fn run_of<'a, C, G>(
    world: &'a World,
    mapping: &'a Mapping,
    caldav: &'a C,
    google: &'a G,
) -> Run<'a, C, G, sync_engine::memory::MemoryStore, sync_engine::memory::FixedClock>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
{
    world.pass(300);
    Run {
        mapping,
        id: RunId::new(format!("{}-{}", mapping.id, world.now())),
        caldav,
        google,
        store: &world.store,
        clock: &world.clock,
        stop: &GO_ON,
        round: None,
        joining: None,
        only: None,
    }
}

fn run<C, G>(world: &World, caldav: &C, google: &G) -> RunReport
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
{
    block(run_of(world, &world.mapping, caldav, google).run()).unwrap()
}

fn fill(world: &World, count: i64) {
    for n in 0..count {
        let uid = format!("e{n:02}");
        let event = single(&uid, at(n % 20, 9), 1);
        world.caldav.put(&format!("{uid}.ics"), &uid, event);
    }
}

fn lose(world: &World, which: std::ops::Range<i64>) {
    for n in which {
        world.caldav.delete(&format!("e{n:02}.ics"));
    }
}

/// A series that Google holds as single events, and a few others.
fn expanded(direction: Direction) -> (World, Series) {
    let mut world = World::new();
    world.mapping.direction = direction;
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    let pills = recurring("Pills", at(1, 8), "FREQ=HOURLY;INTERVAL=24;COUNT=4");
    world.caldav.put("p.ics", "p", pills.clone());
    for n in 0..6 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&uid, &uid, single("Other", at(20 + n, 9), 1));
    }
    (world, pills)
}

fn id(day: i64, hour: i8) -> RecurrenceId {
    RecurrenceId::Wall(at(day, hour).wall)
}

/// The single event of a day.
fn on(world: &World, day: i64) -> Option<String> {
    let all = world.google.all().into_iter();
    let mut there = all.filter(|(_, series)| {
        let start = single("x", at(day, 8), 1).master.unwrap().when;
        series.master.as_ref().unwrap().when == start
    });
    there.next().map(|(name, _)| name)
}

#[test]
fn a_single_event_that_somebody_gave_guests_is_held_and_the_rest_goes_on() {
    for direction in [Direction::CaldavToGoogle, Direction::Bidirectional] {
        let (world, mut pills) = expanded(direction);
        let google = Odd::new(&world.google);
        assert_eq!(run(&world, &world.caldav, &google).inserted, 7);
        google.invite(&on(&world, 2).unwrap());
        run(&world, &world.caldav, &google);
        for day in [2, 3] {
            pills.overrides.insert(id(day, 8), OverrideValue::Cancelled);
        }
        world.caldav.edit("p.ics", pills.clone());
        run(&world, &world.caldav, &google);
        assert!(on(&world, 3).is_none(), "{direction:?}: the rest goes on");
        assert!(on(&world, 2).is_some(), "{direction:?}: guests were lost");
        let report = run(&world, &world.caldav, &google);
        assert_eq!((report.held, report.deleted), (1, 0), "{direction:?}");
        assert!(report.warnings.iter().any(|w| w.code == "has_guests"));
        let held = world.store.held(&world.mapping.id).remove(0);
        assert_eq!(held.kind, HeldKind::Deletions);
        // It stays held, and a person lets it go.
        assert_eq!(run(&world, &world.caldav, &google).held, 1);
        let held = world.store.held(&world.mapping.id).remove(0);
        assert!(world.store.approve(&world.mapping.id, &held.id));
        let report = run(&world, &world.caldav, &google);
        assert_eq!((report.held, report.deleted), (0, 1), "{report:#?}");
        assert!(on(&world, 2).is_none() && on(&world, 1).is_some());
        let writes = world.google.writes();
        assert_eq!(run(&world, &world.caldav, &google).held, 0);
        assert_eq!(world.google.writes(), writes);
    }
}

#[test]
fn a_single_event_with_guests_that_takes_place_again_is_held_no_more() {
    let (world, mut pills) = expanded(Direction::CaldavToGoogle);
    let google = Odd::new(&world.google);
    run(&world, &world.caldav, &google);
    google.invite(&on(&world, 2).unwrap());
    run(&world, &world.caldav, &google);
    pills.overrides.insert(id(2, 8), OverrideValue::Cancelled);
    world.caldav.edit("p.ics", pills.clone());
    assert_eq!(run(&world, &world.caldav, &google).held, 1);
    pills.overrides.clear();
    world.caldav.edit("p.ics", pills);
    assert_eq!(run(&world, &world.caldav, &google).held, 0);
    assert!(world.store.held(&world.mapping.id).is_empty());
}

#[test]
fn emptied_texts_of_single_events_are_held_like_any_other() {
    for direction in [Direction::CaldavToGoogle, Direction::Bidirectional] {
        let mut world = World::new();
        world.mapping.direction = direction;
        world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
        let rule = "FREQ=HOURLY;INTERVAL=24;COUNT=2";
        let pills = |title: &str, n: i64| recurring(title, at(n, 8), rule);
        for n in 0..4 {
            let uid = format!("p{n}");
            world.caldav.put(&uid, &uid, pills("Pills", n + 1));
        }
        world.run();
        for n in 0..4 {
            world.caldav.edit(&format!("p{n}"), pills("", n + 1));
        }
        let report = world.run();
        assert_eq!(report.updated, 0, "{direction:?} {report:#?}");
        assert!(report.held > 0);
        assert_eq!(world.titles(), ["Pills"; 8]);
        let held = world.store.held(&world.mapping.id).remove(0);
        if direction == Direction::Bidirectional {
            // A person wants them back.
            assert!(world.store.restore(&world.mapping.id, &held.id));
            world.run();
            world.run();
            for series in world.caldav.all().into_values() {
                assert_eq!(series.master.unwrap().title.as_str(), "Pills");
                assert!(series.overrides.is_empty());
            }
            assert_eq!(world.titles(), ["Pills"; 8]);
            assert!(world.store.held(&world.mapping.id).is_empty());
        } else {
            assert!(world.store.approve(&world.mapping.id, &held.id));
            world.run();
            assert_eq!(world.titles(), [""; 8]);
        }
    }
}

#[test]
fn all_of_a_calendar_is_all_though_one_of_them_stays() {
    // One has guests, and is held anyway.
    let world = World::new();
    fill(&world, 4);
    let google = Odd::new(&world.google);
    run(&world, &world.caldav, &google);
    google.invite(&world.google_names().remove(0));
    run(&world, &world.caldav, &google);
    lose(&world, 0..4);
    let report = run(&world, &world.caldav, &google);
    assert_eq!((report.deleted, report.held), (0, 4), "guests: {report:#?}");

    // One is a native that was found there, and stays whatever becomes of its source.
    let world = World::new();
    fill(&world, 4);
    let native = single("e00", at(0, 9), 1);
    world.google.put("native", "native", native);
    assert_eq!(world.run().inserted, 3);
    world.run();
    lose(&world, 0..4);
    let report = world.run();
    assert_eq!((report.deleted, report.held), (0, 3), "native: {report:#?}");
    assert_eq!(world.run().held, 3, "and they stay held");
}

#[test]
fn the_last_of_a_calendar_that_drained_away_is_held() {
    let world = World::new();
    fill(&world, 8);
    let caldav = Odd::naming_everything(&world.caldav);
    run(&world, &caldav, &world.google);
    for n in 0..4 {
        lose(&world, n * 2..n * 2 + 2);
        // An empty answer is believed when it is given twice.
        let first = run(&world, &caldav, &world.google);
        let second = run(&world, &caldav, &world.google);
        let deleted = first.deleted + second.deleted;
        assert_eq!(
            (deleted, second.held),
            if n < 3 { (2, 0) } else { (0, 2) },
            "{second:#?}"
        );
    }
    // It was no accident: a person says so, and what was missing counts no more.
    let held = world.store.held(&world.mapping.id).remove(0);
    assert!(world.store.approve(&world.mapping.id, &held.id));
    assert_eq!(run(&world, &caldav, &world.google).deleted, 2);
}

/// Forty events, of which a listing leaves out six and six.
fn losing() -> World {
    let world = World::new();
    fill(&world, 40);
    world
}

#[test]
fn what_other_readings_missed_counts_as_well() {
    type Look = fn(&World, &Odd<'_, Caldav>);
    let looks: [(&str, Look); 4] = [
        ("a run", |world, caldav| {
            assert_eq!(run(world, caldav, &world.google).deleted, 6);
        }),
        ("a preview", |world, caldav| {
            let looking = run_of(world, &world.mapping, caldav, &world.google);
            block(looking.preview()).unwrap().unwrap();
            assert_eq!(run(world, caldav, &world.google).deleted, 6);
        }),
        ("a clean-up", |world, caldav| {
            let cleaning = run_of(world, &world.mapping, caldav, &world.google);
            block(cleaning.clean_up(CleanUp::Orphans)).unwrap();
            assert_eq!(run(world, caldav, &world.google).deleted, 6);
        }),
        ("a run that broke", |world, caldav| {
            world.google.fail_after(3, Fault::Lost);
            assert!(run(world, caldav, &world.google).error.is_some());
            run(world, caldav, &world.google);
        }),
    ];
    for (name, look) in looks {
        let world = losing();
        let caldav = Odd::naming_everything(&world.caldav);
        run(&world, &caldav, &world.google);
        lose(&world, 0..6);
        look(&world, &caldav);
        assert_eq!(world.google.all().len(), 34, "{name}");
        lose(&world, 6..12);
        let report = run(&world, &caldav, &world.google);
        assert_eq!((report.deleted, report.held), (0, 6), "{name}");
    }
}

#[test]
fn a_second_mapping_of_a_calendar_counts_what_the_first_has_read() {
    let world = losing();
    let caldav = Odd::naming_everything(&world.caldav);
    let mut mapping = world.mapping.clone();
    mapping.id = MappingId::new("second");
    mapping.google.calendar = sync_engine::model::CalendarId::new("second@example.com");
    let google = MemoryCalendar::<Google>::new();
    let both = |round: &mut Option<Timestamp>| -> (RunReport, RunReport) {
        let first = run(&world, &caldav, &world.google);
        // It is of the same round: what the first has read is not read again.
        let mut second = run_of(&world, &mapping, &caldav, &google);
        second.round = round.replace(world.now()).map(|_| common::start());
        (first, block(second.run()).unwrap())
    };
    let mut round = None;
    both(&mut round);
    lose(&world, 0..6);
    let (first, second) = both(&mut round);
    assert_eq!((first.deleted, second.deleted), (6, 6));
    assert_eq!((first.held, second.held), (0, 0));
    lose(&world, 6..12);
    let (first, second) = both(&mut round);
    assert_eq!((first.deleted, first.held), (0, 6));
    assert_eq!((second.deleted, second.held), (0, 6));
}

#[test]
fn what_is_counted_now_is_not_counted_as_missing_before() {
    // Eleven of a hundred are no accident for either mapping, whoever read that they are gone.
    let world = World::new();
    fill(&world, 60);
    let caldav = Odd::naming_everything(&world.caldav);
    run(&world, &caldav, &world.google);
    lose(&world, 0..11);
    let looking = run_of(&world, &world.mapping, &caldav, &world.google);
    block(looking.preview()).unwrap().unwrap();
    assert_eq!(run(&world, &caldav, &world.google).deleted, 11);
    // What came back is missing no more.
    let world = losing();
    let caldav = Odd::naming_everything(&world.caldav);
    run(&world, &caldav, &world.google);
    lose(&world, 0..6);
    run(&world, &caldav, &world.google);
    fill(&world, 40);
    run(&world, &caldav, &world.google);
    lose(&world, 6..12);
    assert_eq!(run(&world, &caldav, &world.google).deleted, 6);
}
