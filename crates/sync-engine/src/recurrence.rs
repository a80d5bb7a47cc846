//! Recurrence: rules as values (RFC 5545 section 3.3.10), and the occurrences they give.

pub mod ids;
pub mod rule;

pub use ids::OriginalStart;
pub use rule::{Freq, Rule, RuleEnd, Until};

use serde::{Deserialize, Serialize};

use crate::model::time::{Date, LocalTime};

/// How a master repeats. EXDATEs are not here: they are `Cancelled` overrides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recurrence {
    /// RRULEs; more than one is deprecated but seen.
    pub rules: Vec<Rule>,
    /// EXRULEs (RFC 2445).
    pub exclusion_rules: Vec<Rule>,
    /// RDATEs, in order, without repetition.
    pub dates: Vec<ExtraDate>,
}

/// One RDATE (RFC 5545 section 3.8.5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExtraDate {
    /// A day, of an all-day series.
    Date(Date),
    /// A start; the end follows from the master's length.
    At(LocalTime),
    /// A start with an end of its own.
    Period {
        /// Start.
        start: LocalTime,
        /// End.
        end: LocalTime,
    },
}
