//! Google's JSON → what the engine sees of it.

use std::collections::BTreeMap;

use serde_json::Value;
use sync_engine::identity::OriginTag;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{
    Etag, Fields, Google, OverrideValue, ResourceId, Sensitivity, Series, SeriesKey, Status, Text,
    Transparency, Uid, When, ZoneName,
};
use sync_engine::observation::{Content, Observation, Remark, Seen};
use sync_engine::recurrence::OriginalStart;

use super::note::Note;
use super::times::{self, Moment};
use super::{TAG_PROPERTY, access, ids, lines, text};
use crate::requests::AccessRole;
use crate::requests::wire::{Event, EventTime};

/// What is known of the calendar an event is on.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The calendar's id.
    pub calendar: String,
    /// The account's address.
    pub account: String,
    /// The calendar's zone: answers show times with its offset.
    pub zone: Option<ZoneName>,
    /// What the account may do with it.
    pub role: Option<AccessRole>,
}

impl Setting {
    /// Stands in where a zone is missing.
    pub fn floating(&self) -> ZoneName {
        self.zone.clone().unwrap_or_else(ZoneName::utc)
    }
}

/// Reads one item of a list. One that cannot be read at all is `None`: it has not even an id.
pub fn read_item(item: Value, setting: &Setting) -> Option<Seen<Google>> {
    let id = item.get("id").and_then(Value::as_str).map(str::to_owned);
    let etag = item.get("etag").and_then(Value::as_str).map(str::to_owned);
    match serde_json::from_value::<Event>(item) {
        Ok(event) => read(&event, setting),
        Err(_) => Some(Seen::Unreadable {
            resource: ResourceId::new(id?),
            etag: etag.map(Etag::new),
            reason: "Google shows this event in a form that is not understood.".to_owned(),
        }),
    }
}

/// Reads an event. `None` only if it has no id.
///
/// A cancelled event is gone, unless it is an instance: then the occurrence is cancelled (whether
/// its series still lives, the caller knows).
pub fn read(event: &Event, setting: &Setting) -> Option<Seen<Google>> {
    let id = event.id.clone()?;
    let resource = ResourceId::new(id.clone());
    if event.is_cancelled() && event.recurring_event_id.is_none() {
        return Some(Seen::Gone { resource });
    }
    Some(match observe(event, &id, setting) {
        Ok(observation) => Seen::Present(Box::new(observation)),
        Err(why) => Seen::Unreadable {
            resource,
            etag: event.etag.clone().map(Etag::new),
            reason: format!("This Google event cannot be read: {why}."),
        },
    })
}

fn observe(event: &Event, id: &str, setting: &Setting) -> Result<Observation<Google>, String> {
    let mut remarks = Vec::new();
    let series = event.recurring_event_id.as_deref().unwrap_or(id);
    let (content, note) = match &event.recurring_event_id {
        Some(series) => (
            exception(event, id, setting, &mut remarks)?,
            Some(Note::Exception {
                series: series.clone(),
            }),
        ),
        None => master(event, setting, &mut remarks)?,
    };
    Ok(Observation {
        stamps: Vec::new(),
        written: None,
        resource: ResourceId::new(id),
        series: SeriesKey::new(series),
        uid: event
            .ical_uid
            .clone()
            .filter(|uid| !uid.is_empty())
            .map_or_else(|| ids::uid_of(series), Uid::new),
        etag: event.etag.clone().map(Etag::new),
        modified: event
            .updated
            .as_deref()
            .and_then(|text| text.parse::<Timestamp>().ok()),
        content,
        tag: event
            .extended_properties
            .as_ref()
            .and_then(|properties| properties.private.as_ref())
            .and_then(|properties| OriginTag::from_text(properties.get(TAG_PROPERTY)?)),
        access: access::access(event, setting),
        has_guests: access::has_guests(event, setting),
        note: note.and_then(|note| note.to_text()),
        remarks,
    })
}

fn exception(
    event: &Event,
    id: &str,
    setting: &Setting,
    remarks: &mut Vec<Remark>,
) -> Result<Content, String> {
    let original = match &event.original_start_time {
        Some(time) => match moment(time, setting, remarks)? {
            Moment::Day(date) => OriginalStart::Date(date),
            Moment::Time(at) => OriginalStart::At(at),
        },
        None => ids::original_from_id(id).ok_or("it does not say which occurrence it is")?,
    };
    let value = if event.is_cancelled() {
        OverrideValue::Cancelled
    } else {
        OverrideValue::Fields(Box::new(fields(event, setting, remarks)?))
    };
    Ok(Content::Exception { original, value })
}

fn master(
    event: &Event,
    setting: &Setting,
    remarks: &mut Vec<Remark>,
) -> Result<(Content, Option<Note>), String> {
    let mut fields = fields(event, setting, remarks)?;
    let mut overrides = BTreeMap::new();
    let mut note = None;
    if let Some(given) = event.recurrence.as_ref().filter(|lines| !lines.is_empty()) {
        let repeating = lines::read(given, &fields.when, &setting.floating())?;
        remarks.extend(repeating.remarks);
        fields.recurrence = repeating.recurrence;
        overrides.extend(
            repeating
                .cancelled
                .into_iter()
                .map(|id| (id, OverrideValue::Cancelled)),
        );
        note = Some(Note::Series {
            lines: given.clone(),
            when: fields.when.clone(),
        });
    }
    let series = Series {
        master: Some(fields),
        overrides,
    };
    Ok((Content::Series(Box::new(series)), note))
}

fn fields(event: &Event, setting: &Setting, remarks: &mut Vec<Remark>) -> Result<Fields, String> {
    if is_hidden(event, setting) {
        return Err("its details are hidden from this account".to_owned());
    }
    let start = moment(
        event.start.as_ref().ok_or("it has no start")?,
        setting,
        remarks,
    )?;
    let end = match &event.end {
        Some(end) if event.end_time_unspecified != Some(true) => {
            Some(moment(end, setting, remarks)?)
        }
        _ => None,
    };
    let when = match (start, end) {
        (Moment::Day(start), None) => When::all_day(start, None),
        (Moment::Day(start), Some(Moment::Day(end))) => When::all_day(start, Some(end)),
        (Moment::Time(start), None) => When::timed(start, None),
        (Moment::Time(start), Some(Moment::Time(end))) => When::timed(start, Some(end)),
        _ => return Err("its start and end are of different kinds".to_owned()),
    };
    let plain = |value: &Option<String>| Text::new(value.as_deref().unwrap_or_default());
    Ok(Fields {
        title: plain(&event.summary),
        description: event
            .description
            .as_deref()
            .map(text::read)
            .unwrap_or_default(),
        location: plain(&event.location),
        when,
        recurrence: None,
        status: match event.status.as_deref() {
            Some("tentative") => Status::Tentative,
            _ => Status::Confirmed,
        },
        transparency: match event.transparency.as_deref() {
            Some("transparent") => Transparency::Free,
            _ => Transparency::Busy,
        },
        sensitivity: match event.visibility.as_deref() {
            Some("private") => Sensitivity::Private,
            Some("confidential") => Sensitivity::Confidential,
            _ => Sensitivity::Public,
        },
        declined: access::declined(event, setting),
    })
}

/// Whether its texts are missing only because this account may not see them. Where busy times are
/// all that the account was ever shown, an event without texts is all there is.
fn is_hidden(event: &Event, setting: &Setting) -> bool {
    if setting.role == Some(AccessRole::FreeBusyReader) {
        return false;
    }
    let private = matches!(
        event.visibility.as_deref(),
        Some("private" | "confidential")
    );
    let blind = setting.role.is_some_and(|role| !role.sees_private());
    event.is_stripped() || (private && blind && event.summary.is_none())
}

fn moment(
    time: &EventTime,
    setting: &Setting,
    remarks: &mut Vec<Remark>,
) -> Result<Moment, String> {
    let (moment, unknown) = times::read(time, setting.zone.as_ref())?;
    if let Some(zone) = unknown {
        let zone: String = zone.chars().take(60).collect();
        let remark = Remark {
            code: "time_zone_unknown".to_owned(),
            detail: format!("The time zone {zone:?} is not known; the time is kept in UTC."),
        };
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    Ok(moment)
}
