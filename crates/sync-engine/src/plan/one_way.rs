//! The table of the semantics for one series of a one-way mapping, source `A` to target `B`.

use super::flow::Flow;
use super::operation::{After, Reason};
use super::telling::{guests, orphan, remarks, unreadable};
use super::{Group, Plan, SeriesInput, Weight};
use crate::model::{Series, SideTag};
use crate::observation::Access;
use crate::plan::operation::ActionKind;
use crate::ports::store::RowChange;
use crate::projection::{Projected, Shaped, expand};
use crate::recurrence;
use crate::row::{Link, Row, RowKey, RowState};
use crate::sided::Sided;
use crate::snapshot::{Snapshot, View};

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
                None => orphan(flow, b, plan),
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
fn fresh<A: SideTag, B: Sided>(
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
    if a.access == Access::Ignored || (a.copy.is_some() && !flow.mapping.chain) {
        return forget(plan);
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
    row.uid = a.uid.clone();
    *row.link_mut::<B>() = None;
    refresh_source(&mut row, a);
    row.due = None;
    if !recurrence::touches(&a.series, flow.window, flow.floating) {
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
        super::expanded::update::<A, B>(flow, row, a, None, want, why, reason, plan);
        return;
    }
    let steps = super::writing::creation::<A, B>(flow, &row, a, want, reason);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Light,
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
    if a.access == Access::Ignored || b.access != Access::Full {
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
        missing_since: None,
        expanded,
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
    if row.state == RowState::SetAside && !input.fresh {
        return;
    }
    refresh_source(&mut row, a);
    refresh_target(&mut row, b);
    if paused(&row, input, flow) || b.access != Access::Full {
        keep_if_new(input, row, plan);
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
            withhold(flow, row, b, plan);
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
    let sweeps = (ours && !b.strays.is_empty() && !bare && expanded == holds.is_err())
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
    refresh_source(&mut row, a);
    if row.state == RowState::SetAside && !input.fresh {
        return;
    }
    if !proven(&mut row, shown, flow, plan, RowLink::<B>::default()) || paused(&row, input, flow) {
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
    if !proven(&mut row, shown, flow, plan, RowLink::<A>::default()) || paused(&row, input, flow) {
        return;
    }
    if row.copy != Some(B::SIDE) || b.has_guests {
        if b.has_guests && row.copy == Some(B::SIDE) {
            plan.warnings.push(guests(
                &row,
                "The source is gone, but somebody invited guests to the copy",
            ));
        }
        plan.rows.push(RowChange::Drop(row.key));
        return;
    }
    let steps = flow.remove_all(&row, b, After::Dropped, Reason::Deleted);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Removes,
        due: None,
    });
}

/// The source is called off as a whole, declined or private: its copy goes, the row stays.
fn withhold<B: Sided>(flow: &Flow<'_, B>, row: Row, b: &Snapshot<B>, plan: &mut Plan) {
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
fn pending<A: SideTag, B: SideTag>(a: &Snapshot<A>) -> Row {
    let first = a.keys.first();
    let mut row = Row {
        key: first.map_or_else(|| RowKey::from(String::new()), RowKey::new),
        uid: a.uid.clone(),
        copy: Some(B::SIDE),
        generation: 0,
        links: crate::model::Both::default(),
        state: RowState::Active,
        setbacks: Vec::new(),
        due: None,
    };
    *row.link_mut::<A>() = Some(Link {
        keys: a.keys.clone(),
        resources: resources(a),
        echo: Series::default(),
        shown: a.shown,
        missing_since: None,
        expanded: false,
    });
    row
}

fn resources<S: SideTag>(
    snapshot: &Snapshot<S>,
) -> Vec<(crate::model::ComponentKey, crate::model::ResourceId<S>)> {
    snapshot
        .parts
        .iter()
        .map(|(key, part)| (*key, part.resource.id.clone()))
        .collect()
}

/// The source may have moved to another href since.
fn refresh_source<A: SideTag>(row: &mut Row, a: &Snapshot<A>) {
    if let Some(link) = row.link_mut::<A>() {
        link.keys.clone_from(&a.keys);
        link.resources = resources(a);
        link.shown |= a.shown;
        link.missing_since = None;
    }
}

fn refresh_target<B: SideTag>(row: &mut Row, b: &Snapshot<B>) {
    if let Some(link) = row.link_mut::<B>() {
        link.keys.clone_from(&b.keys);
        link.resources = resources(b);
        link.shown |= b.shown;
        link.missing_since = None;
    }
}

fn source_changed<A: SideTag>(row: &Row, a: &Snapshot<A>) -> bool {
    row.link::<A>().is_none_or(|link| link.echo != a.series)
}

/// A row made while linking must be stored even when nothing else comes of it.
fn keep_if_new(input: &SeriesInput, row: Row, plan: &mut Plan) {
    if input.row.as_ref() != Some(&row) {
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
}

/// Whether the series waits out a failure.
fn paused<B: SideTag>(row: &Row, input: &SeriesInput, flow: &Flow<'_, B>) -> bool {
    !input.fresh
        && row
            .setbacks
            .iter()
            .any(|(_, setback)| setback.until > flow.now)
}

/// Names a row's link by type.
struct RowLink<S: SideTag>(std::marker::PhantomData<S>);

impl<S: SideTag> Default for RowLink<S> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// Whether an absence counts: what no read has ever shown must be missed twice, ten minutes apart.
fn proven<S: SideTag, B: SideTag>(
    row: &mut Row,
    shown: bool,
    flow: &Flow<'_, B>,
    plan: &mut Plan,
    _: RowLink<S>,
) -> bool {
    let Some(link) = row.link_mut::<S>() else {
        return true;
    };
    if shown || link.shown {
        return true;
    }
    let again = jiff::SignedDuration::from_mins(10);
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
        Reason::New | Reason::Recreated => ActionKind::Insert,
        Reason::Deleted | Reason::Withheld => ActionKind::Delete,
        _ => ActionKind::Update,
    }
}
