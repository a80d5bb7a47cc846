//! Occurrences: made exceptions, called off, given back, found when the computed id is wrong.

use gcal_client::GoogleCalendar;
use serde_json::json;
use simulators::google::{DEFAULT_ACCOUNT, Fault, GoogleSimConfig};
use sync_engine::model::{
    ComponentKey, Field, FieldSet, Google, OverrideValue, RecurrenceId, Series,
};
use sync_engine::observation::{Observation, Seen};
use sync_engine::plan::operation::Write;
use sync_engine::ports::{
    Change, ComponentChange, ErrorClass, SidePort as _, Target, Update, Written,
};

use super::harness::{
    World, done, event, exception_of, projected, repeating, series_of, stored_as, titled, wall,
};

const START: &str = "2026-11-10T10:00:00";
const THIRD: &str = "2026-11-12T10:00:00";

fn daily() -> Series {
    Series::single(repeating(event("Daily", START), "FREQ=DAILY;COUNT=5"))
}

fn with(value: OverrideValue) -> Series {
    let mut series = daily();
    series.overrides.insert(wall(THIRD), value);
    series
}

fn moved() -> Series {
    let mut fields = titled(&event("Moved", "2026-11-12T15:00:00"), "Moved");
    fields.recurrence = None;
    with(OverrideValue::Fields(Box::new(fields)))
}

fn at(
    master: &Observation<Google>,
    id: RecurrenceId,
    series: &Series,
    change: Change,
) -> Update<Google> {
    Update {
        target: Target::Occurrence {
            series: stored_as(master),
            id,
        },
        series: projected(series),
        changes: vec![ComponentChange {
            key: ComponentKey::Override(id),
            change,
        }],
        tag: None,
    }
}

fn on(exception: &Observation<Google>, series: &Series, change: Change) -> Update<Google> {
    Update {
        target: Target::Stored(stored_as(exception)),
        series: projected(series),
        changes: vec![ComponentChange {
            key: ComponentKey::Override(wall(THIRD)),
            change,
        }],
        tag: None,
    }
}

async fn update(calendar: &GoogleCalendar, update: &Update<Google>) -> Box<Observation<Google>> {
    let written = done(calendar.update(update).await.unwrap());
    let named = calendar.resource_of(&Write::Update(Box::new(update.clone())));
    assert_eq!(written.resource, named, "recovery would look elsewhere");
    written
}

/// Starts of what Google shows of a series, as an expansion on its side.
fn instances(world: &World, series: &str) -> Vec<String> {
    let list = world
        .sim
        .as_user(DEFAULT_ACCOUNT)
        .instances(DEFAULT_ACCOUNT, series, &[])
        .unwrap();
    let items = list["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["start"]["dateTime"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_first_write_to_an_occurrence_makes_an_exception() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let series = moved();
    world.sim.clear_log();
    let exception = update(&calendar, &at(&master, wall(THIRD), &series, Change::Add)).await;
    assert_eq!(world.sim.log().len(), 1, "the id is computed");
    assert_eq!(
        Some(exception_of(&exception)),
        series.overrides.get(&wall(THIRD))
    );
    assert_eq!(exception.series, master.series);
    assert!(
        instances(&world, master.resource.as_str())
            .contains(&"2026-11-12T15:00:00+01:00".to_owned())
    );

    // Fields of it change alone.
    let mut renamed = moved();
    if let Some(OverrideValue::Fields(fields)) = renamed.overrides.get_mut(&wall(THIRD)) {
        **fields = titled(fields, "Renamed");
    }
    let set = Change::Set(FieldSet::from([Field::Title]));
    let exception = update(&calendar, &on(&exception, &renamed, set)).await;
    assert_eq!(
        Some(exception_of(&exception)),
        renamed.overrides.get(&wall(THIRD))
    );
    world.is_clean();
}

#[tokio::test]
async fn an_occurrence_is_called_off_and_given_back() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let series = with(OverrideValue::Cancelled);
    let hole = update(
        &calendar,
        &at(&master, wall(THIRD), &series, Change::Cancel),
    )
    .await;
    assert_eq!(*exception_of(&hole), OverrideValue::Cancelled);
    assert_eq!(instances(&world, master.resource.as_str()).len(), 4);

    let back = update(&calendar, &on(&hole, &daily(), Change::Inherit)).await;
    let OverrideValue::Fields(fields) = exception_of(&back) else {
        panic!("{back:?}");
    };
    assert_eq!(**fields, event("Daily", THIRD), "a shadow of the master");
    assert_eq!(instances(&world, master.resource.as_str()).len(), 5);

    let again = update(&calendar, &on(&back, &series, Change::Cancel)).await;
    assert_eq!(*exception_of(&again), OverrideValue::Cancelled);
}

#[tokio::test]
async fn an_occurrence_that_google_does_not_give_back_says_so() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let instance = format!("{}_20261112T090000Z", master.resource);
    world.person_deletes(&instance);
    world.sim.knobs(|knobs| knobs.revive_forbidden = true);
    let hole = calendar
        .fetch(&[super::harness::id(&instance)])
        .await
        .unwrap();
    let hole = super::harness::present(&hole[0]);
    for (change, series) in [(Change::Inherit, daily()), (Change::Add, moved())] {
        let error = calendar
            .update(&on(hole, &series, change))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Event);
        assert_eq!(error.code, "occurrence_not_restorable");
        assert!(error.action.contains("Google Calendar"), "{}", error.action);
    }
    // Nor where the occurrence is asked for by its series.
    let error = calendar
        .update(&at(&master, wall(THIRD), &moved(), Change::Add))
        .await;
    match error {
        Ok(Written::Stale { now }) => assert_eq!(now.resource().as_str(), instance),
        Err(error) => assert_eq!(error.code, "occurrence_not_restorable"),
        Ok(other) => panic!("{other:?}"),
    }
    // Of a series that is gone, the occurrence is gone.
    world.person_deletes(master.resource.as_str());
    let written = calendar
        .update(&on(hole, &daily(), Change::Inherit))
        .await
        .unwrap();
    assert!(matches!(written, Written::Stale { now } if matches!(*now, Seen::Gone { .. })));
}

#[tokio::test]
async fn an_occurrence_that_the_master_excludes_is_given_back_there() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, with(OverrideValue::Cancelled)).await;
    assert_eq!(instances(&world, master.resource.as_str()).len(), 4);
    let after = update(
        &calendar,
        &at(&master, wall(THIRD), &daily(), Change::Inherit),
    )
    .await;
    assert_eq!(series_of(&after), &daily());
    assert_eq!(instances(&world, master.resource.as_str()).len(), 5);
}

#[tokio::test]
async fn an_excluded_occurrence_can_become_an_exception() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, with(OverrideValue::Cancelled)).await;
    let series = moved();
    let exception = update(&calendar, &at(&master, wall(THIRD), &series, Change::Add)).await;
    assert_eq!(
        Some(exception_of(&exception)),
        series.overrides.get(&wall(THIRD))
    );
    assert_eq!(
        world.stored(master.resource.as_str())["recurrence"],
        json!(["RRULE:FREQ=DAILY;COUNT=5"])
    );
}

#[tokio::test]
async fn calling_off_what_the_master_excludes_writes_nothing() {
    let world = World::new();
    let calendar = world.calendar();
    let series = with(OverrideValue::Cancelled);
    let master = world.made(&calendar, series.clone()).await;
    let writes = world.sim.counts().writes_total();
    let written = calendar
        .update(&at(&master, wall(THIRD), &series, Change::Cancel))
        .await
        .unwrap();
    assert!(matches!(written, Written::Unproven { now: Some(_), .. }));
    assert_eq!(world.sim.counts().writes_total(), writes);
}

#[tokio::test]
async fn a_shadow_follows_the_master() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let series = moved();
    let exception = update(&calendar, &at(&master, wall(THIRD), &series, Change::Add)).await;
    let shadow = update(&calendar, &on(&exception, &daily(), Change::Inherit)).await;
    let mut renamed = daily();
    renamed.master = renamed.master.map(|master| sync_engine::model::Fields {
        title: sync_engine::model::Text::new("Renamed"),
        ..master
    });
    let set = Change::Set(FieldSet::from([Field::Title]));
    let shadow = update(&calendar, &on(&shadow, &renamed, set)).await;
    let OverrideValue::Fields(fields) = exception_of(&shadow) else {
        panic!("{shadow:?}");
    };
    assert_eq!(fields.title.as_str(), "Renamed");
}

#[tokio::test]
async fn an_all_day_series_has_instances_by_date() {
    let world = World::new();
    let calendar = world.calendar();
    let series = Series::single(repeating(
        super::harness::all_day("Day", "2026-11-10"),
        "FREQ=DAILY;COUNT=5",
    ));
    let master = world.made(&calendar, series.clone()).await;
    let id = RecurrenceId::Date("2026-11-12".parse().unwrap());
    let mut changed = series;
    changed.overrides.insert(
        id,
        OverrideValue::Fields(Box::new(super::harness::all_day("Other", "2026-11-13"))),
    );
    let exception = update(&calendar, &at(&master, id, &changed, Change::Add)).await;
    assert!(exception.resource.as_str().ends_with("_20261112"));
    assert_eq!(Some(exception_of(&exception)), changed.overrides.get(&id));
}

#[tokio::test]
async fn an_instance_is_found_although_the_computed_id_is_not_it() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    world
        .sim
        .fault(Fault::status("events.patch", 404, "notFound"));
    let series = moved();
    let exception = done(
        calendar
            .update(&at(&master, wall(THIRD), &series, Change::Add))
            .await
            .unwrap(),
    );
    assert_eq!(
        Some(exception_of(&exception)),
        series.overrides.get(&wall(THIRD))
    );
    assert_eq!(world.requests("events.instances"), 1);
}

#[tokio::test]
async fn an_occurrence_that_the_series_does_not_give_cannot_be_written() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let id = wall("2026-12-24T10:00:00");
    let mut series = daily();
    series.overrides.insert(
        id,
        OverrideValue::Fields(Box::new(event("Nowhere", "2026-12-24T10:00:00"))),
    );
    let change = at(&master, id, &series, Change::Add);
    let error = calendar.update(&change).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Event);
    assert_eq!(error.code, "google_cannot_hold");
    // A series that changed meanwhile may give it by then.
    let longer = json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]});
    world.person_changes(master.resource.as_str(), longer);
    let Written::Stale { now } = calendar.update(&change).await.unwrap() else {
        panic!("nothing was there to be written to");
    };
    assert_eq!(now.resource(), &master.resource);
}

#[tokio::test]
async fn an_occurrence_somebody_changed_meanwhile_is_stale() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    let instance = format!("{}_20261112T090000Z", master.resource);
    world.person_changes(&instance, json!({"summary": "By hand"}));
    let written = calendar
        .update(&at(&master, wall(THIRD), &moved(), Change::Add))
        .await
        .unwrap();
    let Written::Stale { now } = written else {
        panic!("overwrote a person's edit");
    };
    assert!(matches!(*now, Seen::Present(_)));
}

#[tokio::test]
async fn a_master_whose_version_moved_for_nothing_stops_no_occurrence() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    // A colour: the version moves, nothing that concerns the occurrences does.
    world.person_changes(master.resource.as_str(), json!({"colorId": "7"}));
    let series = moved();
    let exception = update(&calendar, &at(&master, wall(THIRD), &series, Change::Add)).await;
    assert_eq!(
        Some(exception_of(&exception)),
        series.overrides.get(&wall(THIRD))
    );
}

#[tokio::test]
async fn exceptions_read_back_after_a_move_are_what_google_left_of_them() {
    use simulators::google::ExceptionPolicy;
    for policy in [
        ExceptionPolicy::Keep,
        ExceptionPolicy::Drop,
        ExceptionPolicy::Shift,
    ] {
        for touch in [false, true] {
            let world = World::with(
                GoogleSimConfig::default().knobs(|knobs| {
                    knobs.exception_policy = policy;
                    knobs.touch_exceptions = touch;
                }),
                gcal_client::Pace::unlimited(),
            );
            let calendar = world.calendar();
            let master = world.made(&calendar, daily()).await;
            let exception =
                update(&calendar, &at(&master, wall(THIRD), &moved(), Change::Add)).await;
            let master = calendar
                .fetch(std::slice::from_ref(&master.resource))
                .await
                .unwrap();
            let later = Series::single(repeating(
                event("Daily", "2026-11-10T12:00:00"),
                "FREQ=DAILY;COUNT=5",
            ));
            let after = done(
                calendar
                    .update(&super::update::set(
                        super::harness::present(&master[0]),
                        &later,
                        [Field::When],
                    ))
                    .await
                    .unwrap(),
            );
            assert_eq!(series_of(&after), &later);
            let left = calendar
                .fetch(std::slice::from_ref(&exception.resource))
                .await
                .unwrap();
            let kept = matches!(left[..], [Seen::Present(_)]);
            if policy == ExceptionPolicy::Keep {
                assert!(kept, "{policy:?} {left:?}");
            }
            if let [Seen::Present(left)] = &left[..]
                && let OverrideValue::Fields(fields) = exception_of(left)
            {
                assert_eq!(fields.title.as_str(), "Moved");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_cancellation_is_recognised() {
    let world = World::new();
    let calendar = world.calendar();
    let master = world.made(&calendar, daily()).await;
    world.sim.fault(Fault::lost_answer("events.patch"));
    let written = calendar
        .update(&at(
            &master,
            wall(THIRD),
            &with(OverrideValue::Cancelled),
            Change::Cancel,
        ))
        .await
        .unwrap();
    let Written::Unproven { now: Some(now), .. } = written else {
        panic!("{written:?}");
    };
    assert_eq!(*exception_of(&now), OverrideValue::Cancelled);
}
