//! What may go wrong in the store. One enum for the crate; no secret and no event text is in it.

use std::path::PathBuf;

use sync_engine::model::MappingId;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite refused: disk full, a constraint, a file that is no database.
    #[error("the database failed: {source}")]
    Sql {
        /// SQLite's own error.
        #[from]
        source: rusqlite::Error,
    },
    /// A group of writes could not be made durable; none of them happened.
    #[error("the database could not store a group of writes: {detail}")]
    NotStored {
        /// SQLite's own words.
        detail: String,
    },
    /// A file beside the database could not be read or written.
    #[error("{doing} {path:?}: {source}")]
    File {
        /// What was attempted, such as "cannot create".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process has this database open.
    #[error("another process has this data folder open (lock file {path:?})")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// A newer program wrote this database. Nothing was changed.
    #[error(
        "the database has schema {found}, written by version {written_by}; this program knows \
         schemas up to {known}: use version {written_by} or newer, or go back to a copy in \
         the folder \"backups\""
    )]
    NewerSchema {
        /// The file's schema.
        found: u32,
        /// The newest this program knows.
        known: u32,
        /// The version of the program that wrote it.
        written_by: String,
    },
    /// The database was last used by an older program; opening it for good brings it up to date.
    #[error(
        "the database has schema {found} and this program works with {known}: the next start of \
         the server brings it up to date"
    )]
    OlderSchema {
        /// The file's schema.
        found: u32,
        /// The one this program works with.
        known: u32,
    },
    /// The store was opened for reading only.
    #[error("the database was opened for reading only")]
    ReadOnly,
    /// A step of the schema could not be carried out; the database is as before that step.
    #[error("the database could not be brought up to date: {source}")]
    Migration {
        /// The migration runner's error.
        #[from]
        source: refinery::Error,
    },
    /// The file is an SQLite database, but not one of this program.
    #[error("{path:?} is not a database of this program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("the database is damaged: {detail}")]
    Damaged {
        /// The first finding of SQLite's check.
        detail: String,
    },
    /// Secrets in this database were sealed with a key that was not given. Nothing was changed.
    #[error(
        "the secrets in the database were sealed with another key (id {key_id}): \
         give back that key, nothing was changed"
    )]
    WrongKey {
        /// Which key is missing: the first four bytes of its SHA-256, in hexadecimal.
        key_id: String,
    },
    /// One sealed value does not open: it was altered, or moved from another row.
    #[error("the sealed value in {table}.{column} does not open: it was altered")]
    Unsealable {
        /// Its table.
        table: &'static str,
        /// Its column.
        column: &'static str,
    },
    /// A stored value cannot be read back.
    #[error("a stored {what} cannot be read: {detail}")]
    Unreadable {
        /// What it was.
        what: &'static str,
        /// Where reading failed; never the value itself.
        detail: String,
    },
    /// The thing does not exist.
    #[error("there is no {what} {id:?}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
        /// By which id.
        id: String,
    },
    /// The thing exists already.
    #[error("this {what} exists already, as {id:?}")]
    Exists {
        /// What.
        what: &'static str,
        /// Under which id.
        id: String,
    },
    /// The conflict waits for nobody: it was decided, or has become void.
    #[error("the conflict {id:?} is decided already")]
    AlreadyDecided {
        /// The conflict.
        id: String,
    },
    /// The account still has mappings.
    #[error("the account is used by {} mapping(s)", mappings.len())]
    AccountInUse {
        /// Those mappings.
        mappings: Vec<MappingId>,
    },
    /// The store was closed.
    #[error("the database is closed")]
    Closed,
    /// The store's own code panicked; the write it was about did not happen.
    #[error("the store failed in itself: {detail}")]
    Panicked {
        /// The panic's message.
        detail: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl StoreError {
    /// Whether the same call may succeed later without anybody's doing: the file was busy.
    /// Everything else needs a person (a full disk, a wrong key) or another call.
    pub fn may_retry(&self) -> bool {
        matches!(
            self,
            Self::Sql {
                source: rusqlite::Error::SqliteFailure(failure, _)
            } if matches!(
                failure.code,
                rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked
            )
        )
    }

    pub(crate) fn not_found(what: &'static str, id: &str) -> Self {
        Self::NotFound {
            what,
            id: id.to_owned(),
        }
    }
}
