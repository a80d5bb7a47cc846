//! Following a server's word: redirects by hand, a few, with credentials only inside one site.

use reqwest::header;
use url::Url;

use crate::error::Error;
use crate::message::Response;
use crate::policy::Origin;
use crate::site::{self, Site};

/// Most redirects in a row.
const MOST: u8 = 5;

/// Where a server sent us, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where to go.
    pub url: Url,
    /// Who says so; to be passed on with the request.
    pub origin: Origin,
    /// Whether the credentials meant for the address typed may go along.
    pub credentials: bool,
}

/// The way from an address that somebody typed along whatever servers say.
#[derive(Debug, Clone)]
pub struct Trail {
    typed: Url,
    left: u8,
}

impl Trail {
    /// Begins at the address that credentials belong to.
    pub fn new(typed: Url) -> Self {
        Self { typed, left: MOST }
    }

    /// What a redirect leads to; `None` if the answer is none (any status but 301, 302, 303, 307,
    /// 308, or no `Location`).
    ///
    /// # Errors
    /// [`Error::TooManyRedirects`] after five of them, [`Error::Redirect`] for a place that cannot
    /// be gone to. Whether the *address* behind the place is permitted shows when connecting.
    pub fn follow(&mut self, response: &Response) -> Result<Option<Hop>, Error> {
        if !matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.header(&header::LOCATION) else {
            return Ok(None);
        };
        let host = response.url.host_str().unwrap_or_default().to_owned();
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Error::TooManyRedirects { host });
        };
        self.left = left;
        self.hop(&response.url, Origin::Server(response.reach), location)
            .map(Some)
            .map_err(|why| Error::Redirect { host, why })
    }

    /// Judges a place (`Location`, href) that the server at `from` named.
    ///
    /// # Errors
    /// The reason why nothing can be there, as a sentence.
    pub fn hop(&self, from: &Url, origin: Origin, place: &str) -> Result<Hop, String> {
        let mut url = from.join(place.trim()).map_err(|error| error.to_string())?;
        url.set_fragment(None);
        if matches!(url.scheme(), "http" | "https") {
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        site::check(&url).map_err(|error| error.to_string())?;
        // Behind a proxy that ends TLS a server often believes itself on plain http.
        if from.scheme() == "https" && url.scheme() == "http" && url.host() == from.host() {
            let port = url.port();
            let _ = url.set_scheme("https");
            if port == Some(80) || port.is_none() {
                let _ = url.set_port(from.port());
            }
        }
        let credentials = self.may_carry_credentials(&url);
        Ok(Hop {
            url,
            origin,
            credentials,
        })
    }

    /// Whether the credentials meant for the address typed may be sent to `url`.
    pub fn may_carry_credentials(&self, url: &Url) -> bool {
        Site::same(&self.typed, url) && (self.typed.scheme() == "http" || url.scheme() == "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Reach;
    use reqwest::StatusCode;

    fn answer(from: &str, status: u16, location: &str) -> Response {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Vec::new(),
            url: Url::parse(from).unwrap(),
            reach: Reach::Public,
        }
    }

    fn trail(typed: &str) -> Trail {
        Trail::new(Url::parse(typed).unwrap())
    }

    fn follow(typed: &str, location: &str) -> Result<Option<Hop>, Error> {
        trail(typed).follow(&answer(typed, 302, location))
    }

    #[test]
    fn s4_credentials_stay_within_the_site() {
        for (typed, location, url, credentials) in [
            (
                "https://a.example.com/x",
                "/y",
                "https://a.example.com/y",
                true,
            ),
            (
                "https://a.example.com/x/",
                "y",
                "https://a.example.com/x/y",
                true,
            ),
            (
                "https://a.example.com/",
                "https://b.example.com/",
                "https://b.example.com/",
                true,
            ),
            (
                "https://a.example.com/",
                "//evil.net/",
                "https://evil.net/",
                false,
            ),
            (
                "https://a.example.com/",
                "http://b.example.com/",
                "http://b.example.com/",
                false,
            ),
            (
                "http://nas/",
                "https://nas:5001/",
                "https://nas:5001/",
                true,
            ),
            ("http://nas/", "http://router/", "http://router/", false),
            // TLS ends at a proxy in front of the server: stay on https.
            (
                "https://a.example.com/",
                "http://a.example.com/dav/",
                "https://a.example.com/dav/",
                true,
            ),
            (
                "https://a.example.com:8443/",
                "http://a.example.com/dav/",
                "https://a.example.com:8443/dav/",
                true,
            ),
            (
                "https://a.example.com/",
                "https://u:p@a.example.com/",
                "https://a.example.com/",
                true,
            ),
        ] {
            let hop = follow(typed, location).unwrap().unwrap();
            assert_eq!(
                (hop.url.as_str(), hop.credentials),
                (url, credentials),
                "{typed} {location}"
            );
        }
    }

    #[test]
    fn s4_a_server_is_no_administrator() {
        let hop = follow("https://a.example.com/", "https://b.example.com/")
            .unwrap()
            .unwrap();
        assert_eq!(hop.origin, Origin::Server(Reach::Public));
        // Not even where it names the address typed: what that stands for may have changed.
        let hop = follow("https://a.example.com/", "/y").unwrap().unwrap();
        assert_eq!(hop.origin, Origin::Server(Reach::Public));
        let hop = follow("https://a.example.com/", "https://a.example.com:8443/")
            .unwrap()
            .unwrap();
        assert_eq!(hop.origin, Origin::Server(Reach::Public));
    }

    #[test]
    fn s4_only_http_places_are_gone_to_and_only_five() {
        for bad in [
            "file:///etc/passwd",
            "ftp://x/",
            "javascript:alert(1)",
            "http://",
        ] {
            assert!(follow("https://a.example.com/", bad).is_err(), "{bad}");
        }
        assert_eq!(
            trail("https://a.example/")
                .follow(&answer("https://a.example/", 200, "/x"))
                .unwrap(),
            None
        );
        let mut trail = trail("https://a.example/");
        for _ in 0..5 {
            assert!(
                trail
                    .follow(&answer("https://a.example/", 301, "/"))
                    .is_ok()
            );
        }
        assert!(matches!(
            trail.follow(&answer("https://a.example/", 301, "/")),
            Err(Error::TooManyRedirects { .. })
        ));
    }
}
