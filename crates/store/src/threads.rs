//! The threads that own the connections: one writes, a few read. Jobs come in by a channel, answers
//! go back by another, so that no caller ever blocks and none waits for ever.
//!
//! Writes that wait at the same time share one transaction (each in its own savepoint), because a
//! commit costs an fsync and a job does not: nobody is answered before the commit is durable.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::connection::{self, Pragmas, Use};
use crate::error::StoreError;

/// Reading connections.
const READERS: usize = 3;
/// Most writes that share a transaction.
const BATCH: usize = 64;

/// One read, to be run inside a transaction.
type ReadJob = Box<dyn FnOnce(&Connection) + Send>;
/// One write.
type WriteJob = Box<dyn Write>;

/// A write: run inside a savepoint, answered after the commit.
trait Write: Send {
    /// Does it; whether it is to be kept.
    fn run(&mut self, conn: &Connection) -> bool;
    /// Tells the caller: `None` when it is durable, else why nothing was written.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

/// A write as a closure.
struct Job<T, F> {
    body: Option<F>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Job<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &Connection) -> bool {
        let result = self
            .body
            .take()
            .map_or(Err(StoreError::Closed), |body| caught(|| body(conn)));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (self.result, failure) {
            // A job that failed by itself knows better why.
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(failure),
            (Some(result), None) => result,
            (None, None) => Err(StoreError::Closed),
        };
        // A caller that has gone away does not want to know.
        let _ = self.answer.send(result);
    }
}

/// The way to the threads.
pub(crate) struct Threads {
    ends: Mutex<Option<Ends>>,
    pragmas: Vec<Pragmas>,
}

struct Ends {
    /// `None` when the store was opened for reading only.
    write: Option<Sender<WriteJob>>,
    read: Sender<ReadJob>,
    stopped: Vec<oneshot::Receiver<()>>,
}

impl Threads {
    /// Starts the threads; the writer takes `conn` and keeps `lock` until it has ended.
    pub(crate) fn start(path: &Path, conn: Connection, lock: File) -> Result<Self, StoreError> {
        let mut pragmas = vec![connection::pragmas(&conn)?];
        let (read, mut stopped) = readers(path, Use::Read, &mut pragmas)?;
        let (write, write_jobs) = channel();
        stopped.push(spawn(path, "store-write", move || {
            writes(&conn, &write_jobs);
            connection::checkpoint(&conn);
            drop(conn);
            drop(lock);
        })?);
        Ok(Self {
            ends: Mutex::new(Some(Ends {
                write: Some(write),
                read,
                stopped,
            })),
            pragmas,
        })
    }

    /// Starts threads that only read; writes are refused.
    pub(crate) fn looking(path: &Path) -> Result<Self, StoreError> {
        let mut pragmas = Vec::new();
        let (read, stopped) = readers(path, Use::Look, &mut pragmas)?;
        Ok(Self {
            ends: Mutex::new(Some(Ends {
                write: None,
                read,
                stopped,
            })),
            pragmas,
        })
    }

    /// Whether writes are refused.
    pub(crate) fn is_read_only(&self) -> bool {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.as_ref().is_some_and(|ends| ends.write.is_none())
    }

    /// The settings of every connection, the writer's first.
    pub(crate) fn pragmas(&self) -> &[Pragmas] {
        &self.pragmas
    }

    /// Runs `job` on the writer; its answer comes when it is durable.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: WriteJob = Box::new(Job {
            body: Some(job),
            result: None,
            answer,
        });
        self.with(|ends| {
            let write = ends.write.as_ref().ok_or(StoreError::ReadOnly)?;
            write.send(job).map_err(|_| StoreError::Closed)
        })?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `job` on a reader, in one snapshot.
    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |conn| {
            let _ = answer.send(caught(|| {
                let transaction = conn.unchecked_transaction()?;
                let result = job(&transaction)?;
                transaction.commit()?;
                Ok(result)
            }));
        });
        self.with(|ends| ends.read.send(job).map_err(|_| StoreError::Closed))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the threads finish what they have, checkpoint, and end.
    pub(crate) async fn stop(&self) {
        let ends = self
            .ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Ends {
            write,
            read,
            stopped,
        }) = ends
        {
            drop((write, read));
            for thread in stopped {
                let _ = thread.await;
            }
        }
    }

    fn with<T>(&self, send: impl FnOnce(&Ends) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        send(ends.as_ref().ok_or(StoreError::Closed)?)
    }
}

/// Starts the threads that read; their settings are added to `pragmas`.
fn readers(
    path: &Path,
    purpose: Use,
    pragmas: &mut Vec<Pragmas>,
) -> Result<(Sender<ReadJob>, Vec<oneshot::Receiver<()>>), StoreError> {
    let (read, jobs) = channel();
    let jobs = Arc::new(Mutex::new(jobs));
    let mut stopped = Vec::new();
    for _ in 0..READERS {
        let reader = connection::connect(path, purpose)?;
        pragmas.push(connection::pragmas(&reader)?);
        let jobs = Arc::clone(&jobs);
        stopped.push(spawn(path, "store-read", move || reads(&reader, &jobs))?);
    }
    Ok((read, stopped))
}

/// Starts a thread; the receiver hears of its end.
fn spawn(
    path: &Path,
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<oneshot::Receiver<()>, StoreError> {
    let (ended, end) = oneshot::channel();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            body();
            let _ = ended.send(());
        })
        .map_err(|source| StoreError::File {
            doing: "cannot start a thread for",
            path: path.to_owned(),
            source,
        })?;
    Ok(end)
}

fn reads(conn: &Connection, jobs: &Mutex<Receiver<ReadJob>>) {
    loop {
        // The guard is dropped at the end of this statement: one reader waits, the others work.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(conn),
            Err(_) => return,
        }
    }
}

fn writes(conn: &Connection, jobs: &Receiver<WriteJob>) {
    while let Ok(first) = jobs.recv() {
        let batch = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1));
        write_batch(conn, batch);
    }
}

/// Runs jobs in one transaction and answers all of them once it is durable.
fn write_batch(conn: &Connection, jobs: impl Iterator<Item = WriteJob>) {
    let mut ran = Vec::new();
    let mut failure = conn.execute_batch("BEGIN IMMEDIATE").err();
    for mut job in jobs {
        if failure.is_none() {
            failure = in_savepoint(conn, job.as_mut()).err();
        }
        ran.push(job);
    }
    if failure.is_none() {
        failure = conn.execute_batch("COMMIT").err();
    }
    if failure.is_some() && !conn.is_autocommit() {
        // Nothing more can be done if even this fails: the next BEGIN will say so.
        let _ = conn.execute_batch("ROLLBACK");
    }
    let detail = failure.map(|error| error.to_string());
    for job in ran {
        let failure = detail.clone();
        job.answer(failure.map(|detail| StoreError::NotStored { detail }));
    }
}

/// Runs one job in its savepoint. An error means that the whole transaction is lost: on a full
/// disk and the like SQLite rolls back by itself, and then the savepoint is gone.
fn in_savepoint(conn: &Connection, job: &mut dyn Write) -> Result<(), rusqlite::Error> {
    conn.execute_batch("SAVEPOINT job")?;
    conn.execute_batch(if job.run(conn) {
        "RELEASE job"
    } else {
        "ROLLBACK TO job; RELEASE job"
    })
}

/// Runs `body` and turns a panic into an error.
fn caught<T>(body: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(StoreError::Panicked {
            detail: message(panic.as_ref()),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    fn started() -> (tempfile::TempDir, Threads) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        files::create_private(&path).unwrap();
        let conn = connection::connect(&path, Use::Write).unwrap();
        conn.execute_batch("CREATE TABLE t (n INTEGER NOT NULL)")
            .unwrap();
        let lock = files::lock(&path).unwrap();
        (folder, Threads::start(&path, conn, lock).unwrap())
    }

    fn put(n: i64) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send {
        move |conn| {
            conn.execute("INSERT INTO t VALUES (?1)", [n])?;
            Ok(())
        }
    }

    async fn stored(threads: &Threads) -> Vec<i64> {
        threads
            .read(|conn| {
                let mut statement = conn.prepare("SELECT n FROM t ORDER BY n")?;
                let numbers = statement.query_map([], |row| row.get(0))?;
                Ok(numbers.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_undoes_its_own_write_only() {
        let (_folder, threads) = started();
        let bad = |conn: &Connection| -> Result<(), StoreError> {
            conn.execute("INSERT INTO t VALUES (2)", [])?;
            panic!("on purpose");
        };
        let (one, two, three) = tokio::join!(
            threads.write(put(1)),
            threads.write(bad),
            threads.write(put(3))
        );
        one.unwrap();
        three.unwrap();
        let error = two.unwrap_err();
        assert!(matches!(error, StoreError::Panicked { detail } if detail == "on purpose"));
        assert_eq!(stored(&threads).await, [1, 3]);
        let read = threads.read(|_| -> Result<(), StoreError> { panic!("again") });
        assert!(matches!(read.await, Err(StoreError::Panicked { .. })));
        assert_eq!(stored(&threads).await, [1, 3], "readers live on");
    }

    #[tokio::test]
    async fn a_lost_transaction_is_told_to_all_who_shared_it() {
        let (_folder, threads) = started();
        // What a full disk does: SQLite rolls everything back by itself.
        let lost = |conn: &Connection| -> Result<(), StoreError> {
            conn.execute_batch("ROLLBACK")?;
            Ok(())
        };
        // The first waits until the others are queued: all four share one transaction.
        let (go, wait) = channel::<()>();
        let first = threads.write(move |_| {
            let _ = wait.recv();
            Ok(())
        });
        let (first, one, two, three, ()) = tokio::join!(
            first,
            threads.write(put(1)),
            threads.write(lost),
            threads.write(put(3)),
            async move { go.send(()).unwrap() },
        );
        for result in [first, one, two, three] {
            assert!(matches!(result, Err(StoreError::NotStored { .. })));
        }
        assert!(stored(&threads).await.is_empty());
        threads.write(put(4)).await.unwrap();
        assert_eq!(stored(&threads).await, [4]);
    }

    #[tokio::test]
    async fn a_stopped_store_answers_at_once() {
        let (_folder, threads) = started();
        threads.stop().await;
        assert!(matches!(
            threads.write(put(1)).await,
            Err(StoreError::Closed)
        ));
        let read = threads.read(|_| Ok(()));
        assert!(matches!(read.await, Err(StoreError::Closed)));
        threads.stop().await;
    }
}
