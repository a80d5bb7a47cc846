//! Browser sessions, each with the key it was begun with.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::keys::{COLUMNS, api_key};
use super::unhex;
use crate::caldav_accounts::found;
use crate::convert::{micros, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::records::{ApiKey, Hash, UiSession};

impl Db {
    /// Keeps a new browser session.
    pub async fn add_session(&self, session: UiSession) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.execute(
                "INSERT INTO ui_session \
                 (hash, key_id, csrf, address, agent, created_at, seen_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    HEXLOWER.encode(&session.hash),
                    session.key_id,
                    session.csrf,
                    session.address,
                    session.agent,
                    micros(session.created_at),
                    micros(session.seen_at)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// A browser session with its key, if there are both and the key is not revoked. Whether it is
    /// too old is the caller's to say.
    pub async fn session(&self, hash: &Hash) -> Result<Option<(UiSession, ApiKey)>, StoreError> {
        let hash = HEXLOWER.encode(hash);
        self.read(move |conn| {
            let mut statement =
                conn.prepare_cached(&format!("{} AND ui_session.hash = ?1", select()))?;
            let mut rows = statement.query([hash])?;
            rows.next()?.map(session).transpose()
        })
        .await
    }

    /// All browser sessions with their keys, last seen first.
    pub async fn sessions(&self) -> Result<Vec<(UiSession, ApiKey)>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "{} ORDER BY seen_at DESC, ui_session.hash",
                select()
            ))?;
            let mut rows = statement.query([])?;
            let mut sessions = Vec::new();
            while let Some(row) = rows.next()? {
                sessions.push(session(row)?);
            }
            Ok(sessions)
        })
        .await
    }

    /// Notes that a session was seen. Written at most once a minute.
    pub async fn touch_session(&self, hash: &Hash, now: Timestamp) -> Result<(), StoreError> {
        let stale = "SELECT 1 FROM ui_session WHERE hash = ?1 AND seen_at < ?2";
        let update = "UPDATE ui_session SET seen_at = ?2 WHERE hash = ?1";
        self.touch(stale, update, HEXLOWER.encode(hash), now).await
    }

    /// Ends a session; one that is not there has ended already.
    pub async fn delete_session(&self, hash: &Hash) -> Result<(), StoreError> {
        let hash = HEXLOWER.encode(hash);
        self.write(move |conn| {
            conn.execute("DELETE FROM ui_session WHERE hash = ?1", [hash])?;
            Ok(())
        })
        .await
    }

    /// Ends the session whose hash, in hexadecimal, begins like this.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_session_by_start(&self, start: &str) -> Result<(), StoreError> {
        let start = start.to_owned();
        self.write(move |conn| {
            let ended = conn.execute(
                "DELETE FROM ui_session WHERE substr(hash, 1, length(?1)) = ?1",
                [&start],
            )?;
            found(ended, "session", &start)
        })
        .await
    }

    /// Ends every session, but for one if it is named.
    pub async fn delete_sessions(&self, but: Option<&Hash>) -> Result<(), StoreError> {
        let but = but.map(|hash| HEXLOWER.encode(hash)).unwrap_or_default();
        self.write(move |conn| {
            conn.execute("DELETE FROM ui_session WHERE hash <> ?1", [but])?;
            Ok(())
        })
        .await
    }

    /// Removes sessions that began before `created`, or were last seen before `seen`.
    pub async fn prune_sessions(
        &self,
        created: Timestamp,
        seen: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.execute(
                "DELETE FROM ui_session WHERE created_at < ?1 OR seen_at < ?2",
                [micros(created), micros(seen)],
            )?;
            Ok(())
        })
        .await
    }
}

/// Both together; a condition or an order may follow.
fn select() -> String {
    format!(
        "SELECT ui_session.hash, ui_session.key_id, ui_session.csrf, ui_session.address, \
         ui_session.agent, ui_session.created_at, ui_session.seen_at, {COLUMNS} \
         FROM ui_session JOIN api_key ON api_key.id = ui_session.key_id \
         WHERE api_key.revoked_at IS NULL"
    )
}

fn session(row: &Row<'_>) -> Result<(UiSession, ApiKey), StoreError> {
    let session = UiSession {
        hash: unhex("session's hash", &row.get::<_, String>(0)?)?,
        key_id: row.get(1)?,
        csrf: row.get(2)?,
        address: row.get(3)?,
        agent: row.get(4)?,
        created_at: timestamp(row.get(5)?)?,
        seen_at: timestamp(row.get(6)?)?,
    };
    Ok((session, api_key(row, 7)?))
}
