//! A calendar in memory that shows some of its events in a special way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use sync_engine::memory::MemoryCalendar;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Cursor, ResourceId, SideTag};
use sync_engine::observation::{Observation, Seen};
use sync_engine::plan::operation::Write;
use sync_engine::ports::side::{
    Capabilities, Create, Listed, Listing, Remove, SideError, SidePort, Update, Written,
};

pub struct Odd<'a, S: SideTag> {
    pub inner: &'a MemoryCalendar<S>,
    /// Events that somebody gave guests.
    pub guests: Mutex<BTreeSet<String>>,
    /// What the server says of when events were written, which themselves say nothing new.
    pub written: Mutex<BTreeMap<String, Timestamp>>,
    /// It names everything there is, every time: whatever is gone is merely not named.
    pub everything: bool,
}

impl<'a, S: SideTag> Odd<'a, S> {
    pub fn new(inner: &'a MemoryCalendar<S>) -> Self {
        Self {
            inner,
            guests: Mutex::new(BTreeSet::new()),
            written: Mutex::new(BTreeMap::new()),
            everything: false,
        }
    }

    pub fn naming_everything(inner: &'a MemoryCalendar<S>) -> Self {
        Self {
            everything: true,
            ..Self::new(inner)
        }
    }

    /// Somebody invites guests to an event.
    pub fn invite(&self, name: &str) {
        self.guests.lock().unwrap().insert(name.to_owned());
        let event = self.inner.all()[name].clone();
        self.inner.edit(name, event);
    }

    fn observation(&self, mut seen: Box<Observation<S>>) -> Box<Observation<S>> {
        seen.has_guests |= self.guests.lock().unwrap().contains(seen.resource.as_str());
        let written = self.written.lock().unwrap();
        if let Some(at) = written.get(seen.resource.as_str()) {
            seen.modified = Some(Timestamp::UNIX_EPOCH);
            seen.written = Some(*at);
        }
        seen
    }

    fn seen(&self, seen: Seen<S>) -> Seen<S> {
        match seen {
            Seen::Present(seen) => Seen::Present(self.observation(seen)),
            other => other,
        }
    }

    fn written(&self, written: Written<S>) -> Written<S> {
        match written {
            Written::Done(seen) => Written::Done(self.observation(seen)),
            other => other,
        }
    }
}

impl<S: SideTag> SidePort for Odd<'_, S> {
    type Tag = S;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn resource_of(&self, write: &Write<S>) -> ResourceId<S> {
        self.inner.resource_of(write)
    }

    async fn list(&self, cursor: Option<&Cursor<S>>) -> Result<Listing<S>, SideError> {
        let cursor = cursor.filter(|_| !self.everything);
        let mut listing = self.inner.list(cursor).await?;
        let items = listing.items.into_iter();
        listing.items = items
            .map(|item| match item {
                Listed::Seen(seen) => Listed::Seen(self.seen(seen)),
                item @ Listed::Version { .. } => item,
            })
            .collect();
        Ok(listing)
    }

    async fn fetch(&self, resources: &[ResourceId<S>]) -> Result<Vec<Seen<S>>, SideError> {
        let seen = self.inner.fetch(resources).await?;
        Ok(seen.into_iter().map(|seen| self.seen(seen)).collect())
    }

    async fn create(&self, create: &Create) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.create(create).await?))
    }

    async fn update(&self, update: &Update<S>) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.update(update).await?))
    }

    async fn remove(&self, remove: &Remove<S>) -> Result<Written<S>, SideError> {
        Ok(self.written(self.inner.remove(remove).await?))
    }
}
