//! What a store in memory holds. What may be asked of it is in `store`.

use std::collections::BTreeMap;

use super::mirror::{Entry, Mirror, Mirrors};
use crate::conflict::{Conflict, Decision};
use crate::mapping::Direction;
use crate::model::{Both, ConflictId, Family, MappingId, RunId, SideTag};
use crate::observation::Observation;
use crate::ports::store::{
    CalendarKey, Intent, MappingState, Marks, RowChange, Settlement, Undoable,
};
use crate::report::RunReport;
use crate::row::{Row, RowKey};

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) calendars: Both<Mirrors>,
    pub(super) mappings: BTreeMap<MappingId, MappingData>,
    pub(super) reports: Vec<RunReport>,
    /// Fails when it reaches zero: a crash between two steps.
    pub(super) fuse: Option<u32>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct MappingData {
    pub(super) rows: BTreeMap<RowKey, Row>,
    pub(super) intents: Vec<Intent>,
    pub(super) marks: Marks,
    pub(super) state: MappingState,
    /// The mapping's calendars, known from its first look at what changed.
    pub(super) calendars: Both<Known>,
    pub(super) conflicts: BTreeMap<ConflictId, Recorded>,
    pub(super) decisions: Vec<Decision>,
    pub(super) written: Vec<(RunId, Undoable)>,
    /// Whether it is switched off, and its direction where that was told.
    pub(super) off: bool,
    pub(super) direction: Option<Direction>,
}

/// A conflict on record. Decided ones stay there, and so do those that are over without a winner.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) conflict: Conflict,
    pub(super) open: bool,
}

/// The family of a mapping's calendars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known;

impl Family for Known {
    type Of<S: SideTag> = Option<CalendarKey<S>>;
}

impl State {
    pub(super) fn mirror<S: SideTag>(&self, calendar: &CalendarKey<S>) -> Option<&Mirror<S>> {
        self.calendars.get::<S>().get(calendar)
    }

    pub(super) fn observations<S: SideTag>(
        &self,
        calendar: &CalendarKey<S>,
    ) -> impl Iterator<Item = (&Entry<S>, &Observation<S>)> {
        self.mirror(calendar)
            .into_iter()
            .flat_map(|mirror| mirror.resources.values())
            .filter(|entry| !entry.foreign)
            .filter_map(|entry| Some((entry, entry.mirrored.observation.as_ref()?)))
    }

    /// What one write or one decision leaves behind, in one step.
    pub(super) fn settle(&mut self, mapping: &MappingId, run: &RunId, settlement: Settlement) {
        if let Some((calendar, reading)) = settlement.caldav {
            self.calendars
                .caldav
                .entry(calendar)
                .or_default()
                .record(reading);
        }
        if let Some((calendar, reading)) = settlement.google {
            self.calendars
                .google
                .entry(calendar)
                .or_default()
                .record(reading);
        }
        let data = self.mappings.entry(mapping.clone()).or_default();
        for change in settlement.rows {
            match change {
                RowChange::Put(row) => {
                    data.rows.insert(row.key.clone(), *row);
                }
                RowChange::Drop(key) => {
                    data.rows.remove(&key);
                }
            }
        }
        if let Some(id) = settlement.intent {
            data.intents.retain(|intent| intent.id != id);
        }
        for conflict in settlement.conflicts {
            let open = conflict.winner.is_none();
            data.conflicts
                .insert(conflict.id.clone(), Recorded { conflict, open });
        }
        let open = data.conflicts.iter_mut();
        for (_, recorded) in open.filter(|(id, known)| known.open && settlement.over.contains(id)) {
            recorded.open = false;
            if settlement.veils {
                recorded.conflict.veil();
            }
        }
        let conflicts = &data.conflicts;
        data.decisions
            .retain(|decision| conflicts.get(&decision.conflict).is_some_and(|c| c.open));
        data.written
            .extend(settlement.undo.map(|undo| (run.clone(), undo)));
    }
}
