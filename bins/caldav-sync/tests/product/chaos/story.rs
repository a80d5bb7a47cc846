//! What is told of an evening that went wrong: the people's side of it and the program's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::cast::Event;
use super::object::Object;
use super::place::titled;
use super::play::Play;
use super::verdict::{Scene, about};

/// What the program says that it saw and did with the events that a failure names.
pub(super) async fn history(play: &Play, named: &str) -> String {
    let api = play.stage.api();
    let objects = play.place.all().await.into_iter();
    let there = objects.filter_map(|text| {
        let object = Object::parse(&text);
        object.value(&object.master()?, "UID")
    });
    let here = play.stage.events().into_iter();
    let here = here.filter_map(|event| Some(event["iCalUID"].as_str()?.to_owned()));
    let uids: BTreeSet<String> = there.chain(here).collect();
    let mut told = "--- what the program did\n".to_owned();
    for uid in uids.iter().filter(|uid| named.contains(uid.as_str())) {
        let answer = api.get(&format!("/events/history?uid={uid}")).await;
        for entry in answer["events"].as_array().unwrap() {
            writeln!(told, "{entry}").unwrap();
        }
    }
    let runs = api.get("/runs?limit=200").await;
    for run in runs["runs"].as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        let whole = api.get(&format!("/runs/{id}")).await;
        let events = whole["events"].as_array().unwrap().iter();
        let failed: Vec<&Value> = events.filter(|event| !event["error"].is_null()).collect();
        if run["status"] != "success" || run["deferred"] != 0 || !failed.is_empty() {
            writeln!(told, "{run}\n{failed:?}").unwrap();
        }
    }
    told
}

/// Everything known of an event, for a failure's message.
pub(super) fn story(scene: &Scene, event: &Event) -> String {
    let mut told = format!(
        "--- the story of {} (made at {:?})\n",
        event.name, event.origin
    );
    for edit in &event.edits {
        writeln!(
            told,
            "  {} {:?} {:?} {:?} = {:?}",
            edit.at, edit.end, edit.slot, edit.aspect, edit.value
        )
        .unwrap();
    }
    for text in &scene.objects {
        if titled(&Object::parse(text)).as_ref() == Some(&event.name) {
            told += text;
        }
    }
    for found in &scene.google {
        if found.to_string().contains(&format!("{} ", event.name)) {
            writeln!(told, "{found:#}").unwrap();
        }
    }
    for conflict in scene.conflicts.iter().filter(|c| about(c, event)) {
        writeln!(told, "{conflict:#}").unwrap();
    }
    told
}
