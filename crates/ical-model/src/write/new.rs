//! New text: whole objects, and new override components inside stored ones.

use std::collections::BTreeMap;

use sync_engine::model::time::{LocalTime, Timestamp};
use sync_engine::model::{
    Fields, OverrideValue, RecurrenceId, Sensitivity, Series, Status, Transparency, Uid, When,
    Zone, ZoneName,
};
use sync_engine::recurrence::ExtraDate;

use super::futures::range;
use super::property::{
    Spelling, ends, extra_dates, moment_line, original, plain, raw_text, sensitivity, stamp,
    status, text, transparency,
};
use super::{NewObject, ORIGIN, SOURCE_UID};
use crate::component::{Component, Item};
use crate::read::Moment;
use crate::zones::describe;

/// PRODID of what is written here.
const PRODUCT: &str = "-//caldav-sync//caldav-sync//EN";

/// The text of a new object.
pub(super) fn object(object: &NewObject<'_>) -> Vec<u8> {
    let mut calendar = Component::new("VCALENDAR");
    calendar.push(plain("VERSION", "2.0"));
    calendar.push(plain("PRODID", PRODUCT));
    for (zone, from) in zones(object.series) {
        calendar
            .items
            .push(Item::Component(Box::new(describe(&zone, from))));
    }
    let mut first = true;
    for mut event in events(object) {
        if std::mem::take(&mut first) {
            if let Some(tag) = object.tag {
                event.push(raw_text(ORIGIN, &tag.to_text()));
            }
            if let Some(uid) = object.source_uid {
                event.push(raw_text(SOURCE_UID, uid.as_str()));
            }
        }
        calendar.items.push(Item::Component(Box::new(event)));
    }
    calendar.to_bytes()
}

/// The master and every override with fields.
fn events(object: &NewObject<'_>) -> Vec<Component<'static>> {
    let series = object.series;
    let floating = ZoneName::utc();
    let stamps = Stamps {
        uid: object.uid,
        sequence: 0,
        now: object.now,
    };
    let mut events = Vec::new();
    if let Some(fields) = &series.master {
        let mut master = event(&stamps, None, fields, &mut |_| None);
        for (id, value) in &series.overrides {
            if *value == OverrideValue::Cancelled && fields.recurrence.is_some() {
                let moment = original(&fields.when, *id, &floating);
                master.push(moment_line("EXDATE", &moment, None, &[]));
            }
        }
        events.push(master);
    }
    if let Some((master, recurrence)) = series.recurring_master() {
        for onward in &recurrence.onward {
            let at = Some((&master.when, onward.from));
            let mut ranged = event(&stamps, at, &onward.fields, &mut |_| None);
            range(&mut ranged);
            events.push(ranged);
        }
    }
    for (id, value) in &series.overrides {
        if let OverrideValue::Fields(fields) = value {
            let wall = series
                .master
                .as_ref()
                .map_or(&fields.when, |master| &master.when);
            events.push(event(&stamps, Some((wall, *id)), fields, &mut |_| None));
        }
    }
    events
}

/// What every component of one object has.
pub(super) struct Stamps<'a> {
    pub(super) uid: &'a Uid,
    pub(super) sequence: u64,
    pub(super) now: Timestamp,
}

/// A VEVENT: a master, or the override of an occurrence of the master with that `when`.
pub(super) fn event(
    stamps: &Stamps<'_>,
    occurrence: Option<(&When, RecurrenceId)>,
    fields: &Fields,
    spell: Spelling<'_>,
) -> Component<'static> {
    let mut spelled = |name: &str, at: &Moment| {
        let tzid = spell(at);
        moment_line(name, at, tzid.as_deref(), &[])
    };
    let mut event = Component::new("VEVENT");
    event.push(raw_text("UID", stamps.uid.as_str()));
    if let Some((master, id)) = occurrence {
        let moment = original(master, id, &ZoneName::utc());
        event.push(spelled("RECURRENCE-ID", &moment));
    }
    event.push(stamp("DTSTAMP", stamps.now));
    event.push(stamp("CREATED", stamps.now));
    event.push(stamp("LAST-MODIFIED", stamps.now));
    event.push(plain("SEQUENCE", &stamps.sequence.to_string()));
    if !fields.title.is_empty() {
        event.push(text("SUMMARY", &fields.title));
    }
    let (start, end) = ends(&fields.when);
    event.push(spelled("DTSTART", &start));
    event.push(spelled("DTEND", &end));
    if let Some(recurrence) = &fields.recurrence {
        for rule in &recurrence.rules {
            event.push(plain("RRULE", &rule.to_string()));
        }
        for rule in &recurrence.exclusion_rules {
            event.push(plain("EXRULE", &rule.to_string()));
        }
        for line in extra_dates(recurrence, spell) {
            event.push(line);
        }
    }
    if !fields.location.is_empty() {
        event.push(text("LOCATION", &fields.location));
    }
    if !fields.description.is_empty() {
        event.push(text("DESCRIPTION", &fields.description));
    }
    if fields.status != Status::Confirmed {
        event.push(plain("STATUS", status(fields.status)));
    }
    if fields.transparency != Transparency::Busy {
        event.push(plain("TRANSP", transparency(fields.transparency)));
    }
    if fields.sensitivity != Sensitivity::Public {
        event.push(plain("CLASS", sensitivity(fields.sensitivity)));
    }
    event
}

/// The zones a series names, each with the first moment it is needed for.
fn zones(series: &Series) -> Vec<(ZoneName, Timestamp)> {
    let mut zones = BTreeMap::new();
    let own = series.overrides.values().filter_map(|value| match value {
        OverrideValue::Fields(fields) => Some(fields.as_ref()),
        OverrideValue::Cancelled => None,
    });
    let onward = series.recurring_master();
    let onward = onward.iter().flat_map(|(_, recurrence)| &recurrence.onward);
    let onward = onward.map(|onward| &onward.fields);
    for fields in series.master.iter().chain(own).chain(onward) {
        zones_of(fields, &mut zones);
    }
    zones.into_values().collect()
}

/// Adds the zones that `fields` name, by name.
fn zones_of(fields: &Fields, into: &mut BTreeMap<&'static str, (ZoneName, Timestamp)>) {
    let mut add = |time: &LocalTime| {
        if let Zone::Named(zone) = &time.zone
            && !zone.is_utc()
        {
            let at = time.instant(zone);
            let entry = into
                .entry(zone.as_str())
                .or_insert_with(|| (zone.clone(), at));
            entry.1 = entry.1.min(at);
        }
    };
    if let When::Timed { start, end } = &fields.when {
        add(start);
        add(end);
    }
    for date in fields.recurrence.iter().flat_map(|each| &each.dates) {
        match date {
            ExtraDate::Date(_) => {}
            ExtraDate::At(at) => add(at),
            ExtraDate::Period { start, end } => {
                add(start);
                add(end);
            }
        }
    }
}
