//! Which occurrence is meant: between the ways sides write an original start (RECURRENCE-ID,
//! EXDATE, `originalStartTime`) and [`RecurrenceId`], the wall time or date in the master's zone.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::ExtraDate;
use super::length::{Length, Start};
use super::wall::{Wall, unmarked};
use crate::model::series::{Fields, RecurrenceId};
use crate::model::time::{LocalTime, When, ZoneName};

/// An original start as a side writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginalStart {
    /// A day.
    Date(Date),
    /// A wall time in some zone, not always the master's.
    At(LocalTime),
}

/// The id of the occurrence of `master` whose original start is `original`.
///
/// * A date on a timed master means that day's occurrence at the master's wall time; a date-time
///   on an all-day master means its date.
/// * A time in another zone or in UTC is converted to the master's wall; a floating one is read as
///   standing on it.
/// * A master's start inside a spring gap (02:30, shown as 03:30) has the id it has on the wall,
///   02:30, however a side writes the moment it falls on.
pub fn recurrence_id_in(
    master: &When,
    original: &OriginalStart,
    floating: &ZoneName,
) -> RecurrenceId {
    let wall = Wall::of(master, floating);
    let shown = match original {
        OriginalStart::Date(date) => return wall.id(wall.wall(RecurrenceId::Date(*date))),
        OriginalStart::At(time) => wall.read(time, floating),
    };
    wall.id(before_gap(&wall, shown).unwrap_or(shown))
}

/// The id of the occurrence that the start itself is.
pub fn first_id(start: &When) -> RecurrenceId {
    match start {
        When::AllDay { start, .. } => RecurrenceId::Date(*start),
        When::Timed { start, .. } => RecurrenceId::Wall(start.wall),
    }
}

/// The wall time inside a gap, at the master's time of day, that falls on the moment `shown` does.
fn before_gap(wall: &Wall, shown: DateTime) -> Option<DateTime> {
    if wall.is_all_day() || shown.time() == wall.start.time() {
        return None;
    }
    let at = wall.instant(shown)?;
    let day = shown.date();
    [Some(day), day.checked_sub(1.day()).ok()]
        .into_iter()
        .flatten()
        .map(|day| day.to_datetime(wall.start.time()))
        .find(|scheduled| {
            wall.cross(*scheduled)
                .is_some_and(|crossing| crossing.gap != 0 && crossing.at == at)
        })
}

/// The original start to write for an id: a date for whole days, else the wall time in the
/// master's zone (in UTC for the second pass of a fold, which no wall time names).
pub fn original_start(master: &When, id: RecurrenceId, floating: &ZoneName) -> OriginalStart {
    let wall = Wall::of(master, floating);
    let at = wall.wall(id);
    if wall.is_all_day() {
        return OriginalStart::Date(at.date());
    }
    OriginalStart::At(match wall.instant(at) {
        Some(instant) => wall.local(at, instant),
        None => wall.local(unmarked(at), jiff::Timestamp::MAX),
    })
}

/// Where the occurrence `id` of `master` takes place without an override: at its original start,
/// for the master's length (or that of its RDATE period).
///
/// It does not ask whether the rule gives that occurrence. A floating time counts as UTC where an
/// instant is needed, which is only for an end in another zone or a start inside a gap.
pub fn inherited_when(master: &Fields, id: RecurrenceId) -> When {
    let floating = ZoneName::utc();
    let wall = Wall::of(&master.when, &floating);
    let start = wall.wall(id);
    let Some(crossing) = wall.cross(start) else {
        return master.when.clone();
    };
    let at = wall.instant(start).unwrap_or(crossing.at);
    let second_pass = start != unmarked(start);

    let periods = master.recurrence.iter().flat_map(|rule| &rule.dates);
    let own_end = periods
        .filter_map(|date| match date {
            ExtraDate::Period { start: from, end } => Some((wall.read(from, &floating), end)),
            ExtraDate::Date(_) | ExtraDate::At(_) => None,
        })
        .find(|(from, _)| *from == start)
        .map(|(_, end)| end);
    if let Some(end) = own_end {
        return with_own_end(&wall, start, at, end);
    }
    let exact = second_pass
        || crossing.gap != 0
        || master
            .recurrence
            .iter()
            .any(super::Recurrence::is_sub_daily);
    let length = Length::of(&master.when, &floating);
    length.when(
        &wall,
        Start {
            wall: start,
            at,
            exact,
        },
    )
}

/// An occurrence that says itself when it ends.
pub(super) fn with_own_end(
    wall: &Wall,
    start: DateTime,
    at: jiff::Timestamp,
    end: &LocalTime,
) -> When {
    if wall.is_all_day() {
        When::all_day(start.date(), Some(end.wall.date()))
    } else {
        When::timed(wall.local(start, at), Some(end.clone()))
    }
}
