//! The schema and its steps. Called once, while the store is opened, before any thread exists.

use std::path::Path;

use refinery::{Migration, Runner, Target};
use rusqlite::{Connection, OptionalExtension as _};

use crate::error::StoreError;
use crate::files;

/// Every step, oldest first: its name (file name without `.sql`) and its text.
const STEPS: [(&str, &str); 7] = [
    (
        "V1__first",
        include_str!("../../../migrations/V1__first.sql"),
    ),
    (
        "V2__both_directions",
        include_str!("../../../migrations/V2__both_directions.sql"),
    ),
    (
        "V3__access",
        include_str!("../../../migrations/V3__access.sql"),
    ),
    (
        "V4__restored",
        include_str!("../../../migrations/V4__restored.sql"),
    ),
    (
        "V5__attention",
        include_str!("../../../migrations/V5__attention.sql"),
    ),
    (
        "V6__webhooks",
        include_str!("../../../migrations/V6__webhooks.sql"),
    ),
    (
        "V7__trusted_certificate",
        include_str!("../../../migrations/V7__trusted_certificate.sql"),
    ),
];

/// The program's version, noted in the file so that an older program can name it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is nothing in it.
    Empty,
    /// It has this schema.
    Schema(u32),
}

/// Looks at a file without changing it.
///
/// # Errors
/// [`StoreError::NewerSchema`], [`StoreError::Foreign`].
pub(crate) fn look(conn: &Connection, path: &Path) -> Result<Found, StoreError> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(Found::Empty);
    }
    if !has_table(conn, "refinery_schema_history")? {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    let found: Option<u32> = conn.query_row(
        "SELECT max(version) FROM refinery_schema_history",
        [],
        |row| row.get(0),
    )?;
    let Some(found) = found else {
        // Killed after the history table and before the first step.
        return Ok(Found::Empty);
    };
    let known = latest();
    if found > known {
        return Err(StoreError::NewerSchema {
            found,
            known,
            written_by: written_by(conn)?,
        });
    }
    if !has_table(conn, "meta")? {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
        });
    }
    Ok(Found::Schema(found))
}

/// Looks at a file that is to be worked with as it is.
///
/// # Errors
/// [`StoreError::OlderSchema`], and those of [`look`].
pub(crate) fn current(conn: &Connection, path: &Path) -> Result<u32, StoreError> {
    let known = latest();
    match look(conn, path)? {
        Found::Schema(found) if found == known => Ok(found),
        Found::Schema(found) => Err(StoreError::OlderSchema { found, known }),
        Found::Empty => Err(StoreError::OlderSchema { found: 0, known }),
    }
}

/// Carries out the steps that are missing, each in one transaction, after copying the file.
pub(crate) fn migrate(conn: &mut Connection, path: &Path, found: Found) -> Result<(), StoreError> {
    let latest = latest();
    if let Found::Schema(found) = found
        && found < latest
    {
        let copy = files::copy_before(conn, path, latest)?;
        tracing::info!(from = found, to = latest, copy = %copy.display(), "upgrading the database");
    }
    let steps = STEPS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<Vec<_>, _>>()?;
    for step in &steps {
        // Grouped and up to one step: the step and its entry in the history are one transaction.
        Runner::new(&steps)
            .set_grouped(true)
            .set_target(Target::Version(step.version()))
            .run(conn)?;
    }
    conn.execute(
        "INSERT INTO meta (key, value) VALUES ('written_by', ?1) \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        [VERSION],
    )?;
    Ok(())
}

/// The newest schema this program knows.
pub(crate) fn latest() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

fn written_by(conn: &Connection) -> Result<String, StoreError> {
    let version = if has_table(conn, "meta")? {
        conn.query_row(
            "SELECT value FROM meta WHERE key = 'written_by'",
            [],
            |row| row.get(0),
        )
        .optional()?
    } else {
        None
    };
    Ok(version.unwrap_or_else(|| "unknown".to_owned()))
}

fn has_table(conn: &Connection, name: &str) -> Result<bool, StoreError> {
    Ok(conn
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
            [name],
            |_| Ok(()),
        )
        .optional()?
        .is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_listed_in_order() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".sql").map(str::to_owned))
            .collect();
        files.sort_by_key(|name| {
            let number = name[1..].split("__").next().unwrap();
            number.parse::<u32>().unwrap()
        });
        let listed: Vec<String> = STEPS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, listed);
        for (at, name) in listed.iter().enumerate() {
            assert!(name.starts_with(&format!("V{}__", at + 1)), "{name}");
        }
    }
}
