//! One run of one mapping: opens both sides and the store for the engine, and keeps what was learned
//! about the accounts.

use std::sync::atomic::AtomicBool;

use store::records::{CaldavAccount, GoogleStatus, Mapping};
use sync_engine::mapping as engine;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{RunId, Side, Uid, ZoneName};
use sync_engine::ports::ErrorClass;
use sync_engine::ports::store::Store as _;
use sync_engine::report::{Problem, RunReport, RunStatus};
use sync_engine::run::Run;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::error::{Kind, UserError};
use crate::scheduler::Under;
use crate::service::App;
use crate::task::Task;

/// Both sides of a mapping, opened for one run.
pub(crate) struct Opened {
    pub(crate) caldav: caldav_client::Calendar,
    caldav_account: caldav_client::Account,
    stored: CaldavAccount,
    pub(crate) google: gcal_client::GoogleCalendar,
    google_account: gcal_client::Account,
}

/// The program's clock, for the engine.
pub(crate) struct EngineClock<'a>(pub(crate) &'a dyn Clock);

impl sync_engine::ports::Clock for EngineClock<'_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl App {
    /// Carries a run through. Returns whether it failed in a way that only a person can mend.
    pub(crate) async fn carry_through(&self, mapping: &Mapping, under: &Under) -> bool {
        let run = &under.handle.id;
        let started_at = self.now();
        let finished = match self.open_both(mapping).await {
            Ok(opened) => self.run_engine(mapping, under, &opened).await,
            Err(error) => Err(error),
        };
        under.joining.close();
        match finished {
            Ok(report) => {
                self.inner.counters.run(&mapping.id, &report);
                tracing::info!(
                    run_id = %run,
                    mapping_id = %mapping.id,
                    status = ?report.status,
                    inserted = report.inserted,
                    updated = report.updated,
                    deleted = report.deleted,
                    failed = report.failed,
                    deferred = report.deferred,
                    held = report.held,
                    error = report.error.as_ref().map(|error| error.code.as_str()),
                    "run ended"
                );
                report.error.as_ref().is_some_and(needs_person)
            }
            Err(error) => {
                tracing::warn!(run_id = %run, mapping_id = %mapping.id, code = %error.code, error = %error, "run failed");
                let problem = Problem {
                    code: error.code,
                    detail: error.detail,
                    action: error.action,
                    side: None,
                };
                let needs = needs_person(&problem);
                self.end_failed(mapping, run, started_at, problem).await;
                needs
            }
        }
    }

    async fn run_engine(
        &self,
        mapping: &Mapping,
        under: &Under,
        opened: &Opened,
    ) -> Result<RunReport, UserError> {
        let settings = for_engine(mapping)?;
        let clock = EngineClock(self.inner.clock.as_ref());
        let engine = Run {
            mapping: &settings,
            id: under.handle.id.clone(),
            caldav: &opened.caldav,
            google: &opened.google,
            store: &self.inner.db,
            clock: &clock,
            stop: &under.stop,
            round: under.round,
            joining: Some(&under.joining),
            only: under.job.only.clone(),
        };
        let report = match &under.job.task {
            Task::Sync => engine.run().await,
            Task::CleanUp(what) => engine.clean_up(*what).await,
            Task::Undo(of) => engine.undo(of).await,
        };
        let went_through = report.as_ref().is_ok_and(|report| report.error.is_none());
        if mapping.restored_at.is_some() && under.job.confirms() && went_through {
            self.inner.db.confirm_restored(&mapping.id).await?;
        }
        self.keep_learned(mapping, opened, report.as_ref().ok())
            .await?;
        Ok(report?)
    }

    pub(crate) async fn open_both(&self, mapping: &Mapping) -> Result<Opened, UserError> {
        let stored = self
            .inner
            .db
            .caldav_account(&mapping.caldav.account)
            .await?;
        let caldav_account = self.caldav_account(&stored).await?;
        let caldav = caldav_account
            .open(&crate::caldav::found(&mapping.caldav), self.now())
            .map_err(|error| {
                UserError::new(
                    Kind::Unacceptable,
                    error.code(),
                    "The calendar cannot be opened",
                    error.to_string(),
                    error.action(),
                )
            })?;
        let google_account = self.google_account(&mapping.google.account).await?;
        let opening = gcal_client::Opening {
            calendar: mapping.google.remote(),
            access_role: mapping
                .google
                .facts
                .access_role
                .as_ref()
                .and_then(|role| serde_json::from_value(role.as_str().into()).ok()),
            time_zone: mapping
                .google
                .facts
                .time_zone
                .as_deref()
                .and_then(ZoneName::new),
        };
        Ok(Opened {
            google: google_account.open_calendar(&opening),
            caldav,
            caldav_account,
            stored,
            google_account,
        })
    }

    /// After a run: what was learned about the server, what was written at Google, and whether the
    /// accounts work.
    async fn keep_learned(
        &self,
        mapping: &Mapping,
        opened: &Opened,
        report: Option<&RunReport>,
    ) -> Result<(), UserError> {
        let profile = crate::caldav::to_value(&opened.caldav_account.profile());
        if profile != opened.stored.profile {
            self.inner
                .db
                .set_account_profile(&opened.stored.id, profile)
                .await?;
        }
        self.keep_google_usage(&mapping.google.account, &opened.google_account)
            .await?;
        let Some(report) = report else {
            return Ok(());
        };
        match &report.error {
            Some(problem) if problem.side == Some(Side::Caldav) => {
                self.set_caldav_status(&opened.stored.id, Some(problem.clone()))
                    .await?;
            }
            Some(problem) if needs_person(problem) && problem.side == Some(Side::Google) => {
                let class = if needs_sign_in(problem) {
                    ErrorClass::Credentials
                } else {
                    ErrorClass::Calendar
                };
                self.note_google_trouble(&mapping.google.account, class, problem)
                    .await?;
            }
            Some(_) => {}
            None => {
                if opened.stored.problem.is_some() {
                    self.set_caldav_status(&opened.stored.id, None).await?;
                }
                let google = &mapping.google.account;
                let stored = self.inner.db.google_account(google).await?;
                if stored.status != GoogleStatus::Ok {
                    let now = self.now();
                    self.inner
                        .db
                        .set_google_status(google, GoogleStatus::Ok, None, now)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// A run that could not even begin is on record too.
    async fn end_failed(
        &self,
        mapping: &Mapping,
        run: &RunId,
        started_at: Timestamp,
        problem: Problem,
    ) {
        let report = RunReport {
            id: run.clone(),
            started_at,
            finished_at: self.now(),
            status: RunStatus::Failure,
            inserted: 0,
            updated: 0,
            deleted: 0,
            failed: 0,
            deferred: 0,
            held: 0,
            conflicts: 0,
            warnings: Vec::new(),
            events: Vec::new(),
            error: Some(problem),
        };
        self.inner.counters.run(&mapping.id, &report);
        if let Err(error) = self.inner.db.finish(&mapping.id, &report).await {
            tracing::error!(run_id = %run, error = %error, "a failed run could not be recorded");
        }
    }

    /// Removes the copies a mapping made, before the mapping goes; those of `spared` belong to another
    /// mapping from now on.
    pub(crate) async fn remove_copies(
        &self,
        mapping: &Mapping,
        spared: &[Uid],
        begun: Option<oneshot::Sender<RunId>>,
    ) -> Result<(), UserError> {
        let opened = self.open_both(mapping).await.map_err(not_removed)?;
        let settings = for_engine(mapping)?;
        let clock = EngineClock(self.inner.clock.as_ref());
        let stop = AtomicBool::new(false);
        let run = self.inner.db.start_run(&mapping.id, self.now()).await?;
        if let Some(begun) = begun {
            // Whoever asked may have left.
            let _ = begun.send(run.clone());
        }
        let report = Run {
            mapping: &settings,
            id: run,
            caldav: &opened.caldav,
            google: &opened.google,
            store: &self.inner.db,
            clock: &clock,
            stop: &stop,
            round: None,
            joining: None,
            only: None,
        }
        .remove_copies(spared)
        .await?;
        self.keep_google_usage(&mapping.google.account, &opened.google_account)
            .await?;
        match report.error {
            None if report.failed == 0 && report.deferred == 0 => Ok(()),
            error => Err(unusable(error.map_or_else(
                || format!("{} event(s) could not be removed.", report.failed),
                |error| error.detail,
            ))),
        }
    }
}

/// A side that cannot be opened stands in the way of a removal; our own trouble is none of it.
fn not_removed(error: UserError) -> UserError {
    match error.kind {
        Kind::Internal | Kind::Unavailable => error,
        _ => unusable(error.detail),
    }
}

/// Copies are left because an account does not work.
fn unusable(why: String) -> UserError {
    UserError::new(
        Kind::Conflict,
        "account_unusable",
        "The copies could not all be removed",
        why,
        "The mapping is off and still there. Mend the account and delete it again, or delete it and \
         keep the copies.",
    )
}

/// A stored mapping as the engine knows it.
pub(crate) fn for_engine(mapping: &Mapping) -> Result<engine::Mapping, UserError> {
    let settings = &mapping.settings;
    let time_zone = match &settings.time_zone {
        None => None,
        Some(zone) => Some(ZoneName::new(zone).ok_or_else(|| {
            UserError::invalid("time_zone", format!("The time zone {zone:?} is not known."))
        })?),
    };
    let new = engine::Mapping::new(
        mapping.id.clone(),
        mapping.caldav_key(),
        mapping.google_key(),
    );
    Ok(engine::Mapping {
        caldav_name: mapping.caldav.facts.name.clone(),
        google_name: mapping.google.facts.name.clone(),
        direction: settings.direction,
        window: settings.window,
        conflict_policy: settings.conflict_policy,
        on_target_edit: settings.on_target_edit,
        privacy: settings.privacy.clone(),
        declined: settings.declined,
        private_events: settings.private_events,
        reminders: settings.reminders,
        deletion_limit: settings.deletion_limit,
        time_zone,
        chain: settings.chain,
        invitations: settings.invitations,
        ..new
    })
}

/// Whether only a person can mend it: the clock then asks again after an hour. What passes by itself
/// is tried again in the next round.
fn needs_person(problem: &Problem) -> bool {
    !matches!(
        problem.code.as_str(),
        "caldav_unreachable"
            | "caldav_garbled"
            | "caldav_list_truncated"
            // Mostly a server's own trouble (5xx); asking again soon does no harm otherwise.
            | "caldav_refused"
            | "google_unreachable"
            | "google_unreadable"
            | "google_rate_limited"
            | "google_project_limit"
            | "google_server_error"
            | "google_quota"
            | "google_daily_budget"
            | "plan_changed"
            | "token_not_stored"
            | "store_failed"
    )
}

/// Whether somebody must sign in with Google again.
fn needs_sign_in(problem: &Problem) -> bool {
    matches!(
        problem.code.as_str(),
        "google_needs_sign_in" | "google_unauthorized" | "google_scope_missing"
    )
}

#[cfg(test)]
mod tests {
    use gcal_client::error::WritesStopped;
    use sync_engine::ports::side::SideError;

    use super::*;

    /// The codes are the client's: a slip in a list here would go unnoticed.
    #[test]
    fn what_the_google_client_says_is_understood() {
        let now = Timestamp::UNIX_EPOCH;
        let told = |error: gcal_client::Error| -> SideError { error.side_error(now) };
        let ended = told(gcal_client::Error::SignInEnded {
            why: "it ended".to_owned(),
        });
        assert!(needs_sign_in(&Problem::from(&ended)) && needs_person(&Problem::from(&ended)));
        for passing in [
            gcal_client::Error::Paused { until: now },
            gcal_client::Error::WritesStopped {
                why: WritesStopped::DailyBudget,
                until: now,
            },
            gcal_client::Error::WritesStopped {
                why: WritesStopped::UsageLimit,
                until: now,
            },
        ] {
            let error = told(passing);
            assert!(!needs_person(&Problem::from(&error)), "{error:?}");
        }
        let setup = told(gcal_client::Error::setup("a wrong client"));
        assert!(needs_person(&Problem::from(&setup)) && !needs_sign_in(&Problem::from(&setup)));
    }
}
