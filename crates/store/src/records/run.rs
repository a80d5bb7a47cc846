//! Runs, their events, and the state of mappings at a glance.

use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{MappingId, RunId, Side, Uid};
use sync_engine::report::{EventRecord, Problem, RunStatus, Warning};

use super::mapping::Direction;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It has not ended.
    Running,
    /// Nothing failed.
    Success,
    /// Some events failed.
    PartialFailure,
    /// It could not be carried through.
    Failure,
}

impl From<RunStatus> for RunState {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Success => Self::Success,
            RunStatus::PartialFailure => Self::PartialFailure,
            RunStatus::Failure => Self::Failure,
        }
    }
}

/// A run on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id, `run_…`.
    pub id: RunId,
    /// Of which mapping; it may be gone by now.
    pub mapping: MappingId,
    /// The mapping's direction when it began.
    pub direction: Direction,
    /// How far it is.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Events created.
    pub inserted: u32,
    /// Events and instances changed.
    pub updated: u32,
    /// Events removed.
    pub deleted: u32,
    /// Events refused.
    pub failed: u32,
    /// Events left for a later run.
    pub deferred: u32,
    /// Events the guard holds back.
    pub held: u32,
    /// Conflicts.
    pub conflicts: u32,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Events touched; empty in lists. Of a running run those settled so far.
    pub events: Vec<EventRecord>,
    /// Why it could not be carried through.
    pub error: Option<Problem>,
}

/// A page of runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The runs, without events.
    pub runs: Vec<Run>,
    /// `before` of the next page; `None` on the last.
    pub next: Option<RunId>,
}

/// One entry of an event's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Of which mapping.
    pub mapping: MappingId,
    /// In which run.
    pub run: RunId,
    /// What happened, and when.
    pub event: EventRecord,
}

/// An event's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The entries.
    pub entries: Vec<HistoryEntry>,
    /// When it was last written without an error, on whatever page.
    pub last_synced: Option<Timestamp>,
    /// What the next page comes before; `None` on the last.
    pub next: Option<String>,
}

/// A mapping at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingOverview {
    /// Which.
    pub mapping: MappingId,
    /// Whether it runs.
    pub enabled: bool,
    /// Series in step.
    pub tracked: u64,
    /// Its last run that has ended, without events.
    pub last_run: Option<Run>,
    /// When a run last ended without any failure.
    pub last_success: Option<Timestamp>,
    /// Events the guard holds back now.
    pub held: u64,
    /// Conflicts that wait for a person now.
    pub open_conflicts: u64,
    /// Events that are left as they are, because they cannot be read or written ([`Left`]).
    pub left: u64,
}

/// An event that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The side that shows it; `None` where it could not be written.
    pub side: Option<Side>,
    /// Its UID, or its resource's name where that is not known.
    pub uid: Uid,
    /// Why.
    pub detail: String,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// When it is tried again by itself; without, when it changes.
    pub next_attempt: Option<Timestamp>,
}
