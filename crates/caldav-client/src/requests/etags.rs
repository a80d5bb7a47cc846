//! The hrefs and ETags of everything in a calendar, or of one resource. Without time ranges, which
//! servers answer unreliably.

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, propfind};
use crate::multistatus::{DavError, Entry, Multistatus};
use crate::names::{GETCONTENTTYPE, GETETAG, RESOURCETYPE};

/// Lists a calendar.
#[derive(Debug, Clone, Copy)]
pub struct ListEtags;

impl DavRequest for ListEtags {
    type Answer = Multistatus;

    fn prepare(&self, url: &Url) -> Request {
        propfind(url, Depth::One, &[GETETAG, GETCONTENTTYPE, RESOURCETYPE])
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        let mut answer = multistatus(response)?;
        answer.entries = answer.entries.into_iter().map(Entry::lean).collect();
        Ok(answer)
    }
}

/// Asks for the ETag of one resource; the answer is `None` if it has none.
#[derive(Debug, Clone, Copy)]
pub struct ReadEtag;

impl DavRequest for ReadEtag {
    type Answer = Option<String>;

    fn prepare(&self, url: &Url) -> Request {
        propfind(url, Depth::Zero, &[GETETAG])
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        let Some(entry) = multistatus(response)?.entries.into_iter().next() else {
            return Ok(None);
        };
        match entry.status.filter(|_| entry.is_failure()) {
            Some(status) => Err(Failure::Status {
                status,
                error: DavError::default(),
                uid_taken: false,
            }),
            None => Ok(entry.props.etag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&ListEtags.prepare(&url())),
            "PROPFIND /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 1\n\
             <propfind><prop><getetag/><getcontenttype/><resourcetype/></prop></propfind>"
        );
        assert!(shown(&ReadEtag.prepare(&url())).contains("depth: 0"));
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:"><response><href>/alice/work/a.ics</href><propstat><prop><getetag>"1"</getetag><resourcetype/></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let list = ListEtags.parse(&answer(207, body)).unwrap();
        assert_eq!(list.entries[0].props.etag.as_deref(), Some("\"1\""));
        assert!(!list.entries[0].props.is_collection());
        assert_eq!(
            ReadEtag.parse(&answer(207, body)).unwrap().as_deref(),
            Some("\"1\"")
        );
        assert_eq!(
            ReadEtag.parse(&answer(404, "")).unwrap_err().status(),
            Some(404)
        );
    }
}
