//! The master's wall: one zone looked up once, and the crossing between its wall times and
//! instants. Everything in expansion crosses here.
//!
//! **The second pass of a fold.** A rule in hours has occurrences in both passes of the hour that
//! an autumn repeats, and both show the same wall time. A [`RecurrenceId`] is a wall time, so the
//! second pass is told apart by a nanosecond added to it: no written time has one, order is kept,
//! and whoever drops it names the first pass, as RFC 5545 section 3.3.5 reads such a time.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::series::RecurrenceId;
use crate::model::time::{LocalTime, Timestamp, When, Zone, ZoneName};

/// A master's start, its zone, and its zone's rules.
#[derive(Debug, Clone)]
pub(super) struct Wall {
    rules: TimeZone,
    /// `None` for whole days.
    zone: Option<Zone>,
    /// The start on the wall; midnight for whole days.
    pub(super) start: DateTime,
}

/// What a wall time is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossing {
    /// The instant.
    pub(super) at: Timestamp,
    /// By how many seconds a gap moved it; 0 outside of gaps.
    pub(super) gap: i32,
}

impl Wall {
    pub(super) fn of(master: &When, floating: &ZoneName) -> Self {
        match master {
            When::AllDay { start, .. } => Self {
                rules: floating.rules(),
                zone: None,
                start: start.to_datetime(Time::midnight()),
            },
            When::Timed { start, .. } => Self {
                rules: start.zone.name_or(floating).rules(),
                zone: Some(start.zone.clone()),
                start: start.wall,
            },
        }
    }

    pub(super) fn is_all_day(&self) -> bool {
        self.zone.is_none()
    }

    pub(super) fn is_floating(&self) -> bool {
        self.zone == Some(Zone::Floating)
    }

    /// The instant of a wall time; `None` at the calendar's ends.
    pub(super) fn cross(&self, wall: DateTime) -> Option<Crossing> {
        let wall = unmarked(wall);
        let ambiguous = self.rules.to_ambiguous_timestamp(wall);
        let gap = match ambiguous.offset() {
            AmbiguousOffset::Gap { before, after } => after.seconds() - before.seconds(),
            _ => 0,
        };
        let at = ambiguous.compatible().ok()?;
        Some(Crossing { at, gap })
    }

    /// The start's instant; the last one there is for a start beyond it.
    pub(super) fn start_at(&self) -> Timestamp {
        self.cross(self.start)
            .map_or(Timestamp::MAX, |crossing| crossing.at)
    }

    /// The instant of a wall time that may carry the second pass's mark.
    pub(super) fn instant(&self, wall: DateTime) -> Option<Timestamp> {
        if wall == unmarked(wall) {
            return self.cross(wall).map(|crossing| crossing.at);
        }
        self.latest(unmarked(wall))
    }

    /// The last instant a wall time names: the second pass where there are two.
    pub(super) fn latest(&self, wall: DateTime) -> Option<Timestamp> {
        let ambiguous = self.rules.to_ambiguous_timestamp(wall);
        match ambiguous.offset() {
            AmbiguousOffset::Fold { .. } => ambiguous.later().ok(),
            _ => ambiguous.compatible().ok(),
        }
    }

    /// The wall time at an instant, marked in the second pass of a fold.
    pub(super) fn show(&self, at: Timestamp) -> DateTime {
        let wall = self.plain(at);
        match self.cross(wall) {
            Some(crossing) if crossing.at != at => marked(wall),
            _ => wall,
        }
    }

    /// The wall time at an instant, as the clock shows it.
    pub(super) fn plain(&self, at: Timestamp) -> DateTime {
        self.rules.to_datetime(at)
    }

    /// A wall time of this wall as a time that can be written.
    pub(super) fn local(&self, wall: DateTime, at: Timestamp) -> LocalTime {
        if wall == unmarked(wall) {
            LocalTime::new(wall, self.zone.clone().unwrap_or(Zone::Floating))
        } else {
            LocalTime::utc(at)
        }
    }

    /// A time given in any zone, on this wall. Floating times are read as this wall's.
    pub(super) fn read(&self, time: &LocalTime, floating: &ZoneName) -> DateTime {
        match (&time.zone, &self.zone) {
            (_, None) => time.wall.date().to_datetime(Time::midnight()),
            (own, Some(zone)) if own == zone || *own == Zone::Floating => time.wall,
            _ => self.show(time.instant(floating)),
        }
    }

    /// The instant of a time given in any zone.
    pub(super) fn end_of(&self, time: &LocalTime, floating: &ZoneName) -> Option<Timestamp> {
        self.instant(self.read(time, floating))
    }

    pub(super) fn id(&self, wall: DateTime) -> RecurrenceId {
        if self.is_all_day() {
            RecurrenceId::Date(wall.date())
        } else {
            RecurrenceId::Wall(wall)
        }
    }

    /// The wall time an id stands for.
    pub(super) fn wall(&self, id: RecurrenceId) -> DateTime {
        match id {
            RecurrenceId::Date(date) => date.to_datetime(self.start.time()),
            RecurrenceId::Wall(wall) if self.is_all_day() => {
                wall.date().to_datetime(Time::midnight())
            }
            RecurrenceId::Wall(wall) => wall,
        }
    }
}

fn marked(wall: DateTime) -> DateTime {
    wall.with().subsec_nanosecond(1).build().unwrap_or(wall)
}

/// The wall time without the second pass's mark.
pub(super) fn unmarked(wall: DateTime) -> DateTime {
    if wall.subsec_nanosecond() == 0 {
        return wall;
    }
    wall.with().subsec_nanosecond(0).build().unwrap_or(wall)
}
