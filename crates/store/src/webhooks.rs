//! Webhooks: where runs are told of, their secrets sealed, and how they fare. What waits to be
//! delivered is `outbox`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use secrecy::SecretString;

use crate::caldav_accounts::found;
use crate::convert::{count, from_word, maybe_timestamp, micros, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{NewWebhook, Webhook, WebhookHealth, WebhookSource};
use crate::seal::columns::{WEBHOOK_FORMER_SECRET, WEBHOOK_SECRET};

/// Adds a webhook, or changes it. What the program switched off stays off when a declaration that has
/// not changed is read again; a person's word (`ui`) switches it on. One that is switched on, or gets
/// another address, begins anew.
fn upsert() -> String {
    let declared_again = "source <> 'ui' AND stopped_at IS NOT NULL AND url = excluded.url";
    let as_before =
        format!("url = excluded.url AND (enabled OR NOT excluded.enabled OR ({declared_again}))");
    format!(
        "INSERT INTO webhook (id, source, position, url, secret, enabled) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET \
         position = excluded.position, url = excluded.url, \
         secret = coalesce(excluded.secret, secret), \
         former_secret = CASE WHEN excluded.secret IS NULL THEN former_secret END, \
         enabled = CASE WHEN {declared_again} THEN 0 ELSE excluded.enabled END, \
         stopped_at = CASE WHEN {as_before} THEN stopped_at END, \
         error = CASE WHEN {as_before} THEN error END, \
         failing_since = CASE WHEN {as_before} THEN failing_since END, \
         quiet_until = CASE WHEN {as_before} THEN quiet_until END"
    )
}

impl Db {
    /// Replaces all webhooks of one source by these, in this order. One given by its id keeps it,
    /// its waiting messages and, unless a new one is given, its secret. What waits for a webhook
    /// that goes is dropped.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an id that is not one of this source's.
    pub async fn put_webhooks(
        &self,
        source: WebhookSource,
        webhooks: Vec<NewWebhook>,
    ) -> Result<Vec<Webhook>, StoreError> {
        let word = to_word("webhook's source", &source)?;
        let mut prepared = Vec::with_capacity(webhooks.len());
        for webhook in webhooks {
            let known = webhook.id.is_some();
            let id = match webhook.id {
                Some(id) => id,
                None => new_id("whk")?,
            };
            let secret = webhook
                .secret
                .map(|secret| self.keys().seal(WEBHOOK_SECRET, &id, &secret))
                .transpose()?;
            prepared.push((known, id, webhook.url, secret, webhook.enabled));
        }
        self.write(move |conn| {
            let mut kept = BTreeSet::new();
            for (position, (known, id, url, secret, enabled)) in (0_i64..).zip(prepared) {
                if known {
                    let there = conn
                        .query_row(
                            "SELECT 1 FROM webhook WHERE id = ?1 AND source = ?2",
                            [&id, &word],
                            |_| Ok(()),
                        )
                        .optional()?;
                    if there.is_none() || kept.contains(&id) {
                        return Err(StoreError::not_found("webhook", &id));
                    }
                }
                conn.execute(&upsert(), params![id, word, position, url, secret, enabled])?;
                kept.insert(id);
            }
            let stored = list(conn)?;
            for gone in stored
                .iter()
                .filter(|webhook| webhook.source == source && !kept.contains(&webhook.id))
            {
                conn.execute("DELETE FROM webhook WHERE id = ?1", [&gone.id])?;
            }
            list(conn)
        })
        .await
    }

    /// All webhooks, by source and in their order.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        self.read(list).await
    }

    /// Switches a webhook on, or on again: what waits is due at once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn enable_webhook(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE webhook SET enabled = 1, stopped_at = NULL, error = NULL, \
                 failing_since = NULL, quiet_until = NULL WHERE id = ?1",
                [&id],
            )?;
            found(changed, "webhook", &id)?;
            conn.execute(
                "UPDATE outbox SET due_at = min(due_at, ?2), attempts = 0 \
                 WHERE webhook_id = ?1 AND due_at IS NOT NULL",
                params![id, micros(now)],
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a webhook another secret. The one it had goes on signing beside it until then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn change_webhook_secret(
        &self,
        id: &str,
        secret: &SecretString,
        former_until: Timestamp,
    ) -> Result<(), StoreError> {
        let stored = id.to_owned();
        let sealed: Option<String> = self
            .read(move |conn| {
                conn.query_row(
                    "SELECT secret FROM webhook WHERE id = ?1",
                    [&stored],
                    |row| row.get(0),
                )
                .optional()?
                .ok_or_else(|| StoreError::not_found("webhook", &stored))
            })
            .await?;
        let former = sealed
            .map(|sealed| {
                let former = self.keys().open(WEBHOOK_SECRET, id, &sealed)?;
                self.keys().seal(WEBHOOK_FORMER_SECRET, id, &former)
            })
            .transpose()?;
        let secret = self.keys().seal(WEBHOOK_SECRET, id, secret)?;
        let id = id.to_owned();
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE webhook SET secret = ?2, former_secret = ?3, former_until = ?4 \
                 WHERE id = ?1",
                params![id, secret, former, micros(former_until)],
            )?;
            found(changed, "webhook", &id)
        })
        .await
    }
}

/// # Errors
/// [`StoreError::NotFound`] when there is no such webhook.
pub(crate) fn exists(conn: &Connection, id: &str) -> Result<(), StoreError> {
    conn.query_row("SELECT 1 FROM webhook WHERE id = ?1", [id], |_| Ok(()))
        .optional()?
        .ok_or_else(|| StoreError::not_found("webhook", id))
}

fn list(conn: &Connection) -> Result<Vec<Webhook>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, source, url, secret IS NOT NULL, enabled, error, failing_since, stopped_at, \
         (SELECT max(delivered_at) FROM outbox o \
          WHERE o.webhook_id = webhook.id AND o.due_at IS NULL), \
         (SELECT count(*) FROM outbox o \
          WHERE o.webhook_id = webhook.id AND o.due_at IS NOT NULL) \
         FROM webhook ORDER BY source, position, id",
    )?;
    let mut rows = statement.query([])?;
    let mut webhooks = Vec::new();
    while let Some(row) = rows.next()? {
        webhooks.push(Webhook {
            id: row.get(0)?,
            source: from_word("webhook's source", &row.get::<_, String>(1)?)?,
            url: row.get(2)?,
            has_secret: row.get(3)?,
            enabled: row.get(4)?,
            health: WebhookHealth {
                error: row.get(5)?,
                failing_since: maybe_timestamp(row.get(6)?)?,
                stopped_at: maybe_timestamp(row.get(7)?)?,
                delivered_at: maybe_timestamp(row.get(8)?)?,
                waiting: count(row.get(9)?),
            },
        });
    }
    Ok(webhooks)
}
