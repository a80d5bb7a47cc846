//! What holds for any rule.

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, ToSpan as _};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sync_engine::model::series::{Fields, Series};
use sync_engine::model::time::{LocalTime, Timestamp, When, Zone, ZoneName};
use sync_engine::recurrence::{
    Cut, Day, Freq, Limits, OriginalStart, Recurrence, Rule, RuleEnd, Until, first_start_after,
    generates_start, inherited_when, occurrences, occurrences_between, original_start,
    recurrence_id_in, span, touches,
};

const DAYS: [Day; 7] = [
    Day::Monday,
    Day::Tuesday,
    Day::Wednesday,
    Day::Thursday,
    Day::Friday,
    Day::Saturday,
    Day::Sunday,
];
const FREQS: [Freq; 7] = [
    Freq::Secondly,
    Freq::Minutely,
    Freq::Hourly,
    Freq::Daily,
    Freq::Weekly,
    Freq::Monthly,
    Freq::Yearly,
];

/// Up to `most` values out of a range, sorted, without 0.
fn some(from: i16, to: i16, most: usize) -> impl Strategy<Value = Vec<i16>> {
    let all: Vec<i16> = (from..=to).filter(|n| from >= 0 || *n != 0).collect();
    prop_oneof![3 => Just(Vec::new()), 1 => subsequence(all, 0..=most)]
}

fn small<T: TryFrom<i16>>(values: Vec<i16>) -> Vec<T> {
    values
        .into_iter()
        .filter_map(|value| T::try_from(value).ok())
        .collect()
}

fn walls() -> impl Strategy<Value = DateTime> {
    // Two years, so that every clock change of the zones below is met.
    (0..731_i64, 0..96_i64).prop_map(|(days, quarters)| {
        date(2025, 6, 1)
            .at(0, 0, 0, 0)
            .checked_add(days.days().minutes(quarters * 15))
            .expect("in range")
    })
}

fn ends() -> impl Strategy<Value = RuleEnd> {
    prop_oneof![
        Just(RuleEnd::Never),
        (1..500_u32).prop_map(RuleEnd::Count),
        walls().prop_map(|wall| RuleEnd::Until(Until::Date(wall.date()))),
        walls().prop_map(|wall| RuleEnd::Until(Until::Local(wall))),
        walls().prop_map(|wall| {
            let at = jiff::tz::TimeZone::UTC
                .to_timestamp(wall)
                .expect("in range");
            RuleEnd::Until(Until::Utc(at))
        }),
    ]
}

fn rules() -> impl Strategy<Value = Rule> {
    let times = (some(0, 60, 3), some(0, 59, 3), some(0, 23, 4));
    let days = (
        some(-31, 31, 6),
        some(-366, 366, 6),
        some(-53, 53, 4),
        some(1, 12, 4),
    );
    let weekdays = prop_oneof![
        2 => Just(Vec::new()),
        2 => subsequence(DAYS.to_vec(), 1..=5)
            .prop_map(|days| days.into_iter().map(|day| (0, day)).collect()),
        1 => prop::collection::btree_set((-5..=5_i16, select(&DAYS[..])), 1..4)
            .prop_map(|days| days.into_iter().collect::<Vec<_>>()),
    ];
    (
        (select(&FREQS[..]), prop_oneof![Just(1), 1..50_u32], ends()),
        times,
        days,
        weekdays,
        some(-10, 10, 3),
        select(&DAYS[..]),
    )
        .prop_map(
            |((freq, interval, end), times, days, by_day, by_set_pos, week_start)| Rule {
                freq,
                interval,
                end,
                by_second: small(times.0),
                by_minute: small(times.1),
                by_hour: small(times.2),
                by_day,
                by_month_day: small(days.0),
                by_year_day: days.1,
                by_week_no: small(days.2),
                by_month: small(days.3),
                by_set_pos,
                week_start,
                other: Vec::new(),
            },
        )
}

fn zones() -> impl Strategy<Value = Zone> {
    let named = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Africa/Casablanca",
        "Asia/Kolkata",
    ];
    let named: Vec<Zone> = named
        .iter()
        .map(|name| Zone::Named(ZoneName::new(name).expect("known")))
        .chain([Zone::Floating])
        .collect();
    select(named)
}

fn starts() -> impl Strategy<Value = When> {
    prop_oneof![
        3 => (walls(), zones(), 0..40_i64).prop_map(|(wall, zone, hours)| {
            let end = wall.checked_add(hours.hours()).expect("in range");
            When::timed(
                LocalTime::new(wall, zone.clone()),
                Some(LocalTime::new(end, zone)),
            )
        }),
        1 => (walls(), 1..4_i64).prop_map(|(wall, days)| {
            let date = wall.date();
            When::all_day(date, date.checked_add(days.days()).ok())
        }),
    ]
}

fn floating() -> ZoneName {
    ZoneName::new("Europe/London").expect("known")
}

const LIMITS: Limits = Limits {
    occurrences: 300,
    iterations: 8_000,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_printed_is_read_back(rule in rules(), other in "[A-Z][A-Z-]{0,5}", value in "[ -:<-~]{1,9}") {
        prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule.clone()));
        let mut rule = rule;
        rule.other.push((format!("X-{other}"), value.trim().to_owned()));
        if !value.trim().is_empty() {
            prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail(text in ".{0,60}", tail in "[A-Z0-9=;,:+TZ-]{0,40}") {
        for text in [text, format!("FREQ=DAILY;{tail}")] {
            if let Ok(rule) = Rule::parse(&text) {
                prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
            }
        }
    }

    #[test]
    fn normal_form_is_stable_and_changes_no_occurrence(start in starts(), rule in rules()) {
        let written = Recurrence::of(rule);
        let normal = written.normalized(&start);
        prop_assert_eq!(&normal.normalized(&start), &normal);
        let before = occurrences(&start, &written, &floating(), &LIMITS);
        let after = occurrences(&start, &normal, &floating(), &LIMITS);
        // Steps may run out at different places only if WKST moved the weeks that are looked at.
        let both = before.items.len().min(after.items.len());
        prop_assert_eq!(&before.items[..both], &after.items[..both]);
        if before.cut == after.cut {
            prop_assert_eq!(before.cut == Cut::Iterations || before.items == after.items, true);
        }
    }

    #[test]
    fn occurrences_come_in_order_and_once(
        start in starts(),
        first in rules(),
        second in rules(),
        without in prop::option::of(rules()),
    ) {
        let recurrence = Recurrence {
            rules: vec![first, second],
            exclusion_rules: without.into_iter().collect(),
            ..Recurrence::default()
        };
        let found = occurrences(&start, &recurrence, &floating(), &LIMITS);
        let instants: Vec<_> = found.items.iter().map(|item| item.when.instants(&floating())).collect();
        for pair in instants.windows(2) {
            prop_assert!(pair[0].0 < pair[1].0, "{:?} then {:?}", pair[0], pair[1]);
        }
        let mut ids: Vec<_> = found.items.iter().map(|item| item.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), found.items.len(), "an id stands twice");
        if !matches!(start.zone(), Some(Zone::Floating)) {
            for (start, end) in instants {
                prop_assert!(start <= end);
            }
        }
    }

    #[test]
    fn a_window_shows_what_all_shows_in_it(
        start in starts(),
        rule in rules(),
        after in 0..9_000_i64,
        length in 1..3_000_i64,
    ) {
        let recurrence = Recurrence::of(rule);
        let from = start.instants(&floating()).0 + SignedDuration::from_hours(after);
        let window = (from, from + SignedDuration::from_hours(length));
        let limits = Limits { occurrences: 3_000, iterations: 60_000 };
        let all = occurrences(&start, &recurrence, &floating(), &limits);
        let here = occurrences_between(&start, &recurrence, &floating(), window, &limits);
        let in_window = |when: &When| {
            let (start, end) = when.instants(&floating());
            start < window.1 && (start >= window.0 || end > window.0)
        };
        let last = all.items.last().map(|item| item.when.instants(&floating()).0);
        let reaches = all.cut == Cut::No || last.is_some_and(|last| last >= window.1);
        if reaches && here.cut != Cut::Iterations {
            let expected: Vec<_> = all.items.iter().filter(|item| in_window(&item.when)).collect();
            prop_assert_eq!(here.items.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn the_questions_agree_with_the_list(start in starts(), rule in rules(), after in 0..2_000_i64) {
        let recurrence = Recurrence::of(rule);
        let found = occurrences(&start, &recurrence, &floating(), &Limits { iterations: 50_000, ..LIMITS });
        let mut master = Fields::new("x", start.clone());
        master.recurrence = Some(recurrence.clone());
        for item in &found.items {
            prop_assert_eq!(original_id(&start, item.id), item.id);
            if !matches!(start.zone(), Some(Zone::Floating)) {
                prop_assert_eq!(&inherited_when(&master, item.id), &item.when);
            }
        }
        let series = Series::single(master);
        let at = start.instants(&floating()).0 + SignedDuration::from_hours(after);
        let next = found.items.iter().map(|item| item.when.instants(&floating()).0).find(|start| *start > at);
        if let Some(next) = next {
            prop_assert_eq!(first_start_after(&series, at, &floating()), Some(next));
            prop_assert!(touches(&series, (next, next + SignedDuration::from_secs(1)), &floating()));
        } else if found.cut == Cut::No {
            prop_assert_eq!(first_start_after(&series, at, &floating()), None);
        }
        let span = span(&series, &floating());
        for item in &found.items {
            let (from, to) = item.when.instants(&floating());
            prop_assert!(span.start <= from);
            prop_assert!(span.end.is_none_or(|end| to <= end), "{to} after {:?}", span.end);
        }
    }

    #[test]
    fn a_start_its_rule_gives_is_its_first(start in starts(), mut rule in rules()) {
        rule.end = RuleEnd::Never;
        rule.by_set_pos.clear();
        let gives = generates_start(&start, &Recurrence::of(rule.clone()));
        // Only an excluded start tells from the outside: the EXRULE takes exactly what it gives.
        let without = Recurrence {
            exclusion_rules: vec![rule],
            ..Recurrence::default()
        };
        let left = occurrences(&start, &without, &floating(), &LIMITS);
        if left.cut == Cut::No {
            prop_assert_eq!(left.items.is_empty(), gives);
        }
    }
}

/// The id that comes back when an id is written and read.
fn original_id(
    start: &When,
    id: sync_engine::model::series::RecurrenceId,
) -> sync_engine::model::series::RecurrenceId {
    let written: OriginalStart = original_start(start, id, &floating());
    recurrence_id_in(start, &written, &floating())
}

#[test]
fn instants_beyond_the_calendar_are_no_panic() {
    let zone = Zone::Named(ZoneName::new("Pacific/Kiritimati").expect("known"));
    for wall in [
        date(9999, 12, 31).at(23, 0, 0, 0),
        date(1, 1, 1).at(0, 0, 0, 0),
    ] {
        let start = When::timed(LocalTime::new(wall, zone.clone()), None);
        for freq in FREQS {
            let found = occurrences(
                &start,
                &Recurrence::of(Rule::new(freq)),
                &floating(),
                &LIMITS,
            );
            assert!(!found.items.is_empty());
            let window = (Timestamp::MIN, Timestamp::MAX);
            occurrences_between(
                &start,
                &Recurrence::of(Rule::new(freq)),
                &floating(),
                window,
                &LIMITS,
            );
        }
    }
}
