//! EXDATEs of a stored master: taking single values out, putting new ones in.

use std::collections::BTreeSet;

use sync_engine::model::{RecurrenceId, When};
use sync_engine::recurrence::recurrence_id_in;

use super::property::original;
use super::when::Names;
use crate::component::{Component, Item};
use crate::line::Line;
use crate::line::text::split_commas;
use crate::read::{Moment, read_time};

/// Keeps the EXDATE values for which `keep` says so, given the occurrence each stands for and
/// whether it is of the master's own value type (`None`: it is no time). Lines of which all values stay are untouched.
pub(super) fn retain(
    component: &mut Component<'_>,
    master: &When,
    names: &Names<'_>,
    mut keep: impl FnMut(Option<(RecurrenceId, bool)>) -> bool,
) -> bool {
    let mut changed = false;
    component.items.retain_mut(|item| {
        let Item::Line(line) = item else { return true };
        if !line.is("EXDATE") {
            return true;
        }
        let value = line.value();
        let mut kept = Vec::new();
        let mut dropped = false;
        for text in split_commas(&value) {
            let stays = text.trim().is_empty() || keep(id_of(line, text, master, names));
            if stays {
                kept.push(text);
            } else {
                dropped = true;
            }
        }
        if !dropped {
            return true;
        }
        changed = true;
        if kept.iter().all(|text| text.trim().is_empty()) {
            return false;
        }
        let shorter = Line::build(&line.header(), kept.join(",").as_bytes());
        *line = shorter;
        true
    });
    changed
}

fn id_of(
    line: &Line<'_>,
    text: &str,
    master: &When,
    names: &Names<'_>,
) -> Option<(RecurrenceId, bool)> {
    let time = read_time(line, text, names.zones).ok()?;
    let alike = matches!(time.moment, Moment::Date(_)) == master.is_all_day();
    let original = time.moment.original();
    let id = recurrence_id_in(master, &original, &names.context.floating);
    Some((id, alike))
}

/// The occurrences that EXDATEs take away.
pub(super) fn listed(
    component: &mut Component<'_>,
    master: &When,
    names: &Names<'_>,
) -> BTreeSet<RecurrenceId> {
    let mut ids = BTreeSet::new();
    retain(component, master, names, |at| {
        ids.extend(at.map(|(id, _)| id));
        true
    });
    ids
}

/// Adds an EXDATE in the form of DTSTART, after the last one there is.
pub(super) fn add(
    component: &mut Component<'_>,
    master: &When,
    id: RecurrenceId,
    names: &mut Names<'_>,
) {
    let moment = original(master, id, &names.context.floating);
    let line = names.fresh(component, "EXDATE", &moment);
    let last = component.items.iter().rposition(
        |item| matches!(item, Item::Line(line) if line.is("EXDATE") || line.is("RRULE")),
    );
    let at = last.map_or_else(
        || super::field::end_of_properties(component),
        |last| last + 1,
    );
    component.items.insert(at, Item::Line(line));
}
