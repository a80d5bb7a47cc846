//! The webhook outbox: what a run's end has to tell, kept until it was delivered. Delivering, and
//! when to try again, is the application's.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::EventRecord;

use crate::caldav_accounts::found;
use crate::convert::{count, maybe_timestamp, micros, small_count, timestamp, to_json};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{Delivery, Run};
use crate::seal::columns::WEBHOOK_SECRET;

/// Most events in one body.
const EVENTS: usize = 500;

impl Db {
    /// Messages whose time has come, at most `limit`, longest due first. They stay until
    /// [`outbox_done`](Self::outbox_done).
    pub async fn outbox_due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let due = self
            .read(move |conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT o.id, o.webhook_id, w.url, w.secret, o.body, o.attempts, o.created_at \
                     FROM outbox o JOIN webhook w ON w.id = o.webhook_id \
                     WHERE o.due_at <= ?1 AND w.enabled = 1 ORDER BY o.due_at, o.id LIMIT ?2",
                )?;
                let mut rows = statement.query(params![micros(now), limit])?;
                let mut due = Vec::new();
                while let Some(row) = rows.next()? {
                    let sealed: Option<String> = row.get(3)?;
                    due.push((
                        Delivery {
                            id: row.get(0)?,
                            webhook_id: row.get(1)?,
                            url: row.get(2)?,
                            secret: None,
                            body: row.get(4)?,
                            attempts: small_count(row.get(5)?),
                            created_at: timestamp(row.get(6)?)?,
                        },
                        sealed,
                    ));
                }
                Ok(due)
            })
            .await?;
        due.into_iter()
            .map(|(delivery, sealed)| {
                let secret = sealed
                    .map(|sealed| {
                        self.keys()
                            .open(WEBHOOK_SECRET, &delivery.webhook_id, &sealed)
                    })
                    .transpose()?;
                Ok(Delivery { secret, ..delivery })
            })
            .collect()
    }

    /// When the next message is due; `None` when nothing waits.
    pub async fn outbox_next(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|conn| {
            let due: Option<i64> = conn.query_row(
                "SELECT min(o.due_at) FROM outbox o JOIN webhook w ON w.id = o.webhook_id \
                 WHERE w.enabled = 1",
                [],
                |row| row.get(0),
            )?;
            maybe_timestamp(due)
        })
        .await
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

    /// A message was delivered; it goes. One that is gone already is no error.
    pub async fn outbox_done(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            conn.execute("DELETE FROM outbox WHERE id = ?1", [id])?;
            Ok(())
        })
        .await
    }

    /// A message was not delivered: try again then, or never (`None`), in which case it stays on
    /// record. `error` is for people and holds no secret.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn outbox_failed(
        &self,
        id: &str,
        error: &str,
        next_attempt: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (id, error) = (id.to_owned(), error.to_owned());
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE outbox SET attempts = attempts + 1, due_at = ?2, error = ?3 WHERE id = ?1",
                params![id, next_attempt.map(micros), error],
            )?;
            found(changed, "message", &id)
        })
        .await
    }

    /// The last error of a webhook that has undelivered messages.
    pub async fn webhook_error(&self, webhook: &str) -> Result<Option<String>, StoreError> {
        let id = webhook.to_owned();
        self.read(move |conn| {
            Ok(conn
                .prepare_cached(
                    "SELECT error FROM outbox WHERE webhook_id = ?1 AND error IS NOT NULL \
                     ORDER BY created_at DESC LIMIT 1",
                )?
                .query_row([id], |row| row.get(0))
                .optional()?)
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
    let body = to_json("webhook body", &body(run))?;
    for webhook in webhooks {
        conn.execute(
            "INSERT INTO outbox (id, webhook_id, body, created_at, due_at) \
             VALUES (?1, ?2, ?3, ?4, ?4)",
            params![new_id("msg")?, webhook, body, micros(now)],
        )?;
    }
    Ok(())
}

/// A run as the webhook tells it.
fn body(run: &Run) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("run_id", json!(run.id.as_str()));
    put("mapping_id", json!(run.mapping.as_str()));
    put("direction", json!(run.direction.arrow()));
    put("status", json!(run.state));
    let at = run.finished_at.unwrap_or(run.started_at);
    put("timestamp", json!(at));
    for (key, count) in [
        ("inserted", run.inserted),
        ("updated", run.updated),
        ("deleted", run.deleted),
        ("failed", run.failed),
        ("deferred", run.deferred),
        ("held", run.held),
        ("conflicts", run.conflicts),
    ] {
        put(key, json!(count));
    }
    let events: Vec<Value> = run.events.iter().take(EVENTS).map(event).collect();
    put("events", Value::Array(events));
    if run.events.len() > EVENTS {
        put("truncated", json!(true));
    }
    if let Some(error) = &run.error {
        put(
            "error",
            json!({"code": error.code, "detail": error.detail, "action": error.action}),
        );
    }
    Value::Object(body)
}

fn event(event: &EventRecord) -> Value {
    let action = if event.error.is_some() {
        "failed"
    } else {
        match event.action {
            ActionKind::Insert => "inserted",
            ActionKind::Update => "updated",
            ActionKind::Delete => "deleted",
        }
    };
    json!({"uid": event.uid.as_str(), "summary": event.summary, "action": action})
}
