//! Connections: how every one of them is set up, and proof that it took effect.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

/// How long a connection waits for another's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Statements kept prepared per connection.
const STATEMENTS: usize = 128;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
    /// One that looks at a file that is another's, or whose settings are not ours: it can change
    /// nothing, not even the settings.
    Look,
}

/// The settings a connection really has, as SQLite tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pragmas {
    /// `wal`: readers and the writer do not wait for each other.
    pub journal_mode: String,
    /// 2 is FULL: a commit that returned survives a power cut. A forgotten remote write would be
    /// a duplicate event.
    pub synchronous: i64,
    /// Whether foreign keys are enforced.
    pub foreign_keys: bool,
    /// Milliseconds to wait for a lock.
    pub busy_timeout: i64,
    /// Whether this connection refuses to write.
    pub query_only: bool,
}

/// Opens a connection and sets it up.
///
/// # Errors
/// [`StoreError::Sql`]; [`StoreError::Damaged`] when a setting did not take effect.
pub(crate) fn connect(path: &Path, purpose: Use) -> Result<Connection, StoreError> {
    let access = match purpose {
        Use::Write | Use::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Use::Look => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY)?;
    if purpose == Use::Look {
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.pragma_update(None, "query_only", true)?;
        return Ok(conn);
    }
    // `journal_mode` answers with the mode, hence no plain `execute`.
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // After one big write the WAL file shrinks again.
    conn.query_row("PRAGMA journal_size_limit = 16777216", [], |_| Ok(()))?;
    if purpose == Use::Read {
        conn.pragma_update(None, "query_only", true)?;
    }
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let pragmas = pragmas(&conn)?;
    if pragmas != wanted(purpose) {
        return Err(StoreError::Damaged {
            detail: format!("SQLite does not take its settings: {pragmas:?}"),
        });
    }
    Ok(conn)
}

/// Asks a connection for its settings.
pub(crate) fn pragmas(conn: &Connection) -> Result<Pragmas, StoreError> {
    let integer = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(Pragmas {
        journal_mode: conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
        synchronous: integer("synchronous")?,
        foreign_keys: integer("foreign_keys")? == 1,
        busy_timeout: integer("busy_timeout")?,
        query_only: integer("query_only")? == 1,
    })
}

fn wanted(purpose: Use) -> Pragmas {
    Pragmas {
        journal_mode: "wal".to_owned(),
        synchronous: 2,
        foreign_keys: true,
        busy_timeout: i64::try_from(BUSY.as_millis()).unwrap_or(i64::MAX),
        query_only: purpose == Use::Read,
    }
}

/// SQLite's quick check of the whole file.
///
/// # Errors
/// [`StoreError::Damaged`] with the first finding.
pub(crate) fn quick_check(conn: &Connection) -> Result<(), StoreError> {
    sound(conn, "PRAGMA quick_check(1)")
}

/// SQLite's whole check: indexes against their tables too. Takes its time.
///
/// # Errors
/// [`StoreError::Damaged`] with the first finding.
pub(crate) fn integrity_check(conn: &Connection) -> Result<(), StoreError> {
    sound(conn, "PRAGMA integrity_check(1)")
}

fn sound(conn: &Connection, check: &str) -> Result<(), StoreError> {
    let finding: String = conn.query_row(check, [], |row| row.get(0))?;
    if finding == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged { detail: finding })
    }
}

/// Folds the write-ahead log into the file.
pub(crate) fn checkpoint(conn: &Connection) {
    let done = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    if !matches!(done, Ok(0)) {
        // Harmless: the WAL file stays, and the next start reads it.
        tracing::debug!("the write-ahead log was not folded in");
    }
}
