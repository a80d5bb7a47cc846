//! `key reset`: a new admin key for whoever has lost it, with the server running or not. The old one
//! is worth nothing from the next request on, and every browser session is over.

use app::access::{ADMIN_KEY, fresh_key};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::config::data_dir::DataDir;
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::failure::Failure;
use crate::terminal;

/// Makes the key, and prints it: the key alone on standard output.
///
/// # Errors
/// `API_KEY` is set, or there is no database yet.
pub(crate) fn reset(environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    if config.api_key.is_some() {
        return Err(ConfigError::one(
            "API_KEY",
            "environment or config.yaml",
            "it is set, so it is the key: another one would be replaced by it at the next start.",
            "Change API_KEY there and restart the server.",
        )
        .into());
    }
    let database = DataDir::there(&config.data_dir)?.existing_database()?;
    let (key, hash) = fresh_key()?;
    store::replace_api_key(&database, ADMIN_KEY, &hash, Timestamp::now())?;
    terminal::note(
        "The new key, shown this once. The old one and all browser sessions have ended.",
    );
    terminal::say(key.expose_secret())
}
