//! One Google calendar as the engine's side port: reading what changed, writing single events.
//!
//! It decides nothing about calendars' contents; it decides what an answer of Google means for the
//! write it belongs to ([`Written`]).

mod create;
mod cursor;
mod fetch;
mod listing;
mod occurrence;
mod remove;
mod update;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use sync_engine::model::{Cursor, Google, ResourceId, ZoneName};
use sync_engine::observation::Seen;
use sync_engine::plan::operation::Write;
use sync_engine::ports::{
    Capabilities, Create, Listing, Recurring, Remove, SideError, SidePort, Update, Written,
};

use crate::account::{Account, Opening};
use crate::error::Error;
use crate::event::{Setting, body, text};
use crate::requests::AccessRole;
use crate::requests::wire::Event;
use crate::session::Session;

/// Requests of one run that may be under way at once.
const CONCURRENCY: usize = 4;

/// One calendar, opened for a run.
pub struct GoogleCalendar {
    account: Account,
    id: String,
    known: Mutex<Known>,
}

/// What is known of the calendar; every listing brings it up to date.
#[derive(Debug, Clone)]
struct Known {
    role: Option<AccessRole>,
    zone: Option<ZoneName>,
}

impl fmt::Debug for GoogleCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleCalendar")
            .field("id", &self.id)
            .field("known", &self.known())
            .finish_non_exhaustive()
    }
}

impl GoogleCalendar {
    pub(crate) fn new(account: Account, opening: &Opening) -> Self {
        Self {
            account,
            id: opening.calendar.as_str().to_owned(),
            known: Mutex::new(Known {
                role: opening.access_role,
                zone: opening.time_zone.clone(),
            }),
        }
    }

    /// What the account may do with it, as last seen; to be stored and given to the next
    /// [`Opening`].
    pub fn access_role(&self) -> Option<AccessRole> {
        self.known().role
    }

    /// Its zone, as last seen.
    pub fn time_zone(&self) -> Option<ZoneName> {
        self.known().zone
    }

    fn known(&self) -> Known {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn learn(&self, role: Option<AccessRole>, zone: Option<ZoneName>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.role = role.or(known.role);
        known.zone = zone.or_else(|| known.zone.take());
    }

    fn session(&self) -> &Session {
        &self.account.inner.session
    }

    fn setting(&self) -> Setting {
        let known = self.known();
        Setting {
            calendar: self.id.clone(),
            account: self.account.email().to_owned(),
            zone: known.zone,
            role: known.role,
        }
    }

    /// A write's own answer, which proves the version it made.
    fn done(&self, event: &Event, asked: &str) -> Written<Google> {
        match crate::event::read(event, &self.setting()) {
            Some(Seen::Present(observation)) => Written::Done(observation),
            _ => Written::Unproven {
                resource: ResourceId::new(event.id.as_deref().unwrap_or(asked)),
                now: None,
            },
        }
    }

    fn told(&self, error: Error) -> SideError {
        error.side_error(self.session().time.0.now())
    }
}

impl SidePort for GoogleCalendar {
    type Tag = Google;

    fn capabilities(&self) -> Capabilities {
        let known = self.known();
        Capabilities {
            writable: known.role.is_none_or(AccessRole::may_write),
            exceptions_apart: true,
            recurring: Recurring::Google,
            floating: false,
            title_limit: Some(body::LINE_LIMIT),
            description_limit: Some(text::DESCRIPTION_LIMIT),
            location_limit: Some(body::LINE_LIMIT),
            visibility: true,
            time_zone: known.zone,
            concurrency: CONCURRENCY,
        }
    }

    fn resource_of(&self, write: &Write<Google>) -> ResourceId<Google> {
        match write {
            Write::Create(create) => create.tag.google_id(),
            Write::Remove(remove) => remove.resource.id.clone(),
            Write::Update(update) => self.updated_resource(update),
        }
    }

    async fn list(&self, cursor: Option<&Cursor<Google>>) -> Result<Listing<Google>, SideError> {
        self.listing(cursor).await.map_err(|error| self.told(error))
    }

    async fn fetch(
        &self,
        resources: &[ResourceId<Google>],
    ) -> Result<Vec<Seen<Google>>, SideError> {
        self.fetched(resources)
            .await
            .map_err(|error| self.told(error))
    }

    async fn create(&self, create: &Create) -> Result<Written<Google>, SideError> {
        self.made(create).await.map_err(|error| self.told(error))
    }

    async fn update(&self, update: &Update<Google>) -> Result<Written<Google>, SideError> {
        self.changed(update).await.map_err(|error| self.told(error))
    }

    async fn remove(&self, remove: &Remove<Google>) -> Result<Written<Google>, SideError> {
        self.removed(remove).await.map_err(|error| self.told(error))
    }
}
