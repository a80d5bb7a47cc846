//! The client: judge, connect, read to a limit. It neither retries nor follows redirects.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::redirect;
use url::{Host, Url};

use crate::address::{Reach, Verdict};
use crate::error::Error;
use crate::message::{Request, Response};
use crate::policy::{Origin, Policy};
use crate::resolve::Judging;
use crate::site;

/// Makes requests to the outside. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    policy: Policy,
    /// May connect to private addresses.
    anywhere: reqwest::Client,
    /// May not. A client of its own, so that it never finds a pooled connection of the other.
    public: reqwest::Client,
}

impl Client {
    /// Sets up a client.
    ///
    /// # Errors
    /// [`Error::Setup`] if the machine has no usable trust store.
    pub fn new(policy: Policy) -> Result<Self, Error> {
        Ok(Self {
            inner: Arc::new(Inner {
                anywhere: build(&policy, Origin::Administrator)?,
                public: build(&policy, Origin::Server(Reach::Public))?,
                policy,
            }),
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
        let client = match origin {
            Origin::Server(Reach::Public) => &self.inner.public,
            Origin::Administrator | Origin::Server(Reach::Private) => &self.inner.anywhere,
        };
        let url = request.url.clone();
        let mut builder = client
            .request(request.method, request.url)
            .headers(request.headers);
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        in_time(&self.inner.policy, &host, self.answer(builder, &host, url)).await
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
        let limit = self.inner.policy.body_limit;
        let too_large = || Error::TooLarge {
            host: host.to_owned(),
            limit,
        };
        let declared = headers
            .get(reqwest::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // A HEAD or 304 declares a length without sending it, so only a body that comes counts.
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
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

/// The IP address that stands in place of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(v4) => Some(v4.into()),
        Host::Ipv6(v6) => Some(v6.into()),
        Host::Domain(_) => None,
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

fn build(policy: &Policy, origin: Origin) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
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
    builder.build().map_err(|source| Error::Setup { source })
}
