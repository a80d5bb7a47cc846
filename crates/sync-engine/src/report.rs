//! What a run tells: counts, events, warnings, its error. Plain values; the store keeps them, the
//! API shows them.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::model::{RunId, Side, Uid};
use crate::plan::operation::{ActionKind, FieldChange, Reason};
use crate::ports::side::SideError;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Nothing failed.
    #[default]
    Success,
    /// Some events failed.
    PartialFailure,
    /// The run could not be carried through.
    Failure,
}

/// One event a run touched, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The UID on the side the event comes from.
    pub uid: Uid,
    /// The occurrence, as the API shows it.
    pub recurrence_id: Option<String>,
    /// The title as the written side may know it.
    pub summary: String,
    /// The side written.
    pub side: Side,
    /// What was done, or tried.
    pub action: ActionKind,
    /// The rule that decided.
    pub reason: Reason,
    /// What changed.
    pub changes: Vec<FieldChange>,
    /// Why it failed, if it did.
    pub error: Option<Problem>,
    /// When.
    pub at: Timestamp,
}

/// Something that went wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable code, snake case.
    pub code: String,
    /// One plain sentence.
    pub detail: String,
    /// What to do next.
    pub action: String,
    /// Which side, where one is to blame.
    pub side: Option<Side>,
}

impl From<&SideError> for Problem {
    fn from(error: &SideError) -> Self {
        Self {
            code: error.code.to_owned(),
            detail: error.detail.clone(),
            action: error.action.clone(),
            side: Some(error.side),
        }
    }
}

/// Something a person may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, snake case.
    pub code: String,
    /// One plain sentence.
    pub detail: String,
    /// The event it is about.
    pub uid: Option<Uid>,
}

/// One run of one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Its id.
    pub id: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended.
    pub status: RunStatus,
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
    /// Conflicts decided or waiting.
    pub conflicts: u32,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Every event touched. The store also gets them one by one as they are settled.
    pub events: Vec<EventRecord>,
    /// Why it could not be carried through.
    pub error: Option<Problem>,
}
