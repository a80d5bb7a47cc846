//! Masters and their instances: the occurrences of a master row, computed
//! instances, and what a changed rule does to stored exceptions.

use jiff::{Span, Timestamp};
use serde_json::{Map, Value};

use super::expand::Series;
use super::knobs::{ExceptionPolicy, Knobs};
use super::state::{Calendar, Row, RowKind};
use super::times::{self, Length, Moment};
use super::{ids, rule, validate};

/// Most occurrences computed for one answer.
pub(super) const OCCURRENCES_MAX: usize = 20_000;

/// The series a stored body describes; `None` for a single event.
pub(super) fn of(body: &Map<String, Value>, knobs: &Knobs) -> Option<Series> {
    let lines = validate::lines(body);
    if lines.is_empty() {
        return None;
    }
    let start = times::stored(body.get("start"))?;
    let zone = body
        .get("start")
        .and_then(|time| time.get("timeZone"))
        .and_then(Value::as_str)
        .and_then(times::zone)
        .unwrap_or(jiff::tz::TimeZone::UTC);
    // Stored lines were accepted once; a knob turned since must not break them.
    let lenient = Knobs {
        allow_exrule: true,
        lax_exdate: true,
        ..knobs.clone()
    };
    let lines = rule::parse(&lines, start, &lenient).ok()?;
    Some(Series { start, zone, lines })
}

/// How far a series is expanded when the request sets no end: the whole of a
/// finite one, some years from now of an endless one.
pub(super) fn horizon(series: &Series, now: i64, knobs: &Knobs) -> Moment {
    let finite = series
        .lines
        .rule
        .as_ref()
        .is_none_or(|rule| rule.count.is_some() || rule.until.is_some());
    let years = if finite { 200 } else { knobs.horizon_years };
    let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let from = series.start.instant(&series.zone).max(now);
    let last = from
        .to_zoned(series.zone.clone())
        .checked_add(Span::new().try_years(years).unwrap_or_default())
        .map_or(from, |zoned| zoned.timestamp());
    bound(series, last)
}

/// An instant as a bound on a series' original starts.
pub(super) fn bound(series: &Series, last: Timestamp) -> Moment {
    if series.start.is_day() {
        Moment::Day(series.zone.to_datetime(last).date())
    } else {
        Moment::Instant(last)
    }
}

/// The row an occurrence would have if it were stored: the master's fields, its
/// own times, the master's etag.
pub(super) fn materialise(master: &Row, original: Moment) -> Row {
    let mut body = master.body.clone();
    body.remove("recurrence");
    if let (Some(start), Some(end)) = (master.start(), master.end())
        && let Some(length) = Length::between(start, end)
    {
        for (edge, moment) in [("start", original), ("end", length.after(original))] {
            let zone = master
                .body
                .get(edge)
                .and_then(|time| time.get("timeZone"))
                .and_then(Value::as_str);
            body.insert(edge.into(), times::store(moment, zone));
        }
    }
    Row {
        id: ids::instance(&master.id, original),
        kind: RowKind::Exception {
            master: master.id.clone(),
            original,
        },
        body,
        cancelled: master.cancelled,
        // An exception that is hidden for a while would never be told of: only its master enters
        // the change log when it comes into sight.
        visible_from: 0,
        ..master.clone()
    }
}

/// After a master's times or rule changed: what becomes of its exceptions.
/// `now` is the instant of the write.
pub(super) fn settle_exceptions(
    calendar: &mut Calendar,
    master: &str,
    before: Option<&Series>,
    after: Option<&Series>,
    knobs: &Knobs,
    now: i64,
) {
    for id in calendar.exceptions_of(master) {
        let Some(row) = calendar.rows.get(&id) else {
            continue;
        };
        let RowKind::Exception { original, .. } = row.kind else {
            continue;
        };
        if after.is_some_and(|series| series.produces(original)) {
            continue;
        }
        match knobs.exception_policy {
            ExceptionPolicy::Keep => {}
            ExceptionPolicy::Drop => cancel(calendar, &id, now),
            ExceptionPolicy::Shift => {
                if let Some(moved) = shifted(original, before, after) {
                    rekey(calendar, &id, master, moved, now);
                }
            }
        }
    }
}

fn cancel(calendar: &mut Calendar, id: &str, now: i64) {
    if let Some(row) = calendar.rows.get_mut(id).filter(|row| !row.cancelled) {
        row.cancelled = true;
        calendar.touch(id, now);
    }
}

/// The original start after the series moved to another time of the same day.
fn shifted(original: Moment, before: Option<&Series>, after: Option<&Series>) -> Option<Moment> {
    let (before, after) = (before?, after?);
    if original.is_day() || after.start.is_day() || before.start.is_day() {
        return None;
    }
    let day = original.civil(&before.zone).date();
    let time = after.start.civil(&after.zone).time();
    let moved = Moment::Instant(after.zone.to_timestamp(day.to_datetime(time)).ok()?);
    after.produces(moved).then_some(moved)
}

/// Gives an exception its new id; the old id stays behind as a tombstone.
fn rekey(calendar: &mut Calendar, old: &str, master: &str, original: Moment, now: i64) {
    let Some(row) = calendar.rows.get(old).cloned() else {
        return;
    };
    let new = ids::instance(master, original);
    if calendar.rows.contains_key(&new) {
        return;
    }
    let moved = Row {
        id: new.clone(),
        kind: RowKind::Exception {
            master: master.to_owned(),
            original,
        },
        ..row
    };
    calendar.rows.insert(new.clone(), moved);
    calendar.touch(&new, now);
    if let Some(row) = calendar.rows.get_mut(&new) {
        row.first_seq = row.seq;
    }
    if let Some(row) = calendar.rows.get_mut(old) {
        row.cancelled = true;
    }
    calendar.touch(old, now);
}
