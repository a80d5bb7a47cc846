//! Conflicts on record: the list, the answers that are refused, the page. That an answer is carried
//! out is the whole product's test.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sync_engine::conflict::{Conflict, Version, Winner};
use sync_engine::mapping::ConflictPolicy;
use sync_engine::model::{ComponentKey, ConflictId, Field, MappingId, RunId, Uid};
use sync_engine::ports::store::{Settlement, Store as _};
use sync_engine::row::RowKey;

use crate::harness::{Site, members};

fn fields(title: &str, place: &str) -> Version {
    Version::Fields(BTreeMap::from([
        (Field::Title, title.to_owned()),
        (Field::Location, place.to_owned()),
        (
            Field::When,
            "2026-12-01 10:00 to 11:00, Europe/Berlin".to_owned(),
        ),
    ]))
}

/// An open conflict about an event of this name.
fn open(id: &str, uid: &str) -> Conflict {
    Conflict {
        id: ConflictId::new(id),
        row: RowKey::from(format!("caldav:{uid}")),
        uid: Uid::new(uid),
        key: ComponentKey::Master,
        recurrence_id: None,
        policy: ConflictPolicy::Manual,
        base: Some(fields("Lunch", "")),
        caldav: fields("Lunch with Ada", ""),
        google: fields("Lunch with <b>Bob</b>", "Canteen"),
        winner: None,
        reason: "Both sides changed the title; you wanted to be asked.".to_owned(),
    }
}

async fn record(site: &Site, mapping: &Value, conflicts: Vec<Conflict>) {
    let settlement = Settlement {
        conflicts,
        ..Settlement::default()
    };
    let mapping = MappingId::new(mapping["id"].as_str().unwrap());
    site.db
        .settle(&mapping, &RunId::new("run_none"), settlement)
        .await
        .unwrap();
}

/// A mapping both ways that is switched off, so that no run touches what is on record.
async fn paused() -> (Site, Value) {
    let site = Site::new().await;
    site.add_alice().await;
    site.connect_google().await;
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Work").await,
        "google_calendar_id": site.calendar("google", "Team").await,
        "direction": "bidirectional",
        "conflict_policy": "manual",
        "enabled": false,
    });
    let mapping = site.post("/mappings", body).await;
    assert_eq!(mapping.status, 201, "{}", mapping.text);
    (site, mapping.json())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_listed_by_status_newest_first_and_in_pages() {
    let (site, mapping) = paused().await;
    assert_eq!(
        site.get("/conflicts").await.json(),
        json!({ "conflicts": [], "next": null })
    );
    let gone = Conflict {
        winner: Some(Winner::Google),
        caldav: Version::Absent,
        ..open("two", "dinner")
    };
    record(&site, &mapping, vec![open("one", "lunch"), gone]).await;
    let all = site.get("/conflicts").await.json();
    let ids = |list: &Value| -> Vec<String> {
        let list = list["conflicts"].as_array().unwrap().iter();
        list.map(|conflict| conflict["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&all), ["two", "one"]);
    let conflict = &all["conflicts"][1];
    assert_eq!(
        members(conflict),
        [
            "base",
            "caldav",
            "decided_at",
            "decision",
            "detected_at",
            "google",
            "id",
            "mapping_id",
            "policy",
            "reason",
            "recurrence_id",
            "status",
            "uid",
            "winner",
        ]
    );
    for (member, value) in [
        ("mapping_id", mapping["id"].clone()),
        ("uid", json!("lunch")),
        ("status", json!("open")),
        ("policy", json!("manual")),
        ("winner", Value::Null),
        ("decision", Value::Null),
        ("recurrence_id", Value::Null),
    ] {
        assert_eq!(conflict[member], value, "{member}");
    }
    assert_eq!(conflict["google"]["state"], "present");
    assert_eq!(conflict["google"]["location"], "Canteen");
    assert_eq!(conflict["base"]["title"], "Lunch");
    assert_eq!(all["conflicts"][0]["caldav"], json!({ "state": "absent" }));
    assert_eq!(all["conflicts"][0]["winner"], "google");

    let of = |query: &str| {
        let path = format!("/conflicts?{query}");
        let site = &site;
        async move { site.get(&path).await.json() }
    };
    assert_eq!(ids(&of("status=open").await), ["one"]);
    assert_eq!(ids(&of("status=decided").await), ["two"]);
    let first = of("limit=1").await;
    assert_eq!(
        (ids(&first), &first["next"]),
        (vec!["two".to_owned()], &json!("two"))
    );
    let second = of("limit=1&before=two").await;
    assert_eq!(
        (ids(&second), &second["next"]),
        (vec!["one".to_owned()], &Value::Null)
    );
    assert!(ids(&of("mapping_id=map_none").await).is_empty());
    for odd in ["status=perhaps", "limit=0", "limit=201", "state=open"] {
        let answer = site.get(&format!("/conflicts?{odd}")).await;
        answer.problem(422, "invalid");
    }
    site.get("/conflicts?before=none")
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_fits_what_was_shown_or_is_refused() {
    let (site, mapping) = paused().await;
    let called_off = Conflict {
        google: Version::Cancelled,
        ..open("half", "meeting")
    };
    let decided = Conflict {
        winner: Some(Winner::Caldav),
        ..open("done", "dinner")
    };
    record(
        &site,
        &mapping,
        vec![open("one", "lunch"), called_off, decided],
    )
    .await;
    let answer = |id: &str, body: Value| {
        let path = format!("/conflicts/{id}");
        let site = &site;
        async move { site.post(&path, body).await }
    };
    let caldav = json!({ "keep": "caldav" });
    answer("none", caldav.clone())
        .await
        .problem(404, "not_found");
    answer("done", caldav.clone())
        .await
        .problem(409, "conflict_decided");
    answer("one", caldav.clone())
        .await
        .problem(409, "mapping_disabled");
    for odd in [
        json!({}),
        json!({ "keep": "mine" }),
        json!({ "keep": { "fields": { "titel": "caldav" } } }),
        json!({ "keep": { "fields": { "title": "both" } } }),
        json!({ "keep": "caldav", "why": "so" }),
    ] {
        answer("one", odd).await.problem(422, "invalid");
    }
    let by_field = json!({ "keep": { "fields": { "title": "caldav" } } });
    answer("half", by_field.clone())
        .await
        .problem(422, "invalid");
    // A side changed again: another conflict stands in its place.
    let settlement = Settlement {
        conflicts: vec![open("newer", "lunch")],
        over: vec![ConflictId::new("one")],
        ..Settlement::default()
    };
    let id = MappingId::new(mapping["id"].as_str().unwrap());
    let run = RunId::new("run_none");
    site.db.settle(&id, &run, settlement).await.unwrap();
    let changed = answer("one", caldav.clone()).await;
    let changed = changed.problem(409, "conflict_changed");
    assert_eq!(changed["current_id"], "newer");

    let on = json!({ "id": mapping["id"], "enabled": true });
    assert_eq!(site.post("/mappings", on).await.status, 200);
    let taken = answer("newer", by_field).await;
    assert_eq!(taken.status, 202, "{}", taken.text);
    assert_eq!(taken.json()["runs"][0]["mapping_id"], mapping["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_compares_the_versions_and_the_dashboard_leads_there() {
    let (site, mapping) = paused().await;
    let cookie = site.browser().await;
    let none = site.page(&cookie, "/ui/conflicts").await;
    assert_eq!(none.text.matches("button primary").count(), 1);
    assert!(none.text.contains("No conflicts"));
    let decided = Conflict {
        winner: Some(Winner::Caldav),
        ..open("done", "dinner")
    };
    record(&site, &mapping, vec![open("one", "lunch"), decided]).await;
    let page = site.page(&cookie, "/ui/conflicts").await;
    for text in [
        "<title>1 conflict to decide",
        "Agreed before",
        "Lunch with &lt;b&gt;Bob&lt;/b&gt;",
        "Both sides changed the title",
        "The mapping is paused",
        "CalDAV won",
        "1<span class=\"unseen\"> waiting for you",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("value=\"merged\""));

    let on = json!({ "id": mapping["id"], "enabled": true });
    assert_eq!(site.post("/mappings", on).await.status, 200);
    let page = site.page(&cookie, "/ui/conflicts").await;
    for text in [
        "name=\"keep\" value=\"caldav\"",
        "name=\"keep\" value=\"google\"",
        "name=\"keep\" value=\"merged\"",
        "name=\"keep\" value=\"fields\"",
        "name=\"field.title\" value=\"google\"",
        // Google alone changed the place: that is the obvious choice.
        "name=\"field.location\" value=\"google\" checked",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(
        !page.text.contains("name=\"field.when\""),
        "it does not differ"
    );
    let dashboard = site.page(&cookie, "/ui/").await;
    assert!(dashboard.text.contains("1 event was changed on both sides"));
    assert!(dashboard.text.contains("href=\"/ui/conflicts\""));

    let path = "/ui/conflicts/one";
    let odd = site.submit(&cookie, "/ui/conflicts", path, &[]).await;
    assert_eq!(odd.status, 422, "{}", odd.text);
    let keep = [("keep", "google")];
    let answered = site.submit(&cookie, "/ui/conflicts", path, &keep).await;
    assert_eq!(answered.status, 303, "{}", answered.text);
    assert!(answered.location().starts_with("/ui/conflicts?done="));
}
