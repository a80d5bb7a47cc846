//! `DATA_DIR` and the key file in it: looked at before anything is opened, with the very command to
//! run when something is amiss. How the key file is read, written and replaced is in `key_file`.

mod key_file;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use store::Keys;

use super::error::ConfigError;
use key_file::no_key;
pub(crate) use key_file::{read_key, write_private};

/// The database's file name.
pub(crate) const DATABASE: &str = "caldav_sync.db";
/// The key file's name.
const KEY_FILE: &str = "secret.key";

/// A data folder that can be used.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Checks that the folder is there and can be written.
    ///
    /// # Errors
    /// Says which command mends it.
    pub(crate) fn check(path: &Path) -> Result<Self, ConfigError> {
        is_folder(path)?;
        let probe = path.join(".caldav-sync-probe");
        let written = File::create(&probe).and_then(|mut file| file.write_all(b"probe"));
        match written.and_then(|()| std::fs::remove_file(&probe)) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == ErrorKind::StorageFull => Err(wrong(
                path,
                "the disk is full.",
                format!("Make room: df -h {}", quoted(path)),
            )),
            Err(error) => Err(wrong(
                path,
                &format!("it cannot be written: {error}."),
                permission(path),
            )),
        }
    }

    /// A folder that is there, to be looked at: nothing is written to find that out.
    ///
    /// # Errors
    /// Says which command mends it.
    pub(crate) fn there(path: &Path) -> Result<Self, ConfigError> {
        is_folder(path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is, which must be there.
    ///
    /// # Errors
    /// There is none yet.
    pub(crate) fn existing_database(&self) -> Result<PathBuf, ConfigError> {
        let path = self.database();
        if path.exists() {
            return Ok(path);
        }
        Err(ConfigError::one(
            "DATA_DIR",
            self.path.display().to_string(),
            "there is no database in it.",
            "Set DATA_DIR to the folder that the server uses. Its first start makes the database.",
        ))
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Whether a path names one of the files that make up the data.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let full = |path: &Path| path.canonicalize().ok();
        let Some(path) = full(path) else {
            return false;
        };
        self.files()
            .iter()
            .any(|file| full(file).as_ref() == Some(&path))
    }

    /// Those of the files that others than their owner may read.
    pub(crate) fn open_to_others(&self) -> Vec<String> {
        self.files()
            .iter()
            .filter(|file| is_open_to_others(file))
            .map(|file| file.display().to_string())
            .collect()
    }

    /// Whether this user may write the database; nothing is written to find that out.
    ///
    /// # Errors
    /// Says which command mends it.
    pub(crate) fn takes_writes(&self) -> Result<(), ConfigError> {
        match OpenOptions::new().append(true).open(self.database()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(wrong(
                &self.path,
                &format!("the database cannot be written: {error}."),
                permission(&self.path),
            )),
            _ => Ok(()),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.database(), self.key_file()];
        for suffix in ["-wal", "-shm"] {
            files.push(self.path.join(format!("{DATABASE}{suffix}")));
        }
        files
    }

    /// The key that secrets are sealed with: `SECRET_KEY`, else the key file, which is made when
    /// there is no database yet. Says whether it was made.
    ///
    /// # Errors
    /// A key that is none, or a key file that is gone while the database is there.
    pub(crate) fn keys(&self, given: Option<&SecretString>) -> Result<(Keys, bool), ConfigError> {
        if let Some(given) = given {
            // Checked when it was read.
            let keys = Keys::from_base64(given).map_err(|error| {
                ConfigError::one("SECRET_KEY", "environment", format!("{error}."), RIGHT_KEY)
            })?;
            return Ok((keys, false));
        }
        match self.stored_key()? {
            Some(text) => Keys::from_base64(&text)
                .map(|keys| (keys, false))
                .map_err(|error| no_key(&self.key_file(), error)),
            None => self.make_key(&self.key_file()),
        }
    }

    fn make_key(&self, path: &Path) -> Result<(Keys, bool), ConfigError> {
        let shown = path.display().to_string();
        let database = std::fs::metadata(self.database()).is_ok_and(|file| file.len() > 0);
        if database {
            return Err(ConfigError::one(
                KEY_FILE,
                shown,
                "the key file is gone, and the database's secrets are sealed with it.",
                RESTORE_KEY,
            ));
        }
        let failed = |error: &dyn std::fmt::Display| {
            ConfigError::one(
                KEY_FILE,
                path.display().to_string(),
                format!("it cannot be made: {error}."),
                permission(&self.path),
            )
        };
        let (keys, text) = Keys::generate().map_err(|error| failed(&error))?;
        write_private(path, &text).map_err(|error| failed(&error))?;
        Ok((keys, true))
    }
}

fn wrong(path: &Path, wrong: &str, action: String) -> ConfigError {
    ConfigError::one("DATA_DIR", path.display().to_string(), wrong, action)
}

fn is_folder(path: &Path) -> Result<(), ConfigError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(wrong(
            path,
            "it is a file, not a folder.",
            "Set DATA_DIR to a folder.".to_owned(),
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(wrong(
            path,
            "there is no such folder.",
            format!("Run: mkdir -p -m 700 {}", quoted(path)),
        )),
        Err(error) => Err(wrong(
            path,
            &format!("it cannot be looked at: {error}."),
            permission(path),
        )),
    }
}

/// Whether a folder is in a container's own file system.
pub(crate) fn is_lost_with_container(path: &Path) -> bool {
    let in_container =
        Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists();
    in_container && same_file_system(path, Path::new("/"))
}

const RIGHT_KEY: &str = "Set it to 32 bytes in base64: `openssl rand -base64 32` makes them.";
const RESTORE_KEY: &str = "Put the file back from your backup, or set SECRET_KEY to the key it held. \
                           Without that key, start with an empty DATA_DIR and enter the accounts \
                           anew: events are not lost.";

/// The command that gives the folder to this user.
fn permission(path: &Path) -> String {
    let owner = process_owner().map_or_else(
        || "$(id -u):$(id -g)".to_owned(),
        |(uid, gid)| format!("{uid}:{gid}"),
    );
    format!("Run: sudo chown -R {owner} {}", quoted(path))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = full.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(unix)]
fn process_owner() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let process = std::fs::metadata("/proc/self").ok()?;
    Some((process.uid(), process.gid()))
}

#[cfg(not(unix))]
fn process_owner() -> Option<(u32, u32)> {
    None
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn same_file_system(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path| std::fs::metadata(path).map(|found| found.dev()).ok();
    device(one).is_some() && device(one) == device(other)
}

#[cfg(not(unix))]
fn same_file_system(_one: &Path, _other: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_comes_with_the_command_that_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("my data");
        let error = DataDir::check(&missing).unwrap_err().to_string();
        assert!(error.contains("there is no such folder"), "{error}");
        assert!(error.contains("mkdir -p -m 700 '"), "{error}");
    }

    #[test]
    fn a_key_is_made_once_and_never_over_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::check(folder.path()).unwrap();
        let (made, new) = data.keys(None).unwrap();
        let (again, known) = data.keys(None).unwrap();
        assert!(new && !known);
        assert_eq!(made.primary_id(), again.primary_id());
        std::fs::write(data.database(), "x").unwrap();
        std::fs::remove_file(folder.path().join(KEY_FILE)).unwrap();
        let error = data.keys(None).unwrap_err().to_string();
        assert!(error.contains("the key file is gone"), "{error}");
        std::fs::write(folder.path().join(KEY_FILE), "AAAA").unwrap();
        assert!(data.keys(None).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::check(folder.path()).unwrap();
        data.keys(None).unwrap();
        let key = std::fs::metadata(folder.path().join(KEY_FILE)).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}
