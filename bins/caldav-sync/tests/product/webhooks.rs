//! Webhooks of the whole product: what is told, to whom, and that nothing is lost on the way.

use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::{Call, CountingProxy, Reaction, Receiver};

use crate::common::{Stage, event, wait_until};

const TAKEN: Reaction = Reaction::Answer(204, &[]);

/// A stage whose environment names a webhook, a source with these events, and a mapping.
async fn set_up(
    receiver: &Receiver,
    settings: &Value,
    titles: &[&str],
) -> (Stage, CaldavSim, String) {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    for (number, title) in titles.iter().enumerate() {
        put(&source, number, title);
    }
    let stage = Stage::start_with(&[
        ("WEBHOOK_URL", &receiver.url),
        ("WEBHOOK_SECRET", "a secret"),
    ]);
    let account = stage.add_caldav(source.url()).await;
    stage.sign_in().await;
    let mapping = stage.map(&account, "work", settings).await;
    (stage, source, mapping)
}

fn put(source: &CaldavSim, number: usize, title: &str) {
    let hours = 3 + i64::try_from(number).unwrap();
    let object = event(&format!("uid{number}"), title, hours);
    source.put("alice", "work", &format!("{number}.ics"), &object);
}

/// The call that tells of a run.
async fn told_of(receiver: &Receiver, run: &Value) -> Call {
    wait_until("the call that tells of the run", async || {
        let calls = receiver.calls();
        calls
            .into_iter()
            .find(|call| call.body["run_id"] == run["id"])
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_killed_between_the_commit_and_the_delivery_it_is_delivered_with_one_id() {
    // Takes the call and never answers: the run is on record, its message is on the way.
    let receiver = Receiver::start(Reaction::Silence);
    let (mut stage, _source, _) = set_up(&receiver, &json!({}), &["Team Meeting"]).await;
    let first = receiver.wait_for(1).remove(0);
    let run = first.body["run_id"].as_str().unwrap().to_owned();
    let stored = stage.api().get(&format!("/runs/{run}")).await;
    assert_eq!(stored["status"], "success", "{stored:#}");
    stage.down().kill();
    receiver.react(TAKEN);
    stage.up();
    let again = wait_until("the delivery after the restart", async || {
        let calls = receiver.calls();
        calls
            .into_iter()
            .skip(1)
            .find(|call| call.body["run_id"] == first.body["run_id"])
    })
    .await;
    assert_eq!(again.id(), first.id());
    assert_eq!(again.text, first.text);
    assert_eq!(again.body["inserted"], 1, "{:#}", again.body);
    // Whatever else came, nothing else told of that run.
    let hook = &stage.api().get("/settings").await["webhooks"][0];
    let path = format!("/webhooks/{}/deliveries", hook["id"].as_str().unwrap());
    let of_run = wait_until("the delivery on record", async || {
        let listed = stage.api().get(&path).await;
        let all = listed["deliveries"].as_array().unwrap().clone();
        let of_run: Vec<Value> = all
            .into_iter()
            .filter(|one| one["run_id"] == *run)
            .collect();
        (of_run[0]["status"] == "delivered").then_some(of_run)
    })
    .await;
    assert_eq!(of_run.len(), 1);
    assert_eq!(of_run[0]["id"], first.id());
    let calls = receiver.calls();
    let ids = calls.iter().filter(|call| call.body["run_id"] == *run);
    assert!(ids.map(Call::id).all(|id| id == first.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_privacy_rule_holds_in_what_is_told() {
    let receiver = Receiver::start(TAKEN);
    let busy = json!({ "privacy": "busy" });
    let (stage, source, mapping) = set_up(&receiver, &busy, &["Secret Surgery"]).await;
    let run = stage.api().sync_well(&mapping).await;
    told_of(&receiver, &run).await;
    put(&source, 0, "Secret Operation");
    put(&source, 1, "Secret Visit");
    let run = stage.api().sync_well(&mapping).await;
    let told = told_of(&receiver, &run).await;
    assert_eq!(told.body["inserted"], 1, "{:#}", told.body);
    source.delete("alice", "work", "1.ics");
    let run = stage.api().sync_well(&mapping).await;
    let told = told_of(&receiver, &run).await;
    assert_eq!(told.body["deleted"], 1, "{:#}", told.body);
    let summaries: Vec<String> = receiver
        .calls()
        .iter()
        .flat_map(|call| call.body["events"].as_array().unwrap().clone())
        .map(|event| event["summary"].as_str().unwrap().to_owned())
        .collect();
    assert!(summaries.len() >= 3);
    assert!(summaries.iter().all(|told| told == "Busy"), "{summaries:?}");
    for call in receiver.calls() {
        assert!(!call.text.contains("Secret"), "{}", call.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_holds_is_told() {
    let receiver = Receiver::start(TAKEN);
    let titles: Vec<String> = (0..12).map(|number| format!("Event {number}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let (stage, source, mapping) = set_up(&receiver, &json!({}), &titles).await;
    stage.api().sync_well(&mapping).await;
    for number in 0..12 {
        source.delete("alice", "work", &format!("{number}.ics"));
    }
    // An absence is proven by being seen again.
    let held = wait_until("a held plan", async || {
        stage.api().sync_well(&mapping).await;
        let listed = stage.api().get("/held").await;
        (listed["held"] != json!([])).then(|| listed["held"][0].clone())
    })
    .await;
    assert_eq!(held["count"], 12, "{held:#}");
    let told = wait_until("the call that tells of what is held", async || {
        let calls = receiver.calls();
        calls.into_iter().find(|call| call.body["held"] != 0)
    })
    .await;
    assert_eq!(told.body["held"], 12, "{:#}", told.body);
    assert_eq!(told.body["status"], "success");
    assert_eq!(told.body["deleted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_proxies_of_the_environment_are_not_used() {
    let receiver = Receiver::start(TAKEN);
    let proxy = CountingProxy::start(&receiver.url.replace("/hook", ""));
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    put(&source, 0, "Team Meeting");
    let names = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ];
    let mut environment: Vec<(&str, &str)> = names.map(|name| (name, proxy.url())).into();
    environment.push(("WEBHOOK_URL", &receiver.url));
    let stage = Stage::start_with(&environment);
    let mapping = stage.set_up(source.url(), "work").await;
    let run = stage.api().sync_well(&mapping).await;
    told_of(&receiver, &run).await;
    assert_eq!(proxy.total(), 0, "{:?}", proxy.log());
}
