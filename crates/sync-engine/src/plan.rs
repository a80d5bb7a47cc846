//! The planner: a pure function from what was seen and what was agreed to an ordered list of writes.
//!
//! In: the mapping, the series that changed (with their rows and both sides' views), now. Out: for
//! each series a [`Group`] of writes with their reasons, rows that change without a write, and
//! warnings. No I/O, no clock, no randomness: the same input gives the same plan, and the order of
//! the series means nothing. A preview is this step and nothing more.
//!
//! The table of the semantics is `one_way` (series), `components` (what is inside) and `expanded`
//! (what the target cannot hold as a series).

mod adopt;
mod compare;
mod components;
mod expanded;
mod flow;
mod one_way;
pub mod operation;
mod steps;
mod telling;
mod writing;

use crate::mapping::{Direction, Mapping};
use crate::model::time::Timestamp;
use crate::model::{
    Both, Caldav, ComponentKey, Family, Google, Series, Side, SideTag, Uid, ZoneName,
};
use crate::plan::operation::{After, Reason, Step, Value};
use crate::ports::side::Capabilities;
use crate::ports::store::RowChange;
use crate::report::{Problem, Warning};
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::View;

use flow::Flow;

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
    /// What people may want to know.
    pub warnings: Vec<Warning>,
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
    /// What the source showed, to be taken as agreed once *every* step is done.
    pub finally: Vec<(ComponentKey, Option<Value>)>,
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
    /// Creates or changes.
    Light,
    /// Empties a title, description or location.
    Empties,
    /// Removes because the source vanished.
    Removes,
    /// Removes as part of a rewrite or because the source is withheld: never held.
    Rewrites,
}

/// Makes the plan.
pub fn plan(input: &PlanInput) -> Plan {
    let mut plan = Plan::default();
    match input.mapping.direction {
        Direction::CaldavToGoogle => sort_out::<Caldav, Google>(input, &mut plan),
        Direction::GoogleToCaldav => sort_out::<Google, Caldav>(input, &mut plan),
        Direction::Bidirectional => plan.warnings.push(Warning {
            code: "direction_not_supported".to_owned(),
            detail: "This version does not sync in both directions yet.".to_owned(),
            uid: None,
        }),
    }
    plan.groups.sort_by(|a, b| {
        let rank = |group: &Group| match group.weight {
            Weight::Light => 0,
            Weight::Empties => 1,
            Weight::Rewrites => 2,
            Weight::Removes => 3,
        };
        (rank(a), &a.row.key).cmp(&(rank(b), &b.row.key))
    });
    plan.warnings
        .sort_by(|a, b| (&a.code, &a.uid, &a.detail).cmp(&(&b.code, &b.uid, &b.detail)));
    plan.warnings.dedup();
    plan
}

/// The removal of every copy the mapping made: for a mapping that is about to be deleted. Natives,
/// copies that somebody gave guests, and what cannot be read stay.
pub fn removal_of_copies(input: &PlanInput) -> Plan {
    let mut plan = Plan::default();
    if input.mapping.writes(Side::Google) {
        remove::<Google>(input, &mut plan);
    }
    if input.mapping.writes(Side::Caldav) {
        remove::<Caldav>(input, &mut plan);
    }
    plan
}

fn remove<B: Sided>(input: &PlanInput, plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    for series in &input.series {
        let (Some(row), Some(copy)) = (&series.row, series.views.get::<B>().present()) else {
            continue;
        };
        if row.copy == Some(B::SIDE) && row.link::<B>().is_some() && !copy.has_guests {
            plan.groups.push(Group {
                row: row.clone(),
                steps: flow.remove_all(row, copy, After::Dropped, Reason::Deleted),
                finally: Vec::new(),
                again: false,
                weight: Weight::Rewrites,
                due: None,
            });
        }
    }
}

fn sort_out<A: SideTag, B: Sided>(input: &PlanInput, plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    let adopted = if input.first {
        adopt::by_content::<A, B>(input, &flow)
    } else {
        Vec::new()
    };
    let joined: std::collections::BTreeSet<usize> =
        adopted.iter().flat_map(|(a, b)| [*a, *b]).collect();
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
        match &series.row {
            Some(row) if input.reproject => anew::<A, B>(&flow, series, row, plan),
            _ => one_way::series::<A, B>(&flow, series, plan),
        }
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
