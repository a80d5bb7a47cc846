//! The whole state of the simulated Google: accounts, calendars, the change
//! log; rows are in `rows.rs`. Plain data and the few invariants every writer keeps; the
//! rules are in the modules that write.

use std::collections::{BTreeMap, VecDeque};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::clock::{Clock, Dice};
use super::config::{ClientConfig, GoogleSimConfig};
use super::error::ApiError;
use super::faults::Faults;
use super::knobs::Knobs;
use super::log::{LogEntry, MailEntry};
use super::oauth::OAuth;
use super::quota::Quota;
use super::times;

pub use super::rows::Role;
pub(super) use super::rows::{Row, RowKind, etag};

/// One calendar, shared by all accounts that list it.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    pub(super) id: String,
    pub(super) summary: String,
    pub(super) description: Option<String>,
    pub(super) location: Option<String>,
    pub(super) time_zone: String,
    pub(super) owner: String,
    pub(super) updated: i64,
    pub(super) rows: BTreeMap<String, Row>,
    /// Append-only: which event changed at which position.
    pub(super) changes: Vec<(u64, String)>,
    pub(super) seq: u64,
    /// Distinguishes a calendar from an earlier one of the same id.
    pub(super) generation: u64,
    /// Tokens at or below this position are dead: rows were purged.
    pub(super) purged_to: u64,
    /// The latest `updated` given out.
    pub(super) last_updated: i64,
    /// Instants of recent writes, for the burst limiter.
    pub(super) writes: VecDeque<i64>,
}

impl Calendar {
    pub(super) fn new(id: &str, summary: &str, time_zone: &str, owner: &str, now: i64) -> Self {
        Self {
            id: id.to_owned(),
            summary: summary.to_owned(),
            description: None,
            location: None,
            time_zone: time_zone.to_owned(),
            owner: owner.to_owned(),
            updated: now,
            rows: BTreeMap::new(),
            changes: Vec::new(),
            seq: 0,
            generation: 0,
            purged_to: 0,
            last_updated: now,
            writes: VecDeque::new(),
        }
    }

    pub(super) fn zone(&self) -> TimeZone {
        times::zone(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Takes the next change log position for `id`.
    pub(super) fn next_seq(&mut self, id: &str) -> u64 {
        self.seq += 1;
        self.changes.push((self.seq, id.to_owned()));
        self.seq
    }

    /// Marks a row as changed without moving `updated`.
    pub(super) fn bump(&mut self, id: &str) {
        if self.rows.contains_key(id) {
            let seq = self.next_seq(id);
            if let Some(row) = self.rows.get_mut(id) {
                row.seq = seq;
            }
        }
    }

    /// Marks a row as changed at `now`.
    pub(super) fn touch(&mut self, id: &str, now: i64) {
        self.bump(id);
        self.last_updated = self.last_updated.max(now);
        if let Some(row) = self.rows.get_mut(id) {
            row.updated = now;
        }
    }

    /// Ids of the stored exceptions of a master.
    pub(super) fn exceptions_of(&self, master: &str) -> Vec<String> {
        self.rows
            .values()
            .filter(|row| row.master() == Some(master))
            .map(|row| row.id.clone())
            .collect()
    }
}

/// A calendar as one account lists it.
#[derive(Debug, Clone)]
pub(super) struct ListEntry {
    pub(super) calendar: String,
    pub(super) primary: bool,
    pub(super) hidden: bool,
    pub(super) deleted: bool,
    pub(super) selected: bool,
    pub(super) color_id: String,
    pub(super) background: String,
    pub(super) foreground: String,
    pub(super) summary_override: Option<String>,
    pub(super) default_reminders: Vec<Value>,
    pub(super) updated: i64,
    pub(super) seq: u64,
}

/// What an account may do with a calendar, and how often that changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    pub(super) role: Role,
    /// Raised by every role change: kills sync tokens.
    pub(super) epoch: u64,
}

/// One Google account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) entries: BTreeMap<String, ListEntry>,
    pub(super) access: BTreeMap<String, Access>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) list_seq: u64,
    /// Instants of recent creations, for the usage limit.
    pub(super) creations: VecDeque<i64>,
}

/// The state machine. `handle` (in `dispatch.rs`) is its only transition.
#[derive(Debug, Clone)]
pub(super) struct Core {
    pub(super) knobs: Knobs,
    pub(super) clock: Clock,
    pub(super) dice: Dice,
    pub(super) seed: u64,
    /// Signs page and sync tokens.
    pub(super) key: [u8; 32],
    pub(super) clients: Vec<ClientConfig>,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) calendars: BTreeMap<String, Calendar>,
    pub(super) oauth: OAuth,
    pub(super) quota: Quota,
    pub(super) faults: Faults,
    pub(super) log: Vec<LogEntry>,
    pub(super) mail: Vec<MailEntry>,
    pub(super) violations: Vec<String>,
    /// Number of the request being handled.
    pub(super) requests: u64,
    /// Rows that become visible at a request number: (number, calendar, event).
    pub(super) unborn: Vec<(u64, String, String)>,
    /// How often all sync tokens were expired by hand.
    pub(super) token_expiries: u64,
    /// Calendars ever made, for generations.
    pub(super) made: u64,
}

impl Core {
    /// The first state; `wall` is the system's time in milliseconds, which only
    /// a real clock looks at.
    pub(super) fn new(config: &GoogleSimConfig, wall: i64) -> Self {
        let mut dice = Dice::new(config.seed);
        let mut core = Self {
            knobs: config.knobs.clone(),
            clock: Clock::new(config.clock, config.start, wall),
            seed: config.seed,
            key: dice.key(),
            dice,
            clients: config.clients.clone(),
            accounts: BTreeMap::new(),
            calendars: BTreeMap::new(),
            oauth: OAuth::default(),
            quota: Quota::new(config.quota.clone()),
            faults: Faults::default(),
            log: Vec::new(),
            mail: Vec::new(),
            violations: Vec::new(),
            requests: 0,
            unborn: Vec::new(),
            token_expiries: 0,
            made: 0,
        };
        for account in &config.accounts {
            let email = account.email.as_str();
            core.accounts.insert(
                email.to_owned(),
                Account {
                    entries: BTreeMap::new(),
                    access: BTreeMap::new(),
                    settings: settings(&account.time_zone),
                    list_seq: 0,
                    creations: VecDeque::new(),
                },
            );
            core.make_calendar(email, email, &account.time_zone, email);
            core.list_calendar(email, email, Role::Owner, "#9fc6e7");
            for calendar in &account.calendars {
                if !core.calendars.contains_key(&calendar.id) {
                    core.make_calendar(&calendar.id, &calendar.summary, &calendar.time_zone, email);
                }
                let color = &calendar.background_color;
                core.list_calendar(email, &calendar.id, calendar.access_role, color);
            }
        }
        core
    }

    /// Makes an empty calendar.
    pub(super) fn make_calendar(&mut self, id: &str, summary: &str, zone: &str, owner: &str) {
        self.made += 1;
        let mut calendar = Calendar::new(id, summary, zone, owner, self.clock.now());
        calendar.generation = self.made;
        self.calendars.insert(id.to_owned(), calendar);
    }

    /// Puts a calendar into an account's list.
    pub(super) fn list_calendar(&mut self, email: &str, id: &str, role: Role, color: &str) {
        let now = self.clock.now();
        let Some(account) = self.accounts.get_mut(email) else {
            return;
        };
        let epoch = account.access.get(id).map_or(0, |access| access.epoch + 1);
        account.access.insert(id.to_owned(), Access { role, epoch });
        account.list_seq += 1;
        let primary = email == id;
        account.entries.insert(
            id.to_owned(),
            ListEntry {
                calendar: id.to_owned(),
                primary,
                hidden: false,
                deleted: role == Role::None,
                selected: true,
                color_id: "14".to_owned(),
                background: color.to_owned(),
                foreground: "#000000".to_owned(),
                summary_override: None,
                default_reminders: if primary {
                    vec![json!({"method": "popup", "minutes": 30})]
                } else {
                    Vec::new()
                },
                updated: now,
                seq: account.list_seq,
            },
        );
    }

    /// The real calendar id behind `primary`, and the account's role there;
    /// 404 where there is no access at all.
    pub(super) fn enter(&self, account: &str, id: &str) -> Result<(String, Role), ApiError> {
        let id = if id == "primary" { account } else { id };
        let role = self
            .accounts
            .get(account)
            .and_then(|account| account.access.get(id))
            .map_or(Role::None, |access| access.role);
        if role == Role::None || !self.calendars.contains_key(id) {
            return Err(ApiError::not_found());
        }
        Ok((id.to_owned(), role))
    }

    /// As [`Self::enter`], and the account must be able to write.
    pub(super) fn enter_to_write(
        &self,
        account: &str,
        id: &str,
    ) -> Result<(String, Role), ApiError> {
        let (id, role) = self.enter(account, id)?;
        if role.may_write() {
            Ok((id, role))
        } else {
            Err(ApiError::access_level())
        }
    }

    /// A calendar known to exist.
    pub(super) fn calendar(&self, id: &str) -> Result<&Calendar, ApiError> {
        self.calendars.get(id).ok_or_else(ApiError::not_found)
    }

    /// A calendar known to exist, to change it.
    pub(super) fn calendar_mut(&mut self, id: &str) -> Result<&mut Calendar, ApiError> {
        self.calendars.get_mut(id).ok_or_else(ApiError::not_found)
    }

    /// A fresh instant for a write to `calendar`.
    pub(super) fn tick(&mut self, calendar: &str) -> i64 {
        let last = self
            .calendars
            .get(calendar)
            .map_or(0, |calendar| calendar.last_updated);
        self.clock.tick(last)
    }

    /// Rows whose time of invisibility is over enter the change log now.
    pub(super) fn reveal(&mut self) {
        let now = self.requests;
        let (due, later) = std::mem::take(&mut self.unborn)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.unborn = later;
        let due: Vec<(u64, String, String)> = due;
        for (_, calendar, event) in due {
            if let Some(calendar) = self.calendars.get_mut(&calendar) {
                calendar.bump(&event);
                if let Some(row) = calendar.rows.get_mut(&event) {
                    row.first_seq = row.seq;
                }
            }
        }
    }
}

fn settings(zone: &str) -> BTreeMap<String, String> {
    [
        ("timezone", zone),
        ("weekStart", "1"),
        ("format24HourTime", "true"),
        ("dateFieldOrder", "DMY"),
        ("defaultEventLength", "60"),
        ("locale", "en"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
