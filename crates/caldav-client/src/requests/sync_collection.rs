//! What changed since a token (RFC 6578). Never with a limit: some servers cut silently then.

use outbound::{Request, Response, Url};

use super::{DavRequest, Depth, Failure, multistatus, report};
use crate::multistatus::Entry;
use crate::names::{DAV, GETCONTENTTYPE, GETETAG, RESOURCETYPE, SYNC_TOKEN};
use crate::xml::{Element, prop};

/// Asks for changes.
#[derive(Debug, Clone)]
pub struct SyncCollection {
    /// Since when; `None` lists everything. (An element without content is sent then, as the RFC
    /// asks.)
    pub token: Option<String>,
}

/// One page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPage {
    /// What changed, was removed (404), or stands there for other reasons.
    pub entries: Vec<Entry>,
    /// Where to go on.
    pub token: Option<String>,
    /// There is more, from `token` on.
    pub truncated: bool,
}

impl DavRequest for SyncCollection {
    type Answer = SyncPage;

    fn prepare(&self, url: &Url) -> Request {
        let mut token = Element::new(SYNC_TOKEN);
        if let Some(text) = &self.token {
            token = token.text(text.clone());
        }
        let root = Element::new((DAV, "sync-collection"))
            .child(token)
            .child(Element::new((DAV, "sync-level")).text("1"))
            .child(prop(&[GETETAG, GETCONTENTTYPE, RESOURCETYPE]));
        report(url, Some(Depth::Zero), &root)
    }

    fn parse(&self, response: &Response) -> Result<Self::Answer, Failure> {
        let answer = multistatus(response)?;
        let (cut, entries): (Vec<_>, Vec<_>) = answer
            .entries
            .into_iter()
            .map(Entry::lean)
            .partition(Entry::is_truncation);
        Ok(SyncPage {
            entries,
            token: answer.sync_token,
            truncated: !cut.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, shown, url};
    use super::*;

    #[test]
    fn prepare() {
        let request = |token: Option<&str>| {
            let token = token.map(str::to_owned);
            shown(&SyncCollection { token }.prepare(&url()))
        };
        assert_eq!(
            request(Some("http://x/1?a&b")),
            "REPORT /alice/work/\ncontent-type: application/xml; charset=utf-8\ndepth: 0\n\
             <sync-collection><sync-token>http://x/1?a&amp;b</sync-token><sync-level>1</sync-level>\
             <prop><getetag/><getcontenttype/><resourcetype/></prop></sync-collection>"
        );
        assert!(request(None).contains("<sync-token/>"));
        assert!(!request(None).contains("limit"));
    }

    #[test]
    fn parse() {
        let body = r#"<multistatus xmlns="DAV:"><response><href>/alice/work/a.ics</href><status>HTTP/1.1 404 Not Found</status></response><response><href>/alice/work/</href><status>HTTP/1.1 507 Insufficient Storage</status></response><sync-token>t2</sync-token></multistatus>"#;
        let page = SyncCollection { token: None }
            .parse(&answer(207, body))
            .unwrap();
        assert!(page.truncated && page.entries.len() == 1 && page.entries[0].is_missing());
        assert_eq!(page.token.as_deref(), Some("t2"));
        let refused = r#"<error xmlns="DAV:"><valid-sync-token/></error>"#;
        let failure = SyncCollection { token: None }
            .parse(&answer(403, refused))
            .unwrap_err();
        assert!(matches!(failure, Failure::Status { error, .. } if error.has("valid-sync-token")));
    }
}
