//! Carrying a plan out: creations first, removals last, each write between an intent and its
//! settlement.
//!
//! Groups run side by side as far as the side allows; the steps of one group follow each other. A
//! failure of one event is that event's; a failure of an account or a calendar ends the writing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;

use super::answer::Settling;
use super::outcome::Outcome;
use super::versions::Versions;
use super::{Counter, Halt, Run, settle};
use crate::guard::Guarded;
use crate::model::time::Timestamp;
use crate::model::{Caldav, ComponentKey, Google, IntentId, Side};
use crate::plan::operation::{Operation, Step, Value, Write};
use crate::plan::{Group, Plan};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{Intent, MappingState, RowChange, Store};
use crate::row::{Row, RowKey};
use crate::sided::Sided;

/// What the writing shares: whether it must end, and the intents' numbers.
pub(super) struct Writing {
    pub(super) over: AtomicBool,
    counter: Counter,
    /// Rows of which something was refused or put off.
    unclean: Mutex<BTreeSet<RowKey>>,
}

impl Writing {
    pub(super) fn unclean(&self) -> MutexGuard<'_, BTreeSet<RowKey>> {
        self.unclean.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How one step ended.
pub(super) enum Ended {
    /// Done.
    Done,
    /// This event was refused; `whole` if nothing else of the series can be done.
    Refused,
    /// The target was not as planned: plan the series again.
    Again,
    /// The rest of the run's writing is off.
    Over,
}

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Carries out what the guard let through. Returns whether everything planned was dealt with,
    /// so that the plan's marks may be stored.
    pub(super) async fn apply(
        &self,
        guarded: Guarded,
        now: Timestamp,
        state: &mut MappingState,
        outcome: &Outcome,
    ) -> Result<bool, Halt<S::Error>> {
        let writing = Writing {
            over: AtomicBool::new(false),
            counter: Counter::new(0),
            unclean: Mutex::new(BTreeSet::new()),
        };
        if !state.approved.is_empty() && guarded.held.is_empty() {
            // A person looked at what was missing.
            state.looked_at = Some(now);
        }
        self.hold(&guarded, state, now, outcome).await?;
        let mut late = self
            .keep_conflicts(&guarded.plan, &guarded.waiting, outcome)
            .await?;
        self.keep_rows(&guarded.plan.rows).await?;
        self.tell_refused(&guarded.plan.refused, now, outcome)
            .await?;
        let again = self.carry_out(guarded.plan, &writing, outcome).await?;
        let over = |writing: &Writing| writing.over.load(Ordering::Relaxed);
        if !again.is_empty() && !over(&writing) {
            // Once: what is stale twice waits for the next run.
            let plan = self.plan_again(&again, now, state).await?;
            outcome.warn(plan.warnings.iter().cloned());
            late.extend(self.keep_conflicts(&plan, &[], outcome).await?);
            self.keep_rows(&plan.rows).await?;
            let left = self.carry_out(plan, &writing, outcome).await?;
            self.put_off(left, outcome).await?;
        }
        if !over(&writing) {
            self.spend(late, &writing).await?;
        }
        Ok(!over(&writing))
    }

    /// Carries out the groups, removals after everything else. Returns the rows to plan again.
    async fn carry_out(
        &self,
        plan: Plan,
        writing: &Writing,
        outcome: &Outcome,
    ) -> Result<Vec<Row>, Halt<S::Error>> {
        let (last, first): (Vec<_>, Vec<_>) = plan
            .groups
            .into_iter()
            .partition(|group| group.weight.is_last());
        let mut again = Vec::new();
        for phase in [first, last] {
            let width = self.width(&phase);
            let mut results = futures_util::stream::iter(phase)
                .map(|group| self.group(group, writing, outcome))
                .buffer_unordered(width);
            while let Some(result) = results.next().await {
                again.extend(result?);
            }
        }
        Ok(again)
    }

    /// How many groups may run at once.
    fn width(&self, groups: &[Group]) -> usize {
        let writes = |side: Side| {
            groups
                .iter()
                .any(|group| group.steps.iter().any(|step| step.side() == side))
        };
        let mut width = 8;
        if writes(Side::Caldav) {
            width = width.min(self.caldav.capabilities().concurrency);
        }
        if writes(Side::Google) {
            width = width.min(self.google.capabilities().concurrency);
        }
        width.max(1)
    }

    /// Carries out one group. Returns its row if it must be planned again.
    async fn group(
        &self,
        group: Group,
        writing: &Writing,
        outcome: &Outcome,
    ) -> Result<Option<Row>, Halt<S::Error>> {
        let mut row = group.row;
        let mut versions = Versions::default();
        let mut clean = true;
        let mut again = group.again;
        let mut made = false;
        let mut refused: Vec<ComponentKey> = Vec::new();
        let total = group.steps.len();
        for (index, step) in group.steps.into_iter().enumerate() {
            if writing.over.load(Ordering::Relaxed) || self.stopped() {
                writing.over.store(true, Ordering::Relaxed);
                outcome.deferred(1);
                return Ok(None);
            }
            let last = index + 1 == total;
            let fatal = matches!(
                &step,
                Step::Caldav(Operation {
                    write: Write::Create(_),
                    ..
                }) | Step::Google(Operation {
                    write: Write::Create(_),
                    ..
                })
            );
            made |= fatal;
            let keys = step.keys();
            if keys.iter().any(|key| refused.contains(key)) {
                // The other half of a component whose first half was refused.
                continue;
            }
            let key = step.account().key;
            let ended = match step {
                Step::Caldav(operation) => {
                    self.write(
                        self.caldav,
                        versions.caldav(operation),
                        &mut row,
                        &mut versions,
                        last && clean,
                        writing,
                        outcome,
                    )
                    .await?
                }
                Step::Google(operation) => {
                    self.write(
                        self.google,
                        versions.google(operation),
                        &mut row,
                        &mut versions,
                        last && clean,
                        writing,
                        outcome,
                    )
                    .await?
                }
            };
            match ended {
                Ended::Done => {}
                Ended::Refused => {
                    clean = false;
                    refused.extend(keys);
                    if fatal || key == ComponentKey::Master {
                        break;
                    }
                }
                Ended::Again => {
                    again = true;
                    clean = false;
                    break;
                }
                Ended::Over => {
                    outcome.deferred(1);
                    return Ok(None);
                }
            }
        }
        if clean {
            writing.unclean().remove(&row.key);
        } else {
            writing.unclean().insert(row.key.clone());
        }
        // A series that was made again, or was there still, may have its old exceptions with it.
        again |= made && !self.unlinked(std::slice::from_ref(&row)).await?.is_empty();
        // What waits for a person has yet to be brought in line with new settings.
        let anew = row.anew && (again || !row.open.is_empty());
        self.close(&mut row, clean, anew, &refused, group.due, &group.finally)
            .await?;
        Ok(again.then_some(row))
    }

    /// After the last step: agreement as a whole, the next due time, an end to old setbacks.
    async fn close(
        &self,
        row: &mut Row,
        clean: bool,
        anew: bool,
        refused: &[ComponentKey],
        due: Option<Timestamp>,
        finally: &[(Side, ComponentKey, Option<Value>)],
    ) -> Result<(), Halt<S::Error>> {
        let before = row.clone();
        if clean {
            for (side, key, value) in finally {
                let agreed = [(*key, value.clone())];
                match side {
                    Side::Caldav => settle::take_all::<Caldav>(row, &agreed),
                    Side::Google => settle::take_all::<Google>(row, &agreed),
                }
            }
            row.setbacks.clear();
            // New settings are carried out once the plan that follows is.
            row.anew = anew;
            row.due = due;
        } else if refused.is_empty() {
            row.due = Some(self.clock.now());
        }
        // A dropped row stays dropped.
        let dropped = row.links.caldav.is_none() && row.links.google.is_none();
        if *row == before || dropped {
            return Ok(());
        }
        self.keep_rows(&[RowChange::Put(Box::new(row.clone()))])
            .await
    }

    /// One write: intent, request, settlement.
    #[expect(clippy::too_many_arguments, reason = "one step's whole surroundings")]
    async fn write<P>(
        &self,
        port: &P,
        operation: Operation<P::Tag>,
        row: &mut Row,
        versions: &mut Versions,
        last: bool,
        writing: &Writing,
        outcome: &Outcome,
    ) -> Result<Ended, Halt<S::Error>>
    where
        P: SidePort,
        P::Tag: Sided,
    {
        let number = writing.counter.fetch_add(1, Ordering::Relaxed);
        let intent = Intent {
            id: IntentId::new(format!("{}-{number}", self.id)),
            run: self.id.clone(),
            at: self.clock.now(),
            row: row.clone(),
            step: P::Tag::step(operation.clone()),
        };
        self.store
            .intend(&self.mapping.id, &intent)
            .await
            .map_err(Halt::Store)?;
        let written = match &operation.write {
            Write::Create(create) => port.create(create).await,
            Write::Update(update) => port.update(update).await,
            Write::Remove(remove) => port.remove(remove).await,
        };
        let settling = Settling {
            run: self,
            operation: &operation,
            resource: port.resource_of(&operation.write),
            intent: intent.id,
            before: intent.row,
            last,
        };
        match written {
            Ok(written) => settling.answer(written, row, versions, outcome).await,
            Err(error) => settling.error(&error, row, writing, outcome).await,
        }
    }
}
