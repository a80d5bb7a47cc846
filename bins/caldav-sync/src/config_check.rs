//! `config check`: prints what holds and where each value comes from. Works while the server runs,
//! and before there is a database.

use std::collections::BTreeMap;
use std::io::Write as _;

use crate::config::data_dir::DATABASE;
use crate::config::environment::Environment;
use crate::config::{Config, show_effective};
use crate::failure::Failure;

/// Prints the configuration.
///
/// # Errors
/// It is wrong: every problem, exit code 78.
pub(crate) fn run(environment: &Environment) -> Result<(), Failure> {
    let config = Config::read(environment)?;
    let mut text = String::new();
    let chosen = match store::Db::settings_of(&config.data_dir.join(DATABASE)) {
        Ok(chosen) => chosen,
        Err(error) => {
            text = format!("What was set in the pages is not known: {error}\n\n");
            BTreeMap::new()
        }
    };
    text.push_str(&show_effective(environment, &config, &chosen));
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|source| Failure::System {
            doing: "printing the configuration",
            source,
        })
}
