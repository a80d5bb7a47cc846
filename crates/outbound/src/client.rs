//! The client: judge, connect, read to a limit. It neither retries nor follows redirects.

use std::future::Future;
use std::sync::Arc;

use reqwest::redirect;
use url::Url;

use crate::address::{Reach, Verdict};
use crate::certificate::Fingerprint;
use crate::error::Error;
use crate::message::{Request, Response};
use crate::policy::{Origin, Policy};
use crate::resolve::Judging;
use crate::site::{self, literal};
use crate::tls::Tls;

/// Makes requests to the outside. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// The one place whose certificate was trusted.
    trusted: Option<Arc<Trusted>>,
}

#[derive(Debug)]
struct Inner {
    policy: Policy,
    tls: Tls,
    connections: Connections,
}

/// A place and the connections to it: pools of their own, which nothing else is sent through and
/// which never reach another place.
#[derive(Debug)]
struct Trusted {
    place: Place,
    connections: Connections,
}

/// Host and port of an https address.
#[derive(Debug, PartialEq, Eq)]
struct Place(String, u16);

impl Place {
    fn of(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|_| url.scheme() == "https")?;
        Some(Self(host.to_owned(), url.port_or_known_default()?))
    }
}

#[derive(Debug)]
struct Connections {
    /// May connect to private addresses.
    anywhere: reqwest::Client,
    /// May not. A client of its own, so that it never finds a pooled connection of the other.
    public: reqwest::Client,
}

impl Connections {
    fn new(policy: &Policy, tls: &Tls, trusted: Option<Fingerprint>) -> Result<Self, Error> {
        Ok(Self {
            anywhere: build(policy, tls, trusted, Origin::Administrator)?,
            public: build(policy, tls, trusted, Origin::Server(Reach::Public))?,
        })
    }
}

impl Client {
    /// Sets up a client.
    ///
    /// # Errors
    /// [`Error::Setup`] if the machine has no usable trust store.
    pub fn new(policy: Policy) -> Result<Self, Error> {
        let tls = Tls::of_this_machine().map_err(setup)?;
        Ok(Self {
            inner: Arc::new(Inner {
                connections: Connections::new(&policy, &tls, None)?,
                tls,
                policy,
            }),
            trusted: None,
        })
    }

    /// The same client, for which the server at host and port of `place` has to show exactly the
    /// certificate with this fingerprint, whoever signed it, whatever its name and dates. Everywhere
    /// else, other ports of the same host included, everything stays as it is.
    ///
    /// # Errors
    /// [`Error::Address`] if `place` is no https address, [`Error::Setup`].
    pub fn trusting(&self, place: &Url, certificate: Fingerprint) -> Result<Self, Error> {
        let Inner { policy, tls, .. } = self.inner.as_ref();
        let place = Place::of(place).ok_or_else(|| Error::Address {
            why: "only a server with an https address has a certificate".to_owned(),
        })?;
        let connections = Connections::new(policy, tls, Some(certificate))?;
        Ok(Self {
            inner: Arc::clone(&self.inner),
            trusted: Some(Arc::new(Trusted { place, connections })),
        })
    }

    /// The settings it was made with.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// Sends a request and reads the whole answer. Any status is an answer.
    ///
    /// # Errors
    /// [`Error`], sorted; nothing is retried.
    pub async fn send(&self, origin: Origin, request: Request) -> Result<Response, Error> {
        site::check(&request.url)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        self.judge_literal(origin, &request.url, &host)?;
        let connections = self.connections(&request.url);
        let client = match origin {
            Origin::Server(Reach::Public) => &connections.public,
            Origin::Administrator | Origin::Server(Reach::Private) => &connections.anywhere,
        };
        let url = request.url.clone();
        let limit = self.inner.policy.body_limit;
        let limit = request.answer_limit.map_or(limit, |own| own.min(limit));
        let mut builder = client
            .request(request.method, request.url)
            .headers(request.headers);
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        let answer = self.answer(builder, &host, url, limit);
        in_time(&self.inner.policy, &host, answer).await
    }

    fn connections(&self, url: &Url) -> &Connections {
        match &self.trusted {
            Some(trusted) if Place::of(url).as_ref() == Some(&trusted.place) => {
                &trusted.connections
            }
            _ => &self.inner.connections,
        }
    }

    /// The reach of an address that is spelled out in `url`; `None` for a name, whose reach shows
    /// with the first answer ([`Response::reach`]).
    pub fn spelled_reach(&self, url: &Url) -> Option<Reach> {
        match self.inner.policy.judge(literal(url)?) {
            Verdict::Reachable(reach) => Some(reach),
            Verdict::Never(_) => None,
        }
    }

    /// The resolver is never asked for an address that is spelled out, so that is judged here.
    fn judge_literal(&self, origin: Origin, url: &Url, host: &str) -> Result<(), Error> {
        let Some(address) = literal(url) else {
            return Ok(());
        };
        match origin.allows(self.inner.policy.judge(address)) {
            Ok(_) => Ok(()),
            Err(why) => Err(Error::Forbidden {
                host: host.to_owned(),
                why,
            }),
        }
    }

    async fn answer(
        &self,
        builder: reqwest::RequestBuilder,
        host: &str,
        url: Url,
        limit: usize,
    ) -> Result<Response, Error> {
        let broken = |error| Error::from_reqwest(host, error);
        let mut answer = builder.send().await.map_err(broken)?;
        let reach = match answer.remote_addr() {
            Some(peer) => match self.inner.policy.judge(peer.ip()) {
                Verdict::Reachable(reach) => reach,
                // Cannot happen: it was judged before connecting. Trust it with nothing.
                Verdict::Never(_) => Reach::Public,
            },
            None => Reach::Public,
        };
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        let too_large = || Error::TooLarge {
            host: host.to_owned(),
            limit,
        };
        let declared = headers
            .get(reqwest::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // A HEAD or 304 declares a length without sending it, so only a body that comes counts.
        let mut body = Vec::new();
        while !self.inner.policy.head_only
            && let Some(chunk) = answer.chunk().await.map_err(broken)?
        {
            if declared.is_some_and(|length| length > limit as u64)
                || body.len().saturating_add(chunk.len()) > limit
            {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body,
            url,
            reach,
        })
    }
}

async fn in_time<T>(
    policy: &Policy,
    host: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(policy.total_timeout, work)
        .await
        .unwrap_or_else(|_| {
            Err(Error::Timeout {
                host: host.to_owned(),
            })
        })
}

fn setup(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Setup {
        source: Box::new(source),
    }
}

fn build(
    policy: &Policy,
    tls: &Tls,
    trusted: Option<Fingerprint>,
    origin: Origin,
) -> Result<reqwest::Client, Error> {
    let tls = tls.config(trusted, policy.http1_only).map_err(setup)?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(Judging {
            policy: policy.clone(),
            origin,
        })
        .connect_timeout(policy.connect_timeout)
        .read_timeout(policy.read_timeout)
        .user_agent(&policy.user_agent);
    if policy.http1_only {
        builder = builder.http1_only();
    }
    builder.build().map_err(setup)
}
