//! The table of the semantics for one series of a one-way mapping, source `A` to target `B`.

use super::flow::Flow;
use super::operation::{After, Reason};
use super::telling::{guests, orphan, read_only, remarks, unreadable};
use super::{Group, Plan, SeriesInput, Weight};
use crate::mapping::{Invitations, Mapping};
use crate::model::{Series, SideTag};
use crate::observation::Access;
use crate::plan::operation::ActionKind;
use crate::ports::store::RowChange;
use crate::projection::{Projected, Shaped, expand};
use crate::recurrence;
use crate::row::{Link, Row, RowKey, RowState};
use crate::sided::Sided;
use crate::snapshot::{Snapshot, Unseen, View};

/// Decides about one series.
pub(super) fn series<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    plan: &mut Plan,
) {
    let row = input.row.as_ref();
    // Of an expanded series that takes place nowhere any more, nothing stands on the target.
    let linked = row.is_some_and(|row| row.link::<B>().is_some_and(|link| !link.keys.is_empty()));
    match (input.views.get::<A>(), input.views.get::<B>()) {
        // Whatever cannot be read sits out, whole.
        (View::Unreadable { name, reason }, _) => {
            plan.refused
                .extend(unreadable::<B>(input, A::SIDE, name, reason));
        }
        (_, View::Unreadable { name, reason }) => {
            plan.refused
                .extend(unreadable::<B>(input, B::SIDE, name, reason));
        }
        (View::Present(a), b) if !linked => match b.present() {
            Some(b) => link::<A, B>(flow, input, a, b, plan),
            None => fresh::<A, B>(flow, input, a, plan),
        },
        (View::Present(a), View::Present(b)) => {
            if let Some(row) = row {
                tracked::<A, B>(flow, input, row.clone(), a, b, plan);
            }
        }
        (View::Present(a), View::Gone { shown }) => {
            if let Some(row) = row {
                copy_missing::<A, B>(flow, input, row, a, *shown, plan);
            }
        }
        (View::Gone { .. } | View::Unknown, View::Present(b)) => {
            match row {
                Some(row) if linked => source_gone::<A, B>(flow, input, row, b, plan),
                Some(row) => plan.rows.push(RowChange::Drop(row.key.clone())),
                // A native of the target, or an orphan of ours: not this mapping's to touch.
                None => {
                    orphan(flow, b, plan);
                }
            }
        }
        (View::Gone { .. } | View::Unknown, View::Gone { .. } | View::Unknown) => {
            if let Some(row) = row {
                plan.rows.push(RowChange::Drop(row.key.clone()));
            }
        }
        // A linked target of which the mirror knows nothing is not proven gone.
        (View::Present(_), View::Unknown) => {}
    }
}

/// On the source only, and not linked.
pub(super) fn fresh<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    a: &Snapshot<A>,
    plan: &mut Plan,
) {
    let forget = |plan: &mut Plan| {
        if let Some(row) = &input.row {
            plan.rows.push(RowChange::Drop(row.key.clone()));
        }
    };
    // A copy of ours is nobody's source: its own source is gone, or another mapping made it.
    let tracked = input.row.is_some();
    if a.access == Access::Ignored || (a.copy.is_some() && !flow.mapping.chain && !tracked) {
        return forget(plan);
    }
    if super::sharing::stands_by::<A, B>(flow, input, plan) {
        return;
    }
    let Shaped::Series(want) = flow.projection.shape(&a.series) else {
        if input
            .row
            .as_ref()
            .is_none_or(|row| row.state != RowState::Withheld)
        {
            forget(plan);
        }
        return;
    };
    let mut row = input.row.clone().unwrap_or_else(|| pending::<A, B>(a));
    row.state = RowState::Active;
    *row.link_mut::<B>() = None;
    refresh(&mut row, a);
    row.due = None;
    let in_scope = input.continues || row.unsure;
    if !in_scope && !recurrence::touches(&a.series, flow.window, flow.floating) {
        match flow.enters(&a.series) {
            Some(due) => {
                row.due = Some(due);
                plan.rows.push(RowChange::Put(Box::new(row)));
            }
            None => forget(plan),
        }
        return;
    }
    if paused(&row, input, flow) {
        return;
    }
    remarks(flow, a, plan);
    if row.copy != Some(A::SIDE) {
        // What comes there is ours, whatever stood there before it was called off.
        row.copy = Some(B::SIDE);
    }
    create::<A, B>(flow, row, a, &want, Reason::New, plan);
}

/// Creates the whole copy.
pub(super) fn create<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    row: Row,
    a: &Snapshot<A>,
    want: &Projected,
    reason: Reason,
    plan: &mut Plan,
) {
    if let Err(why) = expand::holds(flow.target(), want.series(), flow.floating) {
        super::expanded::update::<A, B>(flow, None, row, a, None, want, why, reason, plan);
        return;
    }
    let steps = super::writing::creation::<A, B>(flow, &row, a, want, reason);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Creates,
        due: None,
    });
}

/// On both sides, not linked yet: the source's fields go onto the target.
fn link<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    plan: &mut Plan,
) {
    if a.access == Access::Ignored || !writable(flow.mapping, b) {
        return;
    }
    let mut row = input.row.clone().unwrap_or_else(|| pending::<A, B>(a));
    row.state = RowState::Active;
    row.copy = b.copy.as_ref().map(|_| B::SIDE);
    row.generation = b.copy.as_ref().map_or(0, |tag| tag.generation);
    let expanded = b
        .copy
        .as_ref()
        .is_some_and(|tag| tag.recurrence_id.is_some());
    if let Some(link) = row.link_mut::<A>() {
        link.echo = Series::default();
    }
    *row.link_mut::<B>() = Some(Link {
        keys: b.keys.clone(),
        resources: resources(b),
        echo: b.series.clone(),
        shown: b.shown,
        expanded,
        ..Link::empty()
    });
    tracked::<A, B>(flow, input, row, a, b, plan);
}

/// On both sides and linked.
fn tracked<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    mut row: Row,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    plan: &mut Plan,
) {
    row.state = RowState::Active;
    refresh(&mut row, a);
    refresh(&mut row, b);
    let writable = writable(flow.mapping, b);
    if !writable && source_changed::<A>(&row, a) {
        let mails = b.access == Access::MailsGuests;
        plan.warnings.push(read_only(&row, B::SIDE, mails));
    }
    if paused(&row, input, flow) {
        keep_if_new(input, row, plan);
        return;
    }
    if !writable {
        keep_if_new(input, row.clone(), plan);
        // A native that took our copy's place.
        if row.copy != Some(B::SIDE) {
            super::expanded::sweep(flow, &row, b, plan);
        }
        return;
    }
    let Shaped::Series(want) = flow.projection.shape(&a.series) else {
        if row.copy == Some(B::SIDE) && b.has_guests {
            plan.warnings.push(guests(
                &row,
                "The source is called off or hidden, but somebody invited guests to the copy",
            ));
            keep_if_new(input, row, plan);
        } else if row.copy == Some(B::SIDE) {
            if !super::sharing::releases(&row, input, flow.now, plan) {
                withhold(flow, row, b, plan);
            }
        } else {
            keep_if_new(input, row, plan);
        }
        return;
    };
    remarks(flow, a, plan);
    let expanded = row.link::<B>().is_some_and(|link| link.expanded);
    let holds = expand::holds(flow.target(), want.series(), flow.floating);
    // Only what was made here may be replaced by another form of itself, and no guest is lost.
    let ours = row.copy == Some(B::SIDE) && !b.has_guests;
    // Everything but the form asked for is there: an interrupted change of form begins anew.
    let bare = !expanded && !b.strays.is_empty() && b.series.master.is_none();
    let sweeps = (!b.strays.is_empty() && !bare && expanded == holds.is_err())
        .then(|| (row.clone(), plan.refused.len()));
    match (expanded, holds) {
        (false, holds @ Ok(())) if ours && bare => {
            super::expanded::reshape::<A, B>(flow, row, a, b, &want, holds, plan);
        }
        (false, Ok(())) => {
            super::components::update::<A, B>(flow, input, row, a, b, &want, plan);
        }
        (true, Err(why)) => {
            super::expanded::update::<A, B>(
                flow,
                input.row.as_ref(),
                row,
                a,
                Some(b),
                &want,
                why,
                Reason::Changed,
                plan,
            );
        }
        (_, _) if !ours => keep_if_new(input, row, plan),
        (_, holds) => super::expanded::reshape::<A, B>(flow, row, a, b, &want, holds, plan),
    }
    if let Some((row, refused)) = sweeps
        && plan.refused.len() == refused
    {
        super::expanded::sweep(flow, &row, b, plan);
    }
}

/// Whether a mapping may write these resources.
pub(super) fn writable<S: SideTag>(mapping: &Mapping, snapshot: &Snapshot<S>) -> bool {
    match snapshot.access {
        Access::Full => true,
        Access::MailsGuests => mapping.invitations == Invitations::Write,
        Access::ReadOnly | Access::Ignored => false,
    }
}

/// The source is there, the linked target is gone.
fn copy_missing<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    row: &Row,
    a: &Snapshot<A>,
    shown: bool,
    plan: &mut Plan,
) {
    let mut row = row.clone();
    refresh(&mut row, a);
    if !proven::<B, B>(&mut row, shown, flow, plan) || paused(&row, input, flow) {
        return;
    }
    let restore = flow.restore || source_changed::<A>(&row, a) || flow.reproject;
    match flow.projection.shape(&a.series) {
        Shaped::Nothing => {
            *row.link_mut::<B>() = None;
            row.state = RowState::Withheld;
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
        Shaped::Series(want) if restore => {
            row.copy = Some(B::SIDE);
            *row.link_mut::<B>() = None;
            if let Some(link) = row.link_mut::<A>() {
                link.echo = Series::default();
            }
            create::<A, B>(flow, row, a, &want, Reason::Recreated, plan);
        }
        // Kept as a person left it, until the source changes.
        Shaped::Series(_) => {}
    }
}

/// The source is gone, the linked target is there.
fn source_gone<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    row: &Row,
    b: &Snapshot<B>,
    plan: &mut Plan,
) {
    let shown = match input.views.get::<A>() {
        View::Gone { shown } => *shown,
        _ => return,
    };
    let mut row = row.clone();
    if !proven::<A, B>(&mut row, shown, flow, plan) || paused(&row, input, flow) {
        return;
    }
    if super::sharing::releases(&row, input, flow.now, plan) {
        return;
    }
    if row.copy != Some(B::SIDE) {
        plan.rows.push(RowChange::Drop(row.key));
        return;
    }
    if b.has_guests {
        plan.warnings.push(guests(
            &row,
            "The source is gone, but somebody invited guests to the copy",
        ));
    }
    let steps = flow.remove_all(&row, b, After::Dropped, Reason::Deleted);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: if b.has_guests {
            Weight::Guests
        } else {
            Weight::Removes
        },
        due: None,
    });
}

/// The source is called off as a whole, declined or private: its copy goes, the row stays.
pub(super) fn withhold<B: Sided>(flow: &Flow<'_, B>, row: Row, b: &Snapshot<B>, plan: &mut Plan) {
    let steps = flow.remove_all(&row, b, After::Withheld, Reason::Withheld);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Rewrites,
        due: None,
    });
}

/// A row that is not tracked yet.
pub(super) fn pending<A: SideTag, B: SideTag>(a: &Snapshot<A>) -> Row {
    let first = a.keys.first();
    let key = first.map_or_else(|| RowKey::from(String::new()), RowKey::new);
    let mut row = Row::new(key, a.uid.clone(), Some(B::SIDE));
    *row.link_mut::<A>() = Some(Link {
        keys: a.keys.clone(),
        resources: resources(a),
        shown: a.shown,
        ..Link::empty()
    });
    row
}

pub(super) fn resources<S: SideTag>(
    snapshot: &Snapshot<S>,
) -> Vec<(crate::model::ComponentKey, crate::model::ResourceId<S>)> {
    snapshot
        .parts
        .iter()
        .map(|(key, part)| (*key, part.resource.id.clone()))
        .collect()
}

/// It may have moved to another href since, and a reading may have shown it.
pub(super) fn refresh<S: SideTag>(row: &mut Row, snapshot: &Snapshot<S>) {
    if let Some(link) = row.link_mut::<S>() {
        link.keys.clone_from(&snapshot.keys);
        link.resources = resources(snapshot);
        link.shown |= snapshot.shown;
        // What was called off since is no more missed.
        let echo = &link.echo;
        let missed = |unseen: &&Unseen<S>| echo.own_fields(&unseen.key).is_some();
        let unseen: Vec<_> = snapshot.unseen.iter().filter(missed).collect();
        link.missing_since = unseen.iter().map(|unseen| unseen.since).min();
        for unseen in unseen {
            link.keys.push(unseen.series.clone());
            link.resources.push((unseen.key, unseen.resource.clone()));
        }
    }
}

fn source_changed<A: SideTag>(row: &Row, a: &Snapshot<A>) -> bool {
    row.link::<A>().is_none_or(|link| link.echo != a.series)
}

/// A row made while linking must be stored even when nothing else comes of it.
pub(super) fn keep_if_new(input: &SeriesInput, row: Row, plan: &mut Plan) {
    if input.row.as_ref() != Some(&row) {
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
}

/// Whether the series waits out a failure.
pub(super) fn paused<B: SideTag>(row: &Row, input: &SeriesInput, flow: &Flow<'_, B>) -> bool {
    !input.fresh
        && row
            .setbacks
            .iter()
            .any(|(_, setback)| setback.until > flow.now)
}

/// How far apart the two looks are that prove an absence of what no reading had shown.
pub(super) const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Whether an absence counts: what no read has ever shown must be missed twice, ten minutes apart.
pub(super) fn proven<S: SideTag, B: SideTag>(
    row: &mut Row,
    shown: bool,
    flow: &Flow<'_, B>,
    plan: &mut Plan,
) -> bool {
    let Some(link) = row.link_mut::<S>() else {
        return true;
    };
    if shown || link.shown {
        return true;
    }
    let again = AGAIN;
    match link.missing_since {
        Some(since) if flow.now.duration_since(since) >= again => true,
        Some(_) => false,
        None => {
            link.missing_since = Some(flow.now);
            row.due = flow.now.checked_add(again).ok();
            plan.rows.push(RowChange::Put(Box::new(row.clone())));
            false
        }
    }
}

/// How a step's action is named.
pub(super) fn action(reason: Reason) -> ActionKind {
    match reason {
        Reason::New | Reason::Recreated | Reason::EditWins => ActionKind::Insert,
        Reason::Deleted | Reason::Withheld | Reason::Orphaned | Reason::OutsideWindow => {
            ActionKind::Delete
        }
        _ => ActionKind::Update,
    }
}
