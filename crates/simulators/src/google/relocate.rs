//! `events.move`: an event changes its calendar, and with it its organizer.

use serde_json::{Value, json};

use super::call::{Body, Call};
use super::change::{find, get};
use super::error::ApiError;
use super::guard;
use super::state::Core;

/// `events.move`: single and whole recurring events of the default type.
pub(super) fn relocate(core: &mut Core, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let destination = call.params.text("destination").unwrap_or_default();
    let (destination, _) = core.enter_to_write(call.account, destination)?;
    let found = find(core, call, id)?;
    if found.row.cancelled {
        return Err(ApiError::deleted());
    }
    guard::precondition(core, call, &found.row.etag())?;
    if found.row.master().is_some() {
        return Err(ApiError::new(
            400,
            "cannotChangeOrganizerOfInstance",
            "Cannot change the organizer of an instance.",
        )
        .domain("calendar"));
    }
    if destination == call.calendar || found.row.text("eventType") != Some("default") {
        return Err(ApiError::invalid("The event cannot be moved there."));
    }
    guard::organizer(&call.calendar, &found.row, &Body::new())?;
    guard::mail(core, call, id, &found.row.body)?;
    let now = core.tick(&call.calendar).max(core.tick(&destination));
    let source = core.calendar(&call.calendar)?;
    let mut moving = vec![found.row.clone()];
    for exception in source.exceptions_of(id) {
        moving.extend(source.rows.get(&exception).cloned());
    }
    let target = core.calendar(&destination)?;
    let taken = moving.iter().any(|row| {
        target
            .rows
            .get(&row.id)
            .is_some_and(|there| !there.cancelled)
    });
    if taken {
        return Err(ApiError::duplicate());
    }
    let organizer = json!({"email": destination});
    for mut row in moving {
        let id = row.id.clone();
        row.body.insert("organizer".into(), organizer.clone());
        let target = core.calendar_mut(&destination)?;
        target.rows.insert(id.clone(), row);
        target.touch(&id, now);
        if let Some(row) = target.rows.get_mut(&id) {
            row.first_seq = row.seq;
        }
        let source = core.calendar_mut(&call.calendar)?;
        if let Some(row) = source.rows.get_mut(&id) {
            row.cancelled = true;
        }
        source.touch(&id, now);
    }
    let there = Call {
        calendar: destination,
        ..call.clone()
    };
    let mut answer = get(core, &there, id)?;
    if let Some(map) = answer
        .as_object_mut()
        .filter(|_| core.knobs.move_answers_cancelled)
    {
        map.insert("status".into(), json!("cancelled"));
    }
    Ok(answer)
}
