//! Changing keys: every sealed value is sealed again with the primary key, in small transactions.
//!
//! Killed half-way it is simply called again: what is sealed with the primary key already is left
//! alone, and the canaries of the older keys go last.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::canary;
use super::columns::{ALL, Column};
use super::keys::Keys;
use crate::connection;
use crate::db::ready;
use crate::error::StoreError;
use crate::files;

/// Most values in one transaction.
const BATCH: usize = 100;

/// Seals every secret of the database at `path` anew with the primary key and then forgets the older
/// ones; returns how many were resealed. Nobody may have it open. Interrupted, it goes on when called
/// again with the same keys. Blocks.
///
/// # Errors
/// [`StoreError::InUse`]; [`StoreError::Unsealable`] when a value does not open (those before it are
/// done); and what [`Db::open`](crate::Db::open) says of wrong files and keys.
pub fn rekey(path: &Path, keys: &Keys) -> Result<usize, StoreError> {
    let _lock = files::lock(path)?;
    let conn = ready(path, keys)?;
    let mut total = 0;
    loop {
        let batch = Transaction::new_unchecked(&conn, TransactionBehavior::Immediate)?;
        let done = step(&batch, keys)?;
        batch.commit()?;
        if done == 0 {
            break;
        }
        total += done;
    }
    // What was sealed with the old key must not linger in free pages or in the log.
    conn.execute_batch("VACUUM")?;
    connection::checkpoint(&conn);
    Ok(total)
}

/// Seals up to [`BATCH`] values anew and returns how many; 0 means that none is left and the older
/// keys are forgotten.
fn step(conn: &Connection, keys: &Keys) -> Result<usize, StoreError> {
    let mut done = 0;
    for column in ALL {
        for (row, sealed) in stale(conn, column, keys, BATCH - done)? {
            let secret = keys.open(column, &row, &sealed)?;
            conn.execute(
                &format!(
                    "UPDATE {} SET {} = ?1 WHERE {} = ?2",
                    column.table, column.name, column.row
                ),
                params![keys.seal(column, &row, &secret)?, row],
            )?;
            done += 1;
        }
        if done >= BATCH {
            return Ok(done);
        }
    }
    if done == 0 {
        canary::forget_others(conn, keys)?;
    }
    Ok(done)
}

/// Cells of a column that are sealed with another key than the primary.
fn stale(
    conn: &Connection,
    column: Column,
    keys: &Keys,
    limit: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    // By what it begins with: a long column has an index over that.
    let mut statement = conn.prepare(&format!(
        "SELECT {row}, {name} FROM {table} \
         WHERE substr({name}, 1, 11) < ?1 OR substr({name}, 1, 11) > ?1 LIMIT ?2",
        row = column.row,
        name = column.name,
        table = column.table,
    ))?;
    let current = format!("v1.{}", keys.primary_id());
    let rows = statement.query_map(
        params![current, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
