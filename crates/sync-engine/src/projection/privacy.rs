//! The settings of a mapping that shape copies, as people and the API spell them.

use serde::{Deserialize, Serialize};

/// What of an event is written to the other side.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// As it is.
    #[default]
    Full,
    /// Title "Busy", no description, no location.
    Busy,
    /// A title made from a template, the rest by choice.
    #[serde(untagged)]
    Template(Template),
}

/// A privacy rule of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `{title}` and `{calendar}` stand for themselves, all else is literal.
    pub title: String,
    /// Whether the description crosses.
    pub description: bool,
    /// Whether the location crosses.
    pub location: bool,
}

/// What becomes of events that the calendar's owner declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declined {
    /// The copy does not block its time.
    #[default]
    Free,
    /// No copy.
    Skip,
    /// As any other.
    AsIs,
}

/// What becomes of events of class PRIVATE and CONFIDENTIAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivateEvents {
    /// The copy is private too, where the target knows that.
    #[default]
    Private,
    /// The copy says "Busy" and no more.
    Busy,
    /// No copy.
    Skip,
    /// As any other.
    AsIs,
}
