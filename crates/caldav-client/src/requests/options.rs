//! OPTIONS: what a resource's server can do (RFC 4918 section 10.1).

use outbound::{Method, Request, Response, Url};

use super::{DavRequest, Failure};

/// Asks for the compliance classes; the answer is the words of the `DAV` header, lower case.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions;

impl DavRequest for ReadOptions {
    type Answer = Vec<String>;

    fn prepare(&self, url: &Url) -> Request {
        Request::new(Method::OPTIONS, url.clone())
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        if !response.status.is_success() {
            return Err(Failure::of(response));
        }
        Ok(classes(response))
    }
}

/// The words of an answer's `DAV` headers.
pub(crate) fn classes(response: &Response) -> Vec<String> {
    response
        .headers
        .get_all("dav")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|word| word.trim().to_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url, with_header};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&ReadOptions.prepare(&url())),
            "OPTIONS /alice/work/\n"
        );
    }

    #[test]
    fn parse() {
        let response = with_header(
            answer(200, ""),
            "dav",
            "1, 2, calendar-access,Calendar-Auto-Schedule",
        );
        assert_eq!(
            ReadOptions.parse(&response).unwrap(),
            ["1", "2", "calendar-access", "calendar-auto-schedule"]
        );
        assert!(ReadOptions.parse(&answer(405, "")).is_err());
    }
}
