//! The guard: what looks like an accident is held back until a person says so.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::model::{PlanId, Side};
use crate::plan::operation::Account;

/// A plan, or a part of one, that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Stands for exactly this content.
    pub id: PlanId,
    /// What kind of accident it looks like.
    pub kind: HeldKind,
    /// The side that would be written.
    pub side: Side,
    /// Since when it is held.
    pub since: Timestamp,
    /// What would be done.
    pub operations: Vec<Account>,
}

/// What kind of accident it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// Many removals at once.
    Deletions,
    /// Many writes to a side not written before.
    Change,
    /// Copies without a source.
    Orphans,
}
