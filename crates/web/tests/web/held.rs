//! What the guard holds back, through the API and in the browser.

use serde_json::{Value, json};

use crate::harness::{Site, members};

/// Twelve events on both sides, all of them gone from the source.
async fn emptied() -> (Site, Value) {
    let site = Site::new().await;
    for n in 0..12 {
        site.put_event(&format!("e{n:02}"), &format!("Event {n:02}"), 2 + n);
    }
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.sync(&mapping).await;
    for n in 0..12 {
        assert!(site.caldav.delete("alice", "work", &format!("e{n:02}.ics")));
    }
    let run = site.sync(&mapping).await;
    assert_eq!((&run["deleted"], &run["held"]), (&json!(0), &json!(12)));
    assert_eq!(site.titles().len(), 12);
    (site, mapping)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_does_exactly_what_was_shown() {
    let (site, mapping) = emptied().await;
    let held = site.get("/held").await.json();
    let plan = &held["held"][0];
    assert_eq!(
        members(plan),
        [
            "count",
            "created_at",
            "id",
            "kind",
            "mapping_id",
            "operations",
            "side"
        ]
    );
    assert_eq!(plan["count"], 12);
    assert_eq!(plan["kind"], "deletions");
    assert_eq!(plan["mapping_id"], mapping["id"]);
    assert_eq!(plan["operations"][0]["action"], "delete");

    let stale = site
        .post("/held/other", json!({ "decision": "approve" }))
        .await;
    let problem = stale.problem(409, "held_changed");
    assert_eq!(problem["current_id"], plan["id"]);
    let path = format!("/held/{}", plan["id"].as_str().unwrap());
    site.post(&path, json!({ "decision": "restore" }))
        .await
        .problem(409, "source_is_read_only");
    site.post(&path, json!({ "decision": "perhaps" }))
        .await
        .problem(422, "invalid");

    let answer = site.post(&path, json!({ "decision": "approve" })).await;
    assert_eq!(answer.status.as_u16(), 202);
    assert_eq!(answer.json()["runs"][0]["mapping_id"], mapping["id"]);
    // A run that waits behind it: when it has ended, so has the other.
    site.sync(&mapping).await;
    assert!(site.titles().is_empty());
    assert_eq!(site.get("/held").await.json(), json!({ "held": [] }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_the_list_and_answers_it() {
    let (site, _mapping) = emptied().await;
    let cookie = site.browser().await;
    let dashboard = site.page(&cookie, "/ui/").await;
    assert!(dashboard.text.contains("/ui/held"));
    let list = site.page(&cookie, "/ui/held").await;
    assert!(list.text.contains("Event 03") && list.text.contains("Remove exactly these"));
    let id = site.get("/held").await.json()["held"][0]["id"].clone();
    let path = format!("/ui/held/{}/pause", id.as_str().unwrap());
    let answer = site.submit(&cookie, "/ui/held", &path, &[]).await;
    assert_eq!(answer.status.as_u16(), 303);
    let mapping = &site.get("/mappings").await.json()["mappings"][0];
    assert_eq!(mapping["enabled"], false);
    assert_eq!(site.titles().len(), 12);
}
