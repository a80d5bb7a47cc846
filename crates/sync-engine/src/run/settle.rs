//! What a finished write makes of its row: new echoes, new resources, agreement. Pure.

use crate::diff::Standing;
use crate::model::{
    ComponentKey, OverrideValue, ResourceId, Series, SeriesKey, Side, SideTag, ZoneName,
};
use crate::observation::{Content, Observation};
use crate::plan::operation::{After, Operation, Value, Write};
use crate::ports::side::{Change, Create};
use crate::row::{Link, Row, RowState};
use crate::snapshot::{exception_id, inherited};

/// The row after a creation or an update. `shown` is what the side proved to show of our write;
/// without it the echo is what was sent.
pub(super) fn written<B: SideTag>(
    row: &mut Row,
    operation: &Operation<B>,
    resource: &ResourceId<B>,
    shown: Option<&Observation<B>>,
    floating: &ZoneName,
) {
    let (sent, keys, alone) = match &operation.write {
        Write::Create(create) => (
            create.series.series(),
            created_keys(create.series.series(), operation),
            create.tag.recurrence_id,
        ),
        Write::Update(update) => (
            update.series.series(),
            update.changes.iter().map(|change| change.key).collect(),
            alone(row, resource),
        ),
        Write::Remove(_) => return,
    };
    let link = link_of::<B>(row);
    if let Write::Create(create) = &operation.write {
        know(link, made(create));
    }
    if let Some(id) = alone {
        // A single event in place of one occurrence.
        let fields = shown
            .and_then(|observation| match &observation.content {
                Content::Series(series) => series.master.clone(),
                Content::Exception { .. } => None,
            })
            .or_else(|| sent.master.clone());
        let key = ComponentKey::Override(id);
        link.expanded = true;
        link.echo.take(
            &key,
            fields.map(|fields| Value::Override(OverrideValue::Fields(Box::new(fields)))),
        );
        note(link, key, resource, shown);
    } else {
        for key in &keys {
            let value = match shown {
                Some(observation) => observed(observation, key, &link.echo, floating),
                None => sent_value(sent, key),
            };
            link.echo.take(key, value);
        }
        if let Some(observation) = shown {
            settle_whole(link, observation, &keys);
        }
        let own = match keys.as_slice() {
            [key @ ComponentKey::Override(_)] if apart(operation) => *key,
            _ => ComponentKey::Master,
        };
        note(link, own, resource, shown);
    }
    agreed(row, operation);
}

/// Whether the written resource is an exception of its own.
fn apart<B: SideTag>(operation: &Operation<B>) -> bool {
    matches!(&operation.write, Write::Update(update)
        if update.changes.len() == 1
            && B::SIDE == Side::Google
            && update.changes.first().is_some_and(|change| change.key != ComponentKey::Master))
}

/// The components a creation wrote: everything it agrees on, and the master.
fn created_keys<B: SideTag>(sent: &Series, operation: &Operation<B>) -> Vec<ComponentKey> {
    let mut keys = vec![ComponentKey::Master];
    keys.extend(
        operation
            .agrees
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| *key != ComponentKey::Master),
    );
    if sent.master.is_none() {
        keys.remove(0);
    }
    keys
}

/// The occurrence a resource stands for alone.
fn alone<B: SideTag>(row: &Row, resource: &ResourceId<B>) -> Option<crate::model::RecurrenceId> {
    let link = row.link::<B>().filter(|link| link.expanded)?;
    link.resources
        .iter()
        .find(|(_, id)| id == resource)
        .and_then(|(key, _)| key.recurrence_id())
}

fn sent_value(sent: &Series, key: &ComponentKey) -> Option<Value> {
    match Standing::of(sent, key) {
        Standing::Own(fields) if *key == ComponentKey::Master => Some(Value::Master(fields)),
        Standing::Own(fields) => Some(Value::Override(OverrideValue::Fields(fields))),
        Standing::Cancelled => Some(Value::Override(OverrideValue::Cancelled)),
        Standing::Inherit(_) | Standing::Nothing => None,
    }
}

/// What an observation shows of a component.
fn observed<B: SideTag>(
    observation: &Observation<B>,
    key: &ComponentKey,
    echo: &Series,
    floating: &ZoneName,
) -> Option<Value> {
    match (&observation.content, key) {
        (Content::Series(series), ComponentKey::Master) => series
            .master
            .clone()
            .map(|master| Value::Master(Box::new(master))),
        (Content::Series(series), ComponentKey::Override(id)) => {
            own(series.master.as_ref(), *id, series.overrides.get(id)?)
        }
        (Content::Exception { original, value }, ComponentKey::Override(id)) => {
            let master = echo.master.as_ref()?;
            if exception_id(&master.when, original, floating) != *id {
                return None;
            }
            own(Some(master), *id, value)
        }
        (Content::Exception { .. }, ComponentKey::Master) => None,
    }
}

/// An override that says what the master says is none.
fn own(
    master: Option<&crate::model::Fields>,
    id: crate::model::RecurrenceId,
    value: &OverrideValue,
) -> Option<Value> {
    match value {
        OverrideValue::Fields(fields)
            if master.is_some_and(|master| **fields == inherited(master, id)) =>
        {
            None
        }
        value => Some(Value::Override(value.clone())),
    }
}

/// A master's answer also shows its EXDATEs: those that were agreed on are taken as shown.
fn settle_whole<B: SideTag>(
    link: &mut Link<B>,
    observation: &Observation<B>,
    keys: &[ComponentKey],
) {
    let Content::Series(series) = &observation.content else {
        return;
    };
    if !keys.contains(&ComponentKey::Master) {
        return;
    }
    for (id, value) in &series.overrides {
        if *value == OverrideValue::Cancelled {
            link.echo.overrides.insert(*id, OverrideValue::Cancelled);
        }
    }
}

fn link_of<B: SideTag>(row: &mut Row) -> &mut Link<B> {
    row.link_mut::<B>().get_or_insert_with(|| Link {
        keys: Vec::new(),
        resources: Vec::new(),
        echo: Series::default(),
        shown: false,
        missing_since: None,
        expanded: false,
    })
}

fn note<B: SideTag>(
    link: &mut Link<B>,
    key: ComponentKey,
    resource: &ResourceId<B>,
    shown: Option<&Observation<B>>,
) {
    link.resources.retain(|(known, _)| *known != key);
    link.resources.push((key, resource.clone()));
    link.missing_since = None;
    if let Some(observation) = shown {
        know(link, observation.series.clone());
    }
}

/// Adds a series' key to a link.
pub(super) fn know<B: SideTag>(link: &mut Link<B>, series: SeriesKey<B>) {
    if !link.keys.contains(&series) {
        link.keys.push(series);
    }
}

/// The series that a creation makes, known from its tag before any answer is.
fn made<B: SideTag>(create: &Create) -> SeriesKey<B> {
    match B::SIDE {
        Side::Caldav => SeriesKey::new(create.tag.caldav_uid().as_str()),
        Side::Google => SeriesKey::new(create.tag.google_id().as_str()),
    }
}

/// The source's echo takes what the write agreed on.
pub(super) fn agreed<B: SideTag>(row: &mut Row, operation: &Operation<B>) {
    take_all::<B::Other>(row, &operation.agrees);
}

/// Sets the echo of side `A` to these values.
pub(super) fn take_all<A: SideTag>(row: &mut Row, values: &[(ComponentKey, Option<Value>)]) {
    if let Some(link) = row.link_mut::<A>() {
        for (key, value) in values {
            link.echo.take(key, value.clone());
        }
    }
}

/// The row after a removal; `None` when it is to be dropped.
pub(super) fn removed<B: SideTag>(
    row: &mut Row,
    operation: &Operation<B>,
    resource: &ResourceId<B>,
    last: bool,
) -> bool {
    if let Some(link) = row.link_mut::<B>() {
        let gone: Vec<ComponentKey> = link
            .resources
            .iter()
            .filter(|(_, id)| id == resource)
            .map(|(key, _)| *key)
            .collect();
        link.resources.retain(|(_, id)| id != resource);
        link.keys.retain(|key| key.as_str() != resource.as_str());
        for key in gone {
            link.echo.take(&key, None);
        }
    }
    match operation.after {
        After::Linked => true,
        After::Withheld => {
            if last {
                *row.link_mut::<B>() = None;
                row.state = RowState::Withheld;
                agreed(row, operation);
            }
            true
        }
        After::Dropped => !last,
    }
}

/// Whether an observation shows what a write sent.
pub(super) fn shows_what_was_sent<B: SideTag>(
    operation: &Operation<B>,
    observation: &Observation<B>,
    floating: &ZoneName,
) -> bool {
    match &operation.write {
        Write::Create(create) => {
            let sent = create.series.series();
            match (&observation.content, &sent.master) {
                (Content::Series(series), Some(master)) => series
                    .master
                    .as_ref()
                    .is_some_and(|now| same_core(now, master)),
                (Content::Series(series), None) => series.overrides == sent.overrides,
                (Content::Exception { .. }, _) => false,
            }
        }
        Write::Update(update) => update.changes.iter().all(|change| {
            let sent = update.series.series();
            let now = observed(observation, &change.key, sent, floating);
            match &change.change {
                Change::Set(set) => {
                    let want = Standing::of(sent, &change.key);
                    let fields = match &now {
                        Some(Value::Master(fields)) => Some(fields.as_ref()),
                        Some(Value::Override(OverrideValue::Fields(fields))) => {
                            Some(fields.as_ref())
                        }
                        _ => None,
                    };
                    match (want.fields(), fields) {
                        (Some(want), Some(now)) => {
                            set.iter().all(|field| crate::diff::same(*field, want, now))
                        }
                        _ => false,
                    }
                }
                Change::Add | Change::Cancel | Change::Inherit => {
                    now == sent_value(sent, &change.key)
                }
            }
        }),
        Write::Remove(_) => false,
    }
}

fn same_core(a: &crate::model::Fields, b: &crate::model::Fields) -> bool {
    crate::diff::differing(a, b)
        .iter()
        .all(|field| *field == crate::model::Field::Visibility)
}
