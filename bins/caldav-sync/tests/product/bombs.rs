//! Objects made to hurt, among a thousand that are not: each ends with a reason or crosses as it is,
//! and all others arrive.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulators::caldav::{CaldavSim, CaldavSimConfig};
use testkit::scripted::{ScriptedServer, gzip_bomb, memory};

use crate::common::{Stage, event};

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is set aside, with its reason.
    Refused,
    /// It crosses.
    Crosses,
    /// It takes place nowhere in the window, or nowhere at all.
    Nowhere,
}
use Fate::{Crosses, Nowhere, Refused};

/// `20261201T090000Z`, so many days from now.
fn day(days: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_hours(24 * days);
    at.strftime("%Y%m%dT090000Z").to_string()
}

fn days(count: i64) -> String {
    (1..=count).map(day).collect::<Vec<_>>().join(",")
}

/// An event tomorrow with these lines.
fn tomorrow(uid: &str, lines: &str) -> String {
    starting(uid, &format!("DTSTART:{}", day(1)), lines)
}

fn starting(uid: &str, start: &str, lines: &str) -> String {
    object(uid, &format!("{start}\r\n{lines}"))
}

fn object(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bomb//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n\
         DTSTAMP:20261101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn with_zone(uid: &str, observances: &str) -> String {
    let start = day(1).trim_end_matches('Z').to_owned();
    let zone = format!("BEGIN:VTIMEZONE\r\nTZID:Odd\r\n{observances}END:VTIMEZONE\r\nBEGIN:VEVENT");
    starting(
        uid,
        &format!("DTSTART;TZID=Odd:{start}"),
        "RRULE:FREQ=DAILY;COUNT=3",
    )
    .replacen("BEGIN:VEVENT", &zone, 1)
}

fn observance(rule: &str) -> String {
    format!(
        "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
         {rule}\r\nEND:STANDARD\r\n"
    )
}

/// About forty of them.
fn bombs() -> Vec<(&'static str, Fate, String)> {
    let rule = |uid: &'static str, fate: Fate, rule: &str| {
        (
            uid,
            fate,
            tomorrow(uid, &format!("SUMMARY:{uid}\r\nRRULE:{rule}")),
        )
    };
    let lines = |uid: &'static str, fate: Fate, lines: String| {
        (
            uid,
            fate,
            tomorrow(uid, &format!("SUMMARY:{uid}\r\n{lines}")),
        )
    };
    let overrides = |uid: &str, range: &str, count: i64| {
        let mut text = tomorrow(uid, "RRULE:FREQ=DAILY").replace("END:VCALENDAR\r\n", "");
        for n in 1..=count {
            let at = day(n);
            write!(
                text,
                "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID{range}:{at}\r\n\
                 DTSTART:{at}\r\nSUMMARY:{uid} {n}\r\nEND:VEVENT\r\n"
            )
            .unwrap();
        }
        text + "END:VCALENDAR\r\n"
    };
    let full = |from: i32, to: i32| {
        let all: Vec<String> = (from..=to)
            .filter(|n| *n != 0)
            .map(|n| n.to_string())
            .collect();
        all.join(",")
    };
    let mut guests = String::new();
    for n in 0..20_000 {
        write!(guests, "ATTENDEE;CN=G{n}:mailto:g{n}@example.com\r\n").unwrap();
    }
    let long = "x".repeat(1_000_000);
    vec![
        rule(
            "every-second-a-billion-times",
            Refused,
            "FREQ=SECONDLY;COUNT=1000000000",
        ),
        rule("every-second", Refused, "FREQ=SECONDLY"),
        rule(
            "every-minute",
            Refused,
            "FREQ=MINUTELY;UNTIL=99991231T235959Z",
        ),
        rule("every-hour", Refused, "FREQ=HOURLY"),
        rule(
            "to-the-end-of-time",
            Crosses,
            "FREQ=DAILY;UNTIL=99991231T235959Z",
        ),
        rule(
            "the-30th-of-february",
            Refused,
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        ),
        rule(
            "never-by-day",
            Refused,
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        ),
        rule(
            "never-by-second",
            Refused,
            "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        ),
        rule(
            "never-by-position",
            Refused,
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
        ),
        rule(
            "every-4294967295-days",
            Refused,
            "FREQ=DAILY;INTERVAL=4294967295",
        ),
        rule("every-0-days", Refused, "FREQ=DAILY;INTERVAL=0"),
        rule("no-times", Refused, "FREQ=DAILY;COUNT=0"),
        rule(
            "more-times-than-numbers",
            Refused,
            "FREQ=DAILY;COUNT=99999999999999999999",
        ),
        rule(
            "every-list-full",
            Refused,
            &format!(
                "FREQ=SECONDLY;BYSECOND={};BYMINUTE={};BYHOUR={};BYMONTHDAY={};BYYEARDAY={}",
                full(1, 59),
                full(1, 59),
                full(1, 23),
                full(-31, 31),
                full(-366, 366)
            ),
        ),
        rule(
            "a-long-list",
            Refused,
            &format!("FREQ=DAILY;BYHOUR={}1", "1,".repeat(200_000)),
        ),
        lines(
            "cancelled-by-a-rule",
            Refused,
            "RRULE:FREQ=DAILY\r\nEXRULE:FREQ=DAILY".to_owned(),
        ),
        lines(
            "cancelled-by-seconds",
            Refused,
            "RRULE:FREQ=SECONDLY\r\nEXRULE:FREQ=SECONDLY".to_owned(),
        ),
        lines(
            "a-thousand-rules",
            Refused,
            "RRULE:FREQ=SECONDLY\r\n".repeat(1000),
        ),
        lines(
            "a-thousand-rules-for-nothing",
            Refused,
            "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\n".repeat(1000),
        ),
        lines(
            "nine-thousand-holes",
            Nowhere,
            format!("RRULE:FREQ=DAILY\r\nEXDATE:{}", days(9000)),
        ),
        lines(
            "eleven-thousand-holes",
            Refused,
            format!("RRULE:FREQ=DAILY\r\nEXDATE:{}", days(11_000)),
        ),
        lines(
            "nine-thousand-dates",
            Crosses,
            format!("RDATE:{}", days(9000)),
        ),
        lines(
            "three-thousand-periods",
            Crosses,
            format!(
                "RDATE;VALUE=PERIOD:{}",
                (1..3000)
                    .map(|n| format!("{}/PT9H", day(n)))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        ),
        (
            "three-thousand-overrides",
            Refused,
            overrides("three-thousand-overrides", "", 3000),
        ),
        (
            "five-hundred-futures",
            Crosses,
            overrides("five-hundred-futures", ";RANGE=THISANDFUTURE", 500),
        ),
        lines("twenty-thousand-guests", Crosses, guests),
        lines(
            "nine-thousand-alarms",
            Crosses,
            "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nACTION:AUDIO\r\nEND:VALARM\r\n".repeat(9000),
        ),
        lines("deep", Refused, "BEGIN:A\r\n".repeat(100_000)),
        lines("wide", Refused, "BEGIN:A\r\nEND:A\r\n".repeat(30_000)),
        lines("many-lines", Refused, "X:1\r\n".repeat(300_000)),
        lines(
            "folded",
            Crosses,
            format!("X-LONG:a{}b", "\r\n ".repeat(300_000)),
        ),
        lines(
            "parameters",
            Crosses,
            format!("X-P{}:1", ";A=1,2,\"3\"".repeat(100_000)),
        ),
        lines(
            "quotes",
            Crosses,
            format!("X-Q{}:1", ";A=\"".repeat(100_000)),
        ),
        lines(
            "carets",
            Crosses,
            format!("X-C;A={}:1", "^".repeat(500_000)),
        ),
        (
            "a-long-title",
            Crosses,
            tomorrow("a-long-title", &format!("SUMMARY:a-long-title {long}")),
        ),
        (
            "a-long-uid",
            Refused,
            tomorrow(&"u".repeat(1_000_000), "SUMMARY:a-long-uid"),
        ),
        lines("a-long-place", Crosses, format!("LOCATION:{long}")),
        lines(
            "eleven-megabytes",
            Refused,
            format!("DESCRIPTION:{}", "y".repeat(11_000_000)),
        ),
        lines(
            "backslashes",
            Crosses,
            format!("DESCRIPTION:{}", "\\".repeat(1_000_000)),
        ),
        lines(
            "for-ever",
            Refused,
            "DURATION:P99999999999999999999W".to_owned(),
        ),
        (
            "before-time",
            Refused,
            starting(
                "before-time",
                "DTSTART:00000000T000000Z",
                "SUMMARY:before-time",
            ),
        ),
        (
            "the-year-1",
            Nowhere,
            starting(
                "the-year-1",
                "DTSTART:00010101T000000Z",
                "SUMMARY:the-year-1",
            ),
        ),
        (
            "the-last-second",
            Nowhere,
            starting(
                "the-last-second",
                "DTSTART:99991231T235959Z",
                "SUMMARY:last\r\nRRULE:FREQ=SECONDLY",
            ),
        ),
        (
            "a-zone-by-the-second",
            Crosses,
            with_zone("a-zone-by-the-second", &observance("RRULE:FREQ=SECONDLY")),
        ),
        (
            "a-zone-of-dates",
            Crosses,
            with_zone(
                "a-zone-of-dates",
                &observance(&format!("RDATE:{}", days(20_000))),
            ),
        ),
        (
            "a-zone-of-many",
            Crosses,
            with_zone(
                "a-zone-of-many",
                &observance("RRULE:FREQ=YEARLY;BYMONTH=1,2,3;BYDAY=MO,TU").repeat(500),
            ),
        ),
        (
            "a-zone-with-a-long-name",
            Refused,
            starting(
                "a-zone-with-a-long-name",
                &format!("DTSTART;TZID={}:20261201T090000", "z".repeat(500_000)),
                "SUMMARY:zone",
            ),
        ),
        lines(
            "a-control-character",
            Crosses,
            "DESCRIPTION:a\u{0}b\u{1}c".to_owned(),
        ),
        (
            "cut-off",
            Refused,
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:cut-off\r\n".to_owned(),
        ),
        (
            "no-calendar",
            Refused,
            "<html><body>Sign in</body></html>".to_owned(),
        ),
    ]
}

const GOOD: usize = 999;

#[tokio::test(flavor = "multi_thread")]
async fn each_bomb_is_dealt_with_and_999_good_neighbours_arrive() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    for n in 0..GOOD {
        let uid = format!("good-{n:03}");
        let text = event(&uid, &uid, 24 + i64::try_from(n % 500).unwrap());
        source.put("alice", "work", &format!("{uid}.ics"), &text);
    }
    let bombs = bombs();
    for (uid, _, text) in &bombs {
        source.put("alice", "work", &format!("{uid}.ics"), text);
    }
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    // The run that a new mapping begins by itself, or the one after it; the program answers meanwhile.
    let syncing = async {
        loop {
            let run = api.sync(&mapping).await;
            if run["inserted"] == 0 && run["failed"] == 0 {
                return run;
            }
        }
    };
    let asking = async {
        loop {
            api.get("/status").await;
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    let last = tokio::select! {
        run = syncing => run,
        () = asking => unreachable!(),
    };
    // What was refused once is told once and not tried on and on.
    assert_eq!(last["status"], "success", "{last:#}");
    let runs = api.get("/runs").await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut inserted: Vec<String> = Vec::new();
    for run in runs["runs"].as_array().unwrap() {
        let run = api
            .get(&format!("/runs/{}", run["id"].as_str().unwrap()))
            .await;
        assert_eq!(run["error"], Value::Null, "{run:#}");
        for event in run["events"].as_array().unwrap() {
            let uid = event["uid"].as_str().unwrap();
            let uid = uid
                .rsplit('/')
                .next()
                .unwrap()
                .trim_end_matches(".ics")
                .to_owned();
            match event["error"]["detail"].as_str() {
                Some(detail) => told.entry(uid).or_default().push(detail.to_owned()),
                None => inserted.push(uid),
            }
        }
    }
    let good = stage
        .titles()
        .iter()
        .filter(|title| title.starts_with("good-"))
        .count();
    assert_eq!(good, GOOD);
    let mut wrong = Vec::new();
    for (uid, fate, _) in &bombs {
        let refused = told.get(*uid);
        let crossed = inserted.iter().any(|found| found == uid);
        let found = match (refused, crossed) {
            (Some(_), _) => Refused,
            (None, true) => Crosses,
            (None, false) => Nowhere,
        };
        if found != *fate {
            wrong.push(format!("{uid}: {found:?} {refused:?}"));
        }
        for detail in refused.into_iter().flatten() {
            assert!(detail.len() < 1000, "{uid}: {detail}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // It is told as long as it is so.
    let status = api.get("/status").await;
    let left = status["mappings"][0]["needs_attention"].as_u64().unwrap();
    let refused = bombs.iter().filter(|(_, fate, _)| *fate == Refused).count();
    assert_eq!(usize::try_from(left).unwrap(), refused, "{status:#}");
    let (most, _) = memory(&stage.program().pid().to_string());
    assert!(most < 600 * 1024, "{} MiB", most / 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_event_is_shown_until_it_is_mended() {
    let source = CaldavSim::start(CaldavSimConfig::default()).unwrap();
    let good = event("good", "Good", 30);
    source.put("alice", "work", "good.ics", &good);
    source.put(
        "alice",
        "work",
        "bad.ics",
        &good
            .replace("good", "bad")
            .replace("DTSTART:2", "DTSTART:X"),
    );
    let stage = Stage::start();
    let mapping = stage.set_up(source.url(), "work").await;
    let api = stage.api();
    let card = async || {
        let (_, page) = api.request(reqwest::Method::GET, "/ui/", None).await;
        page.as_str().unwrap().to_owned()
    };
    let why = format!("/ui/mappings/{mapping}/attention");
    for _ in 0..3 {
        api.sync(&mapping).await;
        let page = card().await;
        assert!(page.contains("1 event needs attention"), "{page}");
        assert!(page.contains(&why), "{page}");
        let (status, list) = api.request(reqwest::Method::GET, &why, None).await;
        assert_eq!(status, 200);
        let list = list.as_str().unwrap();
        assert!(list.contains("bad") && list.contains("since"), "{list}");
    }
    assert_eq!(stage.titles(), ["Good"]);
    source.put(
        "alice",
        "work",
        "bad.ics",
        &good.replace("good", "bad").replace("Good", "Mended"),
    );
    api.sync_well(&mapping).await;
    assert_eq!(stage.titles(), ["Good", "Mended"]);
    assert!(!card().await.contains("attention"));
    let status = api.get("/status").await;
    assert_eq!(status["mappings"][0]["needs_attention"], json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gigabytes_behind_an_address_are_refused_in_bounded_memory() {
    let server = ScriptedServer::start(|_, out| {
        out.write_all(b"HTTP/1.1 207 X\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n")?;
        gzip_bomb(out, 10 * 1024)
    });
    let stage = Stage::start();
    let api = stage.api();
    api.get("/status").await;
    let pid = stage.program().pid().to_string();
    let (_, before) = memory(&pid);
    let account = json!({ "base_url": server.url(), "username": "alice", "password": "alicepw" });
    let problem = api.post_for(422, "/caldav/accounts", &account).await;
    assert_eq!(problem["code"], "caldav_unreachable", "{problem:#}");
    assert!(
        problem["detail"].as_str().unwrap().contains("larger than"),
        "{problem:#}"
    );
    let (peak, _) = memory(&pid);
    let grown = peak.saturating_sub(before) / 1024;
    assert!(grown < 64, "{grown} MiB");
    assert_eq!(api.get("/status").await["status"], "setup");
}
