//! A request as far as access goes: a plain value, made once per request. Which part of the site it
//! is about is `place`'s to say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, Version};

use super::cidr::Cidr;
use super::place::{Area, Need, is_safe};

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
    /// What it takes.
    pub(crate) need: Need,
    /// Header names in lower case, with values that are text (others are empty).
    pub(crate) headers: Vec<(String, String)>,
}

/// The host of a target with a host of its own (RFC 9112 section 3.2.2), where the `Host` header
/// says another: it is then given twice, and none counts.
fn other_host(request: &HttpRequest) -> Option<(String, String)> {
    let target = request.uri().authority()?.as_str();
    let header = request.headers().get("host").map(HeaderValue::as_bytes);
    (header != Some(target.as_bytes())).then(|| ("host".to_owned(), target.to_owned()))
}

impl Visit {
    /// Reads a request; `prefix` is the base path.
    pub(crate) fn of(request: &HttpRequest, prefix: &str) -> Self {
        // As the router reads it, which takes `/%6Beys` for `/keys`.
        let path = request.match_info().as_str();
        Self {
            // Without a peer (which TCP never leaves out) nobody is local.
            peer: request
                .peer_addr()
                .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
                    peer.ip().to_canonical()
                }),
            modern: request.version() >= Version::HTTP_11,
            method: request.method().clone(),
            area: Area::of(path, prefix),
            need: Need::of(request.method(), path, prefix),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = value.to_str().unwrap_or_default();
                    (name.as_str().to_owned(), value.to_owned())
                })
                .chain(other_host(request))
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
        is_safe(&self.method)
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

    /// The key of an `Authorization: Bearer` header; `Some("")` for one that cannot be read.
    /// Another scheme is no key: a proxy may ask for a password of its own, which browsers then
    /// send along.
    pub(crate) fn bearer(&self) -> Option<&str> {
        if !self.has("authorization") {
            return None;
        }
        let Some(given) = self.header("authorization").map(str::trim) else {
            return Some("");
        };
        let (scheme, key) = given.split_once(' ').unwrap_or((given, ""));
        match key.trim() {
            key if scheme.eq_ignore_ascii_case("bearer") => Some(key),
            // Nothing but one word: a key without its scheme.
            "" => Some(""),
            _ => None,
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
            // Of several, the proxy nearest to us added the last.
            let hosts = self.header("x-forwarded-host")?;
            return hosts.rsplit(',').next().map(str::trim);
        }
        self.header("host")
    }

    /// Whom a trusted proxy has signed in, by the header in which it says so.
    pub(crate) fn signed_in_by_proxy(&self, header: &str, proxies: &[Cidr]) -> Option<&str> {
        if !trusted(proxies, self.peer) {
            return None;
        }
        self.header(header).filter(|name| !name.is_empty())
    }

    /// Whether a header that only a proxy may send comes from somebody else.
    pub(crate) fn is_forged(&self, forward_auth: Option<&str>, proxies: &[Cidr]) -> bool {
        !trusted(proxies, self.peer)
            && (self.is_forwarded() || forward_auth.is_some_and(|header| self.has(header)))
    }

    /// The visitor's address, for slowing down: behind trusted proxies the last one they did not
    /// add themselves. Where that cannot be read, it is the last proxy that could.
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
        let mut known = self.peer;
        for hop in line.rsplit(',').map_while(hop) {
            known = hop;
            if !trusted(proxies, hop) {
                break;
            }
        }
        known
    }
}

/// One hop of `X-Forwarded-For`: an address, with a port or a zone as some proxies write it.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|hop| hop.ip());
    let without_zone = || text.split_once('%').and_then(|(hop, _)| hop.parse().ok());
    let hop: IpAddr = text.parse().ok().or_else(with_port).or_else(without_zone)?;
    Some(hop.to_canonical())
}

fn trusted(proxies: &[Cidr], address: IpAddr) -> bool {
    proxies.iter().any(|range| range.contains(address))
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
            need: Need::of(&Method::GET, "/ui/", ""),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn only_trusted_proxies_name_the_visitor_and_only_the_last_untrusted_hop_counts() {
        let fifty = format!("203.0.113.9{}", ", 10.0.0.7".repeat(50));
        let cases: [(&str, &[&str], &str, &str); 20] = [
            ("192.0.2.1", &[], "", "192.0.2.1"),
            ("192.0.2.1", &["10.0.0.0/8"], "203.0.113.9", "192.0.2.1"),
            ("10.1.1.1", &[], "203.0.113.9", "10.1.1.1"),
            ("10.1.1.1", &["10.0.0.0/8"], "", "10.1.1.1"),
            ("10.1.1.1", &["10.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
            // What a client made up stands on the left of what the proxy saw.
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "127.0.0.1, 203.0.113.9",
                "203.0.113.9",
            ),
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "6.6.6.6, 203.0.113.9, 10.0.0.7",
                "203.0.113.9",
            ),
            ("10.1.1.1", &["10.0.0.0/8"], &fifty, "203.0.113.9"),
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "10.0.0.8, 10.0.0.7",
                "10.0.0.8",
            ),
            (
                "::ffff:10.1.1.1",
                &["10.0.0.0/8"],
                "203.0.113.9",
                "203.0.113.9",
            ),
            ("127.0.0.1", &["127.0.0.1"], "::ffff:127.0.0.1", "127.0.0.1"),
            (
                "127.0.0.1",
                &["127.0.0.1"],
                "203.0.113.9, ::ffff:127.0.0.1",
                "203.0.113.9",
            ),
            (
                "127.0.0.1",
                &["127.0.0.1"],
                "::ffff:203.0.113.9",
                "203.0.113.9",
            ),
            ("fd00::1", &["fd00::/8"], "2001:db8::5", "2001:db8::5"),
            ("fd00::1", &["fd00::/8"], "fe80::1%eth0", "fe80::1"),
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "203.0.113.9:4711",
                "203.0.113.9",
            ),
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "[2001:db8::5]:443",
                "2001:db8::5",
            ),
            // Behind what cannot be read nobody is believed.
            ("10.1.1.1", &["10.0.0.0/8"], "junk", "10.1.1.1"),
            (
                "10.1.1.1",
                &["10.0.0.0/8"],
                "127.0.0.1, junk, 10.0.0.7",
                "10.0.0.7",
            ),
            ("10.1.1.1", &["10.0.0.0/8"], "127.0.0.1,", "10.1.1.1"),
        ];
        for (peer, proxies, forwarded, client) in cases {
            let proxies: Vec<Cidr> = proxies.iter().map(|range| range.parse().unwrap()).collect();
            let peer: IpAddr = peer.parse().unwrap();
            let peer = peer.to_canonical().to_string();
            let headers: &[(&str, &str)] = match forwarded {
                "" => &[],
                _ => &[("x-forwarded-for", forwarded)],
            };
            let found = visit(&peer, headers).client(&proxies).to_string();
            assert_eq!(found, client, "{peer} {proxies:?} {forwarded}");
        }
        let lines = [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-for", "203.0.113.9"),
        ];
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let found = visit("10.1.1.1", &lines).client(&proxies);
        assert_eq!(found.to_string(), "203.0.113.9", "several lines are one");
    }

    #[test]
    fn only_a_trusted_proxy_says_which_host_is_meant_and_who_signed_in() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let headers = [
            ("host", "inside:8080"),
            ("x-forwarded-host", "evil.example, sync.example.org"),
            ("remote-user", "ada"),
        ];
        let by_proxy = visit("10.1.1.1", &headers);
        assert_eq!(by_proxy.host(&proxies), Some("sync.example.org"));
        assert_eq!(
            by_proxy.signed_in_by_proxy("remote-user", &proxies),
            Some("ada")
        );
        assert!(!by_proxy.is_forged(Some("remote-user"), &proxies));
        let forged = visit("192.0.2.1", &headers);
        assert_eq!(forged.host(&proxies), Some("inside:8080"));
        assert_eq!(forged.signed_in_by_proxy("remote-user", &proxies), None);
        assert!(forged.is_forged(Some("remote-user"), &proxies));
        let twice = [("remote-user", "ada"), ("remote-user", "bob")];
        let twice = visit("10.1.1.1", &twice);
        assert_eq!(twice.signed_in_by_proxy("remote-user", &proxies), None);
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
        for unreadable in ["Bearer", "Bearer ", "abc", ""] {
            assert_eq!(given(unreadable), Some(String::new()), "{unreadable:?}");
        }
        assert_eq!(given("Basic abc"), None);
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        assert_eq!(visit("::1", &twice).bearer(), Some(""));
        assert_eq!(visit("::1", &[]).bearer(), None);
    }
}
