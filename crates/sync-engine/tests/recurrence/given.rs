//! One answer after another about a series: the same as each by itself, in bounded steps.

use jiff::ToSpan as _;
use proptest::prelude::*;
use proptest::sample::select;
use sync_engine::model::RecurrenceId;
use sync_engine::model::series::{Fields, Series};
use sync_engine::model::time::When;
use sync_engine::recurrence::{
    Cut, Given, Limits, OriginalStart, occurrences, occurrences_between, original_start,
};

use crate::reader::{berlin, series};

/// The answer by itself: the rules entered near the occurrence, with all steps for it alone.
fn alone(master: &Fields, id: RecurrenceId) -> bool {
    let floating = berlin();
    let Some(rule) = &master.recurrence else {
        return false;
    };
    let at = match original_start(&master.when, id, &floating) {
        OriginalStart::Date(date) => When::all_day(date, None).instants(&floating).0,
        OriginalStart::At(at) => at.instant(&floating),
    };
    let soon = at + jiff::SignedDuration::from_secs(1);
    let limits = Limits::default();
    let found = occurrences_between(&master.when, rule, &floating, (at, soon), &limits);
    found.cut != Cut::No || found.items.iter().any(|one| one.id == id)
}

const EVENTS: &[&str] = &[
    "DTSTART;TZID=Europe/Berlin:20260301T023000~DURATION:PT1H~RRULE:FREQ=DAILY",
    "DTSTART;TZID=Europe/Berlin:20260301T023000~DURATION:PT1H~RRULE:FREQ=DAILY;COUNT=60",
    "DTSTART;TZID=Europe/Berlin:20261001T023000~DURATION:PT30H~RRULE:FREQ=DAILY;INTERVAL=2;COUNT=40",
    "DTSTART;TZID=Europe/Berlin:20261020T003000~DURATION:PT1H~RRULE:FREQ=HOURLY;COUNT=400",
    "DTSTART;TZID=Europe/Berlin:20260320T003000~DURATION:PT1H~RRULE:FREQ=HOURLY;INTERVAL=2;COUNT=200",
    "DTSTART:20260301T090000Z~RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=30",
    "DTSTART:20260301T090000Z~RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=12",
    "DTSTART:20260301T090000Z~RRULE:FREQ=MONTHLY;BYMONTHDAY=31",
    "DTSTART:20260301T090000Z~RRULE:FREQ=DAILY;UNTIL=20260501T090000Z",
    "DTSTART:20260301T090000Z~RRULE:FREQ=DAILY;COUNT=30~EXRULE:FREQ=WEEKLY;COUNT=3",
    "DTSTART:20260301T090000Z~RRULE:FREQ=DAILY;COUNT=30~EXRULE:FREQ=WEEKLY",
    "DTSTART:20260301T090000Z~RRULE:FREQ=DAILY;COUNT=9~RRULE:FREQ=WEEKLY;COUNT=20",
    "DTSTART:20260301T090000Z~RRULE:FREQ=DAILY;COUNT=9~RDATE:20260601T100000Z",
    "DTSTART:20260301T090000Z~RDATE:20260601T100000Z,20260303T090000Z",
    "DTSTART;VALUE=DATE:20260301~RRULE:FREQ=WEEKLY;COUNT=20",
    "DTSTART;VALUE=DATE:20260301~RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=3",
    "DTSTART:20260301T090000~RRULE:FREQ=DAILY;COUNT=50",
    "DTSTART:20260301T090000Z~RRULE:FREQ=YEARLY;RSCALE=CHINESE",
    "DTSTART:20260301T090000Z~RRULE:FREQ=YEARLY;COUNT=4;RSCALE=CHINESE",
    "DTSTART:20260301T090000Z~RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=4",
    "DTSTART:20260301T090000Z",
];

fn master(series: &Series) -> &Fields {
    series.master.as_ref().expect("a master")
}

/// An occurrence, or a time near one, or any.
fn asked(series: &Series, (which, near, hours): (usize, u8, i64)) -> RecurrenceId {
    let master = master(series);
    let limits = Limits {
        occurrences: 60,
        ..Limits::default()
    };
    let given = master.recurrence.as_ref().map(|rule| {
        let found = occurrences(&master.when, rule, &berlin(), &limits);
        found.items
    });
    let given = given.unwrap_or_default();
    let wall = |id: RecurrenceId| match id {
        RecurrenceId::Date(date) => date.at(0, 0, 0, 0),
        RecurrenceId::Wall(wall) => wall,
    };
    let base = given.get(which % given.len().max(1)).map(|one| one.id);
    let base = base.unwrap_or(RecurrenceId::Date(jiff::civil::date(2026, 3, 5)));
    let moved = match near {
        0 | 1 => wall(base),
        2 => wall(base) + (hours % 30).hours(),
        _ => wall(base) + hours.hours(),
    };
    match base {
        RecurrenceId::Wall(_) => RecurrenceId::Wall(moved),
        RecurrenceId::Date(_) => RecurrenceId::Date(moved.date()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_after_another_is_as_each_by_itself(
        event in select(EVENTS.to_vec()),
        asks in prop::collection::vec((0..60_usize, 0..4_u8, -2_000..20_000_i64), 1..24),
    ) {
        let series = series(event);
        let given = Given::of(master(&series), &berlin());
        // Where every answer is cut short, a few are enough to spend the steps.
        let most = if event.contains("MONTHDAY=30;") { 2 } else { asks.len() };
        for ask in asks.into_iter().take(most) {
            let id = asked(&series, ask);
            prop_assert_eq!(given.at(id), alone(master(&series), id), "{} {:?}", event, id);
        }
    }
}

/// Every override of a series, asked about as often as a plan asks.
#[test]
fn a_thousand_overrides_share_their_steps() {
    for (event, most) in [
        (
            "DTSTART:19900101T000000Z~RRULE:FREQ=DAILY;COUNT=40000",
            150_000,
        ),
        (
            "DTSTART:19900101T000000Z~RRULE:FREQ=SECONDLY;COUNT=4294967295",
            150_000,
        ),
        ("DTSTART:19900101T000000Z~RRULE:FREQ=DAILY", 40_000),
        ("DTSTART:19900101T000000Z~RRULE:FREQ=SECONDLY", 40_000),
        (
            "DTSTART:19900101T000000Z~RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            200_000,
        ),
        (
            "DTSTART:19900101T000000Z~RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=9",
            200_000,
        ),
    ] {
        let series = series(event);
        for backwards in [false, true] {
            let given = Given::of(master(&series), &berlin());
            for n in 0..3_000_i64 {
                let n = n % 1_000;
                let days = 39 * if backwards { 1_000 - n } else { n };
                let at = jiff::civil::datetime(1990, 1, 1, 0, 0, 0, 0) + days.days();
                // What cannot be told is taken for granted; these all take place, or cannot be told.
                assert!(given.at(RecurrenceId::Wall(at)), "{event} {at}");
            }
            assert!(given.steps() <= most, "{} for {event}", given.steps());
        }
    }
}
