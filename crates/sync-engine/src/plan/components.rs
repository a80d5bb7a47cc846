//! What is inside a series that both sides hold as a series: master and overrides, one by one.
//!
//! What each component needs is decided in `compare`, and turned into steps in `writing`.

use std::collections::BTreeSet;

use super::compare::{Comparing, Need};
use super::flow::Flow;
use super::operation::{Reason, Value};
use super::steps::value;
use super::writing::Writing;
use super::{Plan, SeriesInput};
use crate::diff::{self, Standing};
use crate::model::{ComponentKey, Field, Fields, OverrideValue, Series, SideTag};
use crate::ports::side::{Change, ComponentChange};
use crate::ports::store::RowChange;
use crate::projection::{Projected, Shaped};
use crate::recurrence::Given;
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::Snapshot;

/// Brings the target in step with the source, component by component.
pub(super) fn update<A: SideTag, B: Sided>(
    flow: &Flow<'_, B>,
    input: &SeriesInput,
    mut row: Row,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    want: &Projected,
    plan: &mut Plan,
) {
    let a_echo = row
        .link::<A>()
        .map(|link| link.echo.clone())
        .unwrap_or_default();
    let b_echo = row
        .link::<B>()
        .map(|link| link.echo.clone())
        .unwrap_or_default();
    let had = match flow.projection.shape(&a_echo) {
        Shaped::Series(had) => had.series().clone(),
        Shaped::Nothing => Series::default(),
    };
    let mut changes: Vec<ComponentChange> = Vec::new();
    let mut agreed: Vec<ComponentKey> = Vec::new();
    let master = want.series().master.as_ref();
    let comparing = Comparing {
        want: want.series(),
        had: &had,
        now: &b.series,
        echo: &b_echo,
        // What a move of the master made of its overrides is our doing, no edit to be kept.
        restore: flow.restore || moved(want.series(), &had),
        anew: flow.reproject,
        visibility: flow.target().visibility,
        given: master.map(|master| Given::of(master, flow.floating)),
        gives: match (master, &b.series.master) {
            (None, Some(shown)) => Some(Given::of(shown, flow.floating)),
            _ => None,
        },
    };
    let mut restored = true;
    for key in keys(&comparing, b, &a_echo) {
        let need = if key == ComponentKey::Master {
            comparing.master()
        } else {
            comparing.an_override(&key, flow.target().exceptions_apart)
        };
        restored &= !comparing.source_changed(&key);
        match need {
            Need::Nothing => {}
            Need::Agree => agreed.push(key),
            Need::Write(change) => changes.push(ComponentChange { key, change }),
        }
    }
    if flow.target().exceptions_apart {
        shadows(comparing.want, b, &mut changes);
    }
    for key in &agreed {
        agree::<A, B>(&mut row, a, b, key);
    }
    if changes.is_empty() {
        row.setbacks.clear();
        row.due = None;
        if input.row.as_ref() != Some(&row) {
            plan.rows.push(RowChange::Put(Box::new(row)));
        }
        return;
    }
    let reason = if flow.reproject {
        Reason::Settings
    } else if restored {
        Reason::Restored
    } else {
        Reason::Changed
    };
    let group = Writing {
        flow,
        a,
        b,
        want,
        reason,
    }
    .group(row, changes);
    plan.groups.push(group);
}

fn moved(want: &Series, had: &Series) -> bool {
    match (&want.master, &had.master) {
        (Some(want), Some(had)) => !diff::same(Field::When, want, had),
        _ => false,
    }
}

/// Every component that any of the states knows.
fn keys<B: SideTag>(
    comparing: &Comparing<'_>,
    b: &Snapshot<B>,
    a_echo: &Series,
) -> BTreeSet<ComponentKey> {
    let mut keys: BTreeSet<ComponentKey> = [
        comparing.want,
        comparing.had,
        comparing.now,
        comparing.echo,
        a_echo,
    ]
    .into_iter()
    .flat_map(|series| series.overrides.keys())
    .map(|id| ComponentKey::Override(*id))
    .collect();
    keys.extend(b.exceptions().map(|(id, _)| ComponentKey::Override(*id)));
    keys.insert(ComponentKey::Master);
    keys
}

/// Both show the same: each side's echo becomes what it shows.
pub(super) fn agree<A: SideTag, B: SideTag>(
    row: &mut Row,
    a: &Snapshot<A>,
    b: &Snapshot<B>,
    key: &ComponentKey,
) {
    if let Some(link) = row.link_mut::<A>() {
        link.echo.take(key, value(&a.series, key));
    }
    if let Some(link) = row.link_mut::<B>() {
        link.echo.take(key, value(&b.series, key));
    }
}

impl Series {
    /// A component's own fields, to be changed.
    pub(crate) fn fields_mut(&mut self, key: &ComponentKey) -> Option<&mut Fields> {
        match key {
            ComponentKey::Master => self.master.as_mut(),
            ComponentKey::Override(id) => match self.overrides.get_mut(id)? {
                OverrideValue::Fields(fields) => Some(fields),
                OverrideValue::Cancelled => None,
            },
        }
    }

    /// Puts a component's value in place; `None` takes it out.
    pub(crate) fn take(&mut self, key: &ComponentKey, value: Option<Value>) {
        match (key, value) {
            (ComponentKey::Master, Some(Value::Master(fields))) => self.master = Some(*fields),
            (ComponentKey::Master, _) => self.master = None,
            (ComponentKey::Override(id), Some(Value::Override(value))) => {
                self.overrides.insert(*id, value);
            }
            (ComponentKey::Override(id), _) => {
                self.overrides.remove(id);
            }
        }
    }
}

/// An exception that says nothing of its own any more cannot be unmade at Google: it is written
/// along with every change of the master.
pub(super) fn shadows<B: SideTag>(
    want: &Series,
    b: &Snapshot<B>,
    changes: &mut Vec<ComponentChange>,
) {
    let Some(set) = changes.iter().find_map(|change| match &change.change {
        Change::Set(set) if change.key == ComponentKey::Master => Some(set.clone()),
        _ => None,
    }) else {
        return;
    };
    if set.contains(&Field::When) {
        // They are read back first: the master's move may have swept them away.
        return;
    }
    for (id, _) in b.exceptions() {
        let key = ComponentKey::Override(*id);
        let silent = matches!(Standing::of(want, &key), Standing::Inherit(_))
            && matches!(Standing::of(&b.series, &key), Standing::Inherit(_));
        if silent && !changes.iter().any(|change| change.key == key) {
            changes.push(ComponentChange {
                key,
                change: Change::Set(set.clone()),
            });
        }
    }
}
