//! What follows from a change of the master: overrides that say nothing of their own go along, and
//! EXDATEs and RECURRENCE-IDs are those of the series, in the master's new form.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use sync_engine::model::{ComponentKey, Field, OverrideValue, RecurrenceId, When};
use sync_engine::recurrence::{Given, recurrence_id_in};
use sync_engine::snapshot::inherited;

use super::edit::{CORE, Editor, component};
use super::exceptions;
use super::field::replace;
use super::property::original;
use crate::read::{Moment, Slot, read_time};

impl Editor<'_, '_> {
    /// Overrides that say nothing of their own go on saying what the master says.
    pub(super) fn follow_fields(&mut self, fields: &[Field]) {
        let Some(master) = self.master_now() else {
            return;
        };
        for (id, slot) in self.overrides.clone() {
            if self.is_shadow(id) {
                self.set(slot, fields, &inherited(&master, id));
            }
        }
    }

    /// Whether an override is there in the text only.
    fn is_shadow(&self, id: RecurrenceId) -> bool {
        !self.before.overrides.contains_key(&id) && !self.edit.series.overrides.contains_key(&id)
    }

    /// Brings EXDATEs and overrides in line with a master that moved.
    pub(super) fn follow_move(&mut self, slot: Slot) {
        let Some(master) = self.master_now() else {
            return;
        };
        let before = self
            .before
            .master
            .as_ref()
            .map(|fields| fields.when.clone());
        let (mut shadows, mut gone) = (Vec::new(), Vec::new());
        for (id, override_slot) in self.overrides.clone() {
            match (
                self.before.overrides.get(&id),
                self.edit.series.overrides.get(&id),
            ) {
                (Some(OverrideValue::Cancelled), Some(OverrideValue::Cancelled))
                | (_, Some(OverrideValue::Fields(_))) => {
                    self.restate(override_slot, id, &master.when);
                }
                (None, None) => {
                    self.overrides.remove(&id);
                    shadows.push((id, override_slot));
                }
                (Some(OverrideValue::Fields(_)), None) => gone.push((id, override_slot)),
                (Some(_), _) | (None, Some(OverrideValue::Cancelled)) => {
                    self.remove_override(id);
                }
            }
        }
        // All leave their places before any takes another's.
        for (id, _) in &gone {
            self.overrides.remove(id);
        }
        for (id, override_slot) in gone {
            let new = before
                .as_ref()
                .and_then(|before| moved_with(id, before, &master.when))
                .filter(|new| !self.overrides.contains_key(new));
            let wanted = new.and_then(|new| match self.edit.series.overrides.get(&new) {
                Some(OverrideValue::Fields(wanted)) => Some((new, wanted)),
                _ => None,
            });
            if let Some((new, wanted)) = wanted {
                // The same override, gone along: with all it carries.
                self.overrides.insert(new, override_slot);
                self.restate(override_slot, new, &master.when);
                self.set(override_slot, &CORE, wanted);
                // CLASS is its own, unless it was the master's: then it stays the master's.
                let before = &self.before;
                let was = before.own_fields(&ComponentKey::Override(id));
                let was = was.map(|own| own.sensitivity);
                if was == before.master.as_ref().map(|master| master.sensitivity) {
                    self.set(override_slot, &[Field::Visibility], &master);
                }
            } else {
                self.removed.insert(override_slot);
            }
            let same = self.duplicates.iter().filter(|(other, _)| *other == id);
            self.removed.extend(same.map(|(_, slot)| *slot));
        }
        let given = Given::of(&master, &self.names.context.floating);
        for (id, override_slot) in shadows {
            let new = before
                .as_ref()
                .and_then(|before| moved_with(id, before, &master.when))
                .filter(|new| given.at(*new))
                .filter(|new| !self.edit.series.overrides.contains_key(new));
            match new {
                Some(new) if !self.overrides.contains_key(&new) => {
                    self.overrides.insert(new, override_slot);
                    self.restate(override_slot, new, &master.when);
                    self.set(override_slot, &CORE, &inherited(&master, new));
                }
                _ => {
                    self.removed.insert(override_slot);
                }
            }
            // What else stood for the occurrence says nothing any more.
            let same = self.duplicates.iter().filter(|(other, _)| *other == id);
            self.removed.extend(same.map(|(_, slot)| *slot));
        }
        let mut missing: BTreeSet<RecurrenceId> = self
            .edit
            .series
            .overrides
            .iter()
            .filter(|(_, value)| **value == OverrideValue::Cancelled)
            .map(|(id, _)| *id)
            .filter(|id| !self.overrides.contains_key(id))
            .collect();
        let Some(component) = component(&mut self.document, slot) else {
            return;
        };
        exceptions::retain(component, &master.when, &self.names, |at| {
            // What is no time was harmless only while nothing repeated.
            at.is_some_and(|(id, alike)| alike && missing.remove(&id))
        });
        if master.recurrence.is_some() {
            for id in missing {
                exceptions::add(component, &master.when, id, &mut self.names);
            }
        }
    }

    /// Sees to it that an override's RECURRENCE-ID names `id` in the master's own form.
    pub(super) fn restate(&mut self, slot: Slot, id: RecurrenceId, master: &When) {
        let Some(component) = component(&mut self.document, slot) else {
            return;
        };
        let names = &mut self.names;
        let now = component
            .first("RECURRENCE-ID")
            .and_then(|line| read_time(line, &line.value(), names.zones).ok());
        let fits = now.is_some_and(|time| {
            let alike = matches!(time.moment, Moment::Date(_)) == master.is_all_day();
            let original = time.moment.original();
            alike && recurrence_id_in(master, &original, &names.context.floating) == id
        });
        if fits {
            return;
        }
        let moment = original(master, id, &names.context.floating);
        let line = names.line(component, "RECURRENCE-ID", "DTSTART", &moment);
        replace(component, "RECURRENCE-ID", vec![line]);
        self.touched.insert(slot);
    }
}

/// Where an occurrence goes when its master moves as a whole.
fn moved_with(id: RecurrenceId, before: &When, now: &When) -> Option<RecurrenceId> {
    match (id, before, now) {
        (
            RecurrenceId::Date(id),
            When::AllDay { start: from, .. },
            When::AllDay { start: to, .. },
        ) => {
            let days = from.until(*to).ok()?.get_days();
            Some(RecurrenceId::Date(id.checked_add(days.days()).ok()?))
        }
        (
            RecurrenceId::Wall(id),
            When::Timed { start: from, .. },
            When::Timed { start: to, .. },
        ) => {
            let shift = to.wall.duration_since(from.wall);
            Some(RecurrenceId::Wall(id.checked_add(shift).ok()?))
        }
        // Between days and times an occurrence keeps its distance in days.
        (
            RecurrenceId::Date(id),
            When::AllDay { start: from, .. },
            When::Timed { start: to, .. },
        ) => {
            let days = from.until(to.wall.date()).ok()?.get_days();
            let day = id.checked_add(days.days()).ok()?;
            Some(RecurrenceId::Wall(day.to_datetime(to.wall.time())))
        }
        (
            RecurrenceId::Wall(id),
            When::Timed { start: from, .. },
            When::AllDay { start: to, .. },
        ) => {
            let days = from.wall.date().until(*to).ok()?.get_days();
            Some(RecurrenceId::Date(id.date().checked_add(days.days()).ok()?))
        }
        _ => None,
    }
}
