//! `events.instances`: the occurrences of one series, exceptions in place.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::Call;
use super::change;
use super::error::ApiError;
use super::list;
use super::page::Pager;
use super::series;
use super::state::{Core, Row, RowKind};
use super::times;
use super::{ids, token};

/// Answers `events.instances`.
pub(super) fn list(core: &Core, call: &Call<'_>, id: &str) -> Result<Value, ApiError> {
    let found = change::find(core, call, id)?;
    let params = call.params;
    let (min, max) = (params.instant("timeMin"), params.instant("timeMax"));
    if let (Some(min), Some(max)) = (min, max)
        && max <= min
    {
        return Err(ApiError::time_range_empty());
    }
    let show_deleted = params.flag("showDeleted") == Some(true);
    let calendar = core.calendar(&call.calendar)?;
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    if found.row.master().is_some() {
        rows.insert(found.row.id.clone(), found.row);
    } else {
        let master = found.row;
        if !change::recurs(&master) {
            return Err(ApiError::bad_request("The event is not a recurring event."));
        }
        let series = series::of(&master.body, &core.knobs).ok_or_else(ApiError::not_found)?;
        let last = max.map_or_else(
            || series::horizon(&series, core.clock.now(), &core.knobs),
            |max| series::bound(&series, max),
        );
        if !master.cancelled {
            for original in series.occurrences(last, series::OCCURRENCES_MAX) {
                let instance = series::materialise(&master, original);
                rows.insert(instance.id.clone(), instance);
            }
        }
        for exception in calendar.exceptions_of(&master.id) {
            if let Some(row) = calendar.rows.get(&exception) {
                rows.insert(exception, row.clone());
            }
        }
    }
    let wanted = original_start(call)?;
    let zone = calendar.zone();
    let pager = Pager::open(
        core.key,
        format!("instances/{}/{}/{id}", call.account, call.calendar),
        token::digest(&params.canonical(&["pageToken"])),
        list::page_size(core, call)?,
        calendar.seq,
        params.text("pageToken"),
    )?;
    let mut items = Vec::new();
    for row in rows.into_values() {
        let (Some(start), Some(end)) = (row.start(), row.end()) else {
            continue;
        };
        let RowKind::Exception { original, .. } = &row.kind else {
            continue;
        };
        let inside = min.is_none_or(|min| end.instant(&zone) >= min)
            && max.is_none_or(|max| start.instant(&zone) < max);
        let asked = wanted
            .as_deref()
            .is_none_or(|stamp| ids::stamp(*original) == stamp);
        if inside && asked && (show_deleted || !row.cancelled) {
            items.push(((start.instant(&zone).as_second(), row.id.clone()), row));
        }
    }
    let (page, next) = pager.cut(items);
    let view = call.view(core)?;
    let mut answer = list::header(core, call)?;
    if let Some(map) = answer.as_object_mut() {
        map.insert(
            "items".into(),
            page.iter().map(|row| view.row(row)).collect(),
        );
        if let Some(next) = next {
            map.insert("nextPageToken".into(), json!(next));
        }
    }
    Ok(answer)
}

/// The `originalStart` parameter as the stamp of an instance id.
fn original_start(call: &Call<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = call.params.text("originalStart") else {
        return Ok(None);
    };
    let moment = times::offset_time(text)
        .map(times::Moment::Instant)
        .or_else(|| text.parse().ok().map(times::Moment::Day))
        .ok_or_else(|| ApiError::parameter("originalStart", "Invalid original start."))?;
    Ok(Some(ids::stamp(moment)))
}
