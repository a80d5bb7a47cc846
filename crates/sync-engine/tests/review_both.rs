//! Ways of breaking both directions that were thought of by looking for them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test: it asserts the blunt way"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use common::{World, at, edited, recurring, single};
use sync_engine::conflict::{Decision, Keep};
use sync_engine::mapping::{ConflictPolicy, Direction};
use sync_engine::memory::MemoryCalendar;
use sync_engine::model::{
    Cursor, Fields, LocalTime, OverrideValue, RecurrenceId, ResourceId, RunId, Sensitivity, Series,
    Side, SideTag, Status, Zone,
};
use sync_engine::observation::{Access, Observation, Seen};
use sync_engine::plan::CleanUp;
use sync_engine::plan::operation::Write;
use sync_engine::ports::Recurring;
use sync_engine::ports::side::{
    Capabilities, Create, Listed, Listing, Remove, SideError, SidePort, Update, Written,
};
use sync_engine::projection::{Privacy, PrivateEvents};
use sync_engine::run::Run;

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

fn title(series: &Series) -> String {
    let master = series.master.as_ref();
    master.map_or_else(String::new, |m| m.title.as_str().to_owned())
}

fn named(all: &BTreeMap<String, Series>, not: &str) -> BTreeMap<String, Series> {
    all.iter()
        .filter(|(_, s)| !title(s).starts_with(not))
        .map(|(n, s)| (n.clone(), s.clone()))
        .collect()
}

/// The one event on Google that does not always stay.
fn there(world: &World) -> (String, Series) {
    let left: Vec<_> = world
        .google
        .all()
        .into_iter()
        .filter(|(_, s)| {
            let m = s.master.as_ref().unwrap();
            let hours: Vec<_> = (0..5)
                .map(|n| single("x", at(20 + n, 9), 1).master.unwrap().when)
                .collect();
            !hours.contains(&m.when)
        })
        .collect();
    assert_eq!(left.len(), 1, "{left:#?}");
    left.into_iter().next().unwrap()
}

fn here(world: &World, name: &str) -> Series {
    world.caldav.all()[name].clone()
}

fn id(day: i64, hour: i8) -> RecurrenceId {
    RecurrenceId::Wall(at(day, hour).wall)
}

fn own(series: &mut Series, day: i64, hour: i8, change: impl FnOnce(&mut Fields)) {
    let id = id(day, hour);
    let mut fields = match series.overrides.get(&id) {
        Some(OverrideValue::Fields(fields)) => fields.as_ref().clone(),
        _ => sync_engine::snapshot::inherited(series.master.as_ref().unwrap(), id),
    };
    change(&mut fields);
    series
        .overrides
        .insert(id, OverrideValue::Fields(Box::new(fields)));
}

fn fields(series: &Series, day: i64, hour: i8) -> Fields {
    match series.overrides.get(&id(day, hour)) {
        Some(OverrideValue::Fields(fields)) => fields.as_ref().clone(),
        other => panic!("no override of its own: {other:?} in {series:#?}"),
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

static GO_ON: AtomicBool = AtomicBool::new(false);

macro_rules! run_of {
    ($world:expr, $caldav:expr, $google:expr, $id:expr) => {{
        $world.pass(300);
        Run {
            mapping: &$world.mapping,
            id: RunId::new($id),
            caldav: $caldav,
            google: $google,
            store: &$world.store,
            clock: &$world.clock,
            stop: &GO_ON,
            round: None,
            joining: None,
            only: None,
        }
    }};
}

/// A calendar in which some events belong to somebody else, or have guests.
struct Shaded<'a, S: SideTag> {
    inner: &'a MemoryCalendar<S>,
    access: BTreeMap<String, Access>,
    guests: Vec<String>,
}

impl<S: SideTag> Shaded<'_, S> {
    fn observation(&self, mut seen: Box<Observation<S>>) -> Box<Observation<S>> {
        if let Some(access) = self.access.get(seen.resource.as_str()) {
            seen.access = *access;
        }
        seen.has_guests |= self.guests.iter().any(|g| g == seen.resource.as_str());
        seen
    }
    fn seen(&self, seen: Seen<S>) -> Seen<S> {
        match seen {
            Seen::Present(o) => Seen::Present(self.observation(o)),
            seen => seen,
        }
    }
    fn written(&self, written: Written<S>) -> Written<S> {
        match written {
            Written::Done(o) => Written::Done(self.observation(o)),
            other => other,
        }
    }
}

impl<S: SideTag> SidePort for Shaded<'_, S> {
    type Tag = S;
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn resource_of(&self, write: &Write<S>) -> ResourceId<S> {
        self.inner.resource_of(write)
    }
    async fn list(&self, cursor: Option<&Cursor<S>>) -> Result<Listing<S>, SideError> {
        let mut listing = self.inner.list(cursor).await?;
        listing.items = listing
            .items
            .into_iter()
            .map(|item| match item {
                Listed::Seen(seen) => Listed::Seen(self.seen(seen)),
                item @ Listed::Version { .. } => item,
            })
            .collect();
        Ok(listing)
    }
    async fn fetch(&self, resources: &[ResourceId<S>]) -> Result<Vec<Seen<S>>, SideError> {
        let seen = self.inner.fetch(resources).await?;
        Ok(seen.into_iter().map(|seen| self.seen(seen)).collect())
    }
    async fn create(&self, create: &Create) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.create(create).await?))
    }
    async fn update(&self, update: &Update<S>) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.update(update).await?))
    }
    async fn remove(&self, remove: &Remove<S>) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.remove(remove).await?))
    }
}

// ---------------------------------------------------------------------------------------------

/// F1: guests of a CalDAV event would be mailed, a foreign Google event be written.
#[test]
fn f01_a_side_that_may_not_be_written_is_not_written() {
    for access in [Access::MailsGuests, Access::ReadOnly] {
        let world = world();
        let event = single("A", at(2, 9), 1);
        world.caldav.put("a.ics", "a", event.clone());
        let caldav = Shaded {
            inner: &world.caldav,
            access: [("a.ics".to_owned(), access)].into(),
            guests: Vec::new(),
        };
        block(run_of!(world, &caldav, &world.google, "r1").run()).unwrap();
        let (name, _) = there(&world);
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "from google".into()));
        let writes = world.caldav.writes();
        let run = block(run_of!(world, &caldav, &world.google, "r2").run()).unwrap();
        assert_eq!(
            world.caldav.writes(),
            writes,
            "{access:?} written: {run:#?}"
        );
        assert_eq!(title(&here(&world, "a.ics")), "A");
        assert!(!run.warnings.is_empty());
    }
}

/// F2: Full → Busy while the event is edited: the title stays readable at Google.
#[test]
fn f02_a_stricter_privacy_rule_hides_what_is_edited_in_the_same_run() {
    for side in [Side::Caldav, Side::Google] {
        let mut world = world();
        let event = single("Dentist", at(2, 9), 1);
        world.caldav.put("a.ics", "a", event.clone());
        world.run();
        world.mapping.privacy = Privacy::Busy;
        let moved = edited(&event, |f| {
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        });
        match side {
            Side::Caldav => world.caldav.put("a.ics", "a", moved),
            Side::Google => world.google.edit(&there(&world).0, moved),
        }
        for _ in 0..3 {
            world.run();
        }
        assert_eq!(title(&there(&world).1), "Busy", "P9, edited on {side}");
    }
}

/// F3: the same with an open conflict.
#[test]
fn f03_a_stricter_privacy_rule_reaches_a_copy_that_waits_for_a_person() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    let event = single("Dentist", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let at_hour = |h| {
        edited(&event, |f| {
            f.when = single("x", at(2, h), 1).master.unwrap().when;
        })
    };
    world.caldav.put("a.ics", "a", at_hour(12));
    world.google.edit(&there(&world).0, at_hour(15));
    assert_eq!(world.run().conflicts, 1);
    world.mapping.privacy = Privacy::Busy;
    world.run();
    world.run();
    let stored = serde_json::to_string(&world.store.conflicts(&world.mapping.id)).unwrap();
    assert!(!stored.contains("Dentist"), "P9: {stored}");
    if let Some(conflict) = world.store.open_conflicts(&world.mapping.id).first() {
        world.store.decide(
            &world.mapping.id,
            Decision {
                conflict: conflict.id.clone(),
                row: conflict.row.clone(),
                keep: Keep::Google,
            },
        );
    }
    world.run();
    world.run();
    assert_eq!(title(&there(&world).1), "Busy", "P9");
}

/// F4: what was set aside by an undo keeps its title for good.
#[test]
fn f04_a_stricter_privacy_rule_reaches_what_was_set_aside() {
    let mut world = world();
    let event = single("Dentist", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    world.caldav.put(
        "a.ics",
        "a",
        edited(&event, |f| f.location = "there".into()),
    );
    block(run_of!(world, &world.caldav, &world.google, "edit").run()).unwrap();
    let undo = run_of!(world, &world.caldav, &world.google, "undo");
    assert_eq!(block(undo.undo(&RunId::new("edit"))).unwrap().updated, 1);
    world.mapping.privacy = Privacy::Busy;
    world.run();
    // Somebody edits it again: it takes part, and is planned anew at last.
    let moved = edited(&event, |f| {
        f.when = single("x", at(2, 14), 1).master.unwrap().when;
    });
    world.caldav.put("a.ics", "a", moved);
    world.run();
    world.run();
    assert_eq!(title(&there(&world).1), "Busy", "P9");
}

/// F5: merge of one instance, changed for the first time on both sides.
#[test]
fn f05_merge_keeps_both_sides_sole_changes_of_an_instance() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Merge;
    let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, _) = there(&world);
    let (mut on_caldav, mut on_google) = (event.clone(), event);
    own(&mut on_caldav, 3, 9, |f| {
        f.title = "Standup with cake".into();
    });
    own(&mut on_google, 3, 9, |f| f.location = "kitchen".into());
    world.caldav.put("a.ics", "a", on_caldav);
    world.google.edit(&name, on_google);
    world.run();
    let both = fields(&here(&world, "a.ics"), 3, 9);
    assert_eq!(
        (both.title.as_str(), both.location.as_str()),
        ("Standup with cake", "kitchen")
    );
}

/// F6: an instance moved at Google cuts the description, or fixes the zone, of CalDAV's override.
#[test]
fn f06_a_cut_text_never_flows_back_through_an_instance() {
    let mut world = world();
    world.google = MemoryCalendar::new().with(|c| {
        c.description_limit = Some(10);
        c.floating = false;
    });
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    event.master.as_mut().unwrap().description = "a description that is long".into();
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, mut copy) = there(&world);
    own(&mut copy, 3, 9, |f| f.title = "Standup with cake".into());
    world.google.edit(&name, copy);
    world.run();
    let kept = fields(&here(&world, "a.ics"), 3, 9);
    assert_eq!(kept.title.as_str(), "Standup with cake");
    assert_eq!(kept.description.as_str(), "a description that is long");
}

#[test]
fn f06b_a_floating_time_stays_floating_in_an_instance() {
    let mut world = world();
    world.google = MemoryCalendar::new().with(|c| c.floating = false);
    let start = LocalTime::new(at(1, 9).wall, Zone::Floating);
    let event = recurring("Standup", start, "FREQ=DAILY;COUNT=6");
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, mut copy) = there(&world);
    own(&mut copy, 3, 9, |f| f.title = "Standup with cake".into());
    world.google.edit(&name, copy);
    world.run();
    let kept = fields(&here(&world, "a.ics"), 3, 9);
    assert_eq!(kept.title.as_str(), "Standup with cake");
    assert_eq!(kept.when.zone(), Some(&Zone::Floating));
}

/// F7: after a lost database, an edit at Google takes the cut description along.
#[test]
fn f07_a_cut_text_never_flows_back_after_a_lost_database() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Google;
    world.google = MemoryCalendar::new().with(|c| c.description_limit = Some(10));
    let mut event = single("A", at(2, 9), 1);
    event.master.as_mut().unwrap().description = "a description that is long".into();
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, copy) = there(&world);
    world.forget();
    world
        .google
        .edit(&name, edited(&copy, |f| f.title = "A2".into()));
    world.run();
    let kept = here(&world, "a.ics").master.unwrap();
    assert_eq!(kept.title.as_str(), "A2");
    assert_eq!(kept.description.as_str(), "a description that is long");
}

/// F8: `private_events: busy` overwrites the title of the private event.
#[test]
fn f08_busy_of_a_private_event_never_flows_back_and_is_not_told() {
    let mut world = world();
    world.mapping.private_events = PrivateEvents::Busy;
    let mut event = single("Dentist", at(2, 9), 1);
    event.master.as_mut().unwrap().sensitivity = Sensitivity::Private;
    event.master.as_mut().unwrap().description = "teeth".into();
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, copy) = there(&world);
    assert_eq!(title(&copy), "Busy");
    world.google.edit(
        &name,
        edited(&copy, |f| {
            f.title = "Still busy".into();
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        }),
    );
    let run = world.run();
    assert_eq!(title(&here(&world, "a.ics")), "Dentist");
    let text = serde_json::to_string(&run).unwrap();
    assert!(
        !text.contains("Dentist") && !text.contains("teeth"),
        "P9: {text}"
    );
}

#[test]
fn f08b_a_conflict_about_a_private_event_does_not_tell_it() {
    let mut world = world();
    world.mapping.private_events = PrivateEvents::Busy;
    let mut event = single("Dentist", at(2, 9), 1);
    event.master.as_mut().unwrap().sensitivity = Sensitivity::Private;
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, copy) = there(&world);
    let at_hour = |e: &Series, h| {
        edited(e, |f| {
            f.when = single("x", at(2, h), 1).master.unwrap().when;
        })
    };
    world.caldav.put("a.ics", "a", at_hour(&event, 12));
    world.google.edit(&name, at_hour(&copy, 15));
    assert_eq!(world.run().conflicts, 1);
    let text = serde_json::to_string(&world.store.conflicts(&world.mapping.id)).unwrap();
    assert!(!text.contains("Dentist"), "P9: {text}");
}

/// F9: undoing a run that added one single event removes them all.
#[test]
fn f09_undo_of_one_more_occurrence_does_not_take_the_others_away() {
    let mut world = world();
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    world.mapping.window.future_days = 2;
    let event = recurring("Pills", at(0, 12), "FREQ=HOURLY;INTERVAL=24;COUNT=20");
    world.caldav.put("a.ics", "a", event);
    world.run();
    let before = world.google.all().len();
    assert!(before >= 2);
    world.pass_days(1);
    block(run_of!(world, &world.caldav, &world.google, "next").run()).unwrap();
    assert_eq!(world.google.all().len(), before + 1);
    let undo = run_of!(world, &world.caldav, &world.google, "undo");
    let run = block(undo.undo(&RunId::new("next"))).unwrap();
    assert_eq!(world.google.all().len(), before + 1, "{run:#?}");
    assert_eq!(run.warnings[0].code, "not_undone");
}

/// F10: manual, and CalDAV changes the form: the person's version at Google is removed.
#[test]
fn f10_a_change_of_form_waits_while_a_conflict_is_open() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    world.google = MemoryCalendar::new().with(|c| c.recurring = Recurring::Google);
    let event = recurring("Pills", at(1, 8), "FREQ=DAILY;COUNT=4");
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, copy) = there(&world);
    world
        .google
        .edit(&name, edited(&copy, |f| f.title = "Two pills".into()));
    let hourly = recurring("One pill", at(1, 8), "FREQ=HOURLY;INTERVAL=8;COUNT=4");
    world.caldav.put("a.ics", "a", hourly);
    let run = world.run();
    assert_eq!(run.conflicts, 1);
    assert!(
        world.google.all().values().any(|s| title(s) == "Two pills"),
        "manual keeps both: {run:#?}"
    );
}

/// F11: a native at Google is deleted because its never-agreed namesake is called off.
#[test]
fn f11_a_native_is_not_deleted_by_being_linked_to_a_cancelled_namesake() {
    let world = world();
    let off = edited(&single("Old date", at(2, 9), 1), |f| {
        f.status = Status::Cancelled;
    });
    world.caldav.put("a.ics", "a", off);
    world
        .google
        .put("native", "a", single("New date", at(3, 9), 1));
    let run = world.run();
    assert!(world.google.all().contains_key("native"), "P3: {run:#?}");
}

/// F12: a cancellation here against an edit there.
#[test]
fn f12_an_edit_against_a_cancellation_is_a_conflict_at_least() {
    let world = world();
    let event = single("A", at(2, 9), 1);
    world.google.put("b", "b", event.clone());
    world.run();
    let name = named(&world.caldav.all(), "stays")
        .into_keys()
        .next()
        .unwrap();
    world
        .caldav
        .edit(&name, edited(&event, |f| f.status = Status::Cancelled));
    world.google.edit(
        "b",
        edited(&event, |f| f.title = "A, in the big room".into()),
    );
    let run = world.run();
    assert!(
        run.conflicts == 1 || world.google.all().contains_key("b"),
        "lost without a word: {run:#?}"
    );
}

/// F13: one instance's title at Google is put back under `busy`, though the master's is let be.
#[test]
fn f13_under_busy_an_instances_title_at_google_stays() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    let event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, mut copy) = there(&world);
    own(&mut copy, 3, 9, |f| f.title = "Busy, ask Bob".into());
    world.google.edit(&name, copy.clone());
    let writes = world.google.writes();
    world.run();
    world.run();
    assert_eq!(
        world.google.writes(),
        writes,
        "nobody on CalDAV changed anything"
    );
    assert_eq!(there(&world).1, copy);
}

/// F14: a widened window overwrites the title that a person gave a CalDAV copy.
#[test]
fn f14_another_setting_does_not_overwrite_what_a_privacy_rule_kept_apart() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    world.google.put("b", "b", single("Concert", at(3, 9), 1));
    world.run();
    let name = world
        .caldav
        .all()
        .into_iter()
        .find(|(_, s)| title(s) == "Concert")
        .unwrap()
        .0;
    let copy = here(&world, &name);
    world.caldav.edit(
        &name,
        edited(&copy, |f| f.title = "Concert with her".into()),
    );
    world.run();
    world.mapping.window.future_days = 40;
    world.run();
    assert_eq!(title(&here(&world, &name)), "Concert with her");
}

/// F15: a cancelled instance comes back at Google as "Busy": CalDAV must not be told that title.
#[test]
fn f15_busy_never_becomes_the_title_of_an_instance() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    let mut event = recurring("Standup", at(1, 9), "FREQ=DAILY;COUNT=6");
    event.overrides.insert(id(3, 9), OverrideValue::Cancelled);
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, mut copy) = there(&world);
    copy.overrides.remove(&id(3, 9));
    own(&mut copy, 3, 9, |f| {
        f.when = single("x", at(3, 15), 1).master.unwrap().when;
    });
    world.google.edit(&name, copy);
    let run = world.run();
    let kept = fields(&here(&world, "a.ics"), 3, 9);
    assert_eq!(kept.title.as_str(), "Standup");
    assert!(
        !serde_json::to_string(&run).unwrap().contains("Standup"),
        "P9"
    );
}

/// F16: the preview and report of an undo tell CalDAV's texts.
#[test]
fn f16_an_undo_does_not_tell_what_privacy_hides() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    world
        .caldav
        .put("a.ics", "a", single("Dentist", at(2, 9), 1));
    world.run();
    let (name, copy) = there(&world);
    world.google.edit(
        &name,
        edited(&copy, |f| {
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        }),
    );
    block(run_of!(world, &world.caldav, &world.google, "move").run()).unwrap();
    let preview = run_of!(world, &world.caldav, &world.google, "look");
    let seen = block(preview.preview_undo(&RunId::new("move")))
        .unwrap()
        .unwrap();
    let accounts: Vec<_> = seen
        .plan
        .groups
        .iter()
        .flat_map(|g| &g.steps)
        .map(sync_engine::plan::operation::Step::account)
        .collect();
    assert!(!accounts.is_empty());
    let text = serde_json::to_string(&accounts).unwrap();
    assert!(!text.contains("Dentist"), "P9 in the preview: {text}");
    let undo = run_of!(world, &world.caldav, &world.google, "undo");
    let run = block(undo.undo(&RunId::new("move"))).unwrap();
    let text = serde_json::to_string(&run).unwrap();
    assert!(!text.contains("Dentist"), "P9 in the report: {text}");
}

/// F17: a clean-up removes a copy together with an edit that has not crossed yet.
#[test]
fn f17_a_clean_up_spares_what_was_edited() {
    let mut world = world();
    world.mapping.window.future_days = 60;
    world.caldav.put("a.ics", "a", single("A", at(40, 9), 1));
    world.run();
    world.mapping.window.future_days = 30;
    world.run();
    let (name, copy) = there(&world);
    world.google.edit(
        &name,
        edited(&copy, |f| {
            f.when = single("x", at(4, 9), 1).master.unwrap().when;
        }),
    );
    let clean = run_of!(world, &world.caldav, &world.google, "clean");
    let run = block(clean.clean_up(CleanUp::OutsideWindow)).unwrap();
    assert!(
        world.google.all().contains_key(&name),
        "the edit is lost: {run:#?}"
    );
    world.run();
    assert_eq!(
        here(&world, "a.ics").master.unwrap().when,
        single("x", at(4, 9), 1).master.unwrap().when
    );
}

/// F18: killed while carrying out a person's decision: the answer is lost.
#[test]
fn f18_a_decision_survives_a_crash() {
    for steps in 0..20 {
        let mut world = world();
        world.mapping.conflict_policy = ConflictPolicy::Manual;
        let event = single("A", at(2, 9), 1);
        world.caldav.put("a.ics", "a", event.clone());
        world.run();
        let (name, _) = there(&world);
        world
            .caldav
            .put("a.ics", "a", edited(&event, |f| f.title = "one".into()));
        world
            .google
            .edit(&name, edited(&event, |f| f.title = "two".into()));
        world.run();
        let open = world.store.open_conflicts(&world.mapping.id).remove(0);
        world.store.decide(
            &world.mapping.id,
            Decision {
                conflict: open.id,
                row: open.row,
                keep: Keep::Google,
            },
        );
        world.store.break_after(steps);
        let _ = world.try_run();
        world.store = world.store.clone();
        world.run();
        world.run();
        assert_eq!(
            title(&here(&world, "a.ics")),
            "two",
            "P4: died after {steps} steps"
        );
    }
}

/// F19: restoring held updates that empty texts.
#[test]
fn f19_held_emptied_texts_can_be_put_back() {
    let world = world();
    for n in 0..20 {
        let uid = format!("e{n:02}");
        let mut event = single(&uid, at(n % 15, 9), 1);
        event.master.as_mut().unwrap().description = "text".into();
        world.caldav.put(&format!("{uid}.ics"), &uid, event);
    }
    world.run();
    for n in 0..20 {
        let uid = format!("e{n:02}");
        world
            .caldav
            .put(&format!("{uid}.ics"), &uid, single(&uid, at(n % 15, 9), 1));
    }
    assert_eq!(world.run().held, 20);
    let held = world.store.held(&world.mapping.id).remove(0);
    assert!(world.store.restore(&world.mapping.id, &held.id));
    let run = world.run();
    assert_eq!(run.held, 0, "{run:#?}");
    assert_eq!(
        here(&world, "e03.ics").master.unwrap().description.as_str(),
        "text"
    );
}

/// F20: an open conflict is over when the mapping goes one way.
#[test]
fn f20_a_conflict_is_over_when_the_direction_decides() {
    let mut world = world();
    world.mapping.conflict_policy = ConflictPolicy::Manual;
    let event = single("A", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, _) = there(&world);
    world
        .caldav
        .put("a.ics", "a", edited(&event, |f| f.title = "one".into()));
    world
        .google
        .edit(&name, edited(&event, |f| f.title = "two".into()));
    world.run();
    world.mapping.direction = Direction::CaldavToGoogle;
    world.run();
    assert_eq!(title(&there(&world).1), "one");
    let open = world.store.open_conflicts(&world.mapping.id);
    assert!(open.is_empty(), "{open:#?}");
}

/// F21: merge, an expanded occurrence: the later of both wins a field both changed.
#[test]
fn f21_copies_with_guests_are_never_removed_unasked() {
    // a copy at Google with guests whose CalDAV source was deleted is held
    let world = world();
    world.caldav.put("a.ics", "a", single("A", at(2, 9), 1));
    world.run();
    let (name, _) = there(&world);
    let google = Shaded {
        inner: &world.google,
        access: BTreeMap::new(),
        guests: vec![name.clone()],
    };
    // the guest list is seen with an edit
    let (_, copy) = there(&world);
    world.google.edit(&name, copy);
    block(run_of!(world, &world.caldav, &google, "r2").run()).unwrap();
    world.caldav.delete("a.ics");
    let run = block(run_of!(world, &world.caldav, &google, "r3").run()).unwrap();
    assert_eq!((run.deleted, run.held), (0, 1), "{run:#?}");
    assert!(world.google.all().contains_key(&name));
}

/// F22: loops.
#[test]
fn f22_two_programs_that_fight_are_set_aside() {
    let world = world();
    let event = single("A", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.run();
    let (name, _) = there(&world);
    let mut last = 0;
    for n in 0..20 {
        // Another program writes its own text back each time ours is seen.
        let copy = world.google.all()[&name].clone();
        if n % 2 == 0 {
            world
                .caldav
                .put("a.ics", "a", edited(&event, |f| f.title = "one".into()));
        } else {
            world
                .caldav
                .put("a.ics", "a", edited(&event, |f| f.title = "two".into()));
        }
        let _ = copy;
        let before = world.google.writes();
        world.run();
        world.pass(-270);
        last = world.google.writes() - before;
    }
    assert_eq!(last, 0, "the sixth same write within an hour is a loop");
}

/// F23: an instance that was called off comes back at Google: the report tells all of CalDAV's texts.
#[test]
fn f23_an_instance_that_comes_back_is_not_told() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    let mut event = recurring("Dentist", at(1, 9), "FREQ=DAILY;COUNT=6");
    event.overrides.insert(id(3, 9), OverrideValue::Cancelled);
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, mut copy) = there(&world);
    copy.overrides.clear();
    world.google.edit(&name, copy);
    let text = serde_json::to_string(&world.run()).unwrap();
    assert!(here(&world, "a.ics").overrides.is_empty());
    assert!(!text.contains("Dentist"), "P9: {text}");
}

/// F24: deleted on CalDAV, edited at Google: put back on CalDAV, and the report tells all its texts.
#[test]
fn f24_what_is_put_back_on_caldav_is_not_told() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    world
        .caldav
        .put("a.ics", "a", single("Dentist", at(2, 9), 1));
    world.run();
    let (name, copy) = there(&world);
    world.caldav.delete("a.ics");
    world.google.edit(
        &name,
        edited(&copy, |f| {
            f.when = single("x", at(2, 14), 1).master.unwrap().when;
        }),
    );
    let text = serde_json::to_string(&world.run()).unwrap();
    assert!(world.caldav.all().values().any(|s| title(s) == "Dentist"));
    assert!(!text.contains("Dentist"), "P9: {text}");
}

/// F25: the series is moved at Google: what only CalDAV knows of an instance is lost.
#[test]
fn f25_a_move_at_google_keeps_what_privacy_hides_of_an_instance() {
    let mut world = World::new();
    world.mapping.direction = Direction::Bidirectional;
    world.mapping.privacy = Privacy::Busy;
    let mut event = recurring("Dentist", at(1, 9), "FREQ=DAILY;COUNT=6");
    own(&mut event, 3, 9, |f| {
        f.title = "Dentist, bring the X-rays".into();
    });
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, copy) = there(&world);
    world.google.edit(
        &name,
        edited(&copy, |f| {
            f.when = single("x", at(1, 11), 1).master.unwrap().when;
        }),
    );
    world.run();
    world.run();
    let kept = here(&world, "a.ics");
    let texts: Vec<_> = kept.overrides.values().collect();
    assert!(format!("{texts:?}").contains("X-rays"), "{kept:#?}");
}

/// F26: a restore on CalDAV tells its texts in the preview.
#[test]
fn f26_what_a_clean_up_removes_on_caldav_is_not_told() {
    let mut world = world();
    world.mapping.privacy = Privacy::Busy;
    world.mapping.window.future_days = 60;
    world.google.put("b", "b", single("Concert", at(40, 9), 1));
    world.run();
    let (name, copy) = world
        .caldav
        .all()
        .into_iter()
        .find(|(_, s)| title(s) == "Concert")
        .unwrap();
    world.caldav.edit(
        &name,
        edited(&copy, |f| f.title = "Concert with Secret".into()),
    );
    world.run();
    world.mapping.window.future_days = 30;
    world.run();
    let clean = run_of!(world, &world.caldav, &world.google, "clean");
    let run = block(clean.clean_up(CleanUp::OutsideWindow)).unwrap();
    let text = serde_json::to_string(&run).unwrap();
    assert!(!text.contains("Secret"), "P9: {text}");
}

/// What is made again after the event was called off is a copy, whatever stood there before.
#[test]
fn what_is_made_again_after_a_cancellation_is_a_copy() {
    let mut world = world();
    let event = single("A", at(2, 9), 1);
    world.caldav.put("a.ics", "a", event.clone());
    world.google.put("native", "a", event.clone());
    world.run();
    assert!(world.google.all().contains_key("native"), "it was adopted");
    world.caldav.put(
        "a.ics",
        "a",
        edited(&event, |f| f.status = Status::Cancelled),
    );
    world.run();
    assert!(!world.google.all().contains_key("native"));
    world.caldav.put("a.ics", "a", event);
    world.run();
    let (name, _) = there(&world);
    assert_ne!(name, "native");
    let rows = world.store.rows_of(&world.mapping.id);
    let row = rows.iter().find(|row| row.uid.as_str() == "a").unwrap();
    assert_eq!(row.copy, Some(Side::Google));
    // One way from now on: it follows its source.
    world.mapping.direction = Direction::CaldavToGoogle;
    world.run();
    world.caldav.delete("a.ics");
    world.run();
    assert!(!world.google.all().contains_key(&name));
}
