//! From any series to any other by one edit: it reads as wanted, and what nobody owns stays.

use std::fmt::Write as _;

use ical_model::component::{Component, Document};
use ical_model::{
    Edit, Limits, NewObject, Object, ReadContext, edit_object, new_object, read_object,
};
use proptest::prelude::*;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ComponentKey, Field, FieldSet, Fields, OverrideValue, Series, Uid};
use sync_engine::ports::{Change, ComponentChange};

use super::event;
use super::generate::series;
use super::hostile::hostile;

/// What a plan would ask for to get from one to the other.
fn changes(from: &Series, to: &Series) -> Vec<ComponentChange> {
    let mut changes = Vec::new();
    let mut change = |key, change| changes.push(ComponentChange { key, change });
    let (old, new) = (from.master.as_ref().unwrap(), to.master.as_ref().unwrap());
    let fields = differing(old, new);
    if !fields.is_empty() {
        change(ComponentKey::Master, Change::Set(fields));
    }
    let mut ids: Vec<_> = from.overrides.keys().chain(to.overrides.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let key = ComponentKey::Override(*id);
        match (from.overrides.get(id), to.overrides.get(id)) {
            (old, new) if old == new => {}
            (_, None) => change(key, Change::Inherit),
            (_, Some(OverrideValue::Cancelled)) => change(key, Change::Cancel),
            (Some(OverrideValue::Fields(old)), Some(OverrideValue::Fields(new))) => {
                change(key, Change::Set(differing(old, new)));
            }
            (_, Some(OverrideValue::Fields(_))) => change(key, Change::Add),
        }
    }
    changes
}

fn differing(old: &Fields, new: &Fields) -> FieldSet {
    let differs = |field: &Field| match field {
        Field::Title => old.title != new.title,
        Field::Description => old.description != new.description,
        Field::Location => old.location != new.location,
        Field::When => old.when != new.when || old.recurrence != new.recurrence,
        Field::Status => old.status != new.status,
        Field::Transparency => old.transparency != new.transparency,
        Field::Visibility => old.sensitivity != new.sensitivity,
    };
    Field::ALL.into_iter().filter(differs).collect()
}

/// Lines nobody here owns, folded and ended as they like.
const CARRIED: &str = "X-CARRIED-1;A=\"q:,;\";B=:odd \n\t fold\r\nATTENDEE;CN=G:mailto:g@example.com\r\n\
    x-carried-2:trailing \nCATEGORIES:A,B\r\n\r\n";
const ALARM: &str = "BEGIN:VALARM\nTRIGGER:-PT5M\nACTION:AUDIO\nEND:VALARM\n";

fn decorated(series: &Series, own_lines: bool) -> String {
    let bytes = new_object(&NewObject {
        uid: &Uid::new("u"),
        series,
        tag: None,
        source_uid: None,
        now: Timestamp::UNIX_EPOCH,
    });
    let text = String::from_utf8(bytes).unwrap();
    let mut decorated = String::new();
    for (index, part) in text.split("END:VEVENT\r\n").enumerate() {
        if index > 0 {
            // All alike, or each with a line of its own.
            decorated.push_str(CARRIED);
            if own_lines {
                write!(decorated, "X-OWN:{index}\r\n").unwrap();
            }
            decorated.push_str(ALARM);
            decorated.push_str("END:VEVENT\r\n");
        }
        decorated.push_str(part);
    }
    decorated
}

const OURS: [&str; 18] = [
    "DTSTAMP",
    "LAST-MODIFIED",
    "SEQUENCE",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "STATUS",
    "TRANSP",
    "CLASS",
    "RECURRENCE-ID",
    "CREATED",
    "UID",
];

/// The lines of a component that no edit owns, as they stand.
fn carried(component: &Component<'_>) -> Vec<Vec<u8>> {
    let lines = component
        .lines()
        .filter(|line| !OURS.iter().any(|name| line.is(name)));
    let mut all: Vec<Vec<u8>> = lines.map(|line| line.raw().to_vec()).collect();
    all.extend(component.components().map(Component::to_bytes));
    all
}

/// The carried lines of the master, and of every override, in order.
fn all_carried(text: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<Vec<u8>>>) {
    let document = Document::parse(text, &Limits::default()).unwrap();
    let calendar = document.components().next().unwrap();
    let mut master = Vec::new();
    let mut overrides = Vec::new();
    for event in calendar.components().filter(|event| event.is("VEVENT")) {
        if event.first("RECURRENCE-ID").is_some() {
            overrides.push(carried(event));
        } else {
            master = carried(event);
        }
    }
    (master, overrides)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_series_becomes_any_other(
        from in series(),
        to in series(),
        same_when in any::<bool>(),
        own_lines in any::<bool>(),
    ) {
        let mut to = to;
        if same_when {
            // Changes of a master's `when` move everything; half the time only the rest changes.
            let master = to.master.as_mut().unwrap();
            let old = from.master.as_ref().unwrap();
            master.when = old.when.clone();
            master.recurrence = old.recurrence.clone();
            to.overrides = from.overrides.clone();
            let dropped = to.overrides.pop_last();
            let sensitivity = master.sensitivity;
            for value in to.overrides.values_mut() {
                if let OverrideValue::Fields(fields) = value {
                    fields.sensitivity = sensitivity;
                    fields.location = "moved".into();
                }
            }
            if let Some((id, OverrideValue::Fields(_))) = dropped {
                to.overrides.insert(id, OverrideValue::Cancelled);
            }
        }
        let text = decorated(&from, own_lines);
        prop_assert_eq!(&event(&text).series, &from);
        let changes = changes(&from, &to);
        let edit = Edit {
            series: &to,
            changes: &changes,
            tag: None,
            now: "2026-11-22T10:00:00Z".parse().unwrap(),
        };
        let edited = edit_object(text.as_bytes(), &edit, &ReadContext::default()).unwrap();
        let shown = String::from_utf8_lossy(&edited).into_owned();
        let mut read = event(&edited).series;
        // CLASS of an override that stays as a shell is its own.
        read.overrides.retain(|id, value| match (value, to.overrides.get(id)) {
            (OverrideValue::Fields(own), None) => {
                let mut master = to.master.clone().unwrap();
                master.sensitivity = own.sensitivity;
                master.when = own.when.clone();
                master.recurrence = None;
                **own != master
            }
            _ => true,
        });
        prop_assert_eq!(&read, &to, "{}\n----\n{}", text, shown);

        let (master, overrides) = all_carried(text.as_bytes());
        let (master_now, overrides_now) = all_carried(&edited);
        prop_assert_eq!(master, master_now, "{}", shown);
        // An override's lines stay together as they were, or go with it.
        for own in overrides_now {
            let is_new = !own.iter().any(|line| line.starts_with(b"X-CARRIED"));
            prop_assert!(is_new || overrides.contains(&own), "{}", shown);
        }
        if changes.is_empty() {
            prop_assert_eq!(text, shown);
        }
    }

    #[test]
    fn any_readable_text_becomes_any_series(text in hostile(), to in series()) {
        let context = ReadContext::default();
        let Object::Event(event) = read_object(text.as_bytes(), &context).object else {
            return Ok(());
        };
        let from = event.series;
        let Some(master) = &from.master else { return Ok(()) };
        let sensitivity = master.sensitivity;
        let alike = |value: &OverrideValue| match value {
            OverrideValue::Fields(fields) => fields.sensitivity == sensitivity,
            OverrideValue::Cancelled => true,
        };
        if !from.overrides.values().all(alike) {
            return Ok(());
        }
        let mut to = to;
        to.master.as_mut().unwrap().sensitivity = sensitivity;
        for value in to.overrides.values_mut() {
            if let OverrideValue::Fields(fields) = value {
                fields.sensitivity = sensitivity;
            }
        }
        let changes = changes(&from, &to);
        let edit = Edit {
            series: &to,
            changes: &changes,
            tag: None,
            now: Timestamp::UNIX_EPOCH,
        };
        let edited = match edit_object(text.as_bytes(), &edit, &context) {
            Ok(edited) => edited,
            Err(error) => {
                prop_assert_eq!(error.code(), "this_and_future");
                return Ok(());
            }
        };
        let read = super::event(&edited).series;
        prop_assert_eq!(&read, &to, "{}\n----\n{}", text, String::from_utf8_lossy(&edited));
    }
}
