//! Words in a copy that nobody said: what a privacy rule put there ("Busy"), or what was cut.
//!
//! They are no version of anything. Whoever wins a conflict, and however old the rule that made them
//! is, they do not go back over what the original says.

use std::collections::BTreeSet;

use super::party;
use crate::diff::{self, Standing};
use crate::model::{ComponentKey, Field, Fields, OverrideValue, Series, Text};
use crate::snapshot::inherited;

/// Such words, by field.
#[derive(Debug, Default)]
pub(super) struct Unsaid(BTreeSet<(Field, Text)>);

fn text(field: Field, fields: &Fields) -> Option<&Text> {
    match field {
        Field::Title => Some(&fields.title),
        Field::Description => Some(&fields.description),
        Field::Location => Some(&fields.location),
        Field::When | Field::Status | Field::Transparency | Field::Visibility => None,
    }
}

impl Unsaid {
    /// Where the copy showed something else than its original when both agreed.
    pub(super) fn of(copy: &Series, original: &Series) -> Self {
        let ids = copy.overrides.keys().map(|id| ComponentKey::Override(*id));
        let mut words = BTreeSet::new();
        for key in ids.chain([ComponentKey::Master]) {
            let Some(shown) = copy.own_fields(&key) else {
                continue;
            };
            let original = Standing::of(original, &key);
            for field in party::texts() {
                let said = original.fields();
                if said.is_none_or(|said| !diff::same(field, said, shown)) {
                    words.extend(text(field, shown).map(|text| (field, text.clone())));
                }
            }
        }
        Self(words)
    }

    fn has(&self, field: Field, fields: &Fields) -> bool {
        !self.0.is_empty()
            && text(field, fields).is_some_and(|text| self.0.contains(&(field, text.clone())))
    }

    /// Whether what the copy shows of a field is of these.
    pub(super) fn are(&self, copy: &Series, key: &ComponentKey, field: Field) -> bool {
        let shows = Standing::of(copy, key);
        shows.fields().is_some_and(|shows| self.has(field, shows))
    }

    /// Puts what the original says in place of them in what it is to show.
    pub(super) fn spare(&self, want: &mut Series, original: &Series) {
        if self.0.is_empty() {
            return;
        }
        let Some(master) = &original.master else {
            return;
        };
        let over = |own: &mut Fields, says: &Fields| {
            for field in party::texts() {
                if self.has(field, own) {
                    diff::copy(field, says, own);
                }
            }
        };
        if let Some(own) = &mut want.master {
            over(own, master);
        }
        for (id, value) in &mut want.overrides {
            if let OverrideValue::Fields(own) = value {
                let says = Standing::of(original, &ComponentKey::Override(*id));
                match says.fields() {
                    Some(says) => over(own, says),
                    None => over(own, &inherited(master, *id)),
                }
            }
        }
    }
}
