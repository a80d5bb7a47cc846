//! Making steps: a write, what it agrees on, and what people are told about it.

use super::flow::Flow;
use super::operation::{
    Account, ActionKind, After, FieldChange, Operation, Reason, Step, Value, Write,
};
use super::party;
use crate::diff::{self, Standing};
use crate::identity::OriginTag;
use crate::mapping::{Direction, Reminders};
use crate::model::{ComponentKey, Field, FieldSet, Fields, Series, Side, SideTag, Text};
use crate::ports::side::{Create, Remove, Target, Update};
use crate::projection::{Privacy, PrivateEvents, Projected, Projection};
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// What the source shows of a component, to be agreed on.
pub(super) fn value(series: &Series, key: &ComponentKey) -> Option<Value> {
    match key {
        ComponentKey::Master => series
            .master
            .as_ref()
            .map(|master| Value::Master(Box::new(master.clone()))),
        ComponentKey::Override(id) => series.overrides.get(id).cloned().map(Value::Override),
    }
}

/// What the source shows of all components of two series.
pub(super) fn all_values(now: &Series, before: &Series) -> Vec<(ComponentKey, Option<Value>)> {
    let mut keys: Vec<ComponentKey> = now
        .overrides
        .keys()
        .chain(before.overrides.keys())
        .map(|id| ComponentKey::Override(*id))
        .collect();
    keys.push(ComponentKey::Master);
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| (key, value(now, &key)))
        .collect()
}

/// The same, as what is agreed on in the end.
pub(super) fn finally<A: SideTag>(
    now: &Series,
    before: &Series,
) -> Vec<(Side, ComponentKey, Option<Value>)> {
    let values = all_values(now, before).into_iter();
    values.map(|(key, value)| (A::SIDE, key, value)).collect()
}

impl<B: Sided> Flow<'_, B> {
    pub(super) fn tag(&self, row: &Row, key: &ComponentKey) -> OriginTag {
        OriginTag::new(&self.pair, &row.uid, key.recurrence_id(), row.generation)
    }

    /// Creates the copy of a series, or of one occurrence of it (`key`).
    pub(super) fn create(
        &self,
        row: &Row,
        key: ComponentKey,
        series: &Projected,
        agrees: Vec<(ComponentKey, Option<Value>)>,
        account: Account,
    ) -> Step {
        // Not by whether this very event is private: it may become so, and the copy keeps its X-
        // property.
        let full = self.projection.privacy == Privacy::Full
            && self.mapping.private_events != PrivateEvents::Busy;
        B::step(Operation {
            row: row.key.clone(),
            write: Write::Create(Box::new(Create {
                tag: self.tag(row, &key),
                source_uid: full.then(|| row.uid.clone()),
                series: series.clone(),
                // What somebody deleted is put back under its old name if possible. What may have
                // been deleted by a person since our own write is asked about first.
                revive: !row.unsure || self.mapping.direction != Direction::Bidirectional,
                default_reminders: self.mapping.reminders == Reminders::Default,
            })),
            agrees,
            spares: Vec::new(),
            after: After::Linked,
            before: None,
            account,
        })
    }

    pub(super) fn update(
        row: &Row,
        update: Update<B>,
        before: &Series,
        agrees: Vec<(ComponentKey, Option<Value>)>,
        account: Account,
    ) -> Step {
        B::step(Operation {
            row: row.key.clone(),
            write: Write::Update(Box::new(update)),
            agrees,
            spares: Vec::new(),
            after: After::Linked,
            before: Some(Box::new(before.clone())),
            account,
        })
    }

    /// Removes every resource of the copy that stands by itself: at Google the master takes its
    /// exceptions with it. What is left of another form of the copy goes too.
    pub(super) fn remove_all(
        &self,
        row: &Row,
        copy: &Snapshot<B>,
        after: After,
        reason: Reason,
    ) -> Vec<Step> {
        let whole = copy.parts.contains_key(&ComponentKey::Master);
        copy.parts
            .iter()
            .map(|(key, part)| (*key, part))
            .filter(|(key, _)| !whole || *key == ComponentKey::Master)
            .chain(copy.strays.iter().map(|part| (ComponentKey::Master, part)))
            .enumerate()
            .map(|(index, (key, part))| {
                let mut account = self.account(
                    row,
                    key,
                    &copy.series,
                    ActionKind::Delete,
                    reason,
                    Vec::new(),
                );
                account.counted = index == 0;
                B::step(Operation {
                    row: row.key.clone(),
                    write: Write::Remove(Remove {
                        resource: part.resource.clone(),
                        attending: false,
                    }),
                    agrees: Vec::new(),
                    spares: Vec::new(),
                    after,
                    before: Some(Box::new(copy.series.clone())),
                    account,
                })
            })
            .collect()
    }

    /// Whether this side shows what a rule hides from the other.
    fn hides_from_reports(&self, row: &Row) -> bool {
        self.mapping.direction == Direction::Bidirectional
            && !self.mapping.protects(B::SIDE)
            && (self.mapping.privacy != Privacy::Full || self.is_private(row, None))
    }

    /// What copies made under an earlier rule, or before the event was private, said is not repeated
    /// (P9).
    fn veiled(&self, row: &Row, mut changes: Vec<FieldChange>) -> Vec<FieldChange> {
        let hides = self.projection.privacy != Privacy::Full
            || self.reproject
            || self.is_private(row, None);
        for change in changes.iter_mut().filter(|_| hides) {
            if is_text(change.field) {
                change.from.clear();
            }
        }
        changes
    }

    /// A copy's title as the rule has it by now: it may have been made under an earlier one, or
    /// before the event was private.
    fn titled(
        &self,
        projection: &Projection,
        row: &Row,
        key: &ComponentKey,
        fields: &Fields,
    ) -> Text {
        let again = projection.again(fields, None, self.is_private(row, Some(key)));
        again.map(|fields| fields.title).unwrap_or_default()
    }

    /// What people are told: everything in it is what the *target* shows or will show.
    pub(super) fn account(
        &self,
        row: &Row,
        key: ComponentKey,
        target: &Series,
        action: ActionKind,
        reason: Reason,
        changes: Vec<FieldChange>,
    ) -> Account {
        let standing = Standing::of(target, &key);
        let master = target.master.as_ref();
        let fields: Option<&Fields> = standing.fields().or(master);
        let mut changes = self.veiled(row, changes);
        // Towards the side that the rule does not protect: no more is told than the other knows (P9).
        let native = row.copy == Some(B::SIDE) && reason == Reason::New;
        let known = party::echo::<B::Other>(row);
        let other = Standing::of(&known, &key);
        let summary = if self.hides_from_reports(row) && !native {
            for change in changes.iter_mut().filter(|change| is_text(change.field)) {
                change.from.clear();
                change.to.clear();
            }
            let told = other.fields().or(known.master.as_ref());
            told.map(|told| match row.copy {
                Some(side) if side != B::SIDE => self.titled(self.guarding(), row, &key, told),
                _ => told.title.clone(),
            })
        } else {
            fields.map(|fields| match row.copy {
                Some(side) if side == B::SIDE => self.titled(&self.projection, row, &key, fields),
                _ => fields.title.clone(),
            })
        };
        Account {
            action,
            uid: row.uid.clone(),
            key,
            summary: summary.unwrap_or_default().as_str().to_owned(),
            start: fields.map(|fields| diff::start(&fields.when, self.floating)),
            recurrence_id: key
                .recurrence_id()
                .map(|id| diff::recurrence_id(id, master.map(|m| &m.when), self.floating)),
            reason,
            changes,
            counted: true,
        }
    }
}

fn is_text(field: Field) -> bool {
    matches!(field, Field::Title | Field::Description | Field::Location)
}

/// Whether setting `fields` empties a text of the target.
pub(super) fn empties(fields: &FieldSet, want: &Fields, now: &Fields) -> bool {
    let emptied = |field: Field, want: &Text, now: &Text| {
        fields.contains(&field) && want.is_empty() && !now.is_empty()
    };
    emptied(Field::Title, &want.title, &now.title)
        || emptied(Field::Description, &want.description, &now.description)
        || emptied(Field::Location, &want.location, &now.location)
}

/// The target of a component's write: its own resource, or an occurrence of the master's.
pub(super) fn target<B: SideTag>(copy: &Snapshot<B>, key: &ComponentKey) -> Option<Target<B>> {
    if let Some(part) = copy.parts.get(key) {
        return Some(Target::Stored(part.resource.clone()));
    }
    let master = copy.parts.get(&ComponentKey::Master)?;
    Some(match key {
        ComponentKey::Master => Target::Stored(master.resource.clone()),
        ComponentKey::Override(id) => Target::Occurrence {
            series: master.resource.clone(),
            id: *id,
        },
    })
}
