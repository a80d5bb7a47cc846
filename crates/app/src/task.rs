//! What a run may be for: whatever is due, a clean-up, taking back what a run wrote. Each can be seen
//! before it is done, and what was seen can be asked for: then exactly that is done, or nothing.

use std::sync::atomic::AtomicBool;

use store::records::{Mapping, RunState};
use sync_engine::conflict::Conflict;
use sync_engine::guard::Guarded;
use sync_engine::model::{MappingId, PlanId, RunId, Side};
use sync_engine::plan::operation::{Account, Step};
use sync_engine::plan::{CleanUp, Group};
use sync_engine::report::Warning;
use sync_engine::run::Run;

use crate::error::{Kind, UserError};
use crate::runner::{EngineClock, for_engine};
use crate::scheduler::RunHandle;
use crate::service::App;

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) task: Task,
    /// Nothing but this very plan.
    pub(crate) only: Option<PlanId>,
}

impl Job {
    /// What is due, as the clock asks for it.
    pub(crate) const DUE: Self = Self {
        task: Task::Sync,
        only: None,
    };

    /// Whether it is a sync that somebody has seen beforehand.
    pub(crate) fn confirms(&self) -> bool {
        self.task == Task::Sync && self.only.is_some()
    }
}

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Whatever is due.
    Sync,
    /// Removing copies that a person wants gone.
    CleanUp(CleanUp),
    /// Taking back what a run wrote.
    Undo(RunId),
}

/// What a run would do.
#[derive(Debug, Clone)]
pub struct PreviewPlan {
    /// Stands for exactly this content.
    pub plan_id: String,
    /// What would be done.
    pub operations: Vec<Previewed>,
    /// What the guard would hold.
    pub held: Vec<Previewed>,
    /// What both sides changed, decided by a rule or left to a person.
    pub conflicts: Vec<Conflict>,
    /// What people may want to know.
    pub warnings: Vec<Warning>,
}

/// One operation of a preview.
#[derive(Debug, Clone)]
pub struct Previewed {
    /// The side that would be written.
    pub side: Side,
    /// What would be done.
    pub account: Account,
}

impl App {
    /// What the next run of a mapping would do.
    pub async fn preview(&self, id: &str) -> Result<PreviewPlan, UserError> {
        let mapping = self.mapping(id).await?;
        self.preview_of(&mapping, &Task::Sync).await
    }

    /// What a clean-up of a mapping's copies would remove.
    pub async fn preview_clean_up(
        &self,
        id: &str,
        what: CleanUp,
    ) -> Result<PreviewPlan, UserError> {
        let mapping = self.mapping(id).await?;
        self.preview_of(&mapping, &Task::CleanUp(what)).await
    }

    /// Removes copies outside the window, or without a source. With `plan`, exactly those that a
    /// preview showed. A mapping that is switched off can be cleaned up too.
    pub async fn clean_up(
        &self,
        id: &str,
        what: CleanUp,
        plan: Option<&str>,
    ) -> Result<RunHandle, UserError> {
        let mapping = self.mapping(id).await?;
        self.carry_out(&mapping, Task::CleanUp(what), plan).await
    }

    /// What taking back a run would write.
    pub async fn preview_undo(&self, run: &str) -> Result<PreviewPlan, UserError> {
        let (mapping, run) = self.undoable(run).await?;
        self.preview_of(&mapping, &Task::Undo(run)).await
    }

    /// Takes back what a run wrote and nobody changed since. With `plan`, exactly what a preview
    /// showed. Works for a mapping that is switched off too: that is when people need it.
    pub async fn undo(&self, run: &str, plan: Option<&str>) -> Result<RunHandle, UserError> {
        let (mapping, run) = self.undoable(run).await?;
        self.carry_out(&mapping, Task::Undo(run), plan).await
    }

    async fn undoable(&self, run: &str) -> Result<(Mapping, RunId), UserError> {
        let run = self.run(run).await?;
        if run.state == RunState::Running {
            return Err(UserError::new(
                Kind::Conflict,
                "run_not_ended",
                "The run is under way",
                "This run has not ended yet: what it will have written is not known.",
                "Wait until it has ended, or pause the mapping, which stops it.",
            ));
        }
        let mapping = self.mapping_of(&run.mapping).await?;
        Ok((mapping, run.id))
    }

    /// The mapping of a run, which may be gone.
    async fn mapping_of(&self, id: &MappingId) -> Result<Mapping, UserError> {
        match self.mapping(id.as_str()).await {
            Err(error) if error.kind == Kind::NotFound => Err(UserError::new(
                Kind::Conflict,
                "mapping_gone",
                "The mapping is gone",
                "The mapping of this run was deleted: what the run wrote can no longer be taken \
                 back.",
                "Change the events in the calendars themselves.",
            )),
            other => other,
        }
    }

    async fn carry_out(
        &self,
        mapping: &Mapping,
        task: Task,
        plan: Option<&str>,
    ) -> Result<RunHandle, UserError> {
        let only = match plan {
            Some(plan) => Some(self.same_plan(mapping, &task, plan).await?),
            None => None,
        };
        self.ask(mapping, Job { task, only }).await
    }

    /// Whether a task would still do exactly what was seen. The run looks once more, right before
    /// it writes.
    pub(crate) async fn same_plan(
        &self,
        mapping: &Mapping,
        task: &Task,
        plan_id: &str,
    ) -> Result<PlanId, UserError> {
        let plan = self.preview_of(mapping, task).await?;
        if plan.plan_id == plan_id {
            Ok(PlanId::new(plan_id))
        } else {
            Err(UserError::plan_changed().with("current_id", plan.plan_id))
        }
    }

    /// What a task would do, read afresh; nothing is written to either side.
    async fn preview_of(&self, mapping: &Mapping, task: &Task) -> Result<PreviewPlan, UserError> {
        let _quiet = self.accounts_of(mapping).await;
        let opened = self.open_both(mapping).await?;
        let settings = for_engine(mapping)?;
        let clock = EngineClock(self.inner.clock.as_ref());
        let stop = AtomicBool::new(false);
        let engine = Run {
            mapping: &settings,
            id: RunId::new("preview"),
            caldav: &opened.caldav,
            google: &opened.google,
            store: &self.inner.db,
            clock: &clock,
            stop: &stop,
            round: None,
            joining: None,
            only: None,
        };
        let guarded = match task {
            Task::Sync => engine.preview().await,
            Task::CleanUp(what) => engine.preview_clean_up(*what).await,
            Task::Undo(of) => engine.preview_undo(of).await,
        }?;
        let guarded =
            guarded.map_err(|problem| UserError::from_problem(Kind::Unacceptable, &problem))?;
        Ok(shown(guarded))
    }
}

fn shown(guarded: Guarded) -> PreviewPlan {
    let list = |groups: &[Group]| -> Vec<Previewed> {
        groups
            .iter()
            .flat_map(|group| &group.steps)
            .filter(|step| step.account().counted)
            .map(|step: &Step| Previewed {
                side: step.side(),
                account: step.account().clone(),
            })
            .collect()
    };
    let plan_id = guarded.id().as_str().to_owned();
    let plan = guarded.plan;
    let conflicts = plan.conflicts;
    PreviewPlan {
        plan_id,
        operations: list(&plan.groups),
        held: list(&guarded.waiting),
        warnings: plan
            .refused
            .into_iter()
            .map(|refused| Warning {
                code: refused.problem.code,
                detail: refused.problem.detail,
                uid: Some(refused.uid),
            })
            .chain(conflicts.iter().map(|conflict| Warning {
                code: "conflict".to_owned(),
                detail: conflict.reason.clone(),
                uid: Some(conflict.uid.clone()),
            }))
            .chain(plan.warnings)
            .collect(),
        conflicts,
    }
}
