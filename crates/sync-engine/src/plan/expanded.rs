//! Series that the target cannot hold: single events in their place, one per occurrence inside the
//! window, and back again when the source changes into something the target can hold.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Flow;
use super::one_way::AGAIN;
use super::operation::{ActionKind, After, Reason, Step, Value};
use super::{Group, Plan, Refused, Weight, one_way, party, steps, telling};
use crate::diff::{self, Standing, differing};
use crate::mapping::Direction;
use crate::model::time::Timestamp;
use crate::model::{
    ComponentKey, Field, FieldSet, Fields, OverrideValue, RecurrenceId, Side, SideTag,
};
use crate::ports::side::{Change, ComponentChange, Target, Update};
use crate::ports::store::RowChange;
use crate::projection::expand::{self, MOST_OCCURRENCES, Why};
use crate::projection::{Projected, Shaped};
use crate::report::{Problem, Warning};
use crate::row::{Row, Setback};
use crate::sided::Sided;
use crate::snapshot::{Part, Snapshot};

/// Creates or updates the single events that stand for a series. `known`: the row as it is stored.
#[expect(
    clippy::too_many_arguments,
    reason = "one series, seen from every side"
)]
pub(super) fn update<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    known: Option<&Row>,
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
    let singles = expand::Singles::of(want, flow.floating);
    // What is tracked stays tracked, wherever it and the window move.
    for id in b
        .iter()
        .flat_map(|b| b.parts.keys())
        .filter_map(ComponentKey::recurrence_id)
    {
        if !wanted.contains_key(&id)
            && let Some(single) = singles.at(id)
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
    let late = b.iter().flat_map(|b| &b.unseen);
    let late = late.filter_map(|unseen| unseen.since.checked_add(AGAIN).ok());
    let late = late.filter(|until| *until > flow.now);
    let due = flow.enters(&a.series).into_iter().chain(late).min();
    if let Some(b) = b {
        agree(&mut row, b, &wanted);
    }
    let before = had::<A, B>(flow, &row, wanted.keys());
    let settings = flow.reproject || row.anew;
    let stays = if settings {
        FieldSet::new()
    } else {
        party::stays(flow, &row, &a.series)
    };
    let mut steps = Vec::new();
    let mut empties = false;
    for (id, single) in &wanted {
        let step = match b.and_then(|b| {
            b.parts
                .get(&ComponentKey::Override(*id))
                .map(|part| (b, part))
        }) {
            // One that a person deleted stays away where edits are kept, until the source changes.
            None if b.is_some_and(|b| is_late(flow, b, &ComponentKey::Override(*id))) => None,
            None if left_alone(flow, &row, *id, single, before.get(id)) => None,
            None => Some(creation(flow, &row, *id, single, reason)),
            Some((b, _)) => {
                let change = change(flow, &row, b, *id, single, before.get(id), &stays);
                change.map(|(step, emptied)| {
                    empties |= emptied && !settings;
                    step
                })
            }
        };
        steps.extend(step.map(|step| agreeing(step, a, *id)));
    }
    let mut held = Vec::new();
    if let Some(b) = b {
        steps.extend(removals(flow, &row, b, &wanted, true));
        held = removals(flow, &row, b, &wanted, false);
    }
    if !held.is_empty() {
        plan.warnings.push(telling::guests(
            &row,
            "An occurrence is no more, but somebody invited guests to its single event",
        ));
    }
    count_once(&mut steps, reason);
    if let Some(link) = row.link_mut::<B>() {
        link.expanded = true;
    }
    if steps.is_empty() {
        if let Some(link) = row.link_mut::<A>() {
            link.echo = a.series.clone();
        }
        row.due = due;
        row.anew = false;
        if !held.is_empty() {
            plan.groups.push(guests_lose(row, held, due));
        } else if known != Some(&row) {
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
        return;
    }
    plan.groups.push(Group {
        finally: finally::<A>(&row, a, wanted.keys()),
        row,
        steps,
        again: false,
        weight: if empties {
            Weight::Empties
        } else {
            Weight::Light
        },
        // One group at a time is a row's: what is held comes once the rest is done.
        due: if held.is_empty() { due } else { Some(flow.now) },
    });
}

/// Whether a single event is missing that no reading has shown yet, and not for long. Where copies are
/// put back nothing is lost by putting it back at once.
pub(super) fn is_late<B: SideTag>(flow: &Flow<'_, B>, b: &Snapshot<B>, key: &ComponentKey) -> bool {
    flow.mapping.direction == Direction::Bidirectional
        && b.unseen
            .iter()
            .any(|unseen| unseen.key == *key && flow.now.duration_since(unseen.since) < AGAIN)
}

/// Single events that may not go by themselves: somebody gave them guests.
fn guests_lose(row: Row, steps: Vec<Step>, due: Option<Timestamp>) -> Group {
    Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Guests,
        due,
    }
}

/// What both agree on once a single event is written: what the source shows of its occurrence, spelled
/// out, whatever becomes of the others.
fn agreeing<A: SideTag>(mut step: Step, a: &Snapshot<A>, id: RecurrenceId) -> Step {
    let key = ComponentKey::Override(id);
    let shows = match Standing::of(&a.series, &key) {
        Standing::Inherit(fields) => Some(Value::Override(OverrideValue::Fields(fields))),
        _ => steps::value(&a.series, &key),
    };
    step.agree(vec![(key, shows)]);
    step
}

/// What the source shows, agreed on when all are written: occurrences need not be spelled out then.
fn finally<'a, A: SideTag>(
    row: &Row,
    a: &Snapshot<A>,
    written: impl Iterator<Item = &'a RecurrenceId>,
) -> Vec<(Side, ComponentKey, Option<Value>)> {
    let mut before = party::echo::<A>(row);
    for id in written {
        before.overrides.insert(*id, OverrideValue::Cancelled);
    }
    steps::finally::<A>(&a.series, &before)
}

/// Replaces a series by single events, or the other way round: the new form first, then the old
/// one goes.
pub(super) fn reshape<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    row: Row,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    want: &Projected,
    holds: Result<(), Why>,
    plan: &mut Plan,
) {
    let expands = holds.is_err();
    let mut singles = BTreeSet::new();
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
            .map(|(id, single)| {
                let step = creation(flow, &row, *id, single, Reason::Reshaped);
                singles.insert(*id);
                agreeing(step, a, *id)
            })
            .collect()
    };
    // What stands in the new form already, from a change of form that was interrupted, stays.
    let new: BTreeSet<_> = steps.iter().filter_map(Step::created).collect();
    old.retain(|step| step.removed().is_none_or(|id| !new.contains(&id)));
    steps.extend(old);
    count_once(&mut steps, Reason::Reshaped);
    plan.groups.push(Group {
        finally: finally::<A>(&row, a, singles.iter()),
        row,
        steps,
        again: false,
        weight: Weight::Rewrites,
        due: flow.enters(&a.series).filter(|_| expands),
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

/// What brings a single event in line, and whether that empties a text of it.
fn change<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    b: &Snapshot<B>,
    id: RecurrenceId,
    single: &Projected,
    had: Option<&Fields>,
    stays: &FieldSet,
) -> Option<(Step, bool)> {
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
            let stays = stays.contains(field);
            flow.reproject
                || had.map_or(!stays, |had| !diff::same(*field, want, had))
                || (flow.restore
                    && !stays
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
    let empties = steps::empties(&set, want, now);
    let step = Flow::<B>::update(
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
        &b.series,
        Vec::new(),
        told,
    );
    Some((step, empties))
}

/// Single events that show what they shall are agreed on, also where nothing was ever written here
/// (they were found again).
fn agree<B: Sided>(row: &mut Row, b: &Snapshot<B>, wanted: &BTreeMap<RecurrenceId, Projected>) {
    let Some(link) = row.link_mut::<B>() else {
        return;
    };
    for (id, single) in wanted {
        let key = ComponentKey::Override(*id);
        if let (Some(want), Some(now)) = (&single.series().master, b.series.own_fields(&key))
            && differing(want, now)
                .iter()
                .all(|field| *field == Field::Visibility)
        {
            link.echo.take(&key, steps::value(&b.series, &key));
        }
    }
}

/// Single events whose occurrence is no more: those that may go by themselves, or those that may not.
fn removals<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    b: &Snapshot<B>,
    wanted: &BTreeMap<RecurrenceId, Projected>,
    may_go: bool,
) -> Vec<Step> {
    let mut gone = b.clone();
    gone.strays.clear();
    gone.parts.retain(|key, part| match key {
        ComponentKey::Override(id) => !wanted.contains_key(id) && part.may_go() == may_go,
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
    let had = expand::Singles::of(&had, flow.floating);
    ids.filter_map(|id| {
        let single = had.at(*id)?;
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
    left.strays.retain(Part::may_go);
    let steps = flow.remove_all(row, &left, After::Linked, Reason::Reshaped);
    if steps.is_empty() {
        return;
    }
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
        // New settings that wait are not forgotten over it.
        again: row.anew,
        row,
        steps,
        finally: Vec::new(),
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
