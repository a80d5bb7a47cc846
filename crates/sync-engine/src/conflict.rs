//! Conflicts: both sides changed the same. What was decided, by whom and why, or that a person has
//! to. Values; the planner makes them, the store keeps them, people read and answer them.
//!
//! What is in a [`Conflict`] is shown to people and exported: texts that the mapping's privacy rule
//! removes are not in it (P9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mapping::ConflictPolicy;
use crate::model::{ComponentKey, ConflictId, Field, Side, Uid};
use crate::row::RowKey;

/// One component (or one whole series) that both sides changed since they last agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Stands for exactly this pair of versions of this component.
    pub id: ConflictId,
    /// The row it belongs to.
    pub row: RowKey,
    /// The UID on the side the event comes from.
    pub uid: Uid,
    /// Which component.
    pub key: ComponentKey,
    /// Its recurrence id as the API shows it.
    pub recurrence_id: Option<String>,
    /// The policy that was asked.
    pub policy: ConflictPolicy,
    /// What both showed when they last agreed; `None` where they never did.
    pub base: Option<Version>,
    /// What the CalDAV side shows now.
    pub caldav: Version,
    /// What the Google side shows now.
    pub google: Version,
    /// Who won; `None` while a person has to decide.
    pub winner: Option<Winner>,
    /// Why, in one plain sentence.
    pub reason: String,
}

impl Conflict {
    /// Takes the texts off the record: what it was about is still told, its words are not.
    pub fn veil(&mut self) {
        let versions = [
            Some(&mut self.caldav),
            Some(&mut self.google),
            self.base.as_mut(),
        ];
        for version in versions.into_iter().flatten() {
            if let Version::Fields(fields) = version {
                fields.retain(|field, _| {
                    !matches!(field, Field::Title | Field::Description | Field::Location)
                });
            }
        }
    }
}

/// A component as one side shows it, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// It is not there.
    Absent,
    /// It is called off.
    Cancelled,
    /// As the series it belongs to.
    Inherits,
    /// These fields, in words.
    Fields(BTreeMap<Field, String>),
}

/// Whose version was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// CalDAV's.
    Caldav,
    /// Google's.
    Google,
    /// Some fields of each.
    Merged,
}

impl From<Side> for Winner {
    fn from(side: Side) -> Self {
        match side {
            Side::Caldav => Self::Caldav,
            Side::Google => Self::Google,
        }
    }
}

/// What a person chose for an open conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// CalDAV's version.
    Caldav,
    /// Google's version.
    Google,
    /// Each side's own changes; what both changed goes to the later one.
    Merged,
    /// Field by field; what is not named is decided as by `Merged`.
    Fields(BTreeMap<Field, Side>),
}

/// A person's answer to an open conflict, until a run has carried it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Which conflict.
    pub conflict: ConflictId,
    /// The row it belongs to.
    pub row: RowKey,
    /// What to keep.
    pub keep: Keep,
}
