//! `events.list`: full and incremental, with every refusal that syncing brings.
//! Reads the state, changes nothing. Sync tokens are in `list/sync.rs`, the
//! filters in `list/filter.rs`.

mod filter;
mod sync;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::change;
use super::clock::{rfc3339_millis, shuffle_rank};
use super::error::ApiError;
use super::page::{Pager, Place};
use super::render::View;
use super::series;
use super::state::{Calendar, Core, Row, RowKind};
use super::times::Moment;
use super::token::{self, SyncToken};

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
                    && filter::wanted(core, call, &query, row)
                {
                    shown.push(view.row(row));
                }
            }
            Item::Instance(master, original) => {
                if let Some(row) = calendar.rows.get(&master) {
                    let instance = series::materialise(row, original);
                    if filter::wanted(core, call, &query, &instance) {
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
        } else if let Some(token) = sync::next(core, call, &query, pager.seq) {
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
        Some(text) => Some(sync::open(core, call, text)?),
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
