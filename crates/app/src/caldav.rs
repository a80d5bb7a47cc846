//! CalDAV accounts: tested before they are stored, asked afresh for their calendars.

use caldav_client::{Account, CalendarFacts as Found, Credentials, Pacing, Profile};
use outbound::Fingerprint;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use store::records::{
    CaldavAccount, CaldavAccountChange, CaldavStatus, Calendar, CalendarFacts, NewCaldavAccount,
};
use sync_engine::model::{AccountId, CalendarId, Side, ZoneName};
use sync_engine::report::Problem;

use crate::declared::{DeclaredAccount, refuse_managed};
use crate::error::{Kind, UserError};
use crate::service::App;
use crate::trust::{self, Trust, trusted};

/// An account to be added or changed; when changing, what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct CaldavAccountInput {
    /// What people call it; made from the address when adding without.
    pub name: Option<String>,
    /// The address: a server, a principal, a home or one calendar.
    pub base_url: Option<String>,
    /// Who signs in.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// SHA-256 fingerprint of the one certificate that the server may show; empty trusts none.
    pub trusted_fingerprint: Option<String>,
}

impl CaldavAccountInput {
    /// Names and addresses are one line, of a length that people type; no header could carry a
    /// user name with an end of line.
    fn check(&self) -> Result<(), UserError> {
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        let fields = [
            ("name", self.name.as_deref(), 200),
            ("base_url", self.base_url.as_deref(), 2000),
            ("username", self.username.as_deref(), 500),
            ("password", password, 2000),
            (
                "trusted_fingerprint",
                self.trusted_fingerprint.as_deref(),
                200,
            ),
        ];
        let faults = fields.into_iter().filter_map(|(field, text, most)| {
            let text = text?;
            let fault = if text.chars().count() > most {
                format!("It is longer than {most} characters.")
            } else if text.trim().contains(char::is_control) {
                "It holds a control character or an end of line.".to_owned()
            } else {
                return None;
            };
            Some(UserError::invalid(field, fault))
        });
        let faults: Vec<UserError> = faults.collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(UserError::all(faults))
        }
    }
}

impl CaldavAccountInput {
    /// What is given to change an account is not blank: what is to stay is left out.
    fn not_blank(&self) -> Result<(), UserError> {
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        let fields = [
            ("name", self.name.as_deref()),
            ("base_url", self.base_url.as_deref()),
            ("username", self.username.as_deref()),
            // Spaces may be somebody's password.
            ("password", password.filter(|text| text.is_empty())),
        ];
        let faults = fields
            .into_iter()
            .filter(|(_, text)| text.is_some_and(|text| text.trim().is_empty()))
            .map(|(field, _)| {
                let fault = "It is empty. Leave it out to keep what is there.";
                UserError::invalid(field, fault)
            });
        let faults: Vec<UserError> = faults.collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(UserError::all(faults))
        }
    }
}

/// An account and its calendars.
#[derive(Debug, Clone, PartialEq)]
pub struct CaldavAccountView {
    /// The account.
    pub account: CaldavAccount,
    /// Its calendars for events.
    pub calendars: Vec<Calendar>,
}

impl App {
    /// Adds an account after a real discovery; nothing is stored if that fails.
    pub async fn add_caldav_account(
        &self,
        input: CaldavAccountInput,
    ) -> Result<CaldavAccountView, UserError> {
        input.check()?;
        let trust = Trust::read(input.trusted_fingerprint.as_deref())?;
        let base_url = required("base_url", "Enter the server's address.", input.base_url);
        let username = required("username", "Enter the user name.", input.username);
        let password = input
            .password
            .filter(|password| !password.expose_secret().is_empty())
            .ok_or_else(|| UserError::invalid("password", "Enter the password."));
        let (base_url, username, password) = match (base_url, username, password) {
            (Ok(base_url), Ok(username), Ok(password)) => (base_url, username, password),
            // All that is missing is told at once.
            (base_url, username, password) => {
                let missing = [base_url.err(), username.err(), password.err()];
                return Err(UserError::all(missing.into_iter().flatten()));
            }
        };
        let trusted = match trust {
            Trust::Only(fingerprint) => Some(fingerprint),
            Trust::Stays | Trust::Nobody => None,
        };
        let account = self.open(
            &base_url,
            &username,
            password.clone(),
            trusted,
            Profile::default(),
        )?;
        let known = self.inner.db.caldav_accounts().await?;
        let address = account.address().to_string();
        if let Some(twin) = known
            .iter()
            .find(|known| known.base_url == address && known.username == username)
        {
            return Err(UserError::new(
                Kind::Conflict,
                "already_exists",
                "This account is there already",
                format!(
                    "{username} at {address} was added before, as \"{}\".",
                    twin.name
                ),
                "Use that account, or change its password there.",
            )
            .with("id", twin.id.as_str()));
        }
        let found = account.discover().await.map_err(|error| failed(&error))?;
        let name = input
            .name
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| {
                let host = account.address().host_str().unwrap_or("CalDAV").to_owned();
                format!("{username} at {host}")
            });
        let (account, calendars) = self
            .inner
            .db
            .add_caldav_account(
                NewCaldavAccount {
                    name,
                    base_url: address,
                    username,
                    password,
                    trusted_fingerprint: trusted.map(|trusted| trusted.to_string()),
                    profile: to_value(&found.profile),
                    managed: false,
                },
                facts(found.calendars),
                self.now(),
            )
            .await?;
        tracing::info!(account_id = %account.id, calendars = calendars.len(), "a CalDAV account was added");
        self.inner.desk.wake.notify_one();
        Ok(CaldavAccountView { account, calendars })
    }

    /// Changes an account, tested with what it will be before anything is stored; mappings stay.
    pub async fn change_caldav_account(
        &self,
        id: &str,
        input: CaldavAccountInput,
    ) -> Result<CaldavAccountView, UserError> {
        input.check()?;
        let id = AccountId::new(id);
        let stored = self.inner.db.caldav_account(&id).await?;
        refuse_managed(stored.managed, "CalDAV account", &stored.name)?;
        input.not_blank()?;
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned());
        let base_url = given(input.base_url);
        let username = given(input.username);
        let password = match input.password {
            Some(password) => Some(password),
            // A saved password must not be sent to an address it was not entered for.
            None if base_url.as_ref().is_some_and(|new| *new != stored.base_url) => {
                return Err(UserError::invalid(
                    "password",
                    "Enter the password again: it was saved for another address.",
                ));
            }
            None => None,
        };
        let tested = match &password {
            Some(password) => password.clone(),
            None => self.inner.db.caldav_password(&id).await?,
        };
        let address = base_url.as_deref().unwrap_or(&stored.base_url);
        let trusted = Trust::read(input.trusted_fingerprint.as_deref())?.over(&stored, address)?;
        let account = self.open(
            address,
            username.as_deref().unwrap_or(&stored.username),
            tested,
            trusted,
            Profile::default(),
        )?;
        let found = account.discover().await.map_err(|error| failed(&error))?;
        let changed = self
            .inner
            .db
            .change_caldav_account(
                &id,
                CaldavAccountChange {
                    name: given(input.name),
                    base_url: base_url.map(|_| account.address().to_string()),
                    username,
                    password,
                    trusted_fingerprint: Some(trusted.map(|trusted| trusted.to_string())),
                    profile: Some(to_value(&found.profile)),
                    managed: None,
                },
                self.now(),
            )
            .await?;
        let calendars = self
            .inner
            .db
            .put_calendars(&id, facts(found.calendars))
            .await?;
        self.set_caldav_status(&id, None).await?;
        self.inner.queue.credentials_changed(&id);
        self.inner.wake.notify_one();
        self.inner.desk.wake.notify_one();
        Ok(CaldavAccountView {
            account: changed,
            calendars,
        })
    }

    /// All CalDAV accounts.
    pub async fn caldav_accounts(&self) -> Result<Vec<CaldavAccount>, UserError> {
        Ok(self.inner.db.caldav_accounts().await?)
    }

    /// Removes an account that no mapping uses.
    pub async fn delete_caldav_account(&self, id: &str) -> Result<(), UserError> {
        let id = AccountId::new(id);
        let stored = self.inner.db.caldav_account(&id).await?;
        refuse_managed(stored.managed, "CalDAV account", &stored.name)?;
        Ok(self.inner.db.delete_account(&id).await?)
    }

    /// The calendars of one account, or of all, freshly discovered. An account that cannot be asked
    /// shows what was known, unless it was named.
    pub async fn caldav_calendars(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<Calendar>, UserError> {
        let accounts = match account {
            Some(id) => vec![self.inner.db.caldav_account(&AccountId::new(id)).await?],
            None => self.inner.db.caldav_accounts().await?,
        };
        let mut calendars = Vec::new();
        for found in accounts {
            match self.rediscover(&found).await {
                Ok(fresh) => calendars.extend(fresh),
                Err(error) if account.is_some() => return Err(error),
                Err(_) => calendars.extend(
                    self.inner
                        .db
                        .calendars(Side::Caldav, Some(&found.id))
                        .await?,
                ),
            }
        }
        Ok(calendars)
    }

    async fn rediscover(&self, stored: &CaldavAccount) -> Result<Vec<Calendar>, UserError> {
        let account = self.caldav_account(stored).await?;
        match account.discover().await {
            Ok(found) => {
                self.set_caldav_status(&stored.id, None).await?;
                self.inner
                    .db
                    .set_account_profile(&stored.id, to_value(&found.profile))
                    .await?;
                let fresh = facts(found.calendars);
                Ok(self.inner.db.put_calendars(&stored.id, fresh).await?)
            }
            Err(error) => {
                let failed = failed(&error);
                let problem = Problem {
                    code: failed.code.clone(),
                    detail: failed.detail.clone(),
                    action: failed.action.clone(),
                    side: Some(Side::Caldav),
                };
                self.set_caldav_status(&stored.id, Some(problem)).await?;
                Err(failed)
            }
        }
    }

    /// Remembers whether an account works.
    pub(crate) async fn set_caldav_status(
        &self,
        id: &AccountId,
        problem: Option<Problem>,
    ) -> Result<(), UserError> {
        let status = match problem.as_ref().map(|problem| problem.code.as_str()) {
            None => CaldavStatus::Ok,
            Some("caldav_unauthorized") => CaldavStatus::Unauthorized,
            Some("caldav_not_found") => CaldavStatus::NotFound,
            Some("caldav_unreachable") => CaldavStatus::Unreachable,
            // Trouble with one calendar or one event is not the account's.
            Some(_) => return Ok(()),
        };
        Ok(self
            .inner
            .db
            .set_caldav_status(id, status, problem, self.now())
            .await?)
    }

    /// A stored account, opened.
    pub(crate) async fn caldav_account(
        &self,
        stored: &CaldavAccount,
    ) -> Result<Account, UserError> {
        let password = self.inner.db.caldav_password(&stored.id).await?;
        let profile = serde_json::from_value(stored.profile.clone()).unwrap_or_default();
        self.open(
            &stored.base_url,
            &stored.username,
            password,
            trusted(stored)?,
            profile,
        )
    }

    /// The address of an account as it is stored.
    pub(crate) fn caldav_address(&self, wanted: &DeclaredAccount) -> Result<String, UserError> {
        let password = wanted.password.clone();
        let account = self.open(
            &wanted.base_url,
            &wanted.username,
            password,
            wanted.trusted_fingerprint,
            Profile::default(),
        )?;
        Ok(account.address().to_string())
    }

    fn open(
        &self,
        base_url: &str,
        username: &str,
        password: SecretString,
        trusted: Option<Fingerprint>,
        profile: Profile,
    ) -> Result<Account, UserError> {
        let address = outbound::typed_url(base_url).map_err(|error| failed(&error.into()))?;
        let connections = self.connections(&address, trusted)?;
        let credentials = Credentials {
            username: username.to_owned(),
            password,
        };
        Account::new(
            &connections,
            base_url,
            credentials,
            profile,
            Pacing::default(),
        )
        .map_err(|error| failed(&error))
    }
}

/// Whether an account's password travels where anybody may read it: on plain http, beyond private
/// networks.
pub fn is_in_clear(account: &CaldavAccount) -> bool {
    let profile = serde_json::from_value::<Profile>(account.profile.clone());
    profile.is_ok_and(|profile| profile.is_in_clear())
}

/// A stored calendar as the client knows it.
pub(crate) fn found(calendar: &Calendar) -> Found {
    Found {
        name: calendar.facts.name.clone(),
        color: calendar.facts.color.clone(),
        components: calendar.facts.components.clone(),
        writable: calendar.facts.writable,
        time_zone: calendar.facts.time_zone.as_deref().and_then(ZoneName::new),
        ..Found::of(CalendarId::new(calendar.facts.remote.clone()))
    }
}

pub(crate) fn facts(calendars: Vec<Found>) -> Vec<CalendarFacts> {
    calendars
        .into_iter()
        .map(|calendar| CalendarFacts {
            remote: calendar.url.as_str().to_owned(),
            name: calendar.name,
            color: calendar.color,
            writable: calendar.writable,
            access_role: None,
            time_zone: calendar.time_zone.map(|zone| zone.as_str().to_owned()),
            primary: false,
            components: calendar.components,
        })
        .collect()
}

pub(crate) fn to_value<T: serde::Serialize>(value: &T) -> Value {
    // Plain values of our own always serialise.
    serde_json::to_value(value).unwrap_or_default()
}

fn required(field: &str, detail: &str, value: Option<String>) -> Result<String, UserError> {
    value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .ok_or_else(|| UserError::invalid(field, detail))
}

/// A CalDAV error, for people.
pub(crate) fn failed(error: &caldav_client::Error) -> UserError {
    let told = UserError::new(
        Kind::Unacceptable,
        error.code(),
        "The CalDAV account does not work",
        error.to_string(),
        error.action(),
    );
    trust::named(told, error)
}
