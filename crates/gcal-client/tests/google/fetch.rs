//! Reading single events: every id answered once, and only proof counts as gone.

use gcal_client::Pace;
use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{DEFAULT_ACCOUNT, ExceptionPolicy, Fault, GoogleSimConfig, Role};
use sync_engine::model::{OverrideValue, Series};
use sync_engine::observation::Seen;
use sync_engine::ports::{ErrorClass, SidePort as _};

use super::harness::{World, event, exception_of, id, present, repeating};

fn daily() -> Series {
    Series::single(repeating(
        event("Daily", "2026-11-10T10:00:00"),
        "FREQ=DAILY;COUNT=5",
    ))
}

#[tokio::test]
async fn each_id_is_answered_once_and_in_order() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    let deleted = world.person_makes(json!({
        "summary": "x", "start": {"date": "2026-11-10"}, "end": {"date": "2026-11-11"}
    }));
    world.person_deletes(&deleted);
    let asked = [id("neverwas"), made.resource.clone(), id(&deleted)];
    let seen = calendar.fetch(&asked).await.unwrap();
    assert!(matches!(
        &seen[..],
        [Seen::Gone { resource }, Seen::Present(there), Seen::Gone { .. }]
            if *resource == asked[0] && there.etag == made.etag
    ));
}

#[tokio::test]
async fn an_instance_that_is_only_computed_is_nothing_of_its_own() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    let instance = id(&format!("{}_20261112T090000Z", made.resource));
    let seen = calendar
        .fetch(std::slice::from_ref(&instance))
        .await
        .unwrap();
    assert!(matches!(seen[..], [Seen::Gone { .. }]), "{seen:?}");

    world.person_changes(instance.as_str(), json!({"summary": "By hand"}));
    let seen = calendar
        .fetch(std::slice::from_ref(&instance))
        .await
        .unwrap();
    present(&seen[0]);
}

#[tokio::test]
async fn what_a_move_left_behind_is_no_computed_instance() {
    let config = GoogleSimConfig::default().knobs(|knobs| {
        knobs.exception_policy = ExceptionPolicy::Keep;
        knobs.touch_exceptions = true;
    });
    let world = World::in_process(config, Pace::unlimited());
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    let instance = id(&format!("{}_20261110T090000Z", made.resource));
    // An exception that says again what its series says, and keeps its place.
    world.person_changes(instance.as_str(), json!({"summary": "By hand"}));
    world.person_changes(instance.as_str(), json!({"summary": "Daily"}));
    let later = json!({
        "start": {"dateTime": "2026-11-11T10:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2026-11-11T11:00:00", "timeZone": "Europe/Berlin"}});
    world.person_changes(made.resource.as_str(), later);
    assert_eq!(
        world.stored(instance.as_str())["etag"],
        world.stored(made.resource.as_str())["etag"]
    );
    let seen = calendar.fetch(&[instance]).await.unwrap();
    present(&seen[0]);
}

#[tokio::test]
async fn a_hole_is_a_hole_while_its_series_lives() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    let instance = id(&format!("{}_20261112T090000Z", made.resource));
    world.person_deletes(instance.as_str());
    let seen = calendar
        .fetch(std::slice::from_ref(&instance))
        .await
        .unwrap();
    assert_eq!(*exception_of(present(&seen[0])), OverrideValue::Cancelled);

    world.person_deletes(made.resource.as_str());
    let seen = calendar
        .fetch(std::slice::from_ref(&instance))
        .await
        .unwrap();
    assert!(matches!(seen[..], [Seen::Gone { .. }]));
}

#[tokio::test]
async fn not_found_is_looked_at_twice() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    world
        .sim
        .fault(Fault::status("events.get", 404, "notFound"));
    let seen = calendar
        .fetch(std::slice::from_ref(&made.resource))
        .await
        .unwrap();
    present(&seen[0]);
}

#[tokio::test]
async fn purged_tombstones_are_gone() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    world.person_deletes(made.resource.as_str());
    world.sim.advance(SignedDuration::from_hours(24 * 40));
    world.sim.purge(SignedDuration::from_hours(24 * 30));
    let seen = calendar
        .fetch(std::slice::from_ref(&made.resource))
        .await
        .unwrap();
    assert!(matches!(seen[..], [Seen::Gone { .. }]));
}

#[tokio::test]
async fn lost_access_proves_nothing() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, daily()).await;
    world
        .sim
        .set_role(DEFAULT_ACCOUNT, DEFAULT_ACCOUNT, Role::None)
        .unwrap();
    let error = calendar
        .fetch(std::slice::from_ref(&made.resource))
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Calendar);
}
