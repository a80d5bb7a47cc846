//! How long an occurrence lasts: from the master's start and end to those of any occurrence.
//!
//! RFC 5545 section 3.8.5.3 keeps a DTEND's *exact* length and a DURATION's *nominal* one. The
//! model holds both as an end, and people mean the wall: a night from 22:00 to 06:00 ends at 06:00
//! in spring too. So a length is kept **on the wall** while start and end share a zone, in days
//! for whole days, and **exactly** where the wall has no say: zones that differ, a start inside a
//! gap, the second pass of a fold, and rules in hours, minutes or seconds, which run in elapsed
//! time.

use jiff::SignedDuration;
use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time};

use super::wall::{Wall, unmarked};
use crate::model::time::{LocalTime, Timestamp, When, Zone, ZoneName};

/// A master's length.
#[derive(Debug, Clone)]
pub(super) struct Length {
    on_wall: OnWall,
    /// The exact length.
    pub(super) exact: SignedDuration,
}

#[derive(Debug, Clone)]
enum OnWall {
    /// That many whole days.
    Days(i32),
    /// From wall time to wall time of one zone.
    Time(SignedDuration),
    /// The end has a zone of its own.
    Elsewhere { end_zone: Zone, floating: ZoneName },
}

/// A start that an end is wanted for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) wall: DateTime,
    pub(super) at: Timestamp,
    /// The exact length holds whatever the wall says.
    pub(super) exact: bool,
}

impl Length {
    pub(super) fn of(master: &When, floating: &ZoneName) -> Self {
        let (from, to) = master.instants(floating);
        let exact = to.duration_since(from);
        let on_wall = match master {
            When::AllDay { start, end } => {
                OnWall::Days(start.until(*end).map_or(1, |span| span.get_days()))
            }
            When::Timed { start, end } if start.zone == end.zone => {
                OnWall::Time(end.wall.duration_since(start.wall))
            }
            When::Timed { end, .. } => OnWall::Elsewhere {
                end_zone: end.zone.clone(),
                floating: floating.clone(),
            },
        };
        Self { on_wall, exact }
    }

    /// The longest an occurrence can take, in elapsed time: what a window has to look back.
    pub(super) fn at_most(&self, elapsed: bool) -> SignedDuration {
        let exact = self.exact.max(SignedDuration::ZERO);
        if elapsed {
            exact
        } else {
            exact + super::source::SLACK
        }
    }

    /// Start and end of the occurrence that starts at `start`.
    pub(super) fn when(&self, wall: &Wall, start: Start) -> When {
        match &self.on_wall {
            OnWall::Days(days) => {
                let date = start.wall.date();
                When::AllDay {
                    start: date,
                    end: date.checked_add(days.days()).unwrap_or(date),
                }
            }
            OnWall::Time(length) => {
                let from = wall.local(start.wall, start.at);
                let to = if length.is_zero() && self.exact.is_zero() {
                    from.clone()
                } else if start.exact {
                    self.exact_end(wall, start.at)
                } else {
                    let end = unmarked(start.wall).checked_add(*length);
                    LocalTime::new(end.unwrap_or(start.wall), from.zone.clone())
                };
                When::Timed {
                    start: from,
                    end: to,
                }
            }
            OnWall::Elsewhere { end_zone, floating } => {
                let end = start.at.checked_add(self.exact).unwrap_or(start.at);
                let there = Wall::of(
                    &When::Timed {
                        start: LocalTime::new(start.wall, end_zone.clone()),
                        end: LocalTime::new(start.wall, end_zone.clone()),
                    },
                    floating,
                );
                When::Timed {
                    start: wall.local(start.wall, start.at),
                    end: there.local(there.show(end), end),
                }
            }
        }
    }

    fn exact_end(&self, wall: &Wall, at: Timestamp) -> LocalTime {
        let end = at.checked_add(self.exact).unwrap_or(at);
        wall.local(wall.show(end), end)
    }

    /// When the occurrence that starts at `start` ends.
    pub(super) fn end(&self, wall: &Wall, start: Start) -> Timestamp {
        let exact = || start.at.checked_add(self.exact).unwrap_or(start.at);
        let nominal = match &self.on_wall {
            OnWall::Days(days) => start
                .wall
                .date()
                .checked_add(days.days())
                .ok()
                .and_then(|date| wall.cross(date.to_datetime(Time::midnight()))),
            OnWall::Time(length) if !start.exact => unmarked(start.wall)
                .checked_add(*length)
                .ok()
                .and_then(|end| wall.cross(end)),
            _ => None,
        };
        nominal.map_or_else(exact, |crossing| crossing.at)
    }
}
