//! What a process may do to a database that another has open: copy it, ask whether it is open, put
//! an API key in. SQLite keeps the two apart; the lock of the server is never taken.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior};

use crate::access::keys;
use crate::connection::{self, Use};
use crate::error::StoreError;
use crate::files::{self, Existing};
use crate::inspect::usable;
use crate::records::Hash;
use crate::schema;

/// Writes a copy of the database at `path`, as it is now, and checks the copy. Reads and writes go
/// on meanwhile. Secrets in it stay sealed. Blocks.
///
/// # Errors
/// [`StoreError::Sql`] when there is no database at `path`; [`StoreError::Foreign`] when it is none of
/// ours; [`StoreError::File`] when `copy` exists or cannot be made; [`StoreError::Damaged`].
pub fn back_up(path: &Path, copy: &Path, existing: Existing) -> Result<(), StoreError> {
    usable(&connection::connect(path, Use::Look)?, path)?;
    // Copying changes nothing, but SQLite does it only where it might.
    files::copy_into(&connection::connect(path, Use::Write)?, copy, existing)
}

/// Whether a process has the database at `path` open.
///
/// # Errors
/// [`StoreError::File`] when that cannot be found out.
pub fn is_open(path: &Path) -> Result<bool, StoreError> {
    files::is_locked(path)
}

/// Puts an API key in the place of the one of this name and ends every browser session. Whoever has
/// the database open honours that with the next request. Blocks.
///
/// # Errors
/// [`StoreError::OlderSchema`] when the file is not up to date, [`StoreError::NewerSchema`],
/// [`StoreError::Foreign`], [`StoreError::Sql`].
pub fn replace_api_key(
    path: &Path,
    name: &str,
    hash: &Hash,
    now: Timestamp,
) -> Result<(), StoreError> {
    let conn = connection::connect(path, Use::Write)?;
    schema::current(&conn, path)?;
    let change = Transaction::new_unchecked(&conn, TransactionBehavior::Immediate)?;
    keys::put(&change, name, hash, now)?;
    change.execute("DELETE FROM ui_session", [])?;
    Ok(change.commit()?)
}
