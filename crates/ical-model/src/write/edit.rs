//! Editing a stored object: every change of a plan applied to the component it is for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use sync_engine::model::{
    ComponentKey, Field, Fields, OverrideValue, RecurrenceId, Series, Status, When,
};
use sync_engine::ports::Change;
use sync_engine::recurrence::{Limits, inherited_when, occurrences_between, recurrence_id_in};

use super::field::{replace, set_field};
use super::property::{original, plain, raw_text, stamp};
use super::when::Names;
use super::{Edit, ORIGIN, carried, exceptions, new};
use crate::component::{Component, Document, Item};
use crate::error::EditError;
use crate::read::{Moment, ReadContext, Slot, Understood, organizer, read_fields, read_time};
use crate::zones::describe;

/// The core fields of an override; CLASS stays what it is.
const CORE: [Field; 6] = [
    Field::Title,
    Field::Description,
    Field::Location,
    Field::When,
    Field::Status,
    Field::Transparency,
];

/// Applies `edit` to `bytes`.
pub(super) fn object(
    bytes: &[u8],
    edit: &Edit<'_>,
    context: &ReadContext<'_>,
) -> Result<Vec<u8>, EditError> {
    let document = Document::parse(bytes, &context.limits)?;
    let understood = Understood::of(&document, context)?.ok_or(EditError::NoEvent)?;
    if understood.this_and_future {
        return Err(EditError::ThisAndFuture);
    }
    let mut editor = Editor {
        document,
        edit,
        before: understood.event.series,
        master: understood.master,
        overrides: understood.overrides,
        names: Names {
            zones: &understood.zones,
            context,
            needed: BTreeMap::new(),
        },
        touched: BTreeSet::new(),
        removed: BTreeSet::new(),
        added: Vec::new(),
    };
    editor.apply()?;
    Ok(editor.finish())
}

struct Editor<'d, 'e> {
    document: Document<'d>,
    edit: &'e Edit<'e>,
    /// The series as it was read.
    before: Series,
    master: Option<Slot>,
    overrides: BTreeMap<RecurrenceId, Slot>,
    names: Names<'e>,
    touched: BTreeSet<Slot>,
    removed: BTreeSet<Slot>,
    added: Vec<Component<'d>>,
}

impl<'d> Editor<'d, '_> {
    fn apply(&mut self) -> Result<(), EditError> {
        let edit = self.edit;
        // The master first: overrides are placed in relation to it.
        for change in edit.changes {
            if change.key == ComponentKey::Master {
                self.change_master(&change.change)?;
            }
        }
        for change in edit.changes {
            if let ComponentKey::Override(id) = change.key {
                self.change_override(id, &change.change)?;
            }
        }
        if let Some(tag) = edit.tag
            && let Some(slot) = self
                .master
                .or_else(|| self.overrides.values().next().copied())
            && let Some(component) = self.component(slot)
        {
            replace(component, ORIGIN, vec![raw_text(ORIGIN, &tag.to_text())]);
            self.touched.insert(slot);
        }
        Ok(())
    }

    fn component(&mut self, slot: Slot) -> Option<&mut Component<'d>> {
        component(&mut self.document, slot)
    }

    fn set(&mut self, slot: Slot, fields: &[Field], wanted: &Fields) -> bool {
        let Some(component) = component(&mut self.document, slot) else {
            return false;
        };
        let mut changed = false;
        for field in fields {
            changed |= set_field(component, *field, wanted, &mut self.names);
        }
        if changed {
            self.touched.insert(slot);
        }
        changed
    }

    /// The master's fields as the text now says them.
    fn master_now(&mut self) -> Option<Fields> {
        let slot = self.master?;
        let component = component(&mut self.document, slot)?;
        read_fields(component, self.names.zones, self.names.context)
            .ok()
            .map(|(fields, _)| fields)
    }

    fn change_master(&mut self, change: &Change) -> Result<(), EditError> {
        let slot = self.master.ok_or(EditError::NoMaster)?;
        let no_fields = EditError::NoFields {
            key: ComponentKey::Master,
        };
        let series = self.edit.series;
        let wanted = series.master.as_ref().ok_or(no_fields)?;
        let fields: Vec<Field> = match change {
            Change::Set(fields) => fields.iter().copied().collect(),
            Change::Add => CORE.to_vec(),
            // A whole event that is called off; an occurrence's own cancellation is an override's.
            Change::Cancel => {
                let cancelled = Fields {
                    status: Status::Cancelled,
                    ..wanted.clone()
                };
                self.set(slot, &[Field::Status], &cancelled);
                return Ok(());
            }
            Change::Inherit => return Ok(()),
        };
        let (when, others): (Vec<Field>, Vec<Field>) =
            fields.iter().partition(|field| **field == Field::When);
        self.set(slot, &others, wanted);
        let moved = self.set(slot, &when, wanted);
        if moved {
            self.follow_move(slot);
        }
        self.follow_fields(&others);
        Ok(())
    }

    /// Overrides that say nothing of their own go on saying what the master says.
    fn follow_fields(&mut self, fields: &[Field]) {
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
    fn follow_move(&mut self, slot: Slot) {
        let Some(master) = self.master_now() else {
            return;
        };
        let before = self
            .before
            .master
            .as_ref()
            .map(|fields| fields.when.clone());
        for (id, override_slot) in self.overrides.clone() {
            let wanted = self.edit.series.overrides.get(&id);
            let stays = match (self.before.overrides.get(&id), wanted) {
                (Some(OverrideValue::Cancelled), Some(OverrideValue::Cancelled))
                | (_, Some(OverrideValue::Fields(_))) => true,
                (Some(_), _) | (None, Some(OverrideValue::Cancelled)) => false,
                (None, None) => {
                    let new = before
                        .as_ref()
                        .and_then(|before| moved_with(id, before, &master.when))
                        .filter(|new| is_occurrence(&master, *new, self.names.context));
                    self.overrides.remove(&id);
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
                    continue;
                }
            };
            if stays {
                self.restate(override_slot, id, &master.when);
            } else {
                self.overrides.remove(&id);
                self.removed.insert(override_slot);
            }
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
        exceptions::retain(component, &master.when, &self.names, |id, alike| {
            alike && missing.remove(&id)
        });
        if master.recurrence.is_some() {
            for id in missing {
                exceptions::add(component, &master.when, id, &mut self.names);
            }
        }
    }

    /// Sees to it that an override's RECURRENCE-ID names `id` in the master's own form.
    fn restate(&mut self, slot: Slot, id: RecurrenceId, master: &When) {
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

    fn change_override(&mut self, id: RecurrenceId, change: &Change) -> Result<(), EditError> {
        let key = ComponentKey::Override(id);
        let series = self.edit.series;
        match (change, series.overrides.get(&id)) {
            (Change::Cancel, _)
            | (Change::Set(_) | Change::Add, Some(OverrideValue::Cancelled)) => self.cancel(id),
            (Change::Inherit, _) => self.inherit(id),
            (Change::Set(fields), Some(OverrideValue::Fields(wanted))) => {
                let own = matches!(
                    self.before.overrides.get(&id),
                    Some(OverrideValue::Fields(_))
                );
                match self.overrides.get(&id).copied() {
                    Some(slot) if own => {
                        let fields: Vec<Field> = fields.iter().copied().collect();
                        self.set(slot, &fields, wanted);
                    }
                    _ => self.add(id, wanted),
                }
                Ok(())
            }
            (Change::Add, Some(OverrideValue::Fields(wanted))) => {
                self.add(id, wanted);
                Ok(())
            }
            (Change::Set(_) | Change::Add, None) => Err(EditError::NoFields { key }),
        }
    }

    /// Takes the EXDATE of an occurrence away; the master is touched if there was one.
    fn restore(&mut self, id: RecurrenceId) {
        let Some(master) = self.master_now() else {
            return;
        };
        let Some(slot) = self.master else { return };
        let Some(component) = component(&mut self.document, slot) else {
            return;
        };
        if exceptions::retain(component, &master.when, &self.names, |other, _| other != id) {
            self.touched.insert(slot);
        }
    }

    fn add(&mut self, id: RecurrenceId, wanted: &Fields) {
        self.restore(id);
        if let Some(slot) = self.overrides.get(&id).copied() {
            self.set(slot, &CORE, wanted);
            return;
        }
        let master = self.master_now();
        let model = self
            .master
            .or_else(|| self.overrides.values().next().copied());
        let Some(model) = model.and_then(|slot| component(&mut self.document, slot)) else {
            return;
        };
        let sequence = model
            .first("SEQUENCE")
            .and_then(|line| line.value().trim().parse().ok())
            .unwrap_or(0);
        let stamps = new::Stamps {
            uid: &sync_engine::model::Uid::new(""),
            sequence,
            now: self.edit.now,
        };
        let wall = master.as_ref().map_or(&wanted.when, |master| &master.when);
        let names = &mut self.names;
        let start = model.first("DTSTART").cloned();
        let mut event = new::event(&stamps, Some((wall, id)), wanted, &mut |at| {
            names.spelling(start.as_ref(), at)
        });
        // Its very text: servers compare UIDs as they stand.
        if let Some(uid) = model.first("UID") {
            replace(&mut event, "UID", vec![uid.clone().into_owned()]);
        }
        if master.is_some() {
            for line in carried::looks(model) {
                let again = line.is("CLASS") && event.first("CLASS").is_some();
                if !again {
                    event.push(line.into_owned());
                }
            }
        }
        self.added.push(event);
    }

    fn cancel(&mut self, id: RecurrenceId) -> Result<(), EditError> {
        let master = self.master_now();
        let repeating = master.as_ref().filter(|fields| fields.recurrence.is_some());
        let (Some(master), Some(slot)) = (repeating, self.master) else {
            // Without a master there is nothing to take the occurrence from.
            let Some(slot) = self.overrides.get(&id).copied() else {
                return Err(EditError::NoMaster);
            };
            let cancelled = Fields {
                status: Status::Cancelled,
                ..Fields::new("", When::all_day(jiff::civil::Date::default(), None))
            };
            self.set(slot, &[Field::Status], &cancelled);
            return Ok(());
        };
        if let Some(gone) = self.overrides.remove(&id) {
            self.removed.insert(gone);
            self.touched.insert(slot);
        }
        let names = &mut self.names;
        if let Some(component) = component(&mut self.document, slot)
            && !exceptions::listed(component, &master.when, names).contains(&id)
        {
            exceptions::add(component, &master.when, id, names);
            self.touched.insert(slot);
        }
        Ok(())
    }

    fn inherit(&mut self, id: RecurrenceId) -> Result<(), EditError> {
        let master = self.master_now().ok_or(EditError::NoMaster)?;
        self.restore(id);
        let (Some(slot), Some(master_slot)) = (self.overrides.get(&id).copied(), self.master)
        else {
            return Ok(());
        };
        let owner = component(&mut self.document, master_slot).cloned();
        let has_own = component(&mut self.document, slot)
            .zip(owner)
            .is_some_and(|(own, master)| carried::has_own(own, &master));
        if has_own {
            self.set(slot, &CORE, &inherited(&master, id));
        } else {
            self.overrides.remove(&id);
            self.removed.insert(slot);
            self.touched.insert(master_slot);
        }
        Ok(())
    }

    /// Stamps what was touched, and puts the object together.
    fn finish(mut self) -> Vec<u8> {
        for slot in self.touched.clone() {
            let (now, context) = (self.edit.now, self.names.context);
            if let Some(component) = self.component(slot) {
                bump(component, now, context);
            }
        }
        let at = self
            .master
            .or_else(|| self.overrides.values().next().copied())
            .map_or(0, |slot| slot.calendar);
        let described: Vec<Component<'d>> = self
            .names
            .needed
            .values()
            .filter(|(zone, _)| !self.names.zones.describes(zone.as_str()))
            .map(|(zone, from)| describe(zone, *from))
            .collect();
        for (calendar, item) in self.document.items.iter_mut().enumerate() {
            let Item::Component(outer) = item else {
                continue;
            };
            let here = calendar == at;
            let removed = |item| self.removed.contains(&Slot { calendar, item });
            rebuild(
                outer,
                removed,
                if here { described.clone() } else { Vec::new() },
                if here {
                    std::mem::take(&mut self.added)
                } else {
                    Vec::new()
                },
            );
        }
        self.document.to_bytes()
    }
}

fn component<'s, 'd>(document: &'s mut Document<'d>, slot: Slot) -> Option<&'s mut Component<'d>> {
    let Item::Component(calendar) = document.items.get_mut(slot.calendar)? else {
        return None;
    };
    match calendar.items.get_mut(slot.item)? {
        Item::Component(component) => Some(component),
        Item::Line(_) => None,
    }
}

/// What the master gives at an occurrence.
fn inherited(master: &Fields, id: RecurrenceId) -> Fields {
    Fields {
        when: inherited_when(master, id),
        recurrence: None,
        ..master.clone()
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
        _ => None,
    }
}

fn is_occurrence(master: &Fields, id: RecurrenceId, context: &ReadContext<'_>) -> bool {
    let Some(recurrence) = &master.recurrence else {
        return false;
    };
    let floating = &context.floating;
    let (start, end) = inherited_when(master, id).instants(floating);
    let until = end.checked_add(1.second()).unwrap_or(end);
    let window = (start, until);
    occurrences_between(
        &master.when,
        recurrence,
        floating,
        window,
        &Limits::default(),
    )
    .items
    .iter()
    .any(|occurrence| occurrence.id == id)
}

/// DTSTAMP, LAST-MODIFIED and SEQUENCE of a component that was edited.
fn bump(component: &mut Component<'_>, now: jiff::Timestamp, context: &ReadContext<'_>) {
    replace(component, "DTSTAMP", vec![stamp("DTSTAMP", now)]);
    replace(
        component,
        "LAST-MODIFIED",
        vec![stamp("LAST-MODIFIED", now)],
    );
    if organizer(component, context) == Some(false) {
        return;
    }
    let sequence: u64 = component
        .first("SEQUENCE")
        .and_then(|line| line.value().trim().parse().ok())
        .unwrap_or(0);
    let next = sequence.saturating_add(1).to_string();
    replace(component, "SEQUENCE", vec![plain("SEQUENCE", &next)]);
}

/// Takes components out, and puts zones before the first event and events after the last.
fn rebuild<'d>(
    calendar: &mut Component<'d>,
    removed: impl Fn(usize) -> bool,
    zones: Vec<Component<'d>>,
    events: Vec<Component<'d>>,
) {
    let is = |item: &Item<'_>, name: &str| matches!(item, Item::Component(inner) if inner.is(name));
    let component = |item: &Item<'_>| matches!(item, Item::Component(_));
    let first = match calendar
        .items
        .iter()
        .rposition(|item| is(item, "VTIMEZONE"))
    {
        Some(zone) => zone + 1,
        None => calendar
            .items
            .iter()
            .position(component)
            .unwrap_or(calendar.items.len()),
    };
    let last = calendar
        .items
        .iter()
        .rposition(|item| is(item, "VEVENT"))
        .map_or(calendar.items.len(), |last| last + 1)
        .max(first);
    let wrap = |component| Item::Component(Box::new(component));
    let mut items = Vec::with_capacity(calendar.items.len() + zones.len() + events.len());
    let (mut zones, mut events) = (Some(zones), Some(events));
    for (at, item) in std::mem::take(&mut calendar.items).into_iter().enumerate() {
        if at == first {
            items.extend(zones.take().into_iter().flatten().map(wrap));
        }
        if at == last {
            items.extend(events.take().into_iter().flatten().map(wrap));
        }
        if !removed(at) {
            items.push(item);
        }
    }
    items.extend(zones.into_iter().flatten().map(wrap));
    items.extend(events.into_iter().flatten().map(wrap));
    calendar.items = items;
}
