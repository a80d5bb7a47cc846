//! The webhook outbox: what a run's end has to tell, kept until it was delivered and a while longer.
//! Delivering, and when to try again, is the application's; what people see of it is `deliveries`.

mod body;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use secrecy::SecretString;
use serde_json::Value;

use crate::convert::{count, micros, small_count, timestamp, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{FailedAttempt, Message, NextAttempt, Run};
use crate::seal::columns::{WEBHOOK_FORMER_SECRET, WEBHOOK_SECRET};

/// Most messages that wait for one webhook; of more the oldest are given up.
const WAITING: i64 = 1_000;
/// Delivered and given up messages kept of one webhook, to be seen and sent again.
const ENDED: i64 = 100;

/// Reads what [`Sealed::of`] wants.
const SELECT: &str = "SELECT o.id, o.webhook_id, w.url, o.body, o.attempts, w.secret, \
     CASE WHEN w.former_until > ?1 THEN w.former_secret END \
     FROM outbox o JOIN webhook w ON w.id = o.webhook_id";

impl Db {
    /// The webhooks that messages wait for, and when each is to be called next.
    pub async fn outbox_next(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT w.id, max(min(o.due_at), coalesce(w.quiet_until, 0)) \
                 FROM webhook w JOIN outbox o ON o.webhook_id = w.id \
                 WHERE w.enabled = 1 AND o.due_at IS NOT NULL GROUP BY w.id",
            )?;
            let mut rows = statement.query([])?;
            let mut next = Vec::new();
            while let Some(row) = rows.next()? {
                next.push((row.get(0)?, timestamp(row.get(1)?)?));
            }
            Ok(next)
        })
        .await
    }

    /// The message of a webhook whose time has come, longest due first. It stays until
    /// [`outbox_delivered`](Self::outbox_delivered) or [`outbox_failed`](Self::outbox_failed).
    pub async fn outbox_due(
        &self,
        webhook: &str,
        now: Timestamp,
    ) -> Result<Option<Message>, StoreError> {
        let webhook = webhook.to_owned();
        let due = self
            .read(move |conn| {
                let sql = format!(
                    "{SELECT} WHERE o.webhook_id = ?2 AND o.due_at <= ?1 AND w.enabled = 1 \
                     AND coalesce(w.quiet_until, 0) <= ?1 ORDER BY o.due_at, o.id LIMIT 1"
                );
                let mut statement = conn.prepare_cached(&sql)?;
                let found = statement.query_row(params![micros(now), webhook], Sealed::of);
                Ok(found.optional()?)
            })
            .await?;
        due.map(|due| due.open(self)).transpose()
    }

    /// A message of a webhook, whatever became of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn outbox_message(
        &self,
        webhook: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Message, StoreError> {
        let (webhook, id) = (webhook.to_owned(), id.to_owned());
        self.read(move |conn| message(conn, &webhook, &id, now))
            .await?
            .open(self)
    }

    /// Adds a test message, which nobody sends but who asked for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a webhook that is not there.
    pub async fn outbox_test(&self, webhook: &str, now: Timestamp) -> Result<Message, StoreError> {
        let (webhook, id) = (webhook.to_owned(), new_id("msg")?);
        self.write(move |conn| {
            crate::webhooks::exists(conn, &webhook)?;
            conn.execute(
                "INSERT INTO outbox (id, webhook_id, body, created_at, error) \
                 VALUES (?1, ?2, ?3, ?4, 'The program was stopped before it was sent.')",
                params![
                    id,
                    webhook,
                    to_json("webhook body", &body::of_test(now))?,
                    micros(now)
                ],
            )?;
            message(conn, &webhook, &id, now)
        })
        .await?
        .open(self)
    }

    /// How many messages wait for their delivery.
    pub async fn outbox_pending(&self) -> Result<u64, StoreError> {
        self.read(|conn| {
            let waiting = conn.query_row(
                "SELECT count(*) FROM outbox WHERE due_at IS NOT NULL",
                [],
                |row| row.get(0),
            )?;
            Ok(count(waiting))
        })
        .await
    }

    /// A message was delivered. One whose webhook is gone is no error.
    pub async fn outbox_delivered(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            conn.execute(
                "UPDATE outbox SET attempts = attempts + 1, due_at = NULL, tried_at = ?2, \
                 delivered_at = ?2, error = NULL WHERE id = ?1",
                params![id, micros(at)],
            )?;
            let Some(webhook) = webhook_of(conn, &id)? else {
                return Ok(());
            };
            conn.execute(
                "UPDATE webhook SET error = NULL, failing_since = NULL, quiet_until = NULL \
                 WHERE id = ?1",
                [&webhook],
            )?;
            trim(conn, &webhook)
        })
        .await
    }

    /// A message was not delivered. Says whether the webhook was switched off because of it: it is
    /// when it said that it is gone, and when a message is given up while none has been delivered
    /// since that one came into being. One whose webhook is gone is no error.
    pub async fn outbox_failed(&self, id: &str, failed: FailedAttempt) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            let at = micros(failed.at);
            let (out_of_turn, due) = match failed.next {
                NextAttempt::At(next) => (false, Some(micros(next))),
                NextAttempt::Never => (false, None),
                NextAttempt::AsBefore => (true, None),
            };
            conn.execute(
                "UPDATE outbox SET attempts = attempts + 1, tried_at = ?2, error = ?3, \
                 due_at = CASE WHEN ?4 THEN due_at ELSE ?5 END WHERE id = ?1",
                params![id, at, failed.error, out_of_turn, due],
            )?;
            let Some(webhook) = webhook_of(conn, &id)? else {
                return Ok(false);
            };
            conn.execute(
                "UPDATE webhook SET error = ?2, failing_since = coalesce(failing_since, ?3), \
                 quiet_until = max(coalesce(quiet_until, 0), coalesce(?4, 0)) WHERE id = ?1",
                params![webhook, failed.error, at, failed.quiet_until.map(micros)],
            )?;
            let stop = failed.gone
                || failed.next == NextAttempt::Never && !delivered_since(conn, &webhook, &id)?;
            let stopped = stop
                && conn.execute(
                    "UPDATE webhook SET enabled = 0, stopped_at = ?2 WHERE id = ?1 AND enabled = 1",
                    params![webhook, at],
                )? > 0;
            trim(conn, &webhook)?;
            Ok(stopped)
        })
        .await
    }
}

/// Puts the message about a finished run (with its events) into the outbox, once for every webhook.
pub(crate) fn enqueue(conn: &Connection, run: &Run, now: Timestamp) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached("SELECT id FROM webhook WHERE enabled = 1")?;
    let webhooks = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    if webhooks.is_empty() {
        return Ok(());
    }
    let body: Value = body::of_run(run);
    let body = to_json("webhook body", &body)?;
    for webhook in webhooks {
        conn.execute(
            "INSERT INTO outbox (id, webhook_id, run_id, body, created_at, due_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![new_id("msg")?, webhook, run.id.as_str(), body, micros(now)],
        )?;
        trim(conn, &webhook)?;
    }
    Ok(())
}

/// Keeps a webhook's part of the outbox within bounds.
fn trim(conn: &Connection, webhook: &str) -> Result<(), StoreError> {
    conn.prepare_cached(
        "UPDATE outbox SET due_at = NULL, error = 'Too many messages waited: it was given up.' \
         WHERE id IN (SELECT id FROM outbox WHERE webhook_id = ?1 AND due_at IS NOT NULL \
           ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![webhook, WAITING])?;
    conn.prepare_cached(
        "DELETE FROM outbox \
         WHERE id IN (SELECT id FROM outbox WHERE webhook_id = ?1 AND due_at IS NULL \
           ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?2)",
    )?
    .execute(params![webhook, ENDED])?;
    Ok(())
}

fn webhook_of(conn: &Connection, id: &str) -> Result<Option<String>, StoreError> {
    Ok(conn
        .prepare_cached("SELECT webhook_id FROM outbox WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// Whether anything was delivered to a webhook since a message came into being.
fn delivered_since(conn: &Connection, webhook: &str, id: &str) -> Result<bool, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM outbox WHERE webhook_id = ?1 AND due_at IS NULL \
             AND delivered_at >= (SELECT created_at FROM outbox WHERE id = ?2) LIMIT 1",
        )?
        .query_row([webhook, id], |_| Ok(()))
        .optional()?
        .is_some())
}

fn message(
    conn: &Connection,
    webhook: &str,
    id: &str,
    now: Timestamp,
) -> Result<Sealed, StoreError> {
    conn.prepare_cached(&format!("{SELECT} WHERE o.webhook_id = ?2 AND o.id = ?3"))?
        .query_row(params![micros(now), webhook, id], Sealed::of)
        .optional()?
        .ok_or_else(|| StoreError::not_found("delivery", id))
}

/// A message whose secrets are still sealed.
struct Sealed {
    message: Message,
    secret: Option<String>,
    former: Option<String>,
}

impl Sealed {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            message: Message {
                id: row.get(0)?,
                webhook_id: row.get(1)?,
                url: row.get(2)?,
                secrets: Vec::new(),
                body: row.get(3)?,
                attempts: small_count(row.get(4)?),
            },
            secret: row.get(5)?,
            former: row.get(6)?,
        })
    }

    fn open(self, db: &Db) -> Result<Message, StoreError> {
        let row = &self.message.webhook_id;
        let sealed = [
            (WEBHOOK_SECRET, self.secret),
            (WEBHOOK_FORMER_SECRET, self.former),
        ];
        let secrets = sealed
            .into_iter()
            .filter_map(|(column, sealed)| Some(db.keys().open(column, row, &sealed?)))
            .collect::<Result<Vec<SecretString>, _>>()?;
        Ok(Message {
            secrets,
            ..self.message
        })
    }
}
