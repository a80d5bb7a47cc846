//! Taking a run back: what it wrote is written back, and nothing else; what changed since, by a person
//! or a later run, is left. What goes back of which field is `rewinding`'s.
//!
//! Every series that is written back is set aside: the very plan that made the change would make it
//! again.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Need, transition};
use super::flow::Flow;
use super::operation::{ActionKind, After, FieldChange, Operation, Reason, Step, Write};
use super::party::projected;
use super::rewinding::{Past, Veil, made, rewound, sent, shows_same};
use super::{Group, Plan, PlanInput, SeriesInput, Weight};
use crate::diff::{Standing, differing};
use crate::model::{Caldav, ComponentKey, FieldSet, Google, Series, SideTag};
use crate::ports::side::{Change, ComponentChange, Update};
use crate::ports::store::Undoable;
use crate::projection::Projected;
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
            Step::Caldav(operation) => take(&mut caldav, done, operation),
            Step::Google(operation) => take(&mut google, done, operation),
        }
    }
    back::<Caldav>(input, &caldav, &mut plan);
    back::<Google>(input, &google, &mut plan);
    plan
}

/// What a run did to one series on one side.
struct Taken<'a, B: SideTag> {
    /// The row as it was before the run.
    row: &'a Row,
    /// What the side showed before.
    before: Option<&'a Series>,
    /// What it wrote, newest first.
    past: Vec<Past<'a>>,
    created: bool,
    /// Single events were added to others: that is not taken back.
    partly: bool,
    removed: bool,
    side: std::marker::PhantomData<B>,
}

fn take<'a, B: SideTag>(
    taken: &mut BTreeMap<RowKey, Taken<'a, B>>,
    done: &'a Undoable,
    operation: &'a Operation<B>,
) {
    let row = &done.row;
    let entry = taken.entry(row.key.clone()).or_insert(Taken {
        row,
        before: None,
        past: Vec::new(),
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
    let mut changes = Vec::new();
    match &operation.write {
        Write::Create(create) => {
            let whole = create.tag.recurrence_id.is_none() || row.link::<B>().is_none();
            entry.created |= whole;
            entry.partly |= !whole;
        }
        Write::Remove(_) => entry.removed = true,
        Write::Update(update) => changes.extend(update.changes.iter().map(|c| (c.key, &c.change))),
    }
    entry.past.push(Past {
        before: operation.before.as_deref(),
        left: match &done.left {
            Some(left) => left.as_ref().clone(),
            None => sent(operation),
        },
        changes,
    });
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
        let mut kept = false;
        let group = match (taken.created, taken.removed) {
            _ if taken.partly => None,
            (true, true) => None,
            (true, false) => uncreate(&flow, taken, now),
            (false, true) => unremove(&flow, taken, now),
            (false, false) => unchange(&flow, taken, now, &mut kept),
        };
        let detail = match &group {
            Some(_) if kept => {
                "Part of it changed since, or is hidden by now: that is left as it is."
            }
            Some(_) => "",
            None => "It changed since, or stands in another form by now: it is left as it is.",
        };
        plan.groups.extend(group);
        if !detail.is_empty() {
            plan.warnings.push(Warning {
                code: "not_undone".to_owned(),
                detail: detail.to_owned(),
                uid: Some(taken.row.uid.clone()),
            });
        }
    }
}

/// The series as it is now, if both sides still have it as one.
fn there<B: SideTag>(now: Option<&SeriesInput>) -> Option<(&Row, &Snapshot<B>)> {
    let now = now?;
    let row = now.row.as_ref()?;
    let snapshot = now.views.get::<B>().present()?;
    row.link::<B>()?;
    Some((row, snapshot))
}

/// What the other side shows of it, or showed last.
fn source<'a, B: SideTag>(now: Option<&'a SeriesInput>, then: &'a Row) -> Option<&'a Series> {
    let seen = now.and_then(|now| now.views.get::<B::Other>().present());
    let row = now.and_then(|now| now.row.as_ref());
    let known = [row, Some(then)].into_iter().flatten();
    let mut echoes = known
        .filter_map(|row| row.link::<B::Other>())
        .map(|link| &link.echo)
        .filter(|echo| !echo.is_empty());
    seen.map(|seen| &seen.series).or_else(|| echoes.next())
}

fn uncreate<B: Sided>(
    flow: &Flow<'_, B>,
    taken: &Taken<'_, B>,
    now: Option<&SeriesInput>,
) -> Option<Group> {
    let (row, copy) = there::<B>(now)?;
    if copy.has_guests || !shows_same(&made(&taken.past), &copy.series) {
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
    let veil = Veil {
        flow,
        row: taken.row,
        source: source::<B>(now, taken.row),
    };
    let before = veil.whole(before)?;
    // The other side lost it, or hides it: this one stands alone until somebody stirs it.
    let mut row = now
        .and_then(|now| now.row.clone())
        .unwrap_or_else(|| Row::new(taken.row.key.clone(), taken.row.uid.clone(), taken.row.copy));
    row.generation = taken.row.generation;
    *row.link_mut::<B>() = None;
    row.state = RowState::SetAside;
    row.aside = None;
    let account = flow.account(
        &row,
        ComponentKey::Master,
        &before,
        ActionKind::Insert,
        Reason::Undone,
        Vec::new(),
    );
    let series = projected(before);
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
    kept: &mut bool,
) -> Option<Group> {
    let (row, shows) = there::<B>(now)?;
    let single = |row: &Row| row.link::<B>().is_some_and(|link| link.expanded);
    if single(row) || single(taken.row) {
        return None;
    }
    let veil = Veil {
        flow,
        row,
        source: source::<B>(now, taken.row),
    };
    let rewound = rewound(&veil, &taken.past, &shows.series);
    *kept = rewound.kept;
    let want = projected(rewound.series);
    let apart = flow.target().exceptions_apart;
    let changes = changes(flow, taken, &want, shows);
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
            .flat_map(|change| super::writing::told(want.series(), &shows.series, change))
            .collect();
        let account = flow.account(
            row,
            key,
            want.series(),
            ActionKind::Update,
            Reason::Undone,
            told,
        );
        let mut step = Flow::<B>::update(
            row,
            Update {
                target: super::steps::target(shows, &key)?,
                series: want.clone(),
                changes: part.to_vec(),
                tag: None,
            },
            &shows.series,
            Vec::new(),
            account,
        );
        step.spare(part.iter().filter_map(|c| unheard(row, shows, c)).collect());
        step.set_aside();
        steps.push(step);
    }
    Some(group(row.clone(), steps))
}

/// What has to be written of what the run wrote.
fn changes<B: SideTag>(
    flow: &Flow<'_, B>,
    taken: &Taken<'_, B>,
    want: &Projected,
    shows: &Snapshot<B>,
) -> Vec<ComponentChange> {
    let apart = flow.target().exceptions_apart;
    let master = want.series().master.as_ref();
    let given = master.map(|master| Given::of(master, flow.floating));
    let written = taken.past.iter().flat_map(|past| &past.changes);
    let keys: BTreeSet<ComponentKey> = written.map(|(key, _)| *key).collect();
    let mut changes: Vec<ComponentChange> = keys
        .into_iter()
        .filter_map(|key| change(given.as_ref(), want.series(), &shows.series, key, apart))
        .collect();
    if apart {
        super::components::shadows(want.series(), shows, &mut changes);
    }
    changes
}

/// What a person changed of a component and has not crossed yet: it must stay a change.
fn unheard<B: SideTag>(
    row: &Row,
    shows: &Snapshot<B>,
    change: &ComponentChange,
) -> Option<(ComponentKey, Option<FieldSet>)> {
    let Change::Set(set) = &change.change else {
        return None;
    };
    let echo = &row.link::<B>()?.echo;
    let (echo, shows) = (
        Standing::of(echo, &change.key),
        Standing::of(&shows.series, &change.key),
    );
    let others: FieldSet = differing(echo.fields()?, shows.fields()?)
        .difference(set)
        .copied()
        .collect();
    (!others.is_empty()).then_some((change.key, Some(others)))
}

fn change(
    given: Option<&Given>,
    want: &Series,
    now: &Series,
    key: ComponentKey,
    apart: bool,
) -> Option<ComponentChange> {
    let want = Standing::of(want, &key);
    let shows = Standing::of(now, &key);
    let need = match (&key, &want, &shows) {
        (ComponentKey::Master, Standing::Own(want), Standing::Own(shows)) => {
            match differing(want, shows) {
                set if set.is_empty() => Need::Agree,
                set => Need::Write(Change::Set(set)),
            }
        }
        (ComponentKey::Master, ..) => Need::Nothing,
        (ComponentKey::Override(id), ..) => {
            let occurs = given.is_some_and(|given| given.at(*id));
            transition(&want, &shows, occurs, apart, differing)
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
