//! Copies without a source, against what the rest of the plan is about to make: a copy whose creation
//! was interrupted stands there already, under the very name the next attempt gives it.

use std::collections::BTreeSet;

use super::operation::{Step, Write};
use super::{Group, Plan, Weight};
use crate::model::{Caldav, Google, SeriesKey};

/// Takes those out of the plan that another group takes up.
pub(super) fn spare(plan: &mut Plan) {
    let (mut caldav, mut google) = (BTreeSet::new(), BTreeSet::new());
    for step in plan.groups.iter().flat_map(|group| &group.steps) {
        match step {
            Step::Caldav(operation) => {
                if let Write::Create(create) = &operation.write {
                    caldav.insert(SeriesKey::<Caldav>::new(create.tag.caldav_uid().as_str()));
                }
            }
            Step::Google(operation) => {
                if let Write::Create(create) = &operation.write {
                    google.insert(SeriesKey::<Google>::new(create.tag.google_id().as_str()));
                }
            }
        }
    }
    let is_wanted = |group: &Group| {
        let links = (group.row.link::<Caldav>(), group.row.link::<Google>());
        links
            .0
            .is_some_and(|link| link.keys.iter().any(|key| caldav.contains(key)))
            || links
                .1
                .is_some_and(|link| link.keys.iter().any(|key| google.contains(key)))
    };
    plan.groups
        .retain(|group| group.weight != Weight::Orphan || !is_wanted(group));
}
