//! A CalDAV series that Google holds as single events, in a mapping that goes both ways: editing
//! such an event is an override of that occurrence, deleting it calls the occurrence off.

use std::collections::{BTreeMap, BTreeSet};

use super::contest::Ruling;
use super::crossing::remember_all;
use super::merging::Merging;
use super::operation::{Reason, Step, Value};
use super::party::{every, projected};
use super::steps::value;
use super::two_way::note_conflicts;
use super::{Group, Plan, SeriesInput, Weight, emptied, expanded};
use crate::diff::{self, Standing, differing};
use crate::model::{
    Caldav, ComponentKey, FieldSet, Fields, Google, OverrideValue, RecurrenceId, Series, Side,
};
use crate::plan::operation::ActionKind;
use crate::ports::side::{Change, ComponentChange, Update};
use crate::projection::Projected;
use crate::projection::expand::{Singles, Why, only_occurrence};
use crate::row::Row;
use crate::snapshot::inherited;

/// What people did to single events at Google since both agreed, as changes of the series.
#[derive(Default)]
struct Back {
    changes: Vec<ComponentChange>,
    /// What CalDAV is to show of these occurrences.
    want: BTreeMap<RecurrenceId, OverrideValue>,
    /// The single events at Google that this comes from.
    agrees: Vec<ComponentKey>,
    /// What CalDAV changed of these and Google has yet to be told.
    spares: Vec<(ComponentKey, Option<FieldSet>)>,
    /// The event itself, where it does not repeat.
    master: Option<Fields>,
    /// Occurrences called off because their single event vanished.
    cancelled: u32,
    /// Waits for a person.
    open: BTreeSet<RecurrenceId>,
    contested: bool,
}

impl Back {
    /// A person wants the texts back that were emptied.
    fn put_texts_back(&mut self, merging: &Merging<'_>) {
        for (key, fields, emptied) in emptied::put_back(merging) {
            if self.changes.iter().any(|change| change.key == key) {
                continue;
            }
            match key {
                ComponentKey::Master => self.master = Some(fields),
                ComponentKey::Override(id) => {
                    let fields = OverrideValue::Fields(Box::new(fields));
                    self.want.insert(id, fields);
                }
            }
            self.spares.push((key, Some(emptied::rest(&emptied))));
            self.changes.push(ComponentChange {
                key,
                change: Change::Set(emptied),
            });
        }
    }

    /// The write to CalDAV; Google's part is planned from what the series then is.
    fn group(&self, row: Row, step: Step) -> Group {
        Group {
            row,
            steps: vec![step],
            finally: Vec::new(),
            again: true,
            weight: if self.cancelled > 0 {
                Weight::Removes
            } else {
                Weight::Light
            },
            due: None,
        }
    }
}

/// Brings both sides in step.
pub(super) fn update(
    merging: &Merging<'_>,
    input: &SeriesInput,
    mut row: Row,
    want: &Projected,
    why: Why,
    plan: &mut Plan,
) {
    let conflicts = plan.conflicts.len();
    let back = gather(merging, &row, want, plan);
    note_conflicts(&mut row, conflicts, plan);
    if is_new(merging) && back.open.is_empty() {
        link(merging, &mut row, want);
    }
    if let Some(step) = write_back(merging, &row, &back) {
        plan.groups.push(back.group(row, step));
        return;
    }
    if !back.open.is_empty() {
        return super::one_way::keep_if_new(input, row, plan);
    }
    remember_all(&mut row, merging.c);
    remember_all(&mut row, merging.g);
    if merging.anew
        && let Some(link) = row.link_mut::<Caldav>()
    {
        // New settings: every field counts as changed, also after something went to CalDAV first.
        link.echo = Series::default();
    }
    expanded::update::<Caldav, Google>(
        &merging.flows.google,
        input.row.as_ref(),
        row,
        merging.c,
        Some(merging.g),
        want,
        why,
        Reason::Changed,
        plan,
    );
}

/// Before the single events are folded back into a series: what people did to them goes to CalDAV
/// first. Says whether there is anything.
pub(super) fn back(merging: &Merging<'_>, mut row: Row, want: &Projected, plan: &mut Plan) -> bool {
    let conflicts = plan.conflicts.len();
    let back = gather(merging, &row, want, plan);
    note_conflicts(&mut row, conflicts, plan);
    let Some(step) = write_back(merging, &row, &back) else {
        return !back.open.is_empty();
    };
    plan.groups.push(back.group(row, step));
    true
}

/// Whether nothing was ever agreed on.
fn is_new(merging: &Merging<'_>) -> bool {
    merging.caldav.echo.is_empty() && merging.google.echo.is_empty() && !merging.anew
}

/// One occurrence of a series as a single event.
fn single(series: &Singles<'_>, id: RecurrenceId) -> Option<Fields> {
    series.at(id)?.series().master.clone()
}

/// Links single events that were found: what may cross and is the same on both sides is agreed on,
/// and what a rule keeps from crossing is as the people of each side have it.
fn link(merging: &Merging<'_>, row: &mut Row, want: &Projected) {
    let want = Singles::of(want, merging.flows.floating());
    for (id, _) in merging.g.exceptions() {
        let key = ComponentKey::Override(*id);
        let now = merging.google.now.own_fields(&key);
        let (Some(shows), Some(now)) = (single(&want, *id), now) else {
            continue;
        };
        let same = differing(now, &shows)
            .iter()
            .all(|field| !merging.google.mask.contains(field));
        if let (true, Some(link)) = (same, row.link_mut::<Google>()) {
            link.echo.take(&key, value(merging.google.now, &key));
        }
    }
    if let Some(link) = row.link_mut::<Caldav>() {
        link.echo = merging.caldav.now.clone();
    }
}

fn gather(merging: &Merging<'_>, row: &Row, want: &Projected, plan: &mut Plan) -> Back {
    let mut back = Back::default();
    if merging.fixed == Some(Side::Caldav) {
        return back;
    }
    let had = projected(merging.caldav.had.clone());
    let floating = merging.flows.floating();
    let (want, had) = (Singles::of(want, floating), Singles::of(&had, floating));
    let unsaid = merging.unsaid(row, Side::Google);
    let known: Vec<(&RecurrenceId, Option<&Fields>)> = if is_new(merging) {
        merging.g.exceptions().map(|(id, _)| (id, None)).collect()
    } else {
        let known = merging.google.echo.overrides.iter();
        known
            .filter_map(|(id, value)| match value {
                OverrideValue::Fields(fields) => Some((id, Some(fields.as_ref()))),
                OverrideValue::Cancelled => None,
            })
            .collect()
    };
    for (id, before) in known {
        let key = ComponentKey::Override(*id);
        let now = merging
            .g
            .parts
            .contains_key(&key)
            .then(|| merging.google.now.own_fields(&key))
            .flatten();
        let source = (single(&want, *id), single(&had, *id));
        // An occurrence that the series lost takes its single event along; so does one that was
        // not there.
        let (Some(shows), had) = source else {
            continue;
        };
        let changed: FieldSet = had
            .as_ref()
            .map_or_else(every, |had| differing(&shows, had))
            .intersection(&merging.caldav.mask)
            .copied()
            .collect();
        match now {
            // Written just now, and not found yet: it may only be late.
            None if expanded::is_late(&merging.flows.google, merging.g, &key) => {}
            None => {
                let ruling = (!changed.is_empty())
                    .then(|| rule(merging, row, key, &FieldSet::new(), &mut back, plan));
                if !matches!(ruling, None | Some(Ruling::All(Side::Google))) {
                    continue;
                }
                back.agrees.push(key);
                back.want.insert(*id, OverrideValue::Cancelled);
                back.changes.push(ComponentChange {
                    key,
                    change: Change::Cancel,
                });
                back.cancelled = back.cancelled.saturating_add(1);
            }
            Some(now) => {
                let edited: FieldSet = before
                    .map_or_else(every, |before| differing(now, before))
                    .into_iter()
                    .filter(|field| merging.google.mask.contains(field))
                    .filter(|field| !diff::same(*field, now, &shows))
                    .collect();
                if edited.is_empty() {
                    continue;
                }
                let crosses = if changed.is_empty() {
                    edited
                } else {
                    let both = edited.intersection(&changed).copied().collect();
                    match rule(merging, row, key, &both, &mut back, plan) {
                        Ruling::All(Side::Google) => {
                            let overruled = differing(now, &shows)
                                .into_iter()
                                .filter(|field| changed.contains(field))
                                .filter(|field| merging.google.mask.contains(field))
                                .filter(|field| !unsaid.are(merging.google.now, &key, *field));
                            edited.iter().copied().chain(overruled).collect()
                        }
                        Ruling::Each(sides) => edited
                            .into_iter()
                            .filter(|field| sides.get(field) != Some(&Side::Caldav))
                            .collect(),
                        Ruling::All(Side::Caldav) | Ruling::Open => continue,
                    }
                };
                if crosses.is_empty() {
                    continue;
                }
                let waits: FieldSet = changed.difference(&crosses).copied().collect();
                edit(merging, *id, now, &crosses, waits, &mut back);
            }
        }
    }
    if merging.flows.input.restoring.contains(&row.key) {
        back.put_texts_back(merging);
    }
    back
}

/// Whose version of an occurrence is taken, where both sides changed it.
fn rule(
    merging: &Merging<'_>,
    row: &Row,
    key: ComponentKey,
    both: &FieldSet,
    back: &mut Back,
    plan: &mut Plan,
) -> Ruling {
    back.contested = true;
    let mut contest = merging.contest(row, key);
    if let Standing::Inherit(fields) = contest.caldav {
        // What Google has of it is an event of its own, and its fields are what is compared.
        contest.caldav = Standing::Own(fields);
    }
    let ruling = contest.settle(both, plan);
    if ruling == Ruling::Open {
        back.open.extend(key.recurrence_id());
    }
    ruling
}

/// An edited single event: an override of its occurrence, with these fields; of an event that does
/// not repeat it is the event itself. `waits`: what CalDAV changed of it and Google has yet to get.
fn edit(
    merging: &Merging<'_>,
    id: RecurrenceId,
    now: &Fields,
    set: &FieldSet,
    waits: FieldSet,
    back: &mut Back,
) {
    let key = ComponentKey::Override(id);
    if let Some(master) = &merging.caldav.now.master
        && only_occurrence(merging.caldav.now) == Some(id)
    {
        let mut fields = master.clone();
        for field in set {
            diff::copy(*field, now, &mut fields);
        }
        back.master = Some(fields);
        back.agrees.push(key);
        back.changes.push(ComponentChange {
            key: ComponentKey::Master,
            change: Change::Set(set.clone()),
        });
        back.spares.push((ComponentKey::Master, Some(waits)));
        return;
    }
    let standing = Standing::of(merging.caldav.now, &key);
    let (mut fields, own) = match (&standing, &merging.caldav.now.master) {
        (Standing::Own(fields), _) => (fields.as_ref().clone(), true),
        (_, Some(master)) => (inherited(master, id), false),
        _ => return,
    };
    for field in set {
        diff::copy(*field, now, &mut fields);
    }
    fields.recurrence = None;
    back.want
        .insert(id, OverrideValue::Fields(Box::new(fields)));
    back.agrees.push(key);
    back.spares.push((key, Some(waits)));
    back.changes.push(ComponentChange {
        key,
        change: if own {
            Change::Set(set.clone())
        } else {
            Change::Add
        },
    });
}

/// One write to the CalDAV object for all of them.
fn write_back(merging: &Merging<'_>, row: &Row, back: &Back) -> Option<Step> {
    let first = back.changes.first()?;
    let mut series: Series = merging.caldav.now.clone();
    if let Some(master) = &back.master {
        series.master = Some(master.clone());
    }
    for (id, value) in &back.want {
        series.overrides.insert(*id, value.clone());
    }
    let changes = back
        .changes
        .iter()
        .flat_map(|change| super::writing::told(&series, merging.caldav.now, change))
        .filter(|change| every().contains(&change.field))
        .collect();
    let reason = if back.contested {
        Reason::Conflict
    } else {
        Reason::Changed
    };
    let account =
        merging
            .flows
            .caldav
            .account(row, first.key, &series, ActionKind::Update, reason, changes);
    let agrees: Vec<(ComponentKey, Option<Value>)> = back
        .agrees
        .iter()
        .map(|key| (*key, value(merging.google.now, key)))
        .collect();
    let mut step = super::flow::Flow::<Caldav>::update(
        row,
        Update {
            target: super::steps::target(merging.c, &first.key)?,
            series: projected(series),
            changes: back.changes.clone(),
            tag: None,
        },
        &merging.c.series,
        agrees,
        account,
    );
    step.spare(back.spares.clone());
    Some(step)
}
