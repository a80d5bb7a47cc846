//! Mappings: every field, every default, every refusal.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, members};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_has_every_field_and_its_default() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    for (field, value) in [
        ("direction", json!("caldav_to_google")),
        ("enabled", json!(true)),
        ("window", json!({"past_days": 0, "future_days": 30})),
        ("conflict_policy", json!("latest")),
        ("on_target_edit", json!("restore")),
        ("privacy", json!("full")),
        ("deletion_limit", json!({"count": 10, "percent": 25})),
        ("time_zone", Value::Null),
        ("declined", json!("free")),
        ("private_events", json!("private")),
        ("reminders", json!("none")),
        ("chain", json!(false)),
        ("invitations", json!("wait")),
        ("caldav_calendar_name", json!("Work")),
        ("google_calendar_name", json!("Team")),
    ] {
        assert_eq!(mapping[field], value, "{field}");
    }
    for field in [
        "id",
        "caldav_calendar_id",
        "google_calendar_id",
        "google_account_id",
    ] {
        assert!(mapping[field].is_string(), "{field}");
    }
    let id = mapping["id"].as_str().unwrap();
    assert_eq!(site.get(&format!("/mappings/{id}")).await.json(), mapping);
    assert_eq!(
        site.get("/mappings").await.json(),
        json!({"mappings": [mapping], "waiting": []})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_id_what_is_omitted_stays() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let change = |body: Value| async {
        let mut body = body;
        body["id"] = mapping["id"].clone();
        site.post("/mappings", body).await
    };
    let changed = change(json!({
        "window": {"future_days": 90},
        "privacy": {"title": "Busy: {calendar}", "description": false, "location": true},
        "time_zone": "Europe/Berlin",
    }))
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let changed = changed.json();
    assert_eq!(
        changed["window"],
        json!({"past_days": 0, "future_days": 90})
    );
    assert_eq!(changed["privacy"]["title"], "Busy: {calendar}");
    let again = change(json!({"enabled": false, "time_zone": null}))
        .await
        .json();
    assert_eq!(again["window"], changed["window"]);
    assert_eq!(again["privacy"], changed["privacy"]);
    assert_eq!(
        (&again["enabled"], &again["time_zone"]),
        (&json!(false), &Value::Null)
    );

    let other = site.calendar("caldav", "Home").await;
    change(json!({"caldav_calendar_id": other}))
        .await
        .problem(422, "calendar_fixed");
    for body in [
        json!({"privacy": "secret"}),
        json!({"direction": "sideways"}),
        json!({"time_zone": "Mars/Olympus"}),
        json!({"deletion_limit": {"percent": 101}}),
    ] {
        let field = members(&body)[0].to_owned();
        let problem = change(body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let unknown = json!({"id": "map_none", "enabled": false});
    site.post("/mappings", unknown)
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calendars_that_cannot_be_joined_are_refused() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let join = |caldav: Value, google: Value| {
        let body = json!({"caldav_calendar_id": caldav, "google_calendar_id": google});
        site.post("/mappings", body)
    };
    let (caldav, google) = (
        mapping["caldav_calendar_id"].clone(),
        mapping["google_calendar_id"].clone(),
    );
    let exists = join(caldav.clone(), google.clone()).await;
    assert_eq!(
        exists.problem(409, "mapping_exists")["mapping_id"],
        mapping["id"]
    );
    let holidays = json!(site.calendar("google", "Holidays").await);
    let locked = join(caldav.clone(), holidays).await;
    let locked = locked.problem(422, "calendar_not_writable");
    assert_eq!(locked["errors"][0]["field"], "google_calendar_id");
    let none = join(json!("cal_none"), google)
        .await
        .problem(422, "invalid");
    assert_eq!(none["errors"][0]["field"], "caldav_calendar_id");
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Home").await,
        "google_calendar_id": mapping["google_calendar_id"],
        "google_account_id": "gga_other",
    });
    let other = site.post("/mappings", body).await.problem(422, "invalid");
    assert_eq!(other["errors"][0]["field"], "google_account_id");
    assert_eq!(
        site.get("/mappings").await.json()["mappings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_in_use_stay_and_deleting_keeps_or_removes() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    let id = mapping["id"].as_str().unwrap();
    for (side, field) in [
        ("caldav", "caldav_account_id"),
        ("google", "google_account_id"),
    ] {
        let path = format!("/{side}/accounts/{}", mapping[field].as_str().unwrap());
        let problem = site.delete(&path).await.problem(409, "account_in_use");
        assert_eq!(problem["mapping_ids"], json!([id]));
    }
    site.sync(&mapping).await;
    assert_eq!(site.titles(), ["Standup"]);
    let odd = site
        .delete(&format!("/mappings/{id}?mirrored=perhaps"))
        .await;
    odd.problem(422, "invalid");
    assert_eq!(
        site.delete(&format!("/mappings/{id}?mirrored=remove"))
            .await
            .status,
        204
    );
    assert_eq!(site.titles(), Vec::<String>::new());

    let body = json!({
        "caldav_calendar_id": mapping["caldav_calendar_id"],
        "google_calendar_id": mapping["google_calendar_id"],
    });
    let again = site.post("/mappings", body).await.json();
    site.sync(&again).await;
    assert_eq!(site.titles(), ["Standup"]);
    let path = format!("/mappings/{}", again["id"].as_str().unwrap());
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(site.titles(), ["Standup"]);
    site.get(&path).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_tells_and_writes_nothing() {
    let site = Site::new().await;
    site.add_alice().await;
    site.connect_google().await;
    site.put_event("one", "Standup", 2);
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Work").await,
        "google_calendar_id": site.calendar("google", "Team").await,
        "enabled": false,
    });
    let mapping = site.post("/mappings", body).await.json();
    let path = format!("/mappings/{}/preview", mapping["id"].as_str().unwrap());
    let plan = site.get(&path).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    let plan = plan.json();
    assert_eq!(
        members(&plan),
        ["counts", "held", "operations", "plan_id", "warnings"]
    );
    assert_eq!(
        plan["counts"],
        json!({"insert": 1, "update": 0, "delete": 0, "conflict": 0})
    );
    let operation = &plan["operations"][0];
    assert_eq!(
        members(operation),
        [
            "action",
            "changes",
            "reason",
            "recurrence_id",
            "side",
            "start",
            "summary",
            "uid"
        ]
    );
    assert_eq!(
        [
            &operation["side"],
            &operation["action"],
            &operation["uid"],
            &operation["summary"]
        ],
        [
            &json!("google"),
            &json!("insert"),
            &json!("one"),
            &json!("Standup")
        ]
    );
    assert!(operation["start"].as_str().unwrap().ends_with("T10:00:00Z"));
    assert_eq!(site.titles(), Vec::<String>::new());
    assert_eq!(site.get(&path).await.json()["plan_id"], plan["plan_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_an_administrator_confirms_and_nobody_else() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.as_restored();
    site.put_event("one", "Standup", 2);
    let id = mapping["id"].as_str().unwrap();
    let preview = format!("/mappings/{id}/preview");
    let plan = site.get(&preview).await.json()["plan_id"].clone();
    let made = site.make_key("cron", "sync").await;
    let key = made["key"].as_str().unwrap();
    let body = json!({ "mapping_id": id, "plan_id": plan });
    let asked = site.bare(Method::POST, "/sync").bearer_auth(key);
    Answer::of(asked.json(&body))
        .await
        .problem(403, "key_scope");
    let plan = plan.as_str().unwrap();
    let query = format!("/sync?mapping_id={id}&plan_id={plan}");
    let asked = site.bare(Method::POST, &query).bearer_auth(key);
    Answer::of(asked).await.problem(403, "key_scope");
    // What a key for runs may always do is answered as ever.
    let asked = site.bare(Method::POST, "/sync").bearer_auth(key);
    let asked = Answer::of(asked.json(&json!({ "mapping_id": id }))).await;
    asked.problem(409, "mapping_restored");
    // A browser that signed in with it may do no more.
    let cookie = site.browser_with(key).await;
    let to = format!("/ui/mappings/{id}/sync");
    let fields = [("plan_id", plan)];
    let pressed = site.submit(&cookie, "/ui/", &to, &fields).await;
    assert_eq!(pressed.status, 403, "{}", pressed.text);
    assert_eq!(site.titles(), Vec::<String>::new());

    let body = json!({ "mapping_id": id, "plan_id": plan, "wait": true });
    let confirmed = site.post("/sync", body).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(site.titles(), ["Standup"]);
    // From now on a plan is nothing but a plan.
    site.put_event("two", "Lunch", 3);
    let plan = site.get(&preview).await.json()["plan_id"].clone();
    let body = json!({ "mapping_id": id, "plan_id": plan, "wait": true });
    let asked = site.bare(Method::POST, "/sync").bearer_auth(key);
    assert_eq!(Answer::of(asked.json(&body)).await.status, 200);
    assert_eq!(site.titles(), ["Lunch", "Standup"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_copies_are_not_removed_unseen() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.as_restored();
    let path = format!("/mappings/{}", mapping["id"].as_str().unwrap());
    let refused = site.delete(&format!("{path}?mirrored=remove")).await;
    refused.problem(409, "mapping_restored");
    let stored = site.get(&path).await.json();
    assert_eq!(stored["enabled"], true, "it is as it was");
    let cookie = site.browser().await;
    let page = format!("/ui{path}/delete");
    let asked = site.page(&cookie, &page).await;
    assert!(!asked.text.contains("value=\"remove\""), "{}", asked.text);
    let fields = [("mirrored", "remove")];
    let pressed = site.submit(&cookie, &page, &page, &fields).await;
    assert_eq!(pressed.status, 409, "{}", pressed.text);
    assert_eq!(site.titles(), ["Standup"]);
    assert_eq!(
        site.delete(&path).await.status,
        204,
        "keeping them is no write"
    );
    assert_eq!(site.titles(), ["Standup"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_a_run_of_its_own_and_an_account_that_cannot_be_opened_is_in_its_way() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    let id = mapping["id"].as_str().unwrap();
    site.sync(&mapping).await;
    let (begun, heard) = tokio::sync::oneshot::channel();
    // A run is asked for and not waited for.
    let body = json!({ "mapping_id": id });
    assert_eq!(site.post("/sync", body).await.status, 202);
    let runs = site.get(&format!("/runs?mapping_id={id}")).await.json();
    // Neither side is asked: the account's address is none.
    let address = site.sql("SELECT base_url FROM caldav_account");
    site.sql("UPDATE caldav_account SET base_url = 'nowhere at all' RETURNING base_url");
    let path = format!("/mappings/{id}?mirrored=remove");
    let refused = site.delete(&path).await;
    refused.problem(409, "account_unusable");
    site.sql(&format!(
        "UPDATE caldav_account SET base_url = '{address}' RETURNING base_url"
    ));
    let removal = site
        .app
        .delete_mapping(id, app::Mirrored::Remove, Some(begun));
    Box::pin(removal).await.unwrap();
    let run = heard.await.unwrap();
    let mut known = runs["runs"].as_array().unwrap().iter();
    assert!(known.all(|known| known["id"] != run.as_str()), "{runs}");
    assert_eq!(site.titles(), Vec::<String>::new());
}
