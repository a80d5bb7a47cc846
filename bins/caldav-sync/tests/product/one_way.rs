//! One way is one way: what people do at Google is put back, what is theirs is left alone, the
//! source is never written, and what a privacy rule removes never leaves.

use serde_json::json;
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use simulators::google::{Action, Fault};

use crate::common::{ACCOUNT, Stage, TARGET, event, wait_until, with_exceptions};

fn source() -> CaldavSim {
    CaldavSim::start(CaldavSimConfig::default()).unwrap()
}

/// The id of the event with this title.
fn id_of(stage: &Stage, title: &str) -> String {
    let events = stage.events();
    let found = events.iter().find(|event| event["summary"] == title);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_to_copies_is_put_back_and_natives_are_left_alone() {
    let source = source();
    for uid in ["one", "two", "three"] {
        source.put("alice", "work", &format!("{uid}.ics"), &event(uid, uid, 5));
    }
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    api.sync_well(&mapping).await;
    // One more, so that a reading has shown what was written: else its absence would prove nothing.
    api.sync_well(&mapping).await;
    let native = json!({ "summary": "native", "start": { "date": "2027-01-05" }, "end": { "date": "2027-01-06" } });
    let person = stage.google.as_user(ACCOUNT);
    person.insert(TARGET, native).unwrap();
    person
        .patch(
            TARGET,
            &id_of(&stage, "one"),
            json!({ "summary": "renamed" }),
        )
        .unwrap();
    person.delete(TARGET, &id_of(&stage, "two")).unwrap();
    assert_eq!(stage.titles(), ["native", "renamed", "three"]);
    api.sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["native", "one", "three", "two"]);
    let run = api.sync_well(&mapping).await;
    assert_eq!(
        [&run["inserted"], &run["updated"], &run["deleted"]],
        [0, 0, 0],
        "{run:#}"
    );
    assert_eq!(source.writes(), 0, "the source was written");
    assert!(stage.google.mail().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_privacy_rule_removes_never_leaves() {
    let source = source();
    let text = with_exceptions("uid-of-a-secret", "Secret meeting", 5);
    source.put("alice", "work", "s.ics", &text);
    source.put(
        "alice",
        "work",
        "t.ics",
        &event("uid-of-another", "Secret dinner", 6),
    );
    let stage = Stage::start();
    let account = stage.add_caldav(source.url()).await;
    stage.sign_in().await;
    let busy = json!({ "privacy": "busy" });
    let mapping = stage.map(&account, "work", &busy).await;
    let api = stage.api();
    api.sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["Busy", "Busy"]);
    source.put(
        "alice",
        "work",
        "t.ics",
        &event("uid-of-another", "Secret breakfast", 7),
    );
    api.sync_well(&mapping).await;
    source.delete("alice", "work", "t.ics");
    api.sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["Busy"]);
    for entry in stage.google.log() {
        let sent = format!("{} {:?} {:?}", entry.path, entry.query, entry.body);
        assert!(
            !sent.contains("Secret") && !sent.contains("uid-of"),
            "{sent}"
        );
    }
    let log = stage.program().log();
    assert!(!log.contains("Secret"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_a_mapping_off_stops_its_run_and_keeps_its_copies() {
    let source = source();
    for number in 0..200 {
        let uid = format!("event-{number:03}");
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
        .fault(Fault::after("events.insert", Action::Hold { ms: 25 }).times(0));
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    let inserted = || stage.google.counts().writes_of("events.insert");
    wait_until("the first inserts", async || {
        (inserted() >= 10).then_some(())
    })
    .await;
    let off = json!({ "id": mapping, "enabled": false });
    api.post_for(200, "/mappings", &off).await;
    wait_until("the run's end", async || {
        (api.get("/status").await["scheduler"]["running"] == 0).then_some(())
    })
    .await;
    let done = stage.titles().len();
    assert!((10..200).contains(&done), "{done} arrived");
    let (status, problem) = api.post("/sync", &json!({ "mapping_id": mapping })).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("mapping_disabled"))
    );
    assert_eq!(stage.titles().len(), done);

    stage.google.clear_faults();
    let on = json!({ "id": mapping, "enabled": true });
    api.post_for(200, "/mappings", &on).await;
    api.sync_well(&mapping).await;
    assert_eq!(stage.titles().len(), 200);
}
