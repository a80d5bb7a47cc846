//! `calendarList.*`: calendars as one account lists them, with sync tokens.

use serde_json::{Value, json};

use super::call::Body;
use super::error::ApiError;
use super::guard;
use super::merge;
use super::page::Pager;
use super::params::Params;
use super::state::{Core, ListEntry, Role, etag};
use super::token::{self, SyncToken};

/// One entry as an answer.
fn show(core: &Core, account: &str, entry: &ListEntry) -> Value {
    let role = core
        .accounts
        .get(account)
        .and_then(|account| account.access.get(&entry.calendar))
        .map_or(Role::None, |access| access.role);
    let mut out = json!({
        "kind": "calendar#calendarListEntry",
        "etag": etag(entry.updated),
        "id": entry.calendar,
        "accessRole": role.name(),
    });
    let Some(map) = out.as_object_mut() else {
        return Value::Null;
    };
    if entry.deleted {
        map.insert("deleted".into(), json!(true));
    }
    let Some(calendar) = core.calendars.get(&entry.calendar) else {
        map.insert("summary".into(), json!(""));
        return out;
    };
    map.insert("summary".into(), json!(calendar.summary));
    map.insert("timeZone".into(), json!(calendar.time_zone));
    map.insert("colorId".into(), json!(entry.color_id));
    map.insert("backgroundColor".into(), json!(entry.background));
    map.insert("foregroundColor".into(), json!(entry.foreground));
    map.insert("defaultReminders".into(), json!(entry.default_reminders));
    map.insert(
        "conferenceProperties".into(),
        json!({"allowedConferenceSolutionTypes": ["hangoutsMeet"]}),
    );
    for (name, value) in [
        ("description", &calendar.description),
        ("location", &calendar.location),
        ("summaryOverride", &entry.summary_override),
    ] {
        if let Some(text) = value {
            map.insert(name.into(), json!(text));
        }
    }
    for (name, value) in [
        ("primary", entry.primary),
        ("hidden", entry.hidden),
        ("selected", entry.selected),
    ] {
        if value {
            map.insert(name.into(), json!(true));
        }
    }
    out
}

/// `calendarList.list`.
pub(super) fn list(core: &Core, account: &str, params: &Params) -> Result<Value, ApiError> {
    let whose = core.accounts.get(account).ok_or_else(ApiError::not_found)?;
    let query = token::digest(&params.canonical(&[
        "pageToken",
        "syncToken",
        "minAccessRole",
        "showOwnOrganizationOnly",
    ]));
    let since = match params.text("syncToken") {
        Some(text) => {
            for name in ["minAccessRole", "showOwnOrganizationOnly"] {
                if params.text(name).is_some() {
                    return Err(ApiError::bad_request(format!(
                        "Sync token cannot be used with {name}."
                    ))
                    .at("parameter", name));
                }
            }
            let token = core.open_sync(text, "calendarList")?;
            if token.of != account {
                return Err(ApiError::full_sync_required());
            }
            if token.query != query && core.knobs.strict {
                return Err(ApiError::bad_request(
                    "The query is not that of the initial synchronization.",
                ));
            }
            Some(token.seq)
        }
        None => None,
    };
    let size = params.number("maxResults").unwrap_or(100);
    if size > 250 && core.knobs.max_results_refused {
        return Err(ApiError::parameter(
            "maxResults",
            "Invalid value for parameter maxResults.",
        ));
    }
    let pager = Pager::open(
        core.key,
        format!("calendarList/{account}"),
        token::digest(&params.canonical(&["pageToken"])),
        size.min(250).min(core.knobs.page_cap).max(1),
        whose.list_seq,
        params.text("pageToken"),
    )?;
    let items = whose
        .entries
        .values()
        .filter(|entry| since.is_none_or(|seq| entry.seq > seq))
        .map(|entry| ((0, entry.calendar.clone()), entry))
        .collect();
    let (page, next) = pager.cut(items);
    let least = params.text("minAccessRole");
    let shown: Vec<Value> = page
        .into_iter()
        .filter(|entry| {
            let delta = since.is_some();
            let role = whose
                .access
                .get(&entry.calendar)
                .map_or(Role::None, |access| access.role);
            (delta || !entry.deleted || params.flag("showDeleted") == Some(true))
                && (delta || !entry.hidden || params.flag("showHidden") == Some(true))
                && least.is_none_or(|name| role >= least_role(name))
        })
        .map(|entry| show(core, account, entry))
        .collect();
    let mut out = json!({
        "kind": "calendar#calendarList",
        "etag": format!("\"p{}\"", whose.list_seq),
        "items": shown,
    });
    if let Some(map) = out.as_object_mut() {
        if let Some(next) = next {
            map.insert("nextPageToken".into(), json!(next));
        } else if least.is_none() && params.text("showOwnOrganizationOnly").is_none() {
            let token = SyncToken {
                kind: "calendarList".to_owned(),
                of: account.to_owned(),
                generation: 0,
                epoch: 0,
                query,
                seq: pager.seq,
                issued: core.clock.now(),
                window: (None, None),
                expiry: core.token_expiries,
            };
            map.insert(
                "nextSyncToken".into(),
                json!(token::seal(&core.key, &token)),
            );
        }
    }
    Ok(out)
}

fn least_role(name: &str) -> Role {
    serde_json::from_value(json!(name)).unwrap_or(Role::None)
}

/// `calendarList.get`.
pub(super) fn get(core: &Core, account: &str, id: &str) -> Result<Value, ApiError> {
    let id = if id == "primary" { account } else { id };
    let entry = core
        .accounts
        .get(account)
        .and_then(|account| account.entries.get(id))
        .filter(|entry| !entry.deleted)
        .ok_or_else(ApiError::not_found)?;
    Ok(show(core, account, entry))
}

/// `calendarList.insert`: lists a calendar the account has access to.
pub(super) fn insert(core: &mut Core, account: &str, body: &Body) -> Result<Value, ApiError> {
    let id = body
        .get("id")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::required("Missing calendar id."))?
        .to_owned();
    let (id, _) = core.enter(account, &id)?;
    edit(core, account, &id, |entry| entry.deleted = false)?;
    change(core, account, &id, body, None)
}

/// `calendarList.patch` and `calendarList.update`.
pub(super) fn change(
    core: &mut Core,
    account: &str,
    id: &str,
    body: &Body,
    if_match: Option<&str>,
) -> Result<Value, ApiError> {
    let id = if id == "primary" { account } else { id };
    let before = get(core, account, id)?;
    if let (Some(given), Some(etag)) = (if_match, before.get("etag").and_then(Value::as_str)) {
        guard::match_etag(given, etag)?;
    }
    let mut merged = before.as_object().cloned().unwrap_or_default();
    merge::patch(&mut merged, body);
    let text = |name: &str| merged.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| merged.get(name).and_then(Value::as_bool).unwrap_or(false);
    edit(core, account, id, |entry| {
        entry.summary_override = text("summaryOverride");
        entry.hidden = flag("hidden");
        entry.selected = flag("selected");
        if let Some(color) = text("backgroundColor") {
            entry.background = color;
        }
        if let Some(color) = text("foregroundColor") {
            entry.foreground = color;
        }
        if let Some(color) = text("colorId") {
            entry.color_id = color;
        }
        if let Some(Value::Array(reminders)) = merged.get("defaultReminders") {
            entry.default_reminders.clone_from(reminders);
        }
    })?;
    get(core, account, id)
}

/// `calendarList.delete`: not one's own calendars.
pub(super) fn delete(core: &mut Core, account: &str, id: &str) -> Result<(), ApiError> {
    get(core, account, id)?;
    let (id, role) = core.enter(account, id)?;
    if role == Role::Owner {
        return Err(ApiError::new(
            403,
            "forbidden",
            "The owner of a calendar cannot remove it from the list.",
        ));
    }
    edit(core, account, &id, |entry| entry.deleted = true)
}

/// Changes an entry and its place in the list's change log.
pub(super) fn edit(
    core: &mut Core,
    account: &str,
    id: &str,
    change: impl FnOnce(&mut ListEntry),
) -> Result<(), ApiError> {
    let now = core.clock.tick(0);
    let account = core
        .accounts
        .get_mut(account)
        .ok_or_else(ApiError::not_found)?;
    let entry = account
        .entries
        .get_mut(id)
        .ok_or_else(ApiError::not_found)?;
    change(entry);
    account.list_seq += 1;
    entry.seq = account.list_seq;
    entry.updated = now;
    Ok(())
}
