//! API keys, browser sessions and sign-ins under way. Only SHA-256 hashes of what visitors carry
//! are here; comparing them in constant time is the caller's.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::caldav_accounts::found;
use crate::convert::{maybe_timestamp, micros, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::id::new_id;
use crate::records::{ApiKey, Hash, OauthState, UiSession};
use crate::seal::columns::OAUTH_VERIFIER;

/// Microseconds that a use or a visit may be late on record: not every request is worth a commit.
const COARSE: i64 = 60 * 1_000_000;

impl Db {
    /// Keeps an API key under a name. A key of that name is replaced, and worth nothing from then
    /// on; a revoked one comes to life with the new hash.
    pub async fn put_api_key(
        &self,
        name: &str,
        hash: &Hash,
        now: Timestamp,
    ) -> Result<ApiKey, StoreError> {
        let (name, hash, id) = (name.to_owned(), HEXLOWER.encode(hash), new_id("key")?);
        self.write(move |conn| {
            conn.execute(
                "INSERT INTO api_key (id, name, hash, created_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, \
                 created_at = excluded.created_at, used_at = NULL, revoked_at = NULL",
                params![id, name, hash, micros(now)],
            )?;
            let mut statement = conn.prepare(&format!("{KEYS} WHERE name = ?1"))?;
            let mut rows = statement.query([&name])?;
            match rows.next()? {
                Some(row) => api_key(row),
                None => Err(StoreError::not_found("API key", &name)),
            }
        })
        .await
    }

    /// All API keys, revoked ones too, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(&format!("{KEYS} ORDER BY created_at, id"))?;
            let mut rows = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(api_key(row)?);
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

    /// Revokes a key for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |conn| {
            let changed = conn.execute(
                "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                params![id, micros(now)],
            )?;
            found(changed, "API key", &id)
        })
        .await
    }

    /// Keeps a new browser session.
    pub async fn add_session(&self, session: UiSession) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.execute(
                "INSERT INTO ui_session (hash, csrf, created_at, seen_at) VALUES (?1, ?2, ?3, ?4)",
                params![
                    HEXLOWER.encode(&session.hash),
                    session.csrf,
                    micros(session.created_at),
                    micros(session.seen_at)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// A browser session, if there is one. Whether it is too old is the caller's to say.
    pub async fn session(&self, hash: &Hash) -> Result<Option<UiSession>, StoreError> {
        let hash = *hash;
        self.read(move |conn| {
            let mut statement = conn.prepare_cached(
                "SELECT csrf, created_at, seen_at FROM ui_session WHERE hash = ?1",
            )?;
            let mut rows = statement.query([HEXLOWER.encode(&hash)])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            Ok(Some(UiSession {
                hash,
                csrf: row.get(0)?,
                created_at: timestamp(row.get(1)?)?,
                seen_at: timestamp(row.get(2)?)?,
            }))
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

    /// Ends every session, as after a change of the key.
    pub async fn delete_sessions(&self) -> Result<(), StoreError> {
        self.write(|conn| {
            conn.execute("DELETE FROM ui_session", [])?;
            Ok(())
        })
        .await
    }

    /// Removes sessions that began before `created`, or were last seen before `seen`, and sign-ins
    /// that expired before `now`.
    pub async fn prune_access(
        &self,
        created: Timestamp,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |conn| {
            conn.execute(
                "DELETE FROM ui_session WHERE created_at < ?1 OR seen_at < ?2",
                [micros(created), micros(seen)],
            )?;
            conn.execute(
                "DELETE FROM oauth_state WHERE expires_at <= ?1",
                [micros(now)],
            )?;
            Ok(())
        })
        .await
    }

    /// Keeps a sign-in that has begun.
    pub async fn add_oauth_state(&self, state: OauthState) -> Result<(), StoreError> {
        let hash = HEXLOWER.encode(&state.hash);
        let verifier = self.keys().seal(OAUTH_VERIFIER, &hash, &state.verifier)?;
        self.write(move |conn| {
            conn.execute(
                "INSERT INTO oauth_state (hash, verifier, session_hash, redirect_uri, expires_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    hash,
                    verifier,
                    HEXLOWER.encode(&state.session_hash),
                    state.redirect_uri,
                    micros(state.expires_at)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Takes a sign-in out: it is gone whatever comes of it, so a second call with the same state
    /// finds nothing. `None` as well when it has expired. Whether the browser is the one that began
    /// it is the caller's to check.
    pub async fn take_oauth_state(
        &self,
        hash: &Hash,
        now: Timestamp,
    ) -> Result<Option<OauthState>, StoreError> {
        let text = HEXLOWER.encode(hash);
        let key = text.clone();
        let taken: Option<(String, String, String, i64)> = self
            .write(move |conn| {
                Ok(conn
                    .query_row(
                        "DELETE FROM oauth_state WHERE hash = ?1 \
                         RETURNING verifier, session_hash, redirect_uri, expires_at",
                        [key],
                        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
                    )
                    .optional()?)
            })
            .await?;
        let Some((verifier, session_hash, redirect_uri, expires_at)) = taken else {
            return Ok(None);
        };
        let expires_at = timestamp(expires_at)?;
        if expires_at <= now {
            return Ok(None);
        }
        Ok(Some(OauthState {
            hash: *hash,
            verifier: self.keys().open(OAUTH_VERIFIER, &text, &verifier)?,
            session_hash: unhex("session hash", &session_hash)?,
            redirect_uri,
            expires_at,
        }))
    }

    /// Updates a "last seen" column, but only when what is there is older than [`COARSE`].
    async fn touch(
        &self,
        stale: &'static str,
        update: &'static str,
        id: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = micros(now);
        let key = id.clone();
        let is_stale = self
            .read(move |conn: &Connection| {
                Ok(conn
                    .prepare_cached(stale)?
                    .exists(params![key, at.saturating_sub(COARSE)])?)
            })
            .await?;
        if !is_stale {
            return Ok(());
        }
        self.write(move |conn| {
            conn.prepare_cached(update)?.execute(params![id, at])?;
            Ok(())
        })
        .await
    }
}

const KEYS: &str = "SELECT id, name, hash, created_at, used_at, revoked_at FROM api_key";

fn api_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: unhex("key's hash", &row.get::<_, String>(2)?)?,
        created_at: timestamp(row.get(3)?)?,
        used_at: maybe_timestamp(row.get(4)?)?,
        revoked_at: maybe_timestamp(row.get(5)?)?,
    })
}

fn unhex(what: &'static str, text: &str) -> Result<Hash, StoreError> {
    HEXLOWER
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| Hash::try_from(bytes).ok())
        .ok_or_else(|| StoreError::Unreadable {
            what,
            detail: "it is no SHA-256".to_owned(),
        })
}
