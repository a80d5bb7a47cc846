//! What crosses between the two sides of a series, gathered component by component by `merging` and
//! `carrying`, written by `crossing`.

use std::collections::{BTreeMap, BTreeSet};

use super::carrying::Carried;
use crate::model::{ComponentKey, Field, FieldSet, RecurrenceId, Side};

/// What crosses, gathered component by component.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing about what follows"
)]
pub(super) struct Gathered {
    pub(super) to_caldav: BTreeMap<ComponentKey, Crossing>,
    pub(super) to_google: BTreeMap<ComponentKey, Crossing>,
    pub(super) agreed: Vec<ComponentKey>,
    /// Waits for a person.
    pub(super) open: bool,
    /// The components that do.
    pub(super) waits: BTreeSet<ComponentKey>,
    /// A policy or a person chose.
    pub(super) contested: bool,
    /// Overrides of the side that did not move, in the place they have after the move.
    pub(super) carried: BTreeMap<RecurrenceId, Carried>,
    /// Exceptions at Google are planned from what is there after the master's move.
    pub(super) again: bool,
    /// New settings are carried out on overrides once they are on both sides.
    pub(super) later: bool,
}

/// What of a component crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Crossing {
    /// These fields; where the kinds differ, the whole.
    Fields(FieldSet),
    /// All that differs and may cross.
    Whole,
}

impl Gathered {
    pub(super) fn towards(&mut self, side: Side) -> &mut BTreeMap<ComponentKey, Crossing> {
        match side {
            Side::Caldav => &mut self.to_caldav,
            Side::Google => &mut self.to_google,
        }
    }

    pub(super) fn cross(&mut self, key: ComponentKey, to: Side, crossing: Crossing) {
        self.towards(to).insert(key, crossing);
    }

    pub(super) fn cross_field(&mut self, key: ComponentKey, to: Side, field: Field) {
        let crossing = self
            .towards(to)
            .entry(key)
            .or_insert_with(|| Crossing::Fields(FieldSet::new()));
        if let Crossing::Fields(set) = crossing {
            set.insert(field);
        }
    }
}
