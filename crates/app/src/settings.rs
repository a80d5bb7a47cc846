//! Settings that people change while the program runs.

use secrecy::SecretString;
use serde_json::Value;
use store::records::{NewWebhook, WebhookSource};
use url::Url;

use crate::error::UserError;
use crate::service::App;

/// Seconds between rounds unless somebody says otherwise.
const DEFAULT_INTERVAL: u64 = 300;

/// The settings as they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Seconds between two rounds of the scheduler.
    pub interval_seconds: u64,
    /// Where runs are reported to.
    pub webhooks: Vec<WebhookView>,
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
}

/// A change of settings: what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SettingsInput {
    /// Seconds between two rounds, 60 to 86,400.
    pub interval_seconds: Option<u64>,
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

impl App {
    /// The settings as they hold.
    pub async fn settings(&self) -> Result<Settings, UserError> {
        let interval = self
            .inner
            .db
            .setting("interval_seconds")
            .await?
            .and_then(|value| value.as_u64())
            .unwrap_or(DEFAULT_INTERVAL);
        let webhooks = self.inner.db.webhooks().await?;
        Ok(Settings {
            interval_seconds: interval,
            webhooks: webhooks
                .into_iter()
                .map(|webhook| WebhookView {
                    id: webhook.id,
                    url: webhook.url,
                    enabled: webhook.enabled,
                    has_secret: webhook.has_secret,
                    managed: webhook.source != WebhookSource::Ui,
                })
                .collect(),
        })
    }

    /// Changes settings; they hold from the next round on.
    pub async fn change_settings(&self, input: SettingsInput) -> Result<Settings, UserError> {
        if let Some(seconds) = input.interval_seconds
            && !(60..=86_400).contains(&seconds)
        {
            return Err(UserError::invalid(
                "interval_seconds",
                "It must be between 60 (a minute) and 86400 (a day).",
            ));
        }
        if let Some(webhooks) = &input.webhooks {
            for webhook in webhooks {
                let fits = Url::parse(&webhook.url)
                    .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
                if !fits {
                    return Err(UserError::invalid(
                        "webhooks",
                        "A webhook needs an address that begins with https:// or http://.",
                    ));
                }
            }
        }
        if let Some(seconds) = input.interval_seconds {
            let change = [("interval_seconds".to_owned(), Value::from(seconds))];
            self.inner.db.put_settings(change.into()).await?;
            self.inner.wake.notify_one();
        }
        if let Some(webhooks) = input.webhooks {
            let webhooks = webhooks
                .into_iter()
                .map(|webhook| NewWebhook {
                    id: webhook.id,
                    url: webhook.url,
                    secret: webhook.secret,
                    enabled: webhook.enabled,
                })
                .collect();
            self.inner
                .db
                .put_webhooks(WebhookSource::Ui, webhooks)
                .await?;
        }
        self.settings().await
    }
}
