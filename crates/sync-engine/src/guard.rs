//! The guard: what looks like an accident is held back until a person says so; everything else
//! proceeds. A held plan's id stands for exactly its content, so that an approval passes that and
//! nothing else.

use serde::{Deserialize, Serialize};

use crate::mapping::Mapping;
use crate::model::time::Timestamp;
use crate::model::{Fingerprint, PlanId, Side};
use crate::plan::operation::{Account, Step};
use crate::plan::{Group, Plan, Weight};
use crate::ports::store::MappingState;

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
    /// What is held back.
    pub held: Option<Held>,
    /// The groups that are held back.
    pub waiting: Vec<Group>,
}

/// Lets a plan through, or a part of it.
///
/// Held are removals whose source vanished, together with updates that empty a text, when they are
/// more than both limits allow, or all of the tracked where three or more are.
pub fn guard(
    mut plan: Plan,
    mapping: &Mapping,
    tracked: u64,
    state: &MappingState,
    now: Timestamp,
) -> Guarded {
    let risky = |group: &Group| matches!(group.weight, Weight::Removes | Weight::Empties);
    let count = plan.groups.iter().filter(|group| risky(group)).count() as u64;
    let limit = mapping.deletion_limit;
    // A server that loses a few events at every listing is as much an accident as one that loses
    // them at once. What was removed meanwhile is tracked no more.
    let before = state
        .absences
        .iter()
        .filter(|(at, _)| *at < now)
        .fold(0_u64, |sum, (_, absent)| {
            sum.saturating_add(u64::from(*absent))
        });
    let (sum, of) = if count == 0 {
        (0, tracked)
    } else {
        (count.saturating_add(before), tracked.saturating_add(before))
    };
    let many = sum > u64::from(limit.count)
        && sum.saturating_mul(100) > u64::from(limit.percent).saturating_mul(of);
    let all = tracked >= 3 && count >= tracked;
    if !many && !all {
        return Guarded {
            plan,
            ..Guarded::default()
        };
    }
    let (waiting, going): (Vec<_>, Vec<_>) = plan.groups.into_iter().partition(risky);
    let id = id_of(&waiting);
    if state.approved.as_ref() == Some(&id) {
        plan.groups = going;
        plan.groups.extend(waiting);
        return Guarded {
            plan,
            ..Guarded::default()
        };
    }
    let since = state
        .held
        .as_ref()
        .filter(|held| held.id == id)
        .map_or(now, |held| held.since);
    let steps = || waiting.iter().flat_map(|group| &group.steps);
    let held = Held {
        id,
        kind: HeldKind::Deletions,
        side: steps().next().map_or(Side::Google, Step::side),
        since,
        operations: steps()
            .filter(|step| step.account().counted)
            .map(|step| step.account().clone())
            .collect(),
    };
    plan.groups = going;
    Guarded {
        plan,
        held: Some(held),
        waiting,
    }
}

/// A fingerprint of the writes: the rows, what is done to them and the versions it is conditional
/// on.
pub fn id_of(groups: &[Group]) -> PlanId {
    let steps: Vec<&Step> = groups.iter().flat_map(|group| &group.steps).collect();
    PlanId::new(Fingerprint::of_value(&steps).as_str())
}
