//! What users of other calendar syncs suffer from, shown to be over: one test named after each pain,
//! where it is shown best and cheapest. Here are those that take the whole program; the others are
//! in `pains.rs` of `crates/sync-engine/tests` (E), `crates/caldav-client/tests/contract` (C) and
//! `crates/gcal-client/tests/google` (G). The ones from Google to CalDAV are in
//! `both_ways` (B); the engine's are each asked in every direction.
//!
//! | pain | test |
//! | --- | --- |
//! | 1 duplicates after every run | E `pain_01_duplicates_after_every_run` |
//! | 2 crash between the creation and its record | E `pain_02_a_crash_between_the_creation_and_its_record_makes_no_second_copy`; whole, with kill -9: `faults` and `chaos` |
//! | 3 exceptions lost, or shown in their old slot too | [`pain_03_a_moved_occurrence_leaves_its_old_slot`], B `pain_03_…` |
//! | 4 a cancelled occurrence comes back | [`pain_04_a_cancelled_occurrence_stays_cancelled_however_it_is_spelled`], B `pain_04_…`, E `pain_04_…` |
//! | 5 "this and following" eats events | [`pain_05_this_and_following_eats_nothing`], B `pain_05_…` |
//! | 6 an expired sync token is swallowed | [`pain_06_expired_tokens_lose_no_deletion`], G `pain_06_…` |
//! | 7 a CalDAV token is refused in many spellings | C `pain_07_a_token_is_refused_in_many_spellings` |
//! | 8 mass deletion from one bad read | [`pain_08_an_empty_answer_empties_no_calendar`], E `pain_08_…` |
//! | 9 silent truncation | C `pain_09_a_list_cut_in_silence_is_no_list` |
//! | 10 deleted events resurrect | E `pain_10_what_was_deleted_does_not_come_back` |
//! | 11 deletion against edit | E `pain_11_a_deletion_against_an_edit_is_decided_once_as_set` |
//! | 12 a UID used again: Google's 409 | [`pain_12_a_uid_may_come_back_after_its_deletion`], G `pain_12_…` |
//! | 13 a UID used again: Nextcloud's 400 | C `pain_13_a_uid_in_the_trash_bin_gets_another_name` |
//! | 14 "Calendar usage limits exceeded" | G `pain_14_the_usage_limit_stops_writes_for_hours_and_reads_never` |
//! | 15 mails sent to guests | [`pain_15_and_16_guests_mail_nobody_and_refuse_nothing`], C and G `pain_15_…` |
//! | 16 refusals because of attendees | the same |
//! | 17 all-day events off by one | [`pain_17_a_day_is_a_day_in_every_zone`], B `pain_17_…` |
//! | 18 zero-length and inverted events | [`pain_18_events_without_length_arrive_and_are_quiet`] |
//! | 19 wrong hour, daylight saving | [`pain_19_nine_o_clock_stays_nine_o_clock`], B `pain_19_…` |
//! | 20 floating times | [`pain_20_floating_times_stand_for_the_mapping_s_zone`], B `pain_20_…` |
//! | 21 perpetual rewrite | [`pain_21_a_server_that_rewrites_is_not_written_again`], B `pain_21_…`, G `pain_21_…` |
//! | 22 removal and creation instead of an edit | E `pain_22_an_edit_is_an_edit_and_not_a_removal_and_a_creation` |
//! | 23 optimistic locks | C and G `pain_23_…` |
//! | 24 the token dies every seven days | G `pain_24_a_token_that_dies_after_seven_days_says_why`; that a new sign-in resumes: `errors` |
//! | 25 push is unreliable | [`pain_25_a_hook_only_shortens_the_wait`] |

mod both_ways;
mod stages;

use std::collections::BTreeSet;

use jiff::civil::{DateTime, time};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use simulators::caldav::Rewrite;
use simulators::google::{Action, Fault};
use stages::{Scene, ZONE, at, day, object, utc};

use crate::common::event;

#[tokio::test(flavor = "multi_thread")]
async fn pain_03_a_moved_occurrence_leaves_its_old_slot() {
    let first = day(3).at(9, 0, 0, 0);
    let original = first.checked_add(1.day()).unwrap();
    let other_zone = original
        .in_tz(ZONE)
        .unwrap()
        .with_time_zone(jiff::tz::TimeZone::get("America/New_York").unwrap());
    // The same moment in the spellings that clients use.
    let spellings = [
        ("own", at("RECURRENCE-ID", original)),
        ("utc", utc("RECURRENCE-ID", original)),
        (
            "far",
            format!(
                "RECURRENCE-ID;TZID=America/New_York:{}",
                other_zone.strftime("%Y%m%dT%H%M%S")
            ),
        ),
    ];
    let scene = Scene::new(&json!({ "time_zone": ZONE })).await;
    for (name, id) in &spellings {
        let moved = original.checked_add(5.hours()).unwrap();
        let series = object(
            name,
            &[
                &at("DTSTART", first),
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;COUNT=3",
            ],
        );
        let lines = [id.as_str(), &at("DTSTART", moved), "DURATION:PT1H"];
        let other = object(name, &lines);
        scene.put(name, &stages::joined(&series, &other));
    }
    scene.sync().await;
    let starts = |name: &str| -> BTreeSet<String> {
        let agenda = scene.agenda().into_iter();
        let own = agenda.filter(|(_, title)| title == name);
        own.map(|(start, _)| start).collect()
    };
    let wanted: BTreeSet<String> = [
        first,
        original.checked_add(5.hours()).unwrap(),
        first.checked_add(2.days()).unwrap(),
    ]
    .iter()
    .map(|wall| wall.in_tz(ZONE).unwrap().timestamp().to_string())
    .collect();
    for (name, _) in &spellings {
        assert_eq!(starts(name), wanted, "{name}");
    }
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_04_a_cancelled_occurrence_stays_cancelled_however_it_is_spelled() {
    let first = day(3).at(9, 0, 0, 0);
    let second = first.checked_add(1.day()).unwrap();
    let scene = Scene::new(&json!({ "time_zone": ZONE })).await;
    let start = at("DTSTART", first);
    let series = |name: &str, more: &str| {
        let rule = "RRULE:FREQ=DAILY;COUNT=3";
        object(name, &[start.as_str(), "DURATION:PT1H", rule, more])
    };
    scene.put("exdate", &series("exdate", &at("EXDATE", second)));
    scene.put("utc", &series("utc", &utc("EXDATE", second)));
    let cancelled = [
        at("RECURRENCE-ID", second),
        at("DTSTART", second),
        "STATUS:CANCELLED".to_owned(),
    ];
    let cancelled = object("status", &cancelled.each_ref().map(String::as_str));
    scene.put(
        "status",
        &stages::joined(&series("status", "X-A:b"), &cancelled),
    );
    for round in 0..3 {
        scene.sync().await;
        for name in ["exdate", "utc", "status"] {
            let shown = scene
                .agenda()
                .into_iter()
                .filter(|(_, title)| title == name);
            assert_eq!(shown.count(), 2, "{name} in round {round}");
        }
        // Not even when every token is void and everything is read again.
        scene.source.expire_tokens("alice", "work");
        scene.stage.google.expire_sync_tokens();
    }
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_05_this_and_following_eats_nothing() {
    let first = day(3).at(9, 0, 0, 0);
    let scene = Scene::new(&json!({ "time_zone": ZONE })).await;
    let lines = [
        at("DTSTART", first),
        "DURATION:PT1H".to_owned(),
        "RRULE:FREQ=DAILY;COUNT=6".to_owned(),
    ];
    let series = object("walk", &lines.each_ref().map(String::as_str));
    scene.put("walk", &series);
    scene.sync().await;
    // Somebody edits "this and following" of our copy at Google: the master ends, a new series
    // with our tag copied into it goes on.
    scene.this_and_following("walk", first, 3, 3);
    for _ in 0..3 {
        scene.sync().await;
        let starts: BTreeSet<String> = scene.agenda().into_iter().map(|(start, _)| start).collect();
        assert_eq!(starts.len(), 6, "an occurrence was eaten: {starts:?}");
    }
    assert_eq!(
        scene.source.get("alice", "work", "walk.ics").unwrap().ics,
        series
    );
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_06_expired_tokens_lose_no_deletion() {
    let scene = Scene::new(&json!({})).await;
    for number in 0..5 {
        let name = format!("e{number}");
        scene.put(&name, &event(&name, &name, 5 + number));
    }
    scene.sync().await;
    scene.sync().await;
    scene.source.delete("alice", "work", "e1.ics");
    scene.source.expire_tokens("alice", "work");
    scene.stage.google.expire_sync_tokens();
    let run = scene.sync().await;
    assert_eq!(
        (&run["deleted"], &run["inserted"]),
        (&json!(1), &json!(0)),
        "{run:#}"
    );
    assert_eq!(scene.stage.titles(), ["e0", "e2", "e3", "e4"]);
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_08_an_empty_answer_empties_no_calendar() {
    let scene = Scene::new(&json!({})).await;
    for number in 0..20 {
        let name = format!("e{number:02}");
        scene.put(&name, &event(&name, &name, 5 + number));
    }
    scene.sync().await;
    scene.sync().await;
    // The server comes up with an empty disk, and says so with confidence.
    let backup = scene.source.backup();
    let spec = simulators::caldav::CalendarSpec::new("work", "Work");
    scene.source.create_calendar("alice", spec);
    let run = scene.stage.api().sync(&scene.mapping).await;
    assert_eq!(run["deleted"], 0, "{run:#}");
    assert_eq!(scene.stage.titles().len(), 20);
    scene.source.restore(backup);
    scene.sync().await;
    assert_eq!(scene.stage.titles().len(), 20);
    let held = scene.stage.api().get("/held").await;
    assert_eq!(held["held"], json!([]), "nobody is asked any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_12_a_uid_may_come_back_after_its_deletion() {
    let scene = Scene::new(&json!({})).await;
    scene.put("keep", &event("keep", "Keep", 4));
    for forbidden in [false, true] {
        scene.knobs(|knobs| knobs.revive_forbidden = forbidden);
        for round in 0..2 {
            scene.put("tea", &event("tea", &format!("Tea {round}"), 6));
            let mut run = scene.sync().await;
            // A name that is used up costs a run, not the event.
            for _ in 0..round {
                if run["deferred"] != 0 {
                    run = scene.sync().await;
                }
            }
            assert_eq!(
                (&run["deferred"], &run["failed"]),
                (&json!(0), &json!(0)),
                "{run:#}"
            );
            let titles = ["Keep".to_owned(), format!("Tea {round}")];
            assert_eq!(scene.stage.titles(), titles, "forbidden: {forbidden}");
            scene.source.delete("alice", "work", "tea.ics");
            scene.sync().await;
            assert_eq!(scene.stage.titles(), ["Keep"]);
        }
    }
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_15_and_16_guests_mail_nobody_and_refuse_nothing() {
    let scene = Scene::new(&json!({})).await;
    scene.knobs(|knobs| knobs.fail_on_mail = true);
    // What other syncs were refused for, or sent mail for.
    let guests = [
        "ORGANIZER:mailto:boss@example.org\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ada@example.com",
        "ORGANIZER:urn:uuid:0001\r\nATTENDEE:urn:uuid:0002",
        "ORGANIZER:mailto:\r\nATTENDEE;CN=nobody:invalid:nomail",
        "ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:all@example.org",
        "ORGANIZER:mailto:ada@example.com\r\nATTENDEE;RSVP=TRUE:mailto:guest@example.org",
    ];
    for (number, lines) in (0..).zip(guests) {
        let name = format!("g{number}");
        let text = event(&name, &name, 5 + number);
        scene.put(
            &name,
            &text.replace("END:VEVENT", &format!("{lines}\r\nEND:VEVENT")),
        );
    }
    let run = scene.sync().await;
    assert_eq!(
        (&run["inserted"], &run["failed"]),
        (&json!(5), &json!(0)),
        "{run:#}"
    );
    scene.put("g1", &event("g1", "g1, without", 9));
    scene.source.delete("alice", "work", "g2.ics");
    scene.sync().await;
    assert_eq!(scene.stage.titles().len(), 4);
    assert_eq!(scene.stage.google.mail(), []);
    for entry in scene.stage.google.log().iter().filter(|entry| entry.effect) {
        let quiet = ("sendUpdates".to_owned(), "none".to_owned());
        assert!(
            entry.query.contains(&quiet),
            "{} {:?}",
            entry.method,
            entry.query
        );
        let body = entry.body.clone().unwrap_or_default();
        assert!(
            body.get("attendees").is_none() && body.get("organizer").is_none(),
            "{body:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_17_a_day_is_a_day_in_every_zone() {
    let scene = Scene::new(&json!({ "time_zone": "Pacific/Auckland" })).await;
    let date = |days: i64| day(days).strftime("%Y%m%d").to_string();
    let start = format!("DTSTART;VALUE=DATE:{}", date(4));
    let endings = [
        ("one", "X-NO:end".to_owned(), 1),
        ("equal", format!("DTEND;VALUE=DATE:{}", date(4)), 1),
        ("next", format!("DTEND;VALUE=DATE:{}", date(5)), 1),
        ("length", "DURATION:P1D".to_owned(), 1),
        ("three", format!("DTEND;VALUE=DATE:{}", date(7)), 3),
        ("inverted", format!("DTEND;VALUE=DATE:{}", date(3)), 1),
    ];
    for (name, end, _) in &endings {
        scene.put(name, &object(name, &[&start, end]));
    }
    scene.sync().await;
    for zone in ["America/Los_Angeles", "Asia/Kathmandu", "Europe/Berlin"] {
        for (name, _, days) in &endings {
            let copy = scene.copy(name);
            let wanted = (day(4).to_string(), day(4 + days).to_string());
            let found = (&copy["start"]["date"], &copy["end"]["date"]);
            assert_eq!(found, (&json!(wanted.0), &json!(wanted.1)), "{name}");
        }
        // Another zone moves no day, and writes nothing.
        scene.stage.google.clear_log();
        let change = json!({ "id": scene.mapping, "time_zone": zone });
        scene.stage.api().post_for(200, "/mappings", &change).await;
        scene.sync().await;
        assert_eq!(scene.stage.google.counts().writes_total(), 0, "{zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_18_events_without_length_arrive_and_are_quiet() {
    let scene = Scene::new(&json!({ "time_zone": ZONE })).await;
    let nine = day(3).at(9, 0, 0, 0);
    let eight = nine.checked_sub(1.hour()).unwrap();
    for (name, end) in [
        ("equal", at("DTEND", nine)),
        ("none", "X-NO:end".to_owned()),
        ("inverted", at("DTEND", eight)),
        ("zero", "DURATION:PT0S".to_owned()),
        ("minus", "DURATION:-PT1H".to_owned()),
    ] {
        scene.put(name, &object(name, &[&at("DTSTART", nine), &end]));
    }
    let run = scene.sync().await;
    assert_eq!(
        (&run["inserted"], &run["failed"]),
        (&json!(5), &json!(0)),
        "{run:#}"
    );
    for entry in scene.stage.google.log() {
        assert!(entry.status < 400, "Google refused: {entry:#?}");
    }
    for _ in 0..2 {
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_19_nine_o_clock_stays_nine_o_clock() {
    let window = json!({ "past_days": 0, "future_days": 300 });
    let scene = Scene::new(&json!({ "time_zone": "UTC", "window": window })).await;
    let nine = day(3).at(9, 0, 0, 0);
    let stamp = nine.strftime("%Y%m%dT%H%M%S");
    // Forty weeks cross a change of the clocks, whatever the day this runs.
    let rule = "RRULE:FREQ=WEEKLY;COUNT=40";
    for (name, zone) in [
        ("iana", "Europe/Berlin"),
        ("windows", "W. Europe Standard Time"),
        ("prefixed", "/mozilla.org/20050126_1/Europe/Berlin"),
        ("described", "Customized Time Zone"),
    ] {
        let start = format!("DTSTART;TZID={zone}:{stamp}");
        let text = object(name, &[&start, "DURATION:PT1H", rule]);
        let described = stages::berlin_as("Customized Time Zone");
        let text = match name {
            "described" => text.replace("BEGIN:VEVENT", &format!("{described}BEGIN:VEVENT")),
            _ => text,
        };
        scene.put(name, &text);
    }
    scene.sync().await;
    for name in ["iana", "windows", "prefixed", "described"] {
        let agenda = scene
            .agenda()
            .into_iter()
            .filter(|(_, title)| title == name);
        let mut count = 0;
        for (start, _) in agenda {
            let shown: Timestamp = start.parse().unwrap();
            let there: DateTime = shown.in_tz(ZONE).unwrap().datetime();
            assert_eq!(there.time(), time(9, 0, 0, 0), "{name}: {start}");
            count += 1;
        }
        assert_eq!(count, 40, "{name}");
        assert_ne!(scene.copy(name)["start"]["timeZone"], Value::Null, "{name}");
    }
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_20_floating_times_stand_for_the_mapping_s_zone() {
    let zone = "America/New_York";
    let scene = Scene::new(&json!({ "time_zone": zone })).await;
    let nine = day(3).at(9, 0, 0, 0);
    let start = format!("DTSTART:{}", nine.strftime("%Y%m%dT%H%M%S"));
    let text = object("float", &[&start, "DURATION:PT1H"]);
    scene.put("float", &text);
    scene.sync().await;
    let shown = scene.copy("float")["start"]["dateTime"]
        .as_str()
        .unwrap()
        .parse::<Timestamp>();
    assert_eq!(shown.unwrap().in_tz(zone).unwrap().datetime(), nine);
    // Wherever that is: the source stays as it floats.
    let change = json!({ "id": scene.mapping, "time_zone": ZONE });
    scene.stage.api().post_for(200, "/mappings", &change).await;
    scene.sync().await;
    let shown = scene.copy("float")["start"]["dateTime"]
        .as_str()
        .unwrap()
        .parse::<Timestamp>();
    assert_eq!(shown.unwrap().in_tz(ZONE).unwrap().datetime(), nine);
    assert_eq!(
        scene.source.get("alice", "work", "float.ics").unwrap().ics,
        text
    );
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_21_a_server_that_rewrites_is_not_written_again() {
    let scene = Scene::new(&json!({})).await;
    scene.source.update_quirks(|quirks| {
        quirks.rewrites = vec![
            Rewrite::Reorder,
            Rewrite::AddTimezone,
            Rewrite::Prodid,
            Rewrite::LineEndings,
        ];
        quirks.etag_changes_on_identical_put = true;
    });
    scene.knobs(|knobs| {
        knobs.rewrite_rrule = true;
        knobs.noop_moves_etag = true;
        knobs.touch_exceptions = true;
    });
    let emoji = event("emoji", "Tea 🍵 at the café", 6);
    scene.put("emoji", &emoji);
    let start = at("DTSTART", day(3).at(9, 0, 0, 0));
    let rule = "RRULE:BYDAY=FR,MO;WKST=MO;COUNT=8;FREQ=WEEKLY;INTERVAL=1";
    let start = [
        start.as_str(),
        "DURATION:PT1H",
        rule,
        "DESCRIPTION:a\\, b\\nc  ",
    ];
    scene.put("rule", &object("rule", &start));
    scene.sync().await;
    scene.sync().await;
    for _ in 0..3 {
        // Another device stores the same again, so the ETag moves and nothing else.
        scene.put(
            "emoji",
            &emoji.replace("DTSTAMP:20261101", "DTSTAMP:20261102"),
        );
        scene.source.expire_tokens("alice", "work");
        scene.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pain_25_a_hook_only_shortens_the_wait() {
    let scene = Scene::new(&json!({})).await;
    scene.put("a", &event("a", "A", 4));
    scene.sync().await;
    scene.put("b", &event("b", "B", 5));
    // Long enough a run for all of them to come during it.
    let hold = Fault::after("events.list", Action::Hold { ms: 400 });
    scene.stage.google.fault(hold.times(0));
    // A foreign webhook, with whatever body, twenty times at once; some of it is lost, some repeated.
    let path = format!("/sync?mapping_id={}&wait=true", scene.mapping);
    let hooks = (0..20).map(|number| {
        let (api, path) = (scene.stage.api(), path.clone());
        tokio::spawn(async move {
            let body = json!({ "resourceState": "exists", "number": number });
            api.post(&path, &body).await
        })
    });
    let hooks: Vec<_> = hooks.collect();
    let mut runs = BTreeSet::new();
    for hook in hooks {
        let (status, answer) = hook.await.unwrap();
        assert_eq!(status, 200, "{answer:#}");
        runs.insert(answer["runs"][0]["id"].to_string());
    }
    assert!(runs.len() <= 2, "{runs:?}");
    assert_eq!(scene.stage.titles(), ["A", "B"]);
    // Nothing depends on a channel that could die unseen, and the next round is always planned.
    assert_eq!(scene.stage.google.counts().requests_of("events.watch"), 0);
    let status = scene.stage.api().get("/status").await;
    let next: Timestamp = status["scheduler"]["next_run"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(next > Timestamp::now(), "{status:#}");
}
