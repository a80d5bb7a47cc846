//! `POST /sync` under load: many triggers make few runs, and each is answered with a run that covers
//! it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use simulators::google::{Action, Fault};

use crate::harness::{Answer, Site};

/// Triggers at once.
const MANY: usize = 100;

/// Sends many triggers at once; the runs that each was answered with.
async fn trigger(site: &Site, query: &str) -> Vec<Vec<Value>> {
    let ask = || async {
        let answer = Answer::of(site.keyed(Method::POST, &format!("/sync{query}"))).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json()["runs"].as_array().unwrap().clone()
    };
    join_all((0..MANY).map(|_| ask())).await
}

fn ids(answers: &[Vec<Value>], mapping: &Value) -> BTreeSet<String> {
    answers
        .iter()
        .flatten()
        .filter(|run| run["mapping_id"] == mapping["id"])
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn runs(site: &Site) -> usize {
    site.get("/runs?limit=200").await.json()["runs"]
        .as_array()
        .unwrap()
        .len()
}

fn hold(method: &str) -> Fault {
    Fault::before(method, Action::Hold { ms: 4_000 })
}

/// Waits until Google has been asked for something.
async fn until_asked(site: &Site, method: &str, before: usize) {
    while calls(site, method) == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn calls(site: &Site, method: &str) -> usize {
    let log = site.google.log();
    log.iter().filter(|entry| entry.method == method).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_triggers_at_once_make_at_most_two_runs() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let second = json!({
        "caldav_calendar_id": site.calendar("caldav", "Home").await,
        "google_calendar_id": mapping["google_calendar_id"],
    });
    let second = site.post("/mappings", second).await.json();
    site.sync(&second).await;

    // However fast the machine: the first run is under way until all have asked.
    let id = mapping["id"].as_str().unwrap();
    let before = runs(&site).await;
    site.google.fault(hold("events.list"));
    let answers = trigger(&site, &format!("?mapping_id={id}&wait=true")).await;
    let made = ids(&answers, &mapping);
    assert!((1..=2).contains(&made.len()), "{made:?}");
    assert_eq!(runs(&site).await - before, made.len());
    for run in answers.iter().flatten() {
        assert_eq!(run["status"], "success", "{run}");
        assert!(run["finished_at"].is_string(), "{run}");
    }

    let before = runs(&site).await;
    site.google.fault(hold("events.list"));
    let answers = trigger(&site, "?wait=true").await;
    assert!(answers.iter().all(|runs| runs.len() == 2));
    let (one, other) = (ids(&answers, &mapping), ids(&answers, &second));
    assert!((1..=2).contains(&one.len()), "{one:?}");
    assert!((1..=2).contains(&other.len()), "{other:?}");
    assert_eq!(runs(&site).await - before, one.len() + other.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_still_reads_is_joined_and_one_that_writes_is_followed() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let query = format!("?mapping_id={}", mapping["id"].as_str().unwrap());

    // Reading: all join, and what changed meanwhile is read as well.
    site.google.fault(hold("events.list"));
    let before = calls(&site, "events.list");
    let first = Answer::of(site.keyed(Method::POST, &format!("/sync{query}"))).await;
    until_asked(&site, "events.list", before).await;
    site.put_event("late", "Too late for the first reading", 2);
    let answers = trigger(&site, &format!("{query}&wait=true")).await;
    let joined = ids(&answers, &mapping);
    assert_eq!(
        joined,
        ids(
            &[first.json()["runs"].as_array().unwrap().clone()],
            &mapping
        )
    );
    assert_eq!(site.titles(), ["Too late for the first reading"]);

    // Writing: all share the one that follows.
    site.put_event("one", "Standup", 3);
    site.google.fault(hold("events.insert"));
    let before = calls(&site, "events.insert");
    let first = Answer::of(site.keyed(Method::POST, &format!("/sync{query}"))).await;
    until_asked(&site, "events.insert", before).await;
    let answers = trigger(&site, &format!("{query}&wait=true")).await;
    let followed = ids(&answers, &mapping);
    assert_eq!(followed.len(), 1, "{followed:?}");
    assert!(!followed.contains(first.json()["runs"][0]["id"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_finds_what_was_there_when_he_asked() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let change = |number: usize| {
        let site = &site;
        let mapping = &mapping;
        async move {
            let title = format!("Number {number:02}");
            site.put_event(&format!("event-{number}"), &title, 3);
            let run = site.sync(mapping).await;
            assert_eq!(run["error"], Value::Null, "{run}");
            assert!(
                site.titles().contains(&title),
                "{title} is not covered by {run}"
            );
        }
    };
    join_all((0..30).map(change)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_yesterdays_settings_is_not_joined() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.google.fault(hold("events.list"));
    let before = calls(&site, "events.list");
    let query = format!("/sync?mapping_id={}", mapping["id"].as_str().unwrap());
    Answer::of(site.keyed(Method::POST, &query)).await;
    until_asked(&site, "events.list", before).await;
    let change = json!({"id": mapping["id"], "privacy": "busy"});
    assert_eq!(site.post("/mappings", change).await.status, 200);
    site.sync(&mapping).await;
    assert_eq!(site.titles(), ["Busy"]);
}
