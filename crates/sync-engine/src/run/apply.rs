//! Carrying a plan out: creations first, removals last, each write between an intent and its
//! settlement.
//!
//! Groups run side by side as far as the side allows; the steps of one group follow each other. A
//! failure of one event is that event's; a failure of an account or a calendar ends the writing.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;

use super::answer::Settling;
use super::outcome::Outcome;
use super::versions::Versions;
use super::{Counter, Halt, Run, settle};
use crate::guard::Guarded;
use crate::mirror::Reading;
use crate::model::time::Timestamp;
use crate::model::{Caldav, ComponentKey, Google, IntentId, ResourceId, Side};
use crate::plan::operation::{ActionKind, Operation, Reason, Step, Write};
use crate::plan::{Group, Plan, Refused, Weight};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{Intent, MappingState, RowChange, Settlement, Store};
use crate::report::EventRecord;
use crate::row::Row;
use crate::sided::Sided;

/// What the writing shares: whether it must end, and the intents' numbers.
pub(super) struct Writing {
    pub(super) over: AtomicBool,
    counter: Counter,
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
        };
        if state.approved.take().is_some() && guarded.held.is_none() {
            // A person looked at what was missing.
            state.absences.clear();
        }
        self.hold(&guarded, state, now, outcome).await?;
        self.keep_rows(&guarded.plan.rows).await?;
        self.tell_refused(&guarded.plan.refused, now, outcome)
            .await?;
        let again = self.carry_out(guarded.plan, &writing, outcome).await?;
        let over = |writing: &Writing| writing.over.load(Ordering::Relaxed);
        if !again.is_empty() && !over(&writing) {
            // Once: what is stale twice waits for the next run.
            let plan = self.plan_again(&again, now).await?;
            outcome.warn(plan.warnings.iter().cloned());
            self.keep_rows(&plan.rows).await?;
            let left = self.carry_out(plan, &writing, outcome).await?;
            self.put_off(left, outcome).await?;
        }
        Ok(!over(&writing))
    }

    /// Events that could not be planned for are on record as failed, each by itself.
    async fn tell_refused(
        &self,
        refused: &[Refused],
        now: Timestamp,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        if refused.is_empty() {
            return Ok(());
        }
        let events: Vec<EventRecord> = refused
            .iter()
            .map(|refused| EventRecord {
                uid: refused.uid.clone(),
                recurrence_id: None,
                summary: refused.summary.clone(),
                side: refused.side,
                action: ActionKind::Update,
                reason: Reason::Changed,
                changes: Vec::new(),
                error: Some(refused.problem.clone()),
                at: now,
            })
            .collect();
        for event in &events {
            outcome.event(event.clone());
        }
        let settlement = Settlement {
            events,
            ..Settlement::default()
        };
        self.store
            .settle(&self.mapping.id, &self.id, settlement)
            .await
            .map_err(Halt::Store)
    }

    /// Remembers what the guard holds back, and has it planned again next time.
    async fn hold(
        &self,
        guarded: &Guarded,
        state: &mut MappingState,
        now: Timestamp,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let count = guarded
            .held
            .as_ref()
            .map_or(0, |held| held.operations.len());
        outcome.held(u32::try_from(count).unwrap_or(u32::MAX));
        state.held.clone_from(&guarded.held);
        let rows: Vec<RowChange> = guarded
            .waiting
            .iter()
            .map(|group| {
                let mut row = group.row.clone();
                row.due = Some(now);
                RowChange::Put(Box::new(row))
            })
            .collect();
        self.keep_rows(&rows).await
    }

    async fn keep_rows(&self, rows: &[RowChange]) -> Result<(), Halt<S::Error>> {
        if rows.is_empty() {
            return Ok(());
        }
        self.store
            .settle(
                &self.mapping.id,
                &self.id,
                Settlement {
                    rows: rows.to_vec(),
                    ..Settlement::default()
                },
            )
            .await
            .map_err(Halt::Store)
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
            .partition(|group| group.weight == Weight::Removes);
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
        let mut refused: Vec<ComponentKey> = Vec::new();
        let total = group.steps.len();
        let mut source = None;
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
            let key = step.account().key;
            source = Some(step.side().other());
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
                    refused.push(key);
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
        self.close(&mut row, clean, &refused, group.due, &group.finally, source)
            .await?;
        Ok(again.then_some(row))
    }

    /// After the last step: agreement as a whole, the next due time, an end to old setbacks.
    async fn close(
        &self,
        row: &mut Row,
        clean: bool,
        refused: &[ComponentKey],
        due: Option<Timestamp>,
        finally: &[(ComponentKey, Option<crate::plan::operation::Value>)],
        source: Option<Side>,
    ) -> Result<(), Halt<S::Error>> {
        let before = row.clone();
        if clean {
            match source {
                Some(Side::Caldav) => settle::take_all::<Caldav>(row, finally),
                Some(Side::Google) => settle::take_all::<Google>(row, finally),
                None => {}
            }
            row.setbacks.clear();
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
            last,
        };
        match written {
            Ok(written) => settling.answer(written, row, versions, outcome).await,
            Err(error) => settling.error(&error, row, writing, outcome).await,
        }
    }

    /// Plans these series once more from what the mirror now shows.
    async fn plan_again(&self, rows: &[Row], now: Timestamp) -> Result<Plan, Halt<S::Error>> {
        let changes = crate::ports::store::ChangeSet {
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
        let keys: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.key).collect();
        series.retain(|input| {
            input
                .row
                .as_ref()
                .is_some_and(|row| keys.contains(&row.key))
        });
        let plan = crate::plan::plan(&self.input(now, false, false, series));
        // A second look never removes: what vanished meanwhile waits for the guard of the next run.
        let groups = plan
            .groups
            .into_iter()
            .filter(|group| group.weight != Weight::Removes && group.weight != Weight::Empties)
            .collect();
        Ok(Plan { groups, ..plan })
    }

    /// After a master was written, its exceptions are read back: the side may have moved or swept
    /// them away.
    async fn refresh_exceptions(&self, rows: &[Row]) -> Result<(), Halt<S::Error>> {
        if !self.google.capabilities().exceptions_apart {
            return Ok(());
        }
        let exceptions: Vec<ResourceId<Google>> = rows
            .iter()
            .filter_map(Row::link::<Google>)
            .filter(|link| !link.expanded)
            .flat_map(|link| &link.resources)
            .filter(|(key, _)| *key != ComponentKey::Master)
            .map(|(_, id)| id.clone())
            .collect();
        if exceptions.is_empty() {
            return Ok(());
        }
        let seen = self.google.fetch(&exceptions).await?;
        self.store
            .record(
                &self.mapping.google,
                Reading {
                    at: self.clock.now(),
                    seen,
                    shown: false,
                    end: None,
                },
            )
            .await
            .map_err(Halt::Store)
    }

    /// Leaves rows for the next run.
    async fn put_off(&self, rows: Vec<Row>, outcome: &Outcome) -> Result<(), Halt<S::Error>> {
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
