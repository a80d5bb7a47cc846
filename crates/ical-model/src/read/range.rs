//! RANGE=THISANDFUTURE: one override that stands for its own occurrence and all later ones
//! (RFC 5545 section 3.2.13), taken apart into overrides.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use sync_engine::model::{Fields, RecurrenceId, Series, When};
use sync_engine::recurrence::{Cut, Limits, inherited_when, occurrences};

use super::ReadContext;
use super::series::value;
use crate::error::ReadError;

/// The longest series that is taken apart.
const MAX_OCCURRENCES: usize = 200;

/// Gives every later occurrence that no override names what `future` says of it.
pub(super) fn spread(
    series: &mut Series,
    master: Option<&Fields>,
    future: &[(RecurrenceId, &Fields)],
    named: &BTreeSet<RecurrenceId>,
    context: &ReadContext<'_>,
) -> Result<(), ReadError> {
    // Alone, or in an event that does not repeat, it has nothing to spread to.
    let Some((master, recurrence)) =
        master.and_then(|master| Some((master, master.recurrence.as_ref()?)))
    else {
        return Ok(());
    };
    let limits = Limits {
        occurrences: MAX_OCCURRENCES,
        ..Limits::default()
    };
    let all = occurrences(&master.when, recurrence, &context.floating, &limits);
    if all.cut != Cut::No {
        return Err(ReadError::ThisAndFuture);
    }
    for occurrence in all {
        let id = occurrence.id;
        if named.contains(&id) || series.overrides.contains_key(&id) {
            continue;
        }
        let Some((from, fields)) = future.iter().rfind(|(from, _)| *from < id) else {
            continue;
        };
        let moved = Fields {
            when: moved(*from, fields, master, id).ok_or(ReadError::ThisAndFuture)?,
            ..(*fields).clone()
        };
        match value(id, &moved, Some(master), context) {
            Some(value) => series.overrides.insert(id, value),
            None => series.overrides.remove(&id),
        };
    }
    Ok(())
}

/// Where `id` goes if `from` went to where `fields` are: moved by as much on the wall, and as long.
fn moved(from: RecurrenceId, fields: &Fields, master: &Fields, id: RecurrenceId) -> Option<When> {
    let at = match (from, id, &fields.when) {
        (RecurrenceId::Date(from), RecurrenceId::Date(id), When::AllDay { start, .. }) => {
            let days = from.until(*start).ok()?.get_days();
            RecurrenceId::Date(id.checked_add(days.days()).ok()?)
        }
        (RecurrenceId::Wall(from), RecurrenceId::Wall(id), When::Timed { start, .. })
            if master.when.zone() == Some(&start.zone) =>
        {
            RecurrenceId::Wall(id.checked_add(start.wall.duration_since(from)).ok()?)
        }
        _ => return None,
    };
    Some(inherited_when(fields, at))
}
