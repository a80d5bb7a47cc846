//! A principal's calendar homes and addresses (RFC 4791 section 6.2.1, RFC 6638 section 2.4.1).

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, options, propfind};
use crate::names::{ADDRESSES, HOME_SET, INBOX, OUTBOX};

/// Asks a principal where its calendars are.
#[derive(Debug, Clone, Copy)]
pub struct FindHomes;

/// What a principal says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// Hrefs of its calendar homes.
    pub homes: Vec<String>,
    /// Its addresses (`mailto:` and others).
    pub addresses: Vec<String>,
    /// Hrefs of its scheduling in- and outbox: no calendars, whatever they are typed as.
    pub scheduling: Vec<String>,
    /// Words of the `DAV` header, where the answer has one.
    pub classes: Vec<String>,
}

impl DavRequest for FindHomes {
    type Answer = PrincipalFacts;

    fn prepare(&self, url: &Url) -> Request {
        propfind(url, Depth::Zero, &[HOME_SET, ADDRESSES, INBOX, OUTBOX])
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        let mut facts = PrincipalFacts {
            classes: options::classes(response),
            ..PrincipalFacts::default()
        };
        for entry in multistatus(response)?.entries {
            facts.homes.extend(entry.props.homes);
            facts.addresses.extend(entry.props.addresses);
            facts.scheduling.extend(entry.props.scheduling);
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url, with_header};
    use super::*;

    #[test]
    fn prepare() {
        assert_eq!(
            shown(&FindHomes.prepare(&url())),
            "PROPFIND /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 0\n\
             <propfind><prop><C:calendar-home-set/><C:calendar-user-address-set/>\
             <C:schedule-inbox-URL/><C:schedule-outbox-URL/></prop></propfind>"
        );
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><response><href>/alice/</href><propstat><prop><C:calendar-home-set><href>/alice/calendars/</href></C:calendar-home-set><C:calendar-user-address-set><href>mailto:alice@example.com</href></C:calendar-user-address-set></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let response = with_header(answer(207, body), "dav", "1, calendar-auto-schedule");
        let facts = FindHomes.parse(&response).unwrap();
        assert_eq!(facts.homes, ["/alice/calendars/"]);
        assert_eq!(facts.addresses, ["mailto:alice@example.com"]);
        assert_eq!(facts.classes, ["1", "calendar-auto-schedule"]);
    }
}
