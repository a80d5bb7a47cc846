//! What can go wrong on the way out. Hosts are named, bodies, queries and headers never.

use std::error::Error as StdError;

use crate::certificate::Fingerprint;
use crate::resolve::{Refused, Unresolved};
use crate::verify::Rejected;

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
    /// The server's certificate is none that this machine accepts. A person who knows the
    /// certificate may trust it ([`Client::trusting`](crate::Client::trusting)).
    #[error("no safe connection to {host}: {why}, and its SHA-256 fingerprint is {fingerprint}")]
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: String,
        /// The certificate that was shown.
        fingerprint: Fingerprint,
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
    /// The server shows another certificate than the one that was trusted.
    #[error(
        "the certificate of {host} has CHANGED: trusted was the one with the SHA-256 fingerprint \
         {trusted}, the new one has {fingerprint}{}",
        and(why.as_deref())
    )]
    CertificateChanged {
        /// The host.
        host: String,
        /// The certificate that was trusted.
        trusted: Fingerprint,
        /// The certificate that was shown.
        fingerprint: Fingerprint,
        /// What would be wrong with it if none were trusted; `None` if it would be accepted.
        why: Option<String>,
        /// The error underneath.
        #[source]
        source: reqwest::Error,
    },
    /// The server's TLS cannot be accepted.
    #[error("no safe connection to {host}: {why}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong there.
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
        source: Box<dyn StdError + Send + Sync>,
    },
}

fn and(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(" ({why})"))
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

    /// The certificate that was shown, where one is the trouble, and the one that was trusted.
    pub fn certificates(&self) -> Option<(Fingerprint, Option<Fingerprint>)> {
        match self {
            Self::Certificate { fingerprint, .. } => Some((*fingerprint, None)),
            Self::CertificateChanged {
                fingerprint,
                trusted,
                ..
            } => Some((*fingerprint, Some(*trusted))),
            _ => None,
        }
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
        if let Some(tls) = in_chain::<rustls::Error>(&error) {
            return match rejected(tls).cloned() {
                Some(Rejected {
                    shown: fingerprint,
                    trusted: Some(trusted),
                    why,
                }) => Self::CertificateChanged {
                    host,
                    trusted,
                    fingerprint,
                    why,
                    source: error,
                },
                Some(rejected) => Self::Certificate {
                    host,
                    why: rejected.why.unwrap_or_default(),
                    fingerprint: rejected.shown,
                    source: error,
                },
                None => Self::Tls {
                    host,
                    why: plain(tls),
                    source: error,
                },
            };
        }
        // tokio-rustls has a text for a server that hangs up in the middle, and no type.
        let hung_up = chain(&error)
            .map(ToString::to_string)
            .find(|text| text.contains("handshake"));
        if let Some(why) = hung_up {
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
        // An io::Error hides what it carries from `source`.
        let carried = here
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match carried {
            Some(carried) => Some(carried),
            None => here.source(),
        };
        Some(here)
    })
    .take(16)
}

fn in_chain<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// What our verifier said, inside of what rustls says.
fn rejected(error: &rustls::Error) -> Option<&Rejected> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref()
        }
        _ => None,
    }
}

/// What is wrong with a server's TLS, in plain words; an unknown reason is shown as it is.
fn plain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there (is the port right?)",
        rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature) => {
            "it does not hold the key of the certificate it shows"
        }
        other => return other.to_string(),
    }
    .to_owned()
}

fn innermost(error: &reqwest::Error) -> String {
    chain(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
