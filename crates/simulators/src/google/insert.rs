//! New events: `events.insert`, `events.import`, and planting one as the
//! test's hand of God. Changing existing ones is `change.rs`.

use serde_json::{Value, json};

use super::call::{Body, Call};
use super::error::ApiError;
use super::merge;
use super::state::{Core, Row, RowKind};
use super::validate::{self, Setting};
use super::{change, guard, ids};

/// Fields an insert may not bring in strict mode.
const SERVER_ONLY: [&str; 9] = [
    "created",
    "updated",
    "creator",
    "organizer",
    "htmlLink",
    "hangoutLink",
    "locked",
    "privateCopy",
    "etag",
];

/// `events.insert`.
pub(super) fn insert(core: &mut Core, call: &Call<'_>, mut body: Body) -> Result<Value, ApiError> {
    merge::without_nulls(&mut body);
    no_instance(core, &body)?;
    if core.knobs.strict {
        if let Some(name) = SERVER_ONLY.iter().find(|name| body.contains_key(**name)) {
            return Err(ApiError::invalid(format!(
                "The field {name} cannot be set."
            )));
        }
        if body.contains_key("id") && body.contains_key("iCalUID") {
            return Err(ApiError::bad_request(
                "Only one of id and iCalUID can be given.",
            ));
        }
        if body.get("status") == Some(&json!("cancelled")) {
            return Err(ApiError::invalid("Invalid value for: status"));
        }
    }
    let given = text(&body, "id");
    if let Some(id) = &given {
        if !ids::may_choose(id) {
            return Err(ApiError::invalid("Invalid resource id value."));
        }
        if core.calendar(&call.calendar)?.rows.contains_key(id) {
            return Err(ApiError::duplicate());
        }
    }
    event_type(core, call, &body)?;
    let uid = text(&body, "iCalUID");
    if let Some(uid) = &uid
        && core.knobs.duplicate_ical_uid_refused
        && by_uid(core, call, uid)?.is_some()
    {
        return Err(ApiError::duplicate());
    }
    let id = given.unwrap_or_else(|| ids::fresh_event(&mut core.dice));
    let mut stored = validate::event(setting(core, call, false), body)?;
    stored.insert(
        "iCalUID".into(),
        json!(uid.unwrap_or_else(|| format!("{id}@google.com"))),
    );
    owner(core, call, &mut stored)?;
    first_sequence(&mut stored)?;
    guard::mail(core, call, &id, &stored)?;
    let row = create(core, call, &id, stored)?;
    call.show(core, &row)
}

/// `events.import`: an upsert by iCalUID that never mails anyone.
pub(super) fn import(core: &mut Core, call: &Call<'_>, mut body: Body) -> Result<Value, ApiError> {
    merge::without_nulls(&mut body);
    no_instance(core, &body)?;
    let Some(uid) = text(&body, "iCalUID") else {
        return Err(ApiError::required("Missing iCalUID."));
    };
    if uid.is_empty() || uid.chars().any(char::is_control) {
        return Err(ApiError::invalid("Invalid iCalUID value."));
    }
    if body.get("eventType").is_some_and(|kind| kind != "default") {
        return Err(ApiError::invalid("Only default events can be imported."));
    }
    if core.knobs.strict && body.contains_key("id") {
        return Err(ApiError::invalid("The field id cannot be set."));
    }
    let organizer = body.get("organizer").cloned();
    let sequence = body.get("sequence").and_then(Value::as_i64);
    let mut stored = validate::event(setting(core, call, false), body)?;
    stored.insert("iCalUID".into(), json!(uid));
    owner(core, call, &mut stored)?;
    let email = organizer
        .as_ref()
        .and_then(|organizer| organizer.get("email"))
        .and_then(Value::as_str);
    if email != Some(call.calendar.as_str()) {
        let foreign = organizer
            .clone()
            .filter(|_| email.is_some())
            .unwrap_or_else(|| json!({"email": "unknownorganizer@calendar.google.com"}));
        stored.insert("organizer".into(), foreign);
        stored.insert("privateCopy".into(), json!(true));
    }
    let mut existing = by_uid(core, call, &uid)?;
    let id = ids::imported(&uid);
    if existing.is_none() && core.calendar(&call.calendar)?.rows.contains_key(&id) {
        existing = Some(id.clone());
    }
    let row = if let Some(id) = existing {
        change::replace(core, call, &id, stored, sequence)?
    } else {
        stored.entry("sequence").or_insert(json!(0));
        create(core, call, &id, stored)?
    };
    call.show(core, &row)
}

/// Puts an event into a calendar as it may exist there without the API ever
/// having made it: an invitation by someone else, `fromGmail`, `locked`, …
pub(super) fn plant(core: &mut Core, call: &Call<'_>, mut body: Body) -> Result<Value, ApiError> {
    merge::without_nulls(&mut body);
    let id = text(&body, "id").unwrap_or_else(|| ids::fresh_event(&mut core.dice));
    let uid = text(&body, "iCalUID").unwrap_or_else(|| format!("{id}@google.com"));
    let kept: Vec<(&str, Option<Value>)> = ["organizer", "creator", "locked", "privateCopy"]
        .into_iter()
        .map(|name| (name, body.get(name).cloned()))
        .collect();
    let mut stored = validate::event(setting(core, call, false), body)?;
    stored.insert("iCalUID".into(), json!(uid));
    owner(core, call, &mut stored)?;
    for (name, value) in kept {
        if let Some(value) = value {
            stored.insert(name.into(), value);
        }
    }
    first_sequence(&mut stored)?;
    let row = create(core, call, &id, stored)?;
    call.show(core, &row)
}

/// The conditions a body is checked under.
pub(super) fn setting<'c>(core: &'c Core, call: &Call<'_>, exception: bool) -> Setting<'c> {
    Setting {
        knobs: &core.knobs,
        exception,
        conference: call.params.text("conferenceDataVersion") == Some("1"),
        attachments: call.params.flag("supportsAttachments") == Some(true),
    }
}

pub(super) fn text(body: &Body, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// An insert or import never makes an instance of a series.
fn no_instance(core: &Core, body: &Body) -> Result<(), ApiError> {
    let asks = body.contains_key("recurringEventId") || body.contains_key("originalStartTime");
    if core.knobs.strict && asks {
        return Err(ApiError::invalid(
            "An instance cannot be inserted: write to its instance id.",
        ));
    }
    Ok(())
}

fn event_type(core: &Core, call: &Call<'_>, body: &Body) -> Result<(), ApiError> {
    let kind = text(body, "eventType").unwrap_or_else(|| "default".to_owned());
    let fine = match kind.as_str() {
        "default" => true,
        "birthday" => {
            let all_day = body.get("start").is_some_and(|t| t.get("date").is_some());
            let yearly = validate::lines(body)
                .iter()
                .any(|line| line.contains("FREQ=YEARLY"));
            all_day && yearly
        }
        "focusTime" | "outOfOffice" | "workingLocation" => {
            core.knobs.workspace && call.calendar == call.account
        }
        _ => false,
    };
    if fine {
        Ok(())
    } else {
        Err(ApiError::invalid(format!(
            "An event of type {kind} cannot be created here."
        )))
    }
}

/// The single or master event with an iCalUID.
fn by_uid(core: &Core, call: &Call<'_>, uid: &str) -> Result<Option<String>, ApiError> {
    Ok(core
        .calendar(&call.calendar)?
        .rows
        .values()
        .find(|row| row.master().is_none() && row.text("iCalUID") == Some(uid))
        .map(|row| row.id.clone()))
}

/// Creator, organizer and type of an event made here.
fn owner(core: &Core, call: &Call<'_>, body: &mut Body) -> Result<(), ApiError> {
    let calendar = core.calendar(&call.calendar)?;
    let mut organizer = json!({"email": calendar.id});
    if let Some(map) = organizer
        .as_object_mut()
        .filter(|_| calendar.id != calendar.owner)
    {
        map.insert("displayName".into(), json!(calendar.summary));
    }
    body.insert("creator".into(), json!({"email": call.account}));
    body.insert("organizer".into(), organizer);
    body.entry("eventType").or_insert(json!("default"));
    body.entry("status").or_insert(json!("confirmed"));
    Ok(())
}

fn first_sequence(body: &mut Body) -> Result<(), ApiError> {
    let sequence = body.entry("sequence").or_insert(json!(0));
    if sequence.as_i64().is_some_and(|n| n < 0) {
        return Err(ApiError::invalid("Invalid sequence value."));
    }
    Ok(())
}

fn create(core: &mut Core, call: &Call<'_>, id: &str, body: Body) -> Result<Row, ApiError> {
    if !call.person {
        core.use_creation(call.account)?;
    }
    let now = core.tick(&call.calendar);
    let invisible = if call.person {
        0
    } else {
        core.knobs.invisible_for
    };
    let visible_from = core.requests + invisible;
    if invisible > 0 {
        core.unborn
            .push((visible_from + 1, call.calendar.clone(), id.to_owned()));
    }
    let calendar = core.calendar_mut(&call.calendar)?;
    let kind = if body.contains_key("recurrence") {
        RowKind::Master
    } else {
        RowKind::Single
    };
    let row = Row {
        id: id.to_owned(),
        kind,
        body,
        cancelled: false,
        by_cascade: false,
        seq: 0,
        first_seq: 0,
        created: now,
        updated: now,
        visible_from: if invisible > 0 { visible_from + 1 } else { 0 },
    };
    calendar.rows.insert(id.to_owned(), row);
    calendar.touch(id, now);
    let row = calendar.rows.get_mut(id).ok_or_else(ApiError::not_found)?;
    row.first_seq = row.seq;
    Ok(row.clone())
}
