//! What people are told of a series that is left as it is, or carried over only in part. Decides
//! nothing; called by the table.

use super::flow::Flow;
use super::operation::{After, Reason};
use super::{Group, Plan, Refused, SeriesInput, Weight, one_way};
use crate::model::{Side, SideTag, Uid};
use crate::report::{Problem, Warning};
use crate::row::{Link, Row, RowKey};
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

/// On one side only: a native is not ours to touch; a proven copy of this pair has lost its source,
/// and its removal is offered. Says whether it is such a copy.
pub(super) fn orphan<B: Sided>(flow: &Flow<'_, B>, b: &Snapshot<B>, plan: &mut Plan) -> bool {
    if b.copy.as_ref().is_none_or(|tag| tag.pair != flow.pair) {
        return false;
    }
    let key = b
        .keys
        .first()
        .map_or_else(|| RowKey::from(String::new()), RowKey::new);
    let mut row = Row::new(key, b.uid.clone(), Some(B::SIDE));
    *row.link_mut::<B>() = Some(Link {
        keys: b.keys.clone(),
        resources: one_way::resources(b),
        ..Link::empty()
    });
    plan.groups.push(Group {
        steps: flow.remove_all(&row, b, After::Dropped, Reason::Orphaned),
        row,
        finally: Vec::new(),
        again: false,
        weight: Weight::Orphan,
        due: None,
    });
    true
}

/// What was changed on one side waits, because the other cannot be written.
pub(super) fn read_only(row: &Row, side: Side, mails: bool) -> Warning {
    let (code, detail) = if mails {
        (
            "has_guests",
            "It has guests, and your server would mail them: the change made on the other side \
             waits. The mapping's setting for invitations lets it through."
                .to_owned(),
        )
    } else {
        (
            "read_only",
            format!(
                "It cannot be changed on the {} side (it belongs to somebody else, or is locked): \
                 the change made on the other side stays there.",
                match side {
                    Side::Caldav => "CalDAV",
                    Side::Google => "Google",
                }
            ),
        )
    };
    Warning {
        code: code.to_owned(),
        detail,
        uid: Some(row.uid.clone()),
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
