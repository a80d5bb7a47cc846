//! What people ask for by hand: clean-ups and undoing, each seen before it is done.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Site, members};

/// Waits for a run that was begun.
async fn ended(site: &Site, begun: &Answer) -> Value {
    assert_eq!(begun.status, 202, "{}", begun.text);
    let path = format!("/runs/{}", begun.json()["run"]["id"].as_str().unwrap());
    loop {
        let run = site.get(&path).await.json();
        if run["status"] != "running" {
            return run;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Two copies, of which one is outside the window by now.
async fn narrowed() -> (Site, String) {
    let site = Site::new().await;
    site.put_event("near", "Near", 2);
    site.put_event("far", "Far", 20);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.sync(&mapping).await;
    let body = json!({ "id": mapping["id"], "window": { "future_days": 5 } });
    assert_eq!(site.post("/mappings", body).await.status, 200);
    site.sync(&mapping).await;
    assert_eq!(site.titles(), ["Far", "Near"], "nothing goes by itself");
    (site, mapping["id"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_outside_the_window_go_when_somebody_says_so() {
    let (site, mapping) = narrowed().await;
    let path = format!("/mappings/{mapping}/cleanup");
    let post = |body: Value| site.post(&path, body);
    for odd in [
        json!({}),
        json!({ "what": "everything" }),
        json!({ "what": "orphans", "dry": true }),
        json!({ "what": "orphans", "dry_run": "yes" }),
    ] {
        post(odd).await.problem(422, "invalid");
    }
    let none = site.post("/mappings/map_none/cleanup", json!({ "what": "orphans" }));
    none.await.problem(404, "not_found");
    let orphans = post(json!({ "what": "orphans", "dry_run": true })).await;
    assert_eq!(orphans.json()["operations"], json!([]), "{}", orphans.text);
    let plan = post(json!({ "what": "outside_window", "dry_run": true })).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    let plan = plan.json();
    assert_eq!(
        members(&plan),
        ["counts", "held", "operations", "plan_id", "warnings"]
    );
    assert_eq!(plan["counts"]["delete"], 1);
    assert_eq!(plan["operations"][0]["summary"], "Far");
    assert_eq!(plan["operations"][0]["reason"], "outside_window");
    assert_eq!(site.titles(), ["Far", "Near"], "a dry run writes nothing");
    let stale = post(json!({ "what": "outside_window", "plan_id": "other" })).await;
    assert_eq!(
        stale.problem(409, "plan_changed")["current_id"],
        plan["plan_id"]
    );
    let seen = json!({ "what": "outside_window", "plan_id": plan["plan_id"] });
    let run = ended(&site, &post(seen).await).await;
    assert_eq!(
        (&run["status"], &run["deleted"]),
        (&json!("success"), &json!(1))
    );
    assert_eq!(site.titles(), ["Near"]);
    let quiet = site.sync(&json!({ "id": mapping })).await;
    assert_eq!(
        (&quiet["inserted"], &quiet["deleted"]),
        (&json!(0), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_what_a_clean_up_removes_and_confirms_exactly_that() {
    let (site, mapping) = narrowed().await;
    let cookie = site.browser().await;
    let path = format!("/ui/mappings/{mapping}/cleanup");
    let offer = site.page(&cookie, &path).await;
    assert!(offer.text.contains("?what=outside_window") && offer.text.contains("?what=orphans"));
    let orphans = site.page(&cookie, &format!("{path}?what=orphans")).await;
    assert!(
        orphans.text.contains("nothing is to be cleaned up"),
        "{}",
        orphans.text
    );
    let shown = format!("{path}?what=outside_window");
    let page = site.page(&cookie, &shown).await;
    assert!(page.text.contains("Far") && !page.text.contains("Near"));
    assert!(page.text.contains("Remove 1 copy"), "{}", page.text);
    let unseen = [("what", "outside_window")];
    let unseen = site.submit(&cookie, &shown, &path, &unseen).await;
    assert_eq!(unseen.status, 422);
    let (_, id) = page.text.split_once("name=\"plan_id\" value=\"").unwrap();
    let id = id.split('"').next().unwrap();
    let fields = [("what", "outside_window"), ("plan_id", id)];
    let done = site.submit(&cookie, &shown, &path, &fields).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(
        done.location().ends_with("?done=cleaned"),
        "{}",
        done.location()
    );
    assert_eq!(site.titles(), ["Near"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_taken_back_and_what_was_taken_back_is_left_alone() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    site.sync(&mapping).await;
    site.put_event("one", "Standup at ten", 2);
    site.put_event("two", "Dentist", 3);
    let run = site.sync(&mapping).await;
    assert_eq!((&run["inserted"], &run["updated"]), (&json!(1), &json!(1)));
    let path = format!("/runs/{}/undo", run["id"].as_str().unwrap());
    site.post("/runs/run_none/undo", json!({}))
        .await
        .problem(404, "not_found");
    site.post(&path, json!({ "dry": true }))
        .await
        .problem(422, "invalid");
    let plan = site.post(&path, json!({ "dry_run": true })).await;
    assert_eq!(plan.status, 200, "{}", plan.text);
    let plan = plan.json();
    assert_eq!(
        plan["counts"],
        json!({"insert": 0, "update": 1, "delete": 1, "conflict": 0})
    );
    assert_eq!(plan["operations"][0]["reason"], "undone");
    assert_eq!(site.titles(), ["Dentist", "Standup at ten"]);
    site.post(&path, json!({ "plan_id": "other" }))
        .await
        .problem(409, "plan_changed");
    // A script needs no body.
    let begun = Answer::of(site.keyed(Method::POST, &path)).await;
    let undone = ended(&site, &begun).await;
    assert_eq!(undone["status"], "success", "{undone}");
    assert_eq!(site.titles(), ["Standup"]);
    site.sync(&mapping).await;
    assert_eq!(site.titles(), ["Standup"], "it is set aside");
    site.put_event("one", "Standup at eleven", 2);
    site.sync(&mapping).await;
    assert_eq!(
        site.titles(),
        ["Standup at eleven"],
        "until it changes again"
    );

    let gone = format!("/mappings/{}", mapping["id"].as_str().unwrap());
    assert_eq!(site.delete(&gone).await.status, 204);
    site.post(&path, json!({}))
        .await
        .problem(409, "mapping_gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_takes_a_run_back_from_its_page() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    let quiet = site.sync(&mapping).await;
    let all = site.get("/runs?limit=10").await.json();
    let runs = all["runs"].as_array().unwrap();
    let wrote = runs.iter().find(|run| run["inserted"] == 1).unwrap();
    let cookie = site.browser().await;
    let page = |id: &Value| format!("/ui/runs/{}", id.as_str().unwrap());
    let nothing = site.page(&cookie, &page(&quiet["id"])).await;
    assert!(
        !nothing.text.contains("Take this run back"),
        "{}",
        nothing.text
    );
    let path = page(&wrote["id"]);
    let run = site.page(&cookie, &path).await;
    assert!(
        run.text.contains(&format!("href=\"{path}/undo\"")),
        "{}",
        run.text
    );
    let undo = format!("{path}/undo");
    let shown = site.page(&cookie, &undo).await;
    assert!(shown.text.contains("Standup") && shown.text.contains("Take it back"));
    let (_, id) = shown.text.split_once("name=\"plan_id\" value=\"").unwrap();
    let id = id.split('"').next().unwrap();
    let done = site.submit(&cookie, &undo, &undo, &[("plan_id", id)]).await;
    assert!(done.location().ends_with("?done=undone"), "{}", done.text);
    assert!(site.titles().is_empty());
    // Once is enough: what was seen is no longer what would be done.
    let again = site.submit(&cookie, &undo, &undo, &[("plan_id", id)]).await;
    assert_eq!(again.status, 409, "{}", again.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_mapping_hands_its_copies_over_to_one_that_stands_by() {
    let site = Site::new().await;
    site.put_event("one", "Standup", 2);
    site.put_event("two", "Dentist", 3);
    let first = site.mapped().await;
    site.sync(&first).await;
    site.sync(&first).await;
    let shared = site.caldav.get("alice", "work", "one.ics").unwrap().ics;
    site.caldav.put("alice", "home", "one.ics", &shared);
    let body = json!({
        "caldav_calendar_id": site.calendar("caldav", "Home").await,
        "google_calendar_id": first["google_calendar_id"],
    });
    let second = site.post("/mappings", body).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let second = second.json();
    site.sync(&second).await;
    assert_eq!(site.titles(), ["Dentist", "Standup"], "it stands by");
    let path = format!(
        "/mappings/{}?mirrored=remove",
        first["id"].as_str().unwrap()
    );
    let gone = site.delete(&path).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(site.titles(), ["Standup"]);
    site.sync(&second).await;
    let quiet = site.sync(&second).await;
    assert_eq!(
        (&quiet["inserted"], &quiet["updated"]),
        (&json!(0), &json!(0)),
        "{quiet}"
    );
    assert_eq!(site.titles(), ["Standup"]);
}
