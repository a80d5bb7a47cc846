//! What a person decides, through the whole product: conflicts through the page and the API, and a
//! held plan put back in a mapping that goes both ways.

use reqwest::Method;
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::Chromium;

use crate::common::{ACCOUNT, Stage, TARGET, event, wait_until};

/// A mapping both ways between a simulated CalDAV server and Google.
struct Pair {
    source: CaldavSim,
    stage: Stage,
    mapping: String,
}

impl Pair {
    /// With these events on both sides, in step.
    async fn with(uids: &[&str], policy: &str) -> Self {
        let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
        for uid in uids {
            let text = event(uid, &title(uid), 30);
            source.put("alice", "work", &format!("{uid}.ics"), &text);
        }
        let stage = Stage::start();
        let account = stage.add_caldav(source.url()).await;
        stage.sign_in().await;
        let settings = json!({ "direction": "bidirectional", "conflict_policy": policy });
        let mapping = stage.map(&account, "work", &settings).await;
        let pair = Self {
            source,
            stage,
            mapping,
        };
        // The second shows what the first has written.
        pair.stage.api().sync_well(&pair.mapping).await;
        pair.stage.api().sync_well(&pair.mapping).await;
        assert_eq!(pair.stage.titles().len(), uids.len());
        pair
    }

    fn at_google(&self, wanted: &str) -> Option<Value> {
        let mut events = self.stage.events().into_iter();
        events.find(|event| event["summary"] == wanted && event["status"] != "cancelled")
    }

    /// A person changes an event at Google.
    fn patch(&self, found: &str, change: Value) {
        let id = self.at_google(found).unwrap()["id"].clone();
        let person = self.stage.google.as_user(ACCOUNT);
        person.patch(TARGET, id.as_str().unwrap(), change).unwrap();
    }

    /// A person changes an event's title on the CalDAV side.
    fn rename(&self, uid: &str, to: &str) {
        let text = self.text(uid).replace(&title(uid), to);
        let name = format!("{uid}.ics");
        self.source.put("alice", "work", &name, &text);
    }

    fn text(&self, uid: &str) -> String {
        let name = format!("{uid}.ics");
        let object = self.source.get("alice", "work", &name);
        object.unwrap().ics
    }

    /// Both sides change the title of one event.
    async fn contest(&self, uid: &str) -> Value {
        self.rename(uid, "Lunch with Ada");
        let change = json!({ "summary": "Lunch with Bob", "location": "Canteen" });
        self.patch(&title(uid), change);
        let run = self.stage.api().sync_well(&self.mapping).await;
        assert_eq!(run["conflicts"], 1, "{run:#}");
        assert!(self.text(uid).contains("SUMMARY:Lunch with Ada"));
        assert!(self.at_google("Lunch with Bob").is_some());
        let open = self.stage.api().get("/conflicts?status=open").await;
        assert_eq!(open["conflicts"].as_array().unwrap().len(), 1, "{open:#}");
        open["conflicts"][0].clone()
    }

    /// Nothing is left to do.
    async fn quiet(&self) {
        let api = self.stage.api();
        api.sync_well(&self.mapping).await;
        let run = api.sync_well(&self.mapping).await;
        let counts = ["inserted", "updated", "deleted", "conflicts", "held"];
        assert_eq!(counts.map(|count| &run[count]), [0; 5], "{run:#}");
        assert!(self.stage.google.mail().is_empty());
    }
}

fn title(uid: &str) -> String {
    format!("Event {uid}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_decided_field_by_field_and_only_while_it_stands() {
    let pair = Pair::with(&["one"], "manual").await;
    let api = pair.stage.api();
    let first = pair.contest("one").await;
    assert_eq!(first["base"]["title"], "Event one");
    assert_eq!(first["caldav"]["title"], "Lunch with Ada");
    assert_eq!(first["google"]["title"], "Lunch with Bob");
    let preview = format!("/mappings/{}/preview", pair.mapping);
    assert_eq!(api.get(&preview).await["counts"]["update"], 0);

    // One side is changed again: the answer was given to something else.
    pair.patch("Lunch with Bob", json!({ "summary": "Lunch with Cy" }));
    api.sync_well(&pair.mapping).await;
    let old = format!("/conflicts/{}", first["id"].as_str().unwrap());
    let (status, problem) = api.post(&old, &json!({ "keep": "google" })).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("conflict_changed"))
    );
    let now = format!("/conflicts/{}", problem["current_id"].as_str().unwrap());
    let keep = json!({ "keep": { "fields": { "title": "caldav", "location": "google" } } });
    let answer = api.post_for(202, &now, &keep).await;
    assert_eq!(answer["runs"][0]["mapping_id"], pair.mapping);
    wait_until("the answer to be carried out", async || {
        let text = pair.text("one");
        (text.contains("LOCATION:Canteen") && pair.at_google("Lunch with Ada").is_some())
            .then_some(())
    })
    .await;
    pair.quiet().await;
    assert!(pair.text("one").contains("SUMMARY:Lunch with Ada"));
    let open = api.get("/conflicts?status=open").await;
    assert_eq!(open["conflicts"], json!([]));
    let (status, problem) = api.post(&now, &keep).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("conflict_decided"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_decided_in_the_browser() {
    let pair = Pair::with(&["one", "two"], "manual").await;
    pair.contest("one").await;
    let ui = format!("{}/ui", pair.stage.program().url);
    let browser = Chromium::start().await;
    browser.goto(&format!("{ui}/")).await;
    let heading = browser.text("h1").await;
    assert!(heading.contains("1 problem"), "{heading}");
    browser.click("main a.button[href$='/ui/conflicts']").await;
    browser.wait_for("article.conflict").await;
    let compared = browser.text("article.conflict").await;
    for text in ["Event one", "Lunch with Ada", "Lunch with Bob", "Canteen"] {
        assert!(compared.contains(text), "{text}: {compared}");
    }
    browser.click("button[name=keep][value=google]").await;
    browser.wait_for("[role=status]").await;
    let said = browser.text("[role=status]").await;
    assert!(said.contains("the calendars show what you chose"), "{said}");
    assert!(pair.text("one").contains("SUMMARY:Lunch with Bob"));
    assert!(pair.text("one").contains("LOCATION:Canteen"));
    assert_eq!(browser.count("article.conflict").await, 0);
    assert!(browser.text("ul.conflicts").await.contains("Google won"));
    pair.quiet().await;
    let said = browser.console().await;
    let wrong: Vec<&String> = said
        .iter()
        .filter(|line| line.starts_with("SEVERE"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanished_from_one_side_is_put_back_there() {
    let uids: Vec<String> = (10..22).map(|number| format!("e{number}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let pair = Pair::with(&uids, "latest").await;
    let api = pair.stage.api();
    for uid in &uids {
        assert!(pair.source.delete("alice", "work", &format!("{uid}.ics")));
    }
    let run = api.sync_well(&pair.mapping).await;
    assert_eq!(
        (&run["deleted"], &run["held"]),
        (&json!(0), &json!(12)),
        "{run:#}"
    );
    let held = api.get("/held").await;
    let plan = &held["held"][0];
    assert_eq!(
        (&plan["kind"], &plan["side"]),
        (&json!("deletions"), &json!("google"))
    );
    let path = format!("/held/{}", plan["id"].as_str().unwrap());
    let answer = json!({ "decision": "restore" });
    let runs = api.post_for(202, &path, &answer).await;
    let run = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    wait_until("the run's end", async || {
        let run = api.get(&format!("/runs/{run}")).await;
        (run["status"] != "running").then_some(())
    })
    .await;
    assert_eq!(pair.source.objects("alice", "work").len(), 12);
    assert_eq!(pair.stage.titles().len(), 12);
    assert_eq!(api.get("/held").await, json!({ "held": [] }));
    pair.quiet().await;
    let (status, problem) = api.request(Method::POST, &path, Some(&answer)).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));
}

/// Begins what is asked for, exactly as its dry run showed it, and waits for its end: the run.
async fn by_hand(pair: &Pair, path: &str, mut asked: Value) -> Value {
    let api = pair.stage.api();
    asked["dry_run"] = json!(true);
    let plan = api.post_for(200, path, &asked).await;
    asked["dry_run"] = json!(false);
    asked["plan_id"] = plan["plan_id"].clone();
    let begun = api.post_for(202, path, &asked).await;
    let run = format!("/runs/{}", begun["run"]["id"].as_str().unwrap());
    let ended = wait_until("the run's end", async || {
        let run = api.get(&run).await;
        (run["status"] != "running").then_some(run)
    })
    .await;
    assert_eq!(ended["status"], "success", "{ended:#}");
    let planned = &plan["counts"];
    assert_eq!(
        [&ended["inserted"], &ended["updated"], &ended["deleted"]],
        [&planned["insert"], &planned["update"], &planned["delete"]],
        "the run did something else than its dry run showed"
    );
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_wrote_both_sides_is_taken_back() {
    let pair = Pair::with(&["one", "two", "three"], "latest").await;
    let api = pair.stage.api();
    let before = pair.text("two");
    pair.rename("one", "Changed in CalDAV");
    pair.patch("Event two", json!({ "summary": "Changed at Google" }));
    assert!(pair.source.delete("alice", "work", "three.ics"));
    let run = api.sync_well(&pair.mapping).await;
    assert_eq!(
        (&run["updated"], &run["deleted"]),
        (&json!(2), &json!(1)),
        "{run:#}"
    );
    let undo = format!("/runs/{}/undo", run["id"].as_str().unwrap());
    by_hand(&pair, &undo, json!({})).await;
    // What people wrote stays where they wrote it; what the run wrote is as it was.
    assert!(pair.text("one").contains("SUMMARY:Changed in CalDAV"));
    assert!(pair.text("two").contains("SUMMARY:Event two"), "{before}");
    assert_eq!(
        pair.stage.titles(),
        ["Changed at Google", "Event one", "Event three"]
    );
    pair.quiet().await;
    assert_eq!(pair.source.objects("alice", "work").len(), 2, "set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_outside_the_window_are_cleaned_up_on_both_sides() {
    let pair = Pair::with(&["one"], "latest").await;
    let api = pair.stage.api();
    let far = event("far", "Far from CalDAV", 20 * 24);
    pair.source.put("alice", "work", "far.ics", &far);
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(21 * 24);
    let day = start.strftime("%Y-%m-%d").to_string();
    let next = (start + jiff::SignedDuration::from_hours(24)).strftime("%Y-%m-%d");
    let native = json!({
        "summary": "Far at Google",
        "start": { "date": day }, "end": { "date": next.to_string() },
    });
    pair.stage
        .google
        .as_user(ACCOUNT)
        .insert(TARGET, native)
        .unwrap();
    api.sync_well(&pair.mapping).await;
    api.sync_well(&pair.mapping).await;
    assert_eq!(pair.source.objects("alice", "work").len(), 3);
    let narrow = json!({ "id": pair.mapping, "window": { "future_days": 5 } });
    api.post_for(200, "/mappings", &narrow).await;
    api.sync_well(&pair.mapping).await;
    assert_eq!(pair.stage.titles().len(), 3, "nothing goes by itself");
    let path = format!("/mappings/{}/cleanup", pair.mapping);
    let run = by_hand(&pair, &path, json!({ "what": "outside_window" })).await;
    assert_eq!(run["deleted"], 2);
    // Each stays where it was made.
    assert_eq!(pair.stage.titles(), ["Event one", "Far at Google"]);
    assert_eq!(pair.source.objects("alice", "work").len(), 2);
    assert!(pair.text("far").contains("Far from CalDAV"));
    pair.quiet().await;
    assert_eq!(pair.stage.titles(), ["Event one", "Far at Google"]);
}
