//! Delivering what runs left in the outbox (Standard Webhooks 1.0.0): signed, repeated with the same
//! id and growing pauses, switched off when an address keeps failing.
//!
//! Every webhook has a lane of its own, in which its messages follow each other, so that one that
//! does not answer keeps no other waiting.

mod manage;
mod schedule;
pub(crate) mod signature;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use outbound::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use outbound::{Method, Origin, Request};
use store::records::{FailedAttempt, Message, NextAttempt};

use crate::service::App;
use schedule::Outcome;

/// The longest sleep when nothing is due.
const REST: Duration = Duration::from_mins(5);
/// How long a lane rests when the outbox cannot be read or written: what was sent in vain of that
/// would be sent again at once.
const TROUBLE: Duration = Duration::from_mins(1);

/// The webhooks whose messages are under way.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashSet<String>>);

impl Lanes {
    /// Takes a lane; `false` when it is taken.
    fn enter(&self, webhook: &str) -> bool {
        self.set().insert(webhook.to_owned())
    }

    fn leave(&self, webhook: &str) {
        self.set().remove(webhook);
    }

    fn is_taken(&self, webhook: &str) -> bool {
        self.set().contains(webhook)
    }

    fn set(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Delivers until the program ends.
    pub(crate) async fn deliver(&self) {
        loop {
            let wait = self.deliver_due().await.unwrap_or_else(|error| {
                tracing::error!(error = %error, "the outbox cannot be read");
                TROUBLE
            });
            tokio::select! {
                // The end comes first: lanes that it closed say so too.
                biased;
                () = self.inner.ending.cancelled() => return,
                () = self.inner.delivered.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Opens a lane for every webhook that something is due for; how long until there may be more.
    async fn deliver_due(&self) -> Result<Duration, store::StoreError> {
        let now = self.now();
        let mut wait = REST;
        for (webhook, next) in self.inner.db.outbox_next().await? {
            if next > now {
                if !self.inner.lanes.is_taken(&webhook) {
                    let until = Duration::try_from(next.duration_since(now)).unwrap_or_default();
                    // Timers and the clock may differ a little.
                    wait = wait.min(until + Duration::from_millis(10));
                }
            } else if self.inner.lanes.enter(&webhook) {
                let app = self.clone();
                self.spawn(async move {
                    if let Err(error) = app.drain(&webhook).await {
                        tracing::error!(error = %error, "the outbox cannot be read or written");
                        tokio::select! {
                            () = app.inner.ending.cancelled() => {}
                            () = tokio::time::sleep(TROUBLE) => {}
                        }
                    }
                    app.inner.lanes.leave(&webhook);
                    app.inner.delivered.notify_one();
                });
            }
        }
        Ok(wait)
    }

    /// Sends what is due for one webhook, one message after the other.
    async fn drain(&self, webhook: &str) -> Result<(), store::StoreError> {
        while let Some(message) = self.inner.db.outbox_due(webhook, self.now()).await? {
            let outcome = tokio::select! {
                // What is under way comes again after the next start, with the same id.
                () = self.inner.ending.cancelled() => return Ok(()),
                outcome = self.send(&message) => outcome,
            };
            let attempts = message.attempts.saturating_add(1);
            // Without randomness there is no jitter, and no harm.
            let chance = getrandom::u32().unwrap_or(u32::MAX / 2);
            let next = schedule::next_attempt(attempts, self.now(), chance)
                .map_or(NextAttempt::Never, NextAttempt::At);
            self.note_attempt(&message, outcome, next).await?;
        }
        Ok(())
    }

    /// Puts on record what came of an attempt.
    async fn note_attempt(
        &self,
        message: &Message,
        outcome: Outcome,
        next: NextAttempt,
    ) -> Result<(), store::StoreError> {
        let at = self.now();
        let (webhook, id) = (&message.webhook_id, &message.id);
        let delivered = outcome == Outcome::Delivered;
        self.inner.counters.delivery(delivered);
        match outcome {
            Outcome::Delivered => self.inner.db.outbox_delivered(id, at).await,
            Outcome::Failed {
                why,
                quiet_until,
                gone,
            } => {
                tracing::warn!(webhook_id = %webhook, message_id = %id, attempts = message.attempts + 1, error = %why, "a webhook was not delivered");
                let failed = FailedAttempt {
                    at,
                    error: why,
                    next,
                    quiet_until,
                    gone,
                };
                if self.inner.db.outbox_failed(id, failed).await? {
                    tracing::warn!(webhook_id = %webhook, "the webhook was switched off: it keeps failing");
                }
                Ok(())
            }
        }
    }

    /// One attempt. What it says is for people and holds nothing of the answer's body.
    async fn send(&self, message: &Message) -> Outcome {
        let request = match self.request(message) {
            Ok(request) => request,
            Err(why) => return Outcome::unanswered(why),
        };
        let sent = self
            .inner
            .webhooks
            .send(Origin::Administrator, request)
            .await;
        match sent {
            Ok(answer) => {
                let retry_after = answer.header(&RETRY_AFTER);
                Outcome::of(answer.status.as_u16(), retry_after, self.now())
            }
            Err(error) => Outcome::unanswered(format!("{error}.")),
        }
    }

    fn request(&self, message: &Message) -> Result<Request, String> {
        let url = outbound::typed_url(&message.url).map_err(|error| format!("{error}."))?;
        let stamp = self.now().as_second();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        let mut request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HeaderName::from_static("webhook-id"), value(&message.id)?)
            .header(
                HeaderName::from_static("webhook-timestamp"),
                value(&stamp.to_string())?,
            )
            .body(message.body.clone());
        if !message.secrets.is_empty() {
            let signature = signature::header(&message.secrets, &message.id, stamp, &message.body);
            request = request.header(
                HeaderName::from_static("webhook-signature"),
                value(&signature)?,
            );
        }
        Ok(request)
    }
}
