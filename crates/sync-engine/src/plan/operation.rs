//! What a plan consists of: steps, each one remote write with what it makes both sides agree on,
//! and why.

use serde::{Deserialize, Serialize};

use crate::model::{
    Both, Caldav, ComponentKey, Family, Field, FieldSet, Fields, Google, OverrideValue, Series,
    Side, SideTag, Uid,
};
use crate::ports::side::{Create, Remove, Update};
use crate::row::RowKey;

/// One remote write of a plan, on whichever side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// To the CalDAV calendar.
    Caldav(Operation<Caldav>),
    /// To the Google calendar.
    Google(Operation<Google>),
}

impl Step {
    /// The side written.
    pub fn side(&self) -> Side {
        match self {
            Self::Caldav(_) => Side::Caldav,
            Self::Google(_) => Side::Google,
        }
    }

    /// The row it belongs to.
    pub fn row(&self) -> &RowKey {
        match self {
            Self::Caldav(operation) => &operation.row,
            Self::Google(operation) => &operation.row,
        }
    }

    /// The name at Google of what it creates.
    pub(crate) fn created(&self) -> Option<String> {
        match self {
            Self::Google(Operation {
                write: Write::Create(create),
                ..
            }) => Some(create.tag.google_id().as_str().to_owned()),
            _ => None,
        }
    }

    /// The name at Google of what it removes.
    pub(crate) fn removed(&self) -> Option<String> {
        match self {
            Self::Google(Operation {
                write: Write::Remove(remove),
                ..
            }) => Some(remove.resource.id.as_str().to_owned()),
            _ => None,
        }
    }

    /// Sets what the other side's echo becomes.
    pub(crate) fn agree(&mut self, agrees: Vec<(ComponentKey, Option<Value>)>) {
        match self {
            Self::Caldav(operation) => operation.agrees = agrees,
            Self::Google(operation) => operation.agrees = agrees,
        }
    }

    /// Has the row sit out plans afterwards.
    pub(crate) fn set_aside(&mut self) {
        match self {
            Self::Caldav(operation) => operation.after = After::SetAside,
            Self::Google(operation) => operation.after = After::SetAside,
        }
    }

    /// Has these left out of the written side's echo.
    pub(crate) fn spare(&mut self, spares: Vec<(ComponentKey, Option<FieldSet>)>) {
        match self {
            Self::Caldav(operation) => operation.spares = spares,
            Self::Google(operation) => operation.spares = spares,
        }
    }

    /// The components it writes.
    pub(crate) fn keys(&self) -> Vec<ComponentKey> {
        fn of<S: SideTag>(operation: &Operation<S>) -> Vec<ComponentKey> {
            match &operation.write {
                Write::Update(update) => update.changes.iter().map(|change| change.key).collect(),
                Write::Create(_) | Write::Remove(_) => vec![operation.account.key],
            }
        }
        match self {
            Self::Caldav(operation) => of(operation),
            Self::Google(operation) => of(operation),
        }
    }

    /// What people are told about it, to be changed.
    pub(crate) fn account_mut(&mut self) -> &mut Account {
        match self {
            Self::Caldav(operation) => &mut operation.account,
            Self::Google(operation) => &mut operation.account,
        }
    }

    /// What people are told about it.
    pub fn account(&self) -> &Account {
        match self {
            Self::Caldav(operation) => &operation.account,
            Self::Google(operation) => &operation.account,
        }
    }
}

/// One remote write to side `S`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Operation<S: SideTag> {
    /// The row it belongs to.
    pub row: RowKey,
    /// What is written.
    pub write: Write<S>,
    /// What the *other* side showed of the components this write brings in step: its echo once the
    /// write is done. `None` for a component that the other side does not have.
    pub agrees: Vec<(ComponentKey, Option<Value>)>,
    /// Components, or fields of them, that the written side's echo must not take from the answer:
    /// a person changed them there, and that has not crossed yet. `None` is all of the component.
    #[serde(default)]
    pub spares: Vec<(ComponentKey, Option<FieldSet>)>,
    /// What becomes of the row.
    pub after: After,
    /// What the target showed of the series before; `None` for a creation. For undoing.
    #[serde(default)]
    pub before: Option<Box<Series>>,
    /// What people are told about it.
    pub account: Account,
}

/// A component's value, master or override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// The master's fields.
    Master(Box<Fields>),
    /// What stands at the occurrence.
    Override(OverrideValue),
}

impl Value {
    /// The fields, to be changed, if it has any.
    pub(crate) fn fields_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Self::Master(fields) | Self::Override(OverrideValue::Fields(fields)) => Some(fields),
            Self::Override(OverrideValue::Cancelled) => None,
        }
    }
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "snake_case")]
pub enum Write<S: SideTag> {
    /// Create a resource.
    Create(Box<Create>),
    /// Change one.
    Update(Box<Update<S>>),
    /// Remove one.
    Remove(Remove<S>),
}

/// What becomes of the row when the write is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It is linked (or stays linked) with the new echoes.
    Linked,
    /// The copy is gone, the source stays known as withheld.
    Withheld,
    /// As it was before a run that a person took back: the row sits out until a side changes it. A
    /// removal unlinks this side.
    SetAside,
    /// The series is gone from both sides, or is no longer ours: drop the row, once no resource of
    /// the copy is left.
    Dropped,
}

/// What people are told about an operation: preview, run, history, webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What is done.
    pub action: ActionKind,
    /// The UID on the side the event comes from.
    pub uid: Uid,
    /// Which component.
    pub key: ComponentKey,
    /// The title as the written side shows it (after privacy).
    pub summary: String,
    /// Start as the API shows it: RFC 3339 UTC, or a date.
    pub start: Option<String>,
    /// The recurrence id as the API shows it.
    pub recurrence_id: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What changes, as the written side may know it.
    pub changes: Vec<FieldChange>,
    /// Whether this counts as an event of its own in reports (a folded write's helpers do not).
    pub counted: bool,
}

/// One field's change, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which field.
    pub field: Field,
    /// What the written side showed.
    pub from: String,
    /// What it will show.
    pub to: String,
}

/// What is done, as people and the API name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A series is created.
    Insert,
    /// A series or an instance is changed.
    Update,
    /// A series is removed.
    Delete,
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// New on the source.
    New,
    /// Changed on the source.
    Changed,
    /// Changed on the target of a one-way mapping, put back.
    Restored,
    /// Deleted on the source.
    Deleted,
    /// Missing on the target of a one-way mapping, put back.
    Recreated,
    /// Called off, declined or private as a whole.
    Withheld,
    /// The mapping's settings changed.
    Settings,
    /// Changed on both sides; the policy chose.
    Conflict,
    /// Edited on one side, deleted on the other: the edit wins.
    EditWins,
    /// Single events in place of a series that the target cannot hold, or back.
    Reshaped,
    /// A copy without a source.
    Orphaned,
    /// Outside the window, and a person asked for its removal.
    OutsideWindow,
    /// A person took a run back.
    Undone,
    /// Another mapping made the copy; this one feeds it from now on.
    HandedOver,
    /// Finishing what an earlier run began.
    Resumed,
}

/// The family of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operations;

impl Family for Operations {
    type Of<S: SideTag> = Vec<Operation<S>>;
}

/// Operations for both sides.
pub type BothOperations = Both<Operations>;
