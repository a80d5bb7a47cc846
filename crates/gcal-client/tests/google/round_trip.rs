//! What is written is what is read: projected fields → JSON → (Google's rendering) → fields.

use gcal_client::event::read::read_item;
use gcal_client::event::{Setting, body};
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};
use proptest::prelude::*;
use serde_json::json;
use simulators::google::{DEFAULT_ACCOUNT, GoogleSim, GoogleSimConfig};
use sync_engine::model::time::LocalTime;
use sync_engine::model::{
    Fields, OverrideValue, RecurrenceId, Sensitivity, Series, Status, Text, Transparency, When,
    Zone, ZoneName,
};
use sync_engine::observation::Seen;
use sync_engine::recurrence::{ExtraDate, Recurrence, Rule};

use super::harness::{projected, series_of, tag};

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
];

fn zone() -> impl Strategy<Value = ZoneName> {
    proptest::sample::select(&ZONES[..]).prop_map(|name| ZoneName::new(name).unwrap())
}

fn wall() -> impl Strategy<Value = DateTime> {
    (0_i32..700, 0_i64..96).prop_map(|(day, quarter)| {
        let day = jiff::civil::date(2026, 1, 1)
            .checked_add(jiff::Span::new().days(day))
            .unwrap();
        day.at(0, 0, 0, 0)
            .checked_add(SignedDuration::from_mins(quarter * 15))
            .unwrap()
    })
}

/// A time that a wall can name: none inside a gap, for which there is no such wall.
fn time() -> impl Strategy<Value = LocalTime> {
    (wall(), zone()).prop_map(|(wall, zone)| {
        let named = LocalTime::new(wall, Zone::Named(zone.clone()));
        LocalTime::in_zone(named.instant(&zone), &zone)
    })
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        (wall(), 1_i32..5).prop_map(|(start, days)| {
            let start = start.date();
            let end = start.checked_add(jiff::Span::new().days(days)).unwrap();
            When::all_day(start, Some(end))
        }),
        (time(), 0_i64..60, proptest::option::of(zone())).prop_map(|(start, quarters, zone)| {
            let utc = ZoneName::utc();
            let end = start.instant(&utc) + SignedDuration::from_mins(quarters * 15);
            let zone = zone.unwrap_or_else(|| start.zone.name_or(&utc).clone());
            let end = LocalTime::in_zone(end, &zone);
            When::timed(start, Some(end))
        }),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    "([a-zA-Z äß<>&;/\n\"-]|<br>|&amp;|&#65;){0,30}".prop_map(|text| Text::new(&text))
}

fn fields() -> impl Strategy<Value = Fields> {
    (
        (text(), text(), text(), when()),
        proptest::sample::select(&[Status::Confirmed, Status::Tentative][..]),
        proptest::sample::select(&[Transparency::Busy, Transparency::Free][..]),
        any::<bool>(),
    )
        .prop_map(
            |((title, description, location, when), status, transparency, private)| Fields {
                title,
                description,
                location,
                status,
                transparency,
                sensitivity: if private {
                    Sensitivity::Private
                } else {
                    Sensitivity::Public
                },
                ..Fields::new("", when)
            },
        )
}

/// A rule that gives any start, extra dates, and occurrences called off.
fn series() -> impl Strategy<Value = Series> {
    (
        fields(),
        proptest::option::of((
            proptest::sample::select(
                &[
                    "FREQ=DAILY",
                    "FREQ=DAILY;INTERVAL=3;COUNT=9",
                    "FREQ=WEEKLY;COUNT=4",
                    "FREQ=YEARLY",
                    "FREQ=DAILY;UNTIL=20280101",
                ][..],
            ),
            proptest::collection::btree_set(1_i32..9, 0..3),
            proptest::collection::btree_set(10_i32..20, 0..3),
        )),
    )
        .prop_map(|(mut fields, repeating)| {
            let Some((rule, off, extra)) = repeating else {
                return Series::single(fields);
            };
            let when = fields.when.clone();
            let shifted = |days: i32| -> (Date, DateTime) {
                let span = jiff::Span::new().days(days);
                match &when {
                    When::AllDay { start, .. } => {
                        let day = start.checked_add(span).unwrap();
                        (day, day.at(0, 0, 0, 0))
                    }
                    When::Timed { start, .. } => {
                        let wall = start.wall.checked_add(span).unwrap();
                        (wall.date(), wall)
                    }
                }
            };
            let exact = |wall: DateTime, zone: &Zone| {
                let name = zone.name_or(&ZoneName::utc()).clone();
                let local = LocalTime::new(wall, zone.clone());
                let back = LocalTime::in_zone(local.instant(&name), &name);
                (back == local).then_some(back)
            };
            let mut overrides = std::collections::BTreeMap::new();
            for days in off {
                let (day, wall) = shifted(days);
                match when.zone() {
                    None => {
                        overrides.insert(RecurrenceId::Date(day), OverrideValue::Cancelled);
                    }
                    Some(zone) if exact(wall, zone).is_some() => {
                        overrides.insert(RecurrenceId::Wall(wall), OverrideValue::Cancelled);
                    }
                    Some(_) => {}
                }
            }
            let dates = extra
                .into_iter()
                .filter_map(|days| {
                    let (day, wall) = shifted(days);
                    match when.zone() {
                        None => Some(ExtraDate::Date(day)),
                        Some(zone) => exact(wall, zone).map(ExtraDate::At),
                    }
                })
                .collect();
            let recurrence = Recurrence {
                rules: vec![Rule::parse(rule).unwrap()],
                dates,
                ..Recurrence::default()
            };
            fields.recurrence = Some(recurrence.normalized(&when));
            Series {
                master: Some(fields),
                overrides,
            }
        })
}

fn setting() -> Setting {
    Setting {
        calendar: DEFAULT_ACCOUNT.to_owned(),
        account: DEFAULT_ACCOUNT.to_owned(),
        zone: ZoneName::new("Europe/Berlin"),
        role: None,
    }
}

fn there_and_back(sim: &GoogleSim, series: &Series) -> Series {
    let projected = projected(series);
    let fields = projected.series().master.as_ref().unwrap();
    let body = body::whole(
        fields,
        projected.series(),
        &tag("x"),
        false,
        &ZoneName::utc(),
    )
    .unwrap();
    let shown = sim
        .as_user(DEFAULT_ACCOUNT)
        .insert(DEFAULT_ACCOUNT, body.clone().into())
        .unwrap_or_else(|error| panic!("{error:?} for {}", json!(body)));
    match read_item(shown.clone(), &setting()) {
        Some(Seen::Present(observation)) => series_of(&observation).clone(),
        other => panic!("{other:?} of {shown}"),
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    for rewrite in [false, true] {
        let sim = GoogleSim::start(
            GoogleSimConfig::default().knobs(|knobs| knobs.rewrite_rrule = rewrite),
        )
        .unwrap();
        let config = ProptestConfig::with_cases(192);
        proptest!(config, |(series in series())| {
            prop_assert_eq!(there_and_back(&sim, &series), series);
        });
    }
}
