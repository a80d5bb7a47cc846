//! `/metrics` and the probes.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use reqwest::Client;
use rusqlite::Connection;
use simulators::caldav::{CaldavSim, CaldavSimConfig};

use super::ended;
use crate::common::{ACCOUNT, KEY, Program, Stage, event};

/// Every series with its labels.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
        .collect()
}

fn value(text: &str, series: &str) -> f64 {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    line.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_need_the_key_and_do_not_grow_with_events() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    source.put("alice", "work", "a.ics", &event("a", "Breakfast", 3));
    let stage = Stage::start_with(&[("LOCAL_ACCESS", "off")]);
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let url = format!("{}/metrics", stage.program().url);
    let http = Client::builder().no_proxy().build().unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    let figures = async || {
        let answer = http.get(&url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        answer.text().await.unwrap()
    };
    let before = figures().await;
    let inserts = "caldav_sync_actions_total{direction=\"caldav_to_google\",kind=\"insert\"}";
    assert!((value(&before, inserts) - 1.0).abs() < 0.5, "{before}");
    let success =
        format!("caldav_sync_sync_runs_total{{mapping=\"{mapping}\",result=\"success\"}}");
    let runs = value(&before, &success);
    assert!(runs >= 1.0, "{before}");
    for number in 0..10 {
        let name = format!("{number}.ics");
        source.put(
            "alice",
            "work",
            &name,
            &event(&number.to_string(), "More", 5),
        );
    }
    stage.api().sync_well(&mapping).await;
    let after = figures().await;
    assert_eq!(series(&before), series(&after), "the series stay the same");
    assert!((value(&after, inserts) - 11.0).abs() < 0.5, "{after}");
    assert!(value(&after, &success) > runs, "{after}");
    let last = format!("caldav_sync_last_success_timestamp_seconds{{mapping=\"{mapping}\"}}");
    assert!(value(&after, &last) > 1.7e9, "{after}");
    for name in [ACCOUNT, "alice", "Target", "Breakfast", "work"] {
        assert!(!after.contains(name), "{name} in\n{after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_means_that_the_database_takes_writes() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let bind = free.unwrap().to_string();
    let environment = [("BIND".to_owned(), bind.clone())];
    let program = Program::serve(folder.path(), &environment.into());
    let http = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let probe = async |name: &str| {
        let answer = http.get(format!("{}/{name}", program.url)).send();
        answer.await.unwrap().status().as_u16()
    };
    assert_eq!((probe("healthz").await, probe("readyz").await), (200, 200));
    // Nobody else can write while another process holds the file.
    let conn = Connection::open(folder.path().join("caldav_sync.db")).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(probe("readyz").await, 503);
    assert_eq!(probe("healthz").await, 200, "the process lives");
    let health = || Program::run(&["healthcheck"], &[("BIND", bind.as_str())]);
    let told = ended(&health(), 1);
    assert!(told.contains("503"), "{told}");
    conn.execute_batch("ROLLBACK").unwrap();
    assert_eq!(probe("readyz").await, 200);
    ended(&health(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_elsewhere_does_not_make_it_unready() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    drop(source);
    let run = stage.api().sync(&mapping).await;
    assert_eq!(run["status"], "failure", "{run:#}");
    let ready = stage.api().get("/readyz").await;
    assert_eq!(ready["status"], "ok");
}
