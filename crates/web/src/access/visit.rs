//! A request as far as access goes: a plain value, made once per request.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::{Method, Version};

use super::cidr::Cidr;

/// Headers that only a proxy adds; their mere presence says that the peer is not the visitor.
const FORWARDING: [&str; 3] = ["forwarded", "x-real-ip", "via"];

/// What is asked, by whom, and how it looks.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// The TCP peer, IPv4 in IPv6 clothes undressed.
    pub(crate) peer: IpAddr,
    /// HTTP/1.1 or later.
    pub(crate) modern: bool,
    /// The method.
    pub(crate) method: Method,
    /// The part of the site.
    pub(crate) area: Area,
    /// Header names in lower case, with values that are text (others are empty).
    pub(crate) headers: Vec<(String, String)>,
}

/// The parts of the site, by who may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// `/healthz`, `/readyz`: everybody, whatever the host.
    Probe,
    /// The sign-in page, the style sheet, the icon: everybody.
    Open,
    /// `/oauth/callback`: whoever brings state and cookie.
    Callback,
    /// A page for people.
    Page,
    /// Everything else.
    Api,
}

impl Visit {
    /// Reads a request; `prefix` is the base path.
    pub(crate) fn of(request: &HttpRequest, prefix: &str) -> Self {
        Self {
            // Without a peer (which TCP never leaves out) nobody is local.
            peer: request
                .peer_addr()
                .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
                    peer.ip().to_canonical()
                }),
            modern: request.version() >= Version::HTTP_11,
            method: request.method().clone(),
            area: Area::of(request.path(), prefix),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = value.to_str().unwrap_or_default();
                    (name.as_str().to_owned(), value.to_owned())
                })
                .collect(),
        }
    }

    /// The one value of a header; `None` when it is absent or given twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }

    /// Whether a header is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(given, _)| given == name)
    }

    /// Whether the request changes nothing by its method.
    pub(crate) fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// Whether it came through a proxy that says so.
    pub(crate) fn is_forwarded(&self) -> bool {
        self.headers.iter().any(|(name, _)| {
            FORWARDING.contains(&name.as_str())
                || name.starts_with("x-forwarded-")
                || name.starts_with("cf-")
        })
    }

    /// Whether a browser is on its way to a page as a whole.
    pub(crate) fn is_navigation(&self) -> bool {
        self.method == Method::GET
            && matches!(self.area, Area::Page | Area::Open | Area::Callback)
            && self.header("sec-fetch-mode") == Some("navigate")
            && self.header("sec-fetch-dest") == Some("document")
    }

    /// The key of an `Authorization: Bearer` header. `Some("")` for any other authorization.
    pub(crate) fn bearer(&self) -> Option<&str> {
        if !self.has("authorization") {
            return None;
        }
        let given = self.header("authorization").unwrap_or_default();
        match given.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim()),
            _ => Some(""),
        }
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter(|(name, _)| name == "cookie")
            .flat_map(|(_, line)| line.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.trim() == wanted)
            .map(|(_, value)| value.trim())
    }

    /// Whose host is meant: a trusted proxy may say another than its own request does.
    pub(crate) fn host(&self, proxies: &[Cidr]) -> Option<&str> {
        if self.has("x-forwarded-host") && trusted(proxies, self.peer) {
            return self.header("x-forwarded-host");
        }
        self.header("host")
    }

    /// The visitor's address, for slowing down: behind trusted proxies the last one they did not
    /// add themselves.
    pub(crate) fn client(&self, proxies: &[Cidr]) -> IpAddr {
        if !trusted(proxies, self.peer) {
            return self.peer;
        }
        let line = self
            .headers
            .iter()
            .filter(|(name, _)| name == "x-forwarded-for")
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(",");
        line.rsplit(',')
            .map_while(|hop| hop.trim().parse::<IpAddr>().ok())
            .map(|hop| hop.to_canonical())
            .find(|hop| !trusted(proxies, *hop))
            .unwrap_or(self.peer)
    }
}

fn trusted(proxies: &[Cidr], address: IpAddr) -> bool {
    proxies.iter().any(|range| range.contains(address))
}

impl Area {
    /// The area of a path. What is not known by name is closed.
    pub(crate) fn of(path: &str, prefix: &str) -> Self {
        if matches!(path, "/healthz" | "/readyz") {
            return Self::Probe;
        }
        let Some(inside) = path.strip_prefix(prefix) else {
            return Self::Api;
        };
        match inside {
            "/healthz" | "/readyz" => Self::Probe,
            "/oauth/callback" => Self::Callback,
            "/ui/sign-in" => Self::Open,
            "" | "/" | "/ui" | "/oauth/start" => Self::Page,
            _ if inside.starts_with("/ui/assets/") => Self::Open,
            _ if inside.starts_with("/ui/") => Self::Page,
            _ => Self::Api,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(peer: &str, headers: &[(&str, &str)]) -> Visit {
        Visit {
            peer: peer.parse().unwrap(),
            modern: true,
            method: Method::GET,
            area: Area::Page,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_a_trusted_proxy_names_the_visitor() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let forwarded = [("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.7")];
        let client = |peer: &str, headers: &[(&str, &str)]| {
            visit(peer, headers).client(&proxies).to_string()
        };
        assert_eq!(client("10.1.1.1", &forwarded), "203.0.113.9");
        assert_eq!(client("192.0.2.1", &forwarded), "192.0.2.1");
        assert_eq!(client("10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(
            client("10.1.1.1", &[("x-forwarded-for", "junk")]),
            "10.1.1.1"
        );
    }

    #[test]
    fn unknown_paths_are_closed() {
        for (path, area) in [
            ("/base/ui/sign-in", Area::Open),
            ("/base/ui/sign-in/x", Area::Page),
            ("/base/ui/assets/app.css", Area::Open),
            ("/base/oauth/callback", Area::Callback),
            ("/base/oauth/callback/", Area::Api),
            ("/base/status", Area::Api),
            ("/healthz", Area::Probe),
            ("/base/readyz", Area::Probe),
            ("/readyz/", Area::Api),
            ("/elsewhere", Area::Api),
            ("/base//ui/", Area::Api),
        ] {
            assert_eq!(Area::of(path, "/base"), area, "{path}");
        }
    }

    #[test]
    fn a_doubled_header_counts_as_none() {
        let twice = visit("::1", &[("host", "localhost:1"), ("host", "evil")]);
        assert_eq!(twice.header("host"), None);
        assert!(twice.has("host"));
    }

    #[test]
    fn bearer_keys_are_read_and_other_schemes_are_no_key() {
        let given = |value: &str| {
            visit("::1", &[("authorization", value)])
                .bearer()
                .map(str::to_owned)
        };
        assert_eq!(given("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(given("bearer  abc "), Some("abc".to_owned()));
        assert_eq!(given("Basic abc"), Some(String::new()));
        assert_eq!(visit("::1", &[]).bearer(), None);
    }
}
