//! What a finished write makes of its row: new echoes, new resources, agreement. Pure.

use crate::diff::Standing;
use crate::model::{
    ComponentKey, Field, FieldSet, Fields, OverrideValue, ResourceId, Series, SeriesKey, Side,
    SideTag, ZoneName,
};
use crate::observation::{Content, Observation};
use crate::plan::operation::{After, Operation, Value, Write};
use crate::plan::rewinding;
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
    row.unsure = false;
    let link = link_of::<B>(row);
    link.gone = false;
    if let Write::Create(create) = &operation.write {
        know(link, made(create));
        take_form(link, alone.is_some());
    }
    // What was agreed on before this write.
    let before = link.echo.clone();
    if let Some(id) = alone {
        // A single event in place of one occurrence.
        let key = ComponentKey::Override(id);
        let fields = shown
            .and_then(|observation| match &observation.content {
                Content::Series(series) => series.master.clone(),
                Content::Exception { .. } => None,
            })
            .or_else(|| {
                let mut fields = sent.master.clone()?;
                keep_unsent(
                    operation,
                    &ComponentKey::Master,
                    link.echo.own_fields(&key),
                    &mut fields,
                );
                Some(fields)
            });
        link.echo.take(
            &key,
            fields.map(|fields| Value::Override(OverrideValue::Fields(Box::new(fields)))),
        );
        note(link, key, resource, shown);
    } else {
        for key in &keys {
            let value = if let Some(observation) = shown {
                observed(observation, key, &link.echo, floating)
            } else {
                let mut value = sent_value(sent, key);
                if let Some(fields) = value.as_mut().and_then(Value::fields_mut) {
                    keep_unsent(operation, key, link.echo.own_fields(key), fields);
                }
                value
            };
            if spares(operation, key) != Some(&None) {
                let value = spared(operation, key, value, &before);
                link.echo.take(key, value);
            }
        }
        if let Some(observation) = shown {
            settle_whole(link, observation, &keys, operation, sent);
            for key in keys.iter().filter(|key| spares(operation, key).is_none()) {
                // Our own write is no person's.
                let own = observation.stamps.iter().find(|(known, _)| known == key);
                let modified = own.map(|(_, at)| *at).or(observation.modified);
                link.stamped(*key, modified, observation.written);
            }
        }
        lag(link, &before, operation);
        let own = match keys.as_slice() {
            [key @ ComponentKey::Override(_)] if apart(operation) => *key,
            _ => ComponentKey::Master,
        };
        note(link, own, resource, shown);
    }
    agreed(row, operation);
    if operation.after == After::SetAside {
        row.state = RowState::SetAside;
        row.aside = None;
    }
}

/// What the written side showed of the written components after a write that it proved.
pub(super) fn left<B: SideTag>(
    row: &Row,
    operation: &Operation<B>,
    shown: &Observation<B>,
    floating: &ZoneName,
) -> Series {
    let mut left = rewinding::sent(operation);
    match (&operation.write, &shown.content) {
        (Write::Create(_), Content::Series(series)) => left = series.as_ref().clone(),
        (Write::Update(update), _) => {
            let agreed = row.link::<B>().map(|link| link.echo.clone());
            let agreed = agreed.unwrap_or_default();
            for change in &update.changes {
                let value = observed(shown, &change.key, &agreed, floating);
                left.take(&change.key, value);
            }
        }
        _ => {}
    }
    left
}

/// The first resource of the other form makes the copy one of that form, and not before: a change of
/// form that is refused has changed nothing. Series and single events are compared each with their
/// like: nothing was agreed on in this form yet.
fn take_form<B: SideTag>(link: &mut Link<B>, expanded: bool) {
    if link.expanded != expanded {
        link.expanded = expanded;
        link.echo = Series::default();
    }
}

/// Where only some fields of a component were sent, the others stay as the echo has them.
fn keep_unsent<B: SideTag>(
    operation: &Operation<B>,
    key: &ComponentKey,
    before: Option<&Fields>,
    fields: &mut Fields,
) {
    let Write::Update(update) = &operation.write else {
        return;
    };
    let change = update.changes.iter().find(|change| change.key == *key);
    if let (Some(Change::Set(sent)), Some(before)) = (change.map(|c| &c.change), before) {
        for field in Field::ALL.into_iter().filter(|field| !sent.contains(field)) {
            crate::diff::copy(field, before, fields);
        }
    }
}

/// What of a component must stay out of the echo: all of it, or these fields.
fn spares<'a, B: SideTag>(
    operation: &'a Operation<B>,
    key: &ComponentKey,
) -> Option<&'a Option<FieldSet>> {
    let mut spares = operation.spares.iter();
    spares
        .find(|(spared, _)| spared == key)
        .map(|(_, fields)| fields)
}

/// The echo of a component after a write: what a person changed there and has not crossed yet stays
/// as it was.
fn spared<B: SideTag>(
    operation: &Operation<B>,
    key: &ComponentKey,
    mut value: Option<Value>,
    echo: &Series,
) -> Option<Value> {
    let fields = spares(operation, key).and_then(Option::as_ref);
    let now = value.as_mut().and_then(Value::fields_mut);
    // Of an override that is new: what it was when the series spoke for it.
    let before = Standing::of(echo, key);
    if let (Some(fields), Some(before), Some(now)) = (fields, before.fields(), now) {
        for field in fields {
            crate::diff::copy(*field, before, now);
        }
    }
    value
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
    master: Option<&Fields>,
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

/// A master's answer also shows its EXDATEs: those that were agreed on are taken as shown, those that
/// the other side has yet to hear of are not.
fn settle_whole<B: SideTag>(
    link: &mut Link<B>,
    observation: &Observation<B>,
    keys: &[ComponentKey],
    operation: &Operation<B>,
    sent: &Series,
) {
    let Content::Series(series) = &observation.content else {
        return;
    };
    if !keys.contains(&ComponentKey::Master) {
        return;
    }
    for (id, value) in &series.overrides {
        let key = ComponentKey::Override(*id);
        let agreed = Standing::of(sent, &key) == Standing::Cancelled
            && spares(operation, &key) != Some(&None);
        if *value == OverrideValue::Cancelled && agreed {
            link.echo.overrides.insert(*id, OverrideValue::Cancelled);
        }
    }
}

/// Where exceptions are resources of their own, those that said what the old master says go on saying
/// it until they are written, too. That is ours and no person's: it must not come back as a change.
fn lag<B: SideTag>(link: &mut Link<B>, before: &Series, operation: &Operation<B>) {
    let Write::Update(update) = &operation.write else {
        return;
    };
    let set = update
        .changes
        .iter()
        .find_map(|change| match &change.change {
            Change::Set(set) if change.key == ComponentKey::Master => Some(set),
            _ => None,
        });
    let apart = B::SIDE == Side::Google && !link.expanded;
    let (Some(set), Some(old), Some(new)) = (set, &before.master, link.echo.master.clone()) else {
        return;
    };
    // What a move does to them is read back.
    if !apart || set.contains(&Field::When) {
        return;
    }
    let ids = link
        .resources
        .iter()
        .filter_map(|(key, _)| key.recurrence_id());
    for id in ids {
        let said = inherited(old, id);
        if said != inherited(&new, id) {
            let said = OverrideValue::Fields(Box::new(said));
            link.echo.overrides.entry(id).or_insert(said);
        }
    }
}

fn link_of<B: SideTag>(row: &mut Row) -> &mut Link<B> {
    row.link_mut::<B>().get_or_insert_with(Link::empty)
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
        link.forget(resource);
        link.resources.retain(|(_, id)| id != resource);
        link.keys.retain(|key| key.as_str() != resource.as_str());
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
        After::SetAside => {
            row.state = RowState::SetAside;
            row.aside = None;
            if last {
                *row.link_mut::<B>() = None;
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

/// Whether some field that an update was to change still is what the side showed before it: the
/// update did not arrive.
pub(super) fn stands_as_before<B: SideTag>(
    row: &Row,
    operation: &Operation<B>,
    observation: &Observation<B>,
    floating: &ZoneName,
) -> bool {
    let (Write::Update(update), Some(link)) = (&operation.write, row.link::<B>()) else {
        return false;
    };
    update.changes.iter().any(|change| {
        let Change::Set(set) = &change.change else {
            return false;
        };
        let sent = Standing::of(update.series.series(), &change.key);
        let now = observed(observation, &change.key, &link.echo, floating);
        let now = match &now {
            Some(Value::Master(fields) | Value::Override(OverrideValue::Fields(fields))) => {
                Some(fields.as_ref())
            }
            _ => None,
        };
        let before = link.echo.own_fields(&change.key);
        let (Some(sent), Some(now), Some(before)) = (sent.fields(), now, before) else {
            return false;
        };
        set.iter().any(|field| {
            crate::diff::same(*field, now, before) && !crate::diff::same(*field, now, sent)
        })
    })
}

fn same_core(a: &Fields, b: &Fields) -> bool {
    crate::diff::differing(a, b)
        .iter()
        .all(|field| *field == Field::Visibility)
}
