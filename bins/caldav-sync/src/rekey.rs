//! `rekey`: every stored secret is sealed anew with another key, while no server runs. Killed
//! half-way it goes on when called again.
//!
//! A key in the data folder: the new one is made as `secret.key.new`, which is the mark that a change
//! is under way; when all is sealed with it, it takes the place of `secret.key`. A key in the
//! environment: `SECRET_KEY` is the new one, and `OLD_SECRET_KEY` (or the key file that was used until
//! now) the old one.

use secrecy::SecretString;
use store::Keys;

use crate::config::Config;
use crate::config::data_dir::{DataDir, read_key};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::failure::Failure;
use crate::terminal;

/// Changes the key.
///
/// # Errors
/// A server that runs, or keys that do not open what is stored.
pub(crate) fn run(environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    let data = DataDir::check(&config.data_dir)?;
    let database = data.existing_database()?;
    if store::is_open(&database)? {
        return Err(Failure::server_runs());
    }
    let (new, old) = match &config.secret_key {
        Some(new) => (new.clone(), old_of_environment(&config, &data)?),
        None => in_folder(&config, &data)?,
    };
    let keys = Keys::from_base64(&new)?.with_older_base64(&old)?;
    let done = store::rekey(&database, &keys)?;
    let kept = match &config.secret_key {
        Some(_) => data.retire_key()?,
        None => data.replace_key(&new)?,
    };
    data.forget_new_key()?;
    let kept = kept.map_or_else(String::new, |kept| {
        format!(
            " The old key is kept as {}: backups made before open with it. Delete it with the last of them.",
            kept.display()
        )
    });
    terminal::note(&format!(
        "{done} stored secret(s) were sealed anew; all are sealed with the new key now.{kept}"
    ));
    Ok(())
}

/// The new key and the old one, both in the data folder.
fn in_folder(config: &Config, data: &DataDir) -> Result<(SecretString, SecretString), Failure> {
    if config.old_secret_key.is_some() {
        return Err(ConfigError::one(
            "OLD_SECRET_KEY",
            "environment or config.yaml",
            "it goes with a SECRET_KEY, and that is not set.",
            "Set SECRET_KEY to the new key, or unset OLD_SECRET_KEY: then the key in DATA_DIR is changed.",
        )
        .into());
    }
    let old = data.key(None)?;
    let pending = data.new_key_file();
    let new = if pending.exists() {
        terminal::note("A change of keys was interrupted; it goes on now.");
        read_key(&pending)?
    } else {
        let (_, new) = Keys::generate()?;
        data.write_new_key(&new)?;
        new
    };
    Ok((new, old))
}

/// The old key when the new one is in the environment.
fn old_of_environment(config: &Config, data: &DataDir) -> Result<SecretString, Failure> {
    if let Some(old) = &config.old_secret_key {
        return Ok(old.clone());
    }
    if let Some(old) = data.stored_key()? {
        return Ok(old);
    }
    Err(ConfigError::one(
        "OLD_SECRET_KEY",
        "environment or config.yaml",
        "the key is in SECRET_KEY, and the other one is not known.",
        "Set OLD_SECRET_KEY to the key in use and SECRET_KEY to a new one (openssl rand -base64 32), \
         run rekey again, then unset OLD_SECRET_KEY.",
    )
    .into())
}
