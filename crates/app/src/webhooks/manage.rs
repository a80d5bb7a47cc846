//! What people do with webhooks: look at deliveries, try one, send one again, switch one on again,
//! change its secret.

use secrecy::SecretString;
use store::records::{Delivery, DeliveryPage, Message, NextAttempt, Webhook, WebhookSource};
use sync_engine::model::time::Timestamp;

use crate::error::UserError;
use crate::service::App;

/// How long a former secret goes on signing beside the new one.
const FORMER: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

impl App {
    /// Messages to a webhook, newest first.
    pub async fn deliveries(
        &self,
        webhook: &str,
        limit: u32,
        before: Option<&str>,
    ) -> Result<DeliveryPage, UserError> {
        Ok(self.inner.db.deliveries(webhook, limit, before).await?)
    }

    /// Sends a test message at once, whether the webhook is on or off; what came of it.
    pub async fn test_webhook(&self, webhook: &str) -> Result<Delivery, UserError> {
        let message = self.inner.db.outbox_test(webhook, self.now()).await?;
        self.send_now(&message).await
    }

    /// Sends a message again at once, with the id it had; what came of it.
    pub async fn replay_delivery(&self, webhook: &str, id: &str) -> Result<Delivery, UserError> {
        let now = self.now();
        let message = self.inner.db.outbox_message(webhook, id, now).await?;
        self.send_now(&message).await
    }

    async fn send_now(&self, message: &Message) -> Result<Delivery, UserError> {
        let outcome = self.send(message).await;
        self.note_attempt(message, outcome, NextAttempt::AsBefore)
            .await?;
        // What waits may be due, or no longer.
        self.inner.delivered.notify_one();
        Ok(self
            .inner
            .db
            .delivery(&message.webhook_id, &message.id)
            .await?)
    }

    /// Switches a webhook on, or on again after it kept failing: what waits is sent.
    pub async fn enable_webhook(&self, id: &str) -> Result<(), UserError> {
        let webhook = self.webhook(id).await?;
        if webhook.source != WebhookSource::Ui && webhook.health.stopped_at.is_none() {
            return Err(UserError::webhook_managed());
        }
        self.inner.db.enable_webhook(id, self.now()).await?;
        self.inner.delivered.notify_one();
        Ok(())
    }

    /// Makes a new secret for a webhook and gives it, this once. The one it had goes on signing beside
    /// it for a day.
    pub async fn new_webhook_secret(&self, id: &str) -> Result<SecretString, UserError> {
        if self.webhook(id).await?.source != WebhookSource::Ui {
            return Err(UserError::webhook_managed());
        }
        let secret = super::signature::generate()?;
        let until = self.former_until();
        self.inner
            .db
            .change_webhook_secret(id, &secret, until)
            .await?;
        Ok(secret)
    }

    /// Until when a secret that is changed now goes on signing.
    pub(crate) fn former_until(&self) -> Timestamp {
        let now = self.now();
        now.checked_add(FORMER).unwrap_or(now)
    }

    /// How many were switched off because they kept failing.
    pub(crate) async fn stopped_webhooks(&self) -> Result<usize, UserError> {
        let webhooks = self.inner.db.webhooks().await?;
        let stopped = webhooks
            .iter()
            .filter(|webhook| webhook.health.stopped_at.is_some());
        Ok(stopped.count())
    }

    async fn webhook(&self, id: &str) -> Result<Webhook, UserError> {
        let mut all = self.inner.db.webhooks().await?.into_iter();
        all.find(|webhook| webhook.id == id)
            .ok_or_else(|| UserError::not_found("webhook", id))
    }
}
