//! API keys. A session belongs to the key it signed in with and ends with it.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::unhex;
use crate::convert::{from_word, maybe_timestamp, micros, timestamp, to_word};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{ApiKey, Hash, KeyScope};

impl Db {
    /// Keeps a key for everything under a name. A key of that name is replaced: worth nothing from
    /// then on, like the sessions begun with it. The same key again changes nothing.
    pub async fn put_api_key(
        &self,
        name: &str,
        hash: &Hash,
        now: Timestamp,
    ) -> Result<ApiKey, StoreError> {
        let (name, hash) = (name.to_owned(), *hash);
        self.write(move |conn| put(conn, &name, &hash, now)).await
    }

    /// Keeps a new key. The name of a revoked one is free again.
    ///
    /// # Errors
    /// [`StoreError::Exists`] with the key that has the name.
    pub async fn add_api_key(
        &self,
        name: &str,
        scope: KeyScope,
        hash: &Hash,
        now: Timestamp,
    ) -> Result<ApiKey, StoreError> {
        let (name, hash, id) = (name.to_owned(), HEXLOWER.encode(hash), new_id("key")?);
        let scope = to_word("key's scope", &scope)?;
        self.write(move |conn| {
            let changed = conn.execute(
                "INSERT INTO api_key (id, name, hash, scope, created_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (name) DO UPDATE SET id = excluded.id, hash = excluded.hash, \
                 scope = excluded.scope, created_at = excluded.created_at, used_at = NULL, \
                 revoked_at = NULL WHERE revoked_at IS NOT NULL",
                params![id, name, hash, scope, micros(now)],
            )?;
            let key = by_name(conn, &name)?;
            if changed == 0 {
                return Err(StoreError::Exists {
                    what: "API key",
                    id: key.id,
                });
            }
            Ok(key)
        })
        .await
    }

    /// All API keys, revoked ones too, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM api_key ORDER BY created_at, id"
            ))?;
            let mut rows = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(api_key(row, 0)?);
            }
            Ok(keys)
        })
        .await
    }

    /// Notes that a key was used. Written at most once a minute.
    pub async fn touch_api_key(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        let stale = "SELECT 1 FROM api_key WHERE id = ?1 AND (used_at IS NULL OR used_at < ?2)";
        let update = "UPDATE api_key SET used_at = ?2 WHERE id = ?1";
        self.touch(stale, update, id, now).await
    }

    /// Revokes a key for good, and ends the sessions begun with it. `false`, and nothing done, when
    /// it is the last one for everything.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            let revoked: bool = conn
                .query_row(
                    "SELECT revoked_at IS NOT NULL FROM api_key WHERE id = ?1",
                    [&id],
                    |row| row.get(0),
                )
                .optional()?
                .ok_or_else(|| StoreError::not_found("API key", &id))?;
            if revoked {
                return Ok(true);
            }
            let changed = conn.execute(
                "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1 AND (scope <> 'admin' OR EXISTS \
                 (SELECT 1 FROM api_key o WHERE o.id <> ?1 AND o.scope = 'admin' \
                  AND o.revoked_at IS NULL))",
                params![id, micros(now)],
            )?;
            end_sessions_if(conn, &id, changed > 0)
        })
        .await
    }
}

/// Keeps a key for everything under a name, in the place of whatever has that name or that hash.
pub(crate) fn put(
    conn: &Connection,
    name: &str,
    hash: &Hash,
    now: Timestamp,
) -> Result<ApiKey, StoreError> {
    let (hash, id) = (HEXLOWER.encode(hash), new_id("key")?);
    // Under another name it may be there already, with less to say.
    let elsewhere = conn
        .query_row(
            "DELETE FROM api_key WHERE hash = ?1 AND name <> ?2 RETURNING id",
            params![hash, name],
            |row| row.get::<_, String>(0),
        )
        .optional()?;
    if let Some(elsewhere) = elsewhere {
        end_sessions(conn, &elsewhere)?;
    }
    let changed = conn.execute(
        "INSERT INTO api_key (id, name, hash, scope, created_at) \
         VALUES (?1, ?2, ?3, 'admin', ?4) \
         ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, scope = excluded.scope, \
         created_at = excluded.created_at, used_at = NULL, revoked_at = NULL \
         WHERE hash <> excluded.hash OR scope <> excluded.scope OR revoked_at IS NOT NULL",
        params![id, name, hash, micros(now)],
    )?;
    let key = by_name(conn, name)?;
    if changed > 0 {
        end_sessions(conn, &key.id)?;
    }
    Ok(key)
}

/// The columns of a key, to be read by [`api_key`].
pub(super) const COLUMNS: &str = "api_key.id, api_key.name, api_key.scope, api_key.hash, \
                                  api_key.created_at, api_key.used_at, api_key.revoked_at";

/// A key from [`COLUMNS`], which begin at `first`.
pub(super) fn api_key(row: &Row<'_>, first: usize) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.get(first)?,
        name: row.get(first + 1)?,
        scope: from_word("key's scope", &row.get::<_, String>(first + 2)?)?,
        hash: unhex("key's hash", &row.get::<_, String>(first + 3)?)?,
        created_at: timestamp(row.get(first + 4)?)?,
        used_at: maybe_timestamp(row.get(first + 5)?)?,
        revoked_at: maybe_timestamp(row.get(first + 6)?)?,
    })
}

fn by_name(conn: &Connection, name: &str) -> Result<ApiKey, StoreError> {
    let mut statement = conn.prepare(&format!("SELECT {COLUMNS} FROM api_key WHERE name = ?1"))?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => api_key(row, 0),
        None => Err(StoreError::not_found("API key", name)),
    }
}

/// Ends the sessions of a key that was revoked, if it was.
fn end_sessions_if(conn: &Connection, key: &str, revoked: bool) -> Result<bool, StoreError> {
    if revoked {
        end_sessions(conn, key)?;
    }
    Ok(revoked)
}

fn end_sessions(conn: &Connection, key: &str) -> Result<(), StoreError> {
    conn.execute("DELETE FROM ui_session WHERE key_id = ?1", [key])?;
    Ok(())
}
