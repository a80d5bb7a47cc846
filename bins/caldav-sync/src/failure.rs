//! How the program ends when it does not end well: the words, and the exit code.

use std::io;
use std::net::SocketAddr;

use app::UserError;
use store::StoreError;

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
    #[error("{source}")]
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

    /// The demo could not set itself up.
    pub(crate) fn demo(reason: &dyn std::fmt::Display) -> Self {
        Self::Demo {
            reason: reason.to_string(),
        }
    }

    /// 78 when only another configuration helps, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Config { .. }
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
