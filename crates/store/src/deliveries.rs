//! What became of messages to a webhook, for people: newest first, a page at a time.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use sync_engine::model::RunId;

use crate::convert::{maybe_timestamp, small_count, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::records::{Delivery, DeliveryPage, DeliveryState};
use crate::webhooks;

/// Reads every column that [`delivery`] wants.
const SELECT: &str = "SELECT id, run_id, attempts, created_at, tried_at, due_at, delivered_at, error \
     FROM outbox";

impl Db {
    /// Messages to a webhook, newest first, at most `limit` of them, from before `before`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a webhook or a `before` that is not there.
    pub async fn deliveries(
        &self,
        webhook: &str,
        limit: u32,
        before: Option<&str>,
    ) -> Result<DeliveryPage, StoreError> {
        let (webhook, before) = (webhook.to_owned(), before.map(ToOwned::to_owned));
        self.read(move |conn| {
            webhooks::exists(conn, &webhook)?;
            let (at, id) = match before {
                Some(id) => conn
                    .query_row(
                        "SELECT created_at, id FROM outbox WHERE webhook_id = ?1 AND id = ?2",
                        [&webhook, &id],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()?
                    .ok_or_else(|| StoreError::not_found("delivery", &id))?,
                None => (i64::MAX, String::new()),
            };
            let mut statement = conn.prepare_cached(&format!(
                "{SELECT} WHERE webhook_id = ?1 AND (created_at, id) < (?2, ?3) \
                 ORDER BY created_at DESC, id DESC LIMIT ?4"
            ))?;
            let mut rows = statement.query(params![webhook, at, id, i64::from(limit) + 1])?;
            let mut deliveries = Vec::new();
            while let Some(row) = rows.next()? {
                deliveries.push(delivery(row)?);
            }
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = deliveries.len() > limit;
            deliveries.truncate(limit);
            let last = deliveries.last().map(|delivery| delivery.id.clone());
            Ok(DeliveryPage {
                next: last.filter(|_| more),
                deliveries,
            })
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delivery(&self, webhook: &str, id: &str) -> Result<Delivery, StoreError> {
        let (webhook, id) = (webhook.to_owned(), id.to_owned());
        self.read(move |conn| {
            let mut statement =
                conn.prepare_cached(&format!("{SELECT} WHERE webhook_id = ?1 AND id = ?2"))?;
            let mut rows = statement.query([&webhook, &id])?;
            match rows.next()? {
                Some(row) => delivery(row),
                None => Err(StoreError::not_found("delivery", &id)),
            }
        })
        .await
    }
}

fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let next_at: Option<Timestamp> = maybe_timestamp(row.get(5)?)?;
    let delivered_at = maybe_timestamp(row.get(6)?)?;
    Ok(Delivery {
        id: row.get(0)?,
        run: row.get::<_, Option<String>>(1)?.map(RunId::new),
        state: if delivered_at.is_some() {
            DeliveryState::Delivered
        } else if next_at.is_some() {
            DeliveryState::Waiting
        } else {
            DeliveryState::Failed
        },
        attempts: small_count(row.get(2)?),
        created_at: timestamp(row.get(3)?)?,
        tried_at: maybe_timestamp(row.get(4)?)?,
        next_at,
        delivered_at,
        error: row.get(7)?,
    })
}
