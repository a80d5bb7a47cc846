//! The CalDAV accounts of the file: kept before they are ever asked, so that a server that does not
//! answer keeps nothing else from starting.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};
use store::records::{CaldavAccount, CaldavAccountChange, CaldavStatus, NewCaldavAccount};
use sync_engine::model::{AccountId, Side};
use sync_engine::report::Problem;

use super::{Declared, DeclaredAccount, PendingKind, Round};
use crate::error::UserError;
use crate::service::App;

/// The problem of an account that was kept before it was asked.
const NOT_ASKED: &str = "caldav_not_asked";
/// A refused sign-in is not repeated sooner: servers lock accounts.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

impl App {
    /// Makes, changes and lets go of accounts.
    pub(super) async fn settle_accounts(
        &self,
        declared: &Declared,
        round: &mut Round,
    ) -> Result<(), UserError> {
        let stored = self.inner.db.caldav_accounts().await?;
        round
            .names
            .accounts
            .retain(|_, id| stored.iter().any(|account| account.id == *id));
        let mut claimed = BTreeSet::new();
        for wanted in &declared.accounts {
            match self.settle_account(wanted, &stored, &claimed, round).await {
                Ok(id) => {
                    claimed.insert(id.clone());
                    round.names.accounts.insert(wanted.name.clone(), id);
                }
                Err(error) => round.waits(PendingKind::Account, &wanted.name, error)?,
            }
        }
        for gone in stored
            .iter()
            .filter(|account| account.managed && !claimed.contains(&account.id))
        {
            self.release_account(gone).await?;
        }
        Ok(())
    }

    async fn settle_account(
        &self,
        wanted: &DeclaredAccount,
        stored: &[CaldavAccount],
        claimed: &BTreeSet<AccountId>,
        round: &mut Round,
    ) -> Result<AccountId, UserError> {
        let address = self.caldav_address(wanted)?;
        let free = |account: &&CaldavAccount| !claimed.contains(&account.id);
        let by_name = round.names.accounts.get(&wanted.name);
        let known = stored
            .iter()
            .filter(free)
            .find(|account| Some(&account.id) == by_name)
            .or_else(|| {
                stored.iter().filter(free).find(|account| {
                    account.base_url == address && account.username == wanted.username
                })
            });
        let account = match known {
            Some(known) => self.bring_in_line(known, wanted, address).await?,
            None => self.keep_unasked(wanted, address).await?,
        };
        if self.should_be_asked(&account) {
            round.ask.insert((Side::Caldav, account.id.clone()));
        }
        Ok(account.id)
    }

    async fn keep_unasked(
        &self,
        wanted: &DeclaredAccount,
        address: String,
    ) -> Result<CaldavAccount, UserError> {
        let new = NewCaldavAccount {
            name: wanted.name.clone(),
            base_url: address,
            username: wanted.username.clone(),
            password: wanted.password.clone(),
            trusted_fingerprint: trusted(wanted),
            profile: serde_json::Value::Object(serde_json::Map::new()),
            managed: true,
        };
        let (account, _) = self
            .inner
            .db
            .add_caldav_account(new, Vec::new(), self.now())
            .await?;
        tracing::info!(account_id = %account.id, name = %wanted.name, "config.yaml: a CalDAV account was added");
        self.not_asked_yet(&account.id).await
    }

    async fn bring_in_line(
        &self,
        known: &CaldavAccount,
        wanted: &DeclaredAccount,
        address: String,
    ) -> Result<CaldavAccount, UserError> {
        let password = self.inner.db.caldav_password(&known.id).await?;
        let same_password = same(&password, &wanted.password);
        let same_trust = known.trusted_fingerprint == trusted(wanted);
        if known.base_url == address
            && known.username == wanted.username
            && same_password
            && same_trust
        {
            if known.name != wanted.name || !known.managed {
                self.inner
                    .db
                    .name_account(&known.id, &wanted.name, true)
                    .await?;
            }
            return Ok(self.inner.db.caldav_account(&known.id).await?);
        }
        let change = CaldavAccountChange {
            name: Some(wanted.name.clone()),
            base_url: Some(address),
            username: Some(wanted.username.clone()),
            password: Some(wanted.password.clone()),
            trusted_fingerprint: Some(trusted(wanted)),
            profile: None,
            managed: Some(true),
        };
        self.inner
            .db
            .change_caldav_account(&known.id, change, self.now())
            .await?;
        tracing::info!(account_id = %known.id, name = %wanted.name, "config.yaml: a CalDAV account was changed");
        self.inner.queue.credentials_changed(&known.id);
        self.not_asked_yet(&known.id).await
    }

    /// Nobody knows yet whether it works.
    async fn not_asked_yet(&self, id: &AccountId) -> Result<CaldavAccount, UserError> {
        let problem = Problem {
            code: NOT_ASKED.to_owned(),
            detail: "The server was not asked yet.".to_owned(),
            action: "It is being asked. Load the page again in a moment.".to_owned(),
            side: Some(Side::Caldav),
        };
        let db = &self.inner.db;
        db.set_caldav_status(id, CaldavStatus::Unreachable, Some(problem), self.now())
            .await?;
        Ok(db.caldav_account(id).await?)
    }

    /// Asks an account for its calendars; its status says how that went.
    pub(super) async fn ask_caldav(&self, id: &AccountId) -> Result<(), UserError> {
        let Err(error) = self.caldav_calendars(Some(id.as_str())).await else {
            return Ok(());
        };
        let db = &self.inner.db;
        let stored = db.caldav_account(id).await?;
        if stored
            .problem
            .as_ref()
            .is_some_and(|problem| problem.code == NOT_ASKED)
        {
            // Trouble that is of no account that works: here it is what keeps this one from it.
            let problem = Problem {
                code: error.code,
                detail: error.detail,
                action: error.action,
                side: Some(Side::Caldav),
            };
            db.set_caldav_status(id, CaldavStatus::Unreachable, Some(problem), self.now())
                .await?;
        }
        Ok(())
    }

    pub(super) fn should_be_asked(&self, account: &CaldavAccount) -> bool {
        match account.status {
            CaldavStatus::Ok => false,
            CaldavStatus::Unreachable => true,
            CaldavStatus::Unauthorized | CaldavStatus::NotFound => {
                account.checked_at.is_none_or(|checked| {
                    checked
                        .checked_add(PATIENCE)
                        .is_ok_and(|due| due <= self.now())
                })
            }
        }
    }

    /// An account that is gone from the file: left to the pages, its mappings switched off.
    async fn release_account(&self, gone: &CaldavAccount) -> Result<(), UserError> {
        self.inner
            .db
            .name_account(&gone.id, &gone.name, false)
            .await?;
        tracing::warn!(account_id = %gone.id, name = %gone.name, "config.yaml no longer has this CalDAV account: its mappings are off");
        for mapping in self.inner.db.mappings().await? {
            if mapping.caldav.account == gone.id && mapping.settings.enabled {
                self.switch_mapping(&mapping.id, false).await?;
            }
        }
        Ok(())
    }
}

/// The certificate to trust, as it is stored.
fn trusted(wanted: &DeclaredAccount) -> Option<String> {
    let fingerprint = wanted.trusted_fingerprint?;
    Some(fingerprint.to_string())
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
