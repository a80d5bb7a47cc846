//! `events.list`: full and incremental, with every refusal that syncing brings.
//! Reads the state, changes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::change;
use super::clock::{rfc3339_millis, shuffle_rank};
use super::error::ApiError;
use super::knobs::{MalformedToken, WindowedDelta};
use super::page::{Pager, Place};
use super::render::View;
use super::series;
use super::state::{Calendar, Core, Row, RowKind};
use super::times::Moment;
use super::token::{self, SyncToken};

/// Parameters that a request with a sync token may not have.
const NOT_WITH_TOKEN: [&str; 8] = [
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
];
const DAY_MS: i64 = 24 * 3600 * 1000;

/// One thing in the order before filtering.
enum Item {
    Stored(String),
    Instance(String, Moment),
}

/// What the query asks for, read once.
struct Query {
    show_deleted: bool,
    single: bool,
    min: Option<Timestamp>,
    max: Option<Timestamp>,
    updated_min: Option<i64>,
    by_start: bool,
    by_updated: bool,
    token: Option<SyncToken>,
}

/// Answers `events.list`.
pub(super) fn list(core: &Core, call: &Call<'_>) -> Result<Value, ApiError> {
    let query = read(core, call)?;
    let calendar = core.calendar(&call.calendar)?;
    let pager = Pager::open(
        core.key,
        format!("events/{}/{}", call.account, call.calendar),
        token::digest(&call.params.canonical(&["pageToken"])),
        page_size(core, call)?,
        calendar.seq,
        call.params.text("pageToken"),
    )?;
    let since = query.token.as_ref().map_or(0, |token| token.seq);
    let mut items = Vec::new();
    for row in calendar.rows.values() {
        let hidden = row.visible_from > core.requests && !call.person;
        let too_new =
            !pager.is_first() && row.first_seq > pager.seq && !core.knobs.paging_shows_new;
        if hidden || too_new || row.seq <= since {
            continue;
        }
        place(core, calendar, &query, row, pager.seq, &mut items);
    }
    let (page, next) = pager.cut(items);
    let view = call.view(core)?;
    let mut shown = Vec::new();
    for item in page {
        match item {
            Item::Stored(id) => {
                if let Some(row) = calendar.rows.get(&id)
                    && wanted(core, call, &query, row)
                {
                    shown.push(view.row(row));
                }
            }
            Item::Instance(master, original) => {
                if let Some(row) = calendar.rows.get(&master) {
                    let instance = series::materialise(row, original);
                    if wanted(core, call, &query, &instance) {
                        shown.push(instance_value(&view, row, original));
                    }
                }
            }
        }
    }
    let mut answer = header(core, call)?;
    if let Some(map) = answer.as_object_mut() {
        map.insert("items".into(), Value::Array(shown));
        if let Some(next) = next {
            map.insert("nextPageToken".into(), json!(next));
        } else if let Some(token) = next_sync(core, call, &query, pager.seq) {
            map.insert("nextSyncToken".into(), json!(token));
        }
    }
    Ok(answer)
}

fn instance_value(view: &View<'_>, master: &Row, original: Moment) -> Value {
    if master.cancelled {
        view.gone_instance(master, original)
    } else {
        view.instance(master, original)
    }
}

/// The part of an answer that describes the calendar.
pub(super) fn header(core: &Core, call: &Call<'_>) -> Result<Value, ApiError> {
    let calendar = core.calendar(&call.calendar)?;
    let reminders = core
        .accounts
        .get(call.account)
        .and_then(|account| account.entries.get(&call.calendar))
        .map(|entry| entry.default_reminders.clone())
        .unwrap_or_default();
    let zone = call.params.text("timeZone").unwrap_or(&calendar.time_zone);
    let mut out = json!({
        "kind": "calendar#events",
        "etag": format!("\"p{}\"", calendar.last_updated),
        "summary": calendar.summary,
        "updated": rfc3339_millis(calendar.last_updated),
        "timeZone": zone,
        "accessRole": call.role.name(),
        "defaultReminders": reminders,
    });
    if let (Some(text), Some(map)) = (&calendar.description, out.as_object_mut()) {
        map.insert("description".into(), json!(text));
    }
    Ok(out)
}

/// The size of a page: 250 unless asked, at most 2500.
pub(super) fn page_size(core: &Core, call: &Call<'_>) -> Result<usize, ApiError> {
    let asked = call.params.number("maxResults").unwrap_or(250);
    if asked > 2500 && core.knobs.max_results_refused {
        return Err(ApiError::parameter(
            "maxResults",
            "Invalid value for parameter maxResults.",
        ));
    }
    Ok(asked.min(2500).min(core.knobs.page_cap).max(1))
}

fn read(core: &Core, call: &Call<'_>) -> Result<Query, ApiError> {
    let params = call.params;
    let single = params.flag("singleEvents") == Some(true);
    let order = params.text("orderBy");
    if order == Some("startTime") && !single {
        return Err(ApiError::bad_request(
            "The requested ordering is not available for the particular query.",
        ));
    }
    let min = params.instant("timeMin");
    let max = params.instant("timeMax");
    if let (Some(min), Some(max)) = (min, max)
        && max <= min
    {
        return Err(ApiError::time_range_empty());
    }
    let updated_min = params.instant("updatedMin").map(Timestamp::as_millisecond);
    if updated_min.is_some_and(|at| at < core.clock.now() - 28 * DAY_MS) {
        return Err(ApiError::new(
            410,
            "updatedMinTooLongAgo",
            "The requested minimum modification time lies too far in the past.",
        )
        .domain("calendar")
        .at("parameter", "updatedMin"));
    }
    let constraints = ["privateExtendedProperty", "sharedExtendedProperty"];
    for constraint in constraints.iter().flat_map(|name| params.all(name)) {
        if !constraint.contains('=') {
            return Err(ApiError::invalid("Invalid extended property constraint."));
        }
    }
    let token = match params.text("syncToken") {
        Some(text) => Some(sync_token(core, call, text)?),
        None => None,
    };
    Ok(Query {
        show_deleted: params.flag("showDeleted") == Some(true),
        single,
        min,
        max,
        updated_min,
        by_start: order == Some("startTime"),
        by_updated: order == Some("updated"),
        token,
    })
}

/// What must be the same in every request of a sync.
fn sync_query(call: &Call<'_>) -> String {
    let mut without = vec!["pageToken", "syncToken"];
    without.extend(NOT_WITH_TOKEN);
    if call.params.flag("showDeleted") == Some(false) {
        without.push("showDeleted");
    }
    token::digest(&call.params.canonical(&without))
}

/// Holds a sync token against what it was issued for.
fn sync_token(core: &Core, call: &Call<'_>, text: &str) -> Result<SyncToken, ApiError> {
    let clash = NOT_WITH_TOKEN
        .iter()
        .find(|name| call.params.text(name).is_some());
    if let Some(name) = clash {
        return Err(
            ApiError::bad_request(format!("Sync token cannot be used with {name}."))
                .at("parameter", *name),
        );
    }
    if call.params.flag("showDeleted") == Some(false) {
        return Err(
            ApiError::bad_request("Sync token cannot be used with showDeleted=false.")
                .at("parameter", "showDeleted"),
        );
    }
    let token = core.open_sync(text, "events")?;
    let gone = ApiError::full_sync_required;
    let calendar = core.calendar(&call.calendar)?;
    let epoch = core
        .accounts
        .get(call.account)
        .and_then(|account| account.access.get(&call.calendar))
        .map_or(0, |access| access.epoch);
    let of = format!("{}/{}", call.account, call.calendar);
    if token.of != of
        || token.generation != calendar.generation
        || token.epoch != epoch
        || token.seq < calendar.purged_to
    {
        return Err(gone());
    }
    if token.query != sync_query(call) && core.knobs.strict {
        return Err(ApiError::bad_request(
            "The query is not that of the initial synchronization.",
        ));
    }
    Ok(token)
}

impl Core {
    /// Opens a sync token of a collection and checks its age.
    pub(super) fn open_sync(&self, text: &str, kind: &str) -> Result<SyncToken, ApiError> {
        let Some(token) = token::open::<SyncToken>(&self.key, text) else {
            return Err(match self.knobs.malformed_token {
                MalformedToken::Gone => ApiError::full_sync_required(),
                MalformedToken::BadRequest => {
                    ApiError::invalid("Invalid sync token value.").at("parameter", "syncToken")
                }
            });
        };
        let age = self.clock.now() - token.issued;
        let fresh = age <= self.knobs.token_ttl.saturating_mul(1000);
        if token.kind == kind && fresh && token.expiry == self.token_expiries {
            Ok(token)
        } else {
            Err(ApiError::full_sync_required())
        }
    }
}

/// The sync token of the last page; `None` for queries that cannot be synced.
fn next_sync(core: &Core, call: &Call<'_>, query: &Query, seq: u64) -> Option<String> {
    let unsyncable = ["iCalUID", "orderBy", "privateExtendedProperty", "q"]
        .iter()
        .chain(&["sharedExtendedProperty", "updatedMin"])
        .any(|name| call.params.text(name).is_some());
    if unsyncable {
        return None;
    }
    let window = |name: &str| call.params.text(name).map(str::to_owned);
    let calendar = core.calendars.get(&call.calendar)?;
    let epoch = core
        .accounts
        .get(call.account)?
        .access
        .get(&call.calendar)?
        .epoch;
    let token = SyncToken {
        kind: "events".to_owned(),
        of: format!("{}/{}", call.account, call.calendar),
        generation: calendar.generation,
        epoch,
        query: sync_query(call),
        seq,
        issued: core.clock.now(),
        window: query.token.as_ref().map_or_else(
            || (window("timeMin"), window("timeMax")),
            |t| t.window.clone(),
        ),
        expiry: core.token_expiries,
    };
    Some(token::seal(&core.key, &token))
}

/// Puts a row, or the instances it stands for, into the order.
fn place(
    core: &Core,
    calendar: &Calendar,
    query: &Query,
    row: &Row,
    salt: u64,
    out: &mut Vec<(Place, Item)>,
) {
    let spot = |id: &str, start: Timestamp| -> Place {
        let rank = if query.by_start {
            start.as_second()
        } else if query.by_updated {
            row.updated
        } else {
            i64::try_from(shuffle_rank(core.seed ^ salt, id) >> 1).unwrap_or(0)
        };
        (rank, id.to_owned())
    };
    let zone = jiff::tz::TimeZone::UTC;
    let start = row
        .start()
        .map_or(Timestamp::UNIX_EPOCH, |start| start.instant(&zone));
    if !query.single || !change::recurs(row) {
        out.push((spot(&row.id, start), Item::Stored(row.id.clone())));
        return;
    }
    let Some(series) = series::of(&row.body, &core.knobs) else {
        return;
    };
    // Masters do not appear in a single-events list, deleted ones only by
    // their instances in a delta.
    if row.cancelled && query.token.is_none() {
        return;
    }
    let stored: BTreeSet<Moment> = calendar
        .rows
        .values()
        .filter_map(|other| match &other.kind {
            RowKind::Exception { master, original } if *master == row.id => Some(*original),
            _ => None,
        })
        .collect();
    let last = query.max.map_or_else(
        || series::horizon(&series, core.clock.now(), &core.knobs),
        |max| series::bound(&series, max),
    );
    for original in series.occurrences(last, series::OCCURRENCES_MAX) {
        if !stored.contains(&original) {
            let id = super::ids::instance(&row.id, original);
            let start = original.instant(&zone);
            out.push((spot(&id, start), Item::Instance(row.id.clone(), original)));
        }
    }
}

/// The filters, which come after the page is cut.
fn wanted(core: &Core, call: &Call<'_>, query: &Query, row: &Row) -> bool {
    let delta = query.token.is_some();
    if row.cancelled {
        let hole = !query.single && !query.show_deleted && is_hole(core, call, row);
        if !(query.show_deleted || delta || query.updated_min.is_some() || hole) {
            return false;
        }
        if query.single && row.master().is_none() && change::recurs(row) {
            return false;
        }
        if delta {
            return true;
        }
    }
    if query.updated_min.is_some_and(|min| row.updated < min) {
        return false;
    }
    let window = match &query.token {
        Some(token) if core.knobs.windowed_delta == WindowedDelta::Filtered => (
            token
                .window
                .0
                .as_deref()
                .and_then(super::times::offset_time),
            token
                .window
                .1
                .as_deref()
                .and_then(super::times::offset_time),
        ),
        Some(_) => (None, None),
        None => (query.min, query.max),
    };
    in_window(core, call, row, window) && matches(call, row)
}

/// A cancelled instance of a live series.
fn is_hole(core: &Core, call: &Call<'_>, row: &Row) -> bool {
    row.master().is_some_and(|master| {
        core.calendars
            .get(&call.calendar)
            .and_then(|calendar| calendar.rows.get(master))
            .is_some_and(|master| !master.cancelled)
    })
}

fn in_window(
    core: &Core,
    call: &Call<'_>,
    row: &Row,
    (min, max): (Option<Timestamp>, Option<Timestamp>),
) -> bool {
    if min.is_none() && max.is_none() {
        return true;
    }
    let Some(calendar) = core.calendars.get(&call.calendar) else {
        return false;
    };
    let zone = calendar.zone();
    let (Some(start), Some(end)) = (row.start(), row.end()) else {
        return false;
    };
    let overlaps = |start: Moment, end: Moment| {
        let end = end.instant(&zone);
        let start = start.instant(&zone);
        min.is_none_or(|min| end > min) && max.is_none_or(|max| start < max)
    };
    let length = super::times::Length::between(start, end);
    match (series::of(&row.body, &core.knobs), length) {
        (Some(series), Some(length)) => {
            let last = max.map_or_else(
                || series::horizon(&series, core.clock.now(), &core.knobs),
                |max| series::bound(&series, max),
            );
            series
                .occurrences(last, series::OCCURRENCES_MAX)
                .into_iter()
                .any(|start| overlaps(start, length.after(start)))
        }
        _ => overlaps(start, end),
    }
}

/// `q`, `iCalUID`, `eventTypes` and the extended property constraints.
fn matches(call: &Call<'_>, row: &Row) -> bool {
    let params = call.params;
    if params
        .text("iCalUID")
        .is_some_and(|uid| row.text("iCalUID") != Some(uid))
    {
        return false;
    }
    let types = params.all("eventTypes");
    let kind = row.text("eventType").unwrap_or("default");
    if !types.is_empty() && !types.iter().any(|one| one == kind) {
        return false;
    }
    if let Some(q) = params.text("q") {
        let q = q.to_lowercase();
        let found = ["summary", "description", "location"]
            .iter()
            .filter_map(|name| row.text(name))
            .any(|text| text.to_lowercase().contains(&q));
        if !found {
            return false;
        }
    }
    [
        ("private", "privateExtendedProperty"),
        ("shared", "sharedExtendedProperty"),
    ]
    .into_iter()
    .all(|(group, name)| {
        params.all(name).iter().all(|constraint| {
            constraint.split_once('=').is_some_and(|(key, value)| {
                row.body
                    .get("extendedProperties")
                    .and_then(|properties| properties.get(group)?.get(key))
                    .and_then(Value::as_str)
                    == Some(value)
            })
        })
    })
}
