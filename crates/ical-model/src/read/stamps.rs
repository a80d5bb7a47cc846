//! LAST-MODIFIED, component by component: what tells which side changed one last.

use sync_engine::model::time::Timestamp;
use sync_engine::model::{ComponentKey, RecurrenceId};

use super::series::Overrides;
use crate::component::Component;
use crate::value::Stamp;

/// When each component was last modified, where it says so. What stands for later occurrences is a
/// part of the master, and of each override it was taken apart into.
pub(super) fn stamps(
    master: Option<&Component<'_>>,
    found: &Overrides,
    given: &[(RecurrenceId, RecurrenceId)],
) -> Vec<(ComponentKey, Timestamp)> {
    let future = |id: &RecurrenceId| found.future.get(id).and_then(|one| one.modified);
    let onward = found.future.keys().filter(|_| given.is_empty());
    let master = master
        .and_then(modified)
        .into_iter()
        .chain(onward.filter_map(future));
    let mut stamps: Vec<_> = master
        .max()
        .map(|at| (ComponentKey::Master, at))
        .into_iter()
        .collect();
    let single = found
        .single
        .iter()
        .filter_map(|(id, one)| Some((*id, one.modified?)));
    let given = given
        .iter()
        .filter_map(|(id, from)| Some((*id, future(from)?)));
    stamps.extend(
        single
            .chain(given)
            .map(|(id, at)| (ComponentKey::Override(id), at)),
    );
    stamps
}

/// LAST-MODIFIED of one component.
pub(super) fn modified(event: &Component<'_>) -> Option<Timestamp> {
    let line = event.first("LAST-MODIFIED")?;
    let wall = match Stamp::parse(&line.value())? {
        Stamp::Date(date) => date.at(0, 0, 0, 0),
        Stamp::Local(wall) | Stamp::Utc(wall) => wall,
    };
    jiff::tz::Offset::UTC.to_timestamp(wall).ok()
}
