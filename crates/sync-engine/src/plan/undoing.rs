//! Taking a run back: what it wrote is written back, and nothing else; what changed since is left.
//!
//! Every series that is written back is set aside: the very plan that made the change would make it
//! again.

use std::collections::BTreeMap;

use super::compare::{Need, transition};
use super::flow::Flow;
use super::operation::{ActionKind, After, FieldChange, Operation, Reason, Step, Write};
use super::party::projected;
use super::{Group, Plan, PlanInput, SeriesInput, Weight};
use crate::diff::{Standing, differing};
use crate::model::{Caldav, ComponentKey, FieldSet, Fields, Google, Series, SideTag};
use crate::ports::side::{Change, ComponentChange, Update};
use crate::ports::store::Undoable;
use crate::recurrence::Given;
use crate::report::Warning;
use crate::row::{Row, RowKey, RowState};
use crate::sided::Sided;
use crate::snapshot::{Snapshot, View};

/// The writes that take `written` (newest first) back, as far as nothing changed since.
pub fn undo(input: &PlanInput, written: &[Undoable]) -> Plan {
    let mut plan = Plan::default();
    let mut caldav: BTreeMap<RowKey, Taken<'_, Caldav>> = BTreeMap::new();
    let mut google: BTreeMap<RowKey, Taken<'_, Google>> = BTreeMap::new();
    for done in written {
        match &done.step {
            Step::Caldav(operation) => take(&mut caldav, &done.row, operation),
            Step::Google(operation) => take(&mut google, &done.row, operation),
        }
    }
    back::<Caldav>(input, &caldav, &mut plan);
    back::<Google>(input, &google, &mut plan);
    plan
}

/// What a run did to one series on one side, oldest state first known.
struct Taken<'a, B: SideTag> {
    /// The row as it was before the run.
    row: &'a Row,
    /// What the side showed before.
    before: Option<&'a Series>,
    /// The components the run wrote.
    keys: Vec<ComponentKey>,
    created: bool,
    /// Single events were added to others: that is not taken back.
    partly: bool,
    removed: bool,
    side: std::marker::PhantomData<B>,
}

fn take<'a, B: SideTag>(
    taken: &mut BTreeMap<RowKey, Taken<'a, B>>,
    row: &'a Row,
    operation: &'a Operation<B>,
) {
    let entry = taken.entry(row.key.clone()).or_insert(Taken {
        row,
        before: None,
        keys: Vec::new(),
        created: false,
        partly: false,
        removed: false,
        side: std::marker::PhantomData,
    });
    // Newest first: the last one taken is the oldest.
    entry.row = row;
    if let Some(before) = &operation.before {
        entry.before = Some(before);
    }
    match &operation.write {
        Write::Create(create) => {
            let whole = create.tag.recurrence_id.is_none() || row.link::<B>().is_none();
            entry.created |= whole;
            entry.partly |= !whole;
        }
        Write::Remove(_) => entry.removed = true,
        Write::Update(update) => entry.keys.extend(update.changes.iter().map(|c| c.key)),
    }
}

fn back<B: Sided>(input: &PlanInput, taken: &BTreeMap<RowKey, Taken<'_, B>>, plan: &mut Plan) {
    let flow = Flow::<B>::new(input);
    for (key, taken) in taken {
        if !input.mapping.writes(B::SIDE) {
            continue;
        }
        let now = input
            .series
            .iter()
            .find(|series| series.row.as_ref().is_some_and(|row| row.key == *key));
        let group = match (taken.created, taken.removed) {
            _ if taken.partly => None,
            (true, true) => None,
            (true, false) => uncreate(&flow, now),
            (false, true) => unremove(&flow, taken, now),
            (false, false) => unchange(&flow, taken, now),
        };
        match group {
            Some(group) => plan.groups.push(group),
            None => plan.warnings.push(Warning {
                code: "not_undone".to_owned(),
                detail: "It changed since, or stands in another form by now: it is left as it is."
                    .to_owned(),
                uid: Some(taken.row.uid.clone()),
            }),
        }
    }
}

/// The series as it is now, if nobody changed it on this side since both agreed.
fn untouched<B: SideTag>(now: Option<&SeriesInput>) -> Option<(&Row, &Snapshot<B>)> {
    let now = now?;
    let row = now.row.as_ref()?;
    let snapshot = now.views.get::<B>().present()?;
    let link = row.link::<B>()?;
    (link.echo == snapshot.series).then_some((row, snapshot))
}

fn uncreate<B: Sided>(flow: &Flow<'_, B>, now: Option<&SeriesInput>) -> Option<Group> {
    let (row, copy) = untouched::<B>(now)?;
    if copy.has_guests {
        return None;
    }
    let steps = flow.remove_all(row, copy, After::SetAside, Reason::Undone);
    Some(group(row.clone(), steps))
}

fn unremove<B: Sided>(
    flow: &Flow<'_, B>,
    taken: &Taken<'_, B>,
    now: Option<&SeriesInput>,
) -> Option<Group> {
    let there = now.is_some_and(|now| matches!(now.views.get::<B>(), View::Present(_)));
    let before = taken.before.filter(|before| before.master.is_some())?;
    if there {
        return None;
    }
    // The other side lost it, or hides it: this one stands alone until somebody stirs it.
    let mut row = now
        .and_then(|now| now.row.clone())
        .unwrap_or_else(|| Row::new(taken.row.key.clone(), taken.row.uid.clone(), taken.row.copy));
    row.generation = taken.row.generation;
    *row.link_mut::<B>() = None;
    row.state = RowState::SetAside;
    row.aside = None;
    let series = projected(before.clone());
    let account = flow.account(
        &row,
        ComponentKey::Master,
        before,
        ActionKind::Insert,
        Reason::Undone,
        Vec::new(),
    );
    let apart = flow.target().exceptions_apart;
    let mut steps = vec![flow.create(&row, ComponentKey::Master, &series, Vec::new(), account)];
    if apart {
        steps.extend(super::writing::exceptions(
            flow,
            &row,
            &series,
            Reason::Undone,
        ));
    }
    for step in &mut steps {
        step.set_aside();
    }
    Some(group(row, steps))
}

fn unchange<B: Sided>(
    flow: &Flow<'_, B>,
    taken: &Taken<'_, B>,
    now: Option<&SeriesInput>,
) -> Option<Group> {
    let (row, shows) = untouched::<B>(now)?;
    let before = taken.before?;
    if row.link::<B>().is_some_and(|link| link.expanded) {
        return None;
    }
    let apart = flow.target().exceptions_apart;
    let master = before.master.as_ref();
    let given = master.map(|master| Given::of(master, flow.floating));
    let mut keys = taken.keys.clone();
    keys.sort();
    keys.dedup();
    let changes: Vec<ComponentChange> = keys
        .into_iter()
        .filter_map(|key| change(given.as_ref(), before, &shows.series, key, apart))
        .collect();
    if changes.is_empty() {
        return None;
    }
    let parts: Vec<&[ComponentChange]> = if apart {
        changes.chunks(1).collect()
    } else {
        vec![&changes]
    };
    let mut steps = Vec::new();
    for part in parts {
        let key = part.first()?.key;
        let told: Vec<FieldChange> = part
            .iter()
            .flat_map(|change| super::writing::told(before, &shows.series, change))
            .collect();
        let account = flow.account(row, key, before, ActionKind::Update, Reason::Undone, told);
        let mut step = Flow::<B>::update(
            row,
            Update {
                target: super::steps::target(shows, &key)?,
                series: projected(before.clone()),
                changes: part.to_vec(),
                tag: None,
            },
            &shows.series,
            Vec::new(),
            account,
        );
        step.set_aside();
        steps.push(step);
    }
    Some(group(row.clone(), steps))
}

fn change(
    given: Option<&Given>,
    before: &Series,
    now: &Series,
    key: ComponentKey,
    apart: bool,
) -> Option<ComponentChange> {
    let want = Standing::of(before, &key);
    let shows = Standing::of(now, &key);
    let set = |want: &Fields, now: &Fields| -> FieldSet { differing(want, now) };
    let need = match (&key, &want, &shows) {
        (ComponentKey::Master, Standing::Own(want), Standing::Own(shows)) => {
            match set(want, shows) {
                set if set.is_empty() => Need::Agree,
                set => Need::Write(Change::Set(set)),
            }
        }
        (ComponentKey::Master, ..) => Need::Nothing,
        (ComponentKey::Override(id), ..) => {
            let occurs = given.is_some_and(|given| given.at(*id));
            transition(&want, &shows, occurs, apart, set)
        }
    };
    match need {
        Need::Write(change) => Some(ComponentChange { key, change }),
        Need::Nothing | Need::Agree => None,
    }
}

fn group(row: Row, steps: Vec<Step>) -> Group {
    Group {
        row,
        steps,
        finally: Vec::new(),
        again: false,
        weight: Weight::Rewrites,
        due: None,
    }
}
