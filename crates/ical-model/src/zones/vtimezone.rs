//! A VTIMEZONE evaluated: which offset holds when.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use sync_engine::model::ZoneName;
use sync_engine::model::time::Timestamp;

use super::observance::{Observance, Onset, day_before};
use crate::component::Component;

/// Most observances and most RDATEs of one VTIMEZONE that are looked at.
const MAX_OBSERVANCES: usize = 100;
const MAX_DATES: usize = 500;

/// The rules a VTIMEZONE states.
#[derive(Debug, Clone, PartialEq)]
pub struct VTimezone {
    pub(super) observances: Vec<Observance>,
    /// X-LIC-LOCATION, where it names a zone.
    pub(super) hint: Option<ZoneName>,
}

impl VTimezone {
    /// Reads a VTIMEZONE. Observances without start or offset are left out.
    pub fn read(component: &Component<'_>) -> Self {
        let mut dates_left = MAX_DATES;
        let observances = component
            .components()
            .filter(|inner| inner.is("STANDARD") || inner.is("DAYLIGHT"))
            .filter_map(|inner| Observance::read(inner, &mut dates_left))
            .take(MAX_OBSERVANCES)
            .collect();
        Self {
            observances,
            hint: component
                .first("X-LIC-LOCATION")
                .and_then(|line| super::tzid::by_name(line.value().trim())),
        }
    }

    /// Whether it says anything.
    pub fn has_rules(&self) -> bool {
        !self.observances.is_empty()
    }

    pub(super) fn has_two_offsets(&self) -> bool {
        let mut offsets = self.observances.iter().map(|each| each.to);
        let first = offsets.next();
        offsets.any(|offset| Some(offset) != first)
    }

    /// The onsets of the years `first` to `last`, with what held before them, in order.
    pub(super) fn onsets(&self, first: i16, last: i16) -> Vec<Onset> {
        let mut onsets = Vec::new();
        for observance in &self.observances {
            observance.onsets(first, last, &mut onsets);
        }
        onsets.sort_by_key(|onset| onset.at);
        onsets
    }

    /// The instant of a wall time: in a gap the offset before it holds, in a fold the first pass.
    /// `None` without rules, and beyond the calendar's ends.
    pub fn instant(&self, wall: DateTime) -> Option<Timestamp> {
        let onsets = self.onsets(wall.year(), wall.year().saturating_add(1));
        let offsets = onsets.iter().flat_map(|onset| [onset.from, onset.to]);
        let meant = offsets
            .filter_map(|offset| {
                let at = offset.to_timestamp(wall).ok()?;
                (offset_at(&onsets, at)? == offset).then_some(at)
            })
            .min();
        meant.or_else(|| {
            let roughly = Offset::UTC.to_timestamp(wall).ok()?;
            offset_at(&onsets, day_before(roughly))?
                .to_timestamp(wall)
                .ok()
        })
    }
}

/// The offset at an instant, from onsets in order.
pub(super) fn offset_at(onsets: &[Onset], at: Timestamp) -> Option<Offset> {
    let after = onsets.partition_point(|onset| onset.at <= at);
    match after.checked_sub(1) {
        Some(last) => onsets.get(last).map(|onset| onset.to),
        None => onsets.first().map(|onset| onset.from),
    }
}
