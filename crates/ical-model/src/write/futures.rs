//! Components that stand for their own occurrence and all later ones (RANGE=THISANDFUTURE): changing
//! one occurrence of theirs without changing the others.

use sync_engine::model::{ComponentKey, Fields, OverrideValue, RecurrenceId};
use sync_engine::ports::Change;
use sync_engine::recurrence::{Limits, Onward, occurrences_between};

use super::edit::{Editor, component};
use super::field::{kept_parameters, replace};
use super::property::original;
use super::when::set_when;
use crate::component::{Component, Item};
use crate::error::EditError;
use crate::line::Line;
use crate::read::{Future, Slot};

/// How many occurrences are looked at for one that a range can be handed on to.
const MOST_STEPS: usize = 1_000;

impl<'d> Editor<'d, '_> {
    /// What holds for later occurrences, as the text now says it.
    pub(super) fn onward(&self) -> Vec<Onward> {
        let each = self.futures.iter().map(|(from, future)| Onward {
            from: *from,
            fields: future.fields.clone(),
        });
        each.collect()
    }

    /// The component that says what takes place at `id`, if one stands for it and others.
    pub(super) fn governing(&self, id: RecurrenceId) -> Option<Slot> {
        let (_, future) = self.futures.range(..=id).next_back()?;
        Some(future.slot)
    }

    /// Whether the text, left without an override for `id`, would say something else there than
    /// the master.
    pub(super) fn is_governed(&self, id: RecurrenceId) -> bool {
        self.apart && self.futures.keys().any(|from| *from <= id)
    }

    /// Whether a change asks for what a component that stands for later occurrences too says of its
    /// own already.
    pub(super) fn says_so_for_later(&self, id: RecurrenceId, change: &Change) -> bool {
        if self.overrides.contains_key(&id) {
            return false;
        }
        let Some(future) = self.futures.get(&id) else {
            let wanted = self.edit.series.overrides.get(&id);
            return self.is_governed(id)
                && *change != Change::Inherit
                && matches!(wanted, Some(OverrideValue::Fields(_)))
                && wanted == self.before.overrides.get(&id);
        };
        match (change, self.edit.series.overrides.get(&id)) {
            (Change::Cancel, _) | (_, Some(OverrideValue::Cancelled)) => {
                self.before.overrides.get(&id) == Some(&OverrideValue::Cancelled)
            }
            (Change::Inherit, _) => !self.apart && !self.before.overrides.contains_key(&id),
            (_, Some(OverrideValue::Fields(wanted))) => {
                !matches!(
                    self.before.overrides.get(&id),
                    Some(OverrideValue::Cancelled)
                ) && **wanted == future.fields
            }
            (_, None) => false,
        }
    }

    /// Before a change of `id`: if its component stands for later occurrences too, it is made one
    /// of `id` alone, and its range handed on to the next occurrence.
    pub(super) fn make_way(&mut self, id: RecurrenceId) {
        // A component of its own for the same occurrence is the one that counts.
        if self.overrides.contains_key(&id) {
            return;
        }
        let Some(future) = self.futures.remove(&id) else {
            return;
        };
        let next = self.next_free(id);
        let Some(own) = component(&mut self.document, future.slot) else {
            return;
        };
        let mut ranged = own.clone();
        self.unrange(future.slot);
        self.overrides.insert(id, future.slot);
        let onward = Onward {
            from: id,
            fields: future.fields.clone(),
        };
        if let Some(next) = next
            && let Some(when) = onward.when(next)
        {
            let fields = Fields {
                when,
                ..future.fields
            };
            self.hand_on(&mut ranged, next, &fields);
            if let Some(slot) = self.append(future.slot.calendar, ranged) {
                self.touched.insert(slot);
                self.futures.insert(next, Future { slot, fields });
            }
        }
    }

    /// Makes a component stand for its own occurrence alone.
    fn unrange(&mut self, slot: Slot) {
        let Some(own) = component(&mut self.document, slot) else {
            return;
        };
        if let Some(line) = own.first("RECURRENCE-ID") {
            let mut header = b"RECURRENCE-ID".to_vec();
            for parameter in kept_parameters(own, "RECURRENCE-ID", &["RANGE"]) {
                header.push(b';');
                header.extend_from_slice(&parameter.raw);
            }
            let plain = Line::build(&header, &line.value_octets());
            replace(own, "RECURRENCE-ID", vec![plain]);
        }
        self.touched.insert(slot);
    }

    /// Puts a component at the end of a calendar.
    fn append(&mut self, calendar: usize, event: Component<'d>) -> Option<Slot> {
        let Item::Component(outer) = self.document.items.get_mut(calendar)? else {
            return None;
        };
        outer.items.push(Item::Component(Box::new(event)));
        let item = outer.items.len() - 1;
        Some(Slot { calendar, item })
    }

    /// Places a ranged component at another occurrence.
    fn hand_on(&mut self, ranged: &mut Component<'_>, next: RecurrenceId, fields: &Fields) {
        if let Some(master) = self.master_now() {
            let moment = original(&master.when, next, &self.names.context.floating);
            let line = self.names.line(ranged, "RECURRENCE-ID", "DTSTART", &moment);
            replace(ranged, "RECURRENCE-ID", vec![line]);
        }
        if ranged.first("DTSTART").is_some() {
            set_when(ranged, fields, &mut self.names);
        }
    }

    /// The next occurrence after `id` that nothing else stands for; none if another range begins
    /// before it.
    fn next_free(&mut self, id: RecurrenceId) -> Option<RecurrenceId> {
        let master = self.master_now()?;
        let recurrence = master.recurrence.as_ref()?;
        let floating = &self.names.context.floating;
        let at = sync_engine::recurrence::inherited_when(&master, id)
            .instants(floating)
            .0;
        let limits = Limits {
            occurrences: MOST_STEPS,
            ..Limits::default()
        };
        let window = (at, sync_engine::model::time::Timestamp::MAX);
        let later = occurrences_between(&master.when, recurrence, floating, window, &limits);
        let mut later = later
            .into_iter()
            .map(|each| each.id)
            .filter(|next| *next > id);
        let next = later.find(|next| {
            let cancelled = self.before.overrides.get(next) == Some(&OverrideValue::Cancelled);
            self.futures.contains_key(next) || !(self.overrides.contains_key(next) || cancelled)
        })?;
        (!self.futures.contains_key(&next)).then_some(next)
    }

    /// Before the master's `when` changes: what the series shows as single overrides becomes so in
    /// the text. Returns those that are still to be added once it has changed.
    pub(super) fn settle_futures(
        &mut self,
        wanted: &Fields,
    ) -> Result<Vec<(RecurrenceId, Fields)>, EditError> {
        let before = self.before.master.as_ref();
        let same = |one: &Fields, other: &Fields| {
            one.when == other.when && one.recurrence == other.recurrence
        };
        if before.is_some_and(|master| same(master, wanted)) {
            return Ok(Vec::new());
        }
        let onward = |fields: &Fields| {
            let recurrence = fields.recurrence.as_ref();
            recurrence.is_some_and(|recurrence| !recurrence.onward.is_empty())
        };
        if onward(wanted) || before.is_some_and(onward) {
            return Err(EditError::ThisAndFuture);
        }
        // A range that stood for nothing more, in an event that did not repeat, must not wake up.
        for slot in self.overrides.values().copied().collect::<Vec<_>>() {
            let line =
                component(&mut self.document, slot).and_then(|own| own.first("RECURRENCE-ID"));
            if line.is_some_and(|line| line.parameter("RANGE").is_some()) {
                self.unrange(slot);
            }
        }
        for (id, future) in std::mem::take(&mut self.futures) {
            if self.overrides.contains_key(&id) {
                self.removed.insert(future.slot);
            } else {
                self.unrange(future.slot);
                self.overrides.insert(id, future.slot);
            }
        }
        let edit = self.edit;
        let planned = |id| edit.changes.iter().any(|change| change.key == id);
        let shown = self.before.overrides.keys().filter_map(|id| {
            let OverrideValue::Fields(fields) = edit.series.overrides.get(id)? else {
                return None;
            };
            let missing = !self.overrides.contains_key(id) && !planned(ComponentKey::Override(*id));
            missing.then(|| (*id, fields.as_ref().clone()))
        });
        Ok(shown.collect())
    }
}

/// Marks a new component as one that stands for later occurrences too.
pub(super) fn range(component: &mut Component<'_>) {
    if let Some(line) = component.first("RECURRENCE-ID") {
        let mut header = line.header();
        header.extend_from_slice(b";RANGE=THISANDFUTURE");
        let ranged = Line::build(&header, &line.value_octets());
        replace(component, "RECURRENCE-ID", vec![ranged]);
    }
}
