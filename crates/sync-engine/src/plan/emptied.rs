//! Texts that were emptied on CalDAV of a series that Google holds as single events, and that a
//! person wants back: they go back where they stood, not into the occurrences one by one. Called
//! while a write to CalDAV is put together (`expanded_both`).

use super::merging::Merging;
use super::party::every;
use crate::model::{ComponentKey, Field, FieldSet, Fields};

/// The components whose texts were emptied, with the texts put back, and which these are.
pub(super) fn put_back(merging: &Merging<'_>) -> Vec<(ComponentKey, Fields, FieldSet)> {
    let now = merging.caldav.now;
    let overrides = now.overrides.keys().copied().map(ComponentKey::Override);
    let keys = std::iter::once(ComponentKey::Master).chain(overrides);
    keys.filter_map(|key| {
        let (shows, before) = (now.own_fields(&key)?, merging.caldav.echo.own_fields(&key)?);
        // What does not cross empties nothing there.
        let emptied: FieldSet = merging
            .caldav
            .mask
            .iter()
            .copied()
            .filter(|field| is_emptied(*field, shows, before))
            .collect();
        let mut fields = shows.clone();
        for field in &emptied {
            crate::diff::copy(*field, before, &mut fields);
        }
        (!emptied.is_empty()).then_some((key, fields, emptied))
    })
    .collect()
}

/// What else was changed of it has yet to cross.
pub(super) fn rest(emptied: &FieldSet) -> FieldSet {
    every().difference(emptied).copied().collect()
}

fn is_emptied(field: Field, shows: &Fields, before: &Fields) -> bool {
    let emptied =
        |now: &crate::model::Text, had: &crate::model::Text| now.is_empty() && !had.is_empty();
    match field {
        Field::Title => emptied(&shows.title, &before.title),
        Field::Description => emptied(&shows.description, &before.description),
        Field::Location => emptied(&shows.location, &before.location),
        _ => false,
    }
}
