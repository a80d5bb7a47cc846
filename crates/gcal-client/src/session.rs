//! Sending requests for one account: with its token, paced, repeated where that is safe.

use std::sync::Arc;
use std::time::Duration;

use outbound::Url;
use outbound::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, Operation, WritesStopped};
use crate::oauth::TokenSource;
use crate::pace::Pacer;
use crate::refusal::{Reaction, Reason, Refusal};
use crate::requests::ApiRequest;
use crate::time::{Time, later};
use crate::transport::Transport;

/// Google compresses only for agents that say the word.
pub(crate) fn user_agent() -> HeaderValue {
    HeaderValue::from_static(concat!(
        "caldav-sync/",
        env!("CARGO_PKG_VERSION"),
        " (gzip)"
    ))
}

/// One account's way to the API.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) api: Url,
    pub(crate) transport: TransportHandle,
    pub(crate) tokens: TokenSource,
    pub(crate) pacer: Pacer,
    pub(crate) time: TimeHandle,
}

/// A transport that can stand in a `Debug` struct.
#[derive(Clone)]
pub(crate) struct TransportHandle(pub(crate) Arc<dyn Transport>);
/// A clock that can stand in a `Debug` struct.
#[derive(Clone)]
pub(crate) struct TimeHandle(pub(crate) Arc<dyn Time>);

impl std::fmt::Debug for TransportHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}
impl std::fmt::Debug for TimeHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) result: Result<T, Error>,
    /// An earlier attempt of this very call may have taken effect although no good answer came.
    pub(crate) sent_before: bool,
}

impl Session {
    /// Sends `request` and gives its answer; see [`Self::call_knowing`].
    pub(crate) async fn call<R: ApiRequest>(&self, request: &R) -> Result<R::Answer, Error> {
        self.call_knowing(request).await.result
    }

    /// Sends `request`, again after a refusal that says "later" and, if it may be repeated, after
    /// a lost answer. An expired token is renewed once.
    pub(crate) async fn call_knowing<R: ApiRequest>(&self, request: &R) -> Outcome<R::Answer> {
        let mut failures = 0;
        let mut renewed = false;
        let mut sent_before = false;
        let result = loop {
            let error = match self.once(request, &mut renewed).await {
                Ok(answer) => break Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            let Some(pause) = self.pause_after(request, &error, failures) else {
                break Err(self.final_word(error));
            };
            sent_before |= error.outcome_is_unknown();
            tracing::debug!(
                operation = request.operation().name(),
                attempt = failures,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                %error,
                "Google request failed; it is sent again."
            );
            self.time.0.sleep(pause).await;
        };
        Outcome {
            result: result.map_err(|error| unsettled(error, request.operation(), sent_before)),
            sent_before,
        }
    }

    /// How long to wait before sending again; `None` if that would not help or not be safe.
    fn pause_after<R: ApiRequest>(
        &self,
        request: &R,
        error: &Error,
        failures: u32,
    ) -> Option<Duration> {
        let (again, asked) = match error {
            Error::Refused { operation, refusal } => match refusal.reason.reaction() {
                Reaction::SlowDown | Reaction::RetrySingly => (true, refusal.retry_after),
                Reaction::OutcomeUnknown => (
                    *operation == Operation::Token || request.may_be_repeated(),
                    refusal.retry_after,
                ),
                _ => (false, None),
            },
            Error::Unreachable { operation, source } => (
                source.was_not_sent() && source.is_transient()
                    || (!source.was_not_sent() && *operation == Operation::Token)
                    || (source.is_transient() && request.may_be_repeated()),
                None,
            ),
            // A body that was cut short.
            Error::Unintelligible { operation, .. } => (
                *operation == Operation::Token || request.may_be_repeated(),
                None,
            ),
            _ => (false, None),
        };
        if !again {
            return None;
        }
        let pause = self
            .pacer
            .backoff()
            .pause(failures, asked, self.time.0.jitter())?;
        if let Error::Refused { refusal, .. } = error
            && refusal.reason.reaction() == Reaction::SlowDown
        {
            self.pacer.pause(pause);
        }
        Some(pause)
    }

    /// What the account remembers of an error that ends a call.
    fn final_word(&self, error: Error) -> Error {
        let Error::Refused { refusal, .. } = &error else {
            return error;
        };
        match refusal.reason.reaction() {
            Reaction::StopWrites => Error::WritesStopped {
                why: WritesStopped::UsageLimit,
                until: self.pacer.usage_limit(),
            },
            Reaction::SlowDown => self.slowed(refusal),
            _ => error,
        }
    }

    fn slowed(&self, refusal: &Refusal) -> Error {
        let pause = refusal
            .retry_after
            .unwrap_or_else(|| self.pacer.backoff().longest);
        self.pacer.pause(pause);
        Error::Paused {
            until: later(self.time.0.now(), pause),
        }
    }

    async fn once<R: ApiRequest>(
        &self,
        request: &R,
        renewed: &mut bool,
    ) -> Result<R::Answer, Error> {
        let token = self.tokens.access().await?;
        match self.send(request, &token).await {
            Err(error)
                if !*renewed
                    && matches!(&error, Error::Refused { refusal, .. }
                        if refusal.reason.reaction() == Reaction::RenewToken) =>
            {
                *renewed = true;
                let token = self.tokens.instead_of(&token).await?;
                self.send(request, &token).await
            }
            result => result,
        }
    }

    async fn send<R: ApiRequest>(
        &self,
        request: &R,
        token: &SecretString,
    ) -> Result<R::Answer, Error> {
        let operation = request.operation();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| Error::Unintelligible {
                operation: Operation::Token,
                detail: "the access token cannot stand in a header".to_owned(),
            })?;
        bearer.set_sensitive(true);
        let prepared = request
            .prepare(&self.api)?
            .header(AUTHORIZATION, bearer)
            .header(USER_AGENT, user_agent());
        let _admitted = self
            .pacer
            .admit(request.cost(), request.writes_to())
            .await?;
        let response = self
            .transport
            .0
            .send(prepared)
            .await
            .map_err(|source| Error::Unreachable { operation, source })?;
        let result = request.parse(&response);
        tracing::debug!(
            operation = operation.name(),
            status = response.status.as_u16(),
            cost = request.cost(),
            "Google answered."
        );
        if request.writes_to().is_some() && was_let_through(&result) {
            self.pacer.write_went_through();
        }
        result
    }
}

/// Whether the account's writes are taken, whatever became of this one: limits are looked at before
/// the event is.
fn was_let_through<T>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => matches!(
            error.reason().map(Reason::reaction),
            Some(
                Reaction::Park
                    | Reaction::RefetchAndMerge
                    | Reaction::TakenId
                    | Reaction::NotPermitted
                    | Reaction::Gone
            )
        ),
    }
}

/// After a lost answer to a write only some refusals tell what became of it: that the version, the
/// id or the event itself is another.
fn unsettled(error: Error, operation: Operation, sent_before: bool) -> Error {
    let tells = matches!(
        error.reason().map(Reason::reaction),
        Some(Reaction::RefetchAndMerge | Reaction::TakenId | Reaction::Gone)
    );
    if !sent_before || !operation.is_write() || tells {
        return error;
    }
    Error::Unsettled {
        operation,
        source: Box::new(error),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A clock that moves by sleeping.

    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::future::{BoxFuture, FutureExt as _};
    use sync_engine::model::time::Timestamp;

    use crate::time::{Time, later};

    pub(crate) struct TestTime {
        start: Timestamp,
        slept: Mutex<Duration>,
    }

    impl TestTime {
        pub(crate) fn at(start: &str) -> Self {
            Self {
                start: start.parse().unwrap(),
                slept: Mutex::new(Duration::ZERO),
            }
        }

        pub(crate) fn slept(&self) -> Duration {
            *self.slept.lock().unwrap()
        }

        pub(crate) fn advance(&self, by: Duration) {
            *self.slept.lock().unwrap() += by;
        }
    }

    impl Time for TestTime {
        fn now(&self) -> Timestamp {
            later(self.start, self.slept())
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            self.advance(duration);
            // Others run meanwhile, as they would.
            tokio::task::yield_now().boxed()
        }

        fn jitter(&self) -> f64 {
            0.0
        }
    }
}
