//! A small CalDAV server in the process, strict by default, wrong on demand.
//!
//! Tests and the demo start a [`CaldavSim`]; another process steers it over `/_sim/**` (see
//! `control`). It speaks RFC 4791, 6578, 6764 and the parts of 4918 they need, over HTTP/1.1 on
//! 127.0.0.1. [`Quirks`] switch on, one by one, what real servers do differently; [`Fault`]s strike
//! single requests; a log counts everything that was asked.
//!
//! A pure core (`handler`: state, request and time in, answer out) sits under a thin shell
//! (`shell`: sockets). Nothing here is used by the product's `serve`.
//!
//! ```
//! use simulators::caldav::{CaldavSim, CaldavSimConfig};
//!
//! let sim = CaldavSim::start(CaldavSimConfig::default())?;
//! sim.put("alice", "work", "a.ics", "BEGIN:VCALENDAR\r\n…");
//! assert_eq!(sim.objects("alice", "work").len(), 1);
//! println!("{}", sim.url());
//! # Ok::<(), std::io::Error>(())
//! ```

mod auth;
mod collection;
mod config;
mod control;
mod faults;
mod handler;
mod href;
mod ics;
mod log;
mod object;
mod propfind;
mod props;
mod quirks;
mod reply;
mod report;
mod resource;
mod shell;
mod spoil;
mod state;
mod sync;
mod xml;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub use config::{Access, AuthScheme, CaldavSimConfig, CalendarSpec, SimClock, UserSpec};
pub use faults::{Fault, FaultAction, Moment};
pub use log::LoggedRequest;
pub use quirks::{
    CollectionItself, HrefEscape, MissingHref, Nresults, Quirks, Rewrite, SyncData, Throttle,
    TimeRange, TokenAnswer, TokenForm, XmlMischief, XmlStyle,
};

use resource::Resource;
use shell::{Server, Shared};
use state::{Calendar, State};

/// A running CalDAV server. Dropping it stops the server and frees its port.
pub struct CaldavSim {
    shared: Arc<Shared>,
    url: String,
    _server: Server,
}

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Decoded last path segment.
    pub name: String,
    /// Its UID, or nothing when it has none.
    pub uid: String,
    /// As the server shows it, quotes included.
    pub etag: String,
    /// The text.
    pub ics: String,
}

/// Everything that was stored at one moment; see [`CaldavSim::restore`].
#[derive(Clone, Debug)]
pub struct Backup(BTreeMap<(String, String), Calendar>);

impl CaldavSim {
    /// Starts a server.
    ///
    /// # Errors
    /// The port is taken, or a thread cannot be started.
    pub fn start(config: CaldavSimConfig) -> io::Result<Self> {
        let (listener, address) = shell::bind(config.port)?;
        let origin = format!("http://{address}");
        let state = State {
            origin: origin.clone(),
            context: config.context.trim_matches('/').to_owned(),
            auth: config.auth,
            nonces: auth::Nonces::default(),
            users: config
                .users
                .into_iter()
                .map(|user| (user.name.clone(), user))
                .collect(),
            calendars: config
                .calendars
                .into_iter()
                .map(|(user, spec)| ((user, spec.slug.clone()), Calendar::new(spec)))
                .collect(),
            quirks: config.quirks,
            faults: faults::Faults::default(),
            log: log::RequestLog::default(),
            window: (0, 0),
        };
        let shared = Arc::new(Shared::new(state, config.clock));
        let server = Server::start(listener, Arc::clone(&shared))?;
        Ok(Self {
            shared,
            url: origin,
            _server: server,
        })
    }

    /// `http://127.0.0.1:PORT`, without a last slash: what a person would type.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The absolute URL of a calendar.
    #[must_use]
    pub fn calendar_url(&self, user: &str, slug: &str) -> String {
        self.shared
            .state()
            .url(&Resource::Calendar(user.to_owned(), slug.to_owned()))
    }

    /// Adds a user, or replaces one (with a new password, say).
    pub fn set_user(&self, user: UserSpec) {
        self.shared.state().users.insert(user.name.clone(), user);
    }

    /// Creates a calendar, empty, in place of any that was there.
    pub fn create_calendar(&self, user: &str, spec: CalendarSpec) {
        let key = (user.to_owned(), spec.slug.clone());
        self.shared
            .state()
            .calendars
            .insert(key, Calendar::new(spec));
    }

    /// Removes a calendar with all it holds. Says whether it was there.
    #[must_use = "a calendar that was not there is usually a slip in the test"]
    pub fn remove_calendar(&self, user: &str, slug: &str) -> bool {
        let key = (user.to_owned(), slug.to_owned());
        self.shared.state().calendars.remove(&key).is_some()
    }

    /// Sets what the owner may do with a calendar.
    pub fn set_access(&self, user: &str, slug: &str, access: Access) {
        if let Some(calendar) = self.shared.state().calendar_mut(user, slug) {
            calendar.spec.access = access;
        }
    }

    /// Stores an object as another client of the user would: not logged, not checked, not
    /// rewritten. Says whether it is new; without such a calendar nothing happens.
    pub fn put(&self, user: &str, slug: &str, name: &str, ics: &str) -> bool {
        let now = (self.shared.clock)();
        let state = &mut *self.shared.state();
        let quirks = state.quirks.clone();
        state
            .calendar_mut(user, slug)
            .is_some_and(|c| c.store(name, ics.as_bytes().to_vec(), &quirks, now))
    }

    /// Deletes an object as another client would. Says whether it was there.
    pub fn delete(&self, user: &str, slug: &str, name: &str) -> bool {
        let now = (self.shared.clock)();
        self.shared
            .state()
            .calendar_mut(user, slug)
            .is_some_and(|c| c.remove(name, now))
    }

    /// Moves an object to another name in the same calendar, as a MOVE would.
    pub fn rename(&self, user: &str, slug: &str, from: &str, to: &str) -> bool {
        let now = (self.shared.clock)();
        let state = &mut *self.shared.state();
        let quirks = state.quirks.clone();
        let Some(calendar) = state.calendar_mut(user, slug) else {
            return false;
        };
        let Some(body) = calendar.objects.get(from).map(|o| o.body.to_vec()) else {
            return false;
        };
        calendar.remove(from, now);
        calendar.store(to, body, &quirks, now);
        true
    }

    /// The objects of a calendar, by name; empty when there is no such calendar.
    #[must_use]
    pub fn objects(&self, user: &str, slug: &str) -> Vec<StoredObject> {
        let state = self.shared.state();
        state
            .calendar(user, slug)
            .into_iter()
            .flat_map(|c| &c.objects)
            .map(|(name, object)| StoredObject {
                name: name.clone(),
                uid: object.uid.clone(),
                etag: props::etag(object, &state.quirks),
                ics: String::from_utf8_lossy(&object.body).into_owned(),
            })
            .collect()
    }

    /// One object.
    #[must_use]
    pub fn get(&self, user: &str, slug: &str, name: &str) -> Option<StoredObject> {
        self.objects(user, slug)
            .into_iter()
            .find(|o| o.name == name)
    }

    /// Makes every sync token of a calendar void, as a server does that forgot its history.
    pub fn expire_tokens(&self, user: &str, slug: &str) {
        if let Some(calendar) = self.shared.state().calendar_mut(user, slug) {
            calendar.epoch += 1;
            calendar.tombstones.clear();
        }
    }

    /// All calendars as they are now.
    #[must_use]
    pub fn backup(&self) -> Backup {
        Backup(self.shared.state().calendars.clone())
    }

    /// Puts all calendars back as they were: tokens given out since are then from the future.
    pub fn restore(&self, backup: Backup) {
        self.shared.state().calendars = backup.0;
    }

    /// The quirks in force.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.shared.state().quirks.clone()
    }

    /// Changes the quirks while the server runs.
    pub fn update_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.shared.state().quirks);
    }

    /// Arms a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.state().faults.add(fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// The requests so far, oldest first (the last 20,000).
    #[must_use]
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.shared.state().log.entries()
    }

    /// Requests by method since the log was last cleared; reports by name, as
    /// `REPORT sync-collection`.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.state().log.counts()
    }

    /// Requests that may change something (PUT, DELETE, MKCALENDAR, MKCOL, PROPPATCH) since the log
    /// was last cleared.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.counts()
            .iter()
            .filter(|(m, _)| {
                matches!(
                    m.as_str(),
                    "PUT" | "DELETE" | "MKCALENDAR" | "MKCOL" | "PROPPATCH"
                )
            })
            .map(|(_, n)| n)
            .sum()
    }

    /// Forgets the log and its counts.
    pub fn clear_log(&self) {
        self.shared.state().log.clear();
    }
}

impl std::fmt::Debug for CaldavSim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaldavSim")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
