//! One account at one server: who, where, and what is known of it.

use std::sync::Arc;

use outbound::{Client, Url, typed_url};
use secrecy::SecretString;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, CalendarId, ZoneName};

use crate::auth::Auth;
use crate::calendar::Calendar;
use crate::discovery::{self, Discovery};
use crate::error::Error;
use crate::profile::Profile;
use crate::transport::{Pacing, Session};

/// An account at a CalDAV server. Cheap to clone; clones share connections, sign-in and pauses, so
/// one is kept for as long as the account is in use.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) session: Arc<Session>,
}

/// What one account signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password, or a token that stands for one.
    pub password: SecretString,
}

impl Account {
    /// Opens an account. Nothing is sent yet.
    ///
    /// `address` is what a person typed: a server, a principal, a home or one calendar. `profile` is
    /// what [`profile`](Self::profile) gave the last time, or the default. One `client`
    /// ([`Policy::caldav`](outbound::Policy::caldav)) serves all accounts.
    ///
    /// # Errors
    /// [`Error::Unreachable`] for an address that cannot be one.
    pub fn new(
        client: &Client,
        address: &str,
        credentials: Credentials,
        profile: Profile,
        pacing: Pacing,
    ) -> Result<Self, Error> {
        let typed = typed_url(address)?;
        let auth = Auth::new(credentials.username, credentials.password, profile.sign_in);
        let session = Session::new(client.clone(), typed, auth, profile, pacing);
        Ok(Self {
            session: Arc::new(session),
        })
    }

    /// The address as typed, mended.
    pub fn address(&self) -> &Url {
        self.session.typed()
    }

    /// What is known of the server by now; to be stored after a discovery and after each run.
    pub fn profile(&self) -> Profile {
        self.session.profile()
    }

    /// Finds the account's calendars for events, and what the server can do.
    ///
    /// # Errors
    /// [`Error`]; its [`code`](Error::code) is one of `caldav_unauthorized`, `caldav_unreachable`,
    /// `caldav_not_found`, and its [`action`](Error::action) says what to do.
    pub async fn discover(&self) -> Result<Discovery, Error> {
        discovery::discover(&self.session).await
    }

    /// Opens a calendar for one run that began `now`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the calendar's URL is none.
    pub fn open(&self, calendar: &CalendarFacts, now: Timestamp) -> Result<Calendar, Error> {
        Calendar::open(self, calendar, now)
    }
}

/// What is known of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CalendarFacts {
    /// The collection's absolute URL in its one normalised spelling: its identity.
    pub url: CalendarId<Caldav>,
    /// Its name; the last segment of its URL where it has none.
    pub name: String,
    /// Its colour as `#rrggbb`.
    pub color: Option<String>,
    /// Kinds of components it says it takes (`VEVENT`, `VTODO`, …); empty if it says nothing.
    pub components: Vec<String>,
    /// Whether the account may write to it.
    pub writable: bool,
    /// Its own time zone.
    pub time_zone: Option<ZoneName>,
}

impl CalendarFacts {
    /// A calendar of which nothing is known but its URL: taken for writable.
    pub fn of(url: CalendarId<Caldav>) -> Self {
        Self {
            url,
            name: String::new(),
            color: None,
            components: Vec::new(),
            writable: true,
            time_zone: None,
        }
    }
}
