//! The command line.

use clap::{Parser, Subcommand};

/// Keeps CalDAV calendars and Google Calendar in step.
#[derive(Debug, Parser)]
#[command(
    name = "caldav-sync",
    version,
    about = "Keeps CalDAV calendars and Google Calendar in step",
    after_help = "Settings come from environment variables: see .env.example.\n\
                  Exit codes: 0 fine, 1 failed, 2 usage, 78 configuration."
)]
pub(crate) struct Cli {
    /// What to do; `serve` without it.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
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
        assert!(Cli::try_parse_from(["caldav-sync", "doctor"]).is_err());
    }
}
