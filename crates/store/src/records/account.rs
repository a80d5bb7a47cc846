//! Accounts and the calendars they show.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{AccountId, CalendarId, Side, SideTag};
use sync_engine::report::Problem;

/// A CalDAV account. Its password is asked for by itself ([`Db::caldav_password`](crate::Db)).
#[derive(Debug, Clone, PartialEq)]
pub struct CaldavAccount {
    /// Its id, `cda_…`.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// The address an administrator typed.
    pub base_url: String,
    /// Who signs in.
    pub username: String,
    /// Whether it works.
    pub status: CaldavStatus,
    /// Why not, for people; `None` while it works.
    pub problem: Option<Problem>,
    /// SHA-256 (`AA:BB:…`) of the one certificate that the server may show; `None` while this
    /// machine's trust store decides.
    pub trusted_fingerprint: Option<String>,
    /// What was learnt about the server: principal, homes, capabilities. The client's own JSON.
    pub profile: serde_json::Value,
    /// Declared in `config.yaml`.
    pub managed: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its status was last found out.
    pub checked_at: Option<Timestamp>,
}

/// Whether a CalDAV account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaldavStatus {
    /// It does.
    #[default]
    Ok,
    /// The server refuses the sign-in.
    Unauthorized,
    /// The server does not answer.
    Unreachable,
    /// There are no calendars at that address.
    NotFound,
}

/// A CalDAV account to be added, after its discovery.
#[derive(Debug, Clone)]
pub struct NewCaldavAccount {
    /// What people call it.
    pub name: String,
    /// The address an administrator typed.
    pub base_url: String,
    /// Who signs in.
    pub username: String,
    /// The password; stored sealed.
    pub password: SecretString,
    /// The one certificate that the server may show.
    pub trusted_fingerprint: Option<String>,
    /// What was learnt about the server.
    pub profile: serde_json::Value,
    /// Declared in `config.yaml`.
    pub managed: bool,
}

/// Changes to a CalDAV account, after a test; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct CaldavAccountChange {
    /// What people call it.
    pub name: Option<String>,
    /// The address.
    pub base_url: Option<String>,
    /// Who signs in.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// The one certificate that the server may show; `Some(None)` forgets it.
    pub trusted_fingerprint: Option<Option<String>>,
    /// What was learnt about the server.
    pub profile: Option<serde_json::Value>,
    /// Declared in `config.yaml`.
    pub managed: Option<bool>,
}

/// A Google account. Its tokens are asked for by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct GoogleAccount {
    /// Its id, `gga_…`.
    pub id: AccountId,
    /// Whose it is.
    pub email: String,
    /// Whether it works.
    pub status: GoogleStatus,
    /// Why not, for people.
    pub problem: Option<Problem>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// What is remembered about it: the client's own JSON (pauses after a used-up quota, …).
    pub profile: serde_json::Value,
    /// When it was connected first.
    pub created_at: Timestamp,
    /// When its status was last found out.
    pub checked_at: Option<Timestamp>,
}

/// Whether a Google account works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoogleStatus {
    /// It does.
    #[default]
    Ok,
    /// A person must sign in again.
    NeedsReauth,
}

/// A Google account's tokens; stored sealed.
#[derive(Debug, Clone)]
pub struct GoogleTokens {
    /// Good until revoked.
    pub refresh: SecretString,
    /// Good for an hour; `None` when there is none.
    pub access: Option<SecretString>,
    /// Until when `access` is good.
    pub expires_at: Option<Timestamp>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}

/// A calendar as a discovery shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFacts {
    /// Its name on its side: the collection's absolute URL, or Google's calendar id.
    pub remote: String,
    /// What people call it.
    pub name: String,
    /// `#rrggbb`, where it has one.
    pub color: Option<String>,
    /// Whether events in it may be written.
    pub writable: bool,
    /// Google's `accessRole`.
    pub access_role: Option<String>,
    /// Its IANA zone, where it has one.
    pub time_zone: Option<String>,
    /// Whether it is the account's own calendar (Google).
    pub primary: bool,
    /// Component kinds it takes, such as `VEVENT` (CalDAV); empty when it does not say.
    pub components: Vec<String>,
}

/// A calendar that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Its id here, `cal_…`: the same as long as the account shows it or a mapping uses it.
    pub id: String,
    /// The account that shows it.
    pub account: AccountId,
    /// Which side it is on.
    pub side: Side,
    /// What its last discovery said.
    pub facts: CalendarFacts,
    /// Whether the last discovery named it; one that a mapping uses is kept even if not.
    pub listed: bool,
}

impl Calendar {
    /// Its name on its side, for the engine. The caller knows the side.
    pub fn remote<S: SideTag>(&self) -> CalendarId<S> {
        CalendarId::new(self.facts.remote.clone())
    }
}
