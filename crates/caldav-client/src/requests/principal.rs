//! What stands at an address, and who is signed in there (RFC 5397). The first question of all.

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, propfind};
use crate::multistatus::{DavError, Props};
use crate::names::{
    COLOR, COMPONENTS, CURRENT_USER_PRINCIPAL, DISPLAYNAME, GETCTAG, HOME_SET, PRIVILEGES, REPORTS,
    RESOURCETYPE, SYNC_TOKEN, TIMEZONE, TIMEZONE_ID,
};

/// Asks an address for the principal, the home set, and whether it is a calendar itself.
#[derive(Debug, Clone, Copy)]
pub struct FindPrincipal;

/// What stands at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The properties of the resource asked for.
    pub props: Props,
}

impl DavRequest for FindPrincipal {
    type Answer = Landing;

    fn prepare(&self, url: &Url) -> Request {
        propfind(
            url,
            Depth::Zero,
            &[
                CURRENT_USER_PRINCIPAL,
                HOME_SET,
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
        let entry = multistatus(response)?.entries.into_iter().next();
        match entry {
            Some(entry) if entry.is_failure() => Err(Failure::Status {
                status: entry.status.unwrap_or_default(),
                error: DavError::default(),
                uid_taken: false,
            }),
            entry => Ok(Landing {
                props: entry.unwrap_or_default().props,
            }),
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
            shown(&FindPrincipal.prepare(&url())),
            "PROPFIND /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 0\n\
             <propfind><prop><current-user-principal/><C:calendar-home-set/><resourcetype/>\
             <displayname/><C:supported-calendar-component-set/><current-user-privilege-set/>\
             <supported-report-set/><sync-token/><CS:getctag/><A:calendar-color/>\
             <C:calendar-timezone/><C:calendar-timezone-id/></prop></propfind>"
        );
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><current-user-principal><href>/alice/</href></current-user-principal></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let landing = FindPrincipal.parse(&answer(207, body)).unwrap();
        assert_eq!(landing.props.principal.as_deref(), Some("/alice/"));
        assert!(FindPrincipal.parse(&answer(405, "")).is_err());
        // A missing collection as Xandikos answers it.
        let gone = r#"<multistatus xmlns="DAV:"><response><href>https://x/y/</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>"#;
        assert_eq!(
            FindPrincipal
                .parse(&answer(207, gone))
                .unwrap_err()
                .status(),
            Some(404)
        );
    }
}
