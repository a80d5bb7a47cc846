//! Sign-ins with Google that have begun: each is taken once, and for ten minutes at most.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::unhex;
use crate::convert::{micros, timestamp};
use crate::db::Db;
use crate::error::StoreError;
use crate::records::{Hash, OauthState};
use crate::seal::columns::OAUTH_VERIFIER;

impl Db {
    /// Keeps a sign-in that has begun, and forgets those that expired before `now`.
    pub async fn add_oauth_state(
        &self,
        state: OauthState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hash = HEXLOWER.encode(&state.hash);
        let verifier = self.keys().seal(OAUTH_VERIFIER, &hash, &state.verifier)?;
        self.write(move |conn| {
            conn.execute(
                "DELETE FROM oauth_state WHERE expires_at <= ?1",
                [micros(now)],
            )?;
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
}
