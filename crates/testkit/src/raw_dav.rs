//! Plain WebDAV requests with reqwest: an opinion about a server that is not our client's.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};

/// A user's connection to a server. Paths are absolute, already escaped.
#[derive(Clone, Debug)]
pub struct RawDav {
    http: Client,
    base: String,
    user: String,
    password: String,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// A header's value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The ETag, quotes included.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.header("etag")
    }

    /// The same answer, if its status is one of these.
    ///
    /// # Panics
    /// When it is another.
    #[must_use]
    pub fn expect(self, statuses: &[u16]) -> Self {
        assert!(
            statuses.contains(&self.status),
            "expected one of {statuses:?}, got {}: {}",
            self.status,
            self.body
        );
        self
    }
}

/// A member of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As listed.
    pub href: String,
    /// `getetag`, when there is one.
    pub etag: Option<String>,
}

impl RawDav {
    /// A connection; `base` is scheme, host and port, without a last slash.
    #[must_use]
    pub fn new(base: &str, user: &str, password: &str) -> Self {
        Self {
            http: Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_mins(1))
                .build()
                .expect("a plain client"),
            base: base.trim_end_matches('/').to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }

    /// Any request. Header names must be valid.
    ///
    /// # Errors
    /// No answer, or a broken one.
    pub async fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::Result<Answer> {
        let method = Method::from_bytes(method.as_bytes()).expect("a valid method");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a valid header name");
            map.append(
                name,
                HeaderValue::from_str(value).expect("a valid header value"),
            );
        }
        let answer = self
            .http
            .request(method, format!("{}{path}", self.base))
            .basic_auth(&self.user, Some(&self.password))
            .headers(map)
            .body(body.to_owned())
            .send()
            .await?;
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: String::from_utf8_lossy(&answer.bytes().await?).into_owned(),
        })
    }

    /// Any request.
    ///
    /// # Panics
    /// Without an answer.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_request(method, path, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// Creates a calendar for events with this display name.
    pub async fn mkcalendar(&self, path: &str, display_name: &str) {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <C:mkcalendar xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:set><D:prop>\
             <D:displayname>{display_name}</D:displayname>\
             <C:supported-calendar-component-set><C:comp name=\"VEVENT\"/>\
             </C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
        );
        let headers = [("content-type", "application/xml; charset=utf-8")];
        let _made = self
            .request("MKCALENDAR", path, &headers, &body)
            .await
            .expect(&[201]);
    }

    /// Stores an object, whatever was there. Returns the answer (201 or 204).
    pub async fn put(&self, path: &str, ics: &str) -> Answer {
        let headers = [("content-type", "text/calendar; charset=utf-8")];
        self.request("PUT", path, &headers, ics)
            .await
            .expect(&[201, 204])
    }

    /// An object's answer, or nothing when there is none.
    pub async fn get(&self, path: &str) -> Option<Answer> {
        let answer = self.request("GET", path, &[], "").await.expect(&[200, 404]);
        (answer.status == 200).then_some(answer)
    }

    /// Deletes an object or a collection, which must be there.
    pub async fn delete(&self, path: &str) {
        let _gone = self
            .request("DELETE", path, &[], "")
            .await
            .expect(&[200, 204]);
    }

    /// The members of a collection, without itself, sorted by href.
    pub async fn list(&self, path: &str) -> Vec<Listed> {
        let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
            <D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/></D:prop></D:propfind>";
        let headers = [
            ("depth", "1"),
            ("content-type", "application/xml; charset=utf-8"),
        ];
        let answer = self
            .request("PROPFIND", path, &headers, body)
            .await
            .expect(&[207]);
        let document = roxmltree::Document::parse(&answer.body).expect("a multistatus document");
        let mut listed: Vec<Listed> = document
            .descendants()
            .filter(|n| n.has_tag_name(("DAV:", "response")))
            .filter_map(|response| {
                let text = |name: &'static str| {
                    response
                        .descendants()
                        .find(|n| n.has_tag_name(("DAV:", name)))
                        .and_then(|n| n.text())
                        .map(|t| t.trim().to_owned())
                };
                let href = text("href")?;
                (!href.ends_with('/')).then(|| Listed {
                    href,
                    etag: text("getetag"),
                })
            })
            .collect();
        listed.sort_by(|a, b| a.href.cmp(&b.href));
        listed
    }

    /// The texts of all objects in a collection, in the order of their hrefs.
    pub async fn objects(&self, path: &str) -> Vec<String> {
        let mut out = Vec::new();
        for member in self.list(path).await {
            let at = member.href.find("://").map_or(0, |scheme| {
                let host = scheme + 3;
                member.href[host..]
                    .find('/')
                    .map_or(0, |slash| host + slash)
            });
            out.extend(self.get(&member.href[at..]).await.map(|a| a.body));
        }
        out
    }
}
