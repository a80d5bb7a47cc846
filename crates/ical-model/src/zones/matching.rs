//! Finding the IANA zone whose rules a VTIMEZONE states.

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use sync_engine::model::ZoneName;
use sync_engine::model::time::Timestamp;

use super::observance::{Onset, day_before};
use super::tzid::windows_targets;
use super::vtimezone::{VTimezone, offset_at};

/// Where several zones have the rules in question, the one most people live in is meant.
const PREFERRED: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Moscow",
    "Europe/Athens",
    "America/Sao_Paulo",
];

/// No zone changes its offset oftener than this within the years compared.
const MAX_CHANGES: usize = 200;

/// The event for whose time a VTIMEZONE's rules must agree with a zone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    start: Timestamp,
    repeats: bool,
}

impl Around {
    /// An event that begins at `start` on whatever wall, and repeats or not.
    pub fn new(start: DateTime, repeats: bool) -> Self {
        Self {
            start: Offset::UTC.to_timestamp(start).unwrap_or(Timestamp::MIN),
            repeats,
        }
    }

    pub(super) fn repeats(&self) -> bool {
        self.repeats
    }

    /// The stretches of time to compare, the most telling first: a year around a single event; ten
    /// years of one that repeats, or, as programs write the rules of the day, its first three.
    fn stretches(&self) -> Vec<(Timestamp, Timestamp)> {
        let days = |count: i64| {
            let length = (count * 24).hours();
            self.start.checked_add(length).unwrap_or(Timestamp::MAX)
        };
        let before = day_before(self.start);
        if self.repeats {
            vec![(before, days(3_653)), (before, days(1_096))]
        } else {
            vec![(days(-366), days(366))]
        }
    }
}

impl VTimezone {
    /// The zone with these rules: what X-LIC-LOCATION says if that agrees at least when the event
    /// begins, else the first zone that agrees throughout.
    pub(super) fn matching(&self, around: &Around) -> Option<ZoneName> {
        if let Some(hint) = &self.hint {
            let year = Offset::UTC.to_datetime(around.start).year();
            let own = offset_at(&self.onsets(year, year), around.start);
            // Rules change after a VTIMEZONE was written; the place it was written for does not.
            if own.is_none_or(|own| own == hint.rules().to_offset(around.start)) {
                return Some(hint.clone());
            }
        }
        if !self.has_rules() {
            return None;
        }
        let preferred = PREFERRED.iter().filter_map(|name| ZoneName::new(name));
        let candidates: Vec<ZoneName> = preferred
            .chain(windows_targets().cloned())
            .chain(ZoneName::all().filter(|zone| zone.as_str() != "Factory"))
            .collect();
        around.stretches().into_iter().find_map(|(from, to)| {
            let year = |at| Offset::UTC.to_datetime(at).year();
            let onsets = self.onsets(year(from), year(to));
            candidates
                .iter()
                .find(|zone| agree(&onsets, &zone.rules(), from, to))
                .cloned()
        })
    }
}

/// Whether `zone` has the same offsets as `onsets` say from `from` to `to`.
pub(super) fn agree(onsets: &[Onset], zone: &TimeZone, from: Timestamp, to: Timestamp) -> bool {
    let same = |at: Timestamp| offset_at(onsets, at) == Some(zone.to_offset(at));
    let within = |at: &Timestamp| *at > from && *at < to;
    same(from)
        && onsets.iter().map(|onset| onset.at).filter(within).all(same)
        && zone
            .following(from)
            .map(|change| change.timestamp())
            .take_while(|at| *at < to)
            .take(MAX_CHANGES)
            .all(same)
}
