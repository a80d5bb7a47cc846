//! The pains that hurt on the way from Google to CalDAV too: each in a mapping from Google and in
//! one that goes both ways.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, time};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::caldav::Rewrite;
use testkit::expand_ics;

use super::stages::{Scene, ZONE, at, day, joined, object};
use crate::common::{ACCOUNT, TARGET};

/// The directions in which Google is a source.
const WAYS: [&str; 2] = ["google_to_caldav", "bidirectional"];

async fn scene(way: &str) -> Scene {
    let window = json!({ "past_days": 0, "future_days": 300 });
    Scene::new(&json!({ "direction": way, "time_zone": ZONE, "window": window })).await
}

fn moment(wall: DateTime) -> Value {
    let at = wall.in_tz(ZONE).unwrap().timestamp().to_string();
    json!({ "dateTime": at, "timeZone": ZONE })
}

/// An hour's event as Google wants it.
fn hour(title: &str, start: DateTime, rule: Option<&str>) -> Value {
    let mut body = json!({
        "summary": title,
        "start": moment(start),
        "end": moment(start.checked_add(1.hour()).unwrap()),
    });
    if let Some(rule) = rule {
        body["recurrence"] = json!([rule]);
    }
    body
}

impl Scene {
    /// A person makes an event at Google: its id.
    fn make(&self, body: Value) -> String {
        let person = self.stage.google.as_user(ACCOUNT);
        let made = person.insert(TARGET, body).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// A person changes an event or an occurrence at Google.
    fn change(&self, id: &str, body: Value) {
        let person = self.stage.google.as_user(ACCOUNT);
        person.patch(TARGET, id, body).unwrap();
    }

    /// The objects on the CalDAV side.
    fn texts(&self) -> Vec<String> {
        let objects = self.source.objects("alice", "work").into_iter();
        objects.map(|object| object.ics).collect()
    }

    /// The agenda on the CalDAV side, by an expander that is not ours: start and title.
    fn there(&self) -> BTreeSet<(String, String)> {
        let from = Timestamp::now();
        let to = from.checked_add((24 * 365).hours()).unwrap();
        let expansion = expand_ics(&self.texts(), from, to, ZONE);
        assert_eq!(expansion.errors, []);
        let agenda = expansion.agenda().into_iter();
        agenda.map(|(start, _, title)| (start, title)).collect()
    }

    /// Both sides say the same; how many occurrences.
    fn agree(&self) -> usize {
        let here: BTreeSet<_> = self.agenda().into_iter().collect();
        let there = self.there();
        assert_eq!(here, there, "{:#?}", self.texts());
        there.len()
    }
}

/// The id of an occurrence of a series at Google.
fn occurrence(series: &str, wall: DateTime) -> String {
    let moment = wall.in_tz(ZONE).unwrap().timestamp();
    format!("{series}_{}", moment.strftime("%Y%m%dT%H%M%SZ"))
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_03_a_moved_occurrence_leaves_its_old_slot_in_caldav() {
    let first = day(3).at(9, 0, 0, 0);
    let second = first.checked_add(1.day()).unwrap();
    for way in WAYS {
        let scene = scene(way).await;
        let id = scene.make(hour("Standup", first, Some("RRULE:FREQ=DAILY;COUNT=3")));
        scene.sync().await;
        assert_eq!(scene.agree(), 3, "{way}");
        let moved = hour("Standup", second.checked_add(5.hours()).unwrap(), None);
        scene.change(&occurrence(&id, second), moved);
        scene.sync().await;
        assert_eq!(scene.agree(), 3, "{way}");
        // The same value type and zone as the start's.
        let text = &scene.texts()[0];
        let id = at("RECURRENCE-ID", second);
        assert!(text.contains(&id), "{way}: no {id} in {text}");
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_04_a_cancelled_occurrence_stays_cancelled_in_caldav() {
    let first = day(3).at(9, 0, 0, 0);
    let second = first.checked_add(1.day()).unwrap();
    for way in WAYS {
        let scene = scene(way).await;
        let id = scene.make(hour("Standup", first, Some("RRULE:FREQ=DAILY;COUNT=3")));
        scene.sync().await;
        let person = scene.stage.google.as_user(ACCOUNT);
        person.delete(TARGET, &occurrence(&id, second)).unwrap();
        scene.sync().await;
        assert_eq!(scene.agree(), 2, "{way}");
        // Nor when the series changes, nor when everything is read anew.
        scene.change(&id, json!({ "summary": "Standup, renamed" }));
        scene.sync().await;
        scene.source.expire_tokens("alice", "work");
        scene.stage.google.expire_sync_tokens();
        scene.sync().await;
        assert_eq!(scene.agree(), 2, "{way}");
        if way == "bidirectional" {
            let text = scene.texts().remove(0).replace("renamed", "renamed again");
            let name = scene.source.objects("alice", "work").remove(0).name;
            scene.source.put("alice", "work", &name, &text);
            scene.sync().await;
            assert_eq!(scene.agree(), 2, "{way}");
            assert_eq!(scene.stage.titles(), ["Standup, renamed again"]);
        }
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_05_this_and_following_at_google_eats_nothing_in_caldav() {
    let first = day(3).at(9, 0, 0, 0);
    for way in WAYS {
        let scene = scene(way).await;
        scene.make(hour("walk", first, Some("RRULE:FREQ=DAILY;COUNT=6")));
        scene.sync().await;
        assert_eq!(scene.agree(), 6, "{way}");
        scene.this_and_following("walk", first, 2, 4);
        for _ in 0..3 {
            let run = scene.sync().await;
            assert_eq!(run["deleted"], 0, "{way}: {run:#}");
            assert_eq!(scene.agree(), 6, "{way}");
        }
        assert_eq!(scene.texts().len(), 2, "{way}");
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_05_this_and_future_in_caldav_eats_nothing_at_google() {
    let first = day(3).at(9, 0, 0, 0);
    let third = first.checked_add(2.days()).unwrap();
    for way in ["caldav_to_google", "bidirectional"] {
        let scene = scene(way).await;
        let lines = [
            at("DTSTART", first),
            "DURATION:PT1H".to_owned(),
            "RRULE:FREQ=DAILY;COUNT=6".to_owned(),
        ];
        let series = object("walk", &lines.each_ref().map(String::as_str));
        scene.put("walk", &series);
        scene.sync().await;
        let later = [
            at("RECURRENCE-ID;RANGE=THISANDFUTURE", third),
            at("DTSTART", third.checked_add(3.hours()).unwrap()),
            "DURATION:PT1H".to_owned(),
        ];
        let rest = object("walk", &later.each_ref().map(String::as_str));
        let text = joined(&series, &rest);
        scene.put("walk", &text);
        for _ in 0..3 {
            scene.sync().await;
            let shown: BTreeSet<String> =
                scene.agenda().into_iter().map(|(start, _)| start).collect();
            let wanted: BTreeSet<String> = (0..6)
                .map(|nth| {
                    let hours = if nth < 2 { 0 } else { 3 };
                    let wall = first.checked_add(nth.days().hours(hours)).unwrap();
                    wall.in_tz(ZONE).unwrap().timestamp().to_string()
                })
                .collect();
            assert_eq!(shown, wanted, "{way}");
        }
        assert_eq!(
            scene.source.get("alice", "work", "walk.ics").unwrap().ics,
            text
        );
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_17_a_day_is_a_day_in_caldav() {
    for way in WAYS {
        let scene = scene(way).await;
        let date = |days: i64| json!({ "date": day(days).to_string() });
        let body = |days: i64, length: i64| json!({ "summary": "Fair", "start": date(days), "end": date(days + length) });
        let id = scene.make(body(4, 1));
        scene.sync().await;
        // On and on, also past its own end, and longer: the end goes along.
        for (days, length) in [(5, 1), (9, 1), (7, 1), (7, 3), (12, 1)] {
            scene.change(&id, body(days, length));
            scene.sync().await;
            let text = &scene.texts()[0];
            for (name, at) in [("DTSTART", days), ("DTEND", days + length)] {
                let line = format!("{name};VALUE=DATE:{}\r\n", day(at).strftime("%Y%m%d"));
                assert!(text.contains(&line), "{way}: no {line} in {text}");
            }
        }
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_19_nine_o_clock_stays_nine_o_clock_in_caldav() {
    let nine = day(3).at(9, 0, 0, 0);
    for way in WAYS {
        let scene = scene(way).await;
        scene.make(hour("Choir", nine, Some("RRULE:FREQ=WEEKLY;COUNT=40")));
        scene.sync().await;
        assert_eq!(scene.agree(), 40, "{way}");
        for (start, _) in scene.there() {
            let shown: Timestamp = start.parse().unwrap();
            let there = shown.in_tz(ZONE).unwrap().time();
            assert_eq!(there, time(9, 0, 0, 0), "{way}: {start}");
        }
        let text = &scene.texts()[0];
        let zone = format!("BEGIN:VTIMEZONE\r\nTZID:{ZONE}\r\n");
        assert!(
            text.contains(&zone),
            "{way}: the zone is not described: {text}"
        );
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_20_floating_times_are_written_back_floating() {
    let scene = scene("bidirectional").await;
    let nine = day(3).at(9, 0, 0, 0);
    let floating = |wall: DateTime| format!("DTSTART:{}\r\n", wall.strftime("%Y%m%dT%H%M%S"));
    let line = floating(nine);
    let text = object("float", &[line.trim_end(), "DURATION:PT1H"]);
    scene.put("float", &text);
    scene.sync().await;
    let id = scene.copy("float")["id"].as_str().unwrap().to_owned();
    scene.change(&id, json!({ "location": "Here" }));
    scene.sync().await;
    let now = scene.texts().remove(0);
    assert!(
        now.contains(&line) && now.contains("LOCATION:Here"),
        "{now}"
    );
    let later = nine.checked_add(2.hours()).unwrap();
    scene.change(&id, hour("float", later, None));
    scene.sync().await;
    let now = scene.texts().remove(0);
    assert!(now.contains(&floating(later)), "{now}");
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_21_a_server_that_rewrites_what_we_write_is_not_written_again() {
    for way in WAYS {
        let scene = scene(way).await;
        scene.source.update_quirks(|quirks| {
            quirks.rewrites = vec![
                Rewrite::Reorder,
                Rewrite::AddTimezone,
                Rewrite::Prodid,
                Rewrite::LineEndings,
                Rewrite::Lossy,
            ];
            quirks.no_etag_when_rewritten = true;
        });
        let nine = day(3).at(9, 0, 0, 0);
        let id = scene.make(hour("Tea 🍵 at the café", nine, None));
        let mut body = hour("Choir", nine, Some("RRULE:FREQ=WEEKLY;COUNT=4"));
        body["description"] = json!("Dear <b>all</b>,<br>bring &lt;scores&gt;  ");
        body["location"] = json!("Hall; 2, \"upstairs\"");
        scene.make(body);
        scene.sync().await;
        scene.change(&id, json!({ "summary": "Tea 🍵, later" }));
        scene.sync().await;
        assert_eq!(scene.agree(), 5, "{way}");
        for _ in 0..3 {
            scene.source.expire_tokens("alice", "work");
            scene.stage.google.expire_sync_tokens();
            scene.quiet().await;
        }
    }
}
