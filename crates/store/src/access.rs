//! Who may come in: API keys, browser sessions and sign-ins under way. Only SHA-256 hashes of what
//! visitors carry are here; comparing them in constant time is the caller's.

pub(crate) mod keys;
mod sessions;
mod sign_ins;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::convert::micros;
use crate::db::Db;
use crate::error::StoreError;
use crate::records::Hash;

/// Microseconds that a use or a visit may be late on record: not every request is worth a commit.
const COARSE: i64 = 60 * 1_000_000;

impl Db {
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
