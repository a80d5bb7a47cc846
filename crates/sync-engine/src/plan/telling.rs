//! What people are told of a series that is left as it is, or carried over only in part. Decides
//! nothing; called by the table.

use super::flow::Flow;
use super::{Plan, Refused, SeriesInput};
use crate::model::{Side, SideTag, Uid};
use crate::report::{Problem, Warning};
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// Said once, when it is newly so; it is read again when it changes.
pub(super) fn unreadable<B: SideTag>(
    input: &SeriesInput,
    side: Side,
    name: &str,
    reason: &str,
) -> Option<Refused> {
    input.fresh.then(|| Refused {
        uid: input
            .row
            .as_ref()
            .map_or_else(|| Uid::new(name), |row| row.uid.clone()),
        summary: name.to_owned(),
        side: B::SIDE,
        problem: Problem {
            code: "unreadable".to_owned(),
            detail: format!("It cannot be read and is left as it is: {reason}"),
            action: "Open it in the program it comes from and save it again. It is read again \
                     when it changes."
                .to_owned(),
            side: Some(side),
        },
    })
}

/// On the target only: a native is left alone; a proven copy of this pair has lost its source.
pub(super) fn orphan<B: Sided>(flow: &Flow<'_, B>, b: &Snapshot<B>, plan: &mut Plan) {
    if b.copy.as_ref().is_some_and(|tag| tag.pair == flow.pair) {
        plan.warnings.push(Warning {
            code: "orphan".to_owned(),
            detail: "A copy made by this mapping has no source any more. It is left alone."
                .to_owned(),
            uid: Some(b.uid.clone()),
        });
    }
}

/// Tells what is understood or carried over only in part.
pub(super) fn remarks<A: SideTag, B: SideTag>(
    flow: &Flow<'_, B>,
    a: &Snapshot<A>,
    plan: &mut Plan,
) {
    for remark in a
        .remarks
        .iter()
        .cloned()
        .chain(flow.projection.losses(&a.series))
    {
        plan.warnings.push(Warning {
            code: remark.code,
            detail: remark.detail,
            uid: Some(a.uid.clone()),
        });
    }
}

/// A copy that somebody gave guests is left.
pub(super) fn guests(row: &Row, why: &str) -> Warning {
    Warning {
        code: "has_guests".to_owned(),
        detail: format!("{why}: it is left. Delete it by hand if it is no longer wanted."),
        uid: Some(row.uid.clone()),
    }
}
