//! What the web side needs to be told by whoever starts it.

use url::{Host, Url};

use crate::access::Cidr;

/// The settings of the web side.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// `BASE_URL`: scheme, host and path prefix of every route, link, cookie and redirect.
    pub base_url: Url,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// `FORWARD_AUTH_HEADER`, in lower case: in it a trusted proxy names whom it has signed in.
    pub forward_auth_header: Option<String>,
    /// `ALLOWED_HOSTS`: names without port, besides `BASE_URL`'s, that requests may be meant for.
    pub allowed_hosts: Vec<String>,
    /// `LOCAL_ACCESS`: whether requests from this computer may do without a key.
    pub local_access: bool,
}

impl WebConfig {
    /// The path prefix without a last slash; empty at the root.
    pub(crate) fn prefix(&self) -> &str {
        self.base_url.path().trim_end_matches('/')
    }

    /// Whether browsers come by https.
    pub(crate) fn https(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// Whether browsers come by plain http over a network.
    pub(crate) fn in_clear(&self) -> bool {
        !self.https() && !self.is_loopback()
    }

    /// Whether `BASE_URL` is on this computer.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.base_url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// `scheme://host[:port]` as browsers write it in `Origin`.
    pub(crate) fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }
}
