//! RECURRENCE-ID;RANGE=THISANDFUTURE (RFC 5545 section 3.2.13): one override that stands for its own
//! occurrence and every later one.
//!
//! Such a change is part of how a master repeats, not an entry among its overrides: an endless
//! series has no end of those. Whoever asks what the master gives at an occurrence is answered with
//! it, so overrides and cancellations of single occurrences stand above it as they do above the
//! master. `ical-model` reads and writes it; `projection` shapes it like any component.

use serde::{Deserialize, Serialize};

use super::{Recurrence, inherited_when};
use crate::model::series::{Fields, RecurrenceId};
use crate::model::time::When;

/// What a series is from one occurrence on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onward {
    /// The first occurrence it stands for.
    pub from: RecurrenceId,
    /// What it makes of that occurrence; later ones are moved by as much. A status of `Cancelled`
    /// calls all of them off.
    pub fields: Fields,
}

impl Recurrence {
    /// The change that holds at occurrence `id`: the latest that begins at or before it.
    pub fn onward_at(&self, id: RecurrenceId) -> Option<&Onward> {
        self.onward
            .iter()
            .filter(|onward| onward.from <= id)
            .max_by_key(|onward| onward.from)
    }
}

impl Onward {
    /// Where occurrence `id` goes: moved on the wall by as much as the first one, for as long.
    /// `None` where no calendar reaches that far.
    pub fn when(&self, id: RecurrenceId) -> Option<When> {
        let wall = |id: RecurrenceId| match id {
            RecurrenceId::Date(date) => date.at(0, 0, 0, 0),
            RecurrenceId::Wall(wall) => wall,
        };
        let (from, at) = (wall(self.from), wall(id));
        let moved = match &self.fields.when {
            When::AllDay { start, .. } => {
                let days = from.date().until(*start).ok()?;
                RecurrenceId::Date(at.date().checked_add(days).ok()?)
            }
            When::Timed { start, .. } => {
                RecurrenceId::Wall(at.checked_add(start.wall.duration_since(from)).ok()?)
            }
        };
        Some(inherited_when(&self.fields, moved))
    }
}

/// What `master` gives at occurrence `id` by a change that holds from an earlier one on; `None`
/// where none does. It does not ask whether the rule gives that occurrence.
pub fn onward_fields(master: &Fields, id: RecurrenceId) -> Option<Fields> {
    let onward = master.recurrence.as_ref()?.onward_at(id)?;
    Some(Fields {
        when: onward.when(id)?,
        recurrence: None,
        ..onward.fields.clone()
    })
}
