//! What is inside a series that both sides hold as a series: master and overrides, one by one.
//!
//! Only changed fields cross. A component of the source changed when its *projection* differs from
//! the projection of its echo; a component of the target changed when it differs from the target's
//! own echo. Where both show the same already, the echoes are set anew without a write.

use std::collections::BTreeSet;

use super::flow::Flow;
use super::operation::{Reason, Step, Value};
use super::steps::{self, target, value};
use super::{Group, Plan, SeriesInput, Weight, one_way};
use crate::diff::{self, Standing, differing};
use crate::model::{ComponentKey, Field, FieldSet, Fields, OverrideValue, Series, SideTag};
use crate::ports::side::{Change, ComponentChange, Resource, Target, Update};
use crate::ports::store::RowChange;
use crate::projection::expand::is_occurrence;
use crate::projection::{Projected, Shaped};
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
        made.push(flow.update(
            row,
            Update {
                // Its version is known once the master is there.
                target: Target::Occurrence {
                    series: Resource {
                        id: crate::model::ResourceId::new(
                            flow.tag(row, &ComponentKey::Master).google_id().as_str(),
                        ),
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
            vec![(key, value(&a.series, &key))],
            told,
        ));
    }
    made
}

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
    let comparing = Comparing {
        want: want.series(),
        had: &had,
        now: &b.series,
        echo: &b_echo,
        restore: flow.restore,
        anew: flow.reproject,
        visibility: flow.target().visibility,
    };
    let mut restored = true;
    for key in keys(&comparing, b, &a_echo) {
        let need = if key == ComponentKey::Master {
            comparing.master()
        } else {
            comparing.an_override(&key, flow.target().exceptions_apart, flow.floating)
        };
        restored &= !comparing.source_changed(&key);
        match need {
            Need::Nothing => {}
            Need::Agree => agreed.push(key),
            Need::Write(change) => changes.push(ComponentChange { key, change }),
        }
    }
    if flow.target().exceptions_apart {
        shadows(&comparing, b, &mut changes);
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
fn agree<A: SideTag, B: SideTag>(
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

/// The four states of a component: wanted, wanted before, shown, shown before.
struct Comparing<'a> {
    want: &'a Series,
    had: &'a Series,
    now: &'a Series,
    echo: &'a Series,
    /// Edits on the target are put back.
    restore: bool,
    /// Everything counts as changed on the source.
    anew: bool,
    /// The target has a visibility.
    visibility: bool,
}

/// What a component needs.
enum Need {
    Nothing,
    Agree,
    Write(Change),
}

impl Comparing<'_> {
    fn source_changed(&self, key: &ComponentKey) -> bool {
        self.anew || !alike(&Standing::of(self.want, key), &Standing::of(self.had, key))
    }

    fn target_changed(&self, key: &ComponentKey) -> bool {
        !alike(&Standing::of(self.now, key), &Standing::of(self.echo, key))
    }

    /// The fields of `want` that must be written over `now`, given what each side showed before.
    fn crossing(
        &self,
        want: &Fields,
        had: Option<&Fields>,
        now: &Fields,
        echo: Option<&Fields>,
    ) -> FieldSet {
        differing(want, now)
            .into_iter()
            .filter(|field| *field != Field::Visibility || self.visibility)
            .filter(|field| {
                self.anew
                    || had.is_none_or(|had| !diff::same(*field, want, had))
                    || (self.restore && echo.is_none_or(|echo| !diff::same(*field, now, echo)))
            })
            .collect()
    }

    fn master(&self) -> Need {
        let key = ComponentKey::Master;
        let source = self.source_changed(&key);
        let target = self.target_changed(&key);
        if !source && !(target && self.restore) {
            return Need::Nothing;
        }
        let (Some(want), Some(now)) = (&self.want.master, &self.now.master) else {
            return Need::Nothing;
        };
        let set = self.crossing(
            want,
            self.had.master.as_ref(),
            now,
            self.echo.master.as_ref(),
        );
        if set.is_empty() {
            Need::Agree
        } else {
            Need::Write(Change::Set(set))
        }
    }

    fn an_override(
        &self,
        key: &ComponentKey,
        apart: bool,
        floating: &crate::model::ZoneName,
    ) -> Need {
        let ComponentKey::Override(id) = key else {
            return Need::Nothing;
        };
        let source = self.source_changed(key);
        let target = self.target_changed(key);
        if !source && !(target && self.restore) {
            return Need::Nothing;
        }
        let want = Standing::of(self.want, key);
        let now = Standing::of(self.now, key);
        let occurs = self
            .want
            .master
            .as_ref()
            .is_some_and(|master| is_occurrence(master, *id, floating));
        match (&want, &now) {
            (Standing::Cancelled, Standing::Cancelled)
            | (Standing::Nothing, Standing::Nothing)
            | (Standing::Inherit(_), Standing::Inherit(_)) => Need::Agree,
            // Calling off, or restoring, what does not take place anyway.
            (
                Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing,
                Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing,
            ) if !occurs => Need::Agree,
            // A stray exception at a time the series no longer takes place at.
            (Standing::Cancelled | Standing::Inherit(_) | Standing::Nothing, Standing::Own(_))
                if !occurs =>
            {
                Need::Write(if apart {
                    Change::Cancel
                } else {
                    Change::Inherit
                })
            }
            (Standing::Cancelled, _) => Need::Write(Change::Cancel),
            (Standing::Inherit(_) | Standing::Nothing, _) => Need::Write(Change::Inherit),
            (Standing::Own(want), Standing::Own(now)) => {
                let had = Standing::of(self.had, key);
                let echo = Standing::of(self.echo, key);
                let set = self.crossing(want, had.fields(), now, echo.fields());
                if set.is_empty() {
                    Need::Agree
                } else {
                    Need::Write(Change::Set(set))
                }
            }
            (Standing::Own(_), _) => Need::Write(Change::Add),
        }
    }
}

/// Whether two standings say the same; what an override inherits is the master's matter.
fn alike(a: &Standing, b: &Standing) -> bool {
    match (a, b) {
        (Standing::Own(a), Standing::Own(b)) => a == b,
        (Standing::Cancelled, Standing::Cancelled)
        | (Standing::Inherit(_) | Standing::Nothing, Standing::Inherit(_) | Standing::Nothing) => {
            true
        }
        _ => false,
    }
}

/// An exception that says nothing of its own any more cannot be unmade at Google: it is written
/// along with every change of the master.
fn shadows<B: SideTag>(
    comparing: &Comparing<'_>,
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
        let silent = matches!(Standing::of(comparing.want, &key), Standing::Inherit(_))
            && matches!(Standing::of(comparing.now, &key), Standing::Inherit(_));
        if silent && !changes.iter().any(|change| change.key == key) {
            changes.push(ComponentChange {
                key,
                change: Change::Set(set.clone()),
            });
        }
    }
}

/// Turns changes into the steps of a group.
struct Writing<'a, A: SideTag, B: SideTag> {
    flow: &'a Flow<'a, B>,
    a: &'a Snapshot<A>,
    b: &'a Snapshot<B>,
    want: &'a Projected,
    reason: Reason,
}

impl<A: SideTag, B: Sided> Writing<'_, A, B> {
    fn group(&self, row: Row, mut changes: Vec<ComponentChange>) -> Group {
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
                .filter_map(|change| self.step(&row, std::slice::from_ref(change)))
                .collect()
        } else {
            self.step(&row, &changes).into_iter().collect()
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

    fn step(&self, row: &Row, changes: &[ComponentChange]) -> Option<Step> {
        let first = changes.first()?;
        let target = target(self.b, &first.key)?;
        let mut told = self.flow.account(
            row,
            first.key,
            self.want.series(),
            super::operation::ActionKind::Update,
            self.reason,
            changes
                .iter()
                .flat_map(|change| self.told(change))
                .collect(),
        );
        // A write that only keeps a silent exception silent is no event of its own.
        told.counted = !(matches!(first.change, Change::Set(_))
            && matches!(
                Standing::of(self.want.series(), &first.key),
                Standing::Inherit(_)
            ));
        let mut agrees: Vec<(ComponentKey, Option<Value>)> = changes
            .iter()
            .map(|change| (change.key, value(&self.a.series, &change.key)))
            .collect();
        agrees.dedup_by(|a, b| a.0 == b.0);
        Some(self.flow.update(
            row,
            Update {
                target,
                series: self.want.clone(),
                changes: changes.to_vec(),
                tag: None,
            },
            agrees,
            told,
        ))
    }

    fn told(&self, change: &ComponentChange) -> Vec<super::operation::FieldChange> {
        let want = Standing::of(self.want.series(), &change.key);
        let now = Standing::of(&self.b.series, &change.key);
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

    fn empties(&self, change: &ComponentChange) -> bool {
        let want = Standing::of(self.want.series(), &change.key);
        let now = Standing::of(&self.b.series, &change.key);
        match (&change.change, want.fields(), now.fields()) {
            (Change::Set(set), Some(want), Some(now)) => {
                self.reason != Reason::Settings && steps::empties(set, want, now)
            }
            _ => false,
        }
    }
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

fn all_changes(series: &Series, key: &ComponentKey) -> Vec<super::operation::FieldChange> {
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
