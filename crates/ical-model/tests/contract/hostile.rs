//! Events put together from parts that are right, odd and wrong: reading never fails as a whole,
//! and what is read can be written and edited.

use ical_model::{Edit, NewObject, Object, ReadContext, edit_object, new_object, read_object};
use proptest::prelude::*;
use proptest::sample::select;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ComponentKey, Field, OverrideValue, Uid};
use sync_engine::ports::{Change, ComponentChange};

const NAMES: &[&str] = &[
    "DTSTART",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RRULE",
    "EXRULE",
    "RDATE",
    "EXDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "STATUS",
    "TRANSP",
    "CLASS",
    "SEQUENCE",
    "LAST-MODIFIED",
    "ATTENDEE",
    "ORGANIZER",
    "GEO",
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "BEGIN",
    "END",
    "UID",
];
const PARAMETERS: &[&str] = &[
    "",
    "",
    "",
    ";TZID=Europe/Berlin",
    ";TZID=W. Europe Standard Time",
    ";TZID=Own",
    ";TZID=Nowhere",
    ";VALUE=DATE",
    ";VALUE=PERIOD",
    ";VALUE=DATE-TIME",
    ";RANGE=THISANDFUTURE",
    ";TZID=\"America/New_York\"",
    ";ALTREP=\"cid:1\"",
    ";=",
    ";;",
    ";X=\"",
    ";PARTSTAT=DECLINED",
];
const VALUES: &[&str] = &[
    "20261201",
    "20261201T093000",
    "20261201T093000Z",
    "20261202T093000",
    "20261203T093000Z",
    "20261205",
    "20270328T023000",
    "20271031T023000",
    "00010101T000000",
    "90001231T235959Z",
    "20261201T093000,20261202T093000",
    "20261201T093000Z/PT1H",
    "20261204T093000/20261204T100000",
    "PT1H",
    "P1D",
    "-PT1H",
    "P1W",
    "PT36H",
    "FREQ=DAILY",
    "FREQ=DAILY;COUNT=5",
    "FREQ=WEEKLY;BYDAY=MO,TU",
    "FREQ=HOURLY;COUNT=30",
    "FREQ=YEARLY;UNTIL=20300101",
    "FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20271231T000000Z",
    "CANCELLED",
    "TENTATIVE",
    "TRANSPARENT",
    "PRIVATE",
    "1",
    "",
    ":",
    "text\\, with\\n all \\; of it",
    "mailto:alice@example.com",
    "VEVENT",
    "VALARM",
    "1;2",
    "ü🎉",
];
const OWN_ZONE: &str = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n\
    TZOFFSETFROM:+0020\r\nTZOFFSETTO:+0020\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

/// Lines that fit a daily series at 09:30 in Berlin, however they are spelled.
const FITTING: &[&str] = &[
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=DAILY;COUNT=6",
    "RRULE:FREQ=DAILY;UNTIL=20261209",
    "RDATE;TZID=Europe/Berlin:20261220T093000",
    "RDATE;VALUE=PERIOD:20261221T083000Z/PT3H",
    "EXDATE;TZID=Europe/Berlin:20261202T093000,20261204T093000",
    "EXDATE:20261203T083000Z",
    "EXDATE;VALUE=DATE:20261205",
    "EXRULE:FREQ=WEEKLY",
    "DTEND;TZID=W. Europe Standard Time:20261201T103000",
    "DTEND:20261201T093000Z",
    "DURATION:PT45M",
    "SUMMARY;LANGUAGE=en:Tea",
    "CLASS:CONFIDENTIAL",
];
/// Beginnings of overrides of that series.
const OVERRIDES: &[&str] = &[
    "RECURRENCE-ID:20261202T083000Z\r\nDTSTART;TZID=Europe/Berlin:20261202T093000",
    "RECURRENCE-ID;TZID=Europe/Berlin:20261203T093000\r\nDTSTART:20261203T100000Z",
    "RECURRENCE-ID;TZID=W. Europe Standard Time:20261204T093000\r\nDTSTART;VALUE=DATE:20261204",
    "RECURRENCE-ID;VALUE=DATE:20261205\r\nDTSTART;TZID=Europe/Berlin:20261205T093000",
    "RECURRENCE-ID:20261206T083000Z\r\nSTATUS:CANCELLED",
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20261204T083000Z\r\nDTSTART;TZID=Europe/Berlin:20261204T113000",
];

fn odd_line() -> impl Strategy<Value = String> {
    (select(NAMES), select(PARAMETERS), select(VALUES))
        .prop_map(|(name, parameters, value)| format!("{name}{parameters}:{value}"))
}

pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let fitting = || select(FITTING).prop_map(str::to_owned);
    let master = (
        proptest::collection::vec(prop_oneof![8 => fitting(), 1 => odd_line()], 0..7),
        any::<bool>(),
    )
        .prop_map(|(mut lines, first)| {
            let start = "DTSTART;TZID=Europe/Berlin:20261201T093000".to_owned();
            let at = if first { 0 } else { lines.len() };
            lines.insert(at, start);
            lines
        });
    let tail = prop_oneof![3 => fitting(), 1 => odd_line()];
    let overriding = (select(OVERRIDES), proptest::collection::vec(tail, 0..3)).prop_map(
        |(begin, mut lines)| {
            lines.retain(|line| !line.starts_with('R'));
            lines.insert(0, begin.to_owned());
            lines
        },
    );
    let wild = || proptest::collection::vec(odd_line(), 0..8);
    let events = (
        prop_oneof![6 => master, 1 => wild()],
        proptest::collection::vec(prop_oneof![9 => overriding, 1 => wild()], 0..5),
    );
    events.prop_map(|(master, overrides)| {
        let mut text = format!("BEGIN:VCALENDAR\r\n{OWN_ZONE}");
        for lines in std::iter::once(master).chain(overrides) {
            text.push_str("BEGIN:VEVENT\r\nUID:1\r\n");
            for line in lines {
                text.push_str(&line);
                text.push_str("\r\n");
            }
            text.push_str("END:VEVENT\r\n");
        }
        text.push_str("END:VCALENDAR\r\n");
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn what_can_be_read_can_be_written_and_edited(text in hostile()) {
        let context = ReadContext::default();
        let Object::Event(event) = read_object(text.as_bytes(), &context).object else {
            return Ok(());
        };
        let written = new_object(&NewObject {
            uid: &Uid::new("1"),
            series: &event.series,
            tag: None,
            source_uid: None,
            now: Timestamp::UNIX_EPOCH,
        });
        let series = &event.series;
        if series.master.is_some() {
            let Object::Event(again) = read_object(&written, &context).object else {
                panic!("{text}\n{}", String::from_utf8_lossy(&written));
            };
            let mut expected = series.clone();
            if let Some(master) = &mut expected.master {
                master.declined = false;
                if master.recurrence.is_none() {
                    // Nothing there to be taken away.
                    expected.overrides.retain(|_, value| *value != OverrideValue::Cancelled);
                }
            }
            for value in expected.overrides.values_mut() {
                if let OverrideValue::Fields(fields) = value {
                    fields.declined = false;
                }
            }
            prop_assert_eq!(again.series, expected, "{}\n{}", text, String::from_utf8_lossy(&written));
        }

        let everything = Change::Set(Field::ALL.into());
        let mut changes = Vec::new();
        if series.master.is_some() {
            changes.push(ComponentChange { key: ComponentKey::Master, change: everything.clone() });
        }
        for (id, value) in &series.overrides {
            let change = match value {
                OverrideValue::Cancelled => Change::Cancel,
                OverrideValue::Fields(_) => everything.clone(),
            };
            changes.push(ComponentChange { key: ComponentKey::Override(*id), change });
        }
        let edit = Edit { series, changes: &changes, tag: None, now: Timestamp::UNIX_EPOCH };
        if let Ok(edited) = edit_object(text.as_bytes(), &edit, &context) {
            let Object::Event(again) = read_object(&edited, &context).object else {
                panic!("{text}\n{}", String::from_utf8_lossy(&edited));
            };
            prop_assert_eq!(&again.series, series, "{}\n{}", text, String::from_utf8_lossy(&edited));
        }
    }
}
