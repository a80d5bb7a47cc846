//! `demo`: nothing to set up, and something to see within half a minute.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Program, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_two_mapped_calendars_and_their_events_arriving() {
    let begun = Instant::now();
    let program = Program::start(&["demo"], &BTreeMap::new(), |line| {
        let (_, url) = line.split_once("Simulated Google:")?;
        Some(url.trim().to_owned())
    });
    let google = program.url.clone();
    let log = program.log();
    let (_, dashboard) = log.split_once("Dashboard:").unwrap();
    let dashboard = dashboard
        .split_whitespace()
        .next()
        .unwrap()
        .trim_end_matches('/')
        .to_owned();

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |url: &str| {
        let answer = http.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.text().await.unwrap()
    };
    // As a browser on this computer does: no key.
    let mappings: Value =
        serde_json::from_str(&get(&format!("{dashboard}/mappings")).await).unwrap();
    let mut ways: Vec<&str> = mappings["mappings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mapping| mapping["direction"].as_str().unwrap())
        .collect();
    ways.sort_unstable();
    assert_eq!(ways, ["bidirectional", "caldav_to_google"]);
    let page = get(&format!("{dashboard}/")).await;
    for name in ["Work", "Family"] {
        assert!(page.contains(name), "no {name} on the dashboard: {page}");
    }
    let page = wait_until("the events' arrival", async || {
        let page = get(&google).await;
        (page.contains("Stand-up") && page.contains("Piano lesson")).then_some(page)
    })
    .await;
    for words in ["moved", "Lunch with Noor", "Paper bin out"] {
        assert!(page.contains(words), "no {words}: {page}");
    }
    // Life goes on: somebody comes for dinner who was not there at first.
    wait_until("an edit's arrival", async || {
        get(&google)
            .await
            .contains("comes for dinner")
            .then_some(())
    })
    .await;
    // The page says who did what where, and what both did at once is on record.
    wait_until("a conflict", async || {
        let conflicts = get(&format!("{dashboard}/conflicts?status=decided")).await;
        conflicts.contains("inema").then_some(())
    })
    .await;
    let page = get(&google).await;
    for words in ["Ada, on the CalDAV side: ", "Ben, at Google: "] {
        assert!(page.contains(words), "no {words}: {page}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert!(!program.log().contains("ERROR"), "{}", program.log());

    let (status, took) = program.terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
