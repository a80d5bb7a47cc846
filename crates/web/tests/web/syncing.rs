//! Syncs and runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, members};

const RUN: [&str; 15] = [
    "conflicts",
    "deferred",
    "deleted",
    "direction",
    "error",
    "failed",
    "finished_at",
    "held",
    "id",
    "inserted",
    "mapping_id",
    "started_at",
    "status",
    "updated",
    "warnings",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_follow_and_leave() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    site.put_event("two", "Dentist <script>", 3);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    assert_eq!(site.titles(), ["Dentist <script>", "Standup"]);
    let quiet = site.sync(&mapping).await;
    assert_eq!(
        [&quiet["inserted"], &quiet["updated"], &quiet["deleted"]],
        [&json!(0), &json!(0), &json!(0)]
    );
    site.put_event("one", "Standup at ten", 2);
    let run = site.sync(&mapping).await;
    let mut whole = RUN.to_vec();
    whole.push("events");
    whole.sort_unstable();
    assert_eq!(members(&run), whole);
    assert_eq!(run["status"], "success");
    assert_eq!(run["direction"], "caldav_to_google");
    assert_eq!(run["mapping_id"], mapping["id"]);
    assert_eq!(run["updated"], 1);
    let event = &run["events"][0];
    assert_eq!(
        members(event),
        ["action", "error", "recurrence_id", "side", "summary", "uid"]
    );
    assert_eq!(
        [
            &event["uid"],
            &event["side"],
            &event["action"],
            &event["error"]
        ],
        [
            &json!("one"),
            &json!("google"),
            &json!("update"),
            &Value::Null
        ]
    );
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(site.get(&path).await.json(), run);
    assert!(site.caldav.delete("alice", "work", "two.ics"));
    let run = site.sync(&mapping).await;
    assert_eq!(run["deleted"], 1);
    assert_eq!(site.titles(), ["Standup at ten"]);

    let history = site.get("/events/history?uid=one").await.json();
    assert_eq!(members(&history), ["events", "last_synced", "next"]);
    assert_eq!(
        members(&history["events"][0]),
        [
            "action",
            "at",
            "changes",
            "mapping_id",
            "reason",
            "recurrence_id",
            "run_id",
            "side",
            "uid"
        ]
    );
    assert_eq!(history["events"][0]["action"], "update");
    assert_eq!(site.get("/events/one/history").await.json(), history);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_listed_newest_first_and_in_pages() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    for _ in 0..3 {
        site.sync(&mapping).await;
    }
    let id = mapping["id"].as_str().unwrap();
    let first = site
        .get(&format!("/runs?mapping_id={id}&limit=2"))
        .await
        .json();
    assert_eq!(members(&first), ["next", "runs"]);
    let runs = first["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(members(&runs[0]), RUN);
    assert!(runs[0]["started_at"].as_str() >= runs[1]["started_at"].as_str());
    let next = first["next"].as_str().unwrap();
    assert_eq!(next, runs[1]["id"]);
    let rest = site
        .get(&format!("/runs?mapping_id={id}&limit=200&before={next}"))
        .await
        .json();
    assert_eq!(rest["next"], Value::Null);
    assert!(
        rest["runs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["id"] != runs[0]["id"])
    );
    let none = site.get("/runs?mapping_id=map_none").await.json();
    assert_eq!(none, json!({"runs": [], "next": null}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_asked_for_by_body_or_by_query() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let id = mapping["id"].as_str().unwrap();
    let nothing = Answer::of(site.keyed(Method::POST, "/sync")).await;
    assert_eq!(nothing.status, 202, "{}", nothing.text);
    let runs = nothing.json();
    assert_eq!(members(&runs["runs"][0]), ["id", "mapping_id"]);
    assert_eq!(runs["runs"][0]["mapping_id"], id);
    // A foreign webhook sends what it likes.
    let foreign = site
        .keyed(Method::POST, &format!("/sync?mapping_id={id}&wait=true"))
        .header("content-type", "text/plain")
        .body("not json");
    let foreign = Answer::of(foreign).await;
    assert_eq!(foreign.status, 200, "{}", foreign.text);
    assert_eq!(foreign.json()["runs"][0]["status"], "success");
    site.post("/sync", json!({"mapping": id}))
        .await
        .problem(422, "invalid");
    site.post("/sync", json!({"mapping_id": "map_none"}))
        .await
        .problem(404, "not_found");
    let odd = Answer::of(site.keyed(Method::POST, "/sync?wait=perhaps")).await;
    odd.problem(422, "invalid");

    site.post("/mappings", json!({"id": id, "enabled": false}))
        .await;
    site.post("/sync", json!({"mapping_id": id}))
        .await
        .problem(409, "mapping_disabled");
    let none = site.post("/sync", json!({"wait": true})).await;
    assert_eq!(none.json(), json!({"runs": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_was_seen_is_the_one_that_is_run() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let id = mapping["id"].as_str().unwrap();
    site.put_event("one", "Standup", 2);
    let path = format!("/mappings/{id}/preview");
    let plan = site.get(&path).await.json();
    site.put_event("two", "Dentist", 3);
    let body = json!({"mapping_id": id, "plan_id": plan["plan_id"], "wait": true});
    site.post("/sync", body).await.problem(409, "plan_changed");
    let plan = site.get(&path).await.json();
    let body = json!({"mapping_id": id, "plan_id": plan["plan_id"], "wait": true});
    let run = site.post("/sync", body).await;
    assert_eq!(run.json()["runs"][0]["inserted"], 2, "{}", run.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_with_an_account_is_a_failed_run_with_what_to_do() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.caldav
        .set_user(simulators::caldav::UserSpec::new("alice", "changed"));
    let run = site.sync(&mapping).await;
    assert_eq!(run["status"], "failure");
    assert_eq!(run["error"]["code"], "caldav_unauthorized");
    for member in ["type", "title", "detail", "action"] {
        assert!(run["error"][member].is_string(), "{run}");
    }
    let status = site.get("/status").await.json();
    assert_eq!(status["status"], "degraded");
    assert_eq!(status["caldav"]["accounts"][0]["status"], "unauthorized");
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/").await;
    assert!(page.text.contains("<title>1 problem — "), "{}", page.text);
    assert!(page.text.contains("What to do"));
}
