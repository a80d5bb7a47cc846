//! The encryption key in the data folder: read, made, replaced, kept. A key is written under another
//! name first, so that there is never half of one; one that is replaced is kept in `backups`, because
//! older backups open with nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use store::{KeyError, Keys};

use super::{DataDir, KEY_FILE, RESTORE_KEY, permission};
use crate::config::error::ConfigError;

/// A key that is to take the place of the other, while secrets are being sealed with it.
const NEW_KEY_FILE: &str = "secret.key.new";

impl DataDir {
    /// Where the key is.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.path.join(KEY_FILE)
    }

    /// Where the next key is during a change.
    pub(crate) fn new_key_file(&self) -> PathBuf {
        self.path.join(NEW_KEY_FILE)
    }

    /// The key in the folder, `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(crate) fn stored_key(&self) -> Result<Option<SecretString>, ConfigError> {
        let path = self.key_file();
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => read_key(&path).map(Some),
        }
    }

    /// The key in use: the one that is given, else the one in the folder. Makes none.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub(crate) fn key(&self, given: Option<&SecretString>) -> Result<SecretString, ConfigError> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        self.stored_key()?.ok_or_else(|| {
            ConfigError::one(
                KEY_FILE,
                self.key_file().display().to_string(),
                "the key file is gone, and the database's secrets are sealed with it.",
                RESTORE_KEY,
            )
        })
    }

    /// Puts the next key beside the one in use.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write_new_key(&self, key: &SecretString) -> Result<(), ConfigError> {
        let path = self.new_key_file();
        write_private(&path, key).map_err(|error| self.unwritable(&path, &error))
    }

    /// Puts a key in the place of the one in the folder, which is kept: where.
    ///
    /// # Errors
    /// One of the files cannot be written. The key in use is then still in its place.
    pub(crate) fn replace_key(&self, key: &SecretString) -> Result<Option<PathBuf>, ConfigError> {
        let path = self.key_file();
        let kept = self.keep_key()?;
        write_private(&path, key).map_err(|error| self.unwritable(&path, &error))?;
        Ok(kept)
    }

    /// Moves the key in the folder away, because another one is used from now on: where to.
    ///
    /// # Errors
    /// It cannot be moved.
    pub(crate) fn retire_key(&self) -> Result<Option<PathBuf>, ConfigError> {
        let kept = self.keep_key()?;
        self.remove(&self.key_file())?;
        Ok(kept)
    }

    /// A change of keys is over.
    ///
    /// # Errors
    /// The file stays.
    pub(crate) fn forget_new_key(&self) -> Result<(), ConfigError> {
        self.remove(&self.new_key_file())
    }

    fn remove(&self, path: &Path) -> Result<(), ConfigError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unwritable(path, &error)),
            _ => Ok(()),
        }
    }

    fn keep_key(&self) -> Result<Option<PathBuf>, ConfigError> {
        let Some(key) = self.stored_key()? else {
            return Ok(None);
        };
        let keys = Keys::from_base64(&key).map_err(|error| no_key(&self.key_file(), error))?;
        let folder = self.path.join("backups");
        let kept = folder.join(format!("secret-{}.key", keys.primary_id()));
        private_folder(&folder)
            .and_then(|()| write_private(&kept, &key))
            .map_err(|error| self.unwritable(&kept, &error))?;
        Ok(Some(kept))
    }

    fn unwritable(&self, path: &Path, error: &io::Error) -> ConfigError {
        ConfigError::one(
            KEY_FILE,
            path.display().to_string(),
            format!("it cannot be written: {error}."),
            permission(&self.path),
        )
    }
}

/// The key in a file.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn read_key(path: &Path) -> Result<SecretString, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::one(
            "key file",
            path.display().to_string(),
            format!("it cannot be read: {error}."),
            permission(path.parent().unwrap_or_else(|| Path::new("."))),
        )
    })?;
    let text = SecretString::from(text.trim());
    match Keys::from_base64(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(no_key(path, error)),
    }
}

/// A file that holds no key.
pub(super) fn no_key(path: &Path, error: KeyError) -> ConfigError {
    ConfigError::one(
        "key file",
        path.display().to_string(),
        format!("{error}."),
        RESTORE_KEY,
    )
}

/// Writes a secret into a file that nobody else can read, whole or not at all.
pub(crate) fn write_private(path: &Path, secret: &SecretString) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&unfinished)?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

fn private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    restrict(folder)
}

#[cfg(unix)]
fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_folder: &Path) -> io::Result<()> {
    Ok(())
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
