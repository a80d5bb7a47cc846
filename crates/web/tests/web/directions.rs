//! Which way events go: what is accepted, what is refused, and what the form offers.

use serde_json::{Value, json};

use crate::harness::Site;

/// Both accounts, and what a mapping of these calendars is answered with.
async fn ready() -> Site {
    let site = Site::new().await;
    site.add_alice().await;
    site.connect_google().await;
    site
}

async fn join(site: &Site, caldav: &str, google: &str, direction: &str) -> crate::harness::Answer {
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", caldav).await,
        "google_calendar_id": site.calendar("google", google).await,
        "direction": direction,
        "enabled": false,
    });
    site.post("/mappings", body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_are_accepted_and_can_be_changed() {
    let site = ready().await;
    let made = join(&site, "Work", "Team", "google_to_caldav").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].clone();
    for direction in ["bidirectional", "caldav_to_google", "google_to_caldav"] {
        let body = json!({ "id": id, "direction": direction, "conflict_policy": "merge" });
        let changed = site.post("/mappings", body).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(changed.json()["direction"], direction);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_side_that_is_written_must_take_writes() {
    let site = ready().await;
    for direction in ["caldav_to_google", "bidirectional"] {
        let locked = join(&site, "Work", "Holidays", direction).await;
        let problem = locked.problem(422, "calendar_not_writable");
        assert_eq!(problem["errors"][0]["field"], "google_calendar_id");
    }
    let source = join(&site, "Work", "Holidays", "google_to_caldav").await;
    assert_eq!(source.status, 201, "{}", source.text);
    // Calendars of a mapping stay: its direction is at fault.
    let body = json!({ "id": source.json()["id"], "direction": "bidirectional" });
    let problem = site.post("/mappings", body).await;
    let problem = problem.problem(422, "calendar_not_writable");
    assert_eq!(
        problem["errors"],
        json!([{
            "field": "direction",
            "detail": "This account may read \"Holidays\" but not write to it.",
        }])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circles_are_refused_whichever_way_mappings_go() {
    let site = ready().await;
    let made = |caldav, google, direction| {
        let site = &site;
        async move {
            let made = join(site, caldav, google, direction).await;
            assert_eq!(made.status, 201, "{}", made.text);
            made.json()["id"].clone()
        }
    };
    // A tree of mappings both ways is no circle.
    let first = made("Work", "Team", "bidirectional").await;
    made("Home", "Team", "bidirectional").await;
    let ada = site.get("/google/calendars").await.json();
    let ada = ada["calendars"]
        .as_array()
        .unwrap()
        .iter()
        .find(|calendar| calendar["primary"] == true)
        .unwrap()["name"]
        .clone();
    let ada = ada.as_str().unwrap().to_owned();
    made("Work", &ada, "caldav_to_google").await;
    // Work → ada → Home → Team → Work.
    join(&site, "Home", &ada, "google_to_caldav")
        .await
        .problem(409, "mapping_cycle");
    join(&site, "Home", &ada, "bidirectional")
        .await
        .problem(409, "mapping_cycle");
    made("Home", &ada, "caldav_to_google").await;
    // Turned around, nothing leads from Work back to Team.
    let body = json!({ "id": first, "direction": "google_to_caldav" });
    let turned = site.post("/mappings", body).await;
    assert_eq!(turned.status, 200, "{}", turned.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_has_every_setting_and_says_what_a_change_of_direction_does() {
    let site = ready().await;
    let cookie = site.browser().await;
    let new = site.page(&cookie, "/ui/mappings/new").await;
    let id = join(&site, "Work", "Team", "bidirectional").await.json()["id"].clone();
    let path = format!("/ui/mappings/{}", id.as_str().unwrap());
    let edit = site.page(&cookie, &path).await;
    let warning = "more than ten";
    assert!(!new.text.contains(warning) && edit.text.contains(warning));
    for field in [
        "direction",
        "past_days",
        "future_days",
        "privacy",
        "title",
        "private_events",
        "declined",
        "conflict_policy",
        "on_target_edit",
        "reminders",
        "time_zone",
        "count",
        "percent",
        "chain",
        "invitations",
        "name",
        "enabled",
    ] {
        let field = format!("name=\"{field}\"");
        assert!(
            new.text.contains(&field) && edit.text.contains(&field),
            "{field}"
        );
    }
    let checked = "value=\"bidirectional\" checked";
    assert!(edit.text.contains(checked), "{}", edit.text);

    let fields = [
        ("direction", "google_to_caldav"),
        ("conflict_policy", "google"),
        ("past_days", "1"),
        ("future_days", "2"),
        ("privacy", "full"),
        ("private_events", "private"),
        ("declined", "free"),
        ("on_target_edit", "keep"),
        ("reminders", "none"),
        ("invitations", "write"),
        ("count", "3"),
        ("percent", "4"),
        ("chain", "yes"),
    ];
    let saved = site.submit(&cookie, &path, &path, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let mapping = site
        .get(&format!("/mappings/{}", id.as_str().unwrap()))
        .await;
    let mapping: Value = mapping.json();
    for (field, value) in [
        ("direction", json!("google_to_caldav")),
        ("conflict_policy", json!("google")),
        ("on_target_edit", json!("keep")),
        ("deletion_limit", json!({"count": 3, "percent": 4})),
        ("chain", json!(true)),
        ("invitations", json!("write")),
    ] {
        assert_eq!(mapping[field], value, "{field}");
    }
    let odd = site
        .submit(&cookie, &path, &path, &[("direction", "sideways")])
        .await;
    assert_eq!(odd.status, 422);
    assert!(odd.text.contains("href=\"#direction\""), "{}", odd.text);
}
