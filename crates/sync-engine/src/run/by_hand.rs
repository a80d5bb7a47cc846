//! Runs that people ask for: removing copies, cleaning up, taking a run back. The guard is not
//! asked: a person was.

use super::outcome::Outcome;
use super::{Answers, Halt, Run};
use crate::guard::Guarded;
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, RunId, Uid};
use crate::plan::{self, CleanUp, Plan, PlanInput};
use crate::ports::Clock;
use crate::ports::side::SidePort;
use crate::ports::store::{ChangeSet, MappingState, Store};
use crate::report::{Problem, RunReport};
use crate::row::Row;

/// What a person asked for.
enum Asked<'a> {
    Removal(&'a [Uid]),
    CleanUp(CleanUp),
    Undo(&'a RunId),
}

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Removes every copy the mapping made, for a mapping that is about to be deleted; not those
    /// with these UIDs, which were handed over to another mapping.
    pub async fn remove_copies(&self, spared: &[Uid]) -> Result<RunReport, S::Error> {
        self.carry_through(&Asked::Removal(spared)).await
    }

    /// Removes copies outside the window, or without a source.
    pub async fn clean_up(&self, what: CleanUp) -> Result<RunReport, S::Error> {
        self.carry_through(&Asked::CleanUp(what)).await
    }

    /// What that would do.
    pub async fn preview_clean_up(
        &self,
        what: CleanUp,
    ) -> Result<Result<Guarded, Problem>, S::Error> {
        self.look(&Asked::CleanUp(what)).await
    }

    /// Writes back what a run wrote, as far as nothing changed since. What is written back is set
    /// aside: it sits out plans until either side changes it.
    pub async fn undo(&self, of: &RunId) -> Result<RunReport, S::Error> {
        self.carry_through(&Asked::Undo(of)).await
    }

    /// What that would do.
    pub async fn preview_undo(&self, of: &RunId) -> Result<Result<Guarded, Problem>, S::Error> {
        self.look(&Asked::Undo(of)).await
    }

    async fn carry_through(&self, asked: &Asked<'_>) -> Result<RunReport, S::Error> {
        let started_at = self.clock.now();
        let outcome = Outcome::new();
        let done = async {
            self.recover().await?;
            let mut state = self.state().await?;
            let plan = self
                .asked_for(asked, started_at, &mut state, &outcome)
                .await?;
            outcome.warn(plan.warnings.iter().cloned());
            let guarded = Guarded {
                plan,
                ..Guarded::default()
            };
            if self.only.as_ref().is_some_and(|only| *only != guarded.id()) {
                return Err(Halt::PlanChanged);
            }
            self.apply(guarded, started_at, &mut state, &outcome).await
        };
        self.report(done.await, started_at, &outcome).await
    }

    async fn look(&self, asked: &Asked<'_>) -> Result<Result<Guarded, Problem>, S::Error> {
        let now = self.clock.now();
        let outcome = Outcome::new();
        let planned = async {
            let mut state = self.state().await?;
            self.asked_for(asked, now, &mut state, &outcome).await
        };
        match planned.await {
            Ok(plan) => Ok(Ok(Guarded {
                plan,
                ..Guarded::default()
            })),
            Err(halt) => halt.problem().map(Err),
        }
    }

    async fn asked_for(
        &self,
        asked: &Asked<'_>,
        now: Timestamp,
        state: &mut MappingState,
        outcome: &Outcome,
    ) -> Result<Plan, Halt<S::Error>> {
        self.read_both(now, self.round, state, outcome).await?;
        match asked {
            Asked::Removal(spared) => {
                let input = self.everything(now).await?;
                Ok(plan::removal_of_copies(&input, spared))
            }
            Asked::CleanUp(what) => {
                let input = self.everything(now).await?;
                Ok(plan::clean_up(&input, *what))
            }
            Asked::Undo(run) => {
                let written = self
                    .store
                    .written_in(&self.mapping.id, run)
                    .await
                    .map_err(Halt::Store)?;
                let rows: Vec<&Row> = written.iter().map(|done| &done.row).collect();
                let changes = ChangeSet {
                    due: rows.iter().map(|row| row.key.clone()).collect(),
                    ..ChangeSet::default()
                };
                let series = self.assemble(&changes).await?;
                let input = self.input(now, false, false, series, Answers::default());
                Ok(plan::undo(&input, &written))
            }
        }
    }

    async fn everything(&self, now: Timestamp) -> Result<PlanInput, Halt<S::Error>> {
        let changes = self
            .store
            .changes(
                &self.mapping.id,
                &self.mapping.caldav,
                &self.mapping.google,
                now,
                true,
            )
            .await
            .map_err(Halt::Store)?;
        let series = self.assemble(&changes).await?;
        Ok(self.input(now, false, false, series, Answers::default()))
    }
}
