//! RANGE=THISANDFUTURE: one override that stands for its own occurrence and all later ones
//! (RFC 5545 section 3.2.13). In a short series it is taken apart into overrides, which every side
//! can hold; in a long or endless one it becomes part of how the master repeats.

use std::collections::BTreeSet;

use sync_engine::model::{Fields, RecurrenceId, Series};
use sync_engine::recurrence::{Cut, Limits, Onward, occurrences};

use super::ReadContext;
use super::series::value;

/// The longest series that is taken apart.
const MAX_OCCURRENCES: usize = 200;

/// The occurrences of a master, if they are few enough to be taken apart.
pub(super) fn apart(master: &Fields, context: &ReadContext<'_>) -> Option<Vec<RecurrenceId>> {
    let limits = Limits {
        occurrences: MAX_OCCURRENCES,
        ..Limits::default()
    };
    let recurrence = master.recurrence.as_ref()?;
    let all = occurrences(&master.when, recurrence, &context.floating, &limits);
    (all.cut == Cut::No).then(|| all.items.iter().map(|occurrence| occurrence.id).collect())
}

/// Gives every later occurrence that no override names what `future` says of it, and says which.
pub(super) fn spread(
    series: &mut Series,
    master: &Fields,
    all: &[RecurrenceId],
    future: &[Onward],
    named: &BTreeSet<RecurrenceId>,
    context: &ReadContext<'_>,
) -> Vec<(RecurrenceId, RecurrenceId)> {
    let mut given = Vec::new();
    let own = future.iter().map(|onward| onward.from);
    let ids: BTreeSet<RecurrenceId> = all.iter().copied().chain(own).collect();
    for id in ids {
        let at = future.iter().rfind(|onward| onward.from <= id);
        let Some(onward) = at.filter(|_| !named.contains(&id)) else {
            continue;
        };
        // Beside an EXDATE of the same occurrence an override wins; its later ones do not.
        if onward.from != id && series.overrides.contains_key(&id) {
            continue;
        }
        let Some(when) = onward.when(id) else {
            continue;
        };
        let moved = Fields {
            when,
            ..onward.fields.clone()
        };
        match value(id, &moved, Some(master), context) {
            Some(value) => {
                series.overrides.insert(id, value);
                given.push((id, onward.from));
            }
            None => {
                series.overrides.remove(&id);
            }
        }
    }
    given
}
