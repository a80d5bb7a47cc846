//! Existing events: get, update, patch, delete, and the state machine of
//! instances. A write to a computed instance stores it as an exception.

use serde_json::{Value, json};

use super::call::{Body, Call};
use super::error::ApiError;
use super::knobs::CascadeTombstones;
use super::merge;
use super::series;
use super::state::{Core, Row, RowKind};
use super::{guard, ids, insert, validate};

/// An event addressed by id: a stored row, or a computed instance.
pub(super) struct Found {
    pub(super) row: Row,
    pub(super) stored: bool,
}

/// Looks an id up; 404 when there is no such row and no such occurrence.
pub(super) fn find(core: &Core, call: &Call<'_>, id: &str) -> Result<Found, ApiError> {
    let calendar = core.calendar(&call.calendar)?;
    let visible = |row: &&Row| row.visible_from <= core.requests || call.person;
    if let Some(row) = calendar.rows.get(id).filter(visible) {
        return Ok(Found {
            row: row.clone(),
            stored: true,
        });
    }
    let (base, original) = ids::split_instance(id).ok_or_else(ApiError::not_found)?;
    let master = calendar
        .rows
        .get(base)
        .filter(visible)
        .filter(|row| !row.cancelled)
        .ok_or_else(ApiError::not_found)?;
    let series = series::of(&master.body, &core.knobs).ok_or_else(ApiError::not_found)?;
    if !series.produces(original) {
        return Err(ApiError::not_found());
    }
    Ok(Found {
        row: series::materialise(master, original),
        stored: false,
    })
}

/// `events.get`.
pub(super) fn get(core: &Core, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    call.show(core, &find(core, call, id)?.row)
}

/// `events.delete`.
pub(super) fn delete(core: &mut Core, call: &Call<'_>, id: &str) -> Result<(), ApiError> {
    let found = find(core, call, id)?;
    if found.row.cancelled {
        return Err(ApiError::deleted());
    }
    guard::precondition(core, call, &found.row.etag())?;
    guard::mail(core, call, id, &found.row.body)?;
    cancel(core, call, found)?;
    Ok(())
}

/// `events.update`.
pub(super) fn update(
    core: &mut Core,
    call: &Call<'_>,
    id: &str,
    mut body: Body,
) -> Result<Value, ApiError> {
    let found = find(core, call, id)?;
    guard::precondition(core, call, &found.row.etag())?;
    merge::without_nulls(&mut body);
    guard::immutable(core, &body, &call.show(core, &found.row)?)?;
    let sequence = body.get("sequence").and_then(Value::as_i64);
    let sequence = sequence.or_else(|| core.knobs.put_sequence_zero.then_some(0));
    for kept in ["conferenceData", "attachments"] {
        // Without their version flags the body's are ignored and ours stay.
        keep_versioned(call, &mut body, &found.row.body, kept);
    }
    apply(core, call, found, body, sequence)
}

/// `events.patch`.
pub(super) fn patch(
    core: &mut Core,
    call: &Call<'_>,
    id: &str,
    change: &Body,
) -> Result<Value, ApiError> {
    let found = find(core, call, id)?;
    guard::precondition(core, call, &found.row.etag())?;
    guard::immutable(core, change, &call.show(core, &found.row)?)?;
    let sequence = change.get("sequence").and_then(Value::as_i64);
    let status = change.get("status").cloned();
    let mut body = found.row.body.clone();
    merge::patch(&mut body, change);
    body.remove("status");
    if let Some(status) = status {
        body.insert("status".into(), status);
    } else if !found.row.cancelled {
        // Only what the client says about the status counts below.
        if let Some(kept) = found.row.body.get("status") {
            body.insert("status".into(), kept.clone());
        }
    }
    for kept in ["conferenceData", "attachments"] {
        keep_versioned(call, &mut body, &found.row.body, kept);
    }
    apply(core, call, found, body, sequence)
}

fn keep_versioned(call: &Call<'_>, body: &mut Body, stored: &Body, name: &str) {
    let sent = match name {
        "conferenceData" => call.params.text("conferenceDataVersion") == Some("1"),
        _ => call.params.flag("supportsAttachments") == Some(true),
    };
    if !sent {
        match stored.get(name) {
            Some(value) => body.insert(name.to_owned(), value.clone()),
            None => body.remove(name),
        };
    }
}

/// Saves a whole new body, with the status it asks for.
fn apply(
    core: &mut Core,
    call: &Call<'_>,
    found: Found,
    mut body: Body,
    sequence: Option<i64>,
) -> Result<Value, ApiError> {
    let asked = insert::text(&body, "status");
    let row = &found.row;
    let id = row.id.clone();
    if asked.as_deref() == Some("cancelled") {
        if !row.cancelled {
            guard::mail(core, call, &id, &row.body)?;
            let row = cancel(core, call, found)?;
            return call.show(core, &row);
        }
        body.remove("status");
    }
    let revive = row.cancelled && matches!(asked.as_deref(), Some("confirmed" | "tentative"));
    if revive {
        may_revive(core, call, row)?;
    }
    if !body.contains_key("status") {
        let kept = row.body.get("status").cloned();
        body.insert("status".into(), kept.unwrap_or_else(|| json!("confirmed")));
    }
    let kept = ["conferenceData", "attachments"].map(|name| (name, body.get(name).cloned()));
    let exception = row.master().is_some();
    let mut stored = validate::event(insert::setting(core, call, exception), body)?;
    for (name, value) in kept {
        if let Some(value) = value {
            stored.insert(name.into(), value);
        }
    }
    for name in [
        "iCalUID",
        "eventType",
        "creator",
        "organizer",
        "locked",
        "privateCopy",
    ] {
        match row.body.get(name) {
            Some(value) => stored.insert(name.into(), value.clone()),
            None => stored.remove(name),
        };
    }
    let before = row
        .body
        .get("sequence")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let moved = times_changed(&row.body, &stored);
    stored.insert(
        "sequence".into(),
        json!(guard::sequence(sequence, before, moved)?),
    );
    guard::organizer(&call.calendar, row, &stored)?;
    guard::mail(core, call, &id, &stored)?;
    let row = save(core, call, found, stored, revive)?;
    call.show(core, &row)
}

/// Replaces an event by a re-import: no organizer check, deleted ones revive.
pub(super) fn replace(
    core: &mut Core,
    call: &Call<'_>,
    id: &str,
    mut stored: Body,
    sequence: Option<i64>,
) -> Result<Row, ApiError> {
    let found = find(core, call, id)?;
    let before = found.row.body.get("sequence").and_then(Value::as_i64);
    let moved = times_changed(&found.row.body, &stored);
    let sequence = guard::sequence(sequence, before.unwrap_or(0), moved)?;
    stored.insert("sequence".into(), json!(sequence));
    let revive = found.row.cancelled;
    save(core, call, found, stored, revive)
}

fn may_revive(core: &Core, call: &Call<'_>, row: &Row) -> Result<(), ApiError> {
    let forbidden = || ApiError::new(403, "forbidden", "Forbidden");
    if core.knobs.revive_forbidden && !call.person {
        return Err(forbidden());
    }
    let master = row
        .master()
        .and_then(|id| core.calendars.get(&call.calendar)?.rows.get(id));
    if master.is_some_and(|master| master.cancelled) {
        return Err(forbidden());
    }
    Ok(())
}

fn times_changed(before: &Body, after: &Body) -> bool {
    ["start", "end", "recurrence"]
        .iter()
        .any(|name| before.get(*name) != after.get(*name))
}

/// Writes a row, with what follows for etags, the change log and exceptions.
fn save(
    core: &mut Core,
    call: &Call<'_>,
    found: Found,
    body: Body,
    revive: bool,
) -> Result<Row, ApiError> {
    let before = found.row.body.clone();
    let same = before == body && !revive;
    if same && !core.knobs.noop_moves_etag {
        return Ok(found.row);
    }
    let quiet = !same && !revive && found.stored && only_reminders(&before, &body);
    let now = if quiet {
        found.row.updated
    } else {
        core.tick(&call.calendar)
    };
    let knobs = core.knobs.clone();
    let calendar = core.calendar_mut(&call.calendar)?;
    let id = found.row.id.clone();
    let mut row = found.row;
    row.body = body;
    if revive {
        row.cancelled = false;
        row.by_cascade = false;
    }
    if row.master().is_none() {
        row.kind = if row.body.contains_key("recurrence") {
            RowKind::Master
        } else {
            RowKind::Single
        };
    }
    if !found.stored {
        row.created = now;
    }
    let after = row.body.clone();
    let is_master = row.master().is_none();
    calendar.rows.insert(id.clone(), row);
    if quiet {
        calendar.bump(&id);
    } else {
        calendar.touch(&id, now);
    }
    if !found.stored
        && let Some(row) = calendar.rows.get_mut(&id)
    {
        row.first_seq = row.seq;
    }
    if is_master {
        let (old, new) = (series::of(&before, &knobs), series::of(&after, &knobs));
        if times_changed(&before, &after) {
            series::settle_exceptions(calendar, &id, old.as_ref(), new.as_ref(), &knobs, now);
        }
        for exception in calendar.exceptions_of(&id) {
            let cascade = calendar
                .rows
                .get(&exception)
                .is_some_and(|row| row.by_cascade);
            if revive && cascade && knobs.revive_restores_exceptions {
                if let Some(row) = calendar.rows.get_mut(&exception) {
                    row.cancelled = false;
                    row.by_cascade = false;
                }
                calendar.touch(&exception, now);
            } else if revive && call.person {
                // Out of the bin without its exceptions: they are holes now, and are told of, as are
                // those it had before. Whoever forgot the series learns of them only so.
                calendar.touch(&exception, now);
            } else if knobs.touch_exceptions && !quiet {
                calendar.touch(&exception, now);
            }
        }
    }
    calendar
        .rows
        .get(&id)
        .cloned()
        .ok_or_else(ApiError::not_found)
}

fn only_reminders(before: &Body, after: &Body) -> bool {
    let without = |body: &Body| {
        let mut body = body.clone();
        body.remove("reminders");
        body
    };
    without(before) == without(after)
}

/// Cancels a live event; of a master, its exceptions too.
fn cancel(core: &mut Core, call: &Call<'_>, found: Found) -> Result<Row, ApiError> {
    let now = core.tick(&call.calendar);
    let all = core.knobs.cascade_tombstones == CascadeTombstones::All;
    let calendar = core.calendar_mut(&call.calendar)?;
    let mut row = found.row;
    let id = row.id.clone();
    row.cancelled = true;
    if !found.stored {
        row.created = now;
    }
    calendar.rows.insert(id.clone(), row);
    calendar.touch(&id, now);
    if !found.stored
        && let Some(row) = calendar.rows.get_mut(&id)
    {
        row.first_seq = row.seq;
    }
    for exception in calendar.exceptions_of(&id) {
        if let Some(row) = calendar
            .rows
            .get_mut(&exception)
            .filter(|row| !row.cancelled)
        {
            row.cancelled = true;
            row.by_cascade = true;
            if all {
                calendar.touch(&exception, now);
            }
        }
    }
    calendar
        .rows
        .get(&id)
        .cloned()
        .ok_or_else(ApiError::not_found)
}

/// Whether a body's lines make it recur.
pub(super) fn recurs(row: &Row) -> bool {
    !validate::lines(&row.body).is_empty()
}
