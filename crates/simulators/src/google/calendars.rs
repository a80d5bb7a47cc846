//! `calendars.*`: the calendars themselves. How an account lists them is
//! `calendar_list.rs`.

use serde_json::{Value, json};

use super::call::Body;
use super::error::ApiError;
use super::guard;
use super::ids;
use super::merge;
use super::state::{Calendar, Core, Role, etag};
use super::times;

/// One calendar as an answer.
pub(super) fn show(calendar: &Calendar) -> Value {
    let mut out = json!({
        "kind": "calendar#calendar",
        "etag": etag(calendar.updated),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    });
    if let Some(map) = out.as_object_mut() {
        for (name, value) in [
            ("description", &calendar.description),
            ("location", &calendar.location),
        ] {
            if let Some(text) = value {
                map.insert(name.into(), json!(text));
            }
        }
    }
    out
}

/// `calendars.get`.
pub(super) fn get(core: &Core, account: &str, id: &str) -> Result<Value, ApiError> {
    let (id, _) = core.enter(account, id)?;
    Ok(show(core.calendar(&id)?))
}

/// `calendars.insert`.
pub(super) fn insert(core: &mut Core, account: &str, body: &Body) -> Result<Value, ApiError> {
    let summary = body
        .get("summary")
        .and_then(Value::as_str)
        .filter(|summary| !summary.is_empty())
        .ok_or_else(|| ApiError::required("Missing title."))?
        .to_owned();
    core.use_creation(account)?;
    let id = ids::fresh_calendar(&mut core.dice);
    core.make_calendar(&id, &summary, "UTC", account);
    core.list_calendar(account, &id, Role::Owner, "#9fe1e7");
    fields(core, &id, body)?;
    Ok(show(core.calendar(&id)?))
}

/// `calendars.patch` and `calendars.update`.
pub(super) fn change(
    core: &mut Core,
    account: &str,
    id: &str,
    body: &Body,
    whole: bool,
    if_match: Option<&str>,
) -> Result<Value, ApiError> {
    let (id, role) = core.enter(account, id)?;
    if role != Role::Owner {
        return Err(ApiError::access_level());
    }
    if let Some(given) = if_match {
        guard::match_etag(given, &etag(core.calendar(&id)?.updated))?;
    }
    if whole && body.get("summary").and_then(Value::as_str).is_none() {
        return Err(ApiError::required("Missing title."));
    }
    let mut merged = Body::new();
    if !whole {
        let calendar = core.calendar(&id)?;
        merged.insert("description".into(), json!(calendar.description));
        merged.insert("location".into(), json!(calendar.location));
    }
    merge::patch(&mut merged, body);
    fields(core, &id, &merged)?;
    Ok(show(core.calendar(&id)?))
}

fn fields(core: &mut Core, id: &str, body: &Body) -> Result<(), ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let zone = text("timeZone");
    if zone
        .as_deref()
        .is_some_and(|zone| times::zone(zone).is_none())
    {
        return Err(ApiError::invalid("Invalid time zone."));
    }
    let now = core.tick(id);
    let calendar = core.calendar_mut(id)?;
    let before = show(calendar);
    if let Some(summary) = text("summary") {
        calendar.summary = summary;
    }
    if let Some(zone) = zone {
        calendar.time_zone = zone;
    }
    calendar.description = text("description");
    calendar.location = text("location");
    // A change of nothing keeps the etag.
    if before != show(calendar) {
        calendar.updated = now;
    }
    Ok(())
}

/// `calendars.delete`: secondary calendars only.
pub(super) fn delete(core: &mut Core, account: &str, id: &str) -> Result<(), ApiError> {
    let (id, role) = core.enter(account, id)?;
    if role != Role::Owner {
        return Err(ApiError::access_level());
    }
    if core.accounts.contains_key(&id) {
        return Err(ApiError::new(
            403,
            "forbidden",
            "A primary calendar cannot be deleted.",
        ));
    }
    core.calendars.remove(&id);
    for account in core.accounts.values_mut() {
        account.access.remove(&id);
        if let Some(entry) = account.entries.get_mut(&id) {
            account.list_seq += 1;
            entry.deleted = true;
            entry.seq = account.list_seq;
        }
    }
    Ok(())
}

/// `calendars.clear`: primary calendars only.
pub(super) fn clear(core: &mut Core, account: &str, id: &str) -> Result<(), ApiError> {
    let (id, role) = core.enter(account, id)?;
    if role != Role::Owner {
        return Err(ApiError::access_level());
    }
    if !core.accounts.contains_key(&id) {
        return Err(ApiError::invalid("Only primary calendars can be cleared."));
    }
    let now = core.tick(&id);
    let calendar = core.calendar_mut(&id)?;
    let live: Vec<String> = calendar
        .rows
        .values()
        .filter(|row| !row.cancelled)
        .map(|row| row.id.clone())
        .collect();
    for event in live {
        if let Some(row) = calendar.rows.get_mut(&event) {
            row.cancelled = true;
        }
        calendar.touch(&event, now);
    }
    Ok(())
}
