//! Series that the target cannot hold: single events in their place, one per occurrence inside the
//! window, and back again when the source changes into something the target can hold.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Flow;
use super::operation::{ActionKind, After, Reason, Step};
use super::steps;
use super::{Group, Plan, Refused, Weight, one_way};
use crate::diff::{self, Standing, differing};
use crate::model::time::Timestamp;
use crate::model::{ComponentKey, Field, FieldSet, Fields, RecurrenceId, SideTag};
use crate::ports::side::{Change, ComponentChange, Target, Update};
use crate::ports::store::RowChange;
use crate::projection::expand::{self, MOST_OCCURRENCES, Why};
use crate::projection::{Projected, Shaped};
use crate::report::{Problem, Warning};
use crate::row::{Row, Setback};
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// Creates or updates the single events that stand for a series.
#[expect(
    clippy::too_many_arguments,
    reason = "one series, seen from every side"
)]
pub(super) fn update<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    mut row: Row,
    a: &Snapshot<A>,
    b: Option<&Snapshot<B>>,
    want: &Projected,
    why: Why,
    reason: Reason,
    plan: &mut Plan,
) {
    let Ok(mut wanted) = expand::occurrences(want, flow.window, flow.floating, MOST_OCCURRENCES)
    else {
        return too_many(flow, row, plan);
    };
    // What is tracked stays tracked, wherever it and the window move.
    for id in b
        .iter()
        .flat_map(|b| b.parts.keys())
        .filter_map(ComponentKey::recurrence_id)
    {
        if !wanted.contains_key(&id)
            && let Some(single) = expand::occurrence(want, id, flow.floating)
        {
            wanted.insert(id, single);
        }
    }
    plan.warnings.push(Warning {
        code: "series_expanded".to_owned(),
        detail: format!(
            "It is shown as single events, because {why}, and the other side cannot hold that as a \
             series."
        ),
        uid: Some(row.uid.clone()),
    });
    let due = flow.enters(&a.series);
    let before = had::<A, B>(flow, &row, wanted.keys());
    let mut steps = Vec::new();
    for (id, single) in &wanted {
        let step = match b.and_then(|b| {
            b.parts
                .get(&ComponentKey::Override(*id))
                .map(|part| (b, part))
        }) {
            // One that a person deleted stays away where edits are kept, until the source changes.
            None if left_alone(flow, &row, *id, single, before.get(id)) => None,
            None => Some(creation(flow, &row, *id, single, reason)),
            Some((b, _)) => change(flow, &row, b, *id, single, before.get(id)),
        };
        steps.extend(step);
    }
    if let Some(b) = b {
        steps.extend(removals(flow, &row, b, &wanted));
    }
    count_once(&mut steps, reason);
    if let Some(link) = row.link_mut::<B>() {
        link.expanded = true;
    }
    if steps.is_empty() {
        let first = row.link::<A>().is_some_and(|link| link.echo != a.series);
        if let Some(link) = row.link_mut::<A>() {
            link.echo = a.series.clone();
        }
        let quiet = row.due == due && !first;
        row.due = due;
        if !quiet || b.is_none() {
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
        return;
    }
    let before = row
        .link::<A>()
        .map(|link| link.echo.clone())
        .unwrap_or_default();
    plan.groups.push(Group {
        finally: steps::all_values(&a.series, &before),
        row,
        steps,
        again: false,
        weight: Weight::Light,
        due,
    });
}

/// Replaces a series by single events, or the other way round: the new form first, then the old
/// one goes.
pub(super) fn reshape<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    mut row: Row,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    want: &Projected,
    holds: Result<(), Why>,
    plan: &mut Plan,
) {
    let form = holds.is_err();
    let mut old = flow.remove_all(&row, b, After::Linked, Reason::Reshaped);
    let mut steps = if holds.is_ok() {
        super::writing::creation::<A, B>(flow, &row, a, want, Reason::Reshaped)
    } else {
        let Ok(wanted) = expand::occurrences(want, flow.window, flow.floating, MOST_OCCURRENCES)
        else {
            return too_many(flow, row, plan);
        };
        wanted
            .iter()
            .map(|(id, single)| creation(flow, &row, *id, single, Reason::Reshaped))
            .collect()
    };
    // What stands in the new form already, from a change of form that was interrupted, stays.
    let new: BTreeSet<_> = steps.iter().filter_map(Step::created).collect();
    old.retain(|step| step.removed().is_none_or(|id| !new.contains(&id)));
    steps.extend(old);
    if let Some(link) = row.link_mut::<B>() {
        link.expanded = form;
    }
    count_once(&mut steps, Reason::Reshaped);
    let before = row
        .link::<A>()
        .map(|link| link.echo.clone())
        .unwrap_or_default();
    plan.groups.push(Group {
        finally: steps::all_values(&a.series, &before),
        row,
        steps,
        again: false,
        weight: Weight::Rewrites,
        due: flow.enters(&a.series).filter(|_| form),
    });
}

fn creation<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    id: RecurrenceId,
    single: &Projected,
    reason: Reason,
) -> Step {
    let told = flow.account(
        row,
        ComponentKey::Master,
        single.series(),
        one_way::action(reason),
        reason,
        Vec::new(),
    );
    flow.create(row, ComponentKey::Override(id), single, Vec::new(), told)
}

fn change<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    b: &Snapshot<B>,
    id: RecurrenceId,
    single: &Projected,
    had: Option<&Fields>,
) -> Option<Step> {
    let key = ComponentKey::Override(id);
    let part = b.parts.get(&key)?;
    let want = single.series().master.as_ref()?;
    let standing = Standing::of(&b.series, &key);
    let now = standing.fields()?;
    let echo_series = &row.link::<B>()?.echo;
    let echoed = Standing::of(echo_series, &key);
    let set: FieldSet = differing(want, now)
        .into_iter()
        .filter(|field| *field != Field::Visibility || flow.target().visibility)
        .filter(|field| {
            flow.reproject
                || had.is_none_or(|had| !diff::same(*field, want, had))
                || (flow.restore
                    && echoed
                        .fields()
                        .is_none_or(|echo| !diff::same(*field, now, echo)))
        })
        .collect();
    if set.is_empty() {
        return None;
    }
    let told = flow.account(
        row,
        key,
        &b.series,
        ActionKind::Update,
        Reason::Changed,
        diff::changes(Some(now), want, &set),
    );
    Some(Flow::<B>::update(
        row,
        Update {
            target: Target::Stored(part.resource.clone()),
            series: single.clone(),
            changes: vec![ComponentChange {
                key: ComponentKey::Master,
                change: Change::Set(set),
            }],
            tag: None,
        },
        Vec::new(),
        told,
    ))
}

/// Single events whose occurrence is no more.
fn removals<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    b: &Snapshot<B>,
    wanted: &BTreeMap<RecurrenceId, Projected>,
) -> Vec<Step> {
    let mut gone = b.clone();
    gone.strays.clear();
    gone.parts.retain(|key, _| match key {
        ComponentKey::Override(id) => !wanted.contains_key(id),
        ComponentKey::Master => false,
    });
    flow.remove_all(row, &gone, After::Linked, Reason::Changed)
}

/// What the single events said when both sides last agreed.
fn had<'a, A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    ids: impl Iterator<Item = &'a RecurrenceId>,
) -> BTreeMap<RecurrenceId, Fields> {
    let Some(link) = row.link::<A>() else {
        return BTreeMap::new();
    };
    let Shaped::Series(had) = flow.projection.shape(&link.echo) else {
        return BTreeMap::new();
    };
    ids.filter_map(|id| {
        let single = expand::occurrence(&had, *id, flow.floating)?;
        Some((*id, single.series().master.clone()?))
    })
    .collect()
}

/// Whether a person deleted this single event, and that counts.
fn left_alone<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    id: RecurrenceId,
    single: &Projected,
    had: Option<&Fields>,
) -> bool {
    !flow.restore
        && !flow.reproject
        && had == single.series().master.as_ref()
        && row
            .link::<B>()
            .is_some_and(|link| link.echo.overrides.contains_key(&id))
}

/// Takes away what an interrupted change of form left in the other form, after everything that is
/// planned for the series.
pub(super) fn sweep<B: Sided>(flow: &Flow<'_, B>, row: &Row, b: &Snapshot<B>, plan: &mut Plan) {
    let mut left = b.clone();
    left.parts.clear();
    let steps = flow.remove_all(row, &left, After::Linked, Reason::Reshaped);
    if let Some(group) = plan
        .groups
        .last_mut()
        .filter(|group| group.row.key == row.key)
    {
        group.steps.extend(steps);
        return;
    }
    let planned = plan
        .rows
        .iter()
        .rposition(|change| matches!(change, RowChange::Put(planned) if planned.key == row.key));
    let row = match planned.map(|index| plan.rows.remove(index)) {
        Some(RowChange::Put(row)) => *row,
        _ => row.clone(),
    };
    plan.groups.push(Group {
        due: row.due,
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Rewrites,
    });
}

fn too_many<B: SideTag>(flow: &Flow<'_, B>, mut row: Row, plan: &mut Plan) {
    let attempts = row
        .setbacks
        .first()
        .map_or(0, |(_, setback)| setback.attempts);
    let until = flow
        .now
        .checked_add(jiff::SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX);
    plan.refused.push(Refused {
        uid: row.uid.clone(),
        summary: row.uid.as_str().to_owned(),
        side: B::SIDE,
        problem: Problem {
            code: "too_many_occurrences".to_owned(),
            detail: format!(
                "The other side cannot hold this series, and {}; at most {MOST_OCCURRENCES} single \
                 events may stand for it.",
                expand::TooMany
            ),
            action: "Make the window smaller or the series simpler.".to_owned(),
            side: None,
        },
    });
    row.setbacks = vec![(
        ComponentKey::Master,
        Setback {
            attempts: attempts.saturating_add(1),
            until,
            code: "too_many_occurrences".to_owned(),
            detail: expand::TooMany.to_string(),
        },
    )];
    row.due = Some(until);
    plan.rows.push(RowChange::Put(Box::new(row)));
}

/// A series is one event in every report, however many single events stand for it.
fn count_once(steps: &mut [Step], reason: Reason) {
    if reason == Reason::Changed {
        return;
    }
    for (index, step) in steps.iter_mut().enumerate() {
        step.account_mut().counted = index == 0;
        if reason == Reason::Reshaped {
            step.account_mut().action = ActionKind::Update;
        }
    }
}
