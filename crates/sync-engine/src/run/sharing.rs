//! What other mappings of a calendar do with the same UIDs, and natives that appeared beside our
//! copies: looked up for the planner, which decides (`plan::sharing`).

use std::collections::BTreeMap;

use super::{Halt, Run};
use crate::model::{Caldav, Google, Side, Uid};
use crate::plan::{Elsewhere, Heir, SeriesInput};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{Namesake, Store};
use crate::row::{Row, RowState};
use crate::sided::Sided;
use crate::snapshot::{View, view};

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Adds to the series what other mappings do with them.
    pub(super) async fn notice_sharing(
        &self,
        inputs: &mut Vec<SeriesInput>,
    ) -> Result<(), Halt<S::Error>> {
        if self.mapping.writes(Side::Google) {
            self.notice_on::<Caldav, Google>(inputs).await?;
        }
        if self.mapping.writes(Side::Caldav) {
            self.notice_on::<Google, Caldav>(inputs).await?;
        }
        Ok(())
    }

    /// `B` is the calendar that mappings share.
    async fn notice_on<A: Sided, B: Sided>(
        &self,
        inputs: &mut Vec<SeriesInput>,
    ) -> Result<(), Halt<S::Error>> {
        let mut uids: Vec<Uid> = Vec::new();
        for input in inputs.iter() {
            uids.extend(input.row.as_ref().map(|row| row.uid.clone()));
            uids.extend(input.views.get::<A>().present().map(|a| a.uid.clone()));
            uids.extend(input.views.get::<B>().present().map(|b| b.uid.clone()));
        }
        uids.sort();
        uids.dedup();
        if uids.is_empty() {
            return Ok(());
        }
        let found = self
            .store
            .namesakes::<B>(B::calendar(self.mapping), &uids)
            .await
            .map_err(Halt::Store)?;
        let mut own: BTreeMap<Uid, Row> = BTreeMap::new();
        let mut others: BTreeMap<Uid, Vec<Namesake>> = BTreeMap::new();
        for namesake in found {
            let uid = namesake.row.uid.clone();
            if namesake.mapping == self.mapping.id {
                own.insert(uid, namesake.row);
            } else {
                others.entry(uid).or_default().push(namesake);
            }
        }
        for input in inputs.iter_mut() {
            if let Some(others) = uid_of::<A>(input).and_then(|uid| others.get(&uid)) {
                self.notice_others::<B>(input, others).await?;
            }
        }
        self.notice_natives::<B>(inputs, &own).await
    }

    /// Whether another mapping feeds, or waits for, the copy of this series.
    async fn notice_others<B: Sided>(
        &self,
        input: &mut SeriesInput,
        others: &[Namesake],
    ) -> Result<(), Halt<S::Error>> {
        let keys = |row: &Row| {
            row.link::<B>()
                .map(|link| link.keys.clone())
                .unwrap_or_default()
        };
        let here = input.row.as_ref().map(keys).unwrap_or_default();
        if !here.is_empty() {
            let settled = others
                .iter()
                .any(|other| keys(&other.row).iter().any(|key| here.contains(key)));
            // One that was turned round since, or stands by for a copy on its other side, is no heir
            // of this one.
            let heirs = others.iter().filter(|other| {
                let waits = other.row.state == RowState::Standby;
                waits && other.writes && other.row.copy != Some(B::SIDE.other())
            });
            let waiting = heirs.map(|heir| heir.runs).max();
            let released = input
                .row
                .as_ref()
                .is_some_and(|row| row.state == RowState::Released);
            input.heir = if settled && released {
                Some(Heir::Settled)
            } else {
                waiting.map(|runs| if runs { Heir::Waiting } else { Heir::Paused })
            };
            return Ok(());
        }
        let feeding: Vec<&Row> = others
            .iter()
            .map(|other| &other.row)
            .filter(|row| row.copy == Some(B::SIDE) && !keys(row).is_empty())
            .collect();
        let Some(feeds) = feeding.first() else {
            return Ok(());
        };
        let row = input
            .row
            .as_mut()
            .filter(|row| row.state == RowState::Standby && feeds.state == RowState::Released);
        let Some(row) = row else {
            input.elsewhere = Some(Elsewhere::Fed);
            return Ok(());
        };
        input.elsewhere = Some(Elsewhere::Released);
        *row.link_mut::<B>() = feeds.link::<B>().cloned();
        row.generation = feeds.generation;
        let link = row.link::<B>().cloned();
        let keys = keys(row).into_iter().collect();
        let resources: Vec<_> = self
            .load::<B>(&keys)
            .await?
            .into_values()
            .flatten()
            .collect();
        *input.views.get_mut::<B>() = view(&resources, link.as_ref(), &self.floating());
        Ok(())
    }

    /// Natives with the UID of one of our copies.
    async fn notice_natives<B: Sided>(
        &self,
        inputs: &mut Vec<SeriesInput>,
        own: &BTreeMap<Uid, Row>,
    ) -> Result<(), Halt<S::Error>> {
        let mut index = 0;
        while index < inputs.len() {
            let row = inputs.get(index).and_then(|input| {
                let native = input
                    .row
                    .is_none()
                    .then(|| input.views.get::<B>().present());
                let native = native.flatten().filter(|b| b.copy.is_none())?;
                let row = own.get(&native.uid)?;
                row.link::<B>()
                    .is_some_and(|link| !link.keys.is_empty())
                    .then(|| row.clone())
            });
            let Some(row) = row else {
                index += 1;
                continue;
            };
            let known = inputs
                .iter()
                .position(|input| input.row.as_ref().is_some_and(|known| known.key == row.key));
            let known = if let Some(known) = known {
                known
            } else {
                let input = self.linked_input(row).await?;
                inputs.push(input);
                inputs.len() - 1
            };
            // Our copy, or what is left of it.
            let ours = inputs
                .get(known)
                .is_some_and(|input| match input.views.get::<B>() {
                    View::Present(ours) => ours.copy.is_some(),
                    View::Gone { .. } => true,
                    View::Unknown | View::Unreadable { .. } => false,
                });
            if !ours {
                index += 1;
                continue;
            }
            let native = inputs
                .get_mut(index)
                .map(|input| std::mem::take(input.views.get_mut::<B>()));
            if let (Some(View::Present(native)), Some(ours)) = (native, inputs.get_mut(known)) {
                *ours.natives.get_mut::<B>() = Some(native);
                ours.fresh = true;
            }
            inputs.remove(index);
        }
        Ok(())
    }

    /// A row that nothing else asked for, with both views.
    async fn linked_input(&self, row: Row) -> Result<SeriesInput, Halt<S::Error>> {
        let keys = row
            .link::<Caldav>()
            .map(|link| link.keys.iter().cloned().collect())
            .unwrap_or_default();
        let mut caldav = self.load::<Caldav>(&keys).await?;
        let keys = row
            .link::<Google>()
            .map(|link| link.keys.iter().cloned().collect())
            .unwrap_or_default();
        let mut google = self.load::<Google>(&keys).await?;
        Ok(SeriesInput {
            views: crate::model::Both {
                caldav: self.take_linked(&mut caldav, &row),
                google: self.take_linked(&mut google, &row),
            },
            row: Some(row),
            fresh: true,
            ..SeriesInput::default()
        })
    }
}

/// The UID under which other mappings know a series.
fn uid_of<A: Sided>(input: &SeriesInput) -> Option<Uid> {
    match &input.row {
        Some(row) => Some(row.uid.clone()),
        None => input.views.get::<A>().present().map(|a| a.uid.clone()),
    }
}
