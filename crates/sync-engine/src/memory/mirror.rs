//! One calendar as the store in memory mirrors it.

use std::collections::{BTreeMap, BTreeSet};

use crate::mirror::{CalendarState, MirrorState, Mirrored, Reading};
use crate::model::time::Timestamp;
use crate::model::{Etag, Family, ResourceId, SeriesKey, SideTag};
use crate::observation::{Observation, Seen};
use crate::ports::store::CalendarKey;

/// The family of mirrors: calendars by key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mirrors;

impl Family for Mirrors {
    type Of<S: SideTag> = BTreeMap<CalendarKey<S>, Mirror<S>>;
}

#[derive(Debug, Clone)]
pub(super) struct Mirror<S: SideTag> {
    pub(super) state: CalendarState<S>,
    pub(super) resources: BTreeMap<ResourceId<S>, Entry<S>>,
    /// Series that a resource left for another (or for being no event), and when.
    left: BTreeMap<SeriesKey<S>, u64>,
    pub(super) changes: u64,
}

impl<S: SideTag> Default for Mirror<S> {
    fn default() -> Self {
        Self {
            state: CalendarState::default(),
            resources: BTreeMap::new(),
            left: BTreeMap::new(),
            changes: 0,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Entry<S: SideTag> {
    pub(super) mirrored: Mirrored<S>,
    pub(super) etag: Option<Etag<S>>,
    pub(super) foreign: bool,
    /// A complete listing did not name it, and it was gone.
    pub(super) unlisted: bool,
}

impl<S: SideTag> Mirror<S> {
    pub(super) fn record(&mut self, reading: Reading<S>) {
        for seen in reading.seen {
            let unlisted = reading.unlisted.contains(seen.resource());
            self.take(seen, reading.at, reading.shown, unlisted);
        }
        for resource in reading.same {
            if let Some(entry) = self.resources.get_mut(&resource) {
                entry.mirrored.shown |= entry.mirrored.state != MirrorState::Gone;
            }
        }
        if let Some(end) = reading.end {
            self.state.cursor = end.cursor;
            self.state.read_at = Some(reading.at);
            if end.complete {
                self.state.listed_at = Some(reading.at);
            }
        }
        self.state.present = self
            .resources
            .values()
            .filter(|entry| entry.mirrored.state != MirrorState::Gone)
            .count() as u64;
    }

    fn take(&mut self, seen: Seen<S>, at: Timestamp, shown: bool, unlisted: bool) {
        let resource = seen.resource().clone();
        let etag = seen.etag().cloned();
        let before = self.resources.get(&resource);
        let (state, observation, foreign) = match seen {
            Seen::Present(observation) => (MirrorState::Present, Some(*observation), false),
            Seen::Unreadable { reason, .. } => (MirrorState::Unreadable(reason), None, false),
            Seen::Foreign { .. } => (MirrorState::Present, None, true),
            Seen::Gone { .. } if before.is_none() => return,
            Seen::Gone { .. } => (MirrorState::Gone, None, false),
        };
        let known = before.and_then(|entry| entry.mirrored.observation.clone());
        let gone = state == MirrorState::Gone;
        let observation: Option<Observation<S>> = observation.or(known);
        let same = before.is_some_and(|entry| {
            entry.mirrored.state == state
                && entry.etag == etag
                && entry.mirrored.observation == observation
        });
        if same {
            if let Some(entry) = self.resources.get_mut(&resource) {
                entry.mirrored.shown |= shown && !gone;
            }
            return;
        }
        self.changes += 1;
        let was_shown = before.is_some_and(|entry| {
            entry.mirrored.shown && (gone || entry.mirrored.state != MirrorState::Gone)
        });
        let series = observation.as_ref().map_or_else(
            || SeriesKey::new(resource.as_str()),
            |observation| observation.series.clone(),
        );
        if let Some(before) = before
            && (before.mirrored.series != series || foreign)
        {
            self.left
                .insert(before.mirrored.series.clone(), self.changes);
        }
        let mirrored = Mirrored {
            series,
            observation,
            state,
            shown: was_shown || (shown && !gone),
            since: at,
            change: self.changes,
        };
        self.resources.insert(
            resource,
            Entry {
                mirrored,
                etag,
                foreign,
                unlisted: unlisted && gone,
            },
        );
    }

    /// Resources that listings left out after this moment and whose series is gone.
    pub(super) fn absent(&self, after: Timestamp) -> Vec<(ResourceId<S>, Timestamp)> {
        let there: BTreeSet<&SeriesKey<S>> = self
            .resources
            .values()
            .filter(|entry| !entry.foreign && entry.mirrored.state != MirrorState::Gone)
            .map(|entry| &entry.mirrored.series)
            .collect();
        self.resources
            .iter()
            .filter(|(_, entry)| entry.unlisted && entry.mirrored.since > after)
            .filter(|(_, entry)| !there.contains(&entry.mirrored.series))
            .map(|(id, entry)| (id.clone(), entry.mirrored.since))
            .collect()
    }

    pub(super) fn changed(&self, since: u64, everything: bool) -> Vec<SeriesKey<S>> {
        let mut keys: Vec<_> = self
            .resources
            .values()
            .filter(|entry| !entry.foreign && (everything || entry.mirrored.change > since))
            .map(|entry| entry.mirrored.series.clone())
            .collect();
        let left = self.left.iter().filter(|(_, change)| **change > since);
        keys.extend(left.map(|(series, _)| series.clone()));
        keys.sort();
        keys.dedup();
        keys
    }
}
