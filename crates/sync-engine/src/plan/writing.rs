//! From what components need to the steps that write it.

use super::flow::Flow;
use super::operation::{ActionKind, FieldChange, Reason, Step, Value};
use super::steps::{self, target, value};
use super::{Group, Weight, one_way};
use crate::diff::{self, Standing, differing};
use crate::model::{ComponentKey, Field, FieldSet, OverrideValue, ResourceId, Series, SideTag};
use crate::ports::side::{Change, ComponentChange, Resource, Target, Update};
use crate::projection::Projected;
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// The steps that create a whole copy.
pub(super) fn creation<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    a: &Snapshot<A>,
    want: &Projected,
    reason: Reason,
) -> Vec<Step> {
    let apart = flow.target().exceptions_apart;
    let first = first_key(want.series());
    let own = |key: &ComponentKey| {
        matches!(key, ComponentKey::Override(id)
            if matches!(want.series().overrides.get(id), Some(OverrideValue::Fields(_))))
    };
    // Cancelled occurrences travel with the master, as EXDATEs.
    let agrees = steps::all_values(&a.series, &Series::default())
        .into_iter()
        .filter(|(key, _)| !apart || !own(key))
        .collect();
    let told = flow.account(
        row,
        ComponentKey::Master,
        want.series(),
        one_way::action(reason),
        reason,
        all_changes(want.series(), &first),
    );
    let mut made = vec![flow.create(row, ComponentKey::Master, want, agrees, told)];
    if !apart {
        return made;
    }
    made.extend(
        exceptions(flow, row, want, reason)
            .into_iter()
            .map(|mut step| {
                let keys = step.keys();
                step.agree(
                    keys.into_iter()
                        .map(|key| (key, value(&a.series, &key)))
                        .collect(),
                );
                step
            }),
    );
    made
}

/// The steps that make the exceptions of a series that was just created.
pub(super) fn exceptions<B: Sided>(
    flow: &Flow<'_, B>,
    row: &Row,
    want: &Projected,
    reason: Reason,
) -> Vec<Step> {
    let mut made = Vec::new();
    for (id, fields) in &want.series().overrides {
        let key = ComponentKey::Override(*id);
        if !matches!(fields, OverrideValue::Fields(_)) {
            continue;
        }
        let mut told = flow.account(
            row,
            key,
            want.series(),
            one_way::action(reason),
            reason,
            Vec::new(),
        );
        told.counted = false;
        let master = flow.tag(row, &ComponentKey::Master).google_id();
        made.push(Flow::<B>::update(
            row,
            Update {
                // Its version is known once the master is there.
                target: Target::Occurrence {
                    series: Resource {
                        id: ResourceId::new(master.as_str()),
                        etag: None,
                        note: None,
                    },
                    id: *id,
                },
                series: want.clone(),
                changes: vec![ComponentChange {
                    key,
                    change: Change::Add,
                }],
                tag: None,
            },
            &Series::default(),
            Vec::new(),
            told,
        ));
    }
    made
}

/// Turns changes into the steps of a group.
pub(super) struct Writing<'a, A: SideTag, B: SideTag> {
    pub(super) flow: &'a Flow<'a, B>,
    pub(super) a: &'a Snapshot<A>,
    pub(super) b: &'a Snapshot<B>,
    pub(super) want: &'a Projected,
    pub(super) reason: Reason,
}

impl<A: SideTag, B: Sided> Writing<'_, A, B> {
    pub(super) fn group(&self, row: Row, mut changes: Vec<ComponentChange>) -> Group {
        let apart = self.flow.target().exceptions_apart;
        let weight = if changes.iter().any(|change| self.empties(change)) {
            Weight::Empties
        } else {
            Weight::Light
        };
        // When a master with exceptions moves, the exceptions are planned from what is then there.
        let moves = changes.iter().any(|change| {
            change.key == ComponentKey::Master
                && matches!(&change.change, Change::Set(set) if set.contains(&Field::When))
        });
        let again = apart && moves && self.b.exceptions().next().is_some();
        if again {
            changes.retain(|change| change.key == ComponentKey::Master);
        }
        let steps = if apart {
            changes
                .iter()
                .filter_map(|change| self.step(&row, std::slice::from_ref(change), again))
                .collect()
        } else {
            self.step(&row, &changes, again).into_iter().collect()
        };
        Group {
            row,
            steps,
            finally: Vec::new(),
            again,
            weight,
            due: None,
        }
    }

    /// `again`: the master's move is agreed on with the exceptions, not before.
    fn step(&self, row: &Row, changes: &[ComponentChange], again: bool) -> Option<Step> {
        let first = changes.first()?;
        let target = target(self.b, &first.key)?;
        let mut account = self.flow.account(
            row,
            first.key,
            self.want.series(),
            ActionKind::Update,
            self.reason,
            changes
                .iter()
                .flat_map(|change| told(self.want.series(), &self.b.series, change))
                .collect(),
        );
        account.counted = counts(self.want.series(), first);
        let mut agrees: Vec<(ComponentKey, Option<Value>)> = changes
            .iter()
            .filter(|_| !again)
            .map(|change| (change.key, value(&self.a.series, &change.key)))
            .collect();
        agrees.dedup_by(|a, b| a.0 == b.0);
        Some(Flow::<B>::update(
            row,
            Update {
                target,
                series: self.want.clone(),
                changes: changes.to_vec(),
                tag: None,
            },
            &self.b.series,
            agrees,
            account,
        ))
    }

    fn empties(&self, change: &ComponentChange) -> bool {
        self.reason != Reason::Settings && empties(self.want.series(), &self.b.series, change)
    }
}

/// A change for people: what the target shows and will show.
pub(super) fn told(want: &Series, now: &Series, change: &ComponentChange) -> Vec<FieldChange> {
    let want = Standing::of(want, &change.key);
    let now = Standing::of(now, &change.key);
    match (&change.change, want.fields()) {
        (Change::Set(set), Some(want)) => diff::changes(now.fields(), want, set),
        (Change::Add | Change::Inherit, Some(want)) => {
            let set = now.fields().map_or_else(
                || Field::ALL.into_iter().collect(),
                |now| differing(want, now),
            );
            diff::changes(now.fields(), want, &set)
        }
        _ => Vec::new(),
    }
}

/// Whether a change empties a text.
pub(super) fn empties(want: &Series, now: &Series, change: &ComponentChange) -> bool {
    let want = Standing::of(want, &change.key);
    let now = Standing::of(now, &change.key);
    match (&change.change, want.fields(), now.fields()) {
        (Change::Set(set), Some(want), Some(now)) => steps::empties(set, want, now),
        _ => false,
    }
}

/// A write that only keeps a silent exception silent is no event of its own.
pub(super) fn counts(want: &Series, change: &ComponentChange) -> bool {
    !(matches!(change.change, Change::Set(_))
        && matches!(Standing::of(want, &change.key), Standing::Inherit(_)))
}

/// The component that speaks for the whole.
fn first_key(series: &Series) -> ComponentKey {
    if series.master.is_some() {
        return ComponentKey::Master;
    }
    series
        .overrides
        .keys()
        .next()
        .map_or(ComponentKey::Master, |id| ComponentKey::Override(*id))
}

fn all_changes(series: &Series, key: &ComponentKey) -> Vec<FieldChange> {
    let standing = Standing::of(series, key);
    let Some(fields) = standing.fields() else {
        return Vec::new();
    };
    let all: FieldSet = Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Visibility && !diff::shown(*field, fields).is_empty())
        .collect();
    diff::changes(None, fields, &all)
}
