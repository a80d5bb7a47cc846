//! Who may go where, and for how long: the settings of a [`Client`](crate::Client).

use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::address::{self, Reach, Verdict};

/// Who named the address of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An administrator typed it: it may be private.
    Administrator,
    /// A server of this reach sent us there (redirect, href): from a public one never to a private
    /// address.
    Server(Reach),
}

impl Origin {
    /// Whether an address of this verdict may be connected to; the reason why not.
    pub(crate) fn allows(self, verdict: Verdict) -> Result<Reach, &'static str> {
        match (verdict, self) {
            (Verdict::Never(why), _) => Err(why),
            (Verdict::Reachable(Reach::Private), Self::Server(Reach::Public)) => {
                Err("a private address, and a public server sent us there")
            }
            (Verdict::Reachable(reach), _) => Ok(reach),
        }
    }
}

/// Turns a host name into addresses; by default the system does.
pub type Lookup = Arc<dyn Fn(String) -> LookupFuture + Send + Sync>;
/// What a [`Lookup`] gives.
pub type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// The settings of a [`Client`](crate::Client).
#[derive(Clone)]
pub struct Policy {
    /// Time to connect, TLS included.
    pub connect_timeout: Duration,
    /// Longest silence while an answer is read.
    pub read_timeout: Duration,
    /// Longest time for one request with its whole answer.
    pub total_timeout: Duration,
    /// Largest answer in bytes, counted after decompression.
    pub body_limit: usize,
    /// An answer is its head alone: nothing of its body is read, however large it is.
    pub head_only: bool,
    /// Only HTTP/1.1: some CalDAV servers stumble over HTTP/2 multiplexing.
    pub http1_only: bool,
    /// The `User-Agent` header.
    pub user_agent: String,
    lookup: Option<Lookup>,
    judge: fn(IpAddr) -> Verdict,
}

impl Default for Policy {
    /// 10 s to connect, 30 s of silence, 60 s in all, 16 MiB.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_mins(1),
            body_limit: 16 * 1024 * 1024,
            head_only: false,
            http1_only: false,
            user_agent: concat!("caldav-sync/", env!("CARGO_PKG_VERSION")).to_owned(),
            lookup: None,
            judge: address::judge,
        }
    }
}

impl Policy {
    /// For CalDAV servers: HTTP/1.1, large listings (100,000 resources take less than half of it),
    /// patience with slow machines.
    #[must_use]
    pub fn caldav() -> Self {
        Self {
            read_timeout: Duration::from_mins(1),
            total_timeout: Duration::from_mins(3),
            body_limit: 48 * 1024 * 1024,
            http1_only: true,
            ..Self::default()
        }
    }

    /// For webhooks: short, and nobody reads the answer.
    #[must_use]
    pub fn webhook() -> Self {
        Self {
            read_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(20),
            head_only: true,
            ..Self::default()
        }
    }

    /// Other name resolution than the system's. Its answers are judged like any others.
    #[must_use]
    pub fn with_lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = Some(lookup);
        self
    }

    /// Another table of addresses, for tests: they cannot run a server on a public address, so they
    /// let some loopback address stand for one.
    #[doc(hidden)]
    #[must_use]
    pub fn with_judge(mut self, judge: fn(IpAddr) -> Verdict) -> Self {
        self.judge = judge;
        self
    }

    pub(crate) fn judge(&self, address: IpAddr) -> Verdict {
        (self.judge)(address)
    }

    pub(crate) fn lookup(&self, host: String) -> LookupFuture {
        match &self.lookup {
            Some(lookup) => lookup(host),
            None => Box::pin(async move {
                let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
                Ok(found.map(|socket| socket.ip()).collect())
            }),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("total_timeout", &self.total_timeout)
            .field("body_limit", &self.body_limit)
            .field("head_only", &self.head_only)
            .field("http1_only", &self.http1_only)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
