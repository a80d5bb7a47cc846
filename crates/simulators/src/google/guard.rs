//! What stands between a write and an existing event: preconditions, read-only
//! fields, sequence numbers, the organizer's rights, and the mail it would send.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::error::ApiError;
use super::log::MailEntry;
use super::state::{Core, Row};
use super::times;

/// Holds an If-Match header against an etag.
pub(super) fn precondition(core: &mut Core, call: &Call<'_>, etag: &str) -> Result<(), ApiError> {
    let Some(given) = call.if_match else {
        if core.knobs.require_if_match && !call.person {
            core.violations
                .push(format!("write without If-Match in {}", call.calendar));
            return Err(ApiError::new(
                428,
                "preconditionRequired",
                "This simulator wants an If-Match header on every write to an existing event.",
            ));
        }
        return Ok(());
    };
    match_etag(given, etag)
}

/// Compares one If-Match value with an etag.
pub(super) fn match_etag(given: &str, etag: &str) -> Result<(), ApiError> {
    let quoted = given.len() >= 2 && given.starts_with('"') && given.ends_with('"');
    if given == "*" || given == etag {
        Ok(())
    } else if quoted {
        Err(ApiError::condition_not_met())
    } else {
        Err(ApiError::invalid("Invalid If-Match header.").at("header", "If-Match"))
    }
}

/// Refuses changed read-only fields. `shown` is the event as last answered.
pub(super) fn immutable(
    core: &Core,
    body: &Map<String, Value>,
    shown: &Value,
) -> Result<(), ApiError> {
    if core.knobs.ignore_immutable || !core.knobs.strict {
        return Ok(());
    }
    for name in [
        "id",
        "iCalUID",
        "eventType",
        "recurringEventId",
        "originalStartTime",
        "created",
        "creator",
        "organizer",
        "privateCopy",
        "kind",
    ] {
        let Some(given) = body.get(name) else {
            continue;
        };
        let now = shown.get(name);
        let same = match name {
            "creator" | "organizer" => given.get("email") == now.and_then(|p| p.get("email")),
            "originalStartTime" => times::stored(Some(given)) == times::stored(now),
            // A bare tombstone does not show the rest: nothing to compare with.
            _ => now == Some(given) || now.is_none() && shown.get("created").is_none(),
        };
        if !same {
            return Err(ApiError::invalid(format!(
                "The field {name} cannot be changed."
            )));
        }
    }
    Ok(())
}

/// The sequence number after a write.
pub(super) fn sequence(
    given: Option<i64>,
    stored: i64,
    times_changed: bool,
) -> Result<i64, ApiError> {
    match given {
        Some(given) if given < stored => Err(ApiError::invalid(
            "Invalid sequence value. The specified sequence number is below the current \
             sequence number of the resource. Re-fetch the resource and use its sequence \
             number on the following request.",
        )),
        Some(given) if given > stored => Ok(given),
        _ => Ok(stored + i64::from(times_changed)),
    }
}

/// Fields of an event that is not one's own which may be changed all the same.
const OWN: [&str; 3] = ["reminders", "colorId", "sequence"];
/// Fields a locked event keeps.
const LOCKED: [&str; 6] = [
    "summary",
    "description",
    "location",
    "start",
    "end",
    "recurrence",
];

/// Refuses changes to shared fields by someone who is not the organizer.
pub(super) fn organizer(
    calendar: &str,
    row: &Row,
    after: &Map<String, Value>,
) -> Result<(), ApiError> {
    let locked = row.body.get("locked") == Some(&json!(true));
    let forbidden = || {
        ApiError::new(
            403,
            "forbiddenForNonOrganizer",
            "Shared properties can only be changed by the organizer of the event.",
        )
        .domain("calendar")
    };
    if locked
        && LOCKED
            .iter()
            .any(|name| row.body.get(*name) != after.get(*name))
    {
        return Err(forbidden());
    }
    let organizer = row
        .body
        .get("organizer")
        .and_then(|organizer| organizer.get("email"))
        .and_then(Value::as_str);
    let mine = organizer.is_none_or(|email| email == calendar);
    let guests = row.body.get("guestsCanModify") == Some(&json!(true));
    if mine || guests || shared(&row.body, calendar) == shared(after, calendar) {
        Ok(())
    } else {
        Err(forbidden())
    }
}

/// What of a body all guests see.
fn shared(body: &Map<String, Value>, calendar: &str) -> Map<String, Value> {
    let mut out = body.clone();
    for name in OWN {
        out.remove(name);
    }
    if let Some(Value::Object(properties)) = out.get_mut("extendedProperties") {
        properties.remove("private");
        if properties.is_empty() {
            out.remove("extendedProperties");
        }
    }
    if let Some(Value::Array(attendees)) = out.get_mut("attendees") {
        attendees.retain(|one| one.get("email").and_then(Value::as_str) != Some(calendar));
    }
    out
}

/// Writes the mail ledger for a write that leaves `body` behind.
pub(super) fn mail(
    core: &mut Core,
    call: &Call<'_>,
    event: &str,
    body: &Map<String, Value>,
) -> Result<(), ApiError> {
    let recipients: Vec<String> = body
        .get("attendees")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("email").and_then(Value::as_str))
        .filter(|email| *email != call.calendar)
        .map(str::to_owned)
        .collect();
    let updates = call
        .params
        .text("sendUpdates")
        .or_else(|| (call.params.flag("sendNotifications")?).then_some("all"))
        .unwrap_or("none")
        .to_owned();
    if recipients.is_empty() && updates == "none" {
        return Ok(());
    }
    let entry = MailEntry {
        at: core.clock.now(),
        account: call.account.to_owned(),
        calendar: call.calendar.clone(),
        event: event.to_owned(),
        send_updates: updates,
        recipients,
    };
    let refused = core.knobs.fail_on_mail && !call.person;
    if refused {
        core.violations
            .push(format!("mail for {} in {}", entry.event, entry.calendar));
    }
    core.mail.push(entry);
    if refused {
        return Err(ApiError::new(
            400,
            "mailRefused",
            "This simulator does not let mail go out.",
        ));
    }
    Ok(())
}
