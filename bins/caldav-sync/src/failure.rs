//! How the program ends when it does not end well: the words, and the exit code.

use std::io;
use std::net::SocketAddr;

use app::UserError;
use store::{KeyError, StoreError};

use crate::config::error::ConfigError;

/// Why the program ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Failure {
    /// The configuration is at fault: exit code 78.
    #[error(transparent)]
    Config {
        /// Every problem.
        #[from]
        source: ConfigError,
    },
    /// The database could not be opened.
    #[error("{source}{}", mending(source))]
    Store {
        /// Why.
        #[from]
        source: StoreError,
    },
    /// A service could not be made.
    #[error("{source}\n    {}", source.action)]
    Service {
        /// Why.
        #[from]
        source: UserError,
    },
    /// Nothing can listen there.
    #[error(
        "cannot listen on {address} (BIND): {source}\n    {}",
        listening(source)
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server or the runtime failed.
    #[error("{doing}: {source}")]
    System {
        /// What was attempted.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// `healthcheck` found it unwell.
    #[error("unhealthy: {reason}")]
    Unhealthy {
        /// Why.
        reason: String,
    },
    /// A command cannot be carried out as things are; nothing was changed.
    #[error("{reason}\n    {action}")]
    Refused {
        /// Why.
        reason: String,
        /// What to do.
        action: String,
    },
    /// The command line asks for what does not go together: exit code 2.
    #[error("{reason}\n    {action}")]
    Usage {
        /// Why.
        reason: &'static str,
        /// What to do.
        action: &'static str,
    },
    /// A text that should be an encryption key is none.
    #[error("{source}\n    `openssl rand -base64 32` makes one.")]
    Key {
        /// Why.
        #[from]
        source: KeyError,
    },
    /// `doctor` found something that does not work.
    #[error("something does not work: see above what to do")]
    Unwell,
    /// The demo could not set itself up.
    #[error("the demo cannot start: {reason}")]
    Demo {
        /// Why.
        reason: String,
    },
}

impl Failure {
    /// `healthcheck` found it unwell.
    pub(crate) fn unhealthy(reason: impl Into<String>) -> Self {
        Self::Unhealthy {
            reason: reason.into(),
        }
    }

    /// A command cannot be carried out as things are.
    pub(crate) fn refused(reason: impl Into<String>, action: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
            action: action.into(),
        }
    }

    /// A command that needs the data folder for itself.
    pub(crate) fn server_runs() -> Self {
        Self::refused("a server has this data folder open", STOP_IT)
    }

    /// The demo could not set itself up.
    pub(crate) fn demo(reason: &dyn std::fmt::Display) -> Self {
        Self::Demo {
            reason: reason.to_string(),
        }
    }

    /// 78 when only another configuration helps, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Config { .. }
            | Self::Key { .. }
            | Self::Store {
                source:
                    StoreError::WrongKey { .. }
                    | StoreError::NewerSchema { .. }
                    | StoreError::Foreign { .. },
            } => 78,
            _ => 1,
        }
    }
}

const STOP_IT: &str = "Stop it first (docker compose stop, or end the process), then try again.";

/// What to do about the database, where there is something to say.
fn mending(error: &StoreError) -> String {
    let what = match error {
        StoreError::InUse { .. } => STOP_IT,
        StoreError::WrongKey { .. } => {
            "Put the right key back: DATA_DIR/secret.key from your backup, or SECRET_KEY. If a change \
             of keys was interrupted, run caldav-sync rekey again. Without the key, start with an \
             empty DATA_DIR and enter the accounts anew: events are not lost."
        }
        StoreError::Damaged { .. } => {
            "Put a backup in its place: caldav-sync restore FILE. The damaged file is kept."
        }
        StoreError::OlderSchema { .. } => "Start this version of the server once.",
        _ => return String::new(),
    };
    format!("\n    {what}")
}

fn listening(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another program listens there: stop it, or set BIND to another port."
        }
        io::ErrorKind::PermissionDenied => {
            "Ports below 1024 need privileges: set BIND to a higher one."
        }
        io::ErrorKind::AddrNotAvailable => {
            "This machine has no such address: set BIND to one it has, or to 127.0.0.1."
        }
        _ => "Set BIND to another address or port.",
    }
}
