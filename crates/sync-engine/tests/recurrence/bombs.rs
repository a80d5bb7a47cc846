//! Rules that are written to take for ever. Each ends by itself, soon, and says that it was cut.

use std::time::{Duration, Instant};

use sync_engine::model::time::Timestamp;
use sync_engine::recurrence::{
    Cut, Limits, first_start_after, generates_start, occurrences, series_occurrences, span, touches,
};

use crate::reader::{berlin, series};

/// Events, and whether the default limits are enough to show all of them (`No`) or not.
const BOMBS: &[(&str, Cut)] = &[
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=SECONDLY",
        Cut::Occurrences,
    ),
    (
        "DTSTART:19900101T000000Z~RRULE:FREQ=SECONDLY;COUNT=1000000000",
        Cut::Occurrences,
    ),
    (
        "DTSTART:19900101T000000Z~RRULE:FREQ=DAILY;COUNT=4294967295",
        Cut::Occurrences,
    ),
    (
        "DTSTART:19900101T000000Z~RRULE:FREQ=MINUTELY;UNTIL=99991231T235959Z",
        Cut::Occurrences,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30,31",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART;TZID=Europe/Berlin:20260101T000000~RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000030Z~RRULE:FREQ=SECONDLY;INTERVAL=60;BYSECOND=31",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T003000Z~RRULE:FREQ=MINUTELY;INTERVAL=60;BYMINUTE=31",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=1",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;BYDAY=53MO;BYMONTHDAY=15",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=MONTHLY;BYDAY=53MO",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=DAILY;BYSETPOS=2",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=SECONDLY;BYSETPOS=2",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260201T000000Z~RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=DAILY;INTERVAL=4294967295",
        Cut::No,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=SECONDLY;INTERVAL=4294967295",
        Cut::No,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;INTERVAL=4294967295",
        Cut::No,
    ),
    ("DTSTART:99991231T000000Z~RRULE:FREQ=DAILY", Cut::No),
    (
        "DTSTART:99991230T000000Z~RRULE:FREQ=SECONDLY",
        Cut::Occurrences,
    ),
    ("DTSTART;VALUE=DATE:99991231~RRULE:FREQ=DAILY", Cut::No),
    (
        "DTSTART;VALUE=DATE:00010101~RRULE:FREQ=WEEKLY;WKST=SU",
        Cut::Occurrences,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=DAILY~EXRULE:FREQ=DAILY",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=SECONDLY~EXRULE:FREQ=SECONDLY",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY~EXRULE:FREQ=SECONDLY",
        Cut::Iterations,
    ),
    (
        "DTSTART:20260101T000000Z~RRULE:FREQ=YEARLY;RSCALE=CHINESE",
        Cut::Unsupported,
    ),
    (
        "DTSTART;VALUE=DATE:20260101~RRULE:FREQ=SECONDLY",
        Cut::Unsupported,
    ),
];

/// Every list of every part, full.
fn full_rule(freq: &str) -> String {
    let list = |from: i32, to: i32| {
        let items: Vec<String> = (from..=to)
            .filter(|n| *n != 0)
            .map(|n| n.to_string())
            .collect();
        items.join(",")
    };
    format!(
        "FREQ={freq};BYSECOND={};BYMINUTE={};BYHOUR={};BYMONTHDAY={};BYYEARDAY={};BYMONTH={};BYSETPOS={}",
        list(1, 59),
        list(1, 59),
        list(1, 23),
        list(-31, 31),
        list(-366, 366),
        list(1, 12),
        list(-366, 366)
    )
}

fn all() -> Vec<(String, Option<Cut>)> {
    let mut all: Vec<(String, Option<Cut>)> = BOMBS
        .iter()
        .map(|(event, cut)| ((*event).to_owned(), Some(*cut)))
        .collect();
    for freq in [
        "SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY",
    ] {
        let rule = full_rule(freq);
        all.push((format!("DTSTART:20260101T000000Z~RRULE:{rule}"), None));
        let rule = rule
            .replace(";BYSETPOS", ";X-NOT")
            .replace("BYYEARDAY", "BYDAY=MO;BYYEARDAY");
        let rule = rule.split(";X-NOT").next().unwrap_or_default();
        all.push((format!("DTSTART:20260101T000000Z~RRULE:{rule}"), None));
    }
    let line = "~RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30";
    all.push((
        format!("DTSTART:20260101T000000Z{}", line.repeat(1_000)),
        None,
    ));
    let line = "~RRULE:FREQ=SECONDLY";
    all.push((
        format!("DTSTART:20260101T000000Z{}", line.repeat(1_000)),
        None,
    ));
    all
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is the question"
)]
fn a_hostile_rule_ends_soon_and_says_that_it_was_cut() {
    let window = (
        "2026-06-01T00:00:00Z"
            .parse::<Timestamp>()
            .expect("an instant"),
        "2026-07-01T00:00:00Z"
            .parse::<Timestamp>()
            .expect("an instant"),
    );
    for (event, cut) in all() {
        let series = series(&event);
        let (master, recurrence) = series.recurring_master().expect("it repeats");
        let name: String = event.chars().take(90).collect();
        let ask: &[(&str, &dyn Fn() -> Option<Cut>)] = &[
            ("all", &|| {
                Some(occurrences(&master.when, recurrence, &berlin(), &Limits::default()).cut)
            }),
            ("window", &|| {
                series_occurrences(&series, &berlin(), window, &Limits::default());
                None
            }),
            ("touches", &|| {
                touches(&series, window, &berlin());
                None
            }),
            ("next", &|| {
                first_start_after(&series, window.0, &berlin());
                None
            }),
            ("span", &|| {
                span(&series, &berlin());
                None
            }),
            ("start", &|| {
                generates_start(&master.when, recurrence);
                None
            }),
        ];
        for (question, run) in ask {
            let begun = Instant::now();
            let found = run();
            let took = begun.elapsed();
            assert!(
                took < Duration::from_secs(1),
                "{question}: {took:?} for {name}"
            );
            if let (Some(found), Some(cut)) = (found, cut) {
                assert_eq!(found, cut, "{name}");
            }
        }
    }
}

#[test]
fn steps_are_a_limit_of_their_own() {
    let series = series("DTSTART:20260101T000000Z~RRULE:FREQ=DAILY");
    let (master, recurrence) = series.recurring_master().expect("it repeats");
    let limits = Limits {
        occurrences: 1_000,
        iterations: 100,
    };
    let found = occurrences(&master.when, recurrence, &berlin(), &limits);
    assert_eq!(found.cut, Cut::Iterations);
    assert!(
        (10..100).contains(&found.items.len()),
        "{}",
        found.items.len()
    );
}
