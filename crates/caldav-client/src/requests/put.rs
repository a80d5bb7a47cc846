//! Writing one resource. Always whole, with its length, and conditional where that means anything.

use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use outbound::{Method, Request, Response, Url};
use sync_engine::model::{Caldav, Etag};

use super::{DavRequest, Failure};
use crate::etag;

/// Writes a resource.
#[derive(Debug, Clone)]
pub struct Put {
    /// The calendar object.
    pub bytes: Vec<u8>,
    /// When it may be written.
    pub condition: Condition,
}

/// When a write may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Only where nothing is.
    Missing,
    /// Only over this version.
    Version(Etag<Caldav>),
    /// In any case: what may happen was found out by reading.
    Any,
}

impl Condition {
    /// A condition on this version, where its ETag is good for one.
    pub(crate) fn on(version: Option<&Etag<Caldav>>) -> Self {
        version
            .filter(|version| etag::is_strong(version))
            .map_or(Self::Any, |version| Self::Version(version.clone()))
    }

    /// Sets the header it is sent as. An ETag that cannot stand in one was never strong.
    pub(super) fn set(&self, request: Request) -> Request {
        match self {
            Self::Missing => request.header(IF_NONE_MATCH, HeaderValue::from_static("*")),
            Self::Version(etag) => match HeaderValue::from_str(etag.as_str()) {
                Ok(value) => request.header(IF_MATCH, value),
                Err(_) => request,
            },
            Self::Any => request,
        }
    }
}

/// A write that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// 201: nothing was there before.
    pub created: bool,
    /// The new version's ETag, where given. It does not prove that our bytes were stored.
    pub etag: Option<Etag<Caldav>>,
}

impl DavRequest for Put {
    type Answer = Stored;

    fn prepare(&self, url: &Url) -> Request {
        let request = Request::new(Method::PUT, url.clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("text/calendar; charset=utf-8"),
            )
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .body(self.bytes.clone());
        self.condition.set(request)
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        if !response.status.is_success() {
            return Err(Failure::of(response));
        }
        Ok(Stored {
            created: response.status.as_u16() == 201,
            etag: etag::from_headers(&response.headers),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url, with_header};
    use super::*;

    fn put(condition: Condition) -> Put {
        Put {
            bytes: b"BEGIN:VCALENDAR".to_vec(),
            condition,
        }
    }

    #[test]
    fn prepare() {
        let head = "PUT /alice/work/\ncontent-type: text/calendar; charset=utf-8\naccept-encoding: identity\n";
        for (condition, header) in [
            (Condition::Missing, "if-none-match: *\n"),
            (Condition::Version(Etag::new("\"1\"")), "if-match: \"1\"\n"),
            (Condition::on(Some(&Etag::new("W/\"1\""))), ""),
            (Condition::on(Some(&etag::of_content(b"x"))), ""),
            (Condition::on(None), ""),
        ] {
            assert_eq!(
                shown(&put(condition).prepare(&url())),
                format!("{head}{header}BEGIN:VCALENDAR")
            );
        }
    }

    #[test]
    fn parse() {
        let created = with_header(answer(201, ""), "etag", "\"2\"");
        assert_eq!(
            put(Condition::Any).parse(&created).unwrap(),
            Stored {
                created: true,
                etag: Some(Etag::new("\"2\""))
            }
        );
        assert_eq!(
            put(Condition::Any).parse(&answer(204, "")).unwrap(),
            Stored {
                created: false,
                etag: None
            }
        );
        assert_eq!(
            put(Condition::Any)
                .parse(&answer(412, ""))
                .unwrap_err()
                .status(),
            Some(412)
        );
    }
}
