//! What went wrong in lives that were lived by seed, each as a story of its own.

use serde_json::{Value, json};
use simulators::google::{DEFAULT_ACCOUNT, Fault, GoogleSimConfig};
use sync_engine::mapping::{ConflictPolicy, Direction};
use sync_engine::memory::MemoryStore;
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Series};
use sync_engine::projection::Privacy;
use sync_engine::recurrence::{Recurrence, Rule};

use super::harness::{event, repeating, titled, wall};
use super::world::{Both, own};

fn both(config: GoogleSimConfig) -> Both {
    let mut both = Both::new(config);
    both.mapping.direction = Direction::Bidirectional;
    both
}

fn daily() -> Series {
    Series::single(repeating(
        event("Daily", "2026-11-10T10:00:00"),
        "FREQ=DAILY;COUNT=6",
    ))
}

/// A day's occurrence with a title of its own.
fn called(title: &str, day: u32) -> OverrideValue {
    own(titled(
        &event("Daily", &format!("2026-11-{day}T10:00:00")),
        title,
    ))
}

fn at(day: u32) -> RecurrenceId {
    wall(&format!("2026-11-{day}T10:00:00"))
}

/// A series of Google's own, and its copy.
async fn native(both: &Both) -> (String, String) {
    let id = both.world.person_makes(json!({
        "summary": "Daily", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"],
        "start": {"dateTime": "2026-11-10T10:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-10T11:00:00", "timeZone": "Europe/Berlin"}}));
    both.run().await;
    both.run().await;
    (id, both.dav.all().into_keys().next().unwrap())
}

/// The only series that CalDAV put at Google.
fn copy(both: &Both) -> String {
    let all = both.world.sim.dump(DEFAULT_ACCOUNT).unwrap();
    let whole = |event: &&Value| event["recurringEventId"].is_null();
    let id = all.iter().find(whole).unwrap()["id"].as_str().unwrap();
    id.to_owned()
}

async fn runs(both: &Both, times: u32) {
    for _ in 0..times {
        both.run().await;
    }
}

#[tokio::test]
async fn two_names_for_an_occurrence_outlive_the_database_where_words_do_not_cross() {
    let mut both = both(GoogleSimConfig::default());
    let (id, copy) = native(&both).await;
    let name = json!({"summary": "Google's"});
    both.world
        .person_changes(&format!("{id}_20261112T090000Z"), name);
    runs(&both, 2).await;
    both.mapping.privacy = Privacy::Busy;
    let mut series = both.dav.all().remove(&copy).unwrap();
    series.overrides.insert(at(12), called("CalDAV's", 12));
    both.put(&copy, &series);
    runs(&both, 2).await;
    both.store = MemoryStore::new();
    let before = both.dav.writes();
    both.run().await;
    assert_eq!(both.dav.writes(), before);
    let shown = both.dav.all().remove(&copy).unwrap();
    assert_eq!(shown.overrides.get(&at(12)), series.overrides.get(&at(12)));
}

#[tokio::test]
async fn an_occurrence_that_was_called_off_is_no_hole_in_an_event_that_stopped_repeating() {
    let both = both(GoogleSimConfig::default());
    let mut series = daily();
    series.overrides.insert(at(10), OverrideValue::Cancelled);
    both.put("one", &daily());
    both.run().await;
    both.put("one", &series);
    runs(&both, 2).await;
    both.world
        .person_changes(&copy(&both), json!({"recurrence": null}));
    runs(&both, 3).await;
    assert_eq!(both.world.alive(), 1);
    let shown = both.dav.all().remove("one").unwrap();
    assert!(shown.overrides.is_empty(), "{shown:?}");
    both.settles("a single event again").await;
}

#[tokio::test]
async fn an_override_that_says_what_its_master_says_holds_up_no_change_of_form() {
    let mut both = both(GoogleSimConfig::default());
    both.mapping.conflict_policy = ConflictPolicy::Caldav;
    let mut series = daily();
    both.put("one", &series);
    both.run().await;
    series.overrides.insert(at(10), OverrideValue::Cancelled);
    both.put("one", &series);
    runs(&both, 2).await;
    let id = copy(&both);
    // On again at Google: an exception beside the master, with all that the master says.
    let first = format!("{id}_20261110T090000Z");
    let again = json!({"status": "confirmed"});
    let person = both.world.sim.as_user(DEFAULT_ACCOUNT);
    person.patch(DEFAULT_ACCOUNT, &first, again).unwrap();
    runs(&both, 2).await;
    let rule = |text: &str| Rule::parse(text).unwrap();
    let twofold = Series::single(Fields {
        recurrence: Some(Recurrence {
            rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=3")],
            ..Recurrence::default()
        }),
        ..event("Daily", "2026-11-10T10:00:00")
    });
    both.put("one", &twofold);
    both.world.person_changes(&id, json!({"summary": "Theirs"}));
    both.run().await;
    let writes = both.dav.writes();
    runs(&both, 3).await;
    assert_eq!(both.dav.writes(), writes);
    both.settles("as single events").await;
}

#[tokio::test]
async fn new_settings_reach_what_waited_for_a_person() {
    let mut both = both(GoogleSimConfig::default());
    both.mapping.conflict_policy = ConflictPolicy::Manual;
    both.mapping.privacy = Privacy::Busy;
    let mut series = daily();
    both.put("one", &series);
    runs(&both, 2).await;
    let id = copy(&both);
    // Each side says where it takes place: that waits.
    series.master.as_mut().unwrap().location = "Here".into();
    both.put("one", &series);
    both.world.person_changes(&id, json!({"location": "There"}));
    runs(&both, 2).await;
    // One occurrence crosses all the same, with the new rule.
    series.overrides.insert(at(12), OverrideValue::Cancelled);
    both.put("one", &series);
    both.mapping.privacy = Privacy::Full;
    runs(&both, 2).await;
    both.settles("answered after the rule was gone").await;
    assert_eq!(both.world.stored(&id)["summary"], "Daily");
}

#[tokio::test]
async fn a_deletion_that_died_half_way_undoes_no_restoring() {
    for policy in [ConflictPolicy::Latest, ConflictPolicy::Google] {
        let mut both = both(GoogleSimConfig::default());
        both.mapping.conflict_policy = policy;
        let (id, copy) = native(&both).await;
        both.person_removes(&copy);
        // Deleted at Google, and the program died before it was written down.
        let mut died = false;
        for steps in 0..20 {
            let store = both.store.clone();
            store.break_after(steps);
            let kept = std::mem::replace(&mut both.store, store);
            died = both.try_run().await.is_err();
            both.store = both.store.clone();
            if both.world.stored(&id)["status"] == "cancelled" {
                break;
            }
            both.store = kept;
        }
        assert!(died && both.world.stored(&id)["status"] == "cancelled");
        let person = both.world.sim.as_user(DEFAULT_ACCOUNT);
        person
            .patch(DEFAULT_ACCOUNT, &id, json!({"status": "confirmed"}))
            .unwrap();
        both.google_made(&id);
        runs(&both, 2).await;
        both.settles("out of the bin").await;
        assert_eq!(both.dav.all().len(), 1);
    }
}

#[tokio::test]
async fn a_series_that_ends_before_it_starts_takes_place_once_where_somebody_wants_it() {
    let both = both(GoogleSimConfig::default());
    let (id, copy) = native(&both).await;
    let cut = json!({
        "recurrence": ["RRULE:FREQ=DAILY;UNTIL=20261112T085959Z"],
        "start": {"dateTime": "2026-11-15T10:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-15T11:00:00", "timeZone": "Europe/Berlin"}});
    both.world.person_changes(&id, cut);
    runs(&both, 2).await;
    let mut series = both.dav.all().remove(&copy).unwrap();
    assert_eq!(
        series.overrides.remove(&at(15)),
        Some(OverrideValue::Cancelled)
    );
    both.settles("nowhere").await;
    both.put(&copy, &series);
    runs(&both, 2).await;
    both.settles("once").await;
    let recurrence = &both.world.stored(&id)["recurrence"];
    assert_eq!(*recurrence, json!(["RRULE:FREQ=DAILY;COUNT=1"]));
}

#[tokio::test]
async fn a_copy_made_in_place_of_a_native_has_the_same_form_without_the_database() {
    let mut both = both(GoogleSimConfig::default());
    let (id, name) = native(&both).await;
    // Deleted there and edited here: the edit wins, and Google gets a copy of it.
    both.world.person_deletes(&id);
    let mut series = both.dav.all().remove(&name).unwrap();
    series.overrides.insert(at(12), called("Once", 12));
    both.put(&name, &series);
    runs(&both, 3).await;
    let alive = |event: &&Value| event["status"] != "cancelled" && event["recurrence"].is_array();
    let all = both.world.sim.dump(DEFAULT_ACCOUNT).unwrap();
    let copy = all.iter().find(alive).unwrap()["id"].as_str().unwrap();
    // It is moved, and an occurrence of its own stays where it was.
    let earlier = json!({
        "start": {"dateTime": "2026-11-10T08:30:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-10T09:30:00", "timeZone": "Europe/Berlin"}});
    both.world.person_changes(copy, earlier);
    runs(&both, 3).await;
    both.store = MemoryStore::new();
    let before = both.world.sim.counts().writes_total() + both.dav.writes();
    both.run().await;
    let after = both.world.sim.counts().writes_total() + both.dav.writes();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_copy_whose_creation_was_interrupted_is_no_orphan_when_it_is_taken_up() {
    let both = both(GoogleSimConfig::default().knobs(|knobs| knobs.invisible_for = 3));
    let mut series = daily();
    let master = series.master.as_mut().unwrap();
    let rules = ["FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;COUNT=3"];
    master.recurrence = Some(Recurrence {
        rules: rules
            .iter()
            .map(|rule| Rule::parse(rule).unwrap())
            .collect(),
        ..Recurrence::default()
    });
    both.put("one", &series);
    runs(&both, 3).await;
    assert_eq!(both.world.alive(), 5);
    // Once only: it is made, and nobody is told. The next attempt is refused, so it waits.
    both.put("one", &Series::single(event("Once", "2026-11-10T10:00:00")));
    let sim = &both.world.sim;
    sim.fault(Fault::lost_answer("events.insert"));
    both.run().await;
    sim.fault(Fault::status("events.insert", 400, "invalid"));
    both.run().await;
    // Its listing shows a copy that nothing knows.
    for _ in 0..4 {
        for held in both.store.held(&both.mapping.id) {
            both.store.approve(&both.mapping.id, &held.id);
        }
        both.run().await;
    }
    assert!(both.dav.all().contains_key("one"), "deleted at its source");
    both.settles("an event that stopped repeating").await;
}
