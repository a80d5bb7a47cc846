//! One run of one mapping: recover → read → plan → guard → apply → commit → report.
//!
//! The run owns the order of things and nothing else: reading and writing are the sides' matter,
//! remembering the store's, deciding the planner's. It never sleeps and never asks for the time but
//! at its beginning, at each write and at its end, through the [`Clock`].

mod answer;
mod apply;
mod assemble;
mod outcome;
mod read;
mod recover;
mod settle;
mod versions;

use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::guard;
use crate::mapping::{Direction, Mapping};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Google, RunId, Side, ZoneName};
use crate::plan::{self, Plan, PlanInput};
use crate::ports::Clock;
use crate::ports::side::{SideError, SidePort};
use crate::ports::store::{ChangeSet, MappingState, Store};
use crate::report::{Problem, RunReport, Warning};

use outcome::Outcome;

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
}

/// Why a run could not be carried through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt<E> {
    /// A side failed.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The store failed: nothing may be written that cannot be written down first.
    #[error("the store failed")]
    Store(#[source] E),
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
        let error = match self.steps(started_at, &outcome).await {
            Ok(()) => None,
            Err(Halt::Store(error)) => return Err(error),
            Err(Halt::Side(error)) => Some(Problem::from(&error)),
        };
        let report = outcome.report(self.id.clone(), started_at, self.clock.now(), error);
        self.store.finish(&self.mapping.id, &report).await?;
        Ok(report)
    }

    /// Removes every copy the mapping made, for a mapping that is about to be deleted. The guard is
    /// not asked: a person was.
    pub async fn remove_copies(&self) -> Result<RunReport, S::Error> {
        let started_at = self.clock.now();
        let outcome = Outcome::new();
        let error = match self.removing(started_at, &outcome).await {
            Ok(()) => None,
            Err(Halt::Store(error)) => return Err(error),
            Err(Halt::Side(error)) => Some(Problem::from(&error)),
        };
        let report = outcome.report(self.id.clone(), started_at, self.clock.now(), error);
        self.store.finish(&self.mapping.id, &report).await?;
        Ok(report)
    }

    async fn removing(&self, now: Timestamp, outcome: &Outcome) -> Result<(), Halt<S::Error>> {
        let mut state = self.state().await?;
        self.recover().await?;
        self.read_both(now, &mut state, outcome).await?;
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
        let plan = plan::removal_of_copies(&self.input(now, false, false, series));
        let guarded = guard::Guarded {
            plan,
            ..guard::Guarded::default()
        };
        self.apply(guarded, now, &mut state, outcome).await?;
        Ok(())
    }

    /// What a run would do, from what both sides show now. Reads, plans, writes nothing to either
    /// side; the plan is what the guard lets through, and what it would hold.
    pub async fn preview(&self) -> Result<Result<guard::Guarded, Problem>, S::Error> {
        let now = self.clock.now();
        let outcome = Outcome::new();
        let planned = async {
            let mut state = self.state().await?;
            self.read_both(now, &mut state, &outcome).await?;
            let (plan, _) = self.plan(now, &state, &outcome).await?;
            let tracked = self.tracked().await?;
            Ok(guard::guard(plan, self.mapping, tracked, &state, now))
        };
        match planned.await {
            Ok(guarded) => Ok(Ok(guarded)),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Side(error)) => Ok(Err(Problem::from(&error))),
        }
    }

    async fn steps(&self, now: Timestamp, outcome: &Outcome) -> Result<(), Halt<S::Error>> {
        let mut state = self.state().await?;
        self.recover().await?;
        self.read_both(now, &mut state, outcome).await?;
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
        let guarded = guard::guard(plan, self.mapping, self.tracked().await?, &state, now);
        let applied = self.apply(guarded, now, &mut state, outcome).await?;
        if applied {
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

    async fn tracked(&self) -> Result<u64, Halt<S::Error>> {
        self.store
            .tracked(&self.mapping.id)
            .await
            .map_err(Halt::Store)
    }

    async fn read_both(
        &self,
        now: Timestamp,
        state: &mut MappingState,
        outcome: &Outcome,
    ) -> Result<(), Halt<S::Error>> {
        let (mut caldav_empty, mut google_empty) =
            (state.caldav_empty_since, state.google_empty_since);
        let read = futures_util::future::join(
            self.read(self.caldav, now, &mut caldav_empty, outcome),
            self.read(self.google, now, &mut google_empty, outcome),
        )
        .await;
        state.caldav_empty_since = caldav_empty;
        state.google_empty_since = google_empty;
        let (from_caldav, from_google) = (read.0?, read.1?);
        let absent = match self.mapping.direction {
            Direction::CaldavToGoogle => from_caldav,
            Direction::GoogleToCaldav => from_google,
            Direction::Bidirectional => from_caldav.saturating_add(from_google),
        };
        let day = jiff::SignedDuration::from_hours(24);
        state
            .absences
            .retain(|(at, _)| now.duration_since(*at) < day);
        if absent > 0 {
            state.absences.push((now, absent));
        }
        Ok(())
    }

    async fn plan(
        &self,
        now: Timestamp,
        state: &MappingState,
        outcome: &Outcome,
    ) -> Result<(Plan, ChangeSet), Halt<S::Error>> {
        let reproject = self.settings_changed(state).await?;
        let changes = self
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
        let series = self.assemble(&changes).await?;
        let plan = plan::plan(&self.input(now, !state.first_plan_done, reproject, series));
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
    ) -> PlanInput {
        PlanInput {
            mapping: self.mapping.clone(),
            now,
            first,
            reproject,
            floating: self.floating(),
            caldav: self.caldav.capabilities(),
            google: self.google.capabilities(),
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
