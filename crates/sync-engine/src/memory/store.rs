//! A store in memory.

use std::sync::Mutex;

use super::lock;
use super::state::{MappingData, Recorded, State};
use crate::conflict::{Conflict, Decision};
use crate::guard::Held;
use crate::mapping::Mapping;
use crate::mirror::{CalendarState, MirrorState, Mirrored, Reading};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, MappingId, PlanId, ResourceId, RunId, SeriesKey, SideTag, Uid};
use crate::ports::store::{
    CalendarKey, ChangeSet, Intent, MappingState, Marks, Namesake, Settlement, Store, Undoable,
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
    pub fn held(&self, mapping: &MappingId) -> Vec<Held> {
        let state = lock(&self.0);
        let data = state.mappings.get(mapping);
        data.map(|data| data.state.held.clone()).unwrap_or_default()
    }

    /// A person approves exactly this plan. Says whether it is held.
    pub fn approve(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        let mut state = lock(&self.0);
        let data = state.mappings.get_mut(mapping);
        data.is_some_and(|data| data.state.approve(plan))
    }

    /// A person wants it put back on the side it vanished from. Says whether it is held.
    pub fn restore(&self, mapping: &MappingId, plan: &PlanId) -> bool {
        let mut state = lock(&self.0);
        let data = state.mappings.get_mut(mapping);
        data.is_some_and(|data| data.state.restore(plan))
    }

    /// A mapping's conflicts, decided and open.
    pub fn conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        self.recorded(mapping, |_| true)
    }

    /// Those that wait for a person.
    pub fn open_conflicts(&self, mapping: &MappingId) -> Vec<Conflict> {
        self.recorded(mapping, |recorded| recorded.open)
    }

    fn recorded(&self, mapping: &MappingId, which: impl Fn(&Recorded) -> bool) -> Vec<Conflict> {
        let state = lock(&self.0);
        let data = state.mappings.get(mapping);
        let recorded = data.into_iter().flat_map(|data| data.conflicts.values());
        recorded
            .filter(|recorded| which(recorded))
            .map(|recorded| recorded.conflict.clone())
            .collect()
    }

    /// A person answers an open conflict; the last answer counts. One that waits for nobody takes no
    /// answer.
    pub fn decide(&self, mapping: &MappingId, decision: Decision) {
        if let Some(data) = lock(&self.0).mappings.get_mut(mapping) {
            let known = data.conflicts.get(&decision.conflict);
            if !known.is_some_and(|recorded| recorded.open) {
                return;
            }
            data.decisions
                .retain(|known| known.conflict != decision.conflict);
            data.decisions.push(decision);
        }
    }

    /// Tells what other mappings of a calendar may ask about this one: whether it is switched on, and
    /// which way it goes. One of which nothing was told is on, and writes whatever it is asked for.
    pub fn tell_mapping(&self, mapping: &Mapping, on: bool) {
        let mut state = lock(&self.0);
        let data = state.mappings.entry(mapping.id.clone()).or_default();
        data.off = !on;
        data.direction = Some(mapping.direction);
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

    async fn absent<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        after: Timestamp,
    ) -> Result<Vec<(ResourceId<S>, Timestamp)>, MemoryError> {
        Ok(self.read(|state| {
            let mirror = state.mirror(calendar);
            mirror
                .map(|mirror| mirror.absent(after))
                .unwrap_or_default()
        }))
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
        {
            let mut state = lock(&self.0);
            let data = state.mappings.entry(mapping.clone()).or_default();
            data.calendars.caldav = Some(caldav.clone());
            data.calendars.google = Some(google.clone());
        }
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

    async fn namesakes<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
        uids: &[Uid],
    ) -> Result<Vec<Namesake>, MemoryError> {
        Ok(self.read(|state| {
            let mut found = Vec::new();
            let sharing = state.mappings.iter().filter(|(_, data)| {
                data.calendars
                    .get::<S>()
                    .as_ref()
                    .is_some_and(|known| known.calendar == calendar.calendar)
            });
            for (mapping, data) in sharing {
                let rows = data.rows.values().filter(|row| uids.contains(&row.uid));
                let writes = data.direction.is_none_or(|way| way.leads_to(S::SIDE));
                found.extend(rows.map(|row| Namesake {
                    mapping: mapping.clone(),
                    row: row.clone(),
                    runs: !data.off,
                    writes,
                }));
            }
            found
        }))
    }

    async fn decisions(&self, mapping: &MappingId) -> Result<Vec<Decision>, MemoryError> {
        Ok(self.read(|state| {
            let data = state.mappings.get(mapping);
            data.map(|data| data.decisions.clone()).unwrap_or_default()
        }))
    }

    async fn written_in(
        &self,
        mapping: &MappingId,
        run: &RunId,
    ) -> Result<Vec<Undoable>, MemoryError> {
        Ok(self.read(|state| {
            let written = state.mappings.get(mapping).map(|data| &data.written);
            let written = written.into_iter().flatten();
            let mut of_run: Vec<_> = written
                .filter(|(known, _)| known == run)
                .map(|(_, undo)| undo.clone())
                .collect();
            of_run.reverse();
            of_run
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
        run: &RunId,
        settlement: Settlement,
    ) -> Result<(), MemoryError> {
        self.write(|state| state.settle(mapping, run, settlement))
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
            data.state = planned.over(&data.state);
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
