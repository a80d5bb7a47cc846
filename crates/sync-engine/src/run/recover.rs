//! Recovery: what a crash left open is resolved by reading its target, never by guessing and never
//! by reviving.
//!
//! Missing → the write did not happen (or was undone since): forget the intent, the plan decides.
//! Shows what was sent → done. Something else → if its version is still the one the write was
//! conditional on, or something that was sent stands as it did before, nothing happened; otherwise
//! it is taken as done with what was sent as the echo, so that the difference is a person's edit.

use std::collections::BTreeSet;

use super::{Halt, Run, settle};
use crate::mirror::{MirrorState, Reading};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, ResourceId, SeriesKey, Side, ZoneName};
use crate::observation::Seen;
use crate::plan::operation::{Operation, Step, Write};
use crate::ports::Clock;
use crate::ports::side::{SidePort, Target};
use crate::ports::store::{Intent, RowChange, Settlement, Store};
use crate::row::{Link, Row};
use crate::sided::Sided;

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Resolves every open intent of the mapping.
    pub(super) async fn recover(&self) -> Result<(), Halt<S::Error>> {
        let intents = self
            .store
            .open_intents(&self.mapping.id)
            .await
            .map_err(Halt::Store)?;
        for intent in intents {
            match &intent.step {
                Step::Caldav(operation) => self.resolve(self.caldav, &intent, operation).await?,
                Step::Google(operation) => self.resolve(self.google, &intent, operation).await?,
            }
        }
        Ok(())
    }

    async fn resolve<P>(
        &self,
        port: &P,
        intent: &Intent,
        operation: &Operation<P::Tag>,
    ) -> Result<(), Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        let resource = port.resource_of(&operation.write);
        let was_gone = self.was_gone(operation, &resource).await?;
        let seen = port.fetch(std::slice::from_ref(&resource)).await?;
        let now = self.clock.now();
        // The row as it is now: earlier intents of this very recovery may have changed it.
        let rows = self
            .store
            .rows(
                &self.mapping.id,
                std::slice::from_ref(&intent.row.key),
                &[],
                &[],
            )
            .await
            .map_err(Halt::Store)?;
        let row = rows
            .into_iter()
            .next()
            .unwrap_or_else(|| intent.row.clone());
        let mut settlement = Settlement {
            intent: Some(intent.id.clone()),
            rows: vec![resolved(
                row,
                &intent.row,
                operation,
                seen.first(),
                was_gone,
                now,
                &self.floating(),
            )],
            ..Settlement::default()
        };
        P::Tag::show(
            &mut settlement,
            self.mapping,
            Reading {
                at: now,
                seen,
                unlisted: BTreeSet::new(),
                same: Vec::new(),
                shown: false,
                end: None,
            },
        );
        self.write_down(settlement).await
    }

    /// Whether the name of a creation belonged to something that was known to be deleted when it was
    /// sent: what is found deleted there afterwards then tells nothing.
    async fn was_gone<B: Sided>(
        &self,
        operation: &Operation<B>,
        resource: &ResourceId<B>,
    ) -> Result<bool, Halt<S::Error>> {
        let Write::Create(create) = &operation.write else {
            return Ok(false);
        };
        let key = match B::SIDE {
            Side::Google => SeriesKey::new(resource.as_str()),
            Side::Caldav => SeriesKey::new(create.tag.caldav_uid().as_str()),
        };
        let known = self
            .store
            .mirrored(B::calendar(self.mapping), &[key])
            .await
            .map_err(Halt::Store)?;
        Ok(known
            .iter()
            .any(|mirrored| mirrored.state == MirrorState::Gone))
    }
}

/// The row after an intent is resolved; it is planned again at once.
fn resolved<B: Sided>(
    mut row: Row,
    planned: &Row,
    operation: &Operation<B>,
    seen: Option<&Seen<B>>,
    was_gone: bool,
    now: Timestamp,
    floating: &ZoneName,
) -> RowChange {
    row.due = Some(now);
    match (&operation.write, seen) {
        (Write::Remove(remove), Some(Seen::Gone { .. })) => {
            let last = row
                .link::<B>()
                .is_none_or(|link| link.resources.len() <= 1 && link.keys.len() <= 1);
            if !settle::removed(&mut row, operation, &remove.resource.id, last) {
                return RowChange::Drop(row.key);
            }
        }
        // It was changed before it could go, or taken out of the bin since: somebody wants it, whatever
        // it shows.
        (Write::Remove(remove), Some(Seen::Present(observation)))
            if remove.resource.etag.is_some() && remove.resource.etag != observation.etag =>
        {
            if let Some(link) = row.link_mut::<B>() {
                link.forget(&remove.resource.id);
            }
        }
        (Write::Create(_) | Write::Update(_), Some(Seen::Present(observation))) => {
            // Whatever it shows beyond what was sent is a person's edit: the echo is what was sent.
            let done = settle::shows_what_was_sent(operation, observation, floating);
            // A write is whole or not at all: where something of it stands as before, the newer
            // version is somebody else's work, and what was meant is still to be sent.
            let arrived = done
                || !(untouched(operation, observation.etag.as_ref())
                    || settle::stands_as_before(&row, operation, observation, floating));
            if arrived {
                if matches!(operation.write, Write::Create(_)) {
                    // What the plan made of the row when it was to stand here, in place of whatever was.
                    row.copy = planned.copy;
                    row.state = planned.state;
                    let known = |link: &Link<B>| link.keys.contains(&observation.series);
                    if planned.link::<B>().is_none() && !row.link::<B>().is_some_and(known) {
                        *row.link_mut::<B>() = None;
                    }
                }
                settle::written(&mut row, operation, &observation.resource, None, floating);
                if let Some(link) = row.link_mut::<B>() {
                    settle::know(link, observation.series.clone());
                }
            }
        }
        // It was never made, or somebody deleted it since: where that matters, the plan asks.
        (Write::Create(_), Some(Seen::Gone { .. })) => row.unsure = !was_gone,
        _ => {}
    }
    RowChange::Put(Box::new(row))
}

/// Whether the target still has the version the write was conditional on.
fn untouched<B: Sided>(operation: &Operation<B>, etag: Option<&crate::model::Etag<B>>) -> bool {
    let Write::Update(update) = &operation.write else {
        return false;
    };
    match &update.target {
        Target::Stored(resource) => resource.etag.is_some() && resource.etag.as_ref() == etag,
        // An occurrence without a resource of its own shares the master's version.
        Target::Occurrence { series, .. } => series.etag.is_some() && series.etag.as_ref() == etag,
    }
}
