//! A request to send and the answer to it, both held in memory as a whole.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use crate::address::Reach;
use crate::site::shown;

/// A request. Its body goes out with `Content-Length`, never chunked.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to; without user name and password.
    pub url: Url,
    /// Headers. Secrets in them are marked as such ([`HeaderValue::set_sensitive`]).
    pub headers: HeaderMap,
    /// The body; empty means none, except for methods that need a length.
    pub body: Vec<u8>,
    /// Largest answer in bytes, where it is less than the client's
    /// ([`Policy::body_limit`](crate::Policy::body_limit)).
    pub answer_limit: Option<usize>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            answer_limit: None,
        }
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// The same request with this header set.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same request, whose answer may have so many bytes at most.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = Some(bytes);
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

impl fmt::Debug for Request {
    /// Without header values and body: they hold secrets and people's calendars.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &shown(&self.url))
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &self.body.len())
            .field("answer_limit", &self.answer_limit)
            .finish()
    }
}

/// An answer, read to its end.
#[derive(Clone)]
pub struct Response {
    /// The status, whatever it is.
    pub status: StatusCode,
    /// Headers. `Content-Encoding` is gone where the body was decompressed.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// What was asked.
    pub url: Url,
    /// Where the server that answered stands: what it sends us to is judged by that.
    pub reach: Reach,
}

impl Response {
    /// A header as text; `None` if it is missing or not ASCII.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("url", &shown(&self.url))
            .field("body", &self.body.len())
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
