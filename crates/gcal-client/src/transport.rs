//! How requests get out: one small trait, implemented by the guarded client of `outbound` and by the
//! fakes of tests. It neither retries nor follows redirects.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use outbound::{Client, Origin, Policy, Request, Response};

/// The settings of a [`Client`] for Google: a page of a thousand events may be large. Other requests
/// have smaller limits of their own.
pub fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.total_timeout = Duration::from_mins(2);
    policy.body_limit = 48 * 1024 * 1024;
    policy
}

/// Sends one request and reads the whole answer.
pub trait Transport: Send + Sync + 'static {
    /// Any status is an answer; an error means that none came.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, outbound::Error>>;
}

impl Transport for Client {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, outbound::Error>> {
        // Google's endpoints are the operator's settings, never a server's word.
        Self::send(self, Origin::Administrator, request).boxed()
    }
}
