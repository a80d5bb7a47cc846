//! Each condition of the rules, flipped one by one.

use super::*;

fn rules() -> Rules {
    Rules {
        local_access: true,
        base_is_loopback: true,
        host: "localhost".to_owned(),
        origin: "http://localhost:8080".to_owned(),
        port: 8080,
        proxies: Vec::new(),
        proxy_seen: false,
    }
}

fn visit(method: Method, area: Area, headers: &[(&str, &str)]) -> Visit {
    Visit {
        peer: "127.0.0.1".parse().unwrap(),
        modern: true,
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

const HOST: (&str, &str) = ("host", "localhost:8080");

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
    let with_key = || Credentials {
        key: Some(true),
        session: None,
    };
    for (host, ours) in [
        ("sync.example.org", true),
        ("sync.example.org:443", true),
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
    let given = |key| Credentials {
        key: Some(key),
        session: None,
    };
    assert!(matches!(
        decide(&rules(), &asked, given(true)),
        Decision::Enter(Access::Key)
    ));
    assert!(matches!(
        decide(&rules(), &asked, given(false)),
        Decision::BadKey
    ));
}

#[test]
fn in_a_session_only_our_own_pages_change_anything() {
    let mut rules = rules();
    rules.local_access = false;
    let in_session = || Credentials {
        key: None,
        session: Some(Session {
            id: "id".into(),
            csrf: "token".to_owned(),
        }),
    };
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
