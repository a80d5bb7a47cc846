//! The in-process handle: a running simulator and everything a test turns on
//! it. The same controls as `/_sim/**`, typed.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::config::GoogleSimConfig;
use super::error::ApiError;
use super::faults::{Fault, PersonEdit};
use super::knobs::Knobs;
use super::log::{Counts, LogEntry, MailEntry};
use super::machine::Machine;
use super::oauth::{AUTH_PATH, Consent, SignedIn};
use super::quota::QuotaConfig;
use super::server::{self, Server};
use super::state::Role;
use super::wire::{Delivery, Request};

/// A running simulated Google. Stops when dropped.
#[derive(Debug)]
pub struct GoogleSim {
    machine: Arc<Mutex<Machine>>,
    /// `None` where requests are asked in the process.
    server: Option<Server>,
}

/// Stands where the address would be if there is no server.
const NO_SERVER: &str = "sim.invalid";

/// An answer that arrived.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, never compressed.
    pub body: Vec<u8>,
}

/// Looks into a simulator's secrets, also when it has stopped.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Mutex<Machine>>);

impl Secrets {
    /// All so far.
    pub fn all(&self) -> Vec<String> {
        let machine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        machine.core.oauth.secrets.iter().cloned().collect()
    }
}

impl GoogleSim {
    /// Starts listening on 127.0.0.1. Works inside and outside of a runtime.
    ///
    /// # Errors
    /// When the port is taken or a thread cannot be made.
    pub fn start(config: GoogleSimConfig) -> io::Result<Self> {
        let port = config.port;
        let machine = Arc::new(Mutex::new(Machine::new(config, server::wall())));
        let server = Server::start(port, Arc::clone(&machine))?;
        Ok(Self {
            machine,
            server: Some(server),
        })
    }

    /// One that listens nowhere: it is asked by [`Self::ask`] alone, which is much faster.
    pub fn in_process(config: GoogleSimConfig) -> Self {
        Self {
            machine: Arc::new(Mutex::new(Machine::new(config, server::wall()))),
            server: None,
        }
    }

    /// Asks without a network. `path` is percent-encoded, `query` without its question mark,
    /// header names are in lower case. `None` when no answer arrives, or not all of it.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: impl IntoIterator<Item = (String, String)>,
        body: Vec<u8>,
    ) -> Option<Answer> {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: headers.into_iter().collect(),
            body,
        };
        let response = self.machine().handle(&request, server::wall());
        match response.delivery {
            Delivery::Reset | Delivery::Truncate { .. } => None,
            Delivery::Whole | Delivery::Drip { .. } | Delivery::Hold { .. } => Some(Answer {
                status: response.status,
                headers: response
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                body: response.body,
            }),
        }
    }

    /// Stops listening and closes every connection.
    pub fn stop(self) {
        drop(self);
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.core.clock.observe(server::wall());
        machine
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        match &self.server {
            Some(server) => format!("http://{}", server.address),
            None => format!("http://{NO_SERVER}"),
        }
    }

    /// The API's root: `…/calendar/v3`.
    pub fn api_url(&self) -> String {
        format!("{}/calendar/v3", self.base_url())
    }

    /// The authorization endpoint.
    pub fn auth_url(&self) -> String {
        format!("{}{AUTH_PATH}", self.base_url())
    }

    /// The token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.base_url())
    }

    /// The revocation endpoint.
    pub fn revoke_url(&self) -> String {
        format!("{}/revoke", self.base_url())
    }

    /// Everything secret that went to and fro so far: codes, tokens, states, verifiers, without the
    /// prefixes that all of a kind share.
    pub fn secrets(&self) -> Secrets {
        Secrets(Arc::clone(&self.machine))
    }

    /// The simulator's clock.
    pub fn now(&self) -> Timestamp {
        let now = self.machine().core.clock.now();
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Sets the clock.
    pub fn set_clock(&self, to: Timestamp) {
        self.machine().core.clock.set(to.as_millisecond());
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.machine().core.clock.advance(millis);
    }

    /// Changes the knobs.
    pub fn knobs(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.machine().core.knobs);
    }

    /// Replaces the quotas; what was used so far still counts.
    pub fn quota(&self, quota: QuotaConfig) {
        self.machine().core.quota.config = quota;
    }

    /// Orders a fault.
    pub fn fault(&self, fault: Fault) {
        self.machine().core.faults.add(fault);
    }

    /// Faults that have not struck as often as ordered.
    pub fn faults(&self) -> Vec<Fault> {
        self.machine().core.faults.list()
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.machine().core.faults.clear();
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<LogEntry> {
        self.machine().core.log.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.machine().core.log.clear();
    }

    /// Requests and effective writes by method since the log was cleared.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.machine().core.log)
    }

    /// Mail that would have gone out.
    pub fn mail(&self) -> Vec<MailEntry> {
        self.machine().core.mail.clone()
    }

    /// What the client did that a knob forbids, and edits that could not be made.
    pub fn violations(&self) -> Vec<String> {
        self.machine().core.violations.clone()
    }

    /// Decides sign-ins without a person.
    pub fn consent(&self, consent: Consent) {
        self.machine().core.set_consent(Some(consent));
    }

    /// Shows the consent page again.
    pub fn clear_consent(&self) {
        self.machine().core.set_consent(None);
    }

    /// Tokens without a browser; scopes short (`calendar.events`) or as URLs.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn sign_in(&self, account: &str, scopes: &[&str]) -> Result<SignedIn, SimError> {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.machine()
            .core
            .sign_in(account, &scopes)
            .ok_or_else(|| SimError::Unknown {
                what: account.to_owned(),
            })
    }

    /// The user withdraws the app's access.
    pub fn revoke(&self, account: &str) {
        self.machine().core.revoke_account(account);
    }

    /// All access tokens die; refresh tokens live.
    pub fn expire_access_tokens(&self) {
        self.machine().core.expire_access();
    }

    /// All sync tokens die.
    pub fn expire_sync_tokens(&self) {
        self.machine().core.token_expiries += 1;
    }

    /// Changes what an account may do with a calendar; `Role::None` unshares it.
    ///
    /// # Errors
    /// When there is no such account or calendar.
    pub fn set_role(&self, account: &str, calendar: &str, role: Role) -> Result<(), SimError> {
        Ok(self.machine().core.set_role(account, calendar, role)?)
    }

    /// Removes tombstones older than this, as Google does in time.
    pub fn purge(&self, older_than: SignedDuration) {
        let millis = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        self.machine().core.purge(millis);
    }

    /// Remembers the whole state under a name.
    pub fn snapshot(&self, name: &str) {
        self.machine().snapshot(name);
    }

    /// Goes back to a remembered state.
    ///
    /// # Errors
    /// When there is no such snapshot.
    pub fn restore(&self, name: &str) -> Result<(), SimError> {
        if self.machine().restore(name) {
            Ok(())
        } else {
            Err(SimError::Unknown {
                what: name.to_owned(),
            })
        }
    }

    /// Goes back to the first state.
    pub fn reset(&self) {
        self.machine().reset();
    }

    /// All events of a calendar in full, deleted ones too, sorted by id.
    ///
    /// # Errors
    /// When there is no such calendar.
    pub fn dump(&self, calendar: &str) -> Result<Vec<Value>, SimError> {
        Ok(self.machine().core.dump(calendar)?)
    }

    /// The hands of a person in front of Google's own interface.
    pub fn as_user<'s>(&'s self, account: &'s str) -> Person<'s> {
        Person { sim: self, account }
    }
}

/// A person editing calendars: the same rules as the API, but no requests, no
/// quota, no faults. Bodies and answers are the API's JSON.
#[derive(Debug, Clone, Copy)]
pub struct Person<'s> {
    sim: &'s GoogleSim,
    account: &'s str,
}

impl Person<'_> {
    fn edit(
        self,
        op: &str,
        calendar: &str,
        id: &str,
        body: Value,
    ) -> Result<Option<Value>, SimError> {
        let edit = PersonEdit {
            account: self.account.to_owned(),
            calendar: calendar.to_owned(),
            op: op.to_owned(),
            id: id.to_owned(),
            body,
        };
        Ok(self.sim.machine().core.as_user(&edit)?)
    }

    /// Makes an event.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn insert(self, calendar: &str, body: Value) -> Result<Value, SimError> {
        Ok(self.edit("insert", calendar, "", body)?.unwrap_or_default())
    }

    /// Puts an event there that the API would not make: someone else's
    /// invitation, `fromGmail`, `locked`.
    ///
    /// # Errors
    /// When the body cannot be an event.
    pub fn plant(self, calendar: &str, body: Value) -> Result<Value, SimError> {
        Ok(self.edit("plant", calendar, "", body)?.unwrap_or_default())
    }

    /// Changes fields of an event or instance.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn patch(self, calendar: &str, id: &str, body: Value) -> Result<Value, SimError> {
        Ok(self.edit("patch", calendar, id, body)?.unwrap_or_default())
    }

    /// One event or instance.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn get(self, calendar: &str, id: &str) -> Result<Value, SimError> {
        Ok(self
            .edit("get", calendar, id, Value::Null)?
            .unwrap_or_default())
    }

    /// Deletes an event or instance.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn delete(self, calendar: &str, id: &str) -> Result<(), SimError> {
        self.edit("delete", calendar, id, Value::Null).map(|_| ())
    }

    /// `events.list` with a query, for instance `singleEvents=true`.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn list(self, calendar: &str, query: &[(&str, &str)]) -> Result<Value, SimError> {
        self.look(calendar, None, query)
    }

    /// `events.instances` of a series.
    ///
    /// # Errors
    /// As the API refuses.
    pub fn instances(
        self,
        calendar: &str,
        event: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, SimError> {
        self.look(calendar, Some(event), query)
    }

    fn look(
        self,
        calendar: &str,
        event: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Value, SimError> {
        let query: Vec<(String, String)> = query
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let machine = self.sim.machine();
        Ok(machine.core.look(self.account, calendar, event, &query)?)
    }
}

/// Why a control failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The simulated Google refused.
    #[error("the simulated Google refused")]
    Api {
        /// Its answer.
        #[from]
        source: ApiError,
    },
    /// There is no such account or snapshot.
    #[error("the simulator does not know {what}")]
    Unknown {
        /// The name asked for.
        what: String,
    },
}
