//! The table of the semantics for one series of a mapping that goes both ways.
//!
//! What one side only has is created on the other, what one side lost is deleted on the other unless
//! it was edited there; what both have is merged (`merging`, or `expanded_both` where Google holds
//! it as single events).

use std::cell::RefCell;

use super::called_off;
use super::flow::Flow;
use super::merging::{self, Merging};
use super::one_way::{self, keep_if_new, paused, refresh, resources, writable};
use super::party::{self, echo, party};
use super::telling::{guests, orphan, read_only, remarks, unreadable};
use super::{Plan, PlanInput, SeriesInput};
use crate::mapping::Mapping;
use crate::model::{Caldav, Google, Side, SideTag, Status, ZoneName};
use crate::observation::Access;
use crate::ports::store::RowChange;
use crate::projection::{Shaped, expand};
use crate::row::{Link, Row, RowKey, RowState};
use crate::sided::Sided;
use crate::snapshot::{Snapshot, View};

/// Both directions of a mapping while it is being planned.
pub(super) struct Flows<'a> {
    pub(super) input: &'a PlanInput,
    pub(super) caldav: Flow<'a, Caldav>,
    pub(super) google: Flow<'a, Google>,
}

impl<'a> Flows<'a> {
    pub(super) fn new(input: &'a PlanInput) -> Self {
        Self {
            input,
            caldav: Flow::new(input),
            google: Flow::new(input),
        }
    }

    pub(super) fn floating(&self) -> &'a ZoneName {
        &self.input.floating
    }

    pub(super) fn mapping(&self) -> &'a Mapping {
        &self.input.mapping
    }
}

/// Notes on the row which of the conflicts that were just found wait for a person, and which of
/// those that waited do not any more.
pub(super) fn note_conflicts(row: &mut Row, since: usize, plan: &mut Plan) {
    let open: Vec<_> = plan
        .conflicts
        .iter()
        .skip(since)
        .filter(|conflict| conflict.winner.is_none())
        .map(|conflict| conflict.id.clone())
        .collect();
    let raised: Vec<_> = plan.conflicts.iter().skip(since).map(|c| &c.id).collect();
    let over = row.open.iter().filter(|id| !raised.contains(id));
    plan.over.extend(over.cloned());
    row.open = open;
}

/// Decides about one series.
pub(super) fn series(flows: &Flows<'_>, input: &SeriesInput, plan: &mut Plan) {
    let row = input.row.as_ref();
    let linked = (
        row.is_some_and(|row| row.link::<Caldav>().is_some_and(|l| !l.keys.is_empty())),
        row.is_some_and(|row| row.link::<Google>().is_some_and(|l| !l.keys.is_empty())),
    );
    match (&input.views.caldav, &input.views.google) {
        (View::Unreadable { name, reason }, _) => {
            plan.refused
                .extend(unreadable::<Google>(input, Side::Caldav, name, reason));
        }
        (_, View::Unreadable { name, reason }) => {
            plan.refused
                .extend(unreadable::<Caldav>(input, Side::Google, name, reason));
        }
        (View::Present(c), View::Present(g)) => match row {
            Some(row) if linked == (true, true) => {
                tracked(flows, input, row.clone(), c, g, plan);
            }
            _ => link(flows, input, c, g, plan),
        },
        (View::Present(c), _) if !linked.1 => {
            one_way::fresh::<Caldav, Google>(&flows.google, input, c, plan);
        }
        (_, View::Present(g)) if !linked.0 => {
            one_way::fresh::<Google, Caldav>(&flows.caldav, input, g, plan);
        }
        // Every single event of it is gone: that calls occurrences off, and not the series.
        (View::Present(c), View::Gone { shown })
            if row.is_some_and(|row| in_pieces(flows, row, c)) =>
        {
            let Some(mut row) = row.cloned() else {
                return;
            };
            if one_way::proven::<Google, Google>(&mut row, *shown, &flows.google, plan) {
                tracked(flows, input, row, c, &Snapshot::nothing(), plan);
            }
        }
        (View::Present(c), View::Gone { shown }) => {
            if let Some(row) = row {
                super::vanished::missing::<Caldav, Google>(flows, input, row, c, *shown, plan);
            }
        }
        (View::Gone { shown }, View::Present(g)) => {
            if let Some(row) = row {
                super::vanished::missing::<Google, Caldav>(flows, input, row, g, *shown, plan);
            }
        }
        // A linked side of which the mirror knows nothing is not proven gone.
        (View::Present(_), View::Unknown) | (View::Unknown, View::Present(_)) => {}
        (View::Gone { .. } | View::Unknown, View::Gone { .. } | View::Unknown) => {
            if let Some(row) = row {
                plan.over.extend(row.open.iter().cloned());
                plan.rows.push(RowChange::Drop(row.key.clone()));
            }
        }
    }
}

/// Whether Google has a series that repeats, and shows there, as single events.
fn in_pieces(flows: &Flows<'_>, row: &Row, c: &Snapshot<Caldav>) -> bool {
    row.link::<Google>().is_some_and(|link| link.expanded)
        && c.series.recurring_master().is_some()
        && flows.google.projection.shape(&c.series) != Shaped::Nothing
}

/// On both sides, not linked yet. Nothing was ever agreed on, so whatever differs is a contest.
fn link(
    flows: &Flows<'_>,
    input: &SeriesInput,
    c: &Snapshot<Caldav>,
    g: &Snapshot<Google>,
    plan: &mut Plan,
) {
    if c.access == Access::Ignored || g.access == Access::Ignored {
        return;
    }
    let copy = match (&c.copy, &g.copy) {
        (_, Some(_)) => Some(Side::Google),
        (Some(_), None) => Some(Side::Caldav),
        (None, None) => None,
    };
    let generation = [&c.copy, &g.copy]
        .into_iter()
        .flatten()
        .map(|tag| tag.generation)
        .max();
    let mut row = input.row.clone().unwrap_or_else(|| {
        let uid = if copy == Some(Side::Caldav) {
            &g.uid
        } else {
            &c.uid
        };
        let key = match (copy, c.keys.first(), g.keys.first()) {
            (Some(Side::Caldav), _, Some(key)) => RowKey::new(key),
            (_, Some(key), _) => RowKey::new(key),
            _ => RowKey::from(String::new()),
        };
        Row::new(key, uid.clone(), copy)
    });
    row.state = RowState::Active;
    row.copy = copy;
    row.generation = generation.unwrap_or(row.generation);
    let expanded = g
        .copy
        .as_ref()
        .is_some_and(|tag| tag.recurrence_id.is_some());
    *row.link_mut::<Caldav>() = Some(linked(c, false));
    *row.link_mut::<Google>() = Some(linked(g, expanded));
    tracked(flows, input, row, c, g, plan);
}

fn linked<S: SideTag>(snapshot: &Snapshot<S>, expanded: bool) -> Link<S> {
    Link {
        keys: snapshot.keys.clone(),
        resources: resources(snapshot),
        shown: snapshot.shown,
        expanded,
        ..Link::empty()
    }
}

/// On both sides and linked.
fn tracked(
    flows: &Flows<'_>,
    input: &SeriesInput,
    mut row: Row,
    c: &Snapshot<Caldav>,
    g: &Snapshot<Google>,
    plan: &mut Plan,
) {
    row.state = RowState::Active;
    row.unsure = false;
    // New settings are carried out on it whatever comes first.
    row.anew |= flows.input.reproject;
    refresh(&mut row, c);
    if !g.keys.is_empty() {
        refresh(&mut row, g);
    }
    if paused(&row, input, &flows.google) {
        return keep_if_new(input, row, plan);
    }
    let (write_c, write_g) = (writable(flows.mapping(), c), writable(flows.mapping(), g));
    if !write_c && !write_g {
        return keep_if_new(input, row, plan);
    }
    let parties = (
        party(&flows.google, &row, c, &g.series),
        party(&flows.caldav, &row, g, &c.series),
    );
    let begun = !g.strays.is_empty() && g.series.master.is_none();
    let (caldav, google) = match parties {
        (Some(caldav), Some(google)) => (caldav, google),
        // A change of form was interrupted: what is there is none of the form asked for.
        (Some(caldav), None)
            if begun && row.copy == Some(Side::Google) && !g.has_guests && write_g =>
        {
            let out = party::projected(caldav.out);
            let holds = expand::holds(flows.google.target(), out.series(), flows.floating());
            return super::expanded::reshape::<Caldav, Google>(
                &flows.google,
                row,
                c,
                g,
                &out,
                holds,
                plan,
            );
        }
        (None, _) => {
            if write_c && called_off::stands(flows, input, &mut row, c, g, plan) {
                return;
            }
            return hidden(flows, input, row, c, g, &flows.google, write_g, plan);
        }
        (_, None) => return hidden(flows, input, row, g, c, &flows.caldav, write_c, plan),
    };
    remarks(&flows.google, c, plan);
    let fixed = match (write_c, write_g) {
        (true, false) => Some(Side::Google),
        (false, true) => Some(Side::Caldav),
        _ => None,
    };
    let out = party::projected(caldav.out.clone());
    let holds = expand::holds(flows.google.target(), out.series(), flows.floating());
    let merging = Merging {
        flows,
        c,
        g,
        anew: row.anew,
        fixed,
        caldav,
        google,
        given: RefCell::default(),
    };
    let expanded = row.link::<Google>().is_some_and(|link| link.expanded);
    let ours = row.copy == Some(Side::Google) && !g.has_guests && write_g;
    let bare = !expanded && !g.strays.is_empty() && g.series.master.is_none();
    // Beside a native every copy is one too many; beside a copy, those in the other form.
    let settled = row.copy != Some(Side::Google) || !bare && expanded == holds.is_err();
    let sweeps = (settled && !g.strays.is_empty()).then(|| (row.clone(), plan.refused.len()));
    let replaced = (!c.strays.is_empty()).then(|| row.clone());
    match (expanded, holds) {
        (false, holds @ Ok(())) if ours && bare => {
            super::expanded::reshape::<Caldav, Google>(&flows.google, row, c, g, &out, holds, plan);
        }
        // A native that Google cannot hold stays the series it is: whatever else can be held of it
        // goes on crossing, and what cannot is refused by itself.
        (false, holds) if holds.is_ok() || !ours => {
            if let Some(side) = fixed {
                tell_read_only(&merging, &row, side, plan);
            }
            merging::update(&merging, input, row, false, plan);
        }
        (true, Err(why)) => {
            super::expanded_both::update(&merging, input, row, &out, why, plan);
        }
        _ if !ours => keep_if_new(input, row, plan),
        // What a person changed on the old form goes back first.
        (expanded, holds) => {
            let back = if expanded {
                super::expanded_both::back(&merging, row.clone(), &out, plan)
            } else {
                merging::update(&merging, input, row.clone(), true, plan)
            };
            if !back {
                super::expanded::reshape::<Caldav, Google>(
                    &flows.google,
                    row,
                    c,
                    g,
                    &out,
                    holds,
                    plan,
                );
            }
        }
    }
    if let Some((row, refused)) = sweeps
        && plan.refused.len() == refused
    {
        super::expanded::sweep(&flows.google, &row, g, plan);
    }
    if let Some(row) = replaced {
        super::expanded::sweep(&flows.caldav, &row, c, plan);
    }
}

/// A side that cannot be written: what the other changed waits.
fn tell_read_only(merging: &Merging<'_>, row: &Row, fixed: Side, plan: &mut Plan) {
    let waits = merging.party(fixed.other()).changed_at_all();
    if waits {
        let mails = match fixed {
            Side::Caldav => merging.c.access == Access::MailsGuests,
            Side::Google => merging.g.access == Access::MailsGuests,
        };
        plan.warnings.push(read_only(row, fixed, mails));
    }
}

/// `X` shows something that has no presence on `Y`: called off as a whole, or (where `Y`'s is a copy)
/// declined or private and to be left out.
#[expect(
    clippy::too_many_arguments,
    reason = "one series, seen from both sides"
)]
fn hidden<X: SideTag, Y: Sided>(
    flows: &Flows<'_>,
    input: &SeriesInput,
    row: Row,
    x: &Snapshot<X>,
    y: &Snapshot<Y>,
    to: &Flow<'_, Y>,
    writable: bool,
    plan: &mut Plan,
) {
    let off = x
        .series
        .master
        .as_ref()
        .is_some_and(|master| master.status == Status::Cancelled);
    let copy = row.copy == Some(Y::SIDE);
    let agreed = echo::<Y>(&row);
    if !writable || !(off || copy) || (!copy && agreed.is_empty()) {
        return keep_if_new(input, row, plan);
    }
    if y.has_guests {
        plan.warnings.push(guests(
            &row,
            "The other side is called off or hidden, but this one has guests",
        ));
        return keep_if_new(input, row, plan);
    }
    if !super::sharing::releases(&row, input, to.now, plan) {
        if !off && !agreed.is_empty() && agreed != y.series {
            called_off::left_out(flows, &row, x, y, plan);
        }
        one_way::withhold(to, row, y, plan);
    }
}

/// A copy of this mapping's pair that nothing links and that has no counterpart.
pub(super) fn orphans(flows: &Flows<'_>, input: &SeriesInput, plan: &mut Plan) -> bool {
    if input.row.is_some() {
        return false;
    }
    match (&input.views.caldav, &input.views.google) {
        (View::Present(c), View::Unknown | View::Gone { .. }) => orphan(&flows.caldav, c, plan),
        (View::Unknown | View::Gone { .. }, View::Present(g)) => orphan(&flows.google, g, plan),
        _ => false,
    }
}
