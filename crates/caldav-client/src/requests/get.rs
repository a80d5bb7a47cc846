//! One resource, as it is stored.

use http::header::{ACCEPT_ENCODING, HeaderValue, LAST_MODIFIED};
use outbound::{Request, Response, Url};
use sync_engine::model::{Caldav, Etag};

use super::{DavRequest, Failure};
use crate::etag;

/// Bytes of one resource. `ical-model` reads less; what is a little larger is refused there, with a
/// better reason.
const LARGEST: usize = 12 * 1024 * 1024;

/// Reads a resource.
#[derive(Debug, Clone, Copy)]
pub struct Get;

/// A resource's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The ETag of the answer, unless a proxy had its hands on it.
    pub etag: Option<Etag<Caldav>>,
    /// `Last-Modified`, as written.
    pub modified: Option<String>,
}

impl DavRequest for Get {
    type Answer = Body;

    fn prepare(&self, url: &Url) -> Request {
        // The ETag of a compressed answer is another one.
        Request::get(url.clone())
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .answer_limit(LARGEST)
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        if response.status.as_u16() != 200 {
            return Err(Failure::of(response));
        }
        Ok(Body {
            bytes: response.body.clone(),
            etag: etag::from_headers(&response.headers),
            modified: response.header(&LAST_MODIFIED).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url, with_header};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&Get.prepare(&url())),
            "GET /alice/work/\naccept-encoding: identity\n"
        );
    }

    #[test]
    fn parse() {
        let response = with_header(answer(200, "BEGIN:VCALENDAR"), "etag", "\"1\"");
        let body = Get.parse(&response).unwrap();
        assert_eq!(
            (body.bytes.len(), body.etag),
            (15, Some(Etag::new("\"1\"")))
        );
        assert_eq!(Get.parse(&answer(410, "")).unwrap_err().status(), Some(410));
    }
}
