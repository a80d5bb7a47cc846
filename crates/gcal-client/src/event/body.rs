//! A projected series → Google's JSON: whole for an insert or a revival, the changed core fields
//! for a PATCH. Attendees are in neither, ever.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sync_engine::identity::OriginTag;
use sync_engine::model::{
    Field, FieldSet, Fields, OverrideValue, RecurrenceId, Sensitivity, Series, Status, Text,
    Transparency, ZoneName,
};

use super::lines::{self, CannotHold};
use super::note::Note;
use super::{TAG_PROPERTY, text, times};

/// The fields of a request body.
pub type Body = Map<String, Value>;

/// The longest title and location Google is asked to take.
pub const LINE_LIMIT: usize = 1024;

/// The whole event, for an insert or a revival. `fields` is the master, or what stands alone.
///
/// # Errors
/// What the planner should have expanded.
pub fn whole(
    fields: &Fields,
    series: &Series,
    tag: &OriginTag,
    default_reminders: bool,
    floating: &ZoneName,
) -> Result<Body, CannotHold> {
    let (start, end) = times::write(&fields.when, floating, false);
    let mut body = Body::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("summary", cut(&fields.title).into());
    put("description", text::write(&fields.description).into());
    put("location", cut(&fields.location).into());
    put("start", start);
    put("end", end);
    if let Some(recurrence) = &fields.recurrence {
        let lines = lines::write(recurrence, &cancelled(series), &fields.when, floating)?;
        put("recurrence", lines.into());
    }
    put("status", status(fields.status).into());
    put("transparency", transparency(fields.transparency).into());
    put("visibility", visibility(fields.sensitivity).into());
    put("reminders", json!({"useDefault": default_reminders}));
    put("extendedProperties", tag_property(tag));
    Ok(body)
}

/// What an update writes of a component.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The values.
    pub fields: &'a Fields,
    /// Which of them.
    pub which: &'a FieldSet,
    /// For a master (or single event): the series it stands for, and what was known of its lines.
    pub master: Option<(&'a Series, Option<&'a Note>)>,
}

/// The fields of a PATCH.
///
/// # Errors
/// What the planner should have expanded.
pub fn changed(change: Change<'_>, floating: &ZoneName) -> Result<Body, CannotHold> {
    let Change {
        fields,
        which,
        master,
    } = change;
    let mut body = Body::new();
    for field in which {
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        match field {
            Field::Title => put("summary", cut(&fields.title).into()),
            Field::Description => put("description", text::write(&fields.description).into()),
            Field::Location => put("location", cut(&fields.location).into()),
            Field::Status => put("status", status(fields.status).into()),
            Field::Transparency => put("transparency", transparency(fields.transparency).into()),
            Field::Visibility => put("visibility", visibility(fields.sensitivity).into()),
            Field::When => {
                let (start, end) = times::write(&fields.when, floating, true);
                put("start", start);
                put("end", end);
                match master {
                    Some((series, note)) => match recurrence(fields, series, note, floating)? {
                        Some(value) => put("recurrence", value),
                        None => None,
                    },
                    None => None,
                }
            }
        };
    }
    Ok(body)
}

/// The `recurrence` of a master whose `when` changes; `None` leaves it as it stands.
fn recurrence(
    fields: &Fields,
    series: &Series,
    note: Option<&Note>,
    floating: &ZoneName,
) -> Result<Option<Value>, CannotHold> {
    let known = match note {
        Some(Note::Series { lines, when }) => lines::read(lines, when, floating)
            .ok()
            .map(|repeating| (lines, when, repeating)),
        _ => None,
    };
    let Some(wanted) = &fields.recurrence else {
        // A series becomes a single event; a single event stays one.
        return Ok(known.map(|_| Value::Null));
    };
    let mut out = cancelled(series);
    let Some((lines, when, repeating)) = known else {
        let lines = lines::write(wanted, &out, &fields.when, floating)?;
        return Ok(Some(lines.into()));
    };
    let same_start = anchor(when) == anchor(&fields.when);
    if same_start {
        // What stands out of the series stays out, unless something is to stand there.
        let stays = repeating
            .cancelled
            .iter()
            .filter(|id| !matches!(series.overrides.get(id), Some(OverrideValue::Fields(_))));
        out.extend(stays);
    }
    let same_rule = repeating.recurrence.as_ref() == Some(&wanted.normalized(&fields.when));
    if same_start && same_rule {
        return Ok((out != repeating.cancelled)
            .then(|| lines::with_exclusions(lines, &out, &fields.when, floating).into()));
    }
    let lines = lines::write(wanted, &out, &fields.when, floating)?;
    Ok(Some(lines.into()))
}

/// What recurrence ids hang on: the start, its zone, its kind.
fn anchor(when: &sync_engine::model::When) -> (Value, Option<&sync_engine::model::Zone>) {
    let (start, _) = times::write(when, &ZoneName::utc(), false);
    (start, when.zone())
}

/// The PATCH that takes an occurrence back into a series whose EXDATE had it out; `None` if it is
/// not out.
pub fn readmit(note: &Note, id: RecurrenceId, floating: &ZoneName) -> Option<Body> {
    let Note::Series { lines, when } = note else {
        return None;
    };
    let mut out = lines::read(lines, when, floating).ok()?.cancelled;
    if !out.remove(&id) {
        return None;
    }
    let lines = lines::with_exclusions(lines, &out, when, floating);
    let mut body = Body::new();
    body.insert("recurrence".to_owned(), lines.into());
    Some(body)
}

/// The PATCH that calls an occurrence off.
pub fn call_off() -> Body {
    let mut body = Body::new();
    body.insert("status".to_owned(), "cancelled".into());
    body
}

/// Puts an origin tag into a body.
pub fn put_tag(body: &mut Body, tag: &OriginTag) {
    body.insert("extendedProperties".to_owned(), tag_property(tag));
}

fn tag_property(tag: &OriginTag) -> Value {
    json!({"private": {TAG_PROPERTY: tag.to_text()}})
}

/// The occurrences that are called off.
fn cancelled(series: &Series) -> BTreeSet<RecurrenceId> {
    series
        .overrides
        .iter()
        .filter(|(_, value)| **value == OverrideValue::Cancelled)
        .map(|(id, _)| *id)
        .collect()
}

fn cut(text: &Text) -> String {
    text.as_str().chars().take(LINE_LIMIT).collect()
}

/// Never `cancelled`: at Google that deletes.
fn status(status: Status) -> &'static str {
    match status {
        Status::Tentative => "tentative",
        Status::Confirmed | Status::Cancelled => "confirmed",
    }
}

fn transparency(transparency: Transparency) -> &'static str {
    match transparency {
        Transparency::Busy => "opaque",
        Transparency::Free => "transparent",
    }
}

fn visibility(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Public => "default",
        Sensitivity::Private => "private",
        Sensitivity::Confidential => "confidential",
    }
}
