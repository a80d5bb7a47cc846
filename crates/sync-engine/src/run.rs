//! One run of one mapping: recover → read → plan → guard → apply → commit → report.
//!
//! The run owns the order of things and nothing else: reading and writing are the sides' matter,
//! remembering the store's, deciding the planner's. It never sleeps and never asks for the time but
//! at its beginning, at each write and at its end, through the [`Clock`].

mod again;
mod answer;
mod apply;
mod assemble;
mod by_hand;
mod joining;
mod keeping;
mod missed;
mod outcome;
mod read;
mod recover;
mod settle;
mod sharing;
mod versions;

use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::conflict::Decision;
use crate::guard;
use crate::mapping::{Direction, Mapping};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, PlanId, RunId, Side, ZoneName};
use crate::plan::{self, Plan, PlanInput};
use crate::ports::Clock;
use crate::ports::side::{SideError, SidePort};
use crate::ports::store::{ChangeSet, MappingState, Store};
use crate::report::{Problem, RunReport, Warning};
use crate::row::RowKey;

pub use joining::Joining;
use outcome::Outcome;

/// Readings at most because somebody joined; before the last, nobody joins any more.
const READINGS: u8 = 4;

/// What a run works with.
pub struct Run<'a, C, G, S, K> {
    /// The mapping, as it is when the run begins.
    pub mapping: &'a Mapping,
    /// The run's id.
    pub id: RunId,
    /// The CalDAV calendar.
    pub caldav: &'a C,
    /// The Google calendar.
    pub google: &'a G,
    /// What is remembered.
    pub store: &'a S,
    /// The time.
    pub clock: &'a K,
    /// Set when the run shall stop before its next write (the mapping was switched off, or the
    /// program ends).
    pub stop: &'a AtomicBool,
    /// A calendar that was read at or after this moment is not read again: calendars that several
    /// mappings share are read once a round. `None` reads always.
    pub round: Option<Timestamp>,
    /// Who asks for a run while this one still reads; `None` when nobody may join.
    pub joining: Option<&'a Joining>,
    /// Carry out nothing but the very plan of this id (a person saw it in a preview); another plan
    /// ends the run with the code `plan_changed` and nothing written.
    pub only: Option<PlanId>,
}

/// Why a run could not be carried through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt<E> {
    /// A side failed.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The plan is not the one that was asked for.
    #[error("the plan is another one by now")]
    PlanChanged,
    /// The store failed: nothing may be written that cannot be written down first.
    #[error("the store failed")]
    Store(#[source] E),
}

impl<E> Halt<E> {
    /// What people are told; the store's own errors are not for them.
    fn problem(self) -> Result<Problem, E> {
        match self {
            Self::Store(error) => Err(error),
            Self::Side(error) => Ok(Problem::from(&error)),
            Self::PlanChanged => Ok(plan_changed()),
        }
    }
}

impl<C, G, S, K> Run<'_, C, G, S, K>
where
    C: SidePort<Tag = Caldav>,
    G: SidePort<Tag = Google>,
    S: Store,
    K: Clock,
{
    /// Runs. Errors of the sides are in the report; only the store's own are returned.
    pub async fn run(&self) -> Result<RunReport, S::Error> {
        let started_at = self.clock.now();
        let outcome = Outcome::new();
        let done = self.steps(started_at, &outcome).await;
        self.report(done, started_at, &outcome).await
    }

    /// Ends a run: its report is stored and returned.
    async fn report<T>(
        &self,
        done: Result<T, Halt<S::Error>>,
        started_at: Timestamp,
        outcome: &Outcome,
    ) -> Result<RunReport, S::Error> {
        let error = match done {
            Ok(_) => None,
            Err(halt) => Some(halt.problem()?),
        };
        let report = outcome.report(self.id.clone(), started_at, self.clock.now(), error);
        self.store.finish(&self.mapping.id, &report).await?;
        Ok(report)
    }

    /// What a run would do, from what both sides show now. Reads, plans, writes nothing to either
    /// side; the plan is what the guard lets through, and what it would hold.
    pub async fn preview(&self) -> Result<Result<guard::Guarded, Problem>, S::Error> {
        let now = self.clock.now();
        let outcome = Outcome::new();
        let planned = async {
            let mut state = self.state().await?;
            self.read_both(now, self.round, &mut state, &outcome)
                .await?;
            let (plan, _) = self.plan(now, &state, &outcome).await?;
            let measure = self.measure(&plan, now, &state).await?;
            Ok(guard::guard(plan, self.mapping, measure, &state, now))
        };
        let planned: Result<_, Halt<S::Error>> = planned.await;
        match planned {
            Ok(guarded) => Ok(Ok(guarded)),
            Err(halt) => halt.problem().map(Err),
        }
    }

    async fn steps(&self, now: Timestamp, outcome: &Outcome) -> Result<(), Halt<S::Error>> {
        let mut state = self.state().await?;
        self.recover().await?;
        self.read_for_all(now, &mut state, outcome).await?;
        let (plan, changes) = self.plan(now, &state, outcome).await?;
        if self.settings_changed(&state).await? {
            // From now on copies follow the new settings, one by one: whatever happens, and
            // whatever the settings are by then, the next run must look at all of them again.
            state.planned_with.clear();
            self.store
                .planned(&self.mapping.id, changes.upto, state.clone())
                .await
                .map_err(Halt::Store)?;
        }
        let measure = self.measure(&plan, now, &state).await?;
        let guarded = guard::guard(plan, self.mapping, measure, &state, now);
        if self.only.as_ref().is_some_and(|only| *only != guarded.id()) {
            return Err(Halt::PlanChanged);
        }
        let applied = self.apply(guarded, now, &mut state, outcome).await?;
        if applied {
            let asked = |side: Side| {
                state
                    .held
                    .iter()
                    .any(|held| held.kind == guard::HeldKind::Change && held.side == side)
            };
            state.sides = [Side::Caldav, Side::Google]
                .into_iter()
                .filter(|side| self.mapping.writes(*side) && !asked(*side))
                .collect();
            state.first_plan_done = true;
            state.planned_with = settings(self.mapping);
            self.store
                .planned(&self.mapping.id, changes.upto, state)
                .await
                .map_err(Halt::Store)?;
        }
        Ok(())
    }

    async fn state(&self) -> Result<MappingState, Halt<S::Error>> {
        self.store
            .mapping_state(&self.mapping.id)
            .await
            .map_err(Halt::Store)
    }

    /// What people answered to open conflicts and held plans.
    async fn answers(&self, state: &MappingState) -> Result<Answers, Halt<S::Error>> {
        Ok(Answers {
            decisions: self
                .store
                .decisions(&self.mapping.id)
                .await
                .map_err(Halt::Store)?,
            restoring: state.restoring.clone(),
        })
    }

    async fn tracked(&self) -> Result<u64, Halt<S::Error>> {
        self.store
            .tracked(&self.mapping.id)
            .await
            .map_err(Halt::Store)
    }

    /// Reads both sides, and again for whoever joins meanwhile: he wants to see what is there now,
    /// whatever other runs have read.
    async fn read_for_all(
        &self,
        now: Timestamp,
        state: &mut MappingState,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let Some(joining) = self.joining else {
            return self.read_both(now, self.round, state, outcome).await;
        };
        // Two readings of one run are one witness of an empty calendar.
        let before = (state.caldav_empty_since, state.google_empty_since);
        for left in (0..READINGS).rev() {
            let asked = joining.begin();
            if left == 0 {
                joining.close();
            }
            let round = if asked { None } else { self.round };
            (state.caldav_empty_since, state.google_empty_since) = before;
            let read = self.read_both(now, round, state, outcome).await;
            if read.is_err() {
                joining.close();
            }
            read?;
            if joining.end() {
                break;
            }
        }
        Ok(())
    }

    async fn read_both(
        &self,
        now: Timestamp,
        round: Option<Timestamp>,
        state: &mut MappingState,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let (mut caldav_empty, mut google_empty) =
            (state.caldav_empty_since, state.google_empty_since);
        let read = futures_util::future::join(
            self.read(self.caldav, now, round, &mut caldav_empty, outcome),
            self.read(self.google, now, round, &mut google_empty, outcome),
        )
        .await;
        state.caldav_empty_since = caldav_empty;
        state.google_empty_since = google_empty;
        read.0.and(read.1)
    }

    async fn plan(
        &self,
        now: Timestamp,
        state: &MappingState,
        outcome: &Outcome,
    ) -> Result<(Plan, ChangeSet), Halt<S::Error>> {
        let reproject = self.settings_changed(state).await?;
        let mut changes = self
            .store
            .changes(
                &self.mapping.id,
                &self.mapping.caldav,
                &self.mapping.google,
                now,
                reproject || !state.first_plan_done,
            )
            .await
            .map_err(Halt::Store)?;
        let answers = self.answers(state).await?;
        changes.due.extend(
            answers
                .decisions
                .iter()
                .map(|decision| decision.row.clone()),
        );
        changes.caldav.extend(state.orphans.caldav.iter().cloned());
        changes.google.extend(state.orphans.google.iter().cloned());
        self.ask_for_missing(&changes.due).await?;
        let series = self.assemble(&changes).await?;
        let first = !state.first_plan_done;
        let input = self.input(now, first, reproject, series, answers);
        let mut plan = plan::plan(&input);
        // An answer to what is no conflict any more.
        let idle = input.decisions.iter().filter(|decision| {
            let raised = plan.conflicts.iter().any(|c| c.id == decision.conflict);
            let row = input.series.iter().filter_map(|series| series.row.as_ref());
            let open = row.flat_map(|row| &row.open);
            !raised && !open.into_iter().any(|id| *id == decision.conflict)
        });
        plan.over
            .extend(idle.map(|decision| decision.conflict.clone()));
        outcome.warn(plan.warnings.iter().cloned());
        Ok((plan, changes))
    }

    /// Whether copies exist that were made with other settings, or may be.
    async fn settings_changed(&self, state: &MappingState) -> Result<bool, Halt<S::Error>> {
        if state.planned_with == settings(self.mapping) {
            return Ok(false);
        }
        Ok(state.first_plan_done || self.tracked().await? > 0)
    }

    pub(crate) fn input(
        &self,
        now: Timestamp,
        first: bool,
        reproject: bool,
        series: Vec<plan::SeriesInput>,
        answers: Answers,
    ) -> PlanInput {
        PlanInput {
            mapping: self.mapping.clone(),
            now,
            first,
            reproject,
            floating: self.floating(),
            caldav: self.caldav.capabilities(),
            google: self.google.capabilities(),
            decisions: answers.decisions,
            restoring: answers.restoring,
            series,
        }
    }

    /// What floating times stand for: the mapping's zone, else the calendars' own, else UTC.
    pub(crate) fn floating(&self) -> ZoneName {
        self.mapping
            .time_zone
            .clone()
            .or_else(|| self.caldav.capabilities().time_zone)
            .or_else(|| self.google.capabilities().time_zone)
            .unwrap_or_else(ZoneName::utc)
    }

    fn stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// What people answered, as a plan needs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    decisions: Vec<Decision>,
    restoring: Vec<RowKey>,
}

fn plan_changed() -> Problem {
    Problem {
        code: "plan_changed".to_owned(),
        detail: "Something changed since the preview: the plan is another one by now.".to_owned(),
        action: "Look at the preview again and decide about what it shows now.".to_owned(),
        side: None,
    }
}

/// Counts intents of one run: their ids are the run's and this number.
pub(crate) type Counter = AtomicU32;

/// A fingerprint of the settings that shape copies: when it changes, everything is planned anew.
fn settings(mapping: &Mapping) -> String {
    let shaping = (
        &mapping.direction,
        &mapping.window,
        &mapping.privacy,
        &mapping.declined,
        &mapping.private_events,
        &mapping.time_zone,
        &mapping.chain,
        &mapping.caldav_name,
        &mapping.on_target_edit,
        &mapping.invitations,
        &mapping.google_name,
        // What waits for a person is decided anew by another policy.
        (mapping.direction == Direction::Bidirectional).then_some(&mapping.conflict_policy),
    );
    // Plain values of our own always serialise.
    serde_json::to_string(&shaping).unwrap_or_default()
}

/// A warning about a side, not about one event.
pub(crate) fn side_warning(code: &str, side: Side, detail: &str) -> Warning {
    Warning {
        code: code.to_owned(),
        detail: format!(
            "{}: {detail}",
            match side {
                Side::Caldav => "CalDAV",
                Side::Google => "Google",
            }
        ),
        uid: None,
    }
}
