//! Several mappings of one calendar: the same UID from two sources is mirrored once, the other
//! stands by and takes over when the first one's source is proven gone. And natives that appear
//! beside our copies.

use super::flow::Flow;
use super::operation::{ActionKind, Reason};
use super::party::projected;
use super::{Elsewhere, Group, Heir, Plan, SeriesInput, Weight};
use crate::diff::{self, Standing, differing};
use crate::identity::OriginTag;
use crate::model::time::Timestamp;
use crate::model::{ComponentKey, FieldSet, Series, SideTag};
use crate::ports::side::{Change, ComponentChange, Target, Update};
use crate::ports::store::RowChange;
use crate::projection::Shaped;
use crate::report::Warning;
use crate::row::{Link, Row, RowState};
use crate::sided::Sided;
use crate::snapshot::View;

/// Whether this mapping stands by for a series that another one feeds into `B`.
pub(super) fn stands_by<A: SideTag, B: SideTag>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    plan: &mut Plan,
) -> bool {
    if input.elsewhere != Some(Elsewhere::Fed) {
        return false;
    }
    let View::Present(a) = input.views.get::<A>() else {
        return false;
    };
    let mut row = input
        .row
        .clone()
        .unwrap_or_else(|| super::one_way::pending::<A, B>(a));
    row.uid = a.uid.clone();
    super::one_way::refresh(&mut row, a);
    row.state = RowState::Standby;
    // Looked at again in every plan: that costs no request.
    row.due = Some(flow.now);
    if input.row.as_ref() != Some(&row) {
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
    true
}

/// A series whose source on `A` is gone while another mapping stands by: its copy is not deleted.
/// Says whether nothing else is to be done.
pub(super) fn releases(row: &Row, input: &SeriesInput, now: Timestamp, plan: &mut Plan) -> bool {
    match input.heir {
        Some(Heir::Settled) => {
            plan.over.extend(row.open.iter().cloned());
            plan.rows.push(RowChange::Drop(row.key.clone()));
            true
        }
        Some(heir @ (Heir::Waiting | Heir::Paused)) => {
            if heir == Heir::Paused {
                // The row is due in every plan, so it is said for as long as it lasts.
                plan.warnings.push(waits(row));
            }
            let mut row = row.clone();
            row.state = RowState::Released;
            row.due = Some(now);
            if input.row.as_ref() != Some(&row) {
                plan.rows.push(RowChange::Put(Box::new(row)));
            }
            true
        }
        None => false,
    }
}

fn waits(row: &Row) -> Warning {
    Warning {
        code: "waits_for_mapping".to_owned(),
        detail: "Its source is gone, but another mapping has the same event and is switched off: \
                 the copy stays. Switch that mapping on again, or delete it."
            .to_owned(),
        uid: Some(row.uid.clone()),
    }
}

/// Links the native of side `S` in place of our copy, which becomes a stray of it and is swept away.
/// Nothing was ever agreed on with the native.
pub(super) fn take_native<S: SideTag>(input: &mut SeriesInput) {
    let Some(mut native) = input.natives.get_mut::<S>().take() else {
        return;
    };
    let Some(row) = input.row.as_mut() else {
        return;
    };
    if let View::Present(copy) = input.views.get::<S>() {
        native.keys.extend(copy.keys.iter().cloned());
        native.strays.extend(copy.parts.values().cloned());
        native.strays.extend(copy.strays.iter().cloned());
    }
    if row.copy == Some(S::SIDE) {
        row.copy = None;
    }
    *row.link_mut::<S>() = Some(Link {
        keys: native.keys.clone(),
        resources: super::one_way::resources(&native),
        shown: native.shown,
        ..Link::empty()
    });
    if let Some(link) = row.link_mut::<S::Other>() {
        link.echo = Series::default();
    }
    *input.views.get_mut::<S>() = View::Present(native);
}

/// Takes over a copy that another mapping fed: one write that brings its fields in line and says
/// whose it is from now on. What is inside the series follows at once.
pub(super) fn takes_over<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    plan: &mut Plan,
) -> bool {
    let Some(row) = input.row.as_ref().filter(|row| {
        row.state == RowState::Standby
            && input.elsewhere != Some(Elsewhere::Fed)
            && row.link::<B>().is_some_and(|link| !link.keys.is_empty())
    }) else {
        return false;
    };
    let (View::Present(a), View::Present(b)) = (input.views.get::<A>(), input.views.get::<B>())
    else {
        return false;
    };
    let Shaped::Series(want) = flow.projection.shape(&a.series) else {
        return false;
    };
    let mut row = row.clone();
    row.state = RowState::Active;
    row.copy = Some(B::SIDE);
    row.uid = a.uid.clone();
    super::one_way::refresh(&mut row, a);
    super::one_way::refresh(&mut row, b);
    let expanded = row.link::<B>().is_some_and(|link| link.expanded);
    let tag = b
        .copy
        .as_ref()
        .map(|tag| tag.handed_over(&flow.pair, &row.uid));
    let mut steps = Vec::new();
    for (key, part) in &b.parts {
        let whole = *key == ComponentKey::Master;
        if !whole && !expanded {
            continue;
        }
        let shows = Standing::of(&b.series, key);
        let Some(shows) = shows.fields() else {
            continue;
        };
        let set: FieldSet = match (&want.series().master, whole) {
            (Some(master), true) => differing(master, shows),
            _ => FieldSet::new(),
        };
        let series = if whole {
            want.clone()
        } else {
            projected(Series::single(shows.clone()))
        };
        let told = diff::changes(
            Some(shows),
            series.series().master.as_ref().unwrap_or(shows),
            &set,
        );
        let mut account = flow.account(
            &row,
            *key,
            want.series(),
            ActionKind::Update,
            Reason::HandedOver,
            told,
        );
        account.counted = steps.is_empty();
        steps.push(Flow::<B>::update(
            &row,
            Update {
                target: Target::Stored(part.resource.clone()),
                series,
                changes: vec![ComponentChange {
                    key: ComponentKey::Master,
                    change: Change::Set(set),
                }],
                tag: tag.clone().map(|tag| OriginTag {
                    recurrence_id: key.recurrence_id(),
                    ..tag
                }),
            },
            &b.series,
            Vec::new(),
            account,
        ));
    }
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: true,
        weight: Weight::Light,
        due: None,
    });
    true
}
