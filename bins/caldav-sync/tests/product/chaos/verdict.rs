//! What must be true when everybody has stopped and nothing goes wrong any more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;
use testkit::expand_ics;

use super::cast::{Aspect, Edit, Event, Slot, ZONE};
use super::object::Object;
use super::place::titled;
use super::play::Play;
use super::story::{history, story};
use super::{End, Way};
use crate::common::{ACCOUNT, TARGET};

/// An edit this much before a conflict was noticed may be what it was about; one that came later
/// was not. As long as a run with all its retries takes.
const A_RUN: SignedDuration = SignedDuration::from_secs(20);

/// An occurrence as both sides must show it: start, end, title, location, whether the time is free.
type Shown = (String, String, String, String, bool);

/// Everything there is to look at.
pub(super) struct Scene {
    pub(super) objects: Vec<String>,
    pub(super) google: Vec<Value>,
    pub(super) conflicts: Vec<Value>,
}

/// Lets the dust settle, then judges.
pub(super) async fn judge(play: &mut Play) {
    play.proxy.quiet();
    play.stage.google.clear_faults();
    settle(play).await;
    quiet(play).await;

    let scene = Scene {
        objects: play.place.all().await,
        google: play.stage.events(),
        conflicts: conflicts(play).await,
    };
    let mut wrong = Vec::new();
    same_agendas(play, &scene, &mut wrong);
    nothing_twice(play, &scene, &mut wrong);
    for event in &play.events {
        let before = wrong.len();
        lasts(play, &scene, event, &mut wrong);
        if event.origin == End::Caldav {
            carried(play, &scene, event, &mut wrong);
        }
        if wrong.len() > before {
            wrong.push(story(&scene, event));
        }
    }
    if !wrong.is_empty() {
        wrong.push(history(play, &wrong.concat()).await);
    }
    let mail = play.stage.google.mail();
    if !mail.is_empty() {
        wrong.push(format!("mail went out: {mail:#?}"));
    }
    wrong.extend(play.stage.google.violations());
    assert!(
        wrong.is_empty(),
        "{} on {}:\n{}",
        play.way.name(),
        play.place.name,
        wrong.join("\n")
    );
    eprintln!(
        "{} events, {} edits, {} conflicts: all is well",
        play.events.len(),
        play.events.iter().map(|e| e.edits.len()).sum::<usize>(),
        scene.conflicts.len()
    );
}

/// Runs until one has nothing left over, four at most.
async fn settle(play: &mut Play) {
    for _ in 0..4 {
        let run = play.run().await;
        let writes = ["inserted", "updated", "deleted", "deferred", "failed"];
        if run["status"] == "success" && writes.iter().all(|count| run[*count] == 0) {
            return;
        }
    }
    let runs = play.stage.api().get("/runs?limit=5").await;
    panic!("it does not settle: {runs:#}");
}

/// A run in which nobody writes anything.
async fn quiet(play: &mut Play) {
    play.proxy.clear_log();
    play.stage.google.clear_log();
    let run = play.stage.api().sync_well(&play.mapping).await;
    assert_eq!(play.proxy.writes(), 0, "{:#?}\n{run:#}", play.proxy.log());
    let writes = play.stage.google.counts().writes;
    assert!(writes.is_empty(), "{writes:?}\n{run:#}");
}

async fn conflicts(play: &Play) -> Vec<Value> {
    let path = "/conflicts";
    let (status, body) = play
        .stage
        .api()
        .request(reqwest::Method::GET, path, None)
        .await;
    if status == 404 && play.way != Way::Both {
        return Vec::new();
    }
    assert_eq!(status, 200, "{body:#}");
    body["conflicts"].as_array().unwrap().clone()
}

/// Both calendars show the same, but for what only lives on one side of a mapping that goes one way.
fn same_agendas(play: &Play, scene: &Scene, wrong: &mut Vec<String>) {
    let from = Timestamp::now().checked_add(1.hour()).unwrap();
    let to = from.checked_add((55 * 24).hours()).unwrap();
    let expansion = expand_ics(&scene.objects, from, to, ZONE);
    assert!(expansion.errors.is_empty(), "{:?}", expansion.errors);
    let there = expansion
        .occurrences
        .into_iter()
        .filter(|o| !o.is_cancelled());
    let there: Vec<Shown> = there
        .map(|o| (o.start, o.end, o.summary, o.location, o.transparent))
        .collect();
    let here = google_agenda(play, from, to);
    let names = |agenda: &[Shown]| -> BTreeSet<String> {
        let titles = agenda.iter().map(|(_, _, title, ..)| title);
        titles
            .map(|title| title.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let all: BTreeSet<String> = names(&there).union(&names(&here)).cloned().collect();
    for name in all {
        let of = |agenda: &[Shown]| {
            let mut of: Vec<Shown> = agenda
                .iter()
                .filter(|(_, _, title, ..)| title.split(' ').next() == Some(&name))
                .cloned()
                .collect();
            of.sort();
            of
        };
        let (there, here) = (of(&there), of(&here));
        let event = play.events.iter().find(|event| event.name == name);
        let Some(event) = event else {
            wrong.push(format!("nobody made {name}: {there:?} {here:?}"));
            continue;
        };
        let right = match event.origin {
            _ if play.way.carries(event.origin) => there == here,
            End::Caldav => here.is_empty(),
            End::Google => there.is_empty(),
        };
        if !right {
            wrong.push(format!(
                "{name} differs\n CalDAV {there:#?}\n Google {here:#?}\n{}",
                story(scene, event)
            ));
        }
    }
}

/// What Google itself says takes place.
fn google_agenda(play: &Play, from: Timestamp, to: Timestamp) -> Vec<Shown> {
    let (from, to) = (from.to_string(), to.to_string());
    let query = [
        ("singleEvents", "true"),
        ("timeMin", from.as_str()),
        ("timeMax", to.as_str()),
        ("maxResults", "2500"),
    ];
    let person = play.stage.google.as_user(ACCOUNT);
    let listed = person.list(TARGET, &query).unwrap();
    assert!(
        listed.get("nextPageToken").is_none(),
        "one page holds them all"
    );
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            (
                time(&item["start"]),
                time(&item["end"]),
                text("summary"),
                text("location"),
                item["transparency"] == "transparent",
            )
        })
        .collect()
}

fn time(time: &Value) -> String {
    if let Some(day) = time["date"].as_str() {
        return day.to_owned();
    }
    let at: Timestamp = time["dateTime"].as_str().unwrap().parse().unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// No UID twice on a side, no event twice.
fn nothing_twice(play: &Play, scene: &Scene, wrong: &mut Vec<String>) {
    let objects = scene.objects.iter().map(|text| Object::parse(text));
    let there = objects.filter_map(|object| {
        let uid = object.value(&object.master()?, "UID")?;
        Some((uid, titled(&object)?))
    });
    let here = masters(&scene.google).map(|event| {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        (text("iCalUID"), named(event).to_owned())
    });
    let sides: [Vec<(String, String)>; 2] = [there.collect(), here.collect()];
    for (side, found) in [play.place.name, "Google"].iter().zip(sides) {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for (uid, name) in &found {
            *counts.entry(uid).or_default() += 1;
            *counts.entry(name).or_default() += 1;
        }
        let twice = counts.iter().filter(|(_, count)| **count > 1);
        wrong.extend(twice.map(|(what, count)| format!("{what} is at {side} {count} times")));
    }
}

/// The last edit of everything is there, unless a conflict says why not.
fn lasts(play: &Play, scene: &Scene, event: &Event, wrong: &mut Vec<String>) {
    let found = masters(&scene.google).find(|other| named(other) == event.name);
    let object = scene.objects.iter().map(|text| Object::parse(text));
    let object = object
        .clone()
        .find(|o| titled(o).as_ref() == Some(&event.name));
    let last = event.last(play.way);
    let gone = last.get(&(Slot::Whole, Aspect::Gone));
    let home = match event.origin {
        End::Google => found.is_some(),
        End::Caldav => object.is_some(),
    };
    match gone {
        Some(_) if !home => return,
        Some(edit) if overruled(scene, event, edit) => {}
        Some(_) => return wrong.push(format!("{} was deleted and is there", event.name)),
        None if home => {}
        None => return wrong.push(format!("{} is lost", event.name)),
    }
    // Where a mapping goes one way, the source says it and both agree; what never crosses is
    // looked at where it is.
    let at_google = found.filter(|_| play.way.carries(event.origin) || event.origin == End::Google);
    let Some(found) = at_google else { return };
    let instances = instances(play, found, event);
    for ((slot, aspect), edit) in &last {
        let now = match (slot, aspect) {
            (_, Aspect::Gone) if *slot == Slot::Whole => continue,
            (Slot::Whole, Aspect::Title) => text(found, "summary"),
            (Slot::Whole, Aspect::Place) => text(found, "location"),
            (Slot::Whole, Aspect::Text) => text(found, "description"),
            (Slot::Whole, Aspect::Start) => time(&found["start"]),
            (Slot::Whole, _) => instances.len().to_string(),
            (Slot::Nth(nth), aspect) => {
                let off = last.contains_key(&(*slot, Aspect::Gone));
                match (instances.get(nth).and_then(Option::as_ref), aspect) {
                    (None, Aspect::Gone) => continue,
                    (None, _) if off => continue,
                    (None, _) => "nothing".to_owned(),
                    (Some(_), Aspect::Gone) => "there".to_owned(),
                    (Some(one), Aspect::Title) => text(one, "summary"),
                    (Some(one), _) => time(&one["start"]),
                }
            }
        };
        let right = now == edit.value
            || overruled(scene, event, edit) && may_be(event, *slot, *aspect, &now);
        if !right {
            wrong.push(format!(
                "{} {slot:?} {aspect:?} is {now:?}, not {:?}",
                event.name, edit.value
            ));
        }
        let told = object
            .as_ref()
            .and_then(|o| o.value(&o.master()?, "DESCRIPTION"))
            .unwrap_or_default();
        let both = play.way.carries(event.origin);
        if *aspect == Aspect::Text && both && told != now {
            wrong.push(format!("{} has two texts: {told:?}, {now:?}", event.name));
        }
    }
}

/// Whether a value that is not the last one was at least some side's at some time.
fn may_be(event: &Event, slot: Slot, aspect: Aspect, now: &str) -> bool {
    match aspect {
        Aspect::Start | Aspect::Count | Aspect::Gone => true,
        _ => now.is_empty() || slot != Slot::Whole || event.ever(slot, aspect).contains(&now),
    }
}

/// Whether a conflict that was noticed after the edit, or just before, is about this event.
fn overruled(scene: &Scene, event: &Event, edit: &Edit) -> bool {
    let mut conflicts = scene.conflicts.iter();
    conflicts.any(|conflict| {
        let at: Timestamp = conflict["detected_at"].as_str().unwrap().parse().unwrap();
        about(conflict, event) && at.checked_add(A_RUN).unwrap() >= edit.at
    })
}

pub(super) fn about(conflict: &Value, event: &Event) -> bool {
    conflict.to_string().contains(&event.name)
}

/// The occurrences of a series by their number; `None` is called off.
fn instances(play: &Play, master: &Value, event: &Event) -> BTreeMap<i64, Option<Value>> {
    if !event.recurs() || master.get("recurrence").is_none() {
        return BTreeMap::new();
    }
    let person = play.stage.google.as_user(ACCOUNT);
    let id = master["id"].as_str().unwrap();
    let all = person
        .instances(TARGET, id, &[("showDeleted", "true")])
        .unwrap();
    let first = day(&master["start"]);
    let items = all["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let days = day(&item["originalStartTime"])
                .since(first)
                .unwrap()
                .get_days();
            let gone = item["status"] == "cancelled";
            (i64::from(days) / event.every, (!gone).then(|| item.clone()))
        })
        .collect()
}

fn day(time: &Value) -> jiff::civil::Date {
    if let Some(day) = time["date"].as_str() {
        return day.parse().unwrap();
    }
    let at: Timestamp = time["dateTime"].as_str().unwrap().parse().unwrap();
    at.in_tz(ZONE).unwrap().date()
}

/// Every line that a CalDAV client wrote and no core field owns is as it was.
fn carried(play: &Play, scene: &Scene, event: &Event, wrong: &mut Vec<String>) {
    let deleted = event.edits.iter().any(|edit| {
        edit.slot == Slot::Whole
            && edit.aspect == Aspect::Gone
            && play.way.hears(edit.end, event.origin)
    });
    let objects = scene.objects.iter().map(|text| Object::parse(text));
    let found = objects
        .clone()
        .find(|o| titled(o).as_ref() == Some(&event.name));
    let (Some(found), false) = (found, deleted) else {
        return;
    };
    let now = found.carried();
    for (component, lines) in &event.carried {
        match now.get(component) {
            Some(now) if now == lines => {}
            // An override may have been called off, or moved with its series.
            None if component.is_some() => {}
            now => wrong.push(format!(
                "{} {component:?} carries {now:#?}, it carried {lines:#?}",
                event.name
            )),
        }
    }
}

fn masters(events: &[Value]) -> impl Iterator<Item = &Value> {
    events
        .iter()
        .filter(|event| event["status"] != "cancelled" && event.get("recurringEventId").is_none())
}

fn named(event: &Value) -> &str {
    let title = event["summary"].as_str().unwrap_or_default();
    title.split(' ').next().unwrap_or_default()
}

fn text(event: &Value, member: &str) -> String {
    event[member].as_str().unwrap_or_default().to_owned()
}
