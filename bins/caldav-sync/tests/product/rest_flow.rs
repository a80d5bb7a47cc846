//! Account → sign-in → mapping → sync through the REST API alone, against real calendar servers: a
//! corpus of every shape arrives with the same occurrences, by an expander that is not ours, and
//! what is then changed at the source follows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use testkit::{
    Expansion, RADICALE_REFUSES, Radicale, RawDav, Xandikos, corpus, expand_google, expand_ics,
};

use crate::common::{Api, Stage, event, series};

/// The zone that floating times stand for.
const ZONE: &str = "Europe/Berlin";

#[tokio::test(flavor = "multi_thread")]
async fn rest_flow_radicale() {
    let server = Radicale::start();
    let path = server.calendar_path("alice", "work");
    flow(
        &server.url(),
        &server.dav("alice"),
        &path,
        &RADICALE_REFUSES,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_flow_xandikos() {
    let server = Xandikos::start();
    let path = server.calendar_path("alice", "work");
    flow(&server.url(), &server.dav("alice"), &path, &[]).await;
}

async fn flow(url: &str, dav: &RawDav, path: &str, refused: &[&str]) {
    dav.mkcalendar(path, "Work").await;
    let today = Timestamp::now().in_tz(ZONE).unwrap().date();
    let mut sent = BTreeMap::new();
    for item in corpus(today) {
        if !refused.contains(&item.name.as_str()) {
            dav.put(&format!("{path}{}.ics", item.name), &item.ics)
                .await;
            sent.insert(item.uid.clone(), item);
        }
    }
    assert!(sent.len() >= 60, "only {} objects", sent.len());

    let stage = Stage::start();
    let account = stage.add_caldav(url).await;
    stage.sign_in().await;
    let settings = json!({ "time_zone": ZONE, "window": { "past_days": 0, "future_days": 30 } });
    let mapping = stage.map(&account, "work", &settings).await;
    let api = stage.api();
    let run = api.sync(&mapping).await;
    let failed = failed(&api, &run).await;
    for uid in &failed {
        let item = &sent[uid];
        assert!(item.is_odd(), "{} failed: {run:#}", item.name);
    }
    same_occurrences(&stage, dav, path, &failed).await;
    nothing_left_to_do(&api, &mapping).await;

    // Deleted, changed, moved, made anew.
    let timed = format!("{path}timed-utc.ics");
    let weekly = format!("{path}rrule-weekly.ics");
    let taken = [
        dav.get(&timed).await.unwrap().body,
        dav.get(&weekly).await.unwrap().body,
    ];
    dav.delete(&timed).await;
    dav.delete(&weekly).await;
    for name in ["override-moved", "timed-berlin", "allday-single"] {
        let href = format!("{path}{name}.ics");
        let text = dav.get(&href).await.unwrap().body;
        dav.put(&href, &retitled(&text)).await;
    }
    dav.put(
        &format!("{path}new-event.ics"),
        &event("new-event", "New", 50),
    )
    .await;
    dav.put(
        &format!("{path}new-series.ics"),
        &series("new-series", "New series", 51),
    )
    .await;
    let run = api.sync(&mapping).await;
    assert_eq!(run["deleted"], 2, "{run:#}");
    assert_eq!(run["inserted"], 2, "{run:#}");
    same_occurrences(&stage, dav, path, &failed).await;

    dav.put(&timed, &taken[0]).await;
    dav.put(&weekly, &taken[1]).await;
    dav.put(
        &format!("{path}new-event.ics"),
        &event("new-event", "New", 99),
    )
    .await;
    dav.put(
        &format!("{path}new-series.ics"),
        &series("new-series", "New series", 75),
    )
    .await;
    let run = api.sync(&mapping).await;
    assert_eq!(run["inserted"], 2, "restored ones are made anew: {run:#}");
    assert_eq!(run["updated"], 2, "moved ones are changed: {run:#}");
    same_occurrences(&stage, dav, path, &failed).await;
    nothing_left_to_do(&api, &mapping).await;
}

/// The UIDs of what could not be written. Those of the runs before this one count too: what waits
/// after a failure is not tried in every run.
async fn failed(api: &Api, run: &Value) -> BTreeSet<String> {
    let runs = api.get("/runs").await;
    let mut failed = BTreeSet::new();
    for known in runs["runs"].as_array().unwrap() {
        let id = known["id"].as_str().unwrap();
        let whole = api.get(&format!("/runs/{id}")).await;
        for event in whole["events"].as_array().unwrap() {
            if !event["error"].is_null() {
                failed.insert(event["uid"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(run["error"].is_null(), "{run:#}");
    failed
}

async fn nothing_left_to_do(api: &Api, mapping: &str) {
    let run = api.sync(mapping).await;
    for count in ["inserted", "updated", "deleted", "held", "deferred"] {
        assert_eq!(run[count], 0, "{count}: {run:#}");
    }
}

/// Both sides have the same agenda for the mapping's window.
async fn same_occurrences(stage: &Stage, dav: &RawDav, path: &str, failed: &BTreeSet<String>) {
    let from = Timestamp::now().checked_add(1.hour()).unwrap();
    let to = from.checked_add((29 * 24).hours()).unwrap();
    let source = dav.objects(path).await;
    let source: Vec<String> = source
        .into_iter()
        .filter(|text| !failed.iter().any(|uid| text.contains(uid.as_str())))
        .collect();
    let events = stage.events();
    let there = expand_ics(&source, from, to, ZONE);
    let here = expand_google(&events, from, to);
    assert!(here.errors.is_empty(), "{:?}", here.errors);
    for (at, why) in &there.errors {
        assert!(
            source[*at].contains("odd-"),
            "not expanded: {why}\n{}",
            source[*at]
        );
    }
    let (there, here) = (agenda(&there), agenda(&here));
    let missing: Vec<_> = there.iter().filter(|line| !here.contains(line)).collect();
    let surplus: Vec<_> = here.iter().filter(|line| !there.contains(line)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty() && there.len() == here.len(),
        "missing at Google: {missing:#?}\nonly at Google: {surplus:#?}\n{} there, {} here",
        there.len(),
        here.len()
    );
}

/// The agenda with titles as both sides can hold them.
fn agenda(expansion: &Expansion) -> Vec<(String, String, String)> {
    let mut agenda = expansion.agenda();
    for (_, _, title) in &mut agenda {
        *title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    agenda.sort();
    agenda
}

/// Every title another one.
fn retitled(text: &str) -> String {
    text.replace("\r\nSUMMARY:", "\r\nSUMMARY:Now ")
}
