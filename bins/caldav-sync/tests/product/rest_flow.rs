//! Account → sign-in → mapping → sync through the REST API alone, against real calendar servers: a
//! corpus of every shape arrives with the same occurrences, by an expander that is not ours, and
//! what is then changed at the source follows.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use testkit::{
    CorpusItem, Expansion, RADICALE_REFUSES, Radicale, RawDav, Xandikos, corpus, expand_google,
    expand_ics,
};
use unicode_normalization::UnicodeNormalization as _;

use crate::common::{Api, Stage, event, series};

/// The zone that floating times stand for.
const ZONE: &str = "Europe/Berlin";

/// Titles, which are names of the corpus, whose occurrences the other expander sees differently, and
/// why ours are right. They must be at Google all the same.
const READ_DIFFERENTLY: [(&str, &str); 8] = [
    (
        "allday-dtend-equals-dtstart",
        "a day without length is a day",
    ),
    ("odd-allday-inverted-end", "an end before the start is none"),
    ("odd-inverted-end", "an end before the start is none"),
    ("odd-exrule", "it does not know EXRULE"),
    (
        "odd-dtstart-off-rule",
        "COUNT counts the start, it adds the start",
    ),
    (
        "odd-until-before-start",
        "the start counts whatever the rule says",
    ),
    (
        "odd-until-date-on-timed",
        "a day as the end of a timed series includes that day",
    ),
    (
        "override-id-as-date",
        "a day names the occurrence on that day",
    ),
];

/// What nobody can read: its zone is described nowhere.
const UNREADABLE: [&str; 1] = ["odd-unknown-zone"];

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
    let mut sent = Vec::new();
    for item in corpus(today) {
        if !refused.contains(&item.name.as_str()) {
            dav.put(&format!("{path}{}.ics", item.name), &item.ics)
                .await;
            sent.push(item);
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
    assert!(run["error"].is_null(), "{run:#}");
    let failed = failed(&api, &sent).await;
    let unreadable = BTreeSet::from(UNREADABLE.map(ToOwned::to_owned));
    assert_eq!(failed, unreadable, "{run:#}");
    same_occurrences(&stage, dav, path).await;
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
    same_occurrences(&stage, dav, path).await;

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
    same_occurrences(&stage, dav, path).await;
    nothing_left_to_do(&api, &mapping).await;
}

/// The names of what could not be read or written, in any run so far: what waits after a failure is
/// not tried in every run.
async fn failed(api: &Api, sent: &[CorpusItem]) -> BTreeSet<String> {
    let runs = api.get("/runs").await;
    let mut failed = BTreeSet::new();
    for known in runs["runs"].as_array().unwrap() {
        let id = known["id"].as_str().unwrap();
        let whole = api.get(&format!("/runs/{id}")).await;
        let events = whole["events"].as_array().unwrap().iter();
        for event in events.filter(|event| !event["error"].is_null()) {
            // By its UID, or by its address where that could not be read.
            let uid = event["uid"].as_str().unwrap();
            let found = sent
                .iter()
                .find(|item| item.uid == uid || uid.ends_with(&format!("/{}.ics", item.name)));
            failed.insert(found.unwrap_or_else(|| panic!("{event:#}")).name.clone());
        }
    }
    failed
}

async fn nothing_left_to_do(api: &Api, mapping: &str) {
    let run = api.sync(mapping).await;
    for count in ["inserted", "updated", "deleted", "held", "deferred"] {
        assert_eq!(run[count], 0, "{count}: {run:#}");
    }
}

/// Both sides have the same agenda for the mapping's window.
async fn same_occurrences(stage: &Stage, dav: &RawDav, path: &str) {
    let from = Timestamp::now().checked_add(1.hour()).unwrap();
    let to = from.checked_add((29 * 24).hours()).unwrap();
    let source = dav.objects(path).await;
    let there = expand_ics(&source, from, to, ZONE);
    let here = expand_google(&stage.events(), from, to);
    assert!(here.errors.is_empty(), "{:?}", here.errors);
    assert!(there.errors.is_empty(), "{:?}", there.errors);
    for (title, _) in READ_DIFFERENTLY {
        let wanted = source.iter().any(|text| text.contains(title));
        let shown = here.occurrences.iter().any(|found| found.summary == title);
        assert_eq!(shown, wanted, "whether {title} is at Google");
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
    assert!(there.len() > 500, "only {} occurrences", there.len());
}

/// The agenda with titles as both sides can hold them, without what is known to differ.
fn agenda(expansion: &Expansion) -> Vec<(String, String, String)> {
    let mut agenda = expansion.agenda();
    for (_, _, title) in &mut agenda {
        let composed: String = title.nfc().collect();
        composed.trim().clone_into(title);
    }
    agenda.retain(|(_, _, title)| {
        !READ_DIFFERENTLY.iter().any(|(known, _)| known == title)
            && !UNREADABLE.contains(&title.as_str())
    });
    agenda.sort();
    agenda
}

/// Every title another one.
fn retitled(text: &str) -> String {
    text.replace("\r\nSUMMARY:", "\r\nSUMMARY:Now ")
}
