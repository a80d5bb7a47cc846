//! What a simulator is started with: accounts, calendars, the OAuth client,
//! the clock, the seed and the knobs. Plain data; read once by `Core::new`.

use jiff::Timestamp;

use super::{ClockMode, Knobs, QuotaConfig, Role};

/// Everything a [`super::GoogleSim`] needs to start.
#[derive(Debug, Clone)]
pub struct GoogleSimConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Seed of ids, tokens and unspecified orders.
    pub seed: u64,
    /// How the clock moves.
    pub clock: ClockMode,
    /// Where a virtual clock starts.
    pub start: Timestamp,
    /// The people who can sign in.
    pub accounts: Vec<AccountConfig>,
    /// The registered OAuth clients.
    pub clients: Vec<ClientConfig>,
    /// Where Google may do either.
    pub knobs: Knobs,
    /// Request quotas; everything is off by default.
    pub quota: QuotaConfig,
}

/// The client id every configuration starts with.
pub const DEFAULT_CLIENT_ID: &str = "sim-client.apps.googleusercontent.com";
/// The secret that belongs to [`DEFAULT_CLIENT_ID`].
pub const DEFAULT_CLIENT_SECRET: &str = "sim-secret";
/// The account every configuration starts with.
pub const DEFAULT_ACCOUNT: &str = "ada@example.com";

impl Default for GoogleSimConfig {
    /// One account (`ada@example.com`, primary calendar in Europe/Berlin), one
    /// OAuth client that may come back to any loopback `/oauth/callback`,
    /// a virtual clock at 2026-11-02T08:00Z, seed 1, no quotas.
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            clock: ClockMode::Virtual,
            start: Timestamp::from_second(1_793_606_400).unwrap_or(Timestamp::UNIX_EPOCH),
            accounts: vec![AccountConfig::new(DEFAULT_ACCOUNT)],
            clients: vec![ClientConfig::default()],
            knobs: Knobs::default(),
            quota: QuotaConfig::default(),
        }
    }
}

impl GoogleSimConfig {
    /// Replaces the accounts.
    #[must_use]
    pub fn accounts(mut self, accounts: impl IntoIterator<Item = AccountConfig>) -> Self {
        self.accounts = accounts.into_iter().collect();
        self
    }

    /// Changes the knobs.
    #[must_use]
    pub fn knobs(mut self, change: impl FnOnce(&mut Knobs)) -> Self {
        change(&mut self.knobs);
        self
    }
}

/// One Google account with its calendars.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// The address, which is also the id of the primary calendar.
    pub email: String,
    /// The zone of the primary calendar and of the `timezone` setting.
    pub time_zone: String,
    /// Further calendars in the list. One whose id another account also has is
    /// the same calendar, shared.
    pub calendars: Vec<CalendarConfig>,
}

impl AccountConfig {
    /// An account in Europe/Berlin with nothing but its primary calendar.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            time_zone: "Europe/Berlin".to_owned(),
            calendars: Vec::new(),
        }
    }

    /// Sets the zone of the account and its primary calendar.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.time_zone = zone.into();
        self
    }

    /// Adds a calendar.
    #[must_use]
    pub fn calendar(mut self, calendar: CalendarConfig) -> Self {
        self.calendars.push(calendar);
        self
    }
}

/// A calendar in an account's list that is not its primary one.
#[derive(Debug, Clone)]
pub struct CalendarConfig {
    /// The calendar's id, for instance `team@group.calendar.google.com`.
    pub id: String,
    /// Its title.
    pub summary: String,
    /// Its IANA zone.
    pub time_zone: String,
    /// `#rrggbb`, as shown in the list.
    pub background_color: String,
    /// What the account may do with it.
    pub access_role: Role,
}

impl CalendarConfig {
    /// A calendar in Europe/Berlin that the account owns.
    pub fn new(id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            time_zone: "Europe/Berlin".to_owned(),
            background_color: "#9fe1e7".to_owned(),
            access_role: Role::Owner,
        }
    }

    /// Sets what the account may do with the calendar.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.access_role = role;
        self
    }

    /// Sets the calendar's zone.
    #[must_use]
    pub fn time_zone(mut self, zone: impl Into<String>) -> Self {
        self.time_zone = zone.into();
        self
    }
}

/// A registered OAuth client.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: String,
    /// The exact redirect URIs registered.
    pub redirect_uris: Vec<String>,
    /// Also accepts `http://127.0.0.1:*/oauth/callback` and the same on
    /// `localhost`, because tests do not know their ports beforehand.
    pub any_loopback: bool,
    /// Publishing status "Testing": refresh tokens die after 7 days.
    pub testing: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            id: DEFAULT_CLIENT_ID.to_owned(),
            secret: DEFAULT_CLIENT_SECRET.to_owned(),
            redirect_uris: Vec::new(),
            any_loopback: true,
            testing: false,
        }
    }
}
