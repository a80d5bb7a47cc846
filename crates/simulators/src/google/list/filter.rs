//! The filters of `events.list`, which come after the page is cut.

use jiff::Timestamp;
use serde_json::Value;

use super::Query;
use crate::google::call::Call;
use crate::google::change;
use crate::google::knobs::WindowedDelta;
use crate::google::series;
use crate::google::state::{Core, Row};
use crate::google::times::{self, Moment};

/// Whether a row that was cut out belongs into the answer.
pub(super) fn wanted(core: &Core, call: &Call<'_>, query: &Query, row: &Row) -> bool {
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
            token.window.0.as_deref().and_then(times::offset_time),
            token.window.1.as_deref().and_then(times::offset_time),
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
    let length = times::Length::between(start, end);
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
