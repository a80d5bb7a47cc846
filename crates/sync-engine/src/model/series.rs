//! Series, components and fields: what the engine compares, merges and writes.
//!
//! Everything here is in normal form by construction: [`Text`] trims and composes, `When` mends
//! ends, [`RecurrenceId`] is the wall time or date of the original start in the master's zone. What
//! a privacy rule or a side's limits make of it is another type (`projection::Projected`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::time::When;
use crate::recurrence::Recurrence;

/// Text in normal form: NFC, line ends as `\n`, no white space around it, and no control character
/// but tab: no side could hold one (RFC 5545 section 3.1, XML 1.0 section 2.2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// Brings `text` into normal form.
    pub fn new(text: &str) -> Self {
        let mut lines = text.replace("\r\n", "\n").replace('\r', "\n");
        lines.retain(|c| !c.is_ascii_control() || matches!(c, '\n' | '\t'));
        Self(lines.trim().nfc().collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Stored text may come from a version that trimmed less.
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whether the event stands (RFC 5545 section 3.8.1.11). A cancelled *instance* is
/// [`OverrideValue::Cancelled`]; only a master or a single event carries `Cancelled` here.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stands.
    #[default]
    Confirmed,
    /// It may yet change.
    Tentative,
    /// It is called off.
    Cancelled,
}

/// Whether the event blocks its time (RFC 5545 section 3.8.2.7).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Transparency {
    /// The time is taken.
    #[default]
    Busy,
    /// The time is free.
    Free,
}

/// Who may see details: CLASS (RFC 5545 section 3.8.1.3), at Google `visibility`. No core field:
/// it shapes what is written to the other side and never crosses back.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// As the calendar's audience.
    #[default]
    Public,
    /// The owner's own.
    Private,
    /// Confidential.
    Confidential,
}

/// The core fields of one component, and the two traits that shape its copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// SUMMARY.
    pub title: Text,
    /// DESCRIPTION, as plain text.
    pub description: Text,
    /// LOCATION.
    pub location: Text,
    /// Start and end. With `recurrence` it is the one field `when`.
    pub when: When,
    /// Only a master has one.
    pub recurrence: Option<Recurrence>,
    /// STATUS.
    pub status: Status,
    /// TRANSP.
    pub transparency: Transparency,
    /// CLASS; shapes the copy, is no core field.
    pub sensitivity: Sensitivity,
    /// Whether the calendar's owner declined (PARTSTAT, `responseStatus`); shapes the copy, is no
    /// core field.
    pub declined: bool,
}

impl Fields {
    /// A confirmed, busy, public event with nothing but a title and a time.
    pub fn new(title: &str, when: When) -> Self {
        Self {
            title: Text::new(title),
            description: Text::default(),
            location: Text::default(),
            when,
            recurrence: None,
            status: Status::default(),
            transparency: Transparency::default(),
            sensitivity: Sensitivity::default(),
            declined: false,
        }
    }
}

/// A core field's name: the unit in which changes cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// SUMMARY.
    Title,
    /// DESCRIPTION.
    Description,
    /// LOCATION.
    Location,
    /// Start, end, all-day, zone and recurrence.
    When,
    /// STATUS.
    Status,
    /// TRANSP.
    Transparency,
    /// `visibility` of a Google copy. Written by a projection, never read back into a core field.
    Visibility,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 7] = [
        Self::Title,
        Self::Description,
        Self::Location,
        Self::When,
        Self::Status,
        Self::Transparency,
        Self::Visibility,
    ];
}

/// A set of fields.
pub type FieldSet = BTreeSet<Field>;

/// Which occurrence an override stands for: the wall time or date of its original start in the
/// master's zone (RFC 5545 section 3.8.4.4). A time-zone update moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecurrenceId {
    /// An all-day series' occurrence.
    Date(Date),
    /// A timed series' occurrence.
    Wall(DateTime),
}

impl fmt::Display for RecurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Wall(wall) => write!(f, "{wall}"),
        }
    }
}

/// What stands at one occurrence of a series. No entry in [`Series::overrides`] is `Inherit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverrideValue {
    /// Called off: EXDATE, STATUS:CANCELLED on the override, a cancelled Google instance.
    Cancelled,
    /// Changed: its own fields (without recurrence).
    Fields(Box<Fields>),
}

/// Which component of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ComponentKey {
    /// The master, or the single event.
    Master,
    /// The override of this occurrence.
    Override(RecurrenceId),
}

impl ComponentKey {
    /// The recurrence id; `None` for the master.
    pub fn recurrence_id(&self) -> Option<RecurrenceId> {
        match self {
            Self::Master => None,
            Self::Override(id) => Some(*id),
        }
    }
}

/// Everything in one calendar that shares one UID: an optional master and its overrides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Series {
    /// The master or single event; an override may stand without one.
    pub master: Option<Fields>,
    /// Overrides and cancellations that say something: `Inherit` has no entry.
    #[serde(with = "override_list")]
    pub overrides: BTreeMap<RecurrenceId, OverrideValue>,
}

impl Series {
    /// A single event.
    pub fn single(fields: Fields) -> Self {
        Self {
            master: Some(fields),
            overrides: BTreeMap::new(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.master.is_none() && self.overrides.is_empty()
    }

    /// The master, if it repeats.
    pub fn recurring_master(&self) -> Option<(&Fields, &Recurrence)> {
        let master = self.master.as_ref()?;
        Some((master, master.recurrence.as_ref()?))
    }

    /// The fields of a component as they would show: an override's own, else `None`.
    pub fn own_fields(&self, key: &ComponentKey) -> Option<&Fields> {
        match key {
            ComponentKey::Master => self.master.as_ref(),
            ComponentKey::Override(id) => match self.overrides.get(id)? {
                OverrideValue::Fields(fields) => Some(fields),
                OverrideValue::Cancelled => None,
            },
        }
    }
}

/// Overrides as a list of pairs: formats with text keys cannot hold a map keyed by an enum.
mod override_list {
    use super::{BTreeMap, OverrideValue, RecurrenceId};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        map: &BTreeMap<RecurrenceId, OverrideValue>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<RecurrenceId, OverrideValue>, D::Error> {
        Ok(
            Vec::<(RecurrenceId, OverrideValue)>::deserialize(deserializer)?
                .into_iter()
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_holds_only_what_every_side_can_hold() {
        assert_eq!(Text::new("a\u{0}b\u{7f}c\td\r\ne").as_str(), "abc\td\ne");
        assert_eq!(Text::new("\u{1} trimmed \u{1}").as_str(), "trimmed");
    }
}
