//! Lost answers, kills, restarts, expired tokens, a lost database: no duplicate, no loss, no wrong
//! deletion.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig, FaultAction};
use simulators::google::{Action, Fault};
use testkit::Radicale;

use crate::common::{Stage, event, series, wait_until, with_exceptions};

/// Events of a first sync that is interrupted.
const MANY: usize = 500;

fn source() -> CaldavSim {
    CaldavSim::start(CaldavSimConfig::default()).unwrap()
}

fn put(source: &CaldavSim, uid: &str, title: &str, hours: i64) {
    source.put(
        "alice",
        "work",
        &format!("{uid}.ics"),
        &event(uid, title, hours),
    );
}

fn fill(source: &CaldavSim, count: usize) -> Vec<String> {
    let mut titles = Vec::new();
    for number in 0..count {
        let title = format!("Event {number:03}");
        let hours = 2 + i64::try_from(number).unwrap();
        put(source, &format!("event-{number:03}"), &title, hours);
        titles.push(title);
    }
    titles
}

/// Makes Google's answers to a method slow, so that what a test interrupts is surely under way.
fn slow_down(stage: &Stage, method: &str) {
    let hold = Fault::after(method, Action::Hold { ms: 25 });
    stage.google.fault(hold.times(0));
}

/// How many events were made at Google so far.
fn inserted(stage: &Stage) -> u64 {
    stage.google.counts().writes_of("events.insert")
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_double_nothing() {
    let source = source();
    let mut titles = fill(&source, 6);
    source.put(
        "alice",
        "work",
        "series.ics",
        &series("series", "Series", 4),
    );
    titles.push("Series".to_owned());
    let stage = Stage::start();
    let account = stage.add_caldav(source.url()).await;
    stage.sign_in().await;
    for fault in [
        Fault::lost_answer("events.insert").nth(2),
        Fault::after("events.insert", Action::Truncate { keep: 20 }).nth(4),
        Fault::before("events.insert", Action::Reset).nth(5),
    ] {
        stage.google.fault(fault);
    }
    let mapping = stage.map(&account, "work", &json!({})).await;
    let api = stage.api();
    settle(&stage, &mapping).await;
    assert_eq!(stage.titles(), titles);
    assert_eq!(stage.google.faults(), [], "every fault struck");

    put(&source, "event-001", "Event 001, changed", 3);
    stage.google.fault(Fault::lost_answer("events.patch"));
    settle(&stage, &mapping).await;
    assert!(stage.titles().contains(&"Event 001, changed".to_owned()));

    source.delete("alice", "work", "event-002.ics");
    stage.google.fault(Fault::lost_answer("events.delete"));
    settle(&stage, &mapping).await;
    titles.retain(|title| title != "Event 002");
    titles[1] = "Event 001, changed".to_owned();
    assert_eq!(stage.titles(), titles);
    assert_eq!(stage.google.faults(), [], "every fault struck");
    let run = api.sync_well(&mapping).await;
    assert_eq!(run["inserted"], 0, "{run:#}");
    assert_eq!(source.writes(), 0, "the source was written");
}

/// Runs until a run has nothing left over, three at most: a fault may defer an event to the next.
async fn settle(stage: &Stage, mapping: &str) {
    for _ in 0..3 {
        let run = stage.api().sync(mapping).await;
        if run["status"] == "success" && run["deferred"] == 0 {
            return;
        }
    }
    panic!("it does not settle: {:#}", stage.api().get("/runs").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_during_a_first_sync() {
    let source = source();
    let titles = fill(&source, MANY);
    let mut stage = Stage::start();
    slow_down(&stage, "events.insert");
    let mapping = stage.set_up(source.url(), "work").await;
    // The mapping's first run began by itself; each start goes on by itself.
    for enough in [1, 90, 200, 310] {
        wait_until("so many inserts", async || {
            (inserted(&stage) >= enough).then_some(())
        })
        .await;
        stage.down().kill();
        stage.up();
    }
    let now = inserted(&stage);
    assert!(now < MANY as u64, "the last kill came too late: {now}");
    stage.google.clear_faults();
    let run = stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles(), titles, "{run:#}");
    exactly(&stage, MANY);
    quiet(&stage, &mapping).await;
    let status = stage.api().get("/status").await;
    assert_eq!(status["mappings"][0]["tracked"], MANY, "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_changes_and_removals_are_under_way() {
    let source = source();
    let mut titles = fill(&source, 120);
    source.put(
        "alice",
        "work",
        "series.ics",
        &series("series", "Series", 4),
    );
    titles.push("Series".to_owned());
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;

    // Removals fewer than the guard holds back; a series with a moved and a cancelled occurrence.
    for (number, title) in titles.iter_mut().enumerate().take(100) {
        *title = format!("Event {number:03}, changed");
        let hours = 3 + i64::try_from(number).unwrap();
        put(&source, &format!("event-{number:03}"), title, hours);
    }
    source.put(
        "alice",
        "work",
        "series.ics",
        &with_exceptions("series", "Series", 4),
    );
    for number in 100..108 {
        source.delete("alice", "work", &format!("event-{number:03}.ics"));
    }
    titles.drain(100..108);
    for number in 0..5 {
        let title = format!("New {number}");
        put(&source, &format!("new-{number}"), &title, 7);
        titles.push(title);
    }
    titles.sort();
    stage.google.clear_log();
    stage
        .google
        .fault(Fault::lost_answer("events.patch").nth(3));
    let api = stage.api();
    let asked = json!({ "mapping_id": mapping });
    api.post_for(202, "/sync", &asked).await;
    let mut last = 0;
    for enough in [2, 25, 60, 95] {
        wait_until("so many writes", async || {
            (stage.google.counts().writes_total() >= enough).then_some(())
        })
        .await;
        stage.down().kill();
        last = stage.google.counts().writes_total();
        stage.up();
    }
    assert!(last < 115, "the last kill came too late: {last}");
    stage.google.clear_faults();
    stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles(), titles);
    quiet(&stage, &mapping).await;
    // At most one exception each, and no series twice.
    let exceptions = stage
        .events()
        .into_iter()
        .filter(|event| event.get("recurringEventId").is_some());
    let moved = exceptions.filter(|event| event["status"] != "cancelled");
    assert_eq!(moved.count(), 1);
    // What a kill cost is a repeated write, not many.
    let writes = stage.google.counts().writes_total();
    assert!(writes <= 100 + 8 + 5 + 3 + 8, "{writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_while_a_server_does_not_answer() {
    let source = source();
    fill(&source, 3);
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    let before = source.log().len();
    source.add_fault(simulators::caldav::Fault {
        method: None,
        ..simulators::caldav::Fault::on("*", FaultAction::Delay { millis: 60_000 })
    });
    let asked = json!({ "mapping_id": mapping });
    stage.api().post_for(202, "/sync", &asked).await;
    wait_until("the request that hangs", async || {
        (source.log().len() > before).then_some(())
    })
    .await;
    let (status, took) = stage.down().terminate();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    source.clear_faults();
    stage.up();
    quiet(&stage, &mapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_during_a_sync() {
    let source = source();
    let titles = fill(&source, MANY);
    let mut stage = Stage::start();
    slow_down(&stage, "events.insert");
    let mapping = stage.set_up(source.url(), "work").await;
    wait_until("the first inserts", async || {
        (inserted(&stage) >= 40).then_some(())
    })
    .await;
    // Somebody waits for the run while the end comes.
    let api = stage.api();
    let asked = json!({ "mapping_id": mapping, "wait": true });
    let waiting = tokio::spawn(async move { api.post("/sync", &asked).await });
    let (status, took) = stage.down().terminate();
    waiting.abort();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    let now = inserted(&stage);
    assert!(now < MANY as u64, "there was nothing to interrupt: {now}");
    stage.google.clear_faults();
    stage.up();
    stage.api().sync_well(&mapping).await;
    assert_eq!(stage.titles(), titles);
    exactly(&stage, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_tokens_lose_nothing_and_delete_nothing() {
    let source = source();
    let mut titles = fill(&source, 12);
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    stage.api().sync_well(&mapping).await;
    let before = stage.events();

    stage.google.expire_sync_tokens();
    source.expire_tokens("alice", "work");
    quiet(&stage, &mapping).await;
    assert_eq!(stage.events(), before);

    // What happened behind an expired token is seen all the same.
    put(&source, "event-003", "Event 003, changed", 9);
    source.delete("alice", "work", "event-007.ics");
    put(&source, "event-new", "Event new", 10);
    source.expire_tokens("alice", "work");
    stage.google.expire_sync_tokens();
    let run = stage.api().sync_well(&mapping).await;
    assert_eq!(
        [&run["inserted"], &run["updated"], &run["deleted"]],
        [1, 1, 1],
        "{run:#}"
    );
    titles[3] = "Event 003, changed".to_owned();
    titles.remove(7);
    titles.push("Event new".to_owned());
    assert_eq!(stage.titles(), titles);
    quiet(&stage, &mapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_radicale_that_forgot_its_tokens() {
    let mut server = Radicale::start();
    let dav = server.dav("alice");
    let path = server.calendar_path("alice", "work");
    dav.mkcalendar(&path, "Work").await;
    for number in 0..4 {
        let uid = format!("event-{number}");
        dav.put(&format!("{path}{uid}.ics"), &event(&uid, &uid, 3 + number))
            .await;
    }
    let stage = Stage::start();
    let mapping = stage.set_up(&server.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    stage.api().sync_well(&mapping).await;

    server.stop();
    let cache = server
        .folder()
        .join("collections/collection-root/alice/work/.Radicale.cache");
    std::fs::remove_dir_all(&cache).unwrap();
    server.restart();
    let dav = server.dav("alice");
    dav.delete(&format!("{path}event-2.ics")).await;
    let run = stage.api().sync_well(&mapping).await;
    assert_eq!(
        [&run["inserted"], &run["updated"], &run["deleted"]],
        [0, 0, 1],
        "{run:#}"
    );
    assert_eq!(stage.titles(), ["event-0", "event-1", "event-3"]);
    quiet(&stage, &mapping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_doubles_and_deletes_nothing() {
    let source = source();
    let mut titles = fill(&source, 12);
    source.put(
        "alice",
        "work",
        "series.ics",
        &series("series", "Series", 4),
    );
    titles.push("Series".to_owned());
    let mut stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    stage.api().sync_well(&mapping).await;
    source.delete("alice", "work", "event-005.ics");
    titles.remove(5);
    stage.api().sync_well(&mapping).await;
    // One that a person made: it stays alone, before and after.
    let native = json!({ "summary": "Native", "start": { "date": "2027-01-05" }, "end": { "date": "2027-01-06" } });
    stage
        .google
        .as_user(crate::common::ACCOUNT)
        .insert(crate::common::TARGET, native)
        .unwrap();
    titles.push("Native".to_owned());
    titles.sort();
    let before = stage.events();

    stage.down().kill();
    for file in std::fs::read_dir(stage.data()).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if name.starts_with("caldav_sync.db") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    stage.up();
    let status = stage.api().get("/status").await;
    assert_eq!(status["status"], "setup");
    stage.google.clear_log();
    let mapping = stage.set_up(source.url(), "work").await;
    let run = stage.api().sync_well(&mapping).await;
    assert_eq!(stage.google.counts().writes_total(), 0, "{run:#}");
    assert_eq!(stage.events(), before);
    assert_eq!(stage.titles(), titles);

    // And the two belong together again.
    source.delete("alice", "work", "event-001.ics");
    put(&source, "event-002", "Event 002, changed", 20);
    let run = stage.api().sync_well(&mapping).await;
    assert_eq!(
        [&run["inserted"], &run["updated"], &run["deleted"]],
        [0, 1, 1],
        "{run:#}"
    );
    assert!(stage.titles().contains(&"Native".to_owned()));
    quiet(&stage, &mapping).await;
}

/// As many events as that at Google, each of a UID of its own, none cancelled.
fn exactly(stage: &Stage, count: usize) {
    let events = stage.events();
    let uids: BTreeSet<&str> = events
        .iter()
        .filter_map(|event| event["iCalUID"].as_str())
        .collect();
    assert_eq!((events.len(), uids.len()), (count, count));
    assert!(events.iter().all(|event| event["status"] == "confirmed"));
}

/// A run writes nothing.
async fn quiet(stage: &Stage, mapping: &str) {
    let before = stage.events();
    let run = stage.api().sync_well(mapping).await;
    assert_eq!(stage.events(), before, "{run:#}");
    let counts: Vec<&Value> = ["inserted", "updated", "deleted", "failed", "held"]
        .iter()
        .map(|count| &run[*count])
        .collect();
    assert_eq!(counts, [0, 0, 0, 0, 0], "{run:#}");
}
