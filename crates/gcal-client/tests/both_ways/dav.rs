//! The CalDAV side: the engine's calendar in memory with a clock, a server's moods, and people who
//! write in the middle of a run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::FutureExt as _;
use jiff::Timestamp;
use simulators::google::GoogleSim;
use sync_engine::memory::{Fault, MemoryCalendar};
use sync_engine::model::{Caldav, Cursor, ResourceId, Series, Side, Text};
use sync_engine::observation::{Observation, Seen};
use sync_engine::plan::operation::Write;
use sync_engine::ports::{
    Capabilities, Create, Listed, Listing, Remove, SideError, SidePort, Update, Written,
};

use super::secrets::{self, Sent};

/// How the server is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moods {
    /// Listings name versions only; bodies are fetched.
    pub(crate) versions_only: bool,
    /// A write's answer does not prove which version it made.
    pub(crate) unproven: bool,
    /// Every listing is complete.
    pub(crate) forgetful: bool,
}

#[derive(Debug, Default)]
struct State {
    stamps: BTreeMap<String, Timestamp>,
    uids: BTreeMap<String, String>,
    expired: bool,
    /// So many writes on, a person writes first.
    ambush: Option<u32>,
    lists: u32,
    fetched: usize,
    sent: Vec<Sent>,
}

pub(crate) struct Dav {
    pub(crate) moods: Moods,
    inner: MemoryCalendar<Caldav>,
    clock: Arc<GoogleSim>,
    state: Mutex<State>,
}

impl Dav {
    pub(crate) fn new(clock: Arc<GoogleSim>) -> Self {
        Self {
            moods: Moods::default(),
            inner: MemoryCalendar::new(),
            clock,
            state: Mutex::default(),
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Series> {
        self.inner.all()
    }

    /// A person writes; the UID stays, or is the name's.
    pub(crate) fn put(&self, name: &str, series: Series) {
        let uid = self.uid(name).unwrap_or_else(|| format!("{name}@x"));
        self.put_as(name, &uid, series);
    }

    pub(crate) fn put_as(&self, name: &str, uid: &str, mut series: Series) {
        // As its text would be read.
        if let Some(master) = &mut series.master
            && let Some(recurrence) = &master.recurrence
        {
            master.recurrence = Some(recurrence.normalized(&master.when));
        }
        self.stamp(name);
        let uids = &mut self.state.lock().unwrap().uids;
        uids.insert(name.to_owned(), uid.to_owned());
        self.inner.put(name, uid, series);
    }

    pub(crate) fn delete(&self, name: &str) {
        self.inner.delete(name);
    }

    pub(crate) fn uid(&self, name: &str) -> Option<String> {
        if let Some(observation) = self.look(name) {
            return Some(observation.uid.as_str().to_owned());
        }
        self.state.lock().unwrap().uids.get(name).cloned()
    }

    pub(crate) fn look(&self, name: &str) -> Option<Box<Observation<Caldav>>> {
        let seen = self.inner.fetch(&[ResourceId::new(name)]).now_or_never();
        match seen.unwrap().unwrap().pop() {
            Some(Seen::Present(observation)) => Some(observation),
            _ => None,
        }
    }

    pub(crate) fn writes(&self) -> u64 {
        self.inner.writes()
    }

    pub(crate) fn fail_after(&self, requests: u32, fault: Fault) {
        self.inner.fail_after(requests, fault);
    }

    pub(crate) fn expire(&self) {
        self.state.lock().unwrap().expired = true;
    }

    pub(crate) fn ambush(&self, writes: u32) {
        self.state.lock().unwrap().ambush = Some(writes);
    }

    /// No more trouble.
    pub(crate) fn calm(&self) {
        let mut state = self.state.lock().unwrap();
        state.ambush = None;
        // Far beyond whatever is asked.
        self.inner.fail_after(u32::MAX, Fault::Refused);
    }

    /// Listings and bodies asked for since the last time.
    pub(crate) fn asked(&self) -> (u32, usize) {
        let mut state = self.state.lock().unwrap();
        (
            std::mem::take(&mut state.lists),
            std::mem::take(&mut state.fetched),
        )
    }

    /// What was sent since the last time, whatever became of it.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state.lock().unwrap().sent)
    }

    fn stamp(&self, name: &str) {
        let now = self.clock.now();
        self.state
            .lock()
            .unwrap()
            .stamps
            .insert(name.to_owned(), now);
    }

    fn dated(&self, seen: Seen<Caldav>) -> Seen<Caldav> {
        match seen {
            Seen::Present(mut observation) => {
                let state = self.state.lock().unwrap();
                observation.modified = state.stamps.get(observation.resource.as_str()).copied();
                Seen::Present(observation)
            }
            seen => seen,
        }
    }

    /// Somebody may be quicker than this write.
    fn before_write(&self, name: &str) {
        let strikes = {
            let mut state = self.state.lock().unwrap();
            match state.ambush {
                Some(0) => {
                    state.ambush = None;
                    true
                }
                Some(left) => {
                    state.ambush = Some(left - 1);
                    false
                }
                None => false,
            }
        };
        if strikes && let Some(mut series) = self.inner.all().remove(name) {
            if let Some(master) = &mut series.master {
                master.title = Text::new(&format!("{}Quicker", secrets::pen(Side::Caldav)));
            }
            self.put(name, series);
        }
    }

    fn answered(&self, written: Written<Caldav>) -> Written<Caldav> {
        match written {
            Written::Done(seen) => {
                self.stamp(seen.resource.as_str());
                let Seen::Present(seen) = self.dated(Seen::Present(seen)) else {
                    unreachable!()
                };
                if self.moods.unproven {
                    return Written::Unproven {
                        resource: seen.resource.clone(),
                        now: Some(seen),
                    };
                }
                Written::Done(seen)
            }
            Written::Stale { now } => Written::Stale {
                now: Box::new(self.dated(*now)),
            },
            Written::Taken { now, used_up } => Written::Taken {
                now: Box::new(self.dated(*now)),
                used_up,
            },
            written => written,
        }
    }
}

impl SidePort for Dav {
    type Tag = Caldav;

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn resource_of(&self, write: &Write<Caldav>) -> ResourceId<Caldav> {
        self.inner.resource_of(write)
    }

    async fn list(&self, cursor: Option<&Cursor<Caldav>>) -> Result<Listing<Caldav>, SideError> {
        let expired = {
            let mut state = self.state.lock().unwrap();
            state.lists += 1;
            std::mem::take(&mut state.expired) || self.moods.forgetful
        };
        let mut listing = self.inner.list(cursor.filter(|_| !expired)).await?;
        listing.items = listing
            .items
            .into_iter()
            .map(|item| match item {
                Listed::Seen(Seen::Present(seen)) if self.moods.versions_only => Listed::Version {
                    resource: seen.resource,
                    etag: seen.etag,
                },
                Listed::Seen(seen) => Listed::Seen(self.dated(seen)),
                item @ Listed::Version { .. } => item,
            })
            .rev()
            .collect();
        Ok(listing)
    }

    async fn fetch(
        &self,
        resources: &[ResourceId<Caldav>],
    ) -> Result<Vec<Seen<Caldav>>, SideError> {
        self.state.lock().unwrap().fetched += resources.len();
        let seen = self.inner.fetch(resources).await?;
        Ok(seen.into_iter().map(|seen| self.dated(seen)).collect())
    }

    async fn create(&self, create: &Create) -> Result<Written<Caldav>, SideError> {
        let write = Write::Create(Box::new(create.clone()));
        let name = self.inner.resource_of(&write);
        let sent = secrets::created(name.as_str(), create.series.series());
        self.state.lock().unwrap().sent.push(sent);
        Ok(self.answered(self.inner.create(create).await?))
    }

    async fn update(&self, update: &Update<Caldav>) -> Result<Written<Caldav>, SideError> {
        let write = Write::Update(Box::new(update.clone()));
        let name = self.inner.resource_of(&write);
        let sent = secrets::updated(name.as_str(), update);
        self.state.lock().unwrap().sent.push(sent);
        self.before_write(name.as_str());
        Ok(self.answered(self.inner.update(update).await?))
    }

    async fn remove(&self, remove: &Remove<Caldav>) -> Result<Written<Caldav>, SideError> {
        self.before_write(remove.resource.id.as_str());
        Ok(self.answered(self.inner.remove(remove).await?))
    }
}
