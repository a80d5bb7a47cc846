//! What becomes of one write's answer: the row's new state, what was seen, and the intent's removal,
//! in one settlement.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::apply::{Ended, Writing};
use super::outcome::{Outcome, record};
use super::versions::Versions;
use super::{Halt, Run, settle};
use crate::mirror::Reading;
use crate::model::time::Timestamp;
use crate::model::{
    Both, Caldav, ComponentKey, Google, IntentId, ResourceId, Series, SeriesKey, Side,
};
use crate::observation::{Observation, Seen};
use crate::plan::operation::{Operation, Write};
use crate::plan::{loops, rewinding};
use crate::ports::Clock;
use crate::ports::side::{ErrorClass, SideError, SidePort, Written};
use crate::ports::store::{RowChange, Settlement, Store, Undoable};
use crate::report::{Problem, Warning};
use crate::row::{Row, Setback};
use crate::sided::Sided;

/// One answered write on its way into the store.
pub(super) struct Settling<'a, 'b, C, G, S, K, B: Sided> {
    pub(super) run: &'a Run<'b, C, G, S, K>,
    pub(super) operation: &'a Operation<B>,
    pub(super) resource: ResourceId<B>,
    pub(super) intent: IntentId,
    /// The row as it was before.
    pub(super) before: Row,
    /// The last step of a group in which nothing failed.
    pub(super) last: bool,
}

impl<C, G, S, K, B> Settling<'_, '_, C, G, S, K, B>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
    B: Sided,
{
    pub(super) async fn answer(
        &self,
        written: Written<B>,
        row: &mut Row,
        versions: &mut Versions,
        outcome: &Outcome,
    ) -> Result<Ended, Halt<S::Error>> {
        let floating = self.run.floating();
        match written {
            Written::Done(seen) => {
                versions.learn(&seen);
                settle::written(row, self.operation, &seen.resource, Some(&seen), &floating);
                loops::note(row, self.operation, self.run.clock.now());
                let left = settle::left(row, self.operation, &seen, &floating);
                self.store(Some(Seen::Present(seen)), row, Some(left), outcome)
                    .await?;
                Ok(Ended::Done)
            }
            Written::Unproven { resource, now } => {
                settle::written(row, self.operation, &resource, None, &floating);
                loops::note(row, self.operation, self.run.clock.now());
                if let Some(now) = &now {
                    versions.learn(now);
                    if let Some(link) = row.link_mut::<B>() {
                        settle::know(link, now.series.clone());
                    }
                }
                self.store(now.map(Seen::Present), row, Some(self.sent()), outcome)
                    .await?;
                Ok(Ended::Done)
            }
            Written::Removed => {
                let keep = settle::removed(row, self.operation, &self.resource, self.last);
                loops::note(row, self.operation, self.run.clock.now());
                let seen = Seen::Gone {
                    resource: self.resource.clone(),
                };
                if keep {
                    self.store(Some(seen), row, Some(self.sent()), outcome)
                        .await?;
                } else {
                    self.drop_row(seen, row, outcome).await?;
                }
                Ok(Ended::Done)
            }
            Written::Taken { now, used_up } => {
                self.taken(*now, used_up, row, versions, outcome).await
            }
            // Not found where it was to be written. That alone proves no deletion (P3): the next
            // reading says whether it is gone.
            Written::Stale { now } if matches!(*now, Seen::Gone { .. }) && self.is_whole(row) => {
                row.due = Some(self.run.clock.now());
                self.store(None, row, None, outcome).await?;
                Ok(Ended::Over)
            }
            Written::Stale { now } => {
                row.due = Some(self.run.clock.now());
                self.store(Some(*now), row, None, outcome).await?;
                Ok(Ended::Again)
            }
        }
    }

    /// The name of a new copy is taken: by ourselves, when an answer was lost, or for good.
    async fn taken(
        &self,
        now: Seen<B>,
        used_up: bool,
        row: &mut Row,
        versions: &mut Versions,
        outcome: &Outcome,
    ) -> Result<Ended, Halt<S::Error>> {
        let floating = self.run.floating();
        match &now {
            // The name says whose it is, even where somebody took the tag away.
            Seen::Present(seen) if self.is_ours(seen) && !self.is_linked(seen, row).await? => {
                versions.learn(seen);
                let same = settle::shows_what_was_sent(self.operation, seen, &floating);
                settle::written(row, self.operation, &seen.resource, None, &floating);
                if let Some(link) = row.link_mut::<B>() {
                    settle::know(link, seen.series.clone());
                }
                self.store(Some(now), row, Some(self.sent()), outcome)
                    .await?;
                Ok(if same { Ended::Done } else { Ended::Again })
            }
            // It was made, and a person deleted it since: the table decides.
            Seen::Gone { .. } if !used_up && !self.revives() => {
                settle::written(row, self.operation, &self.resource, None, &floating);
                if let Some(link) = row.link_mut::<B>() {
                    link.gone = true;
                }
                row.due = Some(self.run.clock.now());
                self.store(Some(now), row, None, outcome).await?;
                Ok(Ended::Again)
            }
            Seen::Gone { .. } if !used_up => {
                row.due = Some(self.run.clock.now());
                self.store(Some(now), row, None, outcome).await?;
                Ok(Ended::Again)
            }
            Seen::Unreadable { reason, .. } => {
                let error = SideError {
                    side: B::SIDE,
                    class: ErrorClass::Event,
                    code: "unreadable",
                    detail: format!("The copy is there already, but cannot be read: {reason}"),
                    action: "Delete the copy, or make its details visible to this account."
                        .to_owned(),
                    source: None,
                };
                self.refused(&error, row, outcome).await
            }
            _ => {
                row.generation = row.generation.saturating_add(1);
                row.due = Some(self.run.clock.now());
                self.store(None, row, None, outcome).await?;
                Ok(Ended::Again)
            }
        }
    }

    pub(super) async fn error(
        &self,
        error: &SideError,
        row: &mut Row,
        writing: &Writing,
        outcome: &Outcome,
    ) -> Result<Ended, Halt<S::Error>> {
        match error.class {
            ErrorClass::Event => self.refused(error, row, outcome).await,
            ErrorClass::Transient { .. } => {
                // The write may have happened: the intent stays open and is resolved by reading.
                Self::over(error, writing, outcome);
                Ok(Ended::Over)
            }
            ErrorClass::WritesExhausted { .. } => {
                self.settle(Settlement::default()).await?;
                writing.over.store(true, Ordering::Relaxed);
                outcome.warn([Warning {
                    code: error.code.to_owned(),
                    detail: error.detail.clone(),
                    uid: None,
                }]);
                Ok(Ended::Over)
            }
            ErrorClass::Credentials | ErrorClass::Calendar | ErrorClass::Configuration => {
                self.settle(Settlement::default()).await?;
                Self::over(error, writing, outcome);
                Ok(Ended::Over)
            }
        }
    }

    /// Whether what was to be written is an event of its own, and no exception of a series.
    fn is_whole(&self, row: &Row) -> bool {
        row.link::<B>().is_none_or(|link| {
            let mut parts = link.resources.iter();
            link.expanded
                || parts.all(|(key, id)| *id != self.resource || *key == ComponentKey::Master)
        })
    }

    /// Whether another series of this mapping is linked to it.
    async fn is_linked(&self, seen: &Observation<B>, row: &Row) -> Result<bool, Halt<S::Error>> {
        let key = seen.series.as_str();
        let (caldav, google) = match B::SIDE {
            Side::Caldav => (vec![SeriesKey::new(key)], Vec::new()),
            Side::Google => (Vec::new(), vec![SeriesKey::new(key)]),
        };
        let rows = self
            .run
            .store
            .rows(&self.run.mapping.id, &[], &caldav, &google)
            .await
            .map_err(Halt::Store)?;
        Ok(rows.iter().any(|known| known.key != row.key))
    }

    /// Whether the operation may bring back what was deleted.
    fn revives(&self) -> bool {
        match &self.operation.write {
            Write::Create(create) => create.revive,
            Write::Update(_) | Write::Remove(_) => true,
        }
    }

    /// Whether this is what the operation makes: it stands on the name that the tag gives.
    fn is_ours(&self, seen: &Observation<B>) -> bool {
        match &self.operation.write {
            Write::Create(create) => create.tag.proves(seen),
            Write::Update(_) | Write::Remove(_) => false,
        }
    }

    /// This event is refused: it is set back, and others go on.
    async fn refused(
        &self,
        error: &SideError,
        row: &mut Row,
        outcome: &Outcome,
    ) -> Result<Ended, Halt<S::Error>> {
        let now = self.run.clock.now();
        set_back(row, self.operation.account.key, error, now);
        let event = record(
            &self.operation.account,
            B::SIDE,
            now,
            Some(Problem::from(error)),
        );
        outcome.event(event.clone());
        self.settle(Settlement {
            rows: vec![RowChange::Put(Box::new(row.clone()))],
            events: vec![event],
            ..Settlement::default()
        })
        .await?;
        Ok(Ended::Refused)
    }

    fn over(error: &SideError, writing: &Writing, outcome: &Outcome) {
        writing.over.store(true, Ordering::Relaxed);
        outcome.broke(Problem {
            side: Some(B::SIDE),
            ..Problem::from(error)
        });
    }

    /// What was sent stands for what the side shows of a write that it did not prove.
    fn sent(&self) -> Series {
        rewinding::sent(self.operation)
    }

    /// Stores a row and what was seen; `left` is what a write that happened left.
    async fn store(
        &self,
        seen: Option<Seen<B>>,
        row: &Row,
        left: Option<Series>,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let mut settlement = Settlement {
            rows: vec![RowChange::Put(Box::new(row.clone()))],
            ..Settlement::default()
        };
        self.tell(&mut settlement, seen, left, outcome);
        self.settle(settlement).await
    }

    async fn drop_row(
        &self,
        seen: Seen<B>,
        row: &mut Row,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let mut settlement = Settlement {
            rows: vec![RowChange::Drop(row.key.clone())],
            ..Settlement::default()
        };
        row.links = Both::default();
        self.tell(&mut settlement, Some(seen), Some(self.sent()), outcome);
        self.settle(settlement).await
    }

    fn tell(
        &self,
        settlement: &mut Settlement,
        seen: Option<Seen<B>>,
        left: Option<Series>,
        outcome: &Outcome,
    ) {
        let at = self.run.clock.now();
        if let Some(seen) = seen {
            B::show(
                settlement,
                self.run.mapping,
                Reading {
                    at,
                    seen: vec![seen],
                    unlisted: BTreeSet::new(),
                    same: Vec::new(),
                    shown: false,
                    end: None,
                },
            );
        }
        let Some(left) = left else {
            return;
        };
        settlement.undo = Some(Undoable {
            row: self.before.clone(),
            step: B::step(self.operation.clone()),
            left: Some(Box::new(left)),
        });
        if self.operation.account.counted {
            let event = record(&self.operation.account, B::SIDE, at, None);
            outcome.event(event.clone());
            settlement.events.push(event);
        }
    }

    async fn settle(&self, mut settlement: Settlement) -> Result<(), Halt<S::Error>> {
        settlement.intent = Some(self.intent.clone());
        self.run
            .store
            .settle(&self.run.mapping.id, &self.run.id, settlement)
            .await
            .map_err(Halt::Store)
    }
}

/// Growing pauses: 5 minutes, doubled each time, at most a day.
fn set_back(row: &mut Row, key: ComponentKey, error: &SideError, now: Timestamp) {
    let attempts = row
        .setbacks
        .iter()
        .find(|(known, _)| *known == key)
        .map_or(0, |(_, setback)| setback.attempts)
        .saturating_add(1);
    let minutes = 5_i64
        .saturating_mul(1 << attempts.saturating_sub(1).min(9))
        .min(24 * 60);
    let until = now
        .checked_add(jiff::SignedDuration::from_mins(minutes))
        .unwrap_or(Timestamp::MAX);
    row.setbacks.retain(|(known, _)| *known != key);
    row.setbacks.push((
        key,
        Setback {
            attempts,
            until,
            code: error.code.to_owned(),
            detail: error.detail.clone(),
        },
    ));
    row.due = Some(row.due.map_or(until, |due| due.min(until)));
}
