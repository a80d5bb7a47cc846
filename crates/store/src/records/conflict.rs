//! Conflicts on record.

use serde::{Deserialize, Serialize};
use sync_engine::conflict::{Conflict, Keep};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ConflictId, MappingId};

/// Whether a conflict waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictStatus {
    /// It does, or for the run that carries the answer out.
    Open,
    /// It was decided, or is none any more.
    Decided,
}

/// A conflict on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRecord {
    /// Of which mapping; it may be gone by now.
    pub mapping: MappingId,
    /// When the run that met it first got to it.
    pub detected_at: Timestamp,
    /// When it ceased to be open.
    pub decided_at: Option<Timestamp>,
    /// Whether it waits for a person.
    pub status: ConflictStatus,
    /// What it is about. Decided without a winner, it has lapsed: a side changed again, or both
    /// agreed by themselves.
    pub conflict: Conflict,
    /// What a person chose, until a run has carried it out.
    pub decision: Option<Keep>,
}

/// A page of conflicts, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictPage {
    /// The conflicts.
    pub conflicts: Vec<ConflictRecord>,
    /// `before` of the next page; `None` on the last.
    pub next: Option<ConflictId>,
}
