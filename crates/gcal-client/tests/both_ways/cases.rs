//! One test for each way of breaking it that was thought of.

use serde_json::json;
use simulators::google::{CascadeTombstones, DEFAULT_ACCOUNT, ExceptionPolicy, GoogleSimConfig};
use sync_engine::mapping::{Direction, OnTargetEdit};
use sync_engine::memory::MemoryStore;
use sync_engine::model::{Fields, OverrideValue, RecurrenceId, Series, Status};
use sync_engine::recurrence::{Recurrence, Rule};

use super::harness::{event, repeating, titled, wall};
use super::world::{Both, own};

fn daily() -> Series {
    Series::single(repeating(
        event("Daily", "2026-11-10T10:00:00"),
        "FREQ=DAILY;COUNT=6",
    ))
}

/// The same in a form that Google cannot hold.
fn twofold() -> Series {
    let rule = |text: &str| Rule::parse(text).unwrap();
    Series::single(Fields {
        recurrence: Some(Recurrence {
            rules: vec![rule("FREQ=DAILY;COUNT=3"), rule("FREQ=WEEKLY;COUNT=2")],
            ..Recurrence::default()
        }),
        ..event("Twofold", "2026-11-10T10:00:00")
    })
}

fn at(day: u32) -> RecurrenceId {
    wall(&format!("2026-11-{day}T10:00:00"))
}

fn both() -> Both {
    Both::new(GoogleSimConfig::default())
}

/// Ids that are alive, titles beside them.
fn alive(both: &Both) -> Vec<(String, String)> {
    let all = both.world.sim.dump(DEFAULT_ACCOUNT).unwrap();
    let text =
        |event: &serde_json::Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    all.iter()
        .filter(|event| event["status"] != "cancelled")
        .map(|event| (text(event, "id"), text(event, "summary")))
        .collect()
}

#[tokio::test]
async fn a_change_of_form_that_dies_anywhere_is_carried_through() {
    let mut with_overrides = daily();
    let moved = event("Moved", "2026-11-12T15:00:00");
    with_overrides.overrides.insert(at(12), own(moved));
    with_overrides
        .overrides
        .insert(at(13), OverrideValue::Cancelled);
    for (before, after) in [(&with_overrides, &twofold()), (&twofold(), &with_overrides)] {
        for steps in 0..30 {
            let mut both = both();
            both.put("one", before);
            both.run().await;
            both.put("one", after);
            both.store.break_after(steps);
            let died = both.try_run().await.is_err();
            both.store = both.store.clone();
            both.settles(&format!("died after {steps} steps of the store: {died}"))
                .await;
        }
    }
}

#[tokio::test]
async fn one_far_occurrence_does_not_bring_all_up_to_it() {
    let both = both();
    let mut series = Series::single(repeating(
        event("Often", "2026-11-10T10:00:00"),
        "FREQ=HOURLY;INTERVAL=8",
    ));
    both.put("one", &series);
    both.run().await;
    let far = event("Far", "2027-06-01T10:00:00");
    series.overrides.insert(at(11), own(far));
    both.put("one", &series);
    both.run().await;
    let before = both.world.alive();
    let report = both.run().await;
    assert_eq!((report.inserted, both.world.alive()), (0, before));
    // A person drags another one away: it is put back, and nothing else happens.
    let (id, _) = alive(&both)
        .into_iter()
        .find(|(_, t)| t == "Often")
        .unwrap();
    let later = json!({"start": {"dateTime": "2027-08-01T10:00:00Z"}, "end": {"dateTime": "2027-08-01T11:00:00Z"}});
    both.world.person_changes(&id, later);
    both.run().await;
    both.settles("after a person dragged one away").await;
}

#[tokio::test]
async fn an_expanded_series_that_takes_place_nowhere_for_a_while_comes_back() {
    let both = both();
    both.put("one", &twofold());
    both.run().await;
    let mut none = twofold();
    for day in [10, 11, 12, 17] {
        none.overrides.insert(at(day), OverrideValue::Cancelled);
    }
    both.put("one", &none);
    both.run().await;
    both.settles("called off, one by one").await;
    assert_eq!(both.world.alive(), 0);
    both.put("one", &twofold());
    both.run().await;
    both.settles("and on again").await;
    assert_eq!(both.world.alive(), 4);
}

#[tokio::test]
async fn edits_that_are_kept_do_not_excuse_what_a_move_swept_away() {
    for policy in [
        ExceptionPolicy::Keep,
        ExceptionPolicy::Drop,
        ExceptionPolicy::Shift,
    ] {
        let config = GoogleSimConfig::default().knobs(|knobs| knobs.exception_policy = policy);
        let mut both = Both::new(config);
        both.mapping.on_target_edit = OnTargetEdit::Keep;
        let mut series = daily();
        let other = titled(&event("Other", "2026-11-12T10:00:00"), "Other");
        series.overrides.insert(at(12), own(other));
        both.put("one", &series);
        both.run().await;
        both.run().await;
        // Two hours later, its override with it.
        let mut moved = Series::single(repeating(
            event("Daily", "2026-11-10T12:00:00"),
            "FREQ=DAILY;COUNT=6",
        ));
        let other = event("Other", "2026-11-12T12:00:00");
        moved
            .overrides
            .insert(wall("2026-11-12T12:00:00"), own(other));
        both.put("one", &moved);
        both.run().await;
        both.settles(&format!("{policy:?}, moved")).await;
        // Only longer: the override stays what it is.
        let mut shadowed = moved.clone();
        shadowed.overrides.clear();
        both.put("one", &shadowed);
        both.run().await;
        both.settles(&format!("{policy:?}, without override")).await;
        if policy == ExceptionPolicy::Shift {
            // What moved along shows only in the next delta, and could be a person's doing then.
            continue;
        }
        let master = shadowed.master.as_mut().unwrap();
        master.when = event("", "2026-11-10T09:00:00").when;
        both.put("one", &shadowed);
        both.run().await;
        both.settles(&format!("{policy:?}, with a shadow, earlier"))
            .await;
    }
}

#[tokio::test]
async fn where_edits_are_kept_a_deleted_single_event_stays_away() {
    let mut both = both();
    both.mapping.on_target_edit = OnTargetEdit::Keep;
    both.put("one", &twofold());
    both.run().await;
    both.run().await;
    let (id, _) = alive(&both).remove(0);
    both.world.person_deletes(&id);
    both.run().await;
    assert_eq!(both.world.alive(), 3);
    both.run().await;
    assert_eq!(both.world.alive(), 3);
}

#[tokio::test]
async fn a_copy_with_guests_outlives_its_source() {
    for change in ["cancelled", "reshaped", "deleted"] {
        let both = both();
        both.put("one", &daily());
        both.run().await;
        let (id, _) = alive(&both).remove(0);
        let guests = json!({"attendees": [{"email": "bob@example.com"}]});
        both.world.person_changes(&id, guests);
        both.run().await;
        match change {
            "cancelled" => {
                let mut off = daily();
                off.master.as_mut().unwrap().status = Status::Cancelled;
                both.put("one", &off);
            }
            "reshaped" => both.put("one", &twofold()),
            _ => both.dav.delete("one"),
        }
        for _ in 0..3 {
            both.run().await;
        }
        let left: Vec<_> = alive(&both);
        assert!(
            left.iter().any(|(left, _)| *left == id),
            "{change}: {left:?}"
        );
    }
}

#[tokio::test]
async fn a_copy_whose_tag_is_gone_is_found_by_its_name() {
    let mut both = both();
    both.put("one", &daily());
    both.run().await;
    let (id, _) = alive(&both).remove(0);
    let bare = json!({"extendedProperties": {"private": {"caldav-sync": null}}});
    both.world.person_changes(&id, bare);
    both.store = MemoryStore::new();
    both.run().await;
    both.settles("the tag and the database are gone").await;
    assert_eq!(both.world.alive(), 1);
}

#[tokio::test]
async fn a_resource_that_takes_another_uid_leaves_no_copy_behind() {
    let both = both();
    both.dav.put_as("a.ics", "first@x", daily());
    both.run().await;
    both.dav.put_as("a.ics", "second@x", daily());
    both.run().await;
    both.settles("another UID in the same place").await;
    assert_eq!(both.world.alive(), 1);
}

#[tokio::test]
async fn a_native_that_is_back_and_may_not_be_written_replaces_the_copy_made_in_its_place() {
    let mut both = both();
    both.mapping.direction = Direction::Bidirectional;
    let person = both.world.sim.as_user(DEFAULT_ACCOUNT);
    let body = json!({"summary": "Flight", "eventType": "fromGmail",
        "start": {"dateTime": "2026-11-12T10:00:00Z"}, "end": {"dateTime": "2026-11-12T12:00:00Z"}});
    let made = person.plant(DEFAULT_ACCOUNT, body).unwrap();
    let native = made["id"].as_str().unwrap().to_owned();
    both.run().await;
    both.run().await;
    let copy = both.dav.all().into_keys().next().unwrap();
    both.world.person_deletes(&native);
    both.put(&copy, &Series::single(event("Mine", "2026-11-12T11:00:00")));
    both.run().await;
    both.run().await;
    let made_again = alive(&both);
    assert_eq!(made_again.len(), 1, "{made_again:?}");
    // Out of the bin: there is one event again, and it is the native.
    let back = json!({"status": "confirmed"});
    person.patch(DEFAULT_ACCOUNT, &native, back).unwrap();
    for _ in 0..3 {
        both.run().await;
    }
    let left: Vec<String> = alive(&both).into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, [native]);
    assert_eq!(both.dav.all().len(), 1);
}

#[tokio::test]
async fn a_series_out_of_the_bin_brings_along_what_was_called_off_before_it_went() {
    for (restores, cascade) in [(false, false), (false, true), (true, false), (true, true)] {
        let config = GoogleSimConfig::default().knobs(|knobs| {
            knobs.revive_restores_exceptions = restores;
            knobs.bare_tombstones = !cascade;
            if cascade {
                knobs.cascade_tombstones = CascadeTombstones::All;
            }
        });
        let mut both = Both::new(config);
        both.mapping.direction = Direction::Bidirectional;
        let person = both.world.sim.as_user(DEFAULT_ACCOUNT);
        let body = json!({"summary": "Daily", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"],
            "start": {"dateTime": "2026-11-12T10:00:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2026-11-12T11:00:00", "timeZone": "Europe/Berlin"}});
        let made = person.insert(DEFAULT_ACCOUNT, body).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        both.run().await;
        both.run().await;
        // Called off once, and deleted before anybody looked.
        both.world.person_deletes(&format!("{id}_20261114T090000Z"));
        both.world.person_deletes(&id);
        both.run().await;
        assert!(both.dav.all().is_empty());
        person
            .patch(DEFAULT_ACCOUNT, &id, json!({"status": "confirmed"}))
            .unwrap();
        both.run().await;
        both.settles(&format!("restores {restores}, cascades {cascade}"))
            .await;
    }
}
