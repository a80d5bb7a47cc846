//! Putting a backup in a database's place. The backup itself is only read; what is there before is
//! kept; and every mapping then waits until somebody has seen what it would do, because the
//! calendars have moved on since.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::connection::{self, Use};
use crate::convert::micros;
use crate::db::ready;
use crate::error::StoreError;
use crate::files::{self, at, beside};
use crate::inspect::usable;
use crate::seal::{Keys, canary};

/// A copy of a backup, found to be sound, on its way into a database's place. Nobody else can open
/// the database meanwhile.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
    copy: PathBuf,
    database: PathBuf,
    _lock: std::fs::File,
}

/// What came of a restoration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where the database is that was there before, if there was one.
    pub kept: Option<PathBuf>,
    /// Mappings that wait for somebody's word.
    pub mappings: usize,
}

impl Staged {
    /// Copies `backup` beside the database and looks whether it can be used. Blocks.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when a process has the database open; [`StoreError::Foreign`],
    /// [`StoreError::NewerSchema`], [`StoreError::Damaged`] or [`StoreError::Sql`] when the backup is
    /// none; [`StoreError::File`].
    pub fn take(backup: &Path, database: &Path) -> Result<Self, StoreError> {
        let lock = files::lock(database)?;
        let folder = beside(database, ".restoring");
        clear(&folder)?;
        std::fs::create_dir(&folder).map_err(|source| at("cannot create", &folder, source))?;
        let staged = Self {
            copy: folder.join("caldav_sync.db"),
            folder,
            database: database.to_owned(),
            _lock: lock,
        };
        files::restrict(&staged.folder, 0o700)?;
        copy_private(backup, &staged.copy)?;
        // A file that was not made by `backup` may have part of its content beside it.
        let log = beside(backup, "-wal");
        if log.exists() {
            copy_private(&log, &beside(&staged.copy, "-wal"))?;
        }
        usable(&connection::connect(&staged.copy, Use::Look)?, backup)?;
        Ok(staged)
    }

    /// Whether these keys open its secrets. Blocks.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`].
    pub fn opens_with(&self, keys: &Keys) -> Result<(), StoreError> {
        canary::check(&connection::connect(&self.copy, Use::Look)?, keys)
    }

    /// Puts it in the database's place. What is there is kept in the folder `backups`; every mapping
    /// waits from now on, and every browser session and sign-in under way is over. Blocks.
    ///
    /// # Errors
    /// What [`Db::open`](crate::Db::open) says of wrong files and keys; [`StoreError::File`]. The
    /// database is then as it was.
    pub fn put(self, keys: &Keys, now: Timestamp) -> Result<Restored, StoreError> {
        let conn = ready(&self.copy, keys)?;
        let mappings = conn.execute("UPDATE mapping SET restored_at = ?1", [micros(now)])?;
        conn.execute_batch("DELETE FROM ui_session; DELETE FROM oauth_state")?;
        connection::checkpoint(&conn);
        conn.close().map_err(|(_, error)| error)?;
        let kept = self.set_aside(now)?;
        files::rename(&self.copy, &self.database)?;
        Ok(Restored { kept, mappings })
    }

    /// Keeps what is there as a backup. It stays in its place too: whenever this is interrupted,
    /// there is a database.
    fn set_aside(&self, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
        if !self.database.exists() {
            return Ok(None);
        }
        let stamp = now.strftime("%Y%m%dT%H%M%SZ");
        let kept = files::fresh_backup(&self.database, &format!("replaced-{stamp}"))?;
        if !fold(&self.database) {
            // Damaged, or no database at all: what belongs to it is kept as it is. It must not
            // stand beside the other one, which would be taken for its own.
            let log = beside(&self.database, "-wal");
            if log.exists() {
                files::rename(&log, &beside(&kept, "-wal"))?;
            }
        }
        files::remove(&beside(&self.database, "-shm"))?;
        if std::fs::hard_link(&self.database, &kept).is_err() {
            // Not every file system has links.
            copy_private(&self.database, &kept)?;
        }
        Ok(Some(kept))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What is left is cleared by the next one, if not now.
        let _ = clear(&self.folder);
    }
}

/// Folds what is in a database's log into its file; whether nothing is left beside it.
fn fold(database: &Path) -> bool {
    let folded = || -> Result<(), StoreError> {
        // A look first: SQLite throws a log away that it cannot make sense of.
        usable(&connection::connect(database, Use::Look)?, database)?;
        let conn = connection::connect(database, Use::Write)?;
        connection::checkpoint(&conn);
        conn.close().map_err(|(_, error)| error)?;
        Ok(())
    };
    folded().is_ok() && !beside(database, "-wal").exists()
}

fn copy_private(from: &Path, to: &Path) -> Result<(), StoreError> {
    let copied = || -> std::io::Result<()> {
        let mut source = std::fs::File::open(from)?;
        let mut target =
            files::private(OpenOptions::new().write(true).create_new(true)).open(to)?;
        std::io::copy(&mut source, &mut target)?;
        target.sync_all()
    };
    copied().map_err(|source| at("cannot copy", from, source))
}

fn clear(folder: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(at("cannot remove", folder, source))
        }
        _ => Ok(()),
    }
}
