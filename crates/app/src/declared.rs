//! What `config.yaml` declares, put into force: accounts, mappings, settings, webhooks.
//!
//! A name is the identity: declared again, it is the same account or mapping; gone from the file,
//! it is switched off and left to the pages; back again, it is on again. What cannot be made yet
//! (a Google account that nobody has connected, a server that does not answer) waits, says why, and
//! is tried again: after a while, and as soon as an account changes. Reading the file is the
//! binary's; nothing here asks a server but [`App::keep_declared`].

mod accounts;
mod calendars;
mod mappings;
mod names;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outbound::Fingerprint;
use secrecy::SecretString;
use store::records::{MappingSettings, WebhookSource};
use sync_engine::model::{AccountId, Side};
use tokio::sync::Notify;

use crate::error::{Kind, UserError};
use crate::service::App;
use crate::settings::SettingsInput;

/// First pause before what waits is tried again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What a configuration file declares.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Settings and webhooks; what is `None` is left to the pages.
    pub settings: SettingsInput,
    /// CalDAV accounts.
    pub accounts: Vec<DeclaredAccount>,
    /// Mappings.
    pub mappings: Vec<DeclaredMapping>,
}

/// A CalDAV account of the file.
#[derive(Debug, Clone)]
pub struct DeclaredAccount {
    /// Which one it is.
    pub name: String,
    /// The address: a server, a principal, a home or one calendar.
    pub base_url: String,
    /// Who signs in.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// The one certificate that the server may show.
    pub trusted_fingerprint: Option<Fingerprint>,
}

/// A mapping of the file.
#[derive(Debug, Clone)]
pub struct DeclaredMapping {
    /// Which one it is.
    pub name: String,
    /// The CalDAV calendar: account by name, calendar by URL or display name.
    pub caldav: DeclaredCalendar,
    /// The Google calendar: account by e-mail address, calendar by id or name.
    pub google: DeclaredCalendar,
    /// Every setting; those the file leaves out are the defaults.
    pub settings: MappingSettings,
}

/// A calendar as the file names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeclaredCalendar {
    /// Its account.
    pub account: String,
    /// The calendar.
    pub calendar: String,
}

/// Something declared that is not in force yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What it is.
    pub what: PendingKind,
    /// Its name in the file.
    pub name: String,
    /// Stable code of the reason.
    pub code: String,
    /// The reason, for people.
    pub detail: String,
    /// What to do.
    pub action: String,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// A CalDAV account.
    Account,
    /// A mapping.
    Mapping,
}

/// How the file itself is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileState {
    /// Its path; `None` when there is no such file.
    pub path: Option<String>,
    /// Why its present content is not in force; the one before is. Holds no secret.
    pub error: Option<String>,
    /// Keys that changed since the start and hold from the next start on.
    pub at_restart: Vec<String>,
    /// Every value of the environment and of the top of the file, as it was at the start.
    pub values: Vec<ConfigValue>,
}

/// A value of the configuration, for people; secrets are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// The variable.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// What is declared and how far it is in force.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<DeskState>,
    /// One settling at a time.
    settling: tokio::sync::Mutex<()>,
    /// An account changed: what waits may be possible now.
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct DeskState {
    declared: Arc<Declared>,
    pending: Vec<Pending>,
    /// What of it was logged.
    logged: Vec<Pending>,
    file: FileState,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is declared.
    pub(crate) fn declared(&self) -> Arc<Declared> {
        Arc::clone(&self.lock().declared)
    }
}

/// Accounts that should be asked for their calendars.
type Ask = BTreeSet<(Side, AccountId)>;

impl App {
    /// Puts a declaration into force in place of the one before. What needs a server follows in the
    /// background.
    pub async fn declare(&self, declared: Declared) -> Result<(), UserError> {
        declared.settings.check()?;
        let webhooks = declared.settings.webhooks.clone().unwrap_or_default();
        self.inner.desk.lock().declared = Arc::new(declared);
        self.keep_webhooks(WebhookSource::Config, webhooks).await?;
        self.settle(Ahead::More).await?;
        self.inner.desk.wake.notify_one();
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Says how the file is that the declaration comes from.
    pub fn report_file(&self, state: FileState) {
        self.inner.desk.lock().file = state;
    }

    /// How the file is.
    pub fn file(&self) -> FileState {
        self.inner.desk.lock().file.clone()
    }

    /// What is declared and waits.
    pub fn pending(&self) -> Vec<Pending> {
        self.inner.desk.lock().pending.clone()
    }

    /// Tries what waits again and again, until the program ends.
    pub(crate) async fn keep_declared(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let settled = self.ask_and_settle().await;
            if let Err(error) = &settled {
                tracing::error!(code = %error.code, error = %error, "what config.yaml declares could not be put into force");
            }
            let waits = settled.is_err() || !self.pending().is_empty();
            tokio::select! {
                () = self.inner.ending.cancelled() => return,
                () = self.inner.desk.wake.notified() => pause = FIRST_PAUSE,
                () = tokio::time::sleep(pause), if waits => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Settles what can be settled, asks the accounts that stand in the way, settles again.
    async fn ask_and_settle(&self) -> Result<(), UserError> {
        let ask = self.settle(Ahead::More).await?;
        let asked = ask.iter().map(|(side, account)| async move {
            match side {
                Side::Caldav => self.ask_caldav(account).await,
                // What goes wrong is noted in the account's own status.
                Side::Google => self
                    .google_calendars(Some(account.as_str()))
                    .await
                    .map_or(Ok(()), |_| Ok(())),
            }
        });
        futures_util::future::try_join_all(asked).await?;
        self.settle(Ahead::Nothing).await?;
        Ok(())
    }

    /// Brings accounts and mappings in line with the declaration, as far as what is known allows.
    /// Asks nobody; returns who should be asked.
    async fn settle(&self, ahead: Ahead) -> Result<Ask, UserError> {
        let _one = self.inner.desk.settling.lock().await;
        let declared = self.inner.desk.declared();
        let mut round = Round {
            names: self.declared_names().await?,
            ..Round::default()
        };
        let before = round.names.clone();
        self.settle_accounts(&declared, &mut round).await?;
        self.settle_mappings(&declared, &mut round).await?;
        if round.names != before {
            self.keep_declared_names(&round.names).await?;
        }
        if ahead == Ahead::Nothing {
            self.log_pending(&round.pending);
        }
        self.inner.desk.lock().pending = round.pending;
        Ok(round.ask)
    }

    /// Logs what is new in what waits, once.
    fn log_pending(&self, pending: &[Pending]) {
        let before = std::mem::replace(&mut self.inner.desk.lock().logged, pending.to_vec());
        for one in pending.iter().filter(|one| !before.contains(one)) {
            tracing::warn!(
                what = ?one.what, name = %one.name, code = %one.code, action = %one.action,
                "config.yaml: {:?} waits: {}", one.name, one.detail
            );
        }
        for one in before {
            if !pending
                .iter()
                .any(|now| now.what == one.what && now.name == one.name)
            {
                tracing::info!(what = ?one.what, name = %one.name, "config.yaml: {:?} waits no longer", one.name);
            }
        }
    }
}

/// What comes after a settling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// Accounts are asked, and then it is settled again.
    More,
    /// Nothing: what waits now waits.
    Nothing,
}

/// One settling.
#[derive(Default)]
struct Round {
    names: names::Names,
    pending: Vec<Pending>,
    ask: Ask,
}

impl Round {
    /// Something waits for this reason. What is our own trouble is nobody's reason to wait.
    fn waits(&mut self, what: PendingKind, name: &str, error: UserError) -> Result<(), UserError> {
        if matches!(error.kind, Kind::Internal | Kind::Unavailable) {
            return Err(error);
        }
        self.pending.push(Pending {
            what,
            name: name.to_owned(),
            code: error.code,
            detail: error.detail,
            action: error.action,
        });
        Ok(())
    }
}

/// Refuses a change of what the file declares.
pub(crate) fn refuse_managed(managed: bool, what: &str, name: &str) -> Result<(), UserError> {
    if !managed {
        return Ok(());
    }
    Err(UserError::new(
        Kind::Conflict,
        "managed",
        "Managed by config.yaml",
        format!("The {what} \"{name}\" is declared in config.yaml and cannot be changed here."),
        "Change it in config.yaml: the program takes that over within seconds, without a restart.",
    ))
}
