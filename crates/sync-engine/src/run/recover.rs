//! Recovery: what a crash left open is resolved by reading its target, never by guessing and never
//! by reviving.
//!
//! Missing → the write did not happen (or was undone since): forget the intent, the plan decides.
//! Shows what was sent → done. Something else → if its version is still the one the write was
//! conditional on, nothing happened; otherwise it is taken as done with what was sent as the echo,
//! so that the difference is a person's edit.

use super::{Halt, Run, settle};
use crate::mirror::Reading;
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, ZoneName};
use crate::observation::Seen;
use crate::plan::operation::{Operation, Step, Write};
use crate::ports::Clock;
use crate::ports::side::{SidePort, Target};
use crate::ports::store::{Intent, RowChange, Settlement, Store};
use crate::row::Row;
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
                operation,
                seen.first(),
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
                shown: false,
                end: None,
            },
        );
        self.store
            .settle(&self.mapping.id, &self.id, settlement)
            .await
            .map_err(Halt::Store)
    }
}

/// The row after an intent is resolved; it is planned again at once.
fn resolved<B: Sided>(
    mut row: Row,
    operation: &Operation<B>,
    seen: Option<&Seen<B>>,
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
        (Write::Create(_) | Write::Update(_), Some(Seen::Present(observation))) => {
            let done = settle::shows_what_was_sent(operation, observation, floating);
            if done {
                settle::written(
                    &mut row,
                    operation,
                    &observation.resource,
                    Some(observation),
                    floating,
                );
            } else if !untouched(operation, observation.etag.as_ref()) {
                settle::written(&mut row, operation, &observation.resource, None, floating);
            }
        }
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
