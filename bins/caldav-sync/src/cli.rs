//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Keeps CalDAV calendars and Google Calendar in step.
#[derive(Debug, Parser)]
#[command(
    name = "caldav-sync",
    version,
    about = "Keeps CalDAV calendars and Google Calendar in step",
    after_help = "Settings come from environment variables and config.yaml: see docs/configuration.md.\n\
                  Exit codes: 0 fine, 1 failed, 2 usage, 78 configuration."
)]
pub(crate) struct Cli {
    /// What to do; `serve` without it.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The configuration file, instead of config.yaml in DATA_DIR
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Web pages, REST API and scheduler in one process (the default)
    Serve,
    /// Try it out: simulated CalDAV and Google calendars, nothing to set up, no network
    Demo {
        /// Port of the dashboard; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Exit 0 when the server on this machine is alive and ready, else 1
    Healthcheck,
    /// Check everything and say what to do: configuration, database, key, clock, names, connections,
    /// every account and mapping. Changes nothing; works while the server runs
    Doctor {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a checked copy of the database to FILE, while the server runs or not
    Backup {
        /// The file; - for standard output
        file: PathBuf,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        /// Write the encryption key too, as FILE.key: whoever has both has the passwords
        #[arg(long)]
        with_key: bool,
    },
    /// Put a backup in the database's place; the server must not run. Every mapping then waits until
    /// its preview is confirmed
    Restore {
        /// The backup
        file: PathBuf,
        /// The file with the backup's encryption key, if it is neither the one in use nor FILE.key
        #[arg(long)]
        key: Option<PathBuf>,
    },
    /// The admin key for REST API and sign-in
    Key {
        /// What to do with it
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Seal every stored secret with a new encryption key; the server must not run
    Rekey,
    /// Look at the configuration
    Config {
        /// What to do with it
        #[command(subcommand)]
        action: ConfigAction,
    },
}

/// What to do with the admin key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a new one and print it; the old one and all browser sessions end at once
    Reset,
}

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print what holds and where each value comes from, secrets hidden; exit 78 when it is wrong
    Check,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        assert_eq!(Cli::parse_from(["caldav-sync"]).command, None);
        let demo = Cli::parse_from(["caldav-sync", "demo", "--port", "8081"]);
        assert_eq!(demo.command, Some(Command::Demo { port: 8081 }));
        let doctor = Cli::parse_from(["caldav-sync", "doctor", "--json"]);
        assert_eq!(doctor.command, Some(Command::Doctor { json: true }));
        let reset = Cli::parse_from(["caldav-sync", "key", "reset"]);
        let command = KeyCommand::Reset;
        assert_eq!(reset.command, Some(Command::Key { command }));
        assert!(Cli::try_parse_from(["caldav-sync", "backup"]).is_err());
        let check = Cli::parse_from(["caldav-sync", "config", "check", "--config", "x.yaml"]);
        let action = ConfigAction::Check;
        assert_eq!(check.command, Some(Command::Config { action }));
        assert_eq!(check.config, Some(PathBuf::from("x.yaml")));
    }
}
