//! What a run costs when there is little to do, counted on the wire of both sides.

use serde_json::Value;
use testkit::{CountingProxy, Radicale};

use crate::common::{Stage, event, series};

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

/// The requests to Google, a renewed token aside.
fn requests(stage: &Stage) -> Vec<String> {
    let log = stage.google.log();
    log.into_iter()
        .map(|entry| entry.method)
        .filter(|method| method != "token")
        .collect()
}
