//! Loops: two programs that put the same thing right against each other for ever. The same pair of
//! states (seen on the written side, written there) for the sixth time within an hour is one; a new
//! state is a person.

use super::operation::{Operation, Step, Write};
use super::{Plan, PlanInput};
use crate::diff::Standing;
use crate::model::time::Timestamp;
use crate::model::{ComponentKey, Fingerprint, SideTag};
use crate::ports::store::RowChange;
use crate::row::{Row, Wrote};

/// So often within an hour the same may be written.
const MOST: usize = 5;
/// Most writes that are remembered of one series.
const REMEMBERED: usize = 50;

/// Takes out of the plan what would go on for ever, and sets it aside: until either side shows
/// something else (`aside`), which is a person.
pub(super) fn stop(plan: &mut Plan, input: &PlanInput) {
    let groups = std::mem::take(&mut plan.groups);
    for group in groups {
        let loops = group.steps.iter().any(|step| {
            let pair = match step {
                Step::Caldav(operation) => pair(operation),
                Step::Google(operation) => pair(operation),
            };
            pair.is_some_and(|pair| often(&group.row, &pair, input.now))
        });
        let mut series = input.series.iter().filter(|_| loops);
        let known = series.find(|series| {
            let row = series.row.as_ref();
            row.is_some_and(|row| row.key == group.row.key)
        });
        match known {
            Some(known) => {
                let row = super::aside::looped(known, &group.row, input.reproject);
                plan.warnings.extend(super::aside::tell(&row));
                plan.rows.push(RowChange::Put(Box::new(row)));
            }
            None => plan.groups.push(group),
        }
    }
}

/// Notes that a write was carried out.
pub(crate) fn note<S: SideTag>(row: &mut Row, operation: &Operation<S>, now: Timestamp) {
    row.wrote.retain(|wrote| recent(wrote, now));
    if let Some(pair) = pair(operation) {
        row.wrote.push(Wrote { pair, at: now });
    }
    let extra = row.wrote.len().saturating_sub(REMEMBERED);
    row.wrote.drain(..extra);
}

fn often(row: &Row, pair: &Fingerprint, now: Timestamp) -> bool {
    let same = |wrote: &&Wrote| wrote.pair == *pair && recent(wrote, now);
    row.wrote.iter().filter(same).count() >= MOST
}

fn recent(wrote: &Wrote, now: Timestamp) -> bool {
    now.duration_since(wrote.at) < hour()
}

fn hour() -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(1)
}

/// Stands for the state a write meets and the state it makes; one that is not there is a state, too.
fn pair<S: SideTag>(operation: &Operation<S>) -> Option<Fingerprint> {
    let update = match &operation.write {
        Write::Update(update) => update,
        Write::Create(create) => {
            let made = (create.tag.recurrence_id, create.series.series());
            return Some(Fingerprint::of_value(&(S::SIDE, "made", made)));
        }
        Write::Remove(remove) => {
            let seen = Standing::of(operation.before.as_ref()?, &operation.account.key);
            let seen = (remove.resource.id.as_str(), seen.fields().cloned());
            return Some(Fingerprint::of_value(&(S::SIDE, "removed", seen)));
        }
    };
    let before = operation.before.as_ref()?;
    let states: Vec<_> = update
        .changes
        .iter()
        .map(|change| {
            // A single event is its own master, and one of the occurrences of what was there.
            let key = match change.key {
                ComponentKey::Master if before.master.is_none() => operation.account.key,
                key => key,
            };
            let seen = Standing::of(before, &key);
            let made = Standing::of(update.series.series(), &change.key);
            (
                change,
                seen.fields().cloned(),
                made.fields().cloned(),
                seen == Standing::Cancelled,
            )
        })
        .collect();
    Some(Fingerprint::of_value(&(
        S::SIDE,
        operation.account.key,
        states,
    )))
}
