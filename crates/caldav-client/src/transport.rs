//! Sending requests for one account: credentials, redirects, pauses, and what is learned on the way.
//!
//! A request passes four layers, each a method: `run` parses, `persist` repeats, `follow` goes where
//! the server points, `sign_in` adds credentials. Below them is `outbound`, which judges addresses.

mod pace;

pub use pace::Pacing;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use outbound::{Client, Hop, Method, Origin, Reach, Response, Trail, Url};
use sync_engine::model::time::Timestamp;
use tokio::sync::Semaphore;

use crate::auth::{Auth, Reaction, Sent, challenges};
use crate::error::{Error, Trouble};
use crate::profile::Profile;
use crate::requests::{DavRequest, Failure};
pub(crate) use pace::http_date;
use pace::{Gate, retry_after};

/// Answers larger than this are parsed where blocking does no harm.
const PARSED_APART: usize = 128 * 1024;
/// How many times one request is sent with other credentials.
const SIGN_INS: usize = 5;

/// One account's way to its server. Lives as long as the account is in use, so that connections,
/// nonces and pauses are shared by all its calendars.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    typed: Url,
    auth: Auth,
    pacing: Pacing,
    permits: Semaphore,
    gate: Gate,
    profile: Mutex<Profile>,
    /// Where hosts that answered stand.
    reaches: Mutex<HashMap<String, Reach>>,
    /// The server answers without asking for credentials it needs.
    forced: std::sync::atomic::AtomicBool,
}

/// An answer, and where it came from in the end.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    pub(crate) answer: T,
    pub(crate) url: Url,
}

impl Session {
    pub(crate) fn new(
        client: Client,
        typed: Url,
        auth: Auth,
        profile: Profile,
        pacing: Pacing,
    ) -> Self {
        Self {
            client,
            typed,
            auth,
            permits: Semaphore::new(pacing.concurrency.max(1)),
            gate: Gate::default(),
            pacing,
            profile: Mutex::new(profile),
            reaches: Mutex::default(),
            forced: std::sync::atomic::AtomicBool::new(false),
        }
    }

    pub(crate) fn typed(&self) -> &Url {
        &self.typed
    }

    pub(crate) fn host(&self) -> &str {
        self.typed.host_str().unwrap_or_default()
    }

    pub(crate) fn username(&self) -> &str {
        self.auth.username()
    }

    pub(crate) fn pacing(&self) -> &Pacing {
        &self.pacing
    }

    pub(crate) fn profile(&self) -> Profile {
        self.profile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes something learned about the server.
    pub(crate) fn learn(&self, change: impl FnOnce(&mut Profile)) {
        change(&mut self.profile.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Sends credentials from now on even where nobody asks for them.
    pub(crate) fn force_sign_in(&self) {
        if !self.is_safe(&self.typed) {
            tracing::warn!(
                host = self.host(),
                "the password travels in clear: use an https address"
            );
        }
        self.forced
            .store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Where an href of the server at `from` leads.
    pub(crate) fn place(&self, from: &Url, href: &str) -> Option<Url> {
        let trail = Trail::new(self.typed.clone());
        trail
            .hop(from, self.origin_of(from), href)
            .ok()
            .map(|hop| hop.url)
    }

    /// Sends a request, repeating it as often as the account's pacing allows.
    pub(crate) async fn run<R>(&self, url: &Url, request: R) -> Result<Reply<R::Answer>, Trouble>
    where
        R: DavRequest + Send + Sync + 'static,
        R::Answer: Send + 'static,
    {
        self.run_with(url, request, self.pacing.attempts).await
    }

    /// Waits before a write that the server stumbled over is looked into and tried again: it may
    /// have stumbled over another one of ours (Xandikos answers 500 to one of two deletions at once).
    pub(crate) async fn after_stumbling(&self, trouble: &Trouble, attempt: u32) {
        if trouble.status().is_some_and(|status| status >= 500) {
            tokio::time::sleep(self.pacing.pause(attempt)).await;
        }
    }

    /// Sends a request while a person waits: repeated once at most.
    pub(crate) async fn ask<R>(&self, url: &Url, request: R) -> Result<Reply<R::Answer>, Trouble>
    where
        R: DavRequest + Send + Sync + 'static,
        R::Answer: Send + 'static,
    {
        self.run_with(url, request, self.pacing.attempts.min(2))
            .await
    }

    async fn run_with<R>(
        &self,
        url: &Url,
        request: R,
        attempts: u32,
    ) -> Result<Reply<R::Answer>, Trouble>
    where
        R: DavRequest + Send + Sync + 'static,
        R::Answer: Send + 'static,
    {
        let response = self.persist(url, &request, attempts).await?;
        let url = response.url.clone();
        let parsed = if response.body.len() > PARSED_APART {
            tokio::task::spawn_blocking(move || request.parse(&response))
                .await
                .unwrap_or_else(|_| {
                    // Parsing does not panic; if it ever does, one answer is lost and no more.
                    Err(Failure::from(crate::multistatus::XmlError::Malformed {
                        detail: "reading it failed".to_owned(),
                    }))
                })
        } else {
            request.parse(&response)
        };
        match parsed {
            Ok(answer) => Ok(Reply { answer, url }),
            Err(failure) => Err(Trouble::Failure(failure)),
        }
    }

    /// Sends a request until there is an answer, or no sense in going on.
    async fn persist<R: DavRequest>(
        &self,
        url: &Url,
        request: &R,
        attempts: u32,
    ) -> Result<Response, Error> {
        let repeatable = !matches!(
            request.prepare(url).method,
            Method::PUT | Method::DELETE | Method::POST
        );
        let host = url.host_str().unwrap_or_default();
        let mut attempt = 0;
        loop {
            self.gate.pass(&self.pacing, host).await?;
            let outcome = {
                // The semaphore is never closed.
                let _permit = self.permits.acquire().await;
                self.follow(url, request).await
            };
            attempt += 1;
            let last = attempt >= attempts;
            let mut pause = self.pacing.pause(attempt);
            match outcome {
                Ok(response) => match response.status.as_u16() {
                    status @ (429 | 503) => {
                        let wanted = retry_after(&response, Timestamp::now());
                        pause = pause.max(wanted.unwrap_or_default());
                        if last || pause > self.pacing.patience {
                            return Err(self.busy(host, status, wanted));
                        }
                        self.gate.close(pause);
                    }
                    // Somebody else is just writing (Xandikos locks the whole calendar for each
                    // write): nothing happened, and the next moment is as good.
                    423 if last => return Err(self.busy(host, 423, None)),
                    // What a gateway says does not tell whether the request went through.
                    status @ (502 | 504) if last || !repeatable => {
                        return Err(self.busy(host, status, None));
                    }
                    423 | 502 | 504 => {}
                    500 if repeatable && !last => {}
                    _ => return Ok(response),
                },
                Err(Error::Unreachable { source }) => {
                    let again = source.is_transient()
                        && (repeatable || source.was_not_sent())
                        // A name that does not resolve will not do so in a second; and two long
                        // silences are long enough.
                        && !matches!(source, outbound::Error::Resolve { .. })
                        && !(matches!(source, outbound::Error::Timeout { .. }) && attempt >= 2);
                    if last || !again {
                        return Err(source.into());
                    }
                }
                Err(error) => return Err(error),
            }
            tracing::debug!(host, attempt, "asking again");
            tokio::time::sleep(pause).await;
        }
    }

    fn busy(&self, host: &str, status: u16, wanted: Option<Duration>) -> Error {
        if let Some(wanted) = wanted {
            self.gate.close(wanted);
        }
        Error::Busy {
            host: host.to_owned(),
            status,
            not_before: wanted.and_then(|wanted| Timestamp::now().checked_add(wanted).ok()),
        }
    }

    /// Sends a request and goes where redirects lead.
    async fn follow<R: DavRequest>(&self, url: &Url, request: &R) -> Result<Response, Error> {
        let mut trail = Trail::new(self.typed.clone());
        let mut hop = Hop {
            url: url.clone(),
            origin: self.origin_of(url),
            credentials: trail.may_carry_credentials(url),
        };
        loop {
            let response = self.sign_in(&hop, request).await?;
            match trail.follow(&response)? {
                Some(next) => hop = next,
                None => return Ok(response),
            }
        }
    }

    /// Sends a request with the credentials that the server wants, where they may go.
    async fn sign_in<R: DavRequest>(&self, hop: &Hop, request: &R) -> Result<Response, Error> {
        let host = hop.url.host_str().unwrap_or_default().to_owned();
        let forced = self.forced.load(std::sync::atomic::Ordering::Relaxed);
        for _ in 0..SIGN_INS {
            let mut prepared = request.prepare(&hop.url);
            let mut sent = Sent::Nothing;
            if hop.credentials {
                let safe = self.is_safe(&hop.url);
                let (what, value) = self.auth.header(&prepared.method, &hop.url, safe, forced);
                if let Some(value) = value {
                    prepared.headers.insert(AUTHORIZATION, value);
                    sent = what;
                }
            }
            let response = self
                .client
                .send(hop.origin, prepared)
                .await
                .map_err(|error| self.refused_at(&hop.url, error))?;
            self.note_reach(&hop.url, response.reach);
            if response.status.as_u16() != 401 {
                if let Some(known) = self.auth.accepted(&sent) {
                    self.learn(|profile| profile.sign_in = known);
                }
                return Ok(response);
            }
            if !hop.credentials {
                return Err(Error::OtherSite {
                    host: self.host().to_owned(),
                    other: host,
                });
            }
            let offered = challenges(
                response
                    .headers
                    .get_all(WWW_AUTHENTICATE)
                    .iter()
                    .filter_map(|value| value.to_str().ok()),
            );
            let safe = self.is_safe(&hop.url);
            if self.auth.refused(&sent, &offered, safe) == Reaction::GiveUp {
                break;
            }
        }
        Err(Error::Unauthorized { host })
    }

    /// A certificate that is refused where nobody typed the address is not to be trusted there.
    fn refused_at(&self, url: &Url, source: outbound::Error) -> Error {
        if source.certificates().is_some() && url.origin() != self.typed.origin() {
            return Error::UnsafeElsewhere {
                host: self.host().to_owned(),
                other: url.origin().ascii_serialization(),
                source,
            };
        }
        source.into()
    }

    /// Who named `url`: the administrator, if it is on the server he typed, else that server. A
    /// server that answered from a public address has to stay at one.
    fn origin_of(&self, url: &Url) -> Origin {
        if url.origin() == self.typed.origin() {
            match self.reach(self.host()) {
                Some(Reach::Public) => Origin::Server(Reach::Public),
                Some(Reach::Private) | None => Origin::Administrator,
            }
        } else if self.profile().private {
            Origin::Server(Reach::Private)
        } else {
            Origin::Server(Reach::Public)
        }
    }

    /// Whether nobody listens on the way to `url`.
    fn is_safe(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https"
            || host == "localhost"
            || self.client.spelled_reach(url) == Some(Reach::Private)
            || self.reach(host) == Some(Reach::Private)
            || (self.profile().private && url.host() == self.typed.host())
    }

    /// Where a host stood when it answered.
    fn reach(&self, host: &str) -> Option<Reach> {
        let reaches = self.reaches.lock().unwrap_or_else(PoisonError::into_inner);
        reaches.get(host).copied()
    }

    fn note_reach(&self, url: &Url, reach: Reach) {
        if url.origin() == self.typed.origin() {
            self.learn(|profile| profile.private = reach == Reach::Private);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        self.reaches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host, reach);
    }
}
