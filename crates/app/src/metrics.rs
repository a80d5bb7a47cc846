//! Figures for whoever measures the program: what was done since it started, and how things stand.
//! How they are spelled is the web's. No names and no addresses: mappings by id, accounts by number.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::records::{CaldavStatus, GoogleStatus};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{MappingId, Side};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::{RunReport, RunStatus};

use crate::error::UserError;
use crate::scheduler::may_run;
use crate::service::App;

/// Upper bounds, in seconds, of what the durations of runs are sorted into.
pub const BUCKETS: [u32; 9] = [1, 2, 5, 10, 30, 60, 300, 900, 3600];

/// What was done since the start.
#[derive(Default)]
pub(crate) struct Counters {
    counted: Mutex<Counted>,
}

/// What was done since the start.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Runs that ended, by mapping: with success, with some failures, with failure.
    pub runs: HashMap<MappingId, [u64; 3]>,
    /// How many runs took at most as long as each of [`BUCKETS`]; each run is counted once.
    pub durations: [u64; BUCKETS.len()],
    /// Runs that took longer than all of them.
    pub longer: u64,
    /// Seconds that runs took together.
    pub seconds: f64,
    /// Events written: at CalDAV, at Google; each added, changed, removed.
    pub written: [[u64; 3]; 2],
    /// Events that could not be written.
    pub failed: u64,
    /// Webhook calls that were taken.
    pub delivered: u64,
    /// Webhook calls that were not.
    pub undelivered: u64,
}

/// Everything that can be measured.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The program's version.
    pub version: String,
    /// When the program started.
    pub started_at: Timestamp,
    /// What was done since.
    pub counted: Counted,
    /// Mappings, oldest first.
    pub mappings: Vec<MappingFigures>,
    /// CalDAV accounts that need somebody.
    pub caldav_in_trouble: usize,
    /// Google accounts that need somebody.
    pub google_in_trouble: usize,
    /// Webhook messages that wait.
    pub outbox_pending: u64,
    /// When the last whole check found the database sound.
    pub sound_at: Option<Timestamp>,
    /// Seconds between two rounds.
    pub interval_seconds: u64,
}

/// One mapping.
#[derive(Debug, Clone)]
pub struct MappingFigures {
    /// Its id.
    pub id: MappingId,
    /// Whether it runs when it is due.
    pub active: bool,
    /// Series in step.
    pub tracked: u64,
    /// When a run last ended without any failure.
    pub last_success: Option<Timestamp>,
    /// Events the guard holds back.
    pub held: u64,
    /// Conflicts that wait for a person.
    pub conflicts: u64,
    /// Runs since the start: with success, with some failures, with failure.
    pub runs: [u64; 3],
}

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run has ended.
    pub(crate) fn run(&self, mapping: &MappingId, report: &RunReport) {
        let mut counted = self.lock();
        let counts = counted.runs.entry(mapping.clone()).or_default();
        let [success, partly, failure] = counts;
        match report.status {
            RunStatus::Success => *success += 1,
            RunStatus::PartialFailure => *partly += 1,
            RunStatus::Failure => *failure += 1,
        }
        let took = report.finished_at.duration_since(report.started_at);
        // A clock that was set back in between.
        let took = took.as_secs_f64().max(0.0);
        counted.seconds += took;
        match BUCKETS.iter().position(|bound| took <= f64::from(*bound)) {
            Some(at) => counted.durations[at] += 1,
            None => counted.longer += 1,
        }
        for event in &report.events {
            if event.error.is_some() {
                counted.failed += 1;
                continue;
            }
            let [at_caldav, at_google] = &mut counted.written;
            let [added, changed, removed] = match event.side {
                Side::Caldav => at_caldav,
                Side::Google => at_google,
            };
            match event.action {
                ActionKind::Insert => *added += 1,
                ActionKind::Update => *changed += 1,
                ActionKind::Delete => *removed += 1,
            }
        }
    }

    /// A webhook was called.
    pub(crate) fn delivery(&self, taken: bool) {
        let mut counted = self.lock();
        if taken {
            counted.delivered += 1;
        } else {
            counted.undelivered += 1;
        }
    }
}

impl App {
    /// Everything that can be measured. Asks nobody outside.
    pub async fn figures(&self) -> Result<Figures, UserError> {
        let status = self.status().await?;
        let counted = self.inner.counters.lock().clone();
        let mappings = status.mappings.iter().map(|status| {
            let id = status.mapping.id.clone();
            MappingFigures {
                active: may_run(&status.mapping).is_ok(),
                tracked: status.overview.tracked,
                last_success: status.overview.last_success,
                held: status.overview.held,
                conflicts: status.overview.open_conflicts,
                runs: counted.runs.get(&id).copied().unwrap_or_default(),
                id,
            }
        });
        Ok(Figures {
            version: status.version.clone(),
            started_at: self.inner.started_at,
            mappings: mappings.collect(),
            caldav_in_trouble: status
                .caldav
                .iter()
                .filter(|account| account.status != CaldavStatus::Ok)
                .count(),
            google_in_trouble: status
                .google
                .iter()
                .filter(|account| account.status != GoogleStatus::Ok)
                .count(),
            outbox_pending: self.inner.db.outbox_pending().await?,
            sound_at: self.inner.db.sound_at().await?,
            interval_seconds: status.scheduler.interval_seconds,
            counted,
        })
    }
}
