//! [`Db`]: opening, closing, copying a store. What can be asked of it is in the other modules, one
//! kind of thing each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::{self, Pragmas, Use};
use crate::error::StoreError;
use crate::files;
use crate::schema;
use crate::seal::{Keys, canary, rekey};
use crate::threads::Threads;

/// An open store. Clones share it; the last one dropped, or [`close`](Self::close), ends it.
///
/// Every method is one unit of work: one transaction, durable when it returns, and refused whole
/// when it fails. None reads a clock: times are handed in, and stored to the microsecond.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    threads: Threads,
    keys: Arc<Keys>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("path", &self.inner.path)
            .field("keys", &self.inner.keys)
            .finish()
    }
}

impl Db {
    /// Opens the database at `path`, making it when there is none, and brings its schema up to
    /// date. Blocks: it reads the whole file once to check it.
    ///
    /// In this order, and nothing is changed before the last: lock, damage, schema, keys, copy and
    /// migration. A lock file `<name>.lock` and a folder `backups` appear beside the database.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Damaged`], [`StoreError::NewerSchema`],
    /// [`StoreError::Foreign`], [`StoreError::WrongKey`], [`StoreError::Migration`],
    /// [`StoreError::File`], [`StoreError::Sql`].
    pub fn open(path: &Path, keys: Keys) -> Result<Self, StoreError> {
        let lock = files::lock(path)?;
        let existed = files::create_private(path)?;
        let mut conn = connection::connect(path, Use::Write)?;
        if existed {
            connection::quick_check(&conn)?;
        }
        let found = schema::look(&conn, path)?;
        if let schema::Found::Schema(_) = found {
            canary::check(&conn, &keys)?;
        }
        schema::migrate(&mut conn, path, found)?;
        canary::ensure(&conn, &keys)?;
        let threads = Threads::start(path, conn, lock)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                threads,
                keys: Arc::new(keys),
            }),
        })
    }

    /// Finishes what is under way, folds the write-ahead log into the file and lets go of the lock.
    /// Calls on clones answer [`StoreError::Closed`] afterwards.
    pub async fn close(self) {
        self.inner.threads.stop().await;
    }

    /// Whether the database answers and can be written: for the readiness probe.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.write(|conn| {
            conn.execute(
                "INSERT INTO meta (key, value) VALUES ('checked', '1') \
                 ON CONFLICT (key) DO UPDATE SET value = 1 - value",
                [],
            )?;
            Ok(())
        })
        .await
    }

    /// The settings of every connection, the writer's first.
    pub fn pragmas(&self) -> &[Pragmas] {
        self.inner.threads.pragmas()
    }

    /// Writes a copy of the database, as it is now, to a new file. Reads and writes go on
    /// meanwhile. Secrets in it stay sealed.
    ///
    /// # Errors
    /// [`StoreError::File`] when `copy` exists or cannot be made.
    pub async fn backup(&self, copy: &Path) -> Result<(), StoreError> {
        // On a connection and a thread of its own: VACUUM INTO takes long and allows no
        // transaction around it.
        let (answer, answered) = oneshot::channel();
        let (path, copy) = (self.inner.path.clone(), copy.to_owned());
        std::thread::Builder::new()
            .name("store-backup".to_owned())
            .spawn(move || {
                let _ = answer.send(Self::backup_of(&path, &copy));
            })
            .map_err(|source| StoreError::File {
                doing: "cannot start a thread for",
                path: self.inner.path.clone(),
                source,
            })?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Like [`backup`](Self::backup), for a process that has not opened the store: it takes no lock,
    /// so it may be called while another process has it open. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when there is no database at `path`; [`StoreError::File`] when `copy`
    /// exists or cannot be made.
    pub fn backup_of(path: &Path, copy: &Path) -> Result<(), StoreError> {
        files::copy_into(&connection::connect(path, Use::Write)?, copy)
    }

    /// Seals every secret anew with the primary key and then forgets the older ones; returns how
    /// many were resealed. Interrupted, it goes on when called again with the same keys.
    ///
    /// # Errors
    /// [`StoreError::Unsealable`] when one of them does not open; those before it are done.
    pub async fn rekey(&self) -> Result<usize, StoreError> {
        let mut total = 0;
        loop {
            let keys = Arc::clone(&self.inner.keys);
            match self.write(move |conn| rekey::step(conn, &keys)).await? {
                0 => return Ok(total),
                done => total += done,
            }
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.threads.write(job).await
    }

    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.threads.read(job).await
    }
}
