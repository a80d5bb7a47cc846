//! Series of every shape the model knows, for properties.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use proptest::prelude::*;
use sync_engine::model::time::LocalTime;
use sync_engine::model::{
    Fields, OverrideValue, RecurrenceId, Sensitivity, Series, Status, Text, Transparency, When,
    Zone, ZoneName,
};
use sync_engine::recurrence::{ExtraDate, Limits, Recurrence, Rule, inherited_when, occurrences};

pub(crate) fn zone(name: &str) -> Zone {
    match name {
        "" => Zone::Floating,
        name => Zone::Named(ZoneName::new(name).unwrap()),
    }
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        2 => Just(Text::default()),
        2 => Just(Text::new("Tea")),
        3 => "[\\PC\n]{0,80}".prop_map(|text| Text::new(&text)),
    ]
}

fn zones() -> impl Strategy<Value = Zone> {
    prop_oneof![
        Just(""),
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("Asia/Kolkata"),
    ]
    .prop_map(zone)
}

fn day() -> impl Strategy<Value = Date> {
    (2015_i16..2032, 1_i8..13, 1_i8..29)
        .prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
}

fn when() -> impl Strategy<Value = When> {
    let all_day = (day(), 1_i32..5)
        .prop_map(|(start, days)| When::all_day(start, start.checked_add(days.days()).ok()));
    let timed = (
        day(),
        0_i8..24,
        0_i8..60,
        zones(),
        zones(),
        0_i64..3_000,
        any::<bool>(),
    )
        .prop_map(|(day, hour, minute, zone, other, minutes, travels)| {
            let start = LocalTime::new(day.at(hour, minute, 0, 0), zone.clone());
            let end = start.wall.checked_add(minutes.minutes()).unwrap();
            let end_zone = if travels { other } else { zone };
            When::timed(start, Some(LocalTime::new(end, end_zone)))
        });
    prop_oneof![1 => all_day, 3 => timed]
}

fn fields() -> impl Strategy<Value = Fields> {
    let status = prop_oneof![Just(Status::Confirmed), Just(Status::Tentative)];
    let transparency = prop_oneof![Just(Transparency::Busy), Just(Transparency::Free)];
    (text(), text(), text(), when(), status, transparency).prop_map(
        |(title, description, location, when, status, transparency)| Fields {
            title,
            description,
            location,
            status,
            transparency,
            ..Fields::new("", when)
        },
    )
}

fn recurrence() -> impl Strategy<Value = Option<Recurrence>> {
    let rule = prop_oneof![
        Just("FREQ=DAILY"),
        Just("FREQ=DAILY;COUNT=7"),
        Just("FREQ=DAILY;INTERVAL=2;UNTIL=20330101"),
        Just("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH,SA;WKST=SU"),
        Just("FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20321231T235959Z"),
        Just("FREQ=MONTHLY;BYMONTHDAY=-1,15"),
        Just("FREQ=YEARLY"),
        Just("FREQ=MONTHLY;X-OWN=1"),
    ];
    let rules = proptest::collection::vec(rule, 0..3);
    (
        rules,
        proptest::collection::vec((day(), 0_i8..24, 0_u8..3), 0..3),
    )
        .prop_map(|(rules, dates)| {
            let recurrence = Recurrence {
                rules: rules
                    .iter()
                    .map(|text| Rule::parse(text).unwrap())
                    .collect(),
                dates: dates
                    .into_iter()
                    .map(|(day, hour, kind)| extra(day.at(hour, 0, 0, 0), kind))
                    .collect(),
                ..Recurrence::default()
            };
            (!recurrence.is_empty()).then_some(recurrence)
        })
}

/// RDATEs in UTC: the normal form brings them to where the master is.
fn extra(at: DateTime, kind: u8) -> ExtraDate {
    let start = LocalTime::new(at, zone("UTC"));
    match kind {
        0 => ExtraDate::Date(at.date()),
        1 => ExtraDate::At(start),
        _ => ExtraDate::Period {
            end: LocalTime::new(at.checked_add(2.hours()).unwrap(), zone("UTC")),
            start,
        },
    }
}

/// A series with a master.
pub(crate) fn series() -> impl Strategy<Value = Series> {
    let overriding = (any::<prop::sample::Index>(), proptest::option::of(fields()));
    let sensitivity = prop_oneof![
        3 => Just(Sensitivity::Public),
        1 => Just(Sensitivity::Private),
        1 => Just(Sensitivity::Confidential),
    ];
    let overrides = proptest::collection::vec(overriding, 0..5);
    (fields(), recurrence(), sensitivity, overrides).prop_map(
        |(fields, recurrence, sensitivity, overrides)| {
            let all_day = fields.when.is_all_day();
            let recurrence = recurrence.map(|mut recurrence| {
                // Only what the value type allows: the rest is mended when read.
                recurrence.dates.retain(|date| match date {
                    ExtraDate::Date(_) => all_day,
                    ExtraDate::At(_) | ExtraDate::Period { .. } => {
                        !all_day && fields.when.zone() != Some(&Zone::Floating)
                    }
                });
                recurrence.normalized(&fields.when)
            });
            let master = Fields {
                recurrence: recurrence.filter(|recurrence| !recurrence.is_empty()),
                sensitivity,
                ..fields
            };
            let mut series = Series::single(master);
            add_overrides(&mut series, overrides);
            series
        },
    )
}

fn add_overrides(series: &mut Series, overrides: Vec<(prop::sample::Index, Option<Fields>)>) {
    let Some((master, recurrence)) = series.recurring_master() else {
        return;
    };
    let master = master.clone();
    let limits = Limits {
        occurrences: 20,
        ..Limits::default()
    };
    let ids: Vec<RecurrenceId> = occurrences(&master.when, recurrence, &ZoneName::utc(), &limits)
        .into_iter()
        .map(|occurrence| occurrence.id)
        .collect();
    for (index, fields) in overrides {
        let id = *index.get(&ids);
        let value = match fields {
            None => OverrideValue::Cancelled,
            Some(fields) => {
                // Half of them keep the master's time; the title tells all from the master.
                let when = if fields.title.is_empty() {
                    inherited_when(&master, id)
                } else {
                    fields.when.clone()
                };
                let title = format!("{} ({id})", fields.title.as_str());
                OverrideValue::Fields(Box::new(Fields {
                    title: Text::new(&title),
                    when,
                    sensitivity: master.sensitivity,
                    ..fields
                }))
            }
        };
        series.overrides.insert(id, value);
    }
}
