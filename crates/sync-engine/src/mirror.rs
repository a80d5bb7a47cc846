//! The mirror: what was last read of each resource, and what one reading adds to it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;
use crate::model::{Cursor, ResourceId, SeriesKey, SideTag};
use crate::observation::{Observation, Seen};

/// What is remembered of a calendar besides its resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct CalendarState<S: SideTag> {
    /// Where reading goes on.
    pub cursor: Option<Cursor<S>>,
    /// When it was last read to the end.
    pub read_at: Option<Timestamp>,
    /// When it was last listed completely.
    pub listed_at: Option<Timestamp>,
    /// How many resources it held when it was last read.
    pub present: u64,
}

impl<S: SideTag> Default for CalendarState<S> {
    fn default() -> Self {
        Self {
            cursor: None,
            read_at: None,
            listed_at: None,
            present: 0,
        }
    }
}

/// One reading of a calendar, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<S: SideTag> {
    /// When the reading began.
    pub at: Timestamp,
    /// What was seen; resources that are not named stay as they are.
    pub seen: Vec<Seen<S>>,
    /// Those of `seen` that a complete listing did not name. If they are gone that is inferred, and
    /// remembered as such: the guard counts it, whichever mapping asks.
    pub unlisted: BTreeSet<ResourceId<S>>,
    /// Resources that a listing names in the version the mirror holds: nothing new, but now a
    /// reading has shown them (P3), whoever wrote that version.
    pub same: Vec<ResourceId<S>>,
    /// Whether this came from the side itself unasked (a listing) and so counts as having shown the
    /// resource; a write's own answer does not.
    pub shown: bool,
    /// Set on the last part of a reading: where the next one goes on.
    pub end: Option<ReadingEnd<S>>,
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingEnd<S: SideTag> {
    /// Where the next reading goes on.
    pub cursor: Option<Cursor<S>>,
    /// Whether it named everything there is.
    pub complete: bool,
}

/// One mirrored resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored<S: SideTag> {
    /// Its series.
    pub series: SeriesKey<S>,
    /// What it last showed, while it is there and readable; else what it showed before.
    pub observation: Option<Observation<S>>,
    /// Whether it is there.
    pub state: MirrorState,
    /// Whether a reading (not only a write's answer) has shown it in its present life.
    pub shown: bool,
    /// When our reads first showed the present state.
    pub since: Timestamp,
    /// The calendar's change number of the present state.
    pub change: u64,
}

/// Whether a mirrored resource is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MirrorState {
    /// There, and understood.
    Present,
    /// There, and not readable: its series sits out.
    Unreadable(String),
    /// Proven gone.
    Gone,
}
