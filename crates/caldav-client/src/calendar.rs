//! One calendar, opened for one run: the engine's port for the CalDAV side.
//!
//! [`list`](SidePort::list) climbs down the ladder of `listing`, [`fetch`](SidePort::fetch) reads
//! what it named, and the three writes read before and after they write, because hardly anything
//! else can be relied on. What text means is `ical-model`'s.

mod fetch;
mod listing;
mod observe;
mod read;
mod remove;
mod write;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use outbound::Url;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Cursor, ResourceId};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::Write;
use sync_engine::ports::{
    Capabilities, Create, Listing, Recurring, Remove, SideError, SidePort, Update, Written,
};

use crate::account::{Account, CalendarFacts};
use crate::error::Error;
use crate::href::{self, Href};
use crate::profile::Profile;
use crate::transport::Session;

/// A calendar, opened for one run.
#[derive(Debug)]
pub struct Calendar {
    session: Arc<Session>,
    facts: CalendarFacts,
    /// The collection, with a slash at its end.
    base: Url,
    /// When the run began: stamps what is written, and tells when a complete listing is due.
    now: Timestamp,
    /// The owner's addresses.
    own_addresses: Vec<String>,
    /// How the server spells the hrefs that it spells oddly.
    spellings: Mutex<HashMap<ResourceId<Caldav>, String>>,
    /// Answers that were larger than we read.
    oversized: AtomicU32,
}

/// Answers that may be too large in one run. Each is cut off and looked for in smaller pieces; a
/// server that sends nothing else is not asked on and on.
const MOST_OVERSIZED: u32 = 300;

impl Calendar {
    /// Opens `calendar` of `account` for a run that began `now`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if its URL is none.
    pub fn open(
        account: &Account,
        calendar: &CalendarFacts,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let session = Arc::clone(&account.session);
        let base = href::collection(&outbound::typed_url(calendar.url.as_str())?);
        let mut own_addresses = session.profile().addresses;
        if session.username().contains('@') {
            own_addresses.push(session.username().to_owned());
        }
        Ok(Self {
            session,
            facts: calendar.clone(),
            base,
            now,
            own_addresses,
            spellings: Mutex::default(),
            oversized: AtomicU32::new(0),
        })
    }

    /// What is known of the account's server by now.
    pub fn profile(&self) -> Profile {
        self.session.profile()
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    /// Remembers how the server spells a resource's href.
    fn note_spelling(&self, href: &Href) {
        if let Some(raw) = href.odd_spelling() {
            self.spellings
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(href.id(), raw.to_owned());
        }
    }

    /// Counts an answer that was too large; an error once there were too many.
    fn note_oversized(&self, source: outbound::Error) -> Result<(), Error> {
        if self.oversized.fetch_add(1, Ordering::Relaxed) < MOST_OVERSIZED {
            Ok(())
        } else {
            Err(source.into())
        }
    }

    /// The href of a resource: spelled as this run has seen it, else as the note says.
    fn href(&self, id: &ResourceId<Caldav>, noted: Option<&str>) -> Href {
        let seen = self
            .spellings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        Href::of(id, seen.as_deref().or(noted))
    }
}

impl SidePort for Calendar {
    type Tag = Caldav;

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            writable: self.facts.writable,
            exceptions_apart: false,
            recurring: Recurring::Anything,
            floating: true,
            title_limit: None,
            description_limit: None,
            location_limit: None,
            visibility: false,
            time_zone: self.facts.time_zone.clone(),
            concurrency: self.session.pacing().concurrency,
        }
    }

    fn resource_of(&self, write: &Write<Caldav>) -> ResourceId<Caldav> {
        match write {
            Write::Create(create) => self.new_resource(create),
            Write::Remove(remove) => remove.resource.id.clone(),
            Write::Update(update) => write::target(update).id.clone(),
        }
    }

    async fn list(&self, cursor: Option<&Cursor<Caldav>>) -> Result<Listing<Caldav>, SideError> {
        Ok(self.listing(cursor).await?)
    }

    async fn fetch(
        &self,
        resources: &[ResourceId<Caldav>],
    ) -> Result<Vec<Seen<Caldav>>, SideError> {
        Ok(self.fetch_all(resources).await?)
    }

    async fn create(&self, create: &Create) -> Result<Written<Caldav>, SideError> {
        Ok(self.create_object(create).await?)
    }

    async fn update(&self, update: &Update<Caldav>) -> Result<Written<Caldav>, SideError> {
        Ok(self.update_object(update).await?)
    }

    async fn remove(&self, remove: &Remove<Caldav>) -> Result<Written<Caldav>, SideError> {
        Ok(self.remove_object(remove).await?)
    }
}
