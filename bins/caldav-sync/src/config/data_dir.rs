//! `DATA_DIR` and the key file in it: looked at before anything is opened, with the very command to
//! run when something is amiss.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use store::Keys;

use super::error::ConfigError;

/// The database's file name.
const DATABASE: &str = "caldav_sync.db";
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
        let shown = path.display();
        let wrong = |wrong: &str, action: String| {
            ConfigError::one("DATA_DIR", shown.to_string(), wrong, action)
        };
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                return Err(wrong(
                    "it is a file, not a folder.",
                    "Set DATA_DIR to a folder.".to_owned(),
                ));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(wrong(
                    "there is no such folder.",
                    format!("Run: mkdir -p -m 700 {}", quoted(path)),
                ));
            }
            Err(error) => {
                return Err(wrong(
                    &format!("it cannot be looked at: {error}."),
                    permission(path),
                ));
            }
        }
        let probe = path.join(".caldav-sync-probe");
        let written = File::create(&probe).and_then(|mut file| file.write_all(b"probe"));
        match written.and_then(|()| std::fs::remove_file(&probe)) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == ErrorKind::StorageFull => Err(wrong(
                "the disk is full.",
                format!("Make room: df -h {}", quoted(path)),
            )),
            Err(error) => Err(wrong(
                &format!("it cannot be written: {error}."),
                permission(path),
            )),
        }
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
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
        let path = self.path.join(KEY_FILE);
        let shown = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Keys::from_base64(&SecretString::from(text))
                .map(|keys| (keys, false))
                .map_err(|error| {
                    ConfigError::one(KEY_FILE, shown, format!("{error}."), RESTORE_KEY)
                }),
            Err(error) if error.kind() == ErrorKind::NotFound => self.make_key(&path),
            Err(error) => Err(ConfigError::one(
                KEY_FILE,
                shown,
                format!("it cannot be read: {error}."),
                permission(&self.path),
            )),
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
        // Under another name first: a stop half-way leaves no half key.
        let unfinished = path.with_extension("key.part");
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&error)),
            _ => {}
        }
        private(OpenOptions::new().write(true).create_new(true))
            .open(&unfinished)
            .and_then(|mut file| {
                file.write_all(text.expose_secret().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&unfinished, path))
            .and_then(|()| File::open(&self.path)?.sync_all())
            .map_err(|error| failed(&error))?;
        Ok((keys, true))
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
fn same_file_system(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path| std::fs::metadata(path).map(|found| found.dev()).ok();
    device(one).is_some() && device(one) == device(other)
}

#[cfg(not(unix))]
fn same_file_system(_one: &Path, _other: &Path) -> bool {
    false
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
