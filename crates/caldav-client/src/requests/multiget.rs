//! Several resources with their content in one answer (RFC 4791 section 7.9).

use outbound::{Request, Response, Url};

use super::{DavRequest, Failure, multistatus, report};
use crate::multistatus::Entry;
use crate::names::{CALDAV, CALENDAR_DATA, DAV, GETETAG, GETLASTMODIFIED};
use crate::xml::{Element, prop};

/// Bytes of one answer: a larger one is asked for in halves.
const LARGEST: usize = 24 * 1024 * 1024;

/// Asks for these resources; what comes back must be reconciled with what was asked.
#[derive(Debug, Clone)]
pub struct Multiget {
    /// Paths, in the server's own spelling.
    pub hrefs: Vec<String>,
}

impl DavRequest for Multiget {
    type Answer = Vec<Entry>;

    fn prepare(&self, url: &Url) -> Request {
        let root = Element::new((CALDAV, "calendar-multiget"))
            .child(prop(&[GETETAG, GETLASTMODIFIED, CALENDAR_DATA]))
            .children(
                self.hrefs
                    .iter()
                    .map(|href| Element::new((DAV, "href")).text(href.clone())),
            );
        report(url, None, &root).answer_limit(LARGEST)
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
        let request = Multiget {
            hrefs: vec!["/alice/work/a%40b.ics".into(), "/alice/work/a&b.ics".into()],
        };
        assert_eq!(
            shown(&request.prepare(&url())),
            "REPORT /alice/work/\ncontent-type: application/xml; charset=utf-8\n\
             <C:calendar-multiget><prop><getetag/><getlastmodified/><C:calendar-data/></prop>\
             <href>/alice/work/a%40b.ics</href><href>/alice/work/a&amp;b.ics</href>\
             </C:calendar-multiget>"
        );
    }

    #[test]
    fn parse() {
        let request = Multiget { hrefs: Vec::new() };
        let body = r#"<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><response><href>/a.ics</href><propstat><prop><getetag>"1"</getetag><C:calendar-data>BEGIN:VCALENDAR
END:VCALENDAR</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let entries = request.parse(&answer(207, body)).unwrap();
        assert_eq!(
            entries[0].props.data.as_deref(),
            Some("BEGIN:VCALENDAR\nEND:VCALENDAR")
        );
        assert_eq!(
            request.parse(&answer(404, "")).unwrap_err().status(),
            Some(404)
        );
    }
}
