//! Deleting events.

use serde_json::json;
use simulators::google::Fault;
use sync_engine::model::{Google, Series};
use sync_engine::observation::Observation;
use sync_engine::ports::{Remove, SidePort as _, Written};

use super::harness::{World, event, present, series_of, stored_as};

fn one() -> Series {
    Series::single(event("One", "2026-11-10T10:00:00"))
}

fn removal(observation: &Observation<Google>) -> Remove<Google> {
    Remove {
        resource: stored_as(observation),
        attending: false,
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_and_stays_so() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    for _ in 0..2 {
        assert_eq!(
            calendar.remove(&removal(&made)).await.unwrap(),
            Written::Removed
        );
    }
    assert_eq!(world.alive(), 0);
    assert_eq!(world.sim.counts().writes_of("events.delete"), 1);
    let log = world.sim.log();
    let delete = log.iter().find(|e| e.method == "events.delete").unwrap();
    assert!(
        delete
            .query
            .contains(&("sendUpdates".into(), "none".into()))
    );
    world.is_clean();
}

#[tokio::test]
async fn a_lost_answer_is_removed_too() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.sim.fault(Fault::lost_answer("events.delete"));
    assert_eq!(
        calendar.remove(&removal(&made)).await.unwrap(),
        Written::Removed
    );
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn what_somebody_changed_is_not_removed() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.person_changes(made.resource.as_str(), json!({"summary": "By hand"}));
    let Written::Stale { now } = calendar.remove(&removal(&made)).await.unwrap() else {
        panic!("removed a person's edit");
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
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn what_somebody_deleted_counts_as_removed() {
    let world = World::new();
    let calendar = world.calendar();
    let made = world.made(&calendar, one()).await;
    world.person_deletes(made.resource.as_str());
    assert_eq!(
        calendar.remove(&removal(&made)).await.unwrap(),
        Written::Removed
    );
}
