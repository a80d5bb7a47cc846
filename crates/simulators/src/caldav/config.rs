//! What a [`CaldavSim`](super::CaldavSim) starts with: users, calendars, port, authentication.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::quirks::Quirks;

/// How the server asks for credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthScheme {
    /// Basic (RFC 7617).
    #[default]
    Basic,
    /// Digest with MD5 and `qop=auth` (RFC 7616). Basic is refused.
    Digest,
    /// Both are offered, Digest first.
    Both,
}

/// What the owner may do with a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Read and write.
    #[default]
    ReadWrite,
    /// Read only; writes are 403 `need-privileges`.
    ReadOnly,
}

/// A user, who is also a principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// Login name and path segment.
    pub name: String,
    /// Password, in clear: this is a test server.
    pub password: String,
    /// `displayname` of the principal.
    pub display_name: String,
    /// `calendar-user-address-set`.
    pub addresses: Vec<String>,
}

impl UserSpec {
    /// A user whose address is `mailto:NAME@example.org`.
    #[must_use]
    pub fn new(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            display_name: name.to_owned(),
            addresses: vec![format!("mailto:{name}@example.org")],
        }
    }
}

/// A calendar to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarSpec {
    /// Path segment.
    pub slug: String,
    /// `displayname`.
    pub display_name: String,
    /// `calendar-color`, such as `#2952a3ff`.
    pub color: Option<String>,
    /// `supported-calendar-component-set`.
    pub components: Vec<String>,
    /// `calendar-timezone`: the text of a VCALENDAR with one VTIMEZONE.
    pub timezone: Option<String>,
    /// What the owner may do.
    pub access: Access,
}

impl CalendarSpec {
    /// A writable calendar for events.
    #[must_use]
    pub fn new(slug: &str, display_name: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            display_name: display_name.to_owned(),
            color: None,
            components: vec!["VEVENT".to_owned()],
            timezone: None,
            access: Access::ReadWrite,
        }
    }

    /// The same calendar with this colour.
    #[must_use]
    pub fn color(mut self, color: &str) -> Self {
        self.color = Some(color.to_owned());
        self
    }

    /// The same calendar for these components.
    #[must_use]
    pub fn components(mut self, components: &[&str]) -> Self {
        self.components = components.iter().map(|c| (*c).to_owned()).collect();
        self
    }

    /// The same calendar, read-only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }
}

/// Where the server's time comes from.
pub type SimClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a server starts with.
#[derive(Clone)]
pub struct CaldavSimConfig {
    /// Port on 127.0.0.1; 0 is a free one.
    pub port: u16,
    /// The users.
    pub users: Vec<UserSpec>,
    /// Calendars, each with its owner's name.
    pub calendars: Vec<(String, CalendarSpec)>,
    /// How credentials are asked for.
    pub auth: AuthScheme,
    /// First path segment of everything (`dav`), without slashes; may be empty.
    pub context: String,
    /// The differences from the RFCs.
    pub quirks: Quirks,
    /// The time, asked once for each request.
    pub clock: SimClock,
}

impl Default for CaldavSimConfig {
    /// Users alice (alicepw) and bob (bobpw), each with a calendar `work`; Basic; context `dav`;
    /// no quirks; the machine's clock.
    fn default() -> Self {
        Self {
            port: 0,
            users: vec![
                UserSpec::new("alice", "alicepw"),
                UserSpec::new("bob", "bobpw"),
            ],
            calendars: vec![
                ("alice".to_owned(), CalendarSpec::new("work", "Work")),
                ("bob".to_owned(), CalendarSpec::new("work", "Work")),
            ],
            auth: AuthScheme::Basic,
            context: "dav".to_owned(),
            quirks: Quirks::default(),
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl std::fmt::Debug for CaldavSimConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaldavSimConfig")
            .field("port", &self.port)
            .field("auth", &self.auth)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
