//! The second look of a run: series whose target was not as planned, and masters that were moved, are
//! planned once more from what the sides then show.

use std::collections::BTreeSet;

use super::outcome::Outcome;
use super::{Halt, Run};
use crate::mirror::{MirrorState, Reading};
use crate::model::time::Timestamp;
use crate::model::{Caldav, ComponentKey, Google, ResourceId, SeriesKey, SideTag};
use crate::observation::Seen;
use crate::plan::{Plan, Weight};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{ChangeSet, MappingState, RowChange, Store};
use crate::row::{Row, RowKey};
use crate::sided::Sided;

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Plans these series once more from what the mirror now shows.
    pub(super) async fn plan_again(
        &self,
        rows: &[Row],
        now: Timestamp,
        state: &MappingState,
    ) -> Result<Plan, Halt<S::Error>> {
        let changes = ChangeSet {
            due: rows.iter().map(|row| row.key.clone()).collect(),
            caldav: rows
                .iter()
                .filter_map(Row::link::<Caldav>)
                .flat_map(|link| link.keys.clone())
                .collect(),
            google: rows
                .iter()
                .filter_map(Row::link::<Google>)
                .flat_map(|link| link.keys.clone())
                .collect(),
            ..Default::default()
        };
        self.refresh_exceptions(rows).await?;
        let mut series = self.assemble(&changes).await?;
        let keys: BTreeSet<_> = rows.iter().map(|row| &row.key).collect();
        series.retain(|input| {
            input
                .row
                .as_ref()
                .is_some_and(|row| keys.contains(&row.key))
        });
        let input = self.input(now, false, false, series, self.answers(state).await?);
        let plan = crate::plan::plan(&input);
        // A second look never removes: what vanished meanwhile waits for the guard of the next run.
        let (groups, waiting): (Vec<_>, Vec<_>) = plan
            .groups
            .into_iter()
            .partition(|group| !group.weight.is_last() && group.weight != Weight::Empties);
        let mut rows = plan.rows;
        rows.extend(waiting.into_iter().map(|group| {
            let mut row = group.row;
            row.due = Some(now);
            RowChange::Put(Box::new(row))
        }));
        Ok(Plan {
            groups,
            rows,
            ..plan
        })
    }

    /// After a master was written, its exceptions are read back: the side may have moved or swept
    /// them away.
    pub(super) async fn refresh_exceptions(&self, rows: &[Row]) -> Result<(), Halt<S::Error>> {
        if !self.google.capabilities().exceptions_apart {
            return Ok(());
        }
        let mut exceptions: Vec<ResourceId<Google>> = rows
            .iter()
            .filter_map(Row::link::<Google>)
            .filter(|link| !link.expanded)
            .flat_map(|link| &link.resources)
            .filter(|(key, _)| *key != ComponentKey::Master)
            .map(|(_, id)| id.clone())
            .collect();
        // Those that went with their series before it was made again may be back with it.
        let gone = self.unlinked(rows).await?.into_iter();
        exceptions.extend(
            gone.filter(|(_, state)| *state == MirrorState::Gone)
                .map(|(resource, _)| resource),
        );
        if exceptions.is_empty() {
            return Ok(());
        }
        let seen = self.google.fetch(&exceptions).await?;
        self.store
            .record(&self.mapping.google, just_read(self.clock.now(), seen))
            .await
            .map_err(Halt::Store)
    }

    /// Exceptions that no link knows: they went with their series before it was made again, or stood
    /// with it where it turned out to be there still.
    pub(super) async fn unlinked(
        &self,
        rows: &[Row],
    ) -> Result<Vec<(ResourceId<Google>, MirrorState)>, Halt<S::Error>> {
        if !self.google.capabilities().exceptions_apart {
            return Ok(Vec::new());
        }
        let keys: Vec<SeriesKey<Google>> = rows
            .iter()
            .filter_map(Row::link::<Google>)
            .filter(|link| !link.expanded)
            .flat_map(|link| link.keys.clone())
            .collect();
        let linked: BTreeSet<&ResourceId<Google>> = rows
            .iter()
            .filter_map(Row::link::<Google>)
            .flat_map(|link| link.resources.iter().map(|(_, id)| id))
            .collect();
        let known = self
            .store
            .mirrored(&self.mapping.google, &keys)
            .await
            .map_err(Halt::Store)?;
        Ok(known
            .into_iter()
            .filter_map(|mirrored| Some((mirrored.observation?.resource, mirrored.state)))
            .filter(|(resource, _)| keys.iter().all(|key| key.as_str() != resource.as_str()))
            .filter(|(resource, _)| !linked.contains(resource))
            .collect())
    }

    /// What no reading has shown is asked for by itself before its absence counts (P3).
    pub(super) async fn ask_for_missing(&self, due: &[RowKey]) -> Result<(), Halt<S::Error>> {
        if due.is_empty() {
            return Ok(());
        }
        let rows = self
            .store
            .rows(&self.mapping.id, due, &[], &[])
            .await
            .map_err(Halt::Store)?;
        self.ask_for(self.caldav, &rows).await?;
        self.ask_for(self.google, &rows).await
    }

    async fn ask_for<P>(&self, port: &P, rows: &[Row]) -> Result<(), Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        let missing: Vec<ResourceId<P::Tag>> = rows
            .iter()
            .filter_map(Row::link::<P::Tag>)
            .filter(|link| link.missing_since.is_some())
            .flat_map(|link| link.resources.iter().map(|(_, id)| id.clone()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let seen = port.fetch(&missing).await?;
        self.store
            .record(
                P::Tag::calendar(self.mapping),
                just_read(self.clock.now(), seen),
            )
            .await
            .map_err(Halt::Store)
    }

    /// Leaves rows for the next run.
    pub(super) async fn put_off(
        &self,
        rows: Vec<Row>,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let now = self.clock.now();
        outcome.deferred(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let rows: Vec<RowChange> = rows
            .into_iter()
            .map(|mut row| {
                row.due = Some(now);
                RowChange::Put(Box::new(row))
            })
            .collect();
        self.keep_rows(&rows).await
    }
}

/// Resources that were asked for by themselves.
fn just_read<T: SideTag>(at: Timestamp, seen: Vec<Seen<T>>) -> Reading<T> {
    Reading {
        at,
        seen,
        unlisted: BTreeSet::new(),
        same: Vec::new(),
        shown: false,
        end: None,
    }
}
