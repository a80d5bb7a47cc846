//! Ben's hand at the simulated Google: finds an event by its title, as a person does, and edits it
//! there. Called by `world`.

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use serde_json::{Value, json};
use simulators::google::{Person, SimError};

use super::entry::{Entry, When, ZONE};
use super::life::Touch;

/// Does it; nothing where there is no such event.
pub(super) fn touch(person: Person<'_>, calendar: &str, touch: &Touch) -> Option<()> {
    let done = match touch {
        Touch::Make(entry) => person.insert(calendar, body(entry)?).map(|_| ()),
        Touch::Rename { titles, to } => {
            let id = find(person, calendar, titles)?;
            let body = json!({ "summary": to });
            person.patch(calendar, &id, body).map(|_| ())
        }
        Touch::MoveInstance {
            titles,
            original,
            start,
            minutes,
        } => {
            let series = find(person, calendar, titles)?;
            let id = instance(person, calendar, &series, *original)?;
            let body = times(*start, *minutes)?;
            person.patch(calendar, &id, body).map(|_| ())
        }
        Touch::Delete { titles } => person.delete(calendar, &find(person, calendar, titles)?),
    };
    said(done)
}

/// The event or series that bears one of these titles.
fn find(person: Person<'_>, calendar: &str, titles: &[String]) -> Option<String> {
    let listed = said(person.list(calendar, &[("maxResults", "2500")]))?;
    let found = listed.get("items")?.as_array()?.iter().find(|event| {
        let title = event.get("summary").and_then(Value::as_str);
        event.get("recurringEventId").is_none()
            && title.is_some_and(|title| titles.iter().any(|known| known == title))
    })?;
    found.get("id")?.as_str().map(str::to_owned)
}

/// The instance that the rule puts there.
fn instance(
    person: Person<'_>,
    calendar: &str,
    series: &str,
    original: DateTime,
) -> Option<String> {
    let wanted = original.in_tz(ZONE).ok()?.timestamp();
    let listed = said(person.instances(calendar, series, &[]))?;
    let found = listed.get("items")?.as_array()?.iter().find(|one| {
        one.pointer("/originalStartTime/dateTime")
            .and_then(Value::as_str)
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
            == Some(wanted)
    })?;
    found.get("id")?.as_str().map(str::to_owned)
}

fn body(entry: &Entry) -> Option<Value> {
    let When::Timed(start, minutes) = entry.when else {
        return None;
    };
    let mut body = times(start, minutes)?;
    let members = body.as_object_mut()?;
    members.insert("summary".to_owned(), json!(entry.summary));
    members.insert("location".to_owned(), json!(entry.location));
    Some(body)
}

fn times(start: DateTime, minutes: i64) -> Option<Value> {
    let end = start.checked_add(minutes.minutes()).ok()?;
    let at = |wall: DateTime| {
        let at = wall.in_tz(ZONE).ok()?.timestamp().to_string();
        Some(json!({ "dateTime": at, "timeZone": ZONE }))
    };
    Some(json!({ "start": at(start)?, "end": at(end)? }))
}

fn said<T>(answer: Result<T, SimError>) -> Option<T> {
    answer
        .inspect_err(|error| tracing::warn!(error = %error, "an edit at the simulated Google"))
        .ok()
}
