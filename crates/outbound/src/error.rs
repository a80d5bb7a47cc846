//! What can go wrong on the way out. Hosts are named, bodies, queries and headers never.

use std::error::Error as StdError;

use crate::resolve::{Refused, Unresolved};

/// A request that got no answer, or none that may be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not one that can be gone to.
    #[error("the address cannot be used: {why}")]
    Address {
        /// Why.
        why: String,
    },
    /// The address the name stands for may not be connected to. Never retried.
    #[error("{host} may not be connected to: it is {why}")]
    Forbidden {
        /// The host.
        host: String,
        /// What kind of address it is.
        why: &'static str,
    },
    /// A redirect leads nowhere.
    #[error("{host} sent us to a place that cannot be gone to: {why}")]
    Redirect {
        /// The host that sent us.
        host: String,
        /// Why.
        why: String,
    },
    /// More than five redirects in a row.
    #[error("{host} keeps redirecting")]
    TooManyRedirects {
        /// The host.
        host: String,
    },
    /// The name does not resolve. May be retried.
    #[error("the name {host} could not be resolved")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver said.
        #[source]
        source: reqwest::Error,
    },
    /// Nobody answers there. May be retried.
    #[error("no connection to {host}: {why}")]
    Connect {
        /// The host.
        host: String,
        /// Why, in the system's words.
        why: String,
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
    /// The server's certificate, or its TLS, cannot be accepted.
    #[error("no safe connection to {host}: {why}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: String,
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
    /// It took too long. May be retried, if asking twice does no harm.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host.
        host: String,
    },
    /// The answer is larger than permitted.
    #[error("the answer of {host} is larger than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection broke off, or what came was no HTTP. May be retried, if asking twice does no
    /// harm.
    #[error("the connection to {host} broke off")]
    Broken {
        /// The host.
        host: String,
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
    /// The client could not be made.
    #[error("the HTTP client could not be set up")]
    Setup {
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
}

impl Error {
    /// Whether the same request may fare better later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Resolve { .. }
                | Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Broken { .. }
        )
    }

    /// Whether the request cannot have reached the server, so that sending it again does no harm.
    pub fn was_not_sent(&self) -> bool {
        !matches!(
            self,
            Self::Timeout { .. } | Self::Broken { .. } | Self::TooLarge { .. }
        )
    }

    /// Sorts what reqwest says.
    pub(crate) fn from_reqwest(host: &str, error: reqwest::Error) -> Self {
        let host = host.to_owned();
        let error = error.without_url();
        if let Some(refused) = in_chain::<Refused>(&error) {
            return Self::Forbidden {
                host,
                why: refused.why,
            };
        }
        if in_chain::<Unresolved>(&error).is_some() {
            return Self::Resolve {
                host,
                source: error,
            };
        }
        if let Some(why) = tls_trouble(&error) {
            return Self::Tls {
                host,
                why,
                source: error,
            };
        }
        if error.is_timeout() {
            return Self::Timeout { host };
        }
        if error.is_connect() {
            return Self::Connect {
                host,
                why: innermost(&error),
                source: error,
            };
        }
        Self::Broken {
            host,
            source: error,
        }
    }
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let here = next?;
        next = here.source();
        Some(here)
    })
    .take(16)
}

fn in_chain<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| {
        error.downcast_ref::<T>().or_else(|| {
            // An io::Error hides what it carries from `source`.
            error
                .downcast_ref::<std::io::Error>()?
                .get_ref()?
                .downcast_ref::<T>()
        })
    })
}

/// What is wrong with a certificate, in plain words. rustls' own error type is two crates away;
/// its texts are stable enough to sort by, and an unknown one is shown as it is.
fn tls_trouble(error: &reqwest::Error) -> Option<String> {
    let text = chain(error)
        .map(ToString::to_string)
        .find(|text| text.contains("certificate") || text.contains("received fatal alert"))
        .or_else(|| {
            chain(error)
                .map(ToString::to_string)
                .find(|text| text.contains("corrupt message") || text.contains("handshake"))
        })?;
    let known = [
        (
            "UnknownIssuer",
            "its certificate is signed by nobody this machine trusts",
        ),
        ("Expired", "its certificate has expired"),
        ("expired", "its certificate has expired"),
        (
            "NotValidYet",
            "its certificate is not valid yet; is the clock right?",
        ),
        (
            "not valid yet",
            "its certificate is not valid yet; is the clock right?",
        ),
        ("NotValidForName", "its certificate is for another name"),
        ("not valid for name", "its certificate is for another name"),
        ("Revoked", "its certificate has been revoked"),
        (
            "CaUsedAsEndEntity",
            "its certificate is a self-made authority's own; it needs one signed by that authority",
        ),
        (
            "corrupt message",
            "it does not speak TLS there; is the port right?",
        ),
    ];
    Some(
        known
            .iter()
            .find(|(mark, _)| text.contains(mark))
            .map_or_else(|| text.clone(), |(_, plain)| (*plain).to_owned()),
    )
}

fn innermost(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
