//! Webhooks and what is delivered to them.

use secrecy::SecretString;
use sync_engine::model::RunId;
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
    /// How it fares.
    pub health: WebhookHealth,
}

/// How a webhook fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookHealth {
    /// Why the last attempt failed; `None` after one that did not.
    pub error: Option<String>,
    /// Since when attempts fail.
    pub failing_since: Option<Timestamp>,
    /// When the program switched it off because it kept failing.
    pub stopped_at: Option<Timestamp>,
    /// When a message was last delivered.
    pub delivered_at: Option<Timestamp>,
    /// Messages that wait.
    pub waiting: u64,
}

/// A webhook to be kept.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// One that is there, to be changed; `None` for a new one.
    pub id: Option<String>,
    /// Where to deliver.
    pub url: String,
    /// The secret, stored sealed. With `id`, `None` keeps the stored one of a person's webhook; a
    /// declared one then has none.
    pub secret: Option<SecretString>,
    /// Whether anything is delivered.
    pub enabled: bool,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id, `msg_…`: the same at every attempt (`webhook-id`).
    pub id: String,
    /// Which webhook.
    pub webhook_id: String,
    /// Where to.
    pub url: String,
    /// What to sign with: the secret, and the former one for a while after a change.
    pub secrets: Vec<SecretString>,
    /// The body, JSON.
    pub body: String,
    /// Attempts so far.
    pub attempts: u32,
}

/// An attempt that failed.
#[derive(Debug, Clone)]
pub struct FailedAttempt {
    /// When.
    pub at: Timestamp,
    /// Why, for people; holds no secret.
    pub error: String,
    /// What becomes of the message.
    pub next: NextAttempt,
    /// The webhook is to be left alone until then.
    pub quiet_until: Option<Timestamp>,
    /// The webhook said that it is gone for good.
    pub gone: bool,
}

/// What becomes of a message after an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAttempt {
    /// It is tried again then.
    At(Timestamp),
    /// It is given up.
    Never,
    /// Whatever was to become of it before: a person had it tried out of turn.
    AsBefore,
}

/// A message and what became of it, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's id.
    pub id: String,
    /// The run it tells of; `None` for a test.
    pub run: Option<RunId>,
    /// What became of it.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it came into being.
    pub created_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is still to be delivered.
    Waiting,
    /// It was delivered.
    Delivered,
    /// It was given up.
    Failed,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// `before` of the next page; `None` on the last.
    pub next: Option<String>,
}
