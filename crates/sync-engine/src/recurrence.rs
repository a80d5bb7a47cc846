//! Recurrence: rules as values (RFC 5545 section 3.3.10), and the occurrences they give.
//!
//! Clients and `ical-model` read and write rules here and turn original starts into ids; the
//! planner asks which occurrences a series has in a window. Pure and bounded: no clock, and every
//! expansion stops at its [`Limits`]. Syncing never needs one: rules cross as rules.

mod expand;
mod given;
pub mod ids;
mod length;
mod normal;
mod onward;
mod parse;
mod print;
pub mod rule;
mod series;
mod source;
mod wall;

pub use expand::{
    Cut, Limits, Occurrence, Occurrences, ends_before_start, generates_start, occurrences,
    occurrences_between,
};
pub use given::Given;
pub use ids::{OriginalStart, first_id, inherited_when, original_start, recurrence_id_in};
pub use onward::{Onward, onward_fields};
pub use parse::{MAX_RULE_TEXT, RuleError};
pub use rule::{Day, Freq, Rule, RuleEnd, Until};
pub use series::{Showing, Shown, first_start_after, series_occurrences, span, touches};
#[cfg(test)]
pub(crate) use source::steps_taken;

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
    /// Overrides that stand for all later occurrences too, in order of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onward: Vec<Onward>,
}

impl Recurrence {
    /// One rule and nothing else.
    pub fn of(rule: Rule) -> Self {
        Self {
            rules: vec![rule],
            ..Self::default()
        }
    }

    /// Whether it says nothing: the event takes place once.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.exclusion_rules.is_empty() && self.dates.is_empty()
    }

    /// Whether any rule repeats within a day.
    pub fn is_sub_daily(&self) -> bool {
        self.rules.iter().any(|rule| rule.freq.is_sub_daily())
    }
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
