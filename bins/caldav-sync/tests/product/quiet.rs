//! What a run costs when there is little to do, counted on the wire of both sides.

use std::collections::BTreeSet;

use serde_json::Value;
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use simulators::google::{Action, Fault};
use testkit::{CountingProxy, Radicale};

use crate::common::{Stage, event, series, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_reads_once_on_each_side_and_writes_nothing() {
    let server = Radicale::start();
    let dav = server.dav("alice");
    let path = server.calendar_path("alice", "work");
    dav.mkcalendar(&path, "Work").await;
    for number in 0..20 {
        let (uid, title) = (format!("single-{number}"), format!("Single {number}"));
        dav.put(
            &format!("{path}{uid}.ics"),
            &event(&uid, &title, 5 + number),
        )
        .await;
    }
    dav.put(&format!("{path}series.ics"), &series("series", "Series", 8))
        .await;

    let proxy = CountingProxy::start(&server.url());
    let stage = Stage::start();
    let mapping = stage.set_up(proxy.url(), "work").await;
    let api = stage.api();
    let run = api.sync_well(&mapping).await;
    assert_eq!(stage.titles().len(), 21, "{run:#}");
    // One more, so that everything our own writes caused has been seen.
    api.sync_well(&mapping).await;

    proxy.clear_log();
    stage.google.clear_log();
    let run = api.sync_well(&mapping).await;
    assert_eq!(
        (proxy.total(), proxy.writes()),
        (1, 0),
        "requests to CalDAV: {:#?}",
        proxy.log()
    );
    let asked = requests(&stage);
    assert_eq!(asked, ["events.list"], "requests to Google; {run:#}");
    assert_eq!(stage.google.counts().writes_total(), 0);

    // One changed event: a read and the object on the one side, a read and a write on the other.
    dav.put(
        &format!("{path}single-3.ics"),
        &event("single-3", "Another title", 8),
    )
    .await;
    proxy.clear_log();
    stage.google.clear_log();
    let run = api.sync_well(&mapping).await;
    assert_eq!(run["updated"], 1, "{run:#}");
    assert_eq!(
        stage.google.counts().writes_total(),
        1,
        "{:?}",
        requests(&stage)
    );
    assert_eq!(proxy.writes(), 0);
    let all = proxy.total() + requests(&stage).len();
    assert!(
        all <= 4,
        "{all} requests: {:#?} and {:?}",
        proxy.log(),
        requests(&stage)
    );
    assert!(stage.titles().contains(&"Another title".to_owned()));

    // Our own write is no news.
    proxy.clear_log();
    stage.google.clear_log();
    api.sync_well(&mapping).await;
    assert_eq!(stage.google.counts().writes_total(), 0);
    assert_eq!(
        (proxy.total(), requests(&stage).len()),
        (1, 1),
        "{:?}",
        requests(&stage)
    );
    // The source of a one-way mapping was never written.
    let runs = api.get("/runs?limit=200").await;
    let failures = runs["runs"].as_array().unwrap().iter();
    assert!(
        failures.clone().all(|run| run["error"] == Value::Null),
        "{runs:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_during_a_run_share_one_more_run_that_sees_what_changed() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    for number in 0..40 {
        let uid = format!("event-{number:02}");
        source.put(
            "alice",
            "work",
            &format!("{uid}.ics"),
            &event(&uid, &uid, 2 + number),
        );
    }
    let stage = Stage::start();
    stage
        .google
        .fault(Fault::after("events.insert", Action::Hold { ms: 50 }).times(0));
    let mapping = stage.set_up(source.url(), "work").await;
    wait_until("the first inserts", async || {
        (stage.google.counts().writes_of("events.insert") >= 3).then_some(())
    })
    .await;
    // The run under way has read its calendars: what comes now is for the next one.
    source.put("alice", "work", "late.ics", &event("late", "late", 4));
    let triggers = (0..20).map(|_| {
        let (api, mapping) = (stage.api(), mapping.clone());
        tokio::spawn(async move { api.sync_well(&mapping).await["id"].clone() })
    });
    let triggers: Vec<_> = triggers.collect();
    let mut covered = BTreeSet::new();
    for trigger in triggers {
        covered.insert(trigger.await.unwrap().as_str().unwrap().to_owned());
        assert!(stage.titles().contains(&"late".to_owned()));
    }
    assert!(covered.len() <= 2, "{covered:?}");
}

/// The requests to Google, a renewed token aside.
fn requests(stage: &Stage) -> Vec<String> {
    let log = stage.google.log();
    log.into_iter()
        .map(|entry| entry.method)
        .filter(|method| method != "token")
        .collect()
}
