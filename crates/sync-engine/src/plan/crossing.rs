//! From what crosses to the steps that write it: CalDAV first, in one write, then Google.
//!
//! A component of which fields cross both ways is agreed on half by half: what has not crossed yet
//! stays out of the echoes until it has.

use std::collections::BTreeMap;

use super::contest::remember;
use super::flow::Flow;
use super::gathered::{Crossing, Gathered};
use super::merging::Merging;
use super::operation::{Account, ActionKind, Reason, Step, Value};
use super::party::{Party, projected};
use super::steps::{target, value};
use super::writing::{counts, empties, told};
use super::{Group, Weight};
use crate::diff::{self, Standing, differing};
use crate::model::{
    Caldav, ComponentKey, Field, FieldSet, Google, OverrideValue, Series, Side, SideTag,
};
use crate::ports::side::{ComponentChange, Update};
use crate::projection::Projected;
use crate::row::Row;
use crate::sided::Sided;
use crate::snapshot::{Snapshot, inherited};

/// The writes that bring both sides in step. `only_back`: nothing is written to Google yet, and what
/// is to cross there stays out of the echoes.
pub(super) fn group(
    merging: &Merging<'_>,
    row: Row,
    gathered: &Gathered,
    only_back: bool,
) -> Group {
    let reason = if gathered.contested {
        Reason::Conflict
    } else if merging.anew {
        Reason::Settings
    } else {
        Reason::Changed
    };
    let (on_caldav, on_google) = wanted(merging, &row, gathered);
    let mut to_caldav = changes(merging, gathered, Side::Caldav, &on_caldav);
    let mut to_google = changes(merging, gathered, Side::Google, &on_google);
    if gathered.again && gathered.to_google.contains_key(&ComponentKey::Master) {
        to_google.retain(|change| change.key == ComponentKey::Master);
    }
    if merging.apart(Side::Google) {
        super::components::shadows(&on_google, merging.g, &mut to_google);
    }
    if only_back {
        to_google.clear();
    }
    to_caldav.sort_by_key(|change| change.key);
    let empties = to_caldav
        .iter()
        .any(|change| empties(&on_caldav, merging.caldav.now, change))
        || to_google
            .iter()
            .any(|change| empties(&on_google, merging.google.now, change));
    let weight = if empties && !gathered.contested && !merging.anew {
        Weight::Empties
    } else {
        Weight::Light
    };
    let on_caldav = projected(on_caldav);
    let on_google = projected(on_google);
    let mut steps = Vec::new();
    let writing = Writing {
        merging,
        gathered,
        row: &row,
        reason,
    };
    if !to_caldav.is_empty() {
        steps.extend(writing.to_caldav(&on_caldav, &to_caldav));
    }
    if merging.apart(Side::Google) {
        for change in &to_google {
            steps.extend(writing.to_google(&on_google, std::slice::from_ref(change)));
        }
    } else if !to_google.is_empty() {
        steps.extend(writing.to_google(&on_google, &to_google));
    }
    Group {
        row,
        steps,
        finally: Vec::new(),
        again: gathered.again || gathered.later,
        weight,
        due: None,
    }
}

/// What each side is to show: what the other lets through, with what is carried along.
fn wanted(merging: &Merging<'_>, row: &Row, gathered: &Gathered) -> (Series, Series) {
    let mut on_caldav = merging.google.out.clone();
    let mut on_google = merging.caldav.out.clone();
    let crossing = |to: &BTreeMap<ComponentKey, Crossing>| to.get(&ComponentKey::Master).cloned();
    adapt(
        &mut on_caldav,
        &merging.google,
        &merging.caldav,
        crossing(&gathered.to_caldav).as_ref(),
        crossing(&gathered.to_google).as_ref(),
    );
    adapt(
        &mut on_google,
        &merging.caldav,
        &merging.google,
        crossing(&gathered.to_google).as_ref(),
        crossing(&gathered.to_caldav).as_ref(),
    );
    for (id, carried) in &gathered.carried {
        let (mover, stays) = match carried.mover {
            Side::Caldav => (&mut on_caldav, &mut on_google),
            Side::Google => (&mut on_google, &mut on_caldav),
        };
        // The side that moved keeps what it shows but for this.
        for (series, value) in [(mover, &carried.told), (stays, &carried.own)] {
            match value {
                Some(value) => series.overrides.insert(*id, value.clone()),
                None => series.overrides.remove(id),
            };
        }
    }
    for (to, want) in [
        (Side::Caldav, &mut on_caldav),
        (Side::Google, &mut on_google),
    ] {
        let unsaid = merging.unsaid(row, to.other());
        unsaid.spare(want, merging.party(to).now);
    }
    (on_caldav, on_google)
}

/// An override that is new on the receiving side: where it says what its master said, and nobody
/// changed that since, the receiver's own words for it are taken. What was cut or shaped on its way
/// does not come back by this road. `crossing`, `back`: what of the masters crosses to the receiver, and
/// from it: then both have the same word for it, and the override keeps its own.
fn adapt(
    want: &mut Series,
    from: &Party<'_>,
    receiver: &Party<'_>,
    crossing: Option<&Crossing>,
    back: Option<&Crossing>,
) {
    let (Some(sender), Some(had), Some(master), Some(agreed)) = (
        want.master.clone(),
        &from.had.master,
        &receiver.now.master,
        &receiver.echo.master,
    ) else {
        return;
    };
    let crosses = |field: &Field| {
        [crossing, back].into_iter().flatten().any(|way| match way {
            Crossing::Fields(set) => set.contains(field),
            Crossing::Whole => true,
        })
    };
    for (id, value) in &mut want.overrides {
        let OverrideValue::Fields(own) = value else {
            continue;
        };
        if matches!(
            receiver.now.overrides.get(id),
            Some(OverrideValue::Fields(_))
        ) {
            continue;
        }
        let says = differing(own, &inherited(&sender, *id));
        let here = inherited(master, *id);
        for field in super::party::every() {
            let unchanged = diff::same(field, master, agreed) && diff::same(field, &sender, had);
            if !says.contains(&field) && !crosses(&field) && unchanged {
                diff::copy(field, &here, own);
            }
        }
    }
}

fn changes(
    merging: &Merging<'_>,
    gathered: &Gathered,
    to: Side,
    want: &Series,
) -> Vec<ComponentChange> {
    let crossings = match to {
        Side::Caldav => &gathered.to_caldav,
        Side::Google => &gathered.to_google,
    };
    let mut mover_shows = None;
    crossings
        .iter()
        .filter_map(|(key, crossing)| {
            let carried = key.recurrence_id().and_then(|id| gathered.carried.get(&id));
            let need = match carried {
                None => merging.need(want, key, to, crossing, &merging.party(to.other()).mask),
                // Its master is the one that moved, not what the other side has; and what that says
                // already needs no override.
                Some(carried) if carried.mover == to => {
                    let series = mover_shows.get_or_insert_with(|| {
                        let mut shows = Series {
                            master: merging.party(to).now.master.clone(),
                            overrides: want.overrides.clone(),
                        };
                        super::party::drop_inherited(&mut shows, merging.flows.floating());
                        shows
                    });
                    merging.need(series, key, to, crossing, &merging.party(to.other()).mask)
                }
                Some(_) => merging.need(want, key, to, crossing, &super::party::every()),
            };
            match need {
                super::compare::Need::Write(change) => Some(ComponentChange { key: *key, change }),
                _ => None,
            }
        })
        .collect()
}

/// What all steps of a group share.
struct Writing<'a, 'b> {
    merging: &'a Merging<'b>,
    gathered: &'a Gathered,
    row: &'a Row,
    reason: Reason,
}

impl Writing<'_, '_> {
    fn to_caldav(&self, want: &Projected, changes: &[ComponentChange]) -> Option<Step> {
        let mut agrees = Vec::new();
        let mut spares = Vec::new();
        for change in changes {
            let key = change.key;
            let carried = key
                .recurrence_id()
                .and_then(|id| self.gathered.carried.get(&id));
            match carried {
                None if self.gathered.waits.contains(&key) => {
                    agrees.extend(self.in_part(&key, Side::Google));
                    spares.push((key, self.untouched(&key, Side::Caldav)));
                }
                None => {
                    let mut now = value(self.merging.google.now, &key);
                    if let Some(Crossing::Fields(fields)) = self.gathered.to_google.get(&key) {
                        self.keep_taken_back(&key, fields, now.as_mut());
                        spares.push((key, Some(fields.clone())));
                    }
                    agrees.push((key, now));
                }
                // Google has yet to be told.
                Some(carried) if carried.mover == Side::Google => spares.push((key, None)),
                Some(_) => {}
            }
        }
        self.step::<Caldav>(
            &self.merging.flows.caldav,
            self.merging.c,
            want,
            changes,
            agrees,
            spares,
        )
    }

    /// What Google has yet to take back still counts as changed there: CalDAV, where nobody changed
    /// it, would not tell.
    fn keep_taken_back(&self, key: &ComponentKey, fields: &FieldSet, now: Option<&mut Value>) {
        let (caldav, google) = (&self.merging.caldav, &self.merging.google);
        let (Some(here), Some(agreed_here), Some(agreed_there), Some(now)) = (
            caldav.now.own_fields(key),
            caldav.echo.own_fields(key),
            google.echo.own_fields(key),
            now.and_then(Value::fields_mut),
        ) else {
            return;
        };
        for field in fields {
            if diff::same(*field, here, agreed_here) {
                diff::copy(*field, agreed_there, now);
            }
        }
    }

    fn to_google(&self, want: &Projected, changes: &[ComponentChange]) -> Option<Step> {
        let master_waits = self.gathered.again;
        let mut agrees = Vec::new();
        let mut spares = Vec::new();
        for change in changes {
            let key = change.key;
            if self.gathered.waits.contains(&key) {
                agrees.extend(self.in_part(&key, Side::Caldav));
                spares.push((key, self.untouched(&key, Side::Google)));
                continue;
            }
            if master_waits && key == ComponentKey::Master {
                continue;
            }
            let carried = key
                .recurrence_id()
                .and_then(|id| self.gathered.carried.get(&id));
            if let Some(carried) = carried {
                agrees.push((key, carried.own.clone().map(Value::Override)));
                continue;
            }
            let mut now = value(self.merging.caldav.now, &key);
            if let Some(Crossing::Fields(fields)) = self.gathered.to_caldav.get(&key) {
                let theirs = Standing::of(&self.merging.google.out, &key);
                if let (Some(Some(now)), Some(theirs)) =
                    (now.as_mut().map(Value::fields_mut), theirs.fields())
                {
                    for field in fields {
                        diff::copy(*field, theirs, now);
                    }
                }
            }
            agrees.push((key, now));
        }
        self.step::<Google>(
            &self.merging.flows.google,
            self.merging.g,
            want,
            changes,
            agrees,
            spares,
        )
    }

    /// The fields of a component that cross to `to` while the rest of it waits for a person; none if
    /// it was never agreed on.
    fn crossing(&self, key: &ComponentKey, to: Side) -> Option<&FieldSet> {
        let crossings = match to {
            Side::Caldav => &self.gathered.to_caldav,
            Side::Google => &self.gathered.to_google,
        };
        match crossings.get(key)? {
            Crossing::Fields(fields) => {
                let known = |side| self.merging.party(side).echo.own_fields(key).is_some();
                (known(Side::Caldav) && known(Side::Google)).then_some(fields)
            }
            Crossing::Whole => None,
        }
    }

    /// What `from` agrees on then: these fields, and the rest as before.
    fn in_part(&self, key: &ComponentKey, from: Side) -> Option<(ComponentKey, Option<Value>)> {
        let party = self.merging.party(from);
        let fields = self.crossing(key, from.other())?;
        let mut agreed = value(&party.echo, key);
        let now = party.now.own_fields(key)?;
        let known = agreed.as_mut().and_then(Value::fields_mut)?;
        for field in fields {
            diff::copy(*field, now, known);
        }
        Some((*key, agreed))
    }

    /// What of it the written side has not agreed on: the rest, or all.
    fn untouched(&self, key: &ComponentKey, to: Side) -> Option<FieldSet> {
        let fields = self.crossing(key, to)?;
        let all = Field::ALL.into_iter();
        Some(all.filter(|field| !fields.contains(field)).collect())
    }

    fn step<Y: Sided>(
        &self,
        flow: &Flow<'_, Y>,
        shows: &Snapshot<Y>,
        want: &Projected,
        changes: &[ComponentChange],
        agrees: Vec<(ComponentKey, Option<Value>)>,
        spares: Vec<(ComponentKey, Option<FieldSet>)>,
    ) -> Option<Step> {
        let first = changes.first()?;
        let mut step = Flow::<Y>::update(
            self.row,
            Update {
                target: target(shows, &first.key)?,
                series: want.clone(),
                changes: changes.to_vec(),
                tag: None,
            },
            &shows.series,
            agrees,
            self.account(flow, shows, want, changes),
        );
        step.spare(spares);
        Some(step)
    }

    fn account<Y: Sided>(
        &self,
        flow: &Flow<'_, Y>,
        shows: &Snapshot<Y>,
        want: &Projected,
        changes: &[ComponentChange],
    ) -> Account {
        let first = changes.first();
        let key = first.map_or(ComponentKey::Master, |first| first.key);
        let told: Vec<_> = changes
            .iter()
            .flat_map(|change| told(want.series(), &shows.series, change))
            .collect();
        let mut account = flow.account(
            self.row,
            key,
            want.series(),
            ActionKind::Update,
            self.reason,
            told,
        );
        account.counted = first.is_some_and(|first| counts(want.series(), first));
        account
    }
}

/// Remembers what both sides say of when a whole series was modified.
pub(super) fn remember_all<S: SideTag>(row: &mut Row, snapshot: &Snapshot<S>) {
    let keys: Vec<ComponentKey> = snapshot
        .series
        .overrides
        .keys()
        .map(|id| ComponentKey::Override(*id))
        .chain([ComponentKey::Master])
        .collect();
    for key in keys {
        remember(row, snapshot, &key);
    }
}
