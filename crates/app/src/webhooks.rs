//! Delivering what runs left in the outbox (Standard Webhooks 1.0.0): signed, repeated with the same
//! id and growing pauses, switched off when an address has refused for days.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, Mac as _};
use outbound::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use outbound::{Method, Origin, Request};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use store::records::Delivery;
use sync_engine::model::time::Timestamp;

use crate::service::App;

/// Pauses before the next attempt, by attempts so far; after the last the message is given up.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Messages taken at once.
const BATCH: u32 = 20;

impl App {
    /// Delivers until the program ends.
    pub(crate) async fn deliver(&self) {
        loop {
            let next = match self.deliver_due().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(error = %error, "the outbox cannot be read");
                    None
                }
            };
            let now = self.now();
            let wait = next.map_or(Duration::from_mins(5), |next| {
                Duration::try_from(next.duration_since(now))
                    .unwrap_or_default()
                    .max(Duration::from_secs(1))
            });
            tokio::select! {
                () = self.inner.ending.cancelled() => return,
                () = self.inner.delivered.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn deliver_due(&self) -> Result<Option<Timestamp>, store::StoreError> {
        loop {
            let due = self.inner.db.outbox_due(self.now(), BATCH).await?;
            if due.is_empty() || self.inner.ending.is_cancelled() {
                return self.inner.db.outbox_next().await;
            }
            for delivery in due {
                self.attempt(&delivery).await?;
            }
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<(), store::StoreError> {
        match self.send(delivery).await {
            Ok(()) => self.inner.db.outbox_done(&delivery.id).await,
            Err(why) => {
                let now = self.now();
                let pause = PAUSES.get(usize::try_from(delivery.attempts).unwrap_or(usize::MAX));
                let next = pause.and_then(|pause| {
                    now.checked_add(jiff::SignedDuration::from_secs(*pause))
                        .ok()
                });
                tracing::warn!(webhook_id = %delivery.webhook_id, message_id = %delivery.id, attempts = delivery.attempts + 1, error = %why, "a webhook was not delivered");
                self.inner.db.outbox_failed(&delivery.id, &why, next).await
            }
        }
    }

    /// One attempt; the reason is for people and holds no body.
    async fn send(&self, delivery: &Delivery) -> Result<(), String> {
        let url = outbound::typed_url(&delivery.url).map_err(|error| error.to_string())?;
        let stamp = self.now().as_second();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        let mut request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HeaderName::from_static("webhook-id"), value(&delivery.id)?)
            .header(
                HeaderName::from_static("webhook-timestamp"),
                value(&stamp.to_string())?,
            )
            .body(delivery.body.clone());
        if let Some(secret) = &delivery.secret {
            let signature = signature(secret, &delivery.id, stamp, &delivery.body);
            let name = HeaderName::from_static("webhook-signature");
            request = request.header(name, value(&signature)?);
        }
        let answer = self
            .inner
            .webhooks
            .send(Origin::Administrator, request)
            .await
            .map_err(|error| error.to_string())?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(format!("it answered {}", answer.status.as_u16()))
        }
    }
}

/// `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`. A secret without `whsec_` is used as it
/// is.
fn signature(secret: &SecretString, id: &str, stamp: i64, body: &str) -> String {
    let secret = secret.expose_secret();
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|encoded| BASE64.decode(encoded.as_bytes()).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new();
    };
    mac.update(format!("{id}.{stamp}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector() {
        let secret = SecretString::from("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        assert_eq!(
            signature(
                &secret,
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                body
            ),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }
}
