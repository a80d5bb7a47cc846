//! Settings of the whole program, as JSON values by name. What they mean is the application's.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

use crate::connection::{self, Use};
use crate::convert::{from_json, to_json};
use crate::db::Db;
use crate::error::StoreError;

impl Db {
    /// All settings that were ever stored.
    pub async fn settings(&self) -> Result<BTreeMap<String, Value>, StoreError> {
        self.read(all).await
    }

    /// The same, for a process that has not opened the store: it takes no lock, so it may be called
    /// while another process has it open. Empty when there is no database. Blocks.
    pub fn settings_of(path: &Path) -> Result<BTreeMap<String, Value>, StoreError> {
        if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            all(&connection::connect(path, Use::Read)?)
        } else {
            Ok(BTreeMap::new())
        }
    }

    /// One setting.
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let key = key.to_owned();
        self.read(move |conn| {
            conn.prepare_cached("SELECT value FROM setting WHERE key = ?1")?
                .query_row([key], |row| row.get::<_, String>(0))
                .optional()?
                .map(|value| from_json("setting", &value))
                .transpose()
        })
        .await
    }

    /// Stores these settings and leaves the others alone. `null` forgets one. No secrets: they
    /// would stand there in clear.
    pub async fn put_settings(&self, settings: BTreeMap<String, Value>) -> Result<(), StoreError> {
        self.write(move |conn| put(conn, &settings)).await
    }
}

/// Stores these and leaves the others alone.
pub(crate) fn put(conn: &Connection, settings: &BTreeMap<String, Value>) -> Result<(), StoreError> {
    for (key, value) in settings {
        if value.is_null() {
            conn.execute("DELETE FROM setting WHERE key = ?1", [key])?;
        } else {
            conn.execute(
                "INSERT INTO setting (key, value) VALUES (?1, ?2) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![key, to_json("setting", value)?],
            )?;
        }
    }
    Ok(())
}

fn all(conn: &Connection) -> Result<BTreeMap<String, Value>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT key, value FROM setting")?;
    let mut rows = statement.query([])?;
    let mut settings = BTreeMap::new();
    while let Some(row) = rows.next()? {
        settings.insert(
            row.get(0)?,
            from_json("setting", &row.get::<_, String>(1)?)?,
        );
    }
    Ok(settings)
}
