//! Webhooks: where runs are told of, their secrets sealed. What waits to be delivered is `outbox`.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use crate::convert::{from_word, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{NewWebhook, Webhook, WebhookSource};
use crate::seal::columns::WEBHOOK_SECRET;

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
                conn.execute(
                    "INSERT INTO webhook (id, source, position, url, secret, enabled) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET \
                     position = excluded.position, url = excluded.url, \
                     secret = coalesce(excluded.secret, secret), enabled = excluded.enabled",
                    params![id, word, position, url, secret, enabled],
                )?;
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
}

fn list(conn: &rusqlite::Connection) -> Result<Vec<Webhook>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, source, url, secret IS NOT NULL, enabled FROM webhook \
         ORDER BY source, position, id",
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
        });
    }
    Ok(webhooks)
}
