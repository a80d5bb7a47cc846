//! The planner: a pure function from what was seen and what was agreed to an ordered list of writes.
//!
//! In: the mapping, the series that changed (with their rows and both sides' views), now. Out: for
//! each series a [`Group`] of writes with their reasons, rows that change without a write, and
//! warnings. No I/O, no clock, no randomness: the same input gives the same plan, and the order of
//! the series means nothing. A preview is this step and nothing more.
//!
//! The table of the semantics, for one direction: `one_way` (series), `components` (what is inside),
//! `expanded` (what the target cannot hold as a series); for both: `two_way`, `merging` and
//! `expanded_both`, with `contest` where both sides changed the same.

mod adopt;
mod aside;
#[cfg(test)]
mod bombs;
mod by_hand;
mod called_off;
mod carrying;
mod compare;
mod components;
mod contest;
mod continuing;
mod crossing;
mod emptied;
mod expanded;
mod expanded_both;
mod flow;
mod gathered;
pub(crate) mod loops;
mod lost;
mod merging;
mod one_way;
pub mod operation;
mod orphans;
mod party;
pub(crate) mod rewinding;
mod sharing;
mod steps;
mod telling;
mod two_way;
mod undoing;
mod unsaid;
mod vanished;
mod words;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use crate::conflict::{Conflict, Decision};
use crate::mapping::{Direction, Mapping};
use crate::model::time::Timestamp;
use crate::model::{
    Both, Caldav, ComponentKey, ConflictId, Family, Google, Series, Side, SideTag, Uid, ZoneName,
};
use crate::plan::operation::{Step, Value};
use crate::ports::side::Capabilities;
use crate::ports::store::RowChange;
use crate::report::{Problem, Warning};
use crate::row::{Row, RowKey};
use crate::sided::Sided;
use crate::snapshot::{Snapshot, View};

pub use by_hand::{CleanUp, clean_up, removal_of_copies};
pub use lost::Known;
pub(crate) use lost::known;
pub use undoing::undo;

use flow::Flow;
use two_way::Flows;

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct PlanInput {
    /// The mapping as the run began with it.
    pub mapping: Mapping,
    /// The run's now.
    pub now: Timestamp,
    /// No plan over everything was dealt with yet: equal events may be adopted by content.
    pub first: bool,
    /// The settings changed since the last plan: every copy is planned anew.
    pub reproject: bool,
    /// What floating times and whole days stand for.
    pub floating: ZoneName,
    /// What the CalDAV calendar can hold.
    pub caldav: Capabilities,
    /// What the Google calendar can hold.
    pub google: Capabilities,
    /// What people answered to open conflicts.
    pub decisions: Vec<Decision>,
    /// Series that a person wants back on the side they vanished from.
    pub restoring: Vec<RowKey>,
    /// The series to look at.
    pub series: Vec<SeriesInput>,
}

/// One series to look at.
#[derive(Debug, Clone, Default)]
pub struct SeriesInput {
    /// Its row, if it has one.
    pub row: Option<Row>,
    /// What each side shows of it.
    pub views: Both<Views>,
    /// Whether either side changed since the last plan (this ends pauses), or it is only due.
    pub fresh: bool,
    /// Another mapping has a copy of the same UID in the target calendar.
    pub elsewhere: Option<Elsewhere>,
    /// Another mapping stands by for the same UID, or took the copy over already.
    pub heir: Option<Heir>,
    /// A native with the UID of our copy appeared beside it.
    pub natives: Both<Natives>,
    /// Its name says that it continues a tracked series that was cut: it is in scope whatever the
    /// window says.
    pub continues: bool,
}

/// What another mapping does with a UID that this one also has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// It feeds a copy: this mapping stands by.
    Fed,
    /// Its source is gone: this mapping takes the copy over. The input's row is linked to it.
    Released,
}

/// Whether a copy whose source went has another source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heir {
    /// Another mapping stands by.
    Waiting,
    /// One stands by that does not run for now. A pause is no going away: as far as anybody knows
    /// its source is there, so the copy stays until that mapping runs again, or is removed.
    Paused,
    /// Another mapping has taken the copy over.
    Settled,
}

/// The family of natives beside our copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Natives;

impl Family for Natives {
    type Of<S: SideTag> = Option<Box<Snapshot<S>>>;
}

/// The family of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Views;

impl Family for Views {
    type Of<S: SideTag> = View<S>;
}

/// What a run is to do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Writes, series by series: creations first, removals last.
    pub groups: Vec<Group>,
    /// Rows that change without a write.
    pub rows: Vec<RowChange>,
    /// Events that cannot be planned for.
    pub refused: Vec<Refused>,
    /// What both sides changed: decided, or waiting for a person.
    pub conflicts: Vec<Conflict>,
    /// Open conflicts that are none any more.
    pub over: Vec<ConflictId>,
    /// What people may want to know.
    pub warnings: Vec<Warning>,
    /// Tracked series whose source is gone, with the resources they had: for the guard.
    pub lost: BTreeMap<RowKey, Both<Known>>,
}

/// An event that cannot be planned for: it fails by itself, the rest goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its UID, or its resource's name where that is not known.
    pub uid: Uid,
    /// Its title, or its resource's name.
    pub summary: String,
    /// The side that would have been written.
    pub side: Side,
    /// Why, and what to do.
    pub problem: Problem,
}

/// The writes of one series, in their order.
#[derive(Debug, Clone)]
pub struct Group {
    /// The row as it is before the first write.
    pub row: Row,
    /// The writes; one that fails ends the group, except between independent components.
    pub steps: Vec<Step>,
    /// What a side that is not written showed, to be taken as agreed once *every* step is done.
    pub finally: Vec<(Side, ComponentKey, Option<Value>)>,
    /// Plan this series once more after the steps, from what the sides then show.
    pub again: bool,
    /// What the guard counts it as.
    pub weight: Weight,
    /// When the row must be looked at again though nothing changes.
    pub due: Option<Timestamp>,
}

/// What the guard counts a group as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Creates.
    Creates,
    /// Changes.
    Light,
    /// Empties a title, description or location.
    Empties,
    /// Removes as part of a rewrite or because the source is withheld: never held.
    Rewrites,
    /// Removes because the source vanished.
    Removes,
    /// Removes an event that somebody gave guests: always held.
    Guests,
    /// Removes a copy without a source: always held.
    Orphan,
}

impl Weight {
    /// Whether it comes after everything else.
    pub(crate) fn is_last(self) -> bool {
        self >= Self::Removes
    }
}

/// Makes the plan.
pub fn plan(input: &PlanInput) -> Plan {
    let mut plan = Plan {
        lost: lost::lost(input),
        ..Plan::default()
    };
    match input.mapping.direction {
        Direction::CaldavToGoogle => sort_out::<Caldav, Google>(input, &mut plan),
        Direction::GoogleToCaldav => sort_out::<Google, Caldav>(input, &mut plan),
        Direction::Bidirectional => both_ways(input, &mut plan),
    }
    loops::stop(&mut plan, input);
    orphans::spare(&mut plan);
    plan.groups
        .sort_by(|a, b| (a.weight, &a.row.key).cmp(&(b.weight, &b.row.key)));
    plan.warnings
        .sort_by(|a, b| (&a.code, &a.uid, &a.detail).cmp(&(&b.code, &b.uid, &b.detail)));
    plan.warnings.dedup();
    plan
}

fn sort_out<A: SideTag, B: Sided>(input: &PlanInput, plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    let adopted = if input.first {
        adopt::by_content::<A, B>(input, &flow)
    } else {
        Vec::new()
    };
    let joined: BTreeSet<usize> = adopted.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let cuts = continuing::cuts(input);
    for (a, b) in &adopted {
        let (Some(a), Some(b)) = (input.series.get(*a), input.series.get(*b)) else {
            continue;
        };
        let mut both = a.clone();
        *both.views.get_mut::<B>() = b.views.get::<B>().clone();
        one_way::series::<A, B>(&flow, &both, plan);
    }
    for (index, series) in input.series.iter().enumerate() {
        if joined.contains(&index) {
            continue;
        }
        if aside::stays(series, input.reproject, plan) {
            continue;
        }
        let mut series = series.clone();
        let taken_up = series.row.as_ref().and_then(aside::taken_up);
        let before = (plan.groups.len(), plan.rows.len());
        if let Some(row) = &taken_up {
            series.row = Some(row.clone());
        }
        if let Some(row) = &mut series.row {
            // One way there is nothing to decide.
            plan.over.append(&mut row.open);
        }
        series.continues |= continuing::continues(&series, &cuts, input);
        if sharing::takes_over::<A, B>(&flow, &series, plan) {
            continue;
        }
        sharing::take_native::<B>(&mut series);
        match &series.row {
            Some(row) if input.reproject || row.anew => anew::<A, B>(&flow, &series, row, plan),
            _ => one_way::series::<A, B>(&flow, &series, plan),
        }
        keep_taken_up(taken_up, before, plan);
    }
}

/// A row that takes part again does so though nothing comes of it now.
fn keep_taken_up(row: Option<Row>, before: (usize, usize), plan: &mut Plan) {
    if let Some(row) = row
        && (plan.groups.len(), plan.rows.len()) == before
    {
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
}

fn both_ways(input: &PlanInput, plan: &mut Plan) {
    let flows = Flows::new(input);
    let adopted = if input.first {
        adopt::by_content::<Caldav, Google>(input, &flows.google)
    } else {
        Vec::new()
    };
    let cuts = continuing::cuts(input);
    let joined: BTreeMap<usize, usize> = adopted.iter().copied().collect();
    let taken: BTreeSet<usize> = adopted.iter().map(|(_, google)| *google).collect();
    for (index, series) in input.series.iter().enumerate() {
        if taken.contains(&index) || aside::stays(series, input.reproject, plan) {
            continue;
        }
        let mut series = series.clone();
        let taken_up = series.row.as_ref().and_then(aside::taken_up);
        if let Some(row) = &taken_up {
            series.row = Some(row.clone());
        }
        if let Some(google) = joined
            .get(&index)
            .and_then(|index| input.series.get(*index))
        {
            series.views.google = google.views.google.clone();
        }
        series.continues |= continuing::continues(&series, &cuts, input);
        if sharing::takes_over::<Caldav, Google>(&flows.google, &series, plan)
            || sharing::takes_over::<Google, Caldav>(&flows.caldav, &series, plan)
        {
            continue;
        }
        sharing::take_native::<Caldav>(&mut series);
        sharing::take_native::<Google>(&mut series);
        let before = (plan.groups.len(), plan.rows.len());
        if !two_way::orphans(&flows, &series, plan) {
            two_way::series(&flows, &series, plan);
        }
        let planned = (plan.groups.len(), plan.rows.len()) != before;
        if let (true, false, Some(row)) = (input.reproject, planned, &series.row) {
            // Whatever is not written now is brought in line later, when the settings are old.
            let mut row = row.clone();
            row.anew = true;
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
        keep_taken_up(taken_up, before, plan);
    }
}

/// Plans a series anew because the settings changed. Its row forgets what the source showed, until
/// a write brings that back: whatever is not written now (it waits, cannot be read, is refused or
/// edited meanwhile) still counts as changed later, when the settings are old.
fn anew<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    series: &SeriesInput,
    row: &Row,
    plan: &mut Plan,
) {
    let mut row = row.clone();
    row.anew = false;
    if let Some(link) = row.link_mut::<A>() {
        link.echo = Series::default();
    }
    let (groups, rows) = (plan.groups.len(), plan.rows.len());
    let series = SeriesInput {
        row: Some(row.clone()),
        ..series.clone()
    };
    one_way::series::<A, B>(flow, &series, plan);
    if plan.groups.len() == groups && plan.rows.len() == rows {
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
}

impl Plan {
    /// How many groups would write to `side`.
    pub fn writes_to(&self, side: Side) -> usize {
        self.groups
            .iter()
            .filter(|group| group.steps.iter().any(|step| step.side() == side))
            .count()
    }
}
