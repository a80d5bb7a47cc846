//! Canaries: a known text sealed with every key in use. Opening the store opens them all first, so
//! a wrong key is noticed before anything is written.

use rusqlite::{Connection, OptionalExtension as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::columns::CANARY;
use super::keys::Keys;
use crate::error::StoreError;

const SONG: &str = "caldav-sync";

/// Whether `keys` open everything that was ever sealed here. Reads only.
///
/// # Errors
/// [`StoreError::WrongKey`] with the id of the key that is missing or not the right one.
pub(crate) fn check(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    let mut statement = conn.prepare("SELECT id, canary FROM seal_key")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let sealed: String = row.get(1)?;
        let sings = keys
            .open(CANARY, &id, &sealed)
            .is_ok_and(|song| song.expose_secret() == SONG);
        if !sings {
            return Err(StoreError::WrongKey { key_id: id });
        }
    }
    Ok(())
}

/// Notes that the primary key is in use from now on.
pub(crate) fn ensure(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    let id = keys.primary_id();
    let known = conn
        .query_row("SELECT 1 FROM seal_key WHERE id = ?1", [id], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        let sealed = keys.seal(CANARY, id, &SecretString::from(SONG))?;
        conn.execute(
            "INSERT INTO seal_key (id, canary) VALUES (?1, ?2)",
            [id, &sealed],
        )?;
    }
    Ok(())
}

/// Forgets every key but the primary: nothing is sealed with them any more.
pub(crate) fn forget_others(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    conn.execute("DELETE FROM seal_key WHERE id <> ?1", [keys.primary_id()])?;
    Ok(())
}
