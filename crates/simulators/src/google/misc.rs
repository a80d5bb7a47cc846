//! Small read-only methods: settings, colours, free/busy.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::call::Body;
use super::error::ApiError;
use super::page::Pager;
use super::params::Params;
use super::series;
use super::state::{Core, Row};
use super::times;
use super::token::{self, SyncToken};

fn setting(id: &str, value: &str) -> Value {
    json!({"kind": "calendar#setting", "etag": "\"0\"", "id": id, "value": value})
}

/// `settings.list`. Settings never change here, so every delta is empty.
pub(super) fn settings(core: &Core, account: &str, params: &Params) -> Result<Value, ApiError> {
    let whose = core.accounts.get(account).ok_or_else(ApiError::not_found)?;
    let query = token::digest(&params.canonical(&["pageToken", "syncToken"]));
    let delta = match params.text("syncToken") {
        Some(text) => {
            let token = core.open_sync(text, "settings")?;
            if token.of != account || token.query != query {
                return Err(ApiError::full_sync_required());
            }
            true
        }
        None => false,
    };
    let pager = Pager::open(
        core.key,
        format!("settings/{account}"),
        token::digest(&params.canonical(&["pageToken"])),
        params.number("maxResults").unwrap_or(100).clamp(1, 250),
        0,
        params.text("pageToken"),
    )?;
    let items = whose
        .settings
        .iter()
        .filter(|_| !delta)
        .map(|(id, value)| ((0, id.clone()), setting(id, value)))
        .collect();
    let (items, next) = pager.cut(items);
    let mut out = json!({"kind": "calendar#settings", "etag": "\"0\"", "items": items});
    if let Some(map) = out.as_object_mut() {
        if let Some(next) = next {
            map.insert("nextPageToken".into(), json!(next));
        } else {
            let token = SyncToken {
                kind: "settings".to_owned(),
                of: account.to_owned(),
                generation: 0,
                epoch: 0,
                query,
                seq: 0,
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

/// `settings.get`.
pub(super) fn one_setting(core: &Core, account: &str, id: &str) -> Result<Value, ApiError> {
    core.accounts
        .get(account)
        .and_then(|account| account.settings.get(id))
        .map(|value| setting(id, value))
        .ok_or_else(ApiError::not_found)
}

/// `colors.get`.
pub(super) fn colors() -> Value {
    let backgrounds = [
        "#a4bdfc", "#7ae7bf", "#dbadff", "#ff887c", "#fbd75b", "#ffb878", "#46d6db", "#e1e1e1",
        "#5484ed", "#51b749", "#dc2127",
    ];
    let palette: Map<String, Value> = backgrounds
        .iter()
        .enumerate()
        .map(|(index, color)| {
            let entry = json!({"background": color, "foreground": "#1d1d1d"});
            ((index + 1).to_string(), entry)
        })
        .collect();
    json!({
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": palette,
        "event": palette,
    })
}

/// `freebusy.query`.
pub(super) fn free_busy(core: &Core, account: &str, body: &Body) -> Result<Value, ApiError> {
    let instant = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .and_then(times::offset_time)
            .ok_or_else(|| ApiError::required(format!("Missing {name} parameter.")))
    };
    let (min, max) = (instant("timeMin")?, instant("timeMax")?);
    if max <= min {
        return Err(ApiError::time_range_empty());
    }
    let zone = match body.get("timeZone").and_then(Value::as_str) {
        Some(name) => times::zone(name).ok_or_else(|| ApiError::invalid("Invalid time zone."))?,
        None => TimeZone::UTC,
    };
    let mut calendars = Map::new();
    for item in body
        .get("items")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(id) = item.get("id").and_then(Value::as_str) else {
            continue;
        };
        let answer = match core.enter(account, id) {
            Ok((real, _)) => json!({"busy": busy(core, &real, min, max, &zone)?}),
            Err(_) => json!({
                "errors": [{"domain": "global", "reason": "notFound"}],
                "busy": [],
            }),
        };
        calendars.insert(id.to_owned(), answer);
    }
    Ok(json!({
        "kind": "calendar#freeBusy",
        "timeMin": times::with_offset(min, &zone),
        "timeMax": times::with_offset(max, &zone),
        "calendars": calendars,
    }))
}

fn busy(
    core: &Core,
    calendar: &str,
    min: Timestamp,
    max: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Value>, ApiError> {
    let calendar = core.calendar(calendar)?;
    let own = calendar.zone();
    let mut periods = Vec::new();
    let mut add = |row: &Row| {
        if let (Some(start), Some(end)) = (row.start(), row.end()) {
            let (start, end) = (start.instant(&own), end.instant(&own));
            if start < max && end > min {
                periods.push((start.max(min), end.min(max)));
            }
        }
    };
    for row in calendar.rows.values() {
        if row.cancelled || row.text("transparency") == Some("transparent") {
            continue;
        }
        let Some(series) = series::of(&row.body, &core.knobs) else {
            add(row);
            continue;
        };
        let last = series::bound(&series, max);
        for original in series.occurrences(last, series::OCCURRENCES_MAX) {
            let instance = series::materialise(row, original);
            if !calendar.rows.contains_key(&instance.id) {
                add(&instance);
            }
        }
    }
    periods.sort_unstable();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in periods {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    Ok(merged
        .into_iter()
        .map(|(start, end)| {
            json!({
                "start": times::with_offset(start, zone),
                "end": times::with_offset(end, zone),
            })
        })
        .collect())
}
