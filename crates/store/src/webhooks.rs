//! Webhooks: where runs are told of, their secrets sealed, and how they fare. What waits to be
//! delivered is `outbox`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::caldav_accounts::found;
use crate::convert::{count, from_word, maybe_timestamp, micros, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{NewWebhook, Webhook, WebhookHealth, WebhookSource};
use crate::seal::Keys;
use crate::seal::columns::{WEBHOOK_FORMER_SECRET, WEBHOOK_SECRET};
use crate::settings;

/// Adds a webhook, or changes it. What the program switched off stays off when a declaration that has
/// not changed is read again; a person's word (`ui`) switches it on. One that is switched on, or gets
/// another address, begins anew. `?7` says whether its secret is the one it had.
fn upsert() -> String {
    let stopped = "source <> 'ui' AND stopped_at IS NOT NULL";
    let declared_again = format!("({stopped} AND url = excluded.url AND ?7 AND excluded.enabled)");
    let as_before = format!(
        "url = excluded.url AND CASE WHEN {stopped} THEN {declared_again} \
         ELSE enabled OR NOT excluded.enabled END"
    );
    format!(
        "INSERT INTO webhook (id, source, position, url, secret, enabled) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET \
         position = excluded.position, url = excluded.url, secret = excluded.secret, \
         former_secret = ?8, former_until = ?9, \
         enabled = CASE WHEN {declared_again} THEN 0 ELSE excluded.enabled END, \
         stopped_at = CASE WHEN {as_before} THEN stopped_at END, \
         error = CASE WHEN {as_before} THEN error END, \
         failing_since = CASE WHEN {as_before} THEN failing_since END, \
         quiet_until = CASE WHEN {as_before} THEN quiet_until END"
    )
}

/// What signs for a webhook, sealed.
#[derive(Default)]
struct Signing {
    secret: Option<String>,
    former: Option<String>,
    former_until: Option<i64>,
}

impl Signing {
    /// What it is for one that is there.
    fn of(conn: &Connection, id: &str, source: &str) -> Result<Self, StoreError> {
        conn.query_row(
            "SELECT secret, former_secret, former_until FROM webhook WHERE id = ?1 AND source = ?2",
            [id, source],
            |row| {
                Ok(Self {
                    secret: row.get(0)?,
                    former: row.get(1)?,
                    former_until: row.get(2)?,
                })
            },
        )
        .optional()?
        .ok_or_else(|| StoreError::not_found("webhook", id))
    }

    /// With another secret; the one it had goes on signing beside it until then. The same again
    /// changes nothing. And whether it was the same.
    fn with(
        self,
        keys: &Keys,
        id: &str,
        secret: &SecretString,
        former_until: Timestamp,
    ) -> Result<(Self, bool), StoreError> {
        let had = self
            .secret
            .as_ref()
            .map(|sealed| keys.open(WEBHOOK_SECRET, id, sealed))
            .transpose()?;
        let same = had
            .as_ref()
            .is_some_and(|had| had.expose_secret() == secret.expose_secret());
        if same {
            return Ok((self, true));
        }
        let former = had
            .map(|had| keys.seal(WEBHOOK_FORMER_SECRET, id, &had))
            .transpose()?;
        let signing = Self {
            secret: Some(keys.seal(WEBHOOK_SECRET, id, secret)?),
            former_until: former.as_ref().map(|_| micros(former_until)),
            former,
        };
        Ok((signing, false))
    }
}

/// Replaces all webhooks of one source by these; see [`Db::put_webhooks`].
fn put(
    conn: &Connection,
    keys: &Keys,
    source: WebhookSource,
    webhooks: &[NewWebhook],
    former_until: Timestamp,
) -> Result<(), StoreError> {
    let word = to_word("webhook's source", &source)?;
    let mut kept = BTreeSet::new();
    for (position, webhook) in (0_i64..).zip(webhooks) {
        let (id, had) = match &webhook.id {
            Some(id) if kept.contains(id) => return Err(StoreError::not_found("webhook", id)),
            Some(id) => (id.clone(), Signing::of(conn, id, &word)?),
            None => (new_id("whk")?, Signing::default()),
        };
        let (signing, same) = match &webhook.secret {
            Some(secret) => had.with(keys, &id, secret, former_until)?,
            None if source == WebhookSource::Ui => (had, true),
            // A declaration is whole: what it does not name is not there.
            None => {
                let same = had.secret.is_none();
                (Signing::default(), same)
            }
        };
        conn.execute(
            &upsert(),
            params![
                id,
                word,
                position,
                webhook.url,
                signing.secret,
                webhook.enabled,
                same,
                signing.former,
                signing.former_until
            ],
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
    Ok(())
}

impl Db {
    /// Replaces all webhooks of one source by these, in this order. One given by its id keeps it and
    /// its waiting messages. A person's (`ui`) keeps its secret unless another is given; a declared
    /// one has what is given or none. When a secret changes, the one before goes on signing beside it
    /// until `former_until`. What waits for a webhook that goes is dropped.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an id that is not one of this source's.
    pub async fn put_webhooks(
        &self,
        source: WebhookSource,
        webhooks: Vec<NewWebhook>,
        former_until: Timestamp,
    ) -> Result<Vec<Webhook>, StoreError> {
        let keys = self.keys().clone();
        self.write(move |conn| {
            put(conn, &keys, source, &webhooks, former_until)?;
            list(conn)
        })
        .await
    }

    /// Stores settings ([`put_settings`](Self::put_settings)) and, if there are any, what people want
    /// for webhooks ([`put_webhooks`](Self::put_webhooks)): both or nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an id that is no webhook of theirs.
    pub async fn change_settings(
        &self,
        settings: BTreeMap<String, Value>,
        webhooks: Option<Vec<NewWebhook>>,
        former_until: Timestamp,
    ) -> Result<(), StoreError> {
        let keys = self.keys().clone();
        self.write(move |conn| {
            settings::put(conn, &settings)?;
            match webhooks {
                Some(webhooks) => put(conn, &keys, WebhookSource::Ui, &webhooks, former_until),
                None => Ok(()),
            }
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
        let (id, secret, keys) = (id.to_owned(), secret.clone(), self.keys().clone());
        self.write(move |conn| {
            let source: String = conn
                .query_row("SELECT source FROM webhook WHERE id = ?1", [&id], |row| {
                    row.get(0)
                })
                .optional()?
                .ok_or_else(|| StoreError::not_found("webhook", &id))?;
            let had = Signing::of(conn, &id, &source)?;
            let (signing, _) = had.with(&keys, &id, &secret, former_until)?;
            conn.execute(
                "UPDATE webhook SET secret = ?2, former_secret = ?3, former_until = ?4 \
                 WHERE id = ?1",
                params![id, signing.secret, signing.former, signing.former_until],
            )?;
            Ok(())
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
