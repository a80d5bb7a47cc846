//! [`Db`]: opening, closing, copying a store. What can be asked of it is in the other modules, one
//! kind of thing each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::{self, Pragmas, Use};
use crate::error::StoreError;
use crate::files;
use crate::inspect::{Inspection, inspect};
use crate::schema;
use crate::seal::{Keys, canary};
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
        let conn = ready(path, &keys)?;
        let threads = Threads::start(path, conn, lock)?;
        Ok(Self::of(path, threads, keys))
    }

    /// Opens the database at `path` for reading only, whether another process has it open or not:
    /// nothing is made, nothing changed, and writes are [`StoreError::ReadOnly`]. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when there is none, [`StoreError::OlderSchema`] when opening it for good
    /// would have to change it, and what [`open`](Self::open) says of wrong files and keys.
    pub fn look(path: &Path, keys: Keys) -> Result<Self, StoreError> {
        let conn = connection::connect(path, Use::Look)?;
        schema::current(&conn, path)?;
        canary::check(&conn, &keys)?;
        drop(conn);
        Ok(Self::of(path, Threads::looking(path)?, keys))
    }

    fn of(path: &Path, threads: Threads, keys: Keys) -> Self {
        Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                threads,
                keys: Arc::new(keys),
            }),
        }
    }

    /// Whether it was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.inner.threads.is_read_only()
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

    /// What a look at the file shows. On a connection and a thread of its own, because it reads the
    /// whole file.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when the file cannot be opened.
    pub async fn inspect(&self, thorough: bool) -> Result<Inspection, StoreError> {
        let (answer, answered) = oneshot::channel();
        let inner = Arc::clone(&self.inner);
        std::thread::Builder::new()
            .name("store-inspect".to_owned())
            .spawn(move || {
                let _ = answer.send(inspect(&inner.path, Some(&inner.keys), thorough));
            })
            .map_err(|source| files::at("cannot start a thread for", &self.inner.path, source))?;
        answered.await.map_err(|_| StoreError::Closed)?
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

/// Looks at a file that this process has locked, makes it if there is none, and brings it up to
/// date. Blocks.
pub(crate) fn ready(path: &Path, keys: &Keys) -> Result<Connection, StoreError> {
    let existed = files::create_private(path)?;
    let mut conn = connection::connect(path, Use::Write)?;
    if existed {
        connection::quick_check(&conn)?;
    }
    let found = schema::look(&conn, path)?;
    if let schema::Found::Schema(_) = found {
        canary::check(&conn, keys)?;
    }
    schema::migrate(&mut conn, path, found)?;
    canary::ensure(&conn, keys)?;
    Ok(conn)
}
