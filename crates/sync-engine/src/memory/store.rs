//! A store in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::lock;
use super::mirror::{Entry, Mirror, Mirrors};
use crate::guard::Held;
use crate::mirror::{CalendarState, MirrorState, Mirrored, Reading};
use crate::model::time::Timestamp;
use crate::model::{
    Both, Caldav, Google, MappingId, PlanId, ResourceId, RunId, SeriesKey, SideTag, Uid,
};
use crate::observation::Observation;
use crate::ports::store::{
    CalendarKey, ChangeSet, Claim, Intent, MappingState, Marks, RowChange, Settlement, Store,
    Versions,
};
use crate::report::RunReport;
use crate::row::{Row, RowKey};

/// Nothing can go wrong in memory but what a test wants to go wrong.
#[derive(Debug, thiserror::Error)]
#[error("the store was told to fail")]
pub struct MemoryError;

/// A store in memory. Cloning it takes a snapshot, as a crash would leave it.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Clone, Default)]
struct State {
    calendars: Both<Mirrors>,
    mappings: BTreeMap<MappingId, MappingData>,
    reports: Vec<RunReport>,
    /// Fails when it reaches zero: a crash between two steps.
    fuse: Option<u32>,
}

#[derive(Debug, Clone, Default)]
struct MappingData {
    rows: BTreeMap<RowKey, Row>,
    intents: Vec<Intent>,
    marks: Marks,
    state: MappingState,
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        let state = State {
            fuse: None,
            ..lock(&self.0).clone()
        };
        Self(Mutex::new(state))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next `steps` writes succeed and every later one fail: a crash at a chosen point.
    pub fn break_after(&self, steps: u32) {
        lock(&self.0).fuse = Some(steps);
    }

    /// Reports of finished runs, oldest first.
    pub fn reports(&self) -> Vec<RunReport> {
        lock(&self.0).reports.clone()
    }

    /// What the guard holds back for a mapping.
    pub fn held(&self, mapping: &MappingId) -> Option<Held> {
        lock(&self.0).mappings.get(mapping)?.state.held.clone()
    }

    /// A person approves exactly this plan.
    pub fn approve(&self, mapping: &MappingId, plan: PlanId) {
        if let Some(data) = lock(&self.0).mappings.get_mut(mapping) {
            data.state.approved = Some(plan);
        }
    }

    /// A mapping's rows.
    pub fn rows_of(&self, mapping: &MappingId) -> Vec<Row> {
        lock(&self.0)
            .mappings
            .get(mapping)
            .map(|data| data.rows.values().cloned().collect())
            .unwrap_or_default()
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, MemoryError> {
        let mut state = lock(&self.0);
        match &mut state.fuse {
            Some(0) => return Err(MemoryError),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(change(&mut state))
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.0))
    }
}

impl State {
    fn mirror<S: SideTag>(&self, calendar: &CalendarKey<S>) -> Option<&Mirror<S>> {
        self.calendars.get::<S>().get(calendar)
    }

    fn observations<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
    ) -> impl Iterator<Item = (&Entry<S>, &Observation<S>)> {
        self.mirror(calendar)
            .into_iter()
            .flat_map(|mirror| mirror.resources.values())
            .filter(|entry| !entry.foreign)
            .filter_map(|entry| Some((entry, entry.mirrored.observation.as_ref()?)))
    }
}

impl Store for MemoryStore {
    type Error = MemoryError;

    async fn calendar<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
    ) -> Result<CalendarState<S>, MemoryError> {
        Ok(self.read(|state| {
            state
                .mirror(calendar)
                .map(|mirror| mirror.state.clone())
                .unwrap_or_default()
        }))
    }

    async fn versions<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        only: Option<&[ResourceId<S>]>,
    ) -> Result<Versions<S>, MemoryError> {
        Ok(self.read(|state| {
            let Some(mirror) = state.mirror(calendar) else {
                return Versions::new();
            };
            mirror
                .resources
                .iter()
                .filter(|(id, entry)| {
                    entry.mirrored.state != MirrorState::Gone
                        && only.is_none_or(|only| only.contains(id))
                })
                .map(|(id, entry)| (id.clone(), entry.etag.clone()))
                .collect()
        }))
    }

    async fn record<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        reading: Reading<S>,
    ) -> Result<(), MemoryError> {
        self.write(|state| {
            state
                .calendars
                .get_mut::<S>()
                .entry(calendar.clone())
                .or_default()
                .record(reading);
        })
    }

    async fn mirrored<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        series: &[SeriesKey<S>],
    ) -> Result<Vec<Mirrored<S>>, MemoryError> {
        Ok(self.read(|state| {
            let wanted: std::collections::BTreeSet<_> = series.iter().collect();
            state
                .mirror(calendar)
                .into_iter()
                .flat_map(|mirror| mirror.resources.values())
                .filter(|entry| !entry.foreign && wanted.contains(&entry.mirrored.series))
                .map(|entry| entry.mirrored.clone())
                .collect()
        }))
    }

    async fn series_by_uid<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> Result<Vec<(Uid, SeriesKey<S>)>, MemoryError> {
        Ok(self.read(|state| {
            state
                .observations(calendar)
                .filter(|(entry, observation)| {
                    entry.mirrored.state != MirrorState::Gone && uids.contains(&observation.uid)
                })
                .map(|(entry, observation)| {
                    (observation.uid.clone(), entry.mirrored.series.clone())
                })
                .collect()
        }))
    }

    async fn series_by_origin<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uid_hashes: &[String],
    ) -> Result<Vec<(String, SeriesKey<S>)>, MemoryError> {
        Ok(self.read(|state| {
            state
                .observations(calendar)
                .filter_map(|(entry, observation)| {
                    let tag = observation.tag.as_ref()?;
                    uid_hashes
                        .contains(&tag.uid_hash)
                        .then(|| (tag.uid_hash.clone(), entry.mirrored.series.clone()))
                })
                .collect()
        }))
    }

    async fn changes(
        &self,
        mapping: &MappingId,
        caldav: &CalendarKey<Caldav>,
        google: &CalendarKey<Google>,
        now: Timestamp,
        everything: bool,
    ) -> Result<ChangeSet, MemoryError> {
        Ok(self.read(|state| {
            let none = MappingData::default();
            let data = state.mappings.get(mapping).unwrap_or(&none);
            let on_caldav = state.mirror(caldav);
            let on_google = state.mirror(google);
            ChangeSet {
                caldav: on_caldav
                    .map(|mirror| mirror.changed(data.marks.caldav, everything))
                    .unwrap_or_default(),
                google: on_google
                    .map(|mirror| mirror.changed(data.marks.google, everything))
                    .unwrap_or_default(),
                due: data
                    .rows
                    .values()
                    .filter(|row| everything || row.due.is_some_and(|due| due <= now))
                    .map(|row| row.key.clone())
                    .collect(),
                upto: Marks {
                    caldav: on_caldav.map_or(0, |mirror| mirror.changes),
                    google: on_google.map_or(0, |mirror| mirror.changes),
                },
            }
        }))
    }

    async fn rows(
        &self,
        mapping: &MappingId,
        keys: &[RowKey],
        caldav: &[SeriesKey<Caldav>],
        google: &[SeriesKey<Google>],
    ) -> Result<Vec<Row>, MemoryError> {
        Ok(self.read(|state| {
            let Some(data) = state.mappings.get(mapping) else {
                return Vec::new();
            };
            let linked = |row: &Row| {
                row.link::<Caldav>()
                    .is_some_and(|link| link.keys.iter().any(|key| caldav.contains(key)))
                    || row
                        .link::<Google>()
                        .is_some_and(|link| link.keys.iter().any(|key| google.contains(key)))
            };
            data.rows
                .values()
                .filter(|row| keys.contains(&row.key) || linked(row))
                .cloned()
                .collect()
        }))
    }

    async fn tracked(&self, mapping: &MappingId) -> Result<u64, MemoryError> {
        Ok(self
            .rows_of(mapping)
            .iter()
            .filter(|row| row.is_tracked())
            .count() as u64)
    }

    async fn claims<S: SideTag>(
        &self,
        mapping: &MappingId,
        _calendar: &CalendarKey<S>,
        series: &[SeriesKey<S>],
    ) -> Result<Vec<Claim<S>>, MemoryError> {
        Ok(self.read(|state| {
            let mut claims = Vec::new();
            for (other, data) in state.mappings.iter().filter(|(other, _)| *other != mapping) {
                for row in data.rows.values() {
                    let keys = row.link::<S>().into_iter().flat_map(|link| &link.keys);
                    for key in keys.filter(|key| series.contains(key)) {
                        claims.push(Claim {
                            series: key.clone(),
                            mapping: other.clone(),
                            row: row.clone(),
                        });
                    }
                }
            }
            claims
        }))
    }

    async fn open_intents(&self, mapping: &MappingId) -> Result<Vec<Intent>, MemoryError> {
        Ok(self.read(|state| {
            state
                .mappings
                .get(mapping)
                .map(|data| data.intents.clone())
                .unwrap_or_default()
        }))
    }

    async fn intend(&self, mapping: &MappingId, intent: &Intent) -> Result<(), MemoryError> {
        self.write(|state| {
            let data = state.mappings.entry(mapping.clone()).or_default();
            data.intents.push(intent.clone());
        })
    }

    async fn settle(
        &self,
        mapping: &MappingId,
        _run: &RunId,
        settlement: Settlement,
    ) -> Result<(), MemoryError> {
        self.write(|state| {
            if let Some((calendar, reading)) = settlement.caldav {
                state
                    .calendars
                    .caldav
                    .entry(calendar)
                    .or_default()
                    .record(reading);
            }
            if let Some((calendar, reading)) = settlement.google {
                state
                    .calendars
                    .google
                    .entry(calendar)
                    .or_default()
                    .record(reading);
            }
            let data = state.mappings.entry(mapping.clone()).or_default();
            for change in settlement.rows {
                match change {
                    RowChange::Put(row) => {
                        data.rows.insert(row.key.clone(), *row);
                    }
                    RowChange::Drop(key) => {
                        data.rows.remove(&key);
                    }
                }
            }
            if let Some(id) = settlement.intent {
                data.intents.retain(|intent| intent.id != id);
            }
        })
    }

    async fn planned(
        &self,
        mapping: &MappingId,
        upto: Marks,
        planned: MappingState,
    ) -> Result<(), MemoryError> {
        self.write(|state| {
            let data = state.mappings.entry(mapping.clone()).or_default();
            data.marks = upto;
            data.state = planned;
        })
    }

    async fn mapping_state(&self, mapping: &MappingId) -> Result<MappingState, MemoryError> {
        Ok(self.read(|state| {
            state
                .mappings
                .get(mapping)
                .map(|data| data.state.clone())
                .unwrap_or_default()
        }))
    }

    async fn finish(&self, _mapping: &MappingId, report: &RunReport) -> Result<(), MemoryError> {
        self.write(|state| state.reports.push(report.clone()))
    }
}
