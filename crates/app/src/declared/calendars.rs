//! Finding the calendars that a mapping of the file names, among those that are known.

use store::records::{CaldavStatus, Calendar, GoogleStatus};
use sync_engine::model::{AccountId, Side};
use url::Url;

use super::{Declared, DeclaredCalendar, Round};
use crate::error::{Kind, UserError};
use crate::service::App;

/// The account was declared once, and is switched off since it is no longer.
pub(super) const NOT_DECLARED: &str = "account_not_declared";

impl App {
    /// The CalDAV calendar: the account by its name, the calendar by URL or display name.
    pub(super) async fn declared_caldav(
        &self,
        wanted: &DeclaredCalendar,
        declared: &Declared,
        round: &mut Round,
    ) -> Result<Calendar, UserError> {
        let name = &wanted.account;
        let stored = self.inner.db.caldav_accounts().await?;
        let is_declared = declared
            .accounts
            .iter()
            .any(|account| account.name == *name);
        let known = round.names.accounts.get(name);
        let account = if let Some(id) = known {
            if !is_declared {
                return Err(waits(
                    NOT_DECLARED,
                    format!("The CalDAV account \"{name}\" is no longer in config.yaml."),
                    "Put it back under caldav_accounts, or name another account.",
                ));
            }
            stored.iter().find(|account| account.id == *id)
        } else {
            // One that was added in the pages.
            let mut named = stored.iter().filter(|account| account.name == *name);
            let first = named.next();
            if named.next().is_some() {
                return Err(waits(
                    "account_ambiguous",
                    format!("Several CalDAV accounts are called \"{name}\"."),
                    "Give them different names in the pages.",
                ));
            }
            first
        };
        let Some(account) = account else {
            return Err(waits(
                "account_missing",
                format!("There is no CalDAV account \"{name}\" yet."),
                "Declare it under caldav_accounts in config.yaml, or add it in the pages.",
            ));
        };
        let found = self
            .declared_calendar(Side::Caldav, &account.id, name, &wanted.calendar)
            .await;
        match found {
            Err(error) if error.code == "calendar_missing" => {
                if self.should_be_asked(account) || account.status == CaldavStatus::Ok {
                    round.ask.insert((Side::Caldav, account.id.clone()));
                }
                match &account.problem {
                    Some(problem) => Err(waits(
                        &problem.code,
                        format!(
                            "The CalDAV account \"{name}\" does not work yet: {}",
                            problem.detail
                        ),
                        &problem.action,
                    )),
                    None => Err(error),
                }
            }
            other => other,
        }
    }

    /// The Google calendar: the account by its address, the calendar by id or name.
    pub(super) async fn declared_google(
        &self,
        wanted: &DeclaredCalendar,
        round: &mut Round,
    ) -> Result<Calendar, UserError> {
        let email = &wanted.account;
        let stored = self.inner.db.google_accounts().await?;
        let Some(account) = stored
            .iter()
            .find(|account| account.email.eq_ignore_ascii_case(email))
        else {
            let action = if self.google_is_configured() {
                "Open the Google page and sign in with this account."
            } else {
                "Give the program an OAuth client (google_client_id and google_client_secret), then \
                 open the Google page and sign in with this account."
            };
            return Err(waits(
                "google_account_missing",
                format!("The Google account {email} is not connected yet."),
                action,
            ));
        };
        let found = self
            .declared_calendar(Side::Google, &account.id, email, &wanted.calendar)
            .await;
        if matches!(&found, Err(error) if error.code == "calendar_missing")
            && account.status == GoogleStatus::Ok
        {
            round.ask.insert((Side::Google, account.id.clone()));
        }
        found
    }

    async fn declared_calendar(
        &self,
        side: Side,
        account: &AccountId,
        account_name: &str,
        wanted: &str,
    ) -> Result<Calendar, UserError> {
        let known = self.inner.db.calendars(side, Some(account)).await?;
        let listed: Vec<Calendar> = known
            .into_iter()
            .filter(|calendar| calendar.listed)
            .collect();
        if let Some(exact) = listed.iter().find(|calendar| is_it(calendar, wanted)) {
            return Ok(exact.clone());
        }
        let mut named = listed
            .iter()
            .filter(|calendar| calendar.facts.name == wanted);
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one.clone()),
            (Some(_), Some(_)) => Err(waits(
                "calendar_ambiguous",
                format!("Several calendars of {account_name} are called \"{wanted}\"."),
                match side {
                    Side::Caldav => "Name the calendar by its URL.",
                    Side::Google => "Name the calendar by its id.",
                },
            )),
            (None, _) => Err(waits(
                "calendar_missing",
                format!("{account_name} shows no calendar \"{wanted}\"."),
                &known_names(&listed),
            )),
        }
    }
}

/// Whether a calendar is meant by its URL or id.
fn is_it(calendar: &Calendar, wanted: &str) -> bool {
    let remote = calendar.facts.remote.as_str();
    match calendar.side {
        Side::Google => remote == wanted || (wanted == "primary" && calendar.facts.primary),
        Side::Caldav => match (Url::parse(remote), Url::parse(wanted)) {
            (Ok(remote), Ok(wanted)) => bare(&remote) == bare(&wanted),
            _ => false,
        },
    }
}

/// With or without a slash at the end.
fn bare(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn known_names(listed: &[Calendar]) -> String {
    const SHOWN: usize = 10;
    let names: Vec<String> = listed
        .iter()
        .take(SHOWN)
        .map(|calendar| format!("\"{}\"", calendar.facts.name))
        .collect();
    if names.is_empty() {
        return "Make the calendar there, or name another one.".to_owned();
    }
    let more = if listed.len() > SHOWN {
        " and more"
    } else {
        ""
    };
    format!(
        "Name one that is there ({}{more}), or make it there.",
        names.join(", ")
    )
}

/// A reason to wait.
fn waits(code: &str, detail: String, action: &str) -> UserError {
    UserError::new(Kind::Unacceptable, code, "It waits", detail, action)
}
