//! Changing stored events: exactly what changed, only the version known, once.

use serde_json::json;
use simulators::google::Fault;
use sync_engine::model::{
    ComponentKey, Field, FieldSet, Google, OverrideValue, Series, Text, Transparency,
};
use sync_engine::observation::{Observation, Seen};
use sync_engine::ports::{
    Change, ComponentChange, ErrorClass, SidePort as _, Target, Update, Written,
};

use super::harness::{
    World, all_day, done, event, present, projected, repeating, series_of, stored_as, tag, wall,
};

const START: &str = "2026-11-10T10:00:00";

pub(crate) fn set(
    observation: &Observation<Google>,
    series: &Series,
    fields: impl IntoIterator<Item = Field>,
) -> Update<Google> {
    Update {
        target: Target::Stored(stored_as(observation)),
        series: projected(series),
        changes: vec![ComponentChange {
            key: ComponentKey::Master,
            change: Change::Set(FieldSet::from_iter(fields)),
        }],
        tag: None,
    }
}

#[tokio::test]
async fn only_what_changed_is_sent() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    let id = made.resource.as_str();
    world.person_changes(id, json!({"colorId": "5", "description": "by hand"}));
    let now = calendar
        .fetch(std::slice::from_ref(&made.resource))
        .await
        .unwrap();

    let mut wanted = event("Two", START);
    wanted.transparency = Transparency::Free;
    world.sim.clear_log();
    let update = set(
        present(&now[0]),
        &Series::single(wanted),
        [Field::Title, Field::Transparency],
    );
    let after = done(calendar.update(&update).await.unwrap());
    let fields = series_of(&after).master.as_ref().unwrap();
    assert_eq!(fields.title.as_str(), "Two");
    assert_eq!(fields.description.as_str(), "by hand");
    assert_eq!(world.stored(id)["colorId"], json!("5"));
    let log = world.sim.log();
    let [patch] = &log[..] else { panic!("{log:?}") };
    assert_eq!(
        patch.body,
        Some(json!({"summary": "Two", "transparency": "transparent"}))
    );
    assert_eq!(
        patch.if_match.as_deref(),
        present(&now[0])
            .etag
            .as_ref()
            .map(sync_engine::model::Etag::as_str)
    );
    assert!(patch.query.contains(&("sendUpdates".into(), "none".into())));
    world.is_clean();
}

#[tokio::test]
async fn texts_can_be_emptied() {
    let world = World::new();
    let calendar = world.calendar();
    let mut fields = event("One", START);
    fields.description = Text::new("some");
    fields.location = Text::new("where");
    let made = world.made(&calendar, Series::single(fields)).await;
    let mut empty = event("", START);
    empty.title = Text::default();
    let update = set(
        &made,
        &Series::single(empty.clone()),
        [Field::Title, Field::Description, Field::Location],
    );
    let after = done(calendar.update(&update).await.unwrap());
    assert_eq!(series_of(&after).master.as_ref(), Some(&empty));
}

#[tokio::test]
async fn timed_becomes_all_day_and_back() {
    let world = World::new();
    let calendar = world.calendar();
    let timed = Series::single(event("One", START));
    let day = Series::single(all_day("One", "2026-11-10"));
    let made = world.made(&calendar, timed.clone()).await;
    let after = done(
        calendar
            .update(&set(&made, &day, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &day);
    let after = done(
        calendar
            .update(&set(&after, &timed, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &timed);
}

#[tokio::test]
async fn a_single_event_becomes_a_series_and_back() {
    let world = World::new();
    let calendar = world.calendar();
    let single = Series::single(event("One", START));
    let series = Series::single(repeating(event("One", START), "FREQ=DAILY;COUNT=3"));
    let made = world.made(&calendar, single.clone()).await;
    let after = done(
        calendar
            .update(&set(&made, &series, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &series);
    let after = done(
        calendar
            .update(&set(&after, &single, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &single);
}

#[tokio::test]
async fn a_series_turned_all_day_keeps_what_is_called_off() {
    let world = World::new();
    let calendar = world.calendar();
    let mut timed = Series::single(repeating(
        event("One", START),
        "FREQ=DAILY;UNTIL=20261120T090000Z",
    ));
    timed
        .overrides
        .insert(wall("2026-11-12T10:00:00"), OverrideValue::Cancelled);
    let made = world.made(&calendar, timed).await;
    let mut day = Series::single(repeating(
        all_day("One", "2026-11-10"),
        "FREQ=DAILY;UNTIL=20261120",
    ));
    day.overrides.insert(
        sync_engine::model::RecurrenceId::Date("2026-11-12".parse().unwrap()),
        OverrideValue::Cancelled,
    );
    let after = done(
        calendar
            .update(&set(&made, &day, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &day);
}

#[tokio::test]
async fn a_longer_event_keeps_google_s_words_for_its_rule() {
    let world = World::new();
    let calendar = world.calendar();
    let id = world.person_makes(json!({
        "summary": "Weekly",
        "start": {"dateTime": "2026-11-09T10:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-09T11:00:00", "timeZone": "Europe/Berlin"},
        "recurrence": ["EXDATE:20261116T090000Z", "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO"],
    }));
    let now = calendar.fetch(&[super::harness::id(&id)]).await.unwrap();
    let now = present(&now[0]);
    let mut series = series_of(now).clone();
    let longer = event("Weekly", "2026-11-09T10:00:00");
    let master = series.master.as_mut().unwrap();
    master.when = sync_engine::model::When::timed(
        super::harness::berlin("2026-11-09T10:00:00"),
        Some(super::harness::berlin("2026-11-09T12:00:00")),
    );
    assert_ne!(master.when, longer.when);
    world.sim.clear_log();
    let after = done(
        calendar
            .update(&set(now, &series, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &series);
    let log = world.sim.log();
    assert!(log[0].body.as_ref().unwrap().get("recurrence").is_none());

    // One more occurrence is called off: the rule keeps its words.
    series
        .overrides
        .insert(wall("2026-11-23T10:00:00"), OverrideValue::Cancelled);
    let after = done(
        calendar
            .update(&set(&after, &series, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &series);
    assert_eq!(
        world.stored(&id)["recurrence"],
        json!([
            "RRULE:FREQ=WEEKLY;WKST=MO;BYDAY=MO",
            "EXDATE:20261116T090000Z,20261123T090000Z"
        ])
    );
}

#[tokio::test]
async fn a_moved_series_forgets_what_was_called_off_where_it_was() {
    let world = World::new();
    let calendar = world.calendar();
    let mut series = Series::single(repeating(event("One", START), "FREQ=DAILY;COUNT=5"));
    series
        .overrides
        .insert(wall("2026-11-12T10:00:00"), OverrideValue::Cancelled);
    let made = world.made(&calendar, series).await;
    let mut moved = Series::single(repeating(
        event("One", "2026-11-10T15:00:00"),
        "FREQ=DAILY;COUNT=5",
    ));
    moved
        .overrides
        .insert(wall("2026-11-13T15:00:00"), OverrideValue::Cancelled);
    let after = done(
        calendar
            .update(&set(&made, &moved, [Field::When]))
            .await
            .unwrap(),
    );
    assert_eq!(series_of(&after), &moved);
}

#[tokio::test]
async fn another_version_is_not_overwritten() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    world.person_changes(made.resource.as_str(), json!({"summary": "By hand"}));
    let update = set(&made, &Series::single(event("Two", START)), [Field::Title]);
    let Written::Stale { now } = calendar.update(&update).await.unwrap() else {
        panic!("overwrote a person's edit");
    };
    assert_eq!(
        series_of(present(&now))
            .master
            .as_ref()
            .unwrap()
            .title
            .as_str(),
        "By hand"
    );
}

#[tokio::test]
async fn a_deleted_event_is_not_changed() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    world.person_deletes(made.resource.as_str());
    let update = set(&made, &Series::single(event("Two", START)), [Field::Title]);
    let Written::Stale { now } = calendar.update(&update).await.unwrap() else {
        panic!("changed a tombstone");
    };
    assert!(matches!(*now, Seen::Gone { .. }));
}

#[tokio::test]
async fn our_own_write_is_recognised_when_its_answer_was_lost() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    world.sim.fault(Fault::lost_answer("events.patch"));
    let update = set(&made, &Series::single(event("Two", START)), [Field::Title]);
    let Written::Unproven { now, .. } = calendar.update(&update).await.unwrap() else {
        panic!("not recognised");
    };
    assert_eq!(
        series_of(&now.unwrap())
            .master
            .as_ref()
            .unwrap()
            .title
            .as_str(),
        "Two"
    );
    assert_eq!(world.sim.counts().writes_of("events.patch"), 1);
}

#[tokio::test]
async fn a_sequence_google_finds_too_low_is_another_version() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    world.sim.fault(Fault::before(
        "events.patch",
        simulators::google::Action::Status {
            status: 400,
            reason: "invalid".into(),
            domain: None,
            message: Some("Invalid sequence value. The specified sequence number is below the current sequence number of the resource.".into()),
            retry_after: None,
        },
    ));
    let update = set(&made, &Series::single(event("Two", START)), [Field::Title]);
    assert!(matches!(
        calendar.update(&update).await.unwrap(),
        Written::Stale { .. }
    ));
}

#[tokio::test]
async fn a_hand_over_changes_the_tag_alone() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    let update = Update {
        target: Target::Stored(stored_as(&made)),
        series: projected(&Series::single(event("One", START))),
        changes: vec![],
        tag: Some(tag("other@example.com")),
    };
    let after = done(calendar.update(&update).await.unwrap());
    assert_eq!(after.tag, Some(tag("other@example.com")));
    assert_eq!(series_of(&after), series_of(&made));
}

#[tokio::test]
async fn more_than_one_change_at_once_is_refused() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world
        .made(&calendar, Series::single(event("One", START)))
        .await;
    let mut update = set(&made, &Series::single(event("Two", START)), [Field::Title]);
    update.changes.push(update.changes[0].clone());
    let error = calendar.update(&update).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Event);
}
