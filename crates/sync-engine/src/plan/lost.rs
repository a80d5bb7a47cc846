//! Tracked series whose source is gone, whatever becomes of them: those of which something is
//! removed, and those that stay (natives that were found there, copies with guests, what another
//! mapping has as well). The guard asks whether these are all that there are.

use std::collections::BTreeMap;

use super::PlanInput;
use crate::mapping::Direction;
use crate::model::{Both, Caldav, Family, Google, ResourceId, SideTag};
use crate::row::{Row, RowKey};
use crate::snapshot::View;

/// The family of resources that a row knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known;

impl Family for Known {
    type Of<S: SideTag> = Vec<ResourceId<S>>;
}

/// The series whose source is gone, with the resources they had there.
pub(super) fn lost(input: &PlanInput) -> BTreeMap<RowKey, Both<Known>> {
    let mut lost = BTreeMap::new();
    for series in &input.series {
        let Some(row) = series.row.as_ref().filter(|row| row.is_tracked()) else {
            continue;
        };
        let (caldav, google) = (
            is_gone::<Caldav>(row, &series.views.caldav),
            is_gone::<Google>(row, &series.views.google),
        );
        let counts = match input.mapping.direction {
            Direction::CaldavToGoogle => caldav,
            Direction::GoogleToCaldav => google,
            Direction::Bidirectional => caldav || google,
        };
        if counts {
            lost.insert(row.key.clone(), known(row));
        }
    }
    lost
}

/// The resources that a row knows.
pub(crate) fn known(row: &Row) -> Both<Known> {
    Both {
        caldav: of::<Caldav>(row),
        google: of::<Google>(row),
    }
}

fn of<S: SideTag>(row: &Row) -> Vec<ResourceId<S>> {
    let resources = row.link::<S>().map(|link| &link.resources);
    let ids = resources.into_iter().flatten().map(|(_, id)| id.clone());
    ids.collect()
}

/// Whether it is proven gone (P3).
fn is_gone<S: SideTag>(row: &Row, view: &View<S>) -> bool {
    let was_shown = row.link::<S>().is_some_and(|link| link.shown);
    matches!(view, View::Gone { shown } if *shown || was_shown)
}
