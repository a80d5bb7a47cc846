//! The guard: what looks like an accident is held back until a person says so; everything else
//! proceeds. A held plan's id stands for exactly its content, so that an approval passes that and
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::model::time::Timestamp;
use crate::model::{Both, Fingerprint, PlanId, Side, SideTag};
use crate::plan::operation::{Account, Operation, Step, Write};
use crate::plan::{Group, Known, Plan, Weight};
use crate::ports::side::Change;
use crate::ports::store::MappingState;
use crate::row::RowKey;

/// A plan, or a part of one, that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Stands for exactly this content.
    pub id: PlanId,
    /// What kind of accident it looks like.
    pub kind: HeldKind,
    /// The side that would be written.
    pub side: Side,
    /// Since when it is held.
    pub since: Timestamp,
    /// What would be done.
    pub operations: Vec<Account>,
    /// What it consists of, each part by itself: an approval passes these and nothing else.
    #[serde(default)]
    pub parts: Vec<PlanId>,
    /// The series concerned.
    #[serde(default)]
    pub rows: Vec<RowKey>,
}

/// What kind of accident it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// Many removals, or many texts emptied, at once.
    Deletions,
    /// Many writes to a side not written before.
    Change,
    /// Copies without a source.
    Orphans,
}

/// A plan after the guard.
#[derive(Debug, Clone, Default)]
pub struct Guarded {
    /// What proceeds.
    pub plan: Plan,
    /// What is held back, for people.
    pub held: Vec<Held>,
    /// The groups that are held back.
    pub waiting: Vec<Group>,
}

impl Guarded {
    /// Stands for exactly this plan: what proceeds and what is held back.
    pub fn id(&self) -> PlanId {
        let all: Vec<Group> = self
            .plan
            .groups
            .iter()
            .chain(&self.waiting)
            .cloned()
            .collect();
        id_of(&all)
    }
}

/// What a plan is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// How many series the mapping tracks.
    pub tracked: u64,
    /// How many resources of the sources complete listings have missed within a day, besides those
    /// that this plan deals with. What was removed for them is tracked no more.
    pub missed: u64,
}

/// Lets a plan through, or a part of it.
///
/// Held are removals whose source vanished, together with updates that empty a text, when they are
/// more than both limits allow, or when the sources of all that is tracked vanished where three or
/// more are; what was approved passes, and what else is wanted by then is held anew.
pub fn guard(
    mut plan: Plan,
    mapping: &Mapping,
    measure: Measure,
    state: &MappingState,
    now: Timestamp,
) -> Guarded {
    let approved: BTreeSet<&PlanId> = state.approved.iter().collect();
    let mut sorting = Sorting::default();
    for group in std::mem::take(&mut plan.groups) {
        let passed = approved.contains(&part_of(&group));
        sorting.take(group, passed);
    }
    let mut guarded = Guarded::default();
    if !(sorting.answered || too_many(&sorting, &plan.lost, mapping, measure)) {
        sorting.going.append(&mut sorting.risky);
    }
    sorting.risky.append(&mut sorting.guests);
    for side in [Side::Caldav, Side::Google] {
        let mut hold = |kind: HeldKind, groups: &mut Vec<Group>| {
            let here: Vec<Group> = groups
                .extract_if(.., |group| side_of(group) == side)
                .collect();
            if !here.is_empty() {
                guarded.held.push(held(kind, side, &here, state, now));
                guarded.waiting.extend(here);
            }
        };
        hold(HeldKind::Deletions, &mut sorting.risky);
        hold(HeldKind::Orphans, &mut sorting.orphans);
        let new = mapping.writes(side) && !state.sides.is_empty() && !state.sides.contains(&side);
        let writes = sorting.going.iter().filter(|group| side_of(group) == side);
        if new && writes.count() > MOST_UNASKED {
            hold(HeldKind::Change, &mut sorting.going);
        }
    }
    sorting.going.append(&mut sorting.approved);
    sorting
        .going
        .sort_by(|a, b| (a.weight, &a.row.key).cmp(&(b.weight, &b.row.key)));
    plan.groups = sorting.going;
    guarded.plan = plan;
    guarded
}

/// Most writes to a side not written before that are carried out without asking.
const MOST_UNASKED: usize = 10;

/// A plan's groups by what the guard thinks of them.
#[derive(Default)]
struct Sorting {
    going: Vec<Group>,
    approved: Vec<Group>,
    risky: Vec<Group>,
    guests: Vec<Group>,
    orphans: Vec<Group>,
    /// A person approved some of the risky ones: what else is wanted by now is held anew.
    answered: bool,
}

impl Sorting {
    fn take(&mut self, group: Group, passed: bool) {
        match group.weight {
            Weight::Removes | Weight::Empties if passed => {
                self.answered = true;
                self.approved.push(group);
            }
            _ if passed => self.approved.push(group),
            Weight::Removes | Weight::Empties => self.risky.push(group),
            Weight::Guests => self.guests.push(group),
            Weight::Orphan => self.orphans.push(group),
            Weight::Creates | Weight::Light | Weight::Rewrites => self.going.push(group),
        }
    }
}

/// Whether so many removals look like an accident.
fn too_many(
    sorting: &Sorting,
    lost: &BTreeMap<RowKey, Both<Known>>,
    mapping: &Mapping,
    measure: Measure,
) -> bool {
    let limit = mapping.deletion_limit;
    let risky: u64 = sorting.risky.iter().map(removals).sum();
    // Copies with guests are held whatever comes, but their sources vanished like the others'.
    let guests = sorting.guests.iter();
    let guests = guests.filter(|group| lost.contains_key(&group.row.key));
    let counted: BTreeSet<&RowKey> = sorting
        .risky
        .iter()
        .chain(guests.clone())
        .map(|group| &group.row.key)
        .collect();
    let sum = risky
        .saturating_add(guests.count() as u64)
        .saturating_add(measure.missed);
    // Single events in place of a series are many of one row.
    let more = risky.saturating_sub(sorting.risky.len() as u64);
    let of = measure
        .tracked
        .saturating_add(more)
        .saturating_add(measure.missed);
    let many = sum > u64::from(limit.count)
        && sum.saturating_mul(100) > u64::from(limit.percent).saturating_mul(of);
    // What stays though its source vanished is no removal, but one more of all that there were.
    let stays = lost.keys().filter(|key| !counted.contains(key)).count() as u64;
    many || (of >= 3 && sum.saturating_add(stays) >= of)
}

/// How many removals a group stands for: a series, or so many of its occurrences whose single events
/// vanished.
fn removals(group: &Group) -> u64 {
    fn cancelled<S: SideTag>(operation: &Operation<S>) -> usize {
        match &operation.write {
            Write::Update(update) => update
                .changes
                .iter()
                .filter(|change| change.change == Change::Cancel)
                .count(),
            Write::Create(_) | Write::Remove(_) => 0,
        }
    }
    let cancelled: usize = group
        .steps
        .iter()
        .map(|step| match step {
            Step::Caldav(operation) => cancelled(operation),
            Step::Google(operation) => cancelled(operation),
        })
        .sum();
    (cancelled as u64).max(1)
}

fn side_of(group: &Group) -> Side {
    group.steps.first().map_or(Side::Google, Step::side)
}

fn held(
    kind: HeldKind,
    side: Side,
    groups: &[Group],
    state: &MappingState,
    now: Timestamp,
) -> Held {
    let id = id_of(groups);
    let known = state.held.iter().find(|held| held.id == id);
    Held {
        kind,
        side,
        since: known.map_or(now, |held| held.since),
        operations: groups
            .iter()
            .flat_map(|group| &group.steps)
            .filter(|step| step.account().counted)
            .map(|step| step.account().clone())
            .collect(),
        parts: groups.iter().map(part_of).collect(),
        rows: groups.iter().map(|group| group.row.key.clone()).collect(),
        id,
    }
}

/// A fingerprint of the writes: the rows, what is done to them and the versions it is conditional
/// on.
pub fn id_of(groups: &[Group]) -> PlanId {
    let steps: Vec<&Step> = groups.iter().flat_map(|group| &group.steps).collect();
    PlanId::new(Fingerprint::of_value(&steps).as_str())
}

/// The same of one group.
fn part_of(group: &Group) -> PlanId {
    id_of(std::slice::from_ref(group))
}
