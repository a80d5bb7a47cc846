//! Files beside the database: the lock, the mode bits, copies. No SQL but `VACUUM INTO`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;

use crate::connection::{self, Use};
use crate::error::StoreError;

/// Copies that are kept.
const COPIES: usize = 3;
/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Takes the lock of a database; it is let go when the file is dropped, or the process ends. Waits
/// a moment for one that is about to be let go: a program that ends, or somebody who merely asks
/// whether it is held. Blocks.
///
/// # Errors
/// [`StoreError::InUse`] when another process (or another [`Db`](crate::Db)) holds it.
pub(crate) fn lock(database: &Path) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(&path)
        .map_err(|source| at("cannot create", &path, source))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(PATIENCE / 20);
            }
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(at("cannot lock", &path, source)),
        }
    }
}

/// Whether somebody holds the lock of a database. Makes no file.
///
/// # Errors
/// [`StoreError::File`] when the lock file cannot be looked at.
pub(crate) fn is_locked(database: &Path) -> Result<bool, StoreError> {
    let path = database.with_extension("lock");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(at("cannot open", &path, source)),
    };
    // Shared, so that those who ask do not see each other; let go at once.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(at("cannot lock", &path, source)),
    }
}

/// Creates the database file if there is none, readable by its owner only. SQLite gives `-wal` and
/// `-shm` the same mode. Answers whether it was there already.
pub(crate) fn create_private(path: &Path) -> Result<bool, StoreError> {
    let existed = path.exists();
    let file = private(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
    .open(path)
    .map_err(|source| at("cannot open", path, source))?;
    let length = file
        .metadata()
        .map_err(|source| at("cannot open", path, source))?
        .len();
    restrict(path, 0o600)?;
    Ok(existed && length > 0)
}

/// Copies the database as it is into `backups/pre-v<version>.sqlite` beside it and removes all but
/// the newest copies.
pub(crate) fn copy_before(
    conn: &Connection,
    database: &Path,
    version: u32,
) -> Result<PathBuf, StoreError> {
    // An upgrade that failed half-way has left a copy of this name: that one is the older state,
    // and worth more than this.
    let copy = fresh_backup(database, &format!("pre-v{version}"))?;
    copy_into(conn, &copy, Existing::Refuse)?;
    drop_old_copies(copy.parent().unwrap_or_else(|| Path::new(".")))?;
    Ok(copy)
}

/// A path in the folder `backups` beside a database that nothing stands at; the folder is made.
pub(crate) fn fresh_backup(database: &Path, stem: &str) -> Result<PathBuf, StoreError> {
    let folder = database
        .parent()
        .unwrap_or_else(|| Path::new("."))
        .join("backups");
    std::fs::create_dir_all(&folder).map_err(|source| at("cannot create", &folder, source))?;
    restrict(&folder, 0o700)?;
    Ok((1..=1000)
        .map(|number: u32| match number {
            1 => folder.join(format!("{stem}.sqlite")),
            _ => folder.join(format!("{stem}-{number}.sqlite")),
        })
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join("last.sqlite")))
}

/// What a copy does with a file that stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and there is no copy.
    Refuse,
    /// The copy takes its place once it is whole.
    Replace,
}

/// Copies the database, as it is at this moment, into a new file that nobody else can read, and
/// checks what came of it.
///
/// # Errors
/// [`StoreError::File`] when the file exists already or cannot be written,
/// [`StoreError::Damaged`] when the copy is not sound.
pub(crate) fn copy_into(
    conn: &Connection,
    copy: &Path,
    existing: Existing,
) -> Result<(), StoreError> {
    if existing == Existing::Refuse && copy.exists() {
        return Err(at("cannot create", copy, ErrorKind::AlreadyExists.into()));
    }
    // Written beside its place and renamed: a copy with the final name is whole.
    let unfinished = beside(copy, ".part");
    let copied = copy_unfinished(conn, &unfinished);
    if copied.is_err() {
        // Half a copy is of no use; that it could not be made is told by the error.
        let _ = std::fs::remove_file(&unfinished);
    }
    copied?;
    rename(&unfinished, copy)
}

fn copy_unfinished(conn: &Connection, unfinished: &Path) -> Result<(), StoreError> {
    remove(unfinished)?;
    private(OpenOptions::new().write(true).create_new(true))
        .open(unfinished)
        .map_err(|source| at("cannot create", unfinished, source))?;
    conn.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])?;
    File::open(unfinished)
        .and_then(|file| file.sync_all())
        .map_err(|source| at("cannot store", unfinished, source))?;
    connection::integrity_check(&connection::connect(unfinished, Use::Look)?)
}

/// A path with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(at("cannot remove", path, source))
        }
        _ => Ok(()),
    }
}

/// Puts a file in another's place, at once and for good.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|source| at("cannot create", to, source))?;
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| at("cannot store", to, source))
}

fn drop_old_copies(folder: &Path) -> Result<(), StoreError> {
    let entries = std::fs::read_dir(folder).map_err(|source| at("cannot list", folder, source))?;
    let mut copies: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("pre-v") && name.ends_with(".sqlite")
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    copies.sort();
    let surplus = copies.len().saturating_sub(COPIES);
    for (_, path) in copies.into_iter().take(surplus) {
        std::fs::remove_file(&path).map_err(|source| at("cannot remove", &path, source))?;
    }
    Ok(())
}

pub(crate) fn at(doing: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
pub(crate) fn restrict(path: &Path, mode: u32) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|source| at("cannot restrict", path, source))
}

#[cfg(not(unix))]
pub(crate) fn restrict(_path: &Path, _mode: u32) -> Result<(), StoreError> {
    Ok(())
}
