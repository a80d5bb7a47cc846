//! Settings that people change while the program runs: in the pages, by the API, in `config.yaml`.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;
use store::records::{NewWebhook, Webhook, WebhookHealth, WebhookSource};

use crate::error::{Kind, UserError};
use crate::service::App;
use crate::webhooks::signature;

/// A setting that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name, the same in the API, in the database and in `config.yaml`.
    pub name: &'static str,
    /// What it is unless somebody says otherwise.
    pub default: u64,
    /// The least it may be.
    pub least: u64,
    /// The most it may be.
    pub most: u64,
    /// What is right, as a sentence.
    rule: &'static str,
}

/// Seconds between two rounds of the scheduler.
const INTERVAL: Setting = Setting {
    name: "interval_seconds",
    default: 300,
    least: 60,
    most: 86_400,
    rule: "It must be between 60 (a minute) and 86400 (a day).",
};
/// Days that runs and what belongs to them are kept.
const HISTORY: Setting = Setting {
    name: "history_days",
    default: 90,
    least: 1,
    most: 3_650,
    rule: "It must be between 1 and 3650 (ten years).",
};
/// All of them.
pub const SETTINGS: [Setting; 2] = [INTERVAL, HISTORY];

/// Most webhooks of one source: every one is called after every run.
const WEBHOOKS: usize = 32;
/// Longest address of a webhook.
const ADDRESS: usize = 2_000;

/// The settings as they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Seconds between two rounds of the scheduler.
    pub interval_seconds: u64,
    /// Days that ended runs with their events, decided conflicts and messages to webhooks are
    /// kept.
    pub history_days: u64,
    /// Where runs are reported to.
    pub webhooks: Vec<WebhookView>,
    /// Names of the numbers that `config.yaml` declares: not changeable here.
    pub managed: Vec<&'static str>,
}

/// A webhook without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookView {
    /// Its id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Whether anything is delivered.
    pub enabled: bool,
    /// Whether deliveries are signed.
    pub has_secret: bool,
    /// Declared in the environment or in `config.yaml`: not changeable here.
    pub managed: bool,
    /// How it fares.
    pub health: WebhookHealth,
}

impl WebhookView {
    /// Its state in a word.
    pub fn state(&self) -> WebhookState {
        if !self.enabled && self.health.stopped_at.is_some() {
            WebhookState::Disabled
        } else if !self.enabled {
            WebhookState::Off
        } else if self.health.error.is_some() {
            WebhookState::Failing
        } else {
            WebhookState::Ok
        }
    }
}

/// The state of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// On, and the last attempt did not fail.
    Ok,
    /// On; the last attempt failed, and there will be others.
    Failing,
    /// Switched off by the program, because it kept failing.
    Disabled,
    /// Switched off by a person.
    Off,
}

/// A change of settings: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsInput {
    /// Seconds between two rounds, 60 to 86,400.
    pub interval_seconds: Option<u64>,
    /// Days that runs are kept, 1 to 3,650.
    pub history_days: Option<u64>,
    /// All webhooks of the UI, in place of those that are there.
    pub webhooks: Option<Vec<WebhookInput>>,
}

/// A webhook to be kept.
#[derive(Debug, Clone)]
pub struct WebhookInput {
    /// One that is there.
    pub id: Option<String>,
    /// Where to.
    pub url: String,
    /// Its secret; with an id, `None` keeps the stored one.
    pub secret: Option<SecretString>,
    /// Whether anything is delivered.
    pub enabled: bool,
}

impl SettingsInput {
    /// Whether these may be settings.
    ///
    /// # Errors
    /// Every field at fault.
    pub fn check(&self) -> Result<(), UserError> {
        let numbers = self
            .numbers()
            .into_iter()
            .filter(|(setting, value)| {
                value.is_some_and(|value| !(setting.least..=setting.most).contains(&value))
            })
            .map(|(setting, _)| UserError::invalid(setting.name, setting.rule));
        let webhooks = self.webhooks.as_deref().and_then(webhook_fault);
        let mut faults: Vec<UserError> = numbers.collect();
        faults.extend(webhooks.map(|fault| UserError::invalid("webhooks", fault)));
        if faults.is_empty() {
            Ok(())
        } else {
            Err(UserError::all(faults))
        }
    }

    /// One of the numbers by its name.
    pub fn number(&self, name: &str) -> Option<u64> {
        let numbers = self.numbers();
        let (_, value) = numbers.iter().find(|(setting, _)| setting.name == name)?;
        *value
    }

    /// The numbers among them.
    fn numbers(&self) -> [(Setting, Option<u64>); SETTINGS.len()] {
        [
            (INTERVAL, self.interval_seconds),
            (HISTORY, self.history_days),
        ]
    }
}

impl App {
    /// The settings as they hold: what `config.yaml` declares, else what people chose, else the
    /// defaults.
    pub async fn settings(&self) -> Result<Settings, UserError> {
        let declared = self.inner.desk.declared();
        let chosen = self.inner.db.settings().await?;
        let mut managed = Vec::new();
        let [interval_seconds, history_days] =
            declared.settings.numbers().map(|(setting, value)| {
                if value.is_some() {
                    managed.push(setting.name);
                }
                let chosen = chosen.get(setting.name).and_then(Value::as_u64);
                value.or(chosen).unwrap_or(setting.default)
            });
        let webhooks = self.inner.db.webhooks().await?;
        Ok(Settings {
            interval_seconds,
            history_days,
            webhooks: webhooks
                .into_iter()
                .map(|webhook| WebhookView {
                    id: webhook.id,
                    url: webhook.url,
                    enabled: webhook.enabled,
                    has_secret: webhook.has_secret,
                    managed: webhook.source != WebhookSource::Ui,
                    health: webhook.health,
                })
                .collect(),
            managed,
        })
    }

    /// Changes settings; they hold from the next round on. What `config.yaml` declares may only be
    /// given as it is.
    pub async fn change_settings(&self, input: SettingsInput) -> Result<Settings, UserError> {
        input.check()?;
        self.refuse_declared(input.webhooks.as_deref().unwrap_or_default())
            .await?;
        let declared = self.inner.desk.declared();
        let mut changes = BTreeMap::new();
        for ((setting, value), (_, declared)) in
            input.numbers().into_iter().zip(declared.settings.numbers())
        {
            match (value, declared) {
                (None, _) => {}
                (Some(value), None) => {
                    changes.insert(setting.name.to_owned(), Value::from(value));
                }
                (Some(value), Some(declared)) if value == declared => {}
                (Some(_), Some(_)) => return Err(declared_elsewhere(setting.name)),
            }
        }
        let webhooks = input
            .webhooks
            .map(|webhooks| webhooks.into_iter().map(kept).collect());
        let numbers = !changes.is_empty();
        self.inner
            .db
            .change_settings(changes, webhooks, self.former_until())
            .await?;
        if numbers {
            self.inner.wake.notify_one();
        }
        // What waited for a webhook that is on again is due.
        self.inner.delivered.notify_one();
        self.settings().await
    }

    /// What is declared elsewhere is changed there.
    async fn refuse_declared(&self, webhooks: &[WebhookInput]) -> Result<(), UserError> {
        let wanted = |stored: &Webhook| {
            let mut ids = webhooks.iter().filter_map(|webhook| webhook.id.as_ref());
            ids.any(|id| *id == stored.id)
        };
        let stored = self.inner.db.webhooks().await?;
        let mut declared = stored
            .iter()
            .filter(|stored| stored.source != WebhookSource::Ui);
        if declared.any(wanted) {
            return Err(UserError::webhook_managed());
        }
        Ok(())
    }

    /// The webhooks of the environment or of `config.yaml` take the place of those of the last
    /// time. The same address keeps its id, and with it what still waits to be delivered.
    pub async fn keep_webhooks(
        &self,
        source: WebhookSource,
        webhooks: Vec<WebhookInput>,
    ) -> Result<(), UserError> {
        let mut before = self.inner.db.webhooks().await?;
        before.retain(|webhook| webhook.source == source);
        if before.is_empty() && webhooks.is_empty() {
            return Ok(());
        }
        let wanted = webhooks
            .into_iter()
            .map(|mut webhook| {
                let same = before.iter().position(|before| before.url == webhook.url);
                webhook.id = same.map(|at| before.remove(at).id);
                kept(webhook)
            })
            .collect();
        let until = self.former_until();
        self.inner.db.put_webhooks(source, wanted, until).await?;
        self.inner.delivered.notify_one();
        Ok(())
    }
}

fn kept(webhook: WebhookInput) -> NewWebhook {
    NewWebhook {
        id: webhook.id,
        url: webhook.url,
        secret: webhook.secret,
        enabled: webhook.enabled,
    }
}

/// What is wrong with webhooks that somebody wants.
fn webhook_fault(webhooks: &[WebhookInput]) -> Option<String> {
    if webhooks.len() > WEBHOOKS {
        return Some(format!("There may be {WEBHOOKS} webhooks at most."));
    }
    webhooks.iter().find_map(|webhook| {
        if let Some(fault) = webhook.secret.as_ref().and_then(signature::fault) {
            return Some(fault.to_owned());
        }
        if webhook.url.len() > ADDRESS {
            return Some(format!(
                "A webhook's address has {ADDRESS} characters at most."
            ));
        }
        if !webhook.url.contains("://") {
            return Some(
                "A webhook needs an address that begins with https:// or http://.".to_owned(),
            );
        }
        let error = outbound::typed_url(&webhook.url).err()?;
        Some(format!("A webhook cannot have this address: {error}."))
    })
}

fn declared_elsewhere(setting: &str) -> UserError {
    UserError::new(
        Kind::Conflict,
        "managed",
        "Managed by config.yaml",
        format!("{setting} is declared in config.yaml and cannot be changed here."),
        "Change it in config.yaml: the program takes that over within seconds, without a restart.",
    )
    .with("setting", setting)
}
