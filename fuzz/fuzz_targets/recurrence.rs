#![no_main]
//! RRULE text of strangers: reading it, writing it again, and expanding it within limits.
//!
//! The first byte chooses a start; the lines after it are rules, EXRULEs when they begin with
//! `!`. What must hold for any of them is said at each assertion.

use libfuzzer_sys::fuzz_target;
use sync_engine::model::time::{Date, LocalTime, Timestamp, When, Zone, ZoneName};
use sync_engine::recurrence::{
    Cut, Limits, Occurrences, Recurrence, Rule, occurrences, occurrences_between, original_start,
    recurrence_id_in,
};

/// Few enough for many tries a second, enough to leave the first period of most rules.
const LIMITS: Limits = Limits {
    occurrences: 200,
    iterations: 5_000,
};

/// From quiet zones to those where a wall time is missing, doubled, or half an hour off.
const STARTS: &[(i16, i8, i8, i8, i8, Option<&str>)] = &[
    (2026, 1, 5, 10, 0, Some("UTC")),
    (2026, 3, 29, 2, 30, Some("Europe/Berlin")),
    (2026, 10, 25, 2, 30, Some("Europe/Berlin")),
    (2026, 4, 5, 1, 45, Some("Australia/Lord_Howe")),
    (2011, 12, 29, 9, 0, Some("Pacific/Apia")),
    (2024, 2, 29, 23, 59, Some("America/New_York")),
    (1970, 1, 31, 0, 0, None),
    (9999, 12, 30, 22, 0, Some("Asia/Kolkata")),
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let mut recurrence = Recurrence::default();
    for line in text.lines().take(4) {
        let (excluded, rule) = match line.strip_prefix('!') {
            Some(rule) => (true, rule),
            None => (false, line),
        };
        let Ok(rule) = Rule::parse(rule) else {
            continue;
        };
        let printed = rule.to_string();
        assert_eq!(
            Rule::parse(&printed).as_ref(),
            Ok(&rule),
            "what is written is read as the same: {printed}"
        );
        if excluded {
            recurrence.exclusion_rules.push(rule);
        } else {
            recurrence.rules.push(rule);
        }
    }
    if !recurrence.is_empty() {
        expand(&start(*choice), &recurrence);
    }
});

/// A start by number: each of [`STARTS`] as a time, and as a day.
fn start(choice: u8) -> When {
    let choice = usize::from(choice);
    let (year, month, day, hour, minute, zone) = STARTS[choice % STARTS.len()];
    let date = Date::new(year, month, day).expect("a day");
    if (choice / STARTS.len()) % 2 == 1 {
        return When::all_day(date, None);
    }
    let zone = zone.map_or(Zone::Floating, |name| {
        Zone::Named(ZoneName::new(name).expect("a zone"))
    });
    When::timed(LocalTime::new(date.at(hour, minute, 0, 0), zone), None)
}

fn expand(start: &When, recurrence: &Recurrence) {
    let floating = ZoneName::new("Europe/Paris").expect("a zone");
    let all = occurrences(start, recurrence, &floating, &LIMITS);
    let at = moments(&all, &floating);
    assert!(at.len() <= LIMITS.occurrences, "the limit holds");
    assert!(
        at.windows(2).all(|pair| pair[0] < pair[1]),
        "in order, and no moment twice"
    );

    for occurrence in &all.items {
        let written = original_start(start, occurrence.id, &floating);
        assert_eq!(
            recurrence_id_in(start, &written, &floating),
            occurrence.id,
            "an id survives being written: {written:?}"
        );
    }

    let normal = recurrence.normalized(start);
    assert_eq!(normal, normal.normalized(start), "normal is normal");
    let of_normal = occurrences(start, &normal, &floating, &LIMITS);
    if all.cut == Cut::No && of_normal.cut == Cut::No {
        assert_eq!(
            at,
            moments(&of_normal, &floating),
            "the normal form means the same"
        );
    }

    // A window that begins at the third occurrence and ends before the tenth.
    if let (Cut::No, Some(from), Some(until)) = (all.cut, at.get(2), at.get(9)) {
        let part = occurrences_between(start, recurrence, &floating, (*from, *until), &LIMITS);
        if part.cut == Cut::No {
            let inside: Vec<_> = all
                .items
                .iter()
                .filter(|it| {
                    let (start, end) = it.when.instants(&floating);
                    start < *until && (start >= *from || end > *from)
                })
                .collect();
            assert_eq!(
                part.items.iter().collect::<Vec<_>>(),
                inside,
                "a window shows what the whole shows there"
            );
        }
    }
}

fn moments(found: &Occurrences, floating: &ZoneName) -> Vec<Timestamp> {
    found
        .items
        .iter()
        .map(|it| it.when.instants(floating).0)
        .collect()
}
