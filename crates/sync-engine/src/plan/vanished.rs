//! A linked series that one side lost: deleted on the other, unless it was edited there.

use super::contest::{Contest, Ruling, made, tells_all, whole};
use super::crossing::remember_all;
use super::flow::Flow;
use super::one_way::{self, keep_if_new, paused, proven, refresh, writable};
use super::operation::{After, Reason};
use super::party::{self, Party, echo, party};
use super::telling::read_only;
use super::two_way::{Flows, note_conflicts};
use super::{Group, Plan, SeriesInput, Weight};
use crate::diff::Standing;
use crate::model::{Caldav, ComponentKey, Field, FieldSet, Google, Series, Side, SideTag};
use crate::observation::Access;
use crate::ports::store::RowChange;
use crate::projection::{Projected, Shaped};
use crate::row::{Row, RowState};
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// `X` still has it, the linked series on `Y` is gone.
pub(super) fn missing<X: Sided, Y: Sided>(
    flows: &Flows<'_>,
    input: &SeriesInput,
    row: &Row,
    x: &Snapshot<X>,
    shown: bool,
    plan: &mut Plan,
) where
    Both<X, Y>: Directions<X, Y>,
{
    let (to_x, to_y) = Both::<X, Y>::flows(flows);
    let mut row = row.clone();
    row.state = RowState::Active;
    // New settings are carried out on what is still there once it is known what stays.
    row.anew |= flows.input.reproject;
    refresh(&mut row, x);
    if !proven::<Y, Y>(&mut row, shown, to_y, plan) || paused(&row, input, to_y) {
        return;
    }
    let gone = Series::default();
    let Some(party) = party::<X, Y>(to_y, &row, x, &gone) else {
        *row.link_mut::<Y>() = None;
        row.state = RowState::Withheld;
        plan.rows.push(RowChange::Put(Box::new(row)));
        return;
    };
    let edited = party.changed_at_all();
    // `Y` lost it, and `X` shows our copy of it: another mapping may have a source for that.
    if row.copy == Some(X::SIDE)
        && !edited
        && super::sharing::releases(&row, input, flows.input.now, plan)
    {
        return;
    }
    let conflicts = plan.conflicts.len();
    let wanted_back = flows.input.restoring.contains(&row.key);
    let again = if wanted_back {
        Some(Reason::Recreated)
    } else if edited {
        let ruling = edit_against_deletion::<X>(flows, &row, x, &party, plan);
        note_conflicts(&mut row, conflicts, plan);
        match ruling {
            Ruling::Open => return keep_if_new(input, row, plan),
            Ruling::All(side) if side == Y::SIDE => None,
            _ => Some(Reason::EditWins),
        }
    } else {
        note_conflicts(&mut row, conflicts, plan);
        None
    };
    if let Some(reason) = again {
        let want = revived::<X, Y>(to_x, to_y, &row, &party);
        *row.link_mut::<Y>() = None;
        if Y::SIDE == Side::Google {
            // What comes there is ours, as its name will say, whatever was there before.
            row.copy = Some(Side::Google);
        }
        if let Some(link) = row.link_mut::<X>() {
            link.echo = Series::default();
        }
        remember_all(&mut row, x);
        let again = row.anew;
        let groups = plan.groups.len();
        if let Some(want) = want {
            one_way::create::<X, Y>(to_y, row, x, &want, reason, plan);
        }
        for group in plan.groups.iter_mut().skip(groups) {
            group.again |= again;
        }
        return;
    }
    if !writable(flows.mapping(), x) {
        plan.warnings
            .push(read_only(&row, X::SIDE, x.access == Access::MailsGuests));
        return keep_if_new(input, row, plan);
    }
    let weight = if x.has_guests && X::SIDE == Side::Google {
        Weight::Guests
    } else {
        Weight::Removes
    };
    let steps = to_x.remove_all(&row, x, After::Dropped, Reason::Deleted);
    plan.groups.push(Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight,
        due: None,
    });
}

/// What is created again on `Y`: what it showed when both agreed, with what `X` changed since. For a
/// copy of a native, what the native lets through.
fn revived<X: SideTag, Y: SideTag>(
    to_x: &Flow<'_, X>,
    to_y: &Flow<'_, Y>,
    row: &Row,
    party: &Party<'_>,
) -> Option<Projected> {
    let fresh = match to_y.projection.shape(party.now) {
        Shaped::Series(series) => series,
        Shaped::Nothing => return None,
    };
    if row.copy == Some(Y::SIDE) {
        return Some(fresh);
    }
    let before = echo::<Y>(row);
    let there = match to_x.projection.shape(&before) {
        Shaped::Series(there) => Some(there.series().clone()),
        Shaped::Nothing => None,
    };
    let mut series = fresh.series().clone();
    let keys: Vec<ComponentKey> = party.keys();
    for key in keys {
        // Of an override that is new: what it was when the series spoke for it.
        let before = Standing::of(&before, &key);
        let (Some(now), Some(before)) = (series.fields_mut(&key), before.fields()) else {
            continue;
        };
        let kept: FieldSet = match party.changed(&key) {
            party::Changed::Not => party::every(),
            party::Changed::Fields(set) => party::every().difference(&set).copied().collect(),
            party::Changed::Whole => party::every().difference(&party.mask).copied().collect(),
        };
        // Only what both did agree on: an interrupted move has not reached the other echo yet.
        let agreed = there.as_ref().and_then(|there| there.own_fields(&key));
        for field in kept {
            let stands = match (agreed, party.echo.own_fields(&key)) {
                (Some(agreed), Some(known)) => crate::diff::same(field, agreed, known),
                _ => false,
            };
            // Free because its owner declined: what is made anew has nobody who could decline.
            if field == Field::Transparency && before.declined {
                continue;
            }
            if stands || !party.mask.contains(&field) {
                crate::diff::copy(field, before, now);
            }
        }
    }
    party::drop_inherited(&mut series, to_y.floating);
    Some(party::projected(series))
}

fn edit_against_deletion<X: SideTag>(
    flows: &Flows<'_>,
    row: &Row,
    x: &Snapshot<X>,
    party: &Party<'_>,
    plan: &mut Plan,
) -> Ruling {
    let key = ComponentKey::Master;
    let full = tells_all(flows.input, &[party.now, &party.echo, &echo::<Caldav>(row)]);
    let visible = if full || X::SIDE == Side::Google {
        whole(party.now)
    } else {
        whole(&party.out)
    };
    let base = if full {
        whole(&party.echo)
    } else {
        whole(&echo::<Google>(row))
    };
    let (caldav, google) = match X::SIDE {
        Side::Caldav => (visible, Standing::Nothing),
        Side::Google => (Standing::Nothing, visible),
    };
    let at = made(row, x, &key, flows.input.now);
    Contest {
        flows,
        row,
        key,
        caldav,
        google,
        base: (base != Standing::Nothing).then_some(base),
        times: (at, at),
        fixed: None,
        edit: Some(X::SIDE),
    }
    .settle(&FieldSet::new(), plan)
}

/// Names two sides by type, to find the flows between them.
pub(super) struct Both<X, Y>(std::marker::PhantomData<(X, Y)>);

/// The flows to `X` and to `Y`.
pub(super) trait Directions<X: SideTag, Y: SideTag> {
    fn flows<'a, 'b>(flows: &'b Flows<'a>) -> (&'b Flow<'a, X>, &'b Flow<'a, Y>);
}

impl Directions<Caldav, Google> for Both<Caldav, Google> {
    fn flows<'a, 'b>(flows: &'b Flows<'a>) -> (&'b Flow<'a, Caldav>, &'b Flow<'a, Google>) {
        (&flows.caldav, &flows.google)
    }
}

impl Directions<Google, Caldav> for Both<Google, Caldav> {
    fn flows<'a, 'b>(flows: &'b Flows<'a>) -> (&'b Flow<'a, Google>, &'b Flow<'a, Caldav>) {
        (&flows.google, &flows.caldav)
    }
}
