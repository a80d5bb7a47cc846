//! A calendar's state as a whole: has anything changed, and how can changes be read?

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, propfind};
use crate::multistatus::DavError;
use crate::names::{GETCTAG, REPORTS, RESOURCETYPE, SYNC_TOKEN};

/// Asks a calendar for its `getctag`, its `sync-token` and its reports.
#[derive(Debug, Clone, Copy)]
pub struct ReadCollection;

/// The state of a calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionState {
    /// `getctag`.
    pub ctag: Option<String>,
    /// `sync-token`.
    pub sync_token: Option<String>,
    /// Whether the `sync-collection` report is announced; `None` if nothing is said of reports.
    pub sync_report: Option<bool>,
    /// Whether it is typed as a calendar; `None` if nothing is said of its type.
    pub calendar: Option<bool>,
}

impl DavRequest for ReadCollection {
    type Answer = CollectionState;

    fn prepare(&self, url: &Url) -> Request {
        propfind(
            url,
            Depth::Zero,
            &[RESOURCETYPE, GETCTAG, SYNC_TOKEN, REPORTS],
        )
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        let Some(entry) = multistatus(response)?.entries.into_iter().next() else {
            return Ok(CollectionState::default());
        };
        if let Some(status) = entry.status.filter(|_| entry.is_failure()) {
            return Err(Failure::Status {
                status,
                error: DavError::default(),
                uid_taken: false,
            });
        }
        let props = entry.props;
        Ok(CollectionState {
            sync_report: props
                .reports
                .as_ref()
                .map(|_| props.has_report("sync-collection")),
            calendar: props.kinds.as_ref().map(|_| props.is_calendar()),
            ctag: props.ctag,
            sync_token: props.sync_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&ReadCollection.prepare(&url())),
            "PROPFIND /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 0\n\
             <propfind><prop><resourcetype/><CS:getctag/><sync-token/><supported-report-set/>\
             </prop></propfind>"
        );
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"><response><href>/alice/work/</href><propstat><prop><resourcetype><collection/><C:calendar/></resourcetype><CS:getctag>7</CS:getctag></prop><status>HTTP/1.1 200 OK</status></propstat><propstat><prop><sync-token/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>"#;
        assert_eq!(
            ReadCollection.parse(&answer(207, body)).unwrap(),
            CollectionState {
                ctag: Some("7".into()),
                sync_token: None,
                sync_report: None,
                calendar: Some(true),
            }
        );
        // A missing collection as Xandikos answers it.
        let gone = r#"<multistatus xmlns="DAV:"><response><href>https://x/y/</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>"#;
        assert_eq!(
            ReadCollection
                .parse(&answer(207, gone))
                .unwrap_err()
                .status(),
            Some(404)
        );
    }
}
