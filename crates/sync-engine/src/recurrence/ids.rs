//! Which occurrence an override stands for: original starts, brought into the master's zone.

use serde::{Deserialize, Serialize};

use crate::model::time::{Date, LocalTime};

/// An occurrence's original start as a side spells it: RECURRENCE-ID or EXDATE on CalDAV,
/// `originalStartTime` at Google.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OriginalStart {
    /// A day.
    Date(Date),
    /// A time in whatever zone it was written in.
    At(LocalTime),
}
