//! Webhooks and what waits to be delivered to them.

use secrecy::SecretString;
use sync_engine::model::time::Timestamp;

/// Where a webhook was declared. Each place replaces its own and leaves the others alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSource {
    /// In the UI or by `PUT /settings`.
    Ui,
    /// In `config.yaml`.
    Config,
    /// `WEBHOOK_URL`.
    Environment,
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id, `whk_…`.
    pub id: String,
    /// Where it was declared.
    pub source: WebhookSource,
    /// Where to deliver.
    pub url: String,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// Whether anything is delivered.
    pub enabled: bool,
}

/// A webhook to be kept.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// One that is there, to be changed; `None` for a new one.
    pub id: Option<String>,
    /// Where to deliver.
    pub url: String,
    /// The secret, stored sealed. With `id`, `None` keeps the stored one.
    pub secret: Option<SecretString>,
    /// Whether anything is delivered.
    pub enabled: bool,
}

/// A message that is due.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message's id, `msg_…`: the same at every attempt (`webhook-id`).
    pub id: String,
    /// Which webhook.
    pub webhook_id: String,
    /// Where to.
    pub url: String,
    /// What to sign with.
    pub secret: Option<SecretString>,
    /// The body, JSON.
    pub body: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When the run ended that it tells of.
    pub created_at: Timestamp,
}
