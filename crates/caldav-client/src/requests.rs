//! Requests as values: what is sent and how the answer reads, without any I/O.
//!
//! Each request is a plain struct in a file of its own. The transport prepares it for an address,
//! sends it (with credentials, redirects and pauses of which nothing is known here) and lets it
//! parse the answer.

mod calendars;
mod collection;
mod delete;
mod etags;
mod get;
mod home_set;
mod multiget;
mod options;
mod principal;
mod put;
mod sync_collection;

pub use calendars::ListCalendars;
pub use collection::{CollectionState, ReadCollection};
pub use delete::Delete;
pub use etags::{ListEtags, ReadEtag};
pub use get::{Body, Get};
pub use home_set::{FindHomes, PrincipalFacts};
pub use multiget::Multiget;
pub use options::ReadOptions;
pub use principal::{FindPrincipal, Landing};
pub use put::{Condition, Put, Stored};
pub use sync_collection::{SyncCollection, SyncPage};

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use outbound::{Method, Request, Response, Url};

use crate::multistatus::{self, DavError, Limits, Multistatus, XmlError};
use crate::names::{DAV, Name};
use crate::xml::{Element, prop};

/// One kind of request.
pub trait DavRequest {
    /// What its answer says.
    type Answer;

    /// The request to send to `url`: without credentials, ready otherwise.
    fn prepare(&self, url: &Url) -> Request;

    /// Reads the answer: any status but redirects, 401, and what asks to come back later.
    ///
    /// # Errors
    /// [`Failure`]: what the server refused, or that its answer makes no sense.
    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure>;
}

/// An answer that is not the one hoped for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A status that refuses.
    #[error("the server answered {status}")]
    Status {
        /// The status.
        status: u16,
        /// What the body gives as a reason.
        error: DavError,
        /// The body speaks of a UID that exists already (in words, where it is no XML condition).
        uid_taken: bool,
    },
    /// The status is right and the body is not.
    #[error("the server's answer cannot be read: {source}")]
    Xml {
        /// Why.
        #[from]
        source: XmlError,
    },
}

impl Failure {
    /// The failure that an answer is.
    pub(crate) fn of(response: &Response) -> Self {
        let error = DavError::parse(&response.body);
        let start = response.body.get(..2048).unwrap_or(&response.body);
        let words = String::from_utf8_lossy(start).to_ascii_lowercase();
        let uid_taken = error.has("no-uid-conflict")
            || (words.contains("uid")
                && ["exist", "conflict", "duplicate", "already", "trash"]
                    .iter()
                    .any(|word| words.contains(word)));
        Self::Status {
            status: response.status.as_u16(),
            error,
            uid_taken,
        }
    }

    /// The status, if it is one that refuses.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            Self::Xml { .. } => None,
        }
    }
}

const DEPTH: HeaderName = HeaderName::from_static("depth");

/// How far a request reaches below its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Zero,
    One,
}

/// A request with an XML body.
fn with_xml(method: &'static [u8], url: &Url, depth: Option<Depth>, root: &Element) -> Request {
    // PROPFIND and REPORT are tokens, so this never falls back.
    let method = Method::from_bytes(method).unwrap_or_default();
    let mut request = Request::new(method, url.clone())
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/xml; charset=utf-8"),
        )
        .body(root.document());
    if let Some(depth) = depth {
        let value = match depth {
            Depth::Zero => "0",
            Depth::One => "1",
        };
        request = request.header(DEPTH, HeaderValue::from_static(value));
    }
    request
}

fn propfind(url: &Url, depth: Depth, names: &[Name]) -> Request {
    let root = Element::new((DAV, "propfind")).child(prop(names));
    with_xml(b"PROPFIND", url, Some(depth), &root)
}

fn report(url: &Url, depth: Option<Depth>, root: &Element) -> Request {
    with_xml(b"REPORT", url, depth, root)
}

/// The multistatus that an answer holds.
fn multistatus(response: &Response) -> Result<Multistatus, Failure> {
    match response.status.as_u16() {
        // 200 with a multistatus is a known slip; anything else in it is found out by parsing.
        200 | 207 => Ok(multistatus::parse(&response.body, &Limits::default())?),
        _ => Err(Failure::of(response)),
    }
}

/// What is common to the tests of all requests.
#[cfg(test)]
mod testing {
    use super::*;
    use outbound::{Reach, StatusCode, header::HeaderMap};

    pub(super) fn url() -> Url {
        Url::parse("https://dav.example.com/alice/work/").unwrap()
    }

    pub(super) fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            url: url(),
            reach: Reach::Public,
        }
    }

    pub(super) fn with_header(
        mut response: Response,
        name: &'static str,
        value: &'static str,
    ) -> Response {
        response
            .headers
            .insert(name, HeaderValue::from_static(value));
        response
    }

    /// The request as bytes, but for its XML declaration and namespaces.
    pub(super) fn shown(request: &Request) -> String {
        let mut lines = vec![format!("{} {}", request.method, request.url.path())];
        for (name, value) in &request.headers {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        let body = body
            .replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "")
            .replace(
                " xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
             xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:A=\"http://apple.com/ns/ical/\"",
                "",
            );
        lines.push(body);
        lines.join("\n")
    }

    #[test]
    fn failures_say_what_the_server_said() {
        let taken = answer(
            403,
            r#"<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav"/></error>"#,
        );
        assert!(matches!(
            Failure::of(&taken),
            Failure::Status {
                uid_taken: true,
                status: 403,
                ..
            }
        ));
        let words = answer(
            400,
            "<s:message>Calendar object with uid already exists</s:message>",
        );
        assert!(matches!(
            Failure::of(&words),
            Failure::Status {
                uid_taken: true,
                ..
            }
        ));
        let other = answer(400, "<html>No</html>");
        assert!(matches!(
            Failure::of(&other),
            Failure::Status {
                uid_taken: false,
                ..
            }
        ));
        assert!(matches!(
            multistatus(&answer(207, "<html/>")),
            Err(Failure::Xml { .. })
        ));
    }
}
