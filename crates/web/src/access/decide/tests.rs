//! Each condition of the rules, flipped one by one.

use app::records::KeyScope;

use super::*;

fn rules() -> Rules {
    Rules {
        local_access: true,
        base_is_loopback: true,
        host: "localhost".to_owned(),
        origin: "http://localhost:8080".to_owned(),
        more_hosts: Vec::new(),
        port: 8080,
        proxies: Vec::new(),
        forward_auth: None,
        proxy_seen: false,
    }
}

fn visit(method: Method, area: Area, headers: &[(&str, &str)]) -> Visit {
    Visit {
        peer: "127.0.0.1".parse().unwrap(),
        modern: true,
        need: match method {
            Method::GET => Need::Scope(KeyScope::Read),
            _ => Need::Scope(KeyScope::Admin),
        },
        method,
        area,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

/// A name, and what it changes.
type Flip<T> = (&'static str, fn(&mut T));
/// Headers besides the host, the area, and whether it comes in.
type Case = (&'static [(&'static str, &'static str)], Area, bool);

/// Headers besides the host.
type Headers<'a> = &'a [(&'a str, &'a str)];

const HOST: (&str, &str) = ("host", "localhost:8080");

fn grant(scope: KeyScope) -> Grant {
    Grant {
        key_id: "key_1".to_owned(),
        scope,
    }
}

fn with_key(key: Option<KeyScope>) -> Credentials {
    Credentials {
        key: key.map_or(Key::Foreign, |scope| Key::Ours(grant(scope))),
        session: None,
    }
}

fn in_session(scope: KeyScope) -> Credentials {
    Credentials {
        key: Key::Absent,
        session: Some(Session {
            id: "id".into(),
            csrf: "token".to_owned(),
            grant: grant(scope),
        }),
    }
}

fn local(rules: &Rules, visit: &Visit) -> bool {
    matches!(
        decide(rules, visit, Credentials::default()),
        Decision::Enter(Access::Local)
    )
}

#[test]
fn local_requests_need_no_key() {
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        let asked = visit(Method::POST, Area::Api, &[("host", host)]);
        assert!(local(&rules(), &asked), "{host}");
    }
    let mut six = visit(Method::GET, Area::Api, &[HOST]);
    six.peer = "::1".parse().unwrap();
    assert!(local(&rules(), &six));
    let same_page = [
        HOST,
        ("origin", "http://localhost:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert!(local(
        &rules(),
        &visit(Method::POST, Area::Page, &same_page)
    ));
    let typed = [HOST, ("sec-fetch-site", "none")];
    assert!(local(&rules(), &visit(Method::GET, Area::Page, &typed)));
}

#[test]
fn each_condition_of_the_installation_is_needed() {
    let asked = visit(Method::GET, Area::Api, &[HOST]);
    let flips: [Flip<Rules>; 4] = [
        ("LOCAL_ACCESS off", |rules| rules.local_access = false),
        ("BASE_URL elsewhere", |rules| rules.base_is_loopback = false),
        ("a trusted proxy", |rules| {
            rules.proxies = vec!["10.0.0.0/8".parse().unwrap()];
        }),
        ("a proxy was seen", |rules| rules.proxy_seen = true),
    ];
    for (name, flip) in flips {
        let mut rules = rules();
        flip(&mut rules);
        assert!(!local(&rules, &asked), "{name}");
    }
}

#[test]
fn each_condition_of_the_request_is_needed() {
    let flips: [Flip<Visit>; 4] = [
        ("peer on the network", |visit| {
            visit.peer = "192.168.1.9".parse().unwrap();
        }),
        ("peer is the container's gateway", |visit| {
            visit.peer = "172.17.0.1".parse().unwrap();
        }),
        ("HTTP/1.0", |visit| visit.modern = false),
        ("no host", |visit| visit.headers.clear()),
    ];
    for (name, flip) in flips {
        let mut asked = visit(Method::GET, Area::Api, &[HOST]);
        flip(&mut asked);
        assert!(!local(&rules(), &asked), "{name}");
    }
    for host in [
        "localhost",
        "localhost:8081",
        "LOCALHOST:8080",
        "127.0.0.1.evil.example:8080",
        "localhost.evil.example:8080",
        "evil.example:8080",
        "127.0.0.2:8080",
        "127.1:8080",
        "[::ffff:127.0.0.1]:8080",
        "user@localhost:8080",
    ] {
        let asked = visit(Method::GET, Area::Api, &[("host", host)]);
        assert!(!local(&rules(), &asked), "{host}");
    }
    for header in [
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost:8080"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-anything", ""),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
        ("cf-connecting-ip", "127.0.0.1"),
        ("cf-ray", "1"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "https://localhost:8080"),
        ("origin", "http://127.0.0.1:8080"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", ""),
        ("host", "localhost:8080"),
    ] {
        let asked = visit(Method::GET, Area::Api, &[HOST, header]);
        assert!(!local(&rules(), &asked), "{header:?}");
    }
}

#[test]
fn a_browser_on_its_way_to_a_page_may_come_from_anywhere() {
    let way_back = [
        HOST,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    for area in [Area::Page, Area::Callback] {
        assert!(local(&rules(), &visit(Method::GET, area, &way_back)));
    }
    assert!(!local(
        &rules(),
        &visit(Method::POST, Area::Page, &way_back)
    ));
    assert!(!local(&rules(), &visit(Method::GET, Area::Api, &way_back)));
    let framed = [
        HOST,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "iframe"),
    ];
    assert!(!local(&rules(), &visit(Method::GET, Area::Page, &framed)));
}

#[test]
fn foreign_hosts_are_refused_everywhere_but_at_the_probes() {
    let mut rules = rules();
    rules.host = "sync.example.org".to_owned();
    rules.base_is_loopback = false;
    rules.more_hosts = vec!["caldav-sync".to_owned()];
    let with_key = || with_key(Some(KeyScope::Admin));
    for (host, ours) in [
        ("sync.example.org", true),
        ("sync.example.org:443", true),
        ("caldav-sync:8080", true),
        ("x.caldav-sync", false),
        ("localhost:8080", true),
        ("evil.example", false),
        ("sync.example.org.evil.example", false),
        ("sync.example.org@evil.example", false),
        ("", false),
    ] {
        let asked = visit(Method::GET, Area::Api, &[("host", host)]);
        let decided = decide(&rules, &asked, with_key());
        assert_eq!(matches!(decided, Decision::Enter(_)), ours, "{host}");
        let probe = visit(Method::GET, Area::Probe, &[("host", host)]);
        assert!(matches!(
            decide(&rules, &probe, Credentials::default()),
            Decision::Enter(Access::Anybody)
        ));
    }
    let forged = [("host", "evil.example"), ("x-forwarded-host", "localhost")];
    let asked = visit(Method::GET, Area::Api, &forged);
    assert!(matches!(
        decide(&rules, &asked, with_key()),
        Decision::WrongHost
    ));
}

#[test]
fn keys_let_in_and_wrong_ones_do_not_even_locally() {
    let asked = visit(Method::POST, Area::Api, &[HOST]);
    assert!(matches!(
        decide(&rules(), &asked, with_key(Some(KeyScope::Admin))),
        Decision::Enter(Access::Key(_))
    ));
    assert!(matches!(
        decide(&rules(), &asked, with_key(None)),
        Decision::BadKey
    ));
}

#[test]
fn a_key_and_its_sessions_are_good_for_what_it_was_made_for() {
    let mut rules = rules();
    rules.local_access = false;
    let own = [HOST, ("sec-fetch-site", "same-origin")];
    let needs = [
        Need::Scope(KeyScope::Read),
        Need::Scope(KeyScope::Sync),
        Need::Scope(KeyScope::Admin),
        Need::Key,
    ];
    for (scope, enough) in [
        (KeyScope::Read, 1),
        (KeyScope::Sync, 2),
        (KeyScope::Admin, 4),
    ] {
        for (at, need) in needs.into_iter().enumerate() {
            let mut asked = visit(Method::POST, Area::Api, &own);
            asked.need = need;
            for credentials in [with_key(Some(scope)), in_session(scope)] {
                let decided = decide(&rules, &asked, credentials);
                let entered = matches!(decided, Decision::Enter(_));
                let beyond = matches!(decided, Decision::Beyond);
                assert_eq!(
                    (entered, beyond),
                    (at < enough, at >= enough),
                    "{scope:?} {need:?}"
                );
            }
        }
    }
}

#[test]
fn what_always_needs_the_key_is_closed_to_this_computer_and_to_a_proxy_s_word() {
    let mut asked = visit(Method::GET, Area::Page, &[HOST]);
    assert!(local(&rules(), &asked));
    asked.need = Need::Key;
    assert!(matches!(
        decide(&rules(), &asked, Credentials::default()),
        Decision::SignIn
    ));
    let mut forwarded = visit(Method::GET, Area::Page, &[HOST, ("remote-user", "ada")]);
    forwarded.need = Need::Key;
    assert!(matches!(
        decide(&with_proxy(), &forwarded, Credentials::default()),
        Decision::SignIn
    ));
}

/// A proxy on this computer that signs people in.
fn with_proxy() -> Rules {
    Rules {
        proxies: vec!["127.0.0.1".parse().unwrap()],
        forward_auth: Some("remote-user".to_owned()),
        ..rules()
    }
}

#[test]
fn whom_a_trusted_proxy_has_signed_in_comes_in_but_not_from_another_site() {
    let person = ("remote-user", "ada");
    let cases: [(Method, Headers<'_>, &str, bool); 8] = [
        (Method::GET, &[person], "127.0.0.1", true),
        (Method::GET, &[], "127.0.0.1", false),
        (Method::GET, &[("remote-user", "")], "127.0.0.1", false),
        (Method::GET, &[person], "192.0.2.1", false),
        (Method::GET, &[person, person], "127.0.0.1", false),
        // Without a word about its origin a form proves itself by its token (`input`).
        (Method::POST, &[person], "127.0.0.1", true),
        (
            Method::POST,
            &[person, ("sec-fetch-site", "cross-site")],
            "127.0.0.1",
            false,
        ),
        (
            Method::POST,
            &[person, ("origin", "null")],
            "127.0.0.1",
            false,
        ),
    ];
    for (method, headers, peer, enters) in cases {
        let all: Vec<_> = [HOST].iter().chain(headers).copied().collect();
        let mut asked = visit(method, Area::Page, &all);
        asked.peer = peer.parse().unwrap();
        let decided = decide(&with_proxy(), &asked, Credentials::default());
        assert_eq!(
            matches!(decided, Decision::Enter(Access::Forwarded)),
            enters,
            "{headers:?} {peer}"
        );
    }
    // Without the setting the header is a header like any other.
    let asked = visit(Method::GET, Area::Page, &[HOST, person]);
    let mut rules = with_proxy();
    rules.forward_auth = None;
    assert!(matches!(
        decide(&rules, &asked, Credentials::default()),
        Decision::SignIn
    ));
}

#[test]
fn in_a_session_only_our_own_pages_change_anything() {
    let mut rules = rules();
    rules.local_access = false;
    let in_session = || in_session(KeyScope::Admin);
    let cases: [Case; 11] = [
        (&[("sec-fetch-site", "same-origin")], Area::Api, true),
        (&[("sec-fetch-site", "none")], Area::Api, true),
        (&[("sec-fetch-site", "cross-site")], Area::Page, false),
        (&[("sec-fetch-site", "same-site")], Area::Page, false),
        (&[("origin", "http://localhost:8080")], Area::Api, true),
        (&[("origin", "null")], Area::Page, false),
        (&[("origin", "http://evil.example")], Area::Page, false),
        // A form proves itself by its token (`input`), an API call cannot.
        (&[], Area::Page, true),
        (&[], Area::Api, false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://localhost:8080"),
            ],
            Area::Api,
            false,
        ),
        (
            &[("origin", "http://localhost:8080"), ("origin", "null")],
            Area::Api,
            false,
        ),
    ];
    for (headers, area, enters) in cases {
        let mut all = vec![HOST];
        all.extend_from_slice(headers);
        let asked = visit(Method::POST, area, &all);
        let decided = decide(&rules, &asked, in_session());
        assert_eq!(
            matches!(decided, Decision::Enter(Access::Session(_))),
            enters,
            "{headers:?} {area:?}"
        );
    }
    let read = visit(
        Method::GET,
        Area::Page,
        &[HOST, ("sec-fetch-site", "cross-site")],
    );
    assert!(matches!(
        decide(&rules, &read, in_session()),
        Decision::Enter(Access::Session(_))
    ));
}

#[test]
fn where_https_is_spoken_a_page_that_came_in_clear_is_not_ours() {
    let mut rules = rules();
    rules.local_access = false;
    "sync.example.org".clone_into(&mut rules.host);
    "https://sync.example.org".clone_into(&mut rules.origin);
    rules.more_hosts = vec!["caldav-sync".to_owned()];
    for (host, origin, enters) in [
        ("sync.example.org", "https://sync.example.org", true),
        ("sync.example.org", "http://sync.example.org", false),
        (
            "sync.example.org:8080",
            "http://sync.example.org:8080",
            false,
        ),
        (
            "sync.example.org:8443",
            "https://sync.example.org:8443",
            true,
        ),
        // Beside the proxy, in one's own network or on this computer.
        ("caldav-sync:8080", "http://caldav-sync:8080", true),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
    ] {
        let headers = [("host", host), ("origin", origin)];
        let asked = visit(Method::POST, Area::Page, &headers);
        let decided = decide(&rules, &asked, in_session(KeyScope::Admin));
        assert_eq!(
            matches!(decided, Decision::Enter(Access::Session(_))),
            enters,
            "{host} {origin}"
        );
    }
}

#[test]
fn without_anything_only_what_is_open_is_open() {
    let mut rules = rules();
    rules.local_access = false;
    for (area, enters) in [
        (Area::Probe, true),
        (Area::Open, true),
        (Area::Callback, true),
        (Area::Page, false),
        (Area::Api, false),
    ] {
        let decided = decide(
            &rules,
            &visit(Method::GET, area, &[HOST]),
            Credentials::default(),
        );
        assert_eq!(matches!(decided, Decision::Enter(_)), enters, "{area:?}");
    }
    let foreign_form = [HOST, ("sec-fetch-site", "cross-site")];
    let sign_in = visit(Method::POST, Area::Open, &foreign_form);
    assert!(matches!(
        decide(&rules, &sign_in, Credentials::default()),
        Decision::CrossSite
    ));
}
