//! The API's requests as values: [`ApiRequest::prepare`] gives what to send, [`ApiRequest::parse`]
//! understands the answer. No I/O, no token, no retry: those are the session's.

pub mod calendar_list;
pub mod delete;
pub mod get;
pub mod insert;
pub mod instances;
pub mod list;
pub mod patch;
pub mod update;
pub mod wire;

use outbound::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH};
use outbound::{Method, Request, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Operation};
use crate::refusal::Refusal;

pub use calendar_list::{AccessRole, CalendarList, CalendarPage};
pub use delete::Delete;
pub use get::Get;
pub use insert::Insert;
pub use instances::Instances;
pub use list::{EventPage, EventsList};
pub use patch::Patch;
pub use update::Update;

/// One call of the API.
pub trait ApiRequest: Sync {
    /// What a good answer gives.
    type Answer;

    /// Which call it is.
    fn operation(&self) -> Operation;

    /// What it costs of the 600 units a minute.
    fn cost(&self) -> u32 {
        1
    }

    /// The calendar it writes to; `None` for reads.
    fn writes_to(&self) -> Option<&str> {
        None
    }

    /// Whether sending it twice does no more than sending it once.
    fn may_be_repeated(&self) -> bool {
        true
    }

    /// The request, without credentials. `api` is the API's root, such as
    /// `https://www.googleapis.com/calendar/v3`.
    ///
    /// # Errors
    /// [`Error::Setup`] if the root can have no paths.
    fn prepare(&self, api: &Url) -> Result<Request, Error>;

    /// Understands the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] for every status but 2xx, [`Error::Unintelligible`] for a body that is
    /// not what the API promises.
    fn parse(&self, response: &Response) -> Result<Self::Answer, Error>;
}

/// `api` and these path segments, percent-encoded.
fn address(api: &Url, segments: &[&str]) -> Result<Url, Error> {
    let mut url = api.clone();
    url.path_segments_mut()
        .map_err(|()| Error::setup("GOOGLE_API_URL must be an http(s) address."))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

/// `…/calendars/{calendar}/events`, and one event of it.
fn events(api: &Url, calendar: &str, event: Option<&str>) -> Result<Url, Error> {
    let mut segments = vec!["calendars", calendar, "events"];
    segments.extend(event);
    address(api, &segments)
}

/// No write of ours mails anybody.
fn quietly(mut url: Url) -> Url {
    url.query_pairs_mut().append_pair("sendUpdates", "none");
    url
}

fn with_json(request: Request, body: &impl Serialize) -> Result<Request, Error> {
    let body = serde_json::to_vec(body)
        .map_err(|error| Error::setup(format!("a request body could not be written: {error}")))?;
    Ok(request
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        )
        .body(body))
}

/// Makes a request conditional on a version. An ETag that no header can carry makes it
/// unconditional: Google gives none such.
fn if_match(request: Request, etag: Option<&str>) -> Request {
    with_header(request, IF_MATCH, etag)
}

fn with_header(request: Request, name: HeaderName, value: Option<&str>) -> Request {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => request.header(name, value),
        None => request,
    }
}

/// Bytes of an answer about one event. Google's own limits keep a real one far below.
const LARGEST: usize = 2 * 1024 * 1024;

fn request(method: Method, url: Url) -> Request {
    Request::new(method, url).answer_limit(LARGEST)
}

/// Refuses what is no 2xx.
fn accepted(operation: Operation, response: &Response) -> Result<(), Error> {
    if response.status.is_success() {
        Ok(())
    } else {
        Err(Error::refused(operation, Refusal::read(response)))
    }
}

fn json<T: DeserializeOwned>(operation: Operation, response: &Response) -> Result<T, Error> {
    accepted(operation, response)?;
    serde_json::from_slice(&response.body).map_err(|error| Error::Unintelligible {
        operation,
        // serde's message may quote the body; where and what kind is enough.
        detail: format!(
            "{:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        ),
    })
}

#[cfg(test)]
pub(crate) mod testing {
    //! An answer made by hand.

    use outbound::{Reach, Response, StatusCode, Url, header::HeaderMap};

    pub(crate) fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            url: Url::parse("https://www.googleapis.com/calendar/v3").unwrap(),
            reach: Reach::Public,
        }
    }

    pub(crate) fn api() -> Url {
        Url::parse("https://www.googleapis.com/calendar/v3").unwrap()
    }
}
