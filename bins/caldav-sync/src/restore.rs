//! `restore`: puts a backup in the database's place while no server runs. What is there is kept, and
//! every mapping waits until somebody has seen what it would do.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::SecretString;
use store::{Keys, Staged, StoreError};

use crate::backup::key_beside;
use crate::config::Config;
use crate::config::data_dir::{DataDir, read_key};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::failure::Failure;
use crate::terminal;

/// Which key a backup opens with.
enum Opener {
    /// The one in use.
    Ours(Keys),
    /// One that came with the backup, and its text.
    Brought(Keys, SecretString),
}

/// Puts it in place.
///
/// # Errors
/// A server that runs, a file that is no backup of ours, a key that does not fit. Nothing is changed
/// then.
pub(crate) fn run(
    environment: &Environment,
    backup: &Path,
    key: Option<&PathBuf>,
) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    let data = DataDir::check(&config.data_dir)?;
    let staged = Staged::take(backup, &data.database()).map_err(|error| unfit(backup, error))?;
    let ours = match &config.secret_key {
        Some(given) => Some(given.clone()),
        None => data.stored_key()?,
    };
    let opener = opener(&staged, backup, ours.as_ref(), key)?;
    if let Opener::Brought(..) = opener
        && config.secret_key.is_some()
    {
        return Err(ConfigError::one(
            "SECRET_KEY",
            "environment or config.yaml",
            "it is not the key of this backup, and the one beside the backup is.",
            "Set SECRET_KEY to the key of the backup and restore again. Nothing was changed.",
        )
        .into());
    }
    let (Opener::Ours(keys) | Opener::Brought(keys, _)) = &opener;
    let restored = staged.put(keys, Timestamp::now())?;
    if let Opener::Brought(_, text) = &opener
        && let Some(kept) = data.replace_key(text)?
    {
        terminal::note(&format!(
            "The key that was in use is kept as {}: what was replaced opens with it.",
            kept.display()
        ));
    }
    if let Some(kept) = &restored.kept {
        terminal::note(&format!(
            "The database that was there is kept as {}.",
            kept.display()
        ));
    }
    terminal::note(&format!(
        "Restored {}. Start the server: its {} mapping(s) wait until you have looked at the preview of \
         each and confirmed it. API keys are those of the backup; browsers must sign in again.",
        backup.display(),
        restored.mappings
    ));
    Ok(())
}

/// The key that opens a backup: the one that was named, else the one in use, else the one beside it.
fn opener(
    staged: &Staged,
    backup: &Path,
    ours: Option<&SecretString>,
    named: Option<&PathBuf>,
) -> Result<Opener, Failure> {
    let read = |text: &SecretString| Keys::from_base64(text).map_err(Failure::from);
    if named.is_none()
        && let Some(ours) = ours
    {
        let keys = read(ours)?;
        if staged.opens_with(&keys).is_ok() {
            return Ok(Opener::Ours(keys));
        }
    }
    let beside = key_beside(backup);
    let brought = named.unwrap_or(&beside);
    if named.is_none() && !brought.exists() {
        return Err(no_key(staged, ours, &beside)?);
    }
    let text = read_key(brought)?;
    let keys = read(&text)?;
    staged.opens_with(&keys)?;
    let same = match ours {
        Some(ours) => read(ours)?.primary_id() == keys.primary_id(),
        None => false,
    };
    Ok(if same {
        Opener::Ours(keys)
    } else {
        Opener::Brought(keys, text)
    })
}

/// What to say when no key fits.
fn no_key(staged: &Staged, ours: Option<&SecretString>, beside: &Path) -> Result<Failure, Failure> {
    if let Some(ours) = ours {
        let keys = Keys::from_base64(ours)?;
        if let Err(wrong) = staged.opens_with(&keys) {
            return Ok(wrong.into());
        }
    }
    Ok(ConfigError::one(
        "secret.key",
        "DATA_DIR",
        "there is no key here, and none beside the backup.",
        format!(
            "Put the key of the backup into {}, or name its file: --key FILE. Nothing was changed.",
            beside.display()
        ),
    )
    .into())
}

/// A file that cannot be restored is not a configuration at fault.
fn unfit(backup: &Path, error: StoreError) -> Failure {
    match error {
        StoreError::Foreign { .. }
        | StoreError::NewerSchema { .. }
        | StoreError::Damaged { .. }
        | StoreError::Sql { .. } => Failure::refused(
            format!("{} cannot be restored: {error}", backup.display()),
            "Use another backup; one that a newer version made needs that version. Nothing was changed.",
        ),
        other => other.into(),
    }
}
