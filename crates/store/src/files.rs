//! Files beside the database: the lock, the mode bits, copies. No SQL but `VACUUM INTO`.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::Connection;

use crate::error::StoreError;

/// Copies that are kept.
const COPIES: usize = 3;

/// Takes the lock of a database; it is let go when the file is dropped, or the process ends.
///
/// # Errors
/// [`StoreError::InUse`] when another process (or another [`Db`](crate::Db)) holds it.
pub(crate) fn lock(database: &Path) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(&path)
        .map_err(|source| at("cannot create", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
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
    let folder = database
        .parent()
        .unwrap_or_else(|| Path::new("."))
        .join("backups");
    std::fs::create_dir_all(&folder).map_err(|source| at("cannot create", &folder, source))?;
    restrict(&folder, 0o700)?;
    // An upgrade that failed half-way has left a copy of this name: that one is the older state,
    // and worth more than this.
    let copy = (1..=1000)
        .map(|number: u32| match number {
            1 => folder.join(format!("pre-v{version}.sqlite")),
            _ => folder.join(format!("pre-v{version}-{number}.sqlite")),
        })
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join("pre.sqlite"));
    copy_into(conn, &copy)?;
    drop_old_copies(&folder)?;
    Ok(copy)
}

/// Copies the database, as it is at this moment, into a new file.
///
/// # Errors
/// [`StoreError::File`] when the file exists already or cannot be written.
pub(crate) fn copy_into(conn: &Connection, copy: &Path) -> Result<(), StoreError> {
    // Written beside its place and renamed: a copy with the final name is whole.
    let mut unfinished = copy.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    if copy.exists() {
        return Err(at(
            "cannot create",
            copy,
            std::io::ErrorKind::AlreadyExists.into(),
        ));
    }
    match std::fs::remove_file(&unfinished) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(at("cannot replace", &unfinished, source));
        }
        _ => {}
    }
    private(OpenOptions::new().write(true).create_new(true))
        .open(&unfinished)
        .map_err(|source| at("cannot create", &unfinished, source))?;
    conn.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])?;
    File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .map_err(|source| at("cannot store", &unfinished, source))?;
    std::fs::rename(&unfinished, copy).map_err(|source| at("cannot create", copy, source))
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

fn at(doing: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(|source| at("cannot restrict", path, source))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> Result<(), StoreError> {
    Ok(())
}
