//! Who is in the play: each event, where it was made, and every edit that people made to it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{End, Way};

/// The zone of everything that has a time.
pub(super) const ZONE: &str = "Europe/Berlin";

/// What an edit was about: the event, or its nth occurrence, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Whole,
    Nth(i64),
}

/// What an edit changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Aspect {
    Title,
    Place,
    Text,
    Start,
    /// How many occurrences there are, called off ones included.
    Count,
    /// Deleted, or called off.
    Gone,
}

/// One edit.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub(super) at: Timestamp,
    pub(super) end: End,
    pub(super) slot: Slot,
    pub(super) aspect: Aspect,
    pub(super) value: String,
    /// How many runs had gone well by then.
    pub(super) run: u64,
}

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// What its title begins with, on both sides, for ever.
    pub(super) name: String,
    pub(super) origin: End,
    /// Days between two occurrences; 0 is a single event.
    pub(super) every: i64,
    /// How many occurrences people know of.
    pub(super) count: i64,
    pub(super) edits: Vec<Edit>,
    /// A person deleted it, on either side: nobody touches it again.
    pub(super) retired: bool,
    /// The lines that a CalDAV client wrote and no core field owns, by component (an override by the
    /// instant it replaces), as the server keeps them.
    pub(super) carried: BTreeMap<Option<Timestamp>, Vec<String>>,
    /// How many runs had gone well when it was made.
    pub(super) born: u64,
}

impl Event {
    pub(super) fn recurs(&self) -> bool {
        self.every > 0
    }

    /// Whether its time can be changed without more: no occurrence is named by its old time, and no
    /// end of the series is a moment that the start could pass.
    pub(super) fn may_be_moved(&self) -> bool {
        let mut edits = self.edits.iter();
        edits.all(|edit| edit.slot == Slot::Whole && edit.aspect != Aspect::Count)
    }

    /// Whether the other side has an edit that no run has carried over yet.
    pub(super) fn pending_against(&self, end: End, runs: u64) -> bool {
        let mut edits = self.edits.iter();
        edits.any(|edit| edit.end != end && edit.run >= runs)
    }

    /// Whether the other side has moved the whole event, and no run has carried that over yet: its
    /// occurrences have other dates there.
    pub(super) fn is_being_moved(&self, end: End, runs: u64) -> bool {
        let mut edits = self.edits.iter();
        edits.any(|edit| edit.end != end && edit.run >= runs && edit.aspect == Aspect::Start)
    }

    /// The first occurrence that nobody touched, nor any after it.
    pub(super) fn untouched_from(&self) -> i64 {
        let touched = self.edits.iter().filter_map(|edit| match edit.slot {
            Slot::Nth(nth) => Some(nth + 1),
            Slot::Whole => None,
        });
        touched.max().unwrap_or(1).max(1)
    }

    pub(super) fn called_off(&self, nth: i64) -> bool {
        let mut edits = self.edits.iter();
        edits.any(|edit| edit.slot == Slot::Nth(nth) && edit.aspect == Aspect::Gone)
    }

    /// The last edit of each thing that must last, in a mapping that goes this way.
    pub(super) fn last(&self, way: Way) -> BTreeMap<(Slot, Aspect), &Edit> {
        let edits = self.edits.iter();
        edits
            .filter(|edit| way.hears(edit.end, self.origin))
            .map(|edit| ((edit.slot, edit.aspect), edit))
            .collect()
    }

    /// Every value a thing ever had.
    pub(super) fn ever(&self, slot: Slot, aspect: Aspect) -> Vec<&str> {
        let edits = self.edits.iter();
        edits
            .filter(|edit| edit.slot == slot && edit.aspect == aspect)
            .map(|edit| edit.value.as_str())
            .collect()
    }
}
