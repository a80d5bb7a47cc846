//! What a run has to tell, gathered while its writes are under way.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::conflict::Conflict;
use crate::model::time::Timestamp;
use crate::model::{ConflictId, RunId};
use crate::plan::operation::{Account, ActionKind};
use crate::report::{EventRecord, Problem, RunReport, RunStatus, Warning};

/// The gathered counts, events and warnings of a run.
pub(crate) struct Outcome(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    events: Vec<EventRecord>,
    warnings: Vec<Warning>,
    deferred: u32,
    held: u32,
    conflicts: BTreeSet<ConflictId>,
    error: Option<Problem>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Gathered::default()))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Gathered) -> T) -> T {
        // A panic elsewhere must not cost the report.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn warn(&self, warnings: impl IntoIterator<Item = Warning>) {
        self.with(|gathered| {
            for warning in warnings {
                if !gathered.warnings.contains(&warning) {
                    gathered.warnings.push(warning);
                }
            }
        });
    }

    pub(crate) fn event(&self, event: EventRecord) {
        self.with(|gathered| gathered.events.push(event));
    }

    pub(crate) fn deferred(&self, count: u32) {
        self.with(|gathered| gathered.deferred = gathered.deferred.saturating_add(count));
    }

    pub(crate) fn held(&self, count: u32) {
        self.with(|gathered| gathered.held = gathered.held.saturating_add(count));
    }

    pub(crate) fn conflicts(&self, conflicts: &[Conflict]) {
        self.with(|gathered| {
            let ids = conflicts.iter().map(|conflict| conflict.id.clone());
            gathered.conflicts.extend(ids);
        });
    }

    /// The first error that ended the writing.
    pub(crate) fn broke(&self, problem: Problem) {
        self.with(|gathered| {
            gathered.error.get_or_insert(problem);
        });
    }

    pub(crate) fn report(
        &self,
        id: RunId,
        started_at: Timestamp,
        finished_at: Timestamp,
        error: Option<Problem>,
    ) -> RunReport {
        self.with(|gathered| {
            let events = std::mem::take(&mut gathered.events);
            let error = error.or_else(|| gathered.error.take());
            let count = |action: ActionKind| {
                let done = events
                    .iter()
                    .filter(|event| event.error.is_none() && event.action == action);
                u32::try_from(done.count()).unwrap_or(u32::MAX)
            };
            let failed = events.iter().filter(|event| event.error.is_some()).count();
            RunReport {
                id,
                started_at,
                finished_at,
                status: if error.is_some() {
                    RunStatus::Failure
                } else if failed > 0 {
                    RunStatus::PartialFailure
                } else {
                    RunStatus::Success
                },
                inserted: count(ActionKind::Insert),
                updated: count(ActionKind::Update),
                deleted: count(ActionKind::Delete),
                failed: u32::try_from(failed).unwrap_or(u32::MAX),
                deferred: gathered.deferred,
                held: gathered.held,
                conflicts: u32::try_from(gathered.conflicts.len()).unwrap_or(u32::MAX),
                warnings: std::mem::take(&mut gathered.warnings),
                events,
                error,
            }
        })
    }
}

/// The record of one write.
pub(crate) fn record(
    account: &Account,
    side: crate::model::Side,
    at: Timestamp,
    error: Option<Problem>,
) -> EventRecord {
    EventRecord {
        uid: account.uid.clone(),
        recurrence_id: account.recurrence_id.clone(),
        summary: account.summary.clone(),
        side,
        action: account.action,
        reason: account.reason,
        changes: account.changes.clone(),
        error,
        at,
    }
}
