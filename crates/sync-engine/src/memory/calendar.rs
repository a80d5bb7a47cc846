//! A calendar in memory, on either side: one resource a series, versions that count up, deletions
//! that leave a tombstone.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::lock;
use crate::diff::Standing;
use crate::identity::OriginTag;
use crate::model::time::Timestamp;
use crate::model::{
    ComponentKey, Cursor, Etag, OverrideValue, ResourceId, Series, SeriesKey, Side, SideTag, Uid,
    ZoneName,
};
use crate::observation::{Access, Content, Observation, Seen};
use crate::plan::operation::{Value, Write};
use crate::ports::side::{
    Capabilities, Change, ComponentChange, Create, ErrorClass, Listed, Listing, Recurring, Remove,
    SideError, SidePort, Target, Update, Written,
};
use crate::recurrence::Given;
use crate::snapshot::inherited;

/// A calendar of side `S` in memory.
#[derive(Debug)]
pub struct MemoryCalendar<S: SideTag> {
    state: Mutex<State>,
    capabilities: Capabilities,
    side: std::marker::PhantomData<S>,
}

#[derive(Debug, Default)]
struct State {
    events: BTreeMap<String, Event>,
    changes: u64,
    writes: u64,
    /// Requests until the next fault, and which.
    fault: Option<(u32, Fault)>,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrived.
    Lost,
    /// It took effect, and the answer never arrived.
    AnswerLost,
    /// The server refuses this one event.
    Refused,
}

#[derive(Debug, Clone)]
struct Event {
    uid: Uid,
    series: Series,
    tag: Option<OriginTag>,
    version: u64,
    alive: bool,
}

impl<S: SideTag> Default for MemoryCalendar<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: SideTag> MemoryCalendar<S> {
    /// An empty calendar that can hold anything.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State::default()),
            capabilities: Capabilities {
                writable: true,
                exceptions_apart: false,
                recurring: Recurring::Anything,
                floating: true,
                title_limit: None,
                description_limit: None,
                location_limit: None,
                visibility: S::SIDE == Side::Google,
                time_zone: None,
                concurrency: 4,
            },
            side: std::marker::PhantomData,
        }
    }

    /// The same with other capabilities.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Puts an event there as a person would: creates it, or replaces what `name` holds.
    pub fn put(&self, name: &str, uid: &str, series: Series) {
        let mut state = lock(&self.state);
        let tag = state
            .events
            .get(name)
            .filter(|event| event.alive)
            .and_then(|event| event.tag.clone());
        state.write(name, Uid::new(uid), series, tag);
    }

    /// Changes what an event says as a person would: its UID and origin tag stay.
    pub fn edit(&self, name: &str, series: Series) {
        let uid = {
            let state = lock(&self.state);
            state.events.get(name).map(|event| event.uid.clone())
        };
        if let Some(uid) = uid {
            self.put(name, uid.as_str(), series);
        }
    }

    /// Deletes an event as a person would.
    pub fn delete(&self, name: &str) {
        let mut state = lock(&self.state);
        state.changes += 1;
        let version = state.changes;
        if let Some(event) = state.events.get_mut(name) {
            event.alive = false;
            event.version = version;
        }
    }

    /// What is there: names and series.
    pub fn all(&self) -> BTreeMap<String, Series> {
        let state = lock(&self.state);
        let alive = state.events.iter().filter(|(_, event)| event.alive);
        alive
            .map(|(name, event)| (name.clone(), event.series.clone()))
            .collect()
    }

    /// Lets `requests` go through and the next one meet `fault`.
    pub fn fail_after(&self, requests: u32, fault: Fault) {
        lock(&self.state).fault = Some((requests, fault));
    }

    /// How many writes it took through its port.
    pub fn writes(&self) -> u64 {
        lock(&self.state).writes
    }

    fn names(tag: &OriginTag) -> (String, Uid) {
        match S::SIDE {
            Side::Caldav => (tag.caldav_name(), tag.caldav_uid()),
            Side::Google => {
                let id = tag.google_id();
                (id.as_str().to_owned(), Uid::new(format!("{id}@memory")))
            }
        }
    }
}

impl State {
    fn write(&mut self, name: &str, uid: Uid, series: Series, tag: Option<OriginTag>) {
        self.changes += 1;
        let event = Event {
            uid,
            series,
            tag,
            version: self.changes,
            alive: true,
        };
        self.events.insert(name.to_owned(), event);
    }

    fn seen<S: SideTag>(&self, name: &str) -> Seen<S> {
        match self.events.get(name).filter(|event| event.alive) {
            Some(event) => Seen::Present(Box::new(event.observation(name))),
            None => Seen::Gone {
                resource: ResourceId::new(name),
            },
        }
    }

    fn is_version<S: SideTag>(&self, name: &str, etag: Option<&Etag<S>>) -> bool {
        self.events
            .get(name)
            .is_some_and(|event| event.alive && Some(&event.etag()) == etag)
    }

    fn written<S: SideTag>(&self, name: &str) -> Written<S> {
        match self.seen(name) {
            Seen::Present(observation) => Written::Done(observation),
            now => Written::Stale { now: Box::new(now) },
        }
    }
}

impl State {
    /// Whether this request meets a fault.
    fn strikes(&mut self) -> Option<Fault> {
        let (left, fault) = self.fault?;
        if left == 0 {
            self.fault = None;
            return Some(fault);
        }
        self.fault = Some((left - 1, fault));
        None
    }

    /// The answer to a write, unless it is lost on its way back.
    fn answer<S: SideTag>(
        fault: Option<Fault>,
        written: Written<S>,
    ) -> Result<Written<S>, SideError> {
        match fault {
            Some(Fault::AnswerLost) => Err(failure::<S>(Fault::AnswerLost)),
            _ => Ok(written),
        }
    }
}

fn failure<S: SideTag>(fault: Fault) -> SideError {
    let (class, code) = match fault {
        Fault::Refused => (ErrorClass::Event, "event_refused"),
        Fault::Lost | Fault::AnswerLost => {
            (ErrorClass::Transient { not_before: None }, "unreachable")
        }
    };
    SideError {
        side: S::SIDE,
        class,
        code,
        detail: "a fault was asked for".to_owned(),
        action: "nothing".to_owned(),
        source: None,
    }
}

impl Event {
    fn etag<S: SideTag>(&self) -> Etag<S> {
        Etag::new(self.version.to_string())
    }

    fn observation<S: SideTag>(&self, name: &str) -> Observation<S> {
        Observation {
            resource: ResourceId::new(name),
            series: match S::SIDE {
                Side::Caldav => SeriesKey::new(self.uid.as_str()),
                Side::Google => SeriesKey::new(name),
            },
            uid: self.uid.clone(),
            etag: Some(self.etag()),
            modified: Timestamp::from_second(i64::try_from(self.version).unwrap_or(0)).ok(),
            stamps: Vec::new(),
            written: None,
            content: Content::Series(Box::new(self.series.clone())),
            tag: self.tag.clone(),
            access: Access::Full,
            has_guests: false,
            note: None,
            remarks: Vec::new(),
        }
    }
}

impl<S: SideTag> SidePort for MemoryCalendar<S> {
    type Tag = S;

    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn resource_of(&self, write: &Write<S>) -> ResourceId<S> {
        match write {
            Write::Create(create) => ResourceId::new(Self::names(&create.tag).0),
            Write::Update(update) => match &update.target {
                Target::Stored(resource) => resource.id.clone(),
                Target::Occurrence { series, .. } => series.id.clone(),
            },
            Write::Remove(remove) => remove.resource.id.clone(),
        }
    }

    async fn list(&self, cursor: Option<&Cursor<S>>) -> Result<Listing<S>, SideError> {
        let mut state = lock(&self.state);
        if let Some(fault) = state.strikes().filter(|fault| *fault != Fault::Refused) {
            return Err(failure::<S>(fault));
        }
        let state = state;
        let since = cursor.and_then(|cursor| cursor.as_str().parse::<u64>().ok());
        let changed = state.events.iter().filter(|(_, event)| match since {
            Some(since) => event.version > since,
            None => event.alive,
        });
        Ok(Listing {
            items: changed
                .map(|(name, _)| Listed::Seen(state.seen(name)))
                .collect(),
            complete: since.is_none(),
            cursor: Some(Cursor::new(state.changes.to_string())),
            suspect: None,
        })
    }

    async fn fetch(&self, resources: &[ResourceId<S>]) -> Result<Vec<Seen<S>>, SideError> {
        let state = lock(&self.state);
        Ok(resources.iter().map(|id| state.seen(id.as_str())).collect())
    }

    async fn create(&self, create: &Create) -> Result<Written<S>, SideError> {
        let (name, uid) = Self::names(&create.tag);
        let mut state = lock(&self.state);
        let fault = state.strikes();
        if let Some(fault @ (Fault::Lost | Fault::Refused)) = fault {
            return Err(failure::<S>(fault));
        }
        if state
            .events
            .get(&name)
            // A CalDAV server does not remember whom a free name belonged to.
            .is_some_and(|event| event.alive || (S::SIDE == Side::Google && !create.revive))
        {
            return Ok(Written::Taken {
                now: Box::new(state.seen(&name)),
                used_up: false,
            });
        }
        state.writes += 1;
        let (series, tag) = (create.series.series().clone(), Some(create.tag.clone()));
        state.write(&name, uid, series, tag);
        State::answer(fault, state.written(&name))
    }

    async fn update(&self, update: &Update<S>) -> Result<Written<S>, SideError> {
        let (Target::Stored(resource)
        | Target::Occurrence {
            series: resource, ..
        }) = &update.target;
        let name = resource.id.as_str();
        let mut state = lock(&self.state);
        let fault = state.strikes();
        if let Some(fault @ (Fault::Lost | Fault::Refused)) = fault {
            return Err(failure::<S>(fault));
        }
        if !state.is_version(name, resource.etag.as_ref()) {
            return Ok(Written::Stale {
                now: Box::new(state.seen(name)),
            });
        }
        let Some(mut event) = state.events.get(name).cloned() else {
            return Ok(state.written(name));
        };
        follow(&mut event.series, &update.changes);
        for change in &update.changes {
            let value = changed(
                &event.series,
                update.series.series(),
                &change.key,
                &change.change,
            );
            event.series.take(&change.key, value);
        }
        state.writes += 1;
        let tag = update.tag.clone().or(event.tag);
        state.write(name, event.uid, event.series, tag);
        State::answer(fault, state.written(name))
    }

    async fn remove(&self, remove: &Remove<S>) -> Result<Written<S>, SideError> {
        let name = remove.resource.id.as_str();
        let mut state = lock(&self.state);
        let fault = state.strikes();
        if let Some(fault @ (Fault::Lost | Fault::Refused)) = fault {
            return Err(failure::<S>(fault));
        }
        if let Seen::Gone { .. } = state.seen::<S>(name) {
            return Ok(Written::Removed);
        }
        if !state.is_version(name, remove.resource.etag.as_ref()) {
            return Ok(Written::Stale {
                now: Box::new(state.seen(name)),
            });
        }
        state.changes += 1;
        state.writes += 1;
        let version = state.changes;
        if let Some(event) = state.events.get_mut(name) {
            event.alive = false;
            event.version = version;
        }
        State::answer(fault, Written::Removed)
    }
}

/// As a text is edited: overrides that say nothing of their own go on saying what the master says,
/// and go where it no longer takes place.
fn follow(series: &mut Series, changes: &[ComponentChange]) {
    let touched = |key: ComponentKey| changes.iter().any(|change| change.key == key);
    let Some(master) = series.master.clone() else {
        return;
    };
    if !touched(ComponentKey::Master) {
        return;
    }
    let given = Given::of(&master, &ZoneName::utc());
    series.overrides.retain(|id, value| match value {
        OverrideValue::Fields(fields) => {
            **fields != inherited(&master, *id)
                || !given.at(*id)
                || touched(ComponentKey::Override(*id))
        }
        OverrideValue::Cancelled => true,
    });
}

/// A component after a change: only the named fields are touched.
fn changed(now: &Series, want: &Series, key: &ComponentKey, change: &Change) -> Option<Value> {
    let as_value = |fields: crate::model::Fields| match key {
        ComponentKey::Master => Value::Master(Box::new(fields)),
        ComponentKey::Override(_) => Value::Override(OverrideValue::Fields(Box::new(fields))),
    };
    let wanted = Standing::of(want, key).fields().cloned();
    match change {
        Change::Cancel => Some(Value::Override(OverrideValue::Cancelled)),
        Change::Inherit => None,
        Change::Add => wanted.map(as_value),
        Change::Set(fields) => {
            let mut set = Standing::of(now, key).fields().cloned()?;
            let wanted = wanted?;
            for field in fields {
                crate::diff::copy(*field, &wanted, &mut set);
            }
            Some(as_value(set))
        }
    }
}
