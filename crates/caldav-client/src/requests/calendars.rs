//! What is in a calendar home.

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, propfind};
use crate::multistatus::Entry;
use crate::names::{
    COLOR, COMPONENTS, DISPLAYNAME, GETCTAG, PRIVILEGES, REPORTS, RESOURCETYPE, SYNC_TOKEN,
    TIMEZONE, TIMEZONE_ID,
};

/// Lists the collections directly in a home; the answer holds whatever is there, calendar or not.
#[derive(Debug, Clone, Copy)]
pub struct ListCalendars;

impl DavRequest for ListCalendars {
    type Answer = Vec<Entry>;

    fn prepare(&self, url: &Url) -> Request {
        propfind(
            url,
            Depth::One,
            &[
                RESOURCETYPE,
                DISPLAYNAME,
                COMPONENTS,
                PRIVILEGES,
                REPORTS,
                SYNC_TOKEN,
                GETCTAG,
                COLOR,
                TIMEZONE,
                TIMEZONE_ID,
            ],
        )
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        Ok(multistatus(response)?.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&ListCalendars.prepare(&url())),
            "PROPFIND /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 1\n\
             <propfind><prop><resourcetype/><displayname/><C:supported-calendar-component-set/>\
             <current-user-privilege-set/><supported-report-set/><sync-token/><CS:getctag/>\
             <A:calendar-color/><C:calendar-timezone/><C:calendar-timezone-id/></prop></propfind>"
        );
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><response><href>/alice/</href><propstat><prop><resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response><response><href>/alice/work/</href><propstat><prop><resourcetype><collection/><C:calendar/></resourcetype><displayname>Work</displayname></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let entries = ListCalendars.parse(&answer(207, body)).unwrap();
        let calendars: Vec<_> = entries
            .iter()
            .map(|entry| entry.props.is_calendar())
            .collect();
        assert_eq!(calendars, [false, true]);
    }
}
