//! Editing a stored object: every change of a plan applied to the component it is for.

use std::collections::{BTreeMap, BTreeSet};

use sync_engine::model::{
    ComponentKey, Field, Fields, OverrideValue, RecurrenceId, Series, Status, When,
};
use sync_engine::ports::Change;
use sync_engine::snapshot::inherited;

use super::field::{replace, set_field};
use super::property::raw_text;
use super::when::Names;
use super::{Edit, ORIGIN, carried, exceptions, new};
use crate::component::{Component, Document, Item};
use crate::error::EditError;
use crate::read::{Future, ReadContext, Slot, Understood, read_fields};

/// The core fields of an override; CLASS stays what it is.
pub(super) const CORE: [Field; 6] = [
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
    let mut editor = Editor {
        document,
        edit,
        before: understood.event.series,
        master: understood.master,
        overrides: understood.overrides,
        duplicates: understood.duplicates,
        futures: understood.futures,
        apart: understood.apart,
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

/// An edit under way.
pub(super) struct Editor<'d, 'e> {
    pub(super) document: Document<'d>,
    pub(super) edit: &'e Edit<'e>,
    /// The series as it was read.
    pub(super) before: Series,
    pub(super) master: Option<Slot>,
    pub(super) overrides: BTreeMap<RecurrenceId, Slot>,
    pub(super) duplicates: Vec<(RecurrenceId, Slot)>,
    /// Components that stand for later occurrences too.
    pub(super) futures: BTreeMap<RecurrenceId, Future>,
    /// Whether the series shows those as overrides.
    pub(super) apart: bool,
    pub(super) names: Names<'e>,
    pub(super) touched: BTreeSet<Slot>,
    pub(super) removed: BTreeSet<Slot>,
    pub(super) added: Vec<Component<'d>>,
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

    pub(super) fn component(&mut self, slot: Slot) -> Option<&mut Component<'d>> {
        component(&mut self.document, slot)
    }

    pub(super) fn set(&mut self, slot: Slot, fields: &[Field], wanted: &Fields) -> bool {
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

    /// Takes an override out, with what else stands for its occurrence. Says whether there was one.
    pub(super) fn remove_override(&mut self, id: RecurrenceId) -> bool {
        let Some(slot) = self.overrides.remove(&id) else {
            return false;
        };
        self.removed.insert(slot);
        let same = self.duplicates.iter().filter(|(other, _)| *other == id);
        self.removed.extend(same.map(|(_, slot)| *slot));
        true
    }

    /// The master's fields as the text now says them.
    pub(super) fn master_now(&mut self) -> Option<Fields> {
        let slot = self.master?;
        let component = component(&mut self.document, slot)?;
        let (mut fields, _) = read_fields(component, self.names.zones, self.names.context).ok()?;
        if let Some(recurrence) = &mut fields.recurrence
            && !self.apart
        {
            recurrence.onward = self.onward();
        }
        Some(fields)
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
        let apart = if when.is_empty() {
            Vec::new()
        } else {
            self.settle_futures(wanted)?
        };
        let moved = self.set(slot, &when, wanted);
        if moved {
            self.follow_move(slot);
        }
        for (id, fields) in apart {
            self.add(id, &fields);
        }
        self.follow_fields(&others);
        Ok(())
    }

    fn change_override(&mut self, id: RecurrenceId, change: &Change) -> Result<(), EditError> {
        let key = ComponentKey::Override(id);
        let series = self.edit.series;
        if self.says_so_for_later(id, change) {
            return Ok(());
        }
        self.make_way(id);
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
        if exceptions::retain(component, &master.when, &self.names, |at| {
            at.is_none_or(|(other, _)| other != id)
        }) {
            self.touched.insert(slot);
        }
    }

    pub(super) fn add(&mut self, id: RecurrenceId, wanted: &Fields) {
        self.restore(id);
        if let Some(slot) = self.overrides.get(&id).copied() {
            self.set(slot, &CORE, wanted);
            return;
        }
        let master = self.master_now();
        let model = self
            .governing(id)
            .or(self.master)
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
        // However it says so, and wherever a moved master took it, it stays called off.
        if self.before.overrides.get(&id) == Some(&OverrideValue::Cancelled) {
            return Ok(());
        }
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
        if self.remove_override(id) {
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
            if self.is_governed(id) {
                self.add(id, &inherited(&master, id));
            }
            return Ok(());
        };
        let owner = component(&mut self.document, master_slot).cloned();
        let has_own = component(&mut self.document, slot)
            .zip(owner)
            .is_some_and(|(own, master)| carried::has_own(own, &master));
        if has_own || self.is_governed(id) {
            self.set(slot, &CORE, &inherited(&master, id));
        } else {
            self.remove_override(id);
            self.touched.insert(master_slot);
        }
        Ok(())
    }
}

pub(super) fn component<'s, 'd>(
    document: &'s mut Document<'d>,
    slot: Slot,
) -> Option<&'s mut Component<'d>> {
    let Item::Component(calendar) = document.items.get_mut(slot.calendar)? else {
        return None;
    };
    match calendar.items.get_mut(slot.item)? {
        Item::Component(component) => Some(component),
        Item::Line(_) => None,
    }
}
