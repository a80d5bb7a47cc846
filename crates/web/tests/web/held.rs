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

    site.post("/held/other", json!({ "decision": "approve" }))
        .await
        .problem(404, "not_found");
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

/// What is held of this kind: the plan.
async fn of_kind(site: &Site, kind: &str) -> Value {
    let held = site.get("/held").await.json();
    let all = held["held"].as_array().unwrap();
    let [plan] = all.as_slice() else {
        panic!("one plan was expected: {held:#}");
    };
    assert_eq!(plan["kind"], kind, "{held:#}");
    plan.clone()
}

/// Answers a plan through its page, where a button of this label must be.
async fn press(site: &Site, plan: &Value, label: &str, answer: &str) -> String {
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/held").await;
    assert!(page.text.contains(label), "{label}: {}", page.text);
    let path = format!("/ui/held/{}/{answer}", plan["id"].as_str().unwrap());
    assert!(page.text.contains(&format!("action=\"{path}\"")), "{path}");
    let answered = site.submit(&cookie, "/ui/held", &path, &[]).await;
    assert_eq!(answered.status, 303, "{}", answered.text);
    answered.location()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_change_of_direction_the_first_writes_are_shown_first() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let ada = site.google.as_user("ada@example.com");
    for n in 0..12 {
        let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * (2 + n));
        let end = start + jiff::SignedDuration::from_hours(1);
        let event = json!({
            "summary": format!("Native {n}"),
            "start": { "dateTime": start.to_string() },
            "end": { "dateTime": end.to_string() },
        });
        ada.insert("team@group.calendar.google.com", event).unwrap();
    }
    site.sync(&mapping).await;
    assert!(site.caldav.objects("alice", "work").is_empty());
    let body = json!({ "id": mapping["id"], "direction": "bidirectional" });
    assert_eq!(site.post("/mappings", body).await.status, 200);
    let run = site.sync(&mapping).await;
    assert_eq!(
        (&run["status"], &run["held"]),
        (&json!("success"), &json!(12))
    );
    let plan = of_kind(&site, "change").await;
    assert_eq!(
        (&plan["side"], &plan["count"]),
        (&json!("caldav"), &json!(12))
    );
    let path = format!("/held/{}", plan["id"].as_str().unwrap());
    let restore = site.post(&path, json!({ "decision": "restore" })).await;
    assert_eq!(
        restore.problem(422, "invalid")["errors"][0]["field"],
        "decision"
    );
    assert!(site.caldav.objects("alice", "work").is_empty());
    let led = press(&site, &plan, "Write exactly these", "approve").await;
    assert_eq!(led, "/ui/?done=synced");
    assert_eq!(site.caldav.objects("alice", "work").len(), 12);
    assert_eq!(site.get("/held").await.json(), json!({ "held": [] }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_without_a_source_are_offered_and_nobody_is_hurried() {
    let site = Site::new().await;
    for uid in ["one", "two", "three"] {
        site.put_event(uid, uid, 3);
    }
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let path = format!("/mappings/{}", mapping["id"].as_str().unwrap());
    assert_eq!(site.delete(&path).await.status, 204);
    for uid in ["two", "three"] {
        assert!(site.caldav.delete("alice", "work", &format!("{uid}.ics")));
    }
    let body = json!({
        "caldav_calendar_id": mapping["caldav_calendar_id"],
        "google_calendar_id": mapping["google_calendar_id"],
        "direction": "bidirectional",
    });
    let again = site.post("/mappings", body).await.json();
    let run = site.sync(&again).await;
    assert_eq!(
        (&run["status"], &run["held"]),
        (&json!("success"), &json!(2)),
        "{run}"
    );
    assert_eq!(
        site.caldav.objects("alice", "work").len(),
        1,
        "never copied back"
    );
    let plan = of_kind(&site, "orphans").await;
    assert_eq!(
        (&plan["side"], &plan["count"]),
        (&json!("google"), &json!(2))
    );
    let cookie = site.browser().await;
    let dashboard = site.page(&cookie, "/ui/").await;
    assert!(
        dashboard.text.contains("<title>All in sync"),
        "{}",
        dashboard.text
    );
    assert!(dashboard.text.contains("2 copies"), "{}", dashboard.text);
    press(&site, &plan, "Remove exactly these", "approve").await;
    assert_eq!(site.titles(), ["one"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_vanished_is_put_back_by_a_button_where_the_mapping_may_write() {
    let (site, mapping) = emptied().await;
    let body = json!({ "id": mapping["id"], "direction": "bidirectional", "enabled": false });
    assert_eq!(site.post("/mappings", body).await.status, 200);
    let plan = of_kind(&site, "deletions").await;
    let path = format!("/held/{}", plan["id"].as_str().unwrap());
    site.post(&path, json!({ "decision": "restore" }))
        .await
        .problem(409, "mapping_disabled");
    let on = json!({ "id": mapping["id"], "enabled": true });
    assert_eq!(site.post("/mappings", on).await.status, 200);
    site.sync(&mapping).await;
    let plan = of_kind(&site, "deletions").await;
    press(&site, &plan, "Put them back on CalDAV", "restore").await;
    assert_eq!(site.caldav.objects("alice", "work").len(), 12);
    assert_eq!(site.titles().len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_took_a_plans_place_is_of_the_same_mapping() {
    let (site, mapping) = emptied().await;
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Home").await,
        "google_calendar_id": site.calendar("google", "ada@example.com").await,
    });
    let other = site.post("/mappings", body).await;
    assert_eq!(other.status, 201, "{}", other.text);
    let other = other.json();
    let ics = |n: i64| {
        site.caldav
            .get("alice", "work", &format!("x{n:02}.ics"))
            .unwrap()
            .ics
    };
    for n in 0..12 {
        site.put_event(&format!("x{n:02}"), "Other", 2 + n);
        site.caldav
            .put("alice", "home", &format!("x{n:02}.ics"), &ics(n));
        assert!(site.caldav.delete("alice", "work", &format!("x{n:02}.ics")));
    }
    site.sync(&other).await;
    for n in 0..12 {
        assert!(site.caldav.delete("alice", "home", &format!("x{n:02}.ics")));
    }
    site.sync(&other).await;
    let of = async |mapping: &Value| {
        let held = site.get("/held").await.json();
        let all = held["held"].as_array().unwrap().clone();
        let found = all
            .into_iter()
            .find(|plan| plan["mapping_id"] == mapping["id"]);
        found.map(|plan| plan["id"].as_str().unwrap().to_owned())
    };
    let (first, second) = (of(&mapping).await.unwrap(), of(&other).await.unwrap());
    // One event comes back: another plan, of the same mapping.
    site.put_event("e00", "Event 00", 2);
    site.sync(&mapping).await;
    let approve = json!({ "decision": "approve" });
    let stale = site.post(&format!("/held/{first}"), approve.clone()).await;
    let problem = stale.problem(409, "held_changed");
    let now = of(&mapping).await.unwrap();
    assert!(now != first && now != second);
    assert_eq!(problem["current_id"], json!(now));
    assert_eq!(problem["current_ids"], json!([now]));
    // All of them come back, and nothing is held of this mapping: nothing of another one is named.
    for n in 0..12 {
        site.put_event(&format!("e{n:02}"), &format!("Event {n:02}"), 2 + n);
    }
    site.sync(&mapping).await;
    assert_eq!(of(&mapping).await, None);
    let gone = site.post(&format!("/held/{now}"), approve).await;
    gone.problem(404, "not_found");
    assert_eq!(of(&other).await, Some(second));
}
