//! Removing one resource.

use http::header::{HeaderName, HeaderValue};
use outbound::{Method, Request, Response, Url};

use super::{Condition, DavRequest, Failure};

/// Removes a resource.
#[derive(Debug, Clone)]
pub struct Delete {
    /// Which version.
    pub condition: Condition,
    /// Whether the server shall keep from telling the organiser that we decline (RFC 6638 section
    /// 8.1).
    pub silently: bool,
}

impl DavRequest for Delete {
    type Answer = ();

    fn prepare(&self, url: &Url) -> Request {
        let mut request = self
            .condition
            .set(Request::new(Method::DELETE, url.clone()));
        if self.silently {
            request = request.header(
                HeaderName::from_static("schedule-reply"),
                HeaderValue::from_static("F"),
            );
        }
        request
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        if response.status.is_success() {
            Ok(())
        } else {
            Err(Failure::of(response))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url};
    use super::*;
    use sync_engine::model::Etag;

    #[test]
    fn prepare() {
        let delete = Delete {
            condition: Condition::Version(Etag::new("\"1\"")),
            silently: true,
        };
        assert_eq!(
            shown(&delete.prepare(&url())),
            "DELETE /alice/work/\nif-match: \"1\"\nschedule-reply: F\n"
        );
    }

    #[test]
    fn parse() {
        let delete = Delete {
            condition: Condition::Any,
            silently: false,
        };
        for status in [200, 204] {
            assert!(delete.parse(&answer(status, "")).is_ok());
        }
        assert_eq!(
            delete.parse(&answer(404, "")).unwrap_err().status(),
            Some(404)
        );
    }
}
