//! What the planner asks of a series: does it touch the window, when does it next, how far does it
//! reach, which occurrence is meant.

use sync_engine::model::series::RecurrenceId;
use sync_engine::model::time::{LocalTime, Timestamp, When, Zone, ZoneName};
use sync_engine::recurrence::{
    Cut, Limits, OriginalStart, Recurrence, Rule, first_start_after, generates_start,
    inherited_when, occurrences_between, original_start, recurrence_id_in, series_occurrences,
    span, touches,
};

use crate::reader::{berlin, instant, series, shown};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn next(event: &str, after: &str) -> Option<String> {
    first_start_after(&series(event), at(after), &berlin()).map(instant)
}

const STANDUP: &str = "DTSTART;TZID=Europe/Berlin:19900101T090000~DTEND;TZID=Europe/Berlin:19900101T091500~RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR";

#[test]
fn a_window_far_from_the_start_is_entered_near_it() {
    let series = series(STANDUP);
    let (master, recurrence) = series.recurring_master().expect("it repeats");
    let limits = Limits {
        occurrences: 100,
        iterations: 120,
    };
    let window = (at("2026-03-27T00:00:00Z"), at("2026-04-01T00:00:00Z"));
    let found = occurrences_between(&master.when, recurrence, &berlin(), window, &limits);
    let starts: Vec<String> = found
        .items
        .iter()
        .map(|item| shown(&item.when, false))
        .collect();
    assert_eq!(found.cut, Cut::No);
    assert_eq!(
        starts,
        ["20260327T080000Z", "20260330T070000Z", "20260331T070000Z"]
    );
}

#[test]
fn touching_is_starting_in_the_window_or_being_on_when_it_begins() {
    let series = series(STANDUP);
    for (from, until, expected) in [
        ("2026-06-01T07:10:00Z", "2026-06-01T07:11:00Z", true),
        ("2026-06-01T07:15:00Z", "2026-06-01T07:20:00Z", false),
        ("2026-06-01T06:00:00Z", "2026-06-01T07:00:00Z", false),
        ("2026-06-01T06:00:00Z", "2026-06-01T07:00:01Z", true),
        ("2026-06-06T00:00:00Z", "2026-06-08T00:00:00Z", false),
        ("1980-01-01T00:00:00Z", "1990-01-01T08:00:00Z", false),
    ] {
        assert_eq!(
            touches(&series, (at(from), at(until)), &berlin()),
            expected,
            "{from}"
        );
    }
}

#[test]
fn a_moved_occurrence_is_where_it_moved_to() {
    let moved = series(
        "DTSTART:20260105T090000Z~DTEND:20260105T100000Z~RRULE:FREQ=WEEKLY;COUNT=2!RECURRENCE-ID:20260112T090000Z~DTSTART:20260301T090000Z~DTEND:20260301T100000Z",
    );
    let day = |day: &str| {
        (
            at(&format!("{day}T00:00:00Z")),
            at(&format!("{day}T23:00:00Z")),
        )
    };
    assert!(touches(&moved, day("2026-01-05"), &berlin()));
    assert!(!touches(&moved, day("2026-01-12"), &berlin()));
    assert!(touches(&moved, day("2026-03-01"), &berlin()));
    let reach = span(&moved, &berlin());
    assert_eq!(instant(reach.start), "20260105T090000Z");
    assert_eq!(reach.end.map(instant).as_deref(), Some("20260301T100000Z"));
    let items = series_occurrences(&moved, &berlin(), day("2026-03-01"), &Limits::default()).items;
    let titles: Vec<&str> = items
        .iter()
        .map(|item| item.fields.title.as_str())
        .collect();
    assert_eq!(titles, ["override"]);
}

#[test]
fn what_cannot_be_told_counts_as_touching() {
    let window = (at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
    for (event, expected) in [
        (
            "DTSTART;VALUE=DATE:20200125~RRULE:FREQ=YEARLY;RSCALE=CHINESE",
            true,
        ),
        (
            "DTSTART;VALUE=DATE:20270125~RRULE:FREQ=YEARLY;RSCALE=CHINESE",
            false,
        ),
        (
            "DTSTART:19900101T000000Z~RRULE:FREQ=SECONDLY;COUNT=4000000000",
            true,
        ),
    ] {
        assert_eq!(
            touches(&series(event), window, &berlin()),
            expected,
            "{event}"
        );
    }
}

#[test]
fn a_series_without_master_is_its_overrides() {
    let mut stray = series(
        "DTSTART:20260105T090000Z~RRULE:FREQ=WEEKLY!RECURRENCE-ID:20260112T090000Z~DTSTART:20260113T090000Z",
    );
    stray.master = None;
    let items = series_occurrences(
        &stray,
        &berlin(),
        (Timestamp::MIN, Timestamp::MAX),
        &Limits::default(),
    )
    .items;
    assert_eq!(items.len(), 1);
    assert_eq!(shown(&items[0].when, false), "20260113T090000Z");
    assert_eq!(
        first_start_after(&stray, at("2026-01-01T00:00:00Z"), &berlin())
            .map(instant)
            .as_deref(),
        Some("20260113T090000Z")
    );
}

#[test]
fn the_next_start_comes_after_and_heeds_overrides() {
    assert_eq!(
        next(STANDUP, "2026-06-05T07:00:00Z").as_deref(),
        Some("20260608T070000Z")
    );
    assert_eq!(
        next(STANDUP, "2026-06-05T06:59:59Z").as_deref(),
        Some("20260605T070000Z")
    );
    let cancelled = format!("{STANDUP}~EXDATE;TZID=Europe/Berlin:20260608T090000");
    assert_eq!(
        next(&cancelled, "2026-06-05T07:00:00Z").as_deref(),
        Some("20260609T070000Z")
    );
    assert_eq!(
        next("DTSTART:20260101T090000Z", "2026-01-01T08:00:00Z").as_deref(),
        Some("20260101T090000Z")
    );
    assert_eq!(
        next("DTSTART:20260101T090000Z", "2026-01-01T09:00:00Z"),
        None
    );
    assert_eq!(
        next(
            "DTSTART:20260101T090000Z~RRULE:FREQ=DAILY;COUNT=3",
            "2026-01-03T09:00:00Z"
        ),
        None
    );
}

#[test]
fn the_reach_of_a_series() {
    for (event, start, end) in [
        (
            "DTSTART:20260101T090000Z~DTEND:20260101T100000Z",
            "20260101T090000Z",
            Some("20260101T100000Z"),
        ),
        (
            "DTSTART:20260101T090000Z~RRULE:FREQ=DAILY",
            "20260101T090000Z",
            None,
        ),
        (
            "DTSTART:20260101T090000Z~DTEND:20260101T100000Z~RRULE:FREQ=WEEKLY;COUNT=3",
            "20260101T090000Z",
            Some("20260115T100000Z"),
        ),
        (
            "DTSTART:20260101T090000Z~DTEND:20260101T100000Z~RRULE:FREQ=WEEKLY;UNTIL=20260120T000000Z",
            "20260101T090000Z",
            Some("20260115T100000Z"),
        ),
        (
            "DTSTART:20260101T090000Z~DTEND:20260101T100000Z~RRULE:FREQ=YEARLY;UNTIL=20991231",
            "20260101T090000Z",
            Some("20990101T100000Z"),
        ),
        (
            "DTSTART:20260101T090000Z~RRULE:FREQ=DAILY;UNTIL=20250101",
            "20260101T090000Z",
            Some("20260101T090000Z"),
        ),
        (
            "DTSTART:20260105T090000Z~RDATE:20260101T090000Z,20260201T090000Z",
            "20260101T090000Z",
            Some("20260201T090000Z"),
        ),
        (
            "DTSTART;VALUE=DATE:20260105~RRULE:FREQ=DAILY;COUNT=2",
            "20260104T230000Z",
            Some("20260106T230000Z"),
        ),
    ] {
        let reach = span(&series(event), &berlin());
        assert_eq!(instant(reach.start), start, "{event}");
        assert_eq!(reach.end.map(instant).as_deref(), end, "{event}");
    }
}

#[test]
fn an_original_start_is_found_however_it_is_written() {
    let zoned = |wall: &str, zone: &str| {
        let zone = ZoneName::new(zone).expect("known");
        LocalTime::new(wall.parse().expect("a wall time"), Zone::Named(zone))
    };
    let floating = |wall: &str| LocalTime::new(wall.parse().expect("a wall time"), Zone::Floating);
    let master = When::timed(zoned("2026-03-01T02:30", "Europe/Berlin"), None);
    let id = |master: &When, original| recurrence_id_in(master, &original, &berlin()).to_string();
    for (original, expected) in [
        (
            zoned("2026-07-01T02:30", "Europe/Berlin"),
            "2026-07-01T02:30:00",
        ),
        (zoned("2026-07-01T00:30", "UTC"), "2026-07-01T02:30:00"),
        (
            zoned("2026-06-30T20:30", "America/New_York"),
            "2026-07-01T02:30:00",
        ),
        (floating("2026-07-01T02:30"), "2026-07-01T02:30:00"),
        // The night of the gap: 02:30 is shown as 03:30.
        (zoned("2026-03-29T01:30", "UTC"), "2026-03-29T02:30:00"),
        (
            zoned("2026-03-29T03:30", "Europe/Berlin"),
            "2026-03-29T02:30:00",
        ),
        // The night of the fold: the first pass.
        (zoned("2026-10-25T00:30", "UTC"), "2026-10-25T02:30:00"),
        (
            zoned("2026-10-25T02:30", "Europe/Berlin"),
            "2026-10-25T02:30:00",
        ),
    ] {
        assert_eq!(
            id(&master, OriginalStart::At(original.clone())),
            expected,
            "{original:?}"
        );
    }
    let day = "2026-07-01".parse().expect("a date");
    assert_eq!(id(&master, OriginalStart::Date(day)), "2026-07-01T02:30:00");
    let days = When::all_day("2026-01-01".parse().expect("a date"), None);
    assert_eq!(id(&days, OriginalStart::Date(day)), "2026-07-01");
    assert_eq!(
        id(&days, OriginalStart::At(floating("2026-07-01T10:00"))),
        "2026-07-01"
    );
    let loose = When::timed(floating("2026-01-01T10:00"), None);
    assert_eq!(
        id(&loose, OriginalStart::At(zoned("2026-07-01T08:00", "UTC"))),
        "2026-07-01T10:00:00"
    );
}

#[test]
fn the_second_pass_of_a_fold_has_an_id_of_its_own() {
    let series = series("DTSTART;TZID=Europe/Berlin:20261025T020000~RRULE:FREQ=HOURLY;COUNT=2");
    let (master, _) = series.recurring_master().expect("it repeats");
    let second = LocalTime::utc(at("2026-10-25T01:00:00Z"));
    let original = OriginalStart::At(second.clone());
    let id = recurrence_id_in(&master.when, &original, &berlin());
    let first = RecurrenceId::Wall("2026-10-25T02:00".parse().expect("a wall time"));
    assert!(first < id);
    assert_eq!(original_start(&master.when, id, &berlin()), original);
    assert_eq!(
        inherited_when(master, id).instants(&berlin()).0,
        at("2026-10-25T01:00:00Z")
    );
}

#[test]
fn whether_a_rule_gives_its_start() {
    for (event, expected) in [
        ("DTSTART:20260105T090000Z~RRULE:FREQ=WEEKLY;BYDAY=MO", true),
        ("DTSTART:20260105T090000Z~RRULE:FREQ=WEEKLY;BYDAY=TU", false),
        ("DTSTART:20260105T090000Z~RRULE:FREQ=DAILY;BYHOUR=10", false),
        (
            "DTSTART:20260105T090000Z~RRULE:FREQ=WEEKLY;BYDAY=TU~RRULE:FREQ=WEEKLY",
            true,
        ),
        (
            "DTSTART:20260105T090000Z~RRULE:FREQ=DAILY;UNTIL=20260101",
            false,
        ),
        ("DTSTART:20260105T090000Z~RDATE:20260106T090000Z", true),
        (
            "DTSTART;TZID=Europe/Berlin:20260329T023000~RRULE:FREQ=DAILY",
            true,
        ),
        (
            "DTSTART:20260105T090000Z~RRULE:FREQ=HOURLY;BYMINUTE=30",
            false,
        ),
        (
            "DTSTART:20261231T235959Z~RRULE:FREQ=YEARLY;BYMONTH=1,12;BYMONTHDAY=31;BYHOUR=1,23;BYMINUTE=59;BYSECOND=59",
            true,
        ),
    ] {
        let series = series(event);
        let (master, recurrence) = series.recurring_master().expect("it repeats");
        assert_eq!(
            generates_start(&master.when, recurrence),
            expected,
            "{event}"
        );
    }
}

#[test]
fn a_floating_series_ends_where_its_wall_says() {
    let start = When::timed(
        LocalTime::new(
            "2026-03-28T22:00".parse().expect("a wall time"),
            Zone::Floating,
        ),
        Some(LocalTime::new(
            "2026-03-29T06:00".parse().expect("a wall time"),
            Zone::Floating,
        )),
    );
    let rule = Recurrence::of(Rule::parse("FREQ=DAILY;COUNT=2").expect("a rule"));
    let window = (Timestamp::MIN, Timestamp::MAX);
    let found = occurrences_between(&start, &rule, &berlin(), window, &Limits::default());
    let ends: Vec<String> = found
        .items
        .iter()
        .map(|item| match &item.when {
            When::Timed { end, .. } => end.wall.to_string(),
            When::AllDay { end, .. } => end.to_string(),
        })
        .collect();
    assert_eq!(ends, ["2026-03-29T06:00:00", "2026-03-30T06:00:00"]);
}
