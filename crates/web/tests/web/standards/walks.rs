//! S3, S12, S13, S20: what holds at every address, found by walking all of them.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::COOKIE;

use super::{changes, every_request, is_open, is_probe};
use crate::harness::{Answer, Setup, Site};

#[track_caller]
fn dressed(answer: &Answer, what: &str) {
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ] {
        assert!(policy.contains(part), "{part} is missing at {what}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{what}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("server", ""),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name} at {what}");
    }
    let cache = answer.header("cache-control");
    assert!(
        cache == "no-store" || cache.ends_with("immutable"),
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_every_answer_carries_the_headers() {
    let site = Site::new().await;
    let mut seen = BTreeSet::new();
    let mut look = async |request: reqwest::RequestBuilder, what: String| {
        let answer = Answer::of(request).await;
        dressed(&answer, &what);
        assert_eq!(answer.header("strict-transport-security"), "", "{what}");
        seen.insert(answer.status.as_u16());
    };
    for (method, path) in every_request() {
        let what = format!("{method} {path}");
        let stranger = site.bare(method.clone(), &path);
        look(stranger, format!("{what} without a key")).await;
        let elsewhere = site
            .keyed(method.clone(), &path)
            .header("host", "evil.example");
        look(elsewhere, format!("{what} at another host")).await;
        look(
            site.keyed(method.clone(), &path),
            format!("{what} with the key"),
        )
        .await;
        let odd = site.keyed(Method::PATCH, &path).body("{");
        look(odd, format!("PATCH {path}")).await;
    }
    let json = "application/json";
    for (path, kind, body) in [
        ("/mappings", "text/plain", "{}".to_owned()),
        ("/mappings", json, "{".to_owned()),
        ("/mappings", json, " ".repeat(70_000)),
        ("/ui/settings", json, "{}".to_owned()),
    ] {
        let request = site.keyed(Method::POST, path).header("content-type", kind);
        look(request.body(body), format!("POST {path} as {kind}")).await;
    }
    let cookie = site.browser().await;
    let foreign = site.bare(Method::POST, "/sync").header(COOKIE, &cookie);
    look(foreign, "a foreign form".to_owned()).await;
    for _ in 0..11 {
        let guess = site.bare(Method::GET, "/status").bearer_auth("guess");
        look(guess, "a guess".to_owned()).await;
    }
    for path in [
        "/nothing",
        "/ui/nothing",
        "/ui/assets/nothing",
        "/ui/a/b/c/d",
    ] {
        look(site.keyed(Method::GET, path), path.to_owned()).await;
    }
    for status in [200, 303, 400, 401, 403, 404, 405, 413, 415, 421, 422, 429] {
        assert!(
            seen.contains(&status),
            "no {status} was seen, only {seen:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_https_is_made_to_stay_where_it_is_spoken() {
    let site = Site::with(Setup {
        base_url: Some("https://sync.example.org"),
        ..Setup::default()
    })
    .await;
    for (method, path) in every_request() {
        let request = site
            .keyed(method.clone(), &path)
            .header("host", "sync.example.org");
        let answer = Answer::of(request).await;
        let age = answer.header("strict-transport-security");
        // Other services below the same name are left alone.
        assert_eq!(age, "max-age=31536000", "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_no_other_site_changes_anything() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    let own = format!("http://127.0.0.1:{}", site.port);
    let token = site.page(&cookie, "/ui/settings").await.token();
    let elsewhere: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        // A sub-domain.
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
        ],
    ];
    let mut walked = 0;
    for (method, path) in every_request() {
        if !changes(&method) {
            continue;
        }
        walked += 1;
        let ask = |headers: &[(&str, &str)]| {
            let request = site.bare(method.clone(), &path).header(COOKIE, &cookie);
            let request = if path.starts_with("/ui/") {
                request.form(&[("csrf", token.as_str())])
            } else {
                request.json(&serde_json::json!({}))
            };
            headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            })
        };
        for headers in elsewhere {
            let answer = Answer::of(ask(headers)).await;
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
        }
        if path.starts_with("/ui/") && path != "/ui/sign-in" {
            let bare = site.bare(method.clone(), &path).header(COOKIE, &cookie);
            let own = bare.header("sec-fetch-site", "same-origin");
            for token in ["", "wrong"] {
                let request = own.try_clone().unwrap().form(&[("csrf", token)]);
                assert_eq!(Answer::of(request).await.status, 403, "{path} {token:?}");
            }
        } else {
            // With a cookie and no word about where it comes from.
            let answer = Answer::of(ask(&[])).await;
            assert_eq!(answer.status, 403, "{method} {path}");
        }
    }
    assert!(walked > 25, "{walked}");
    let settings = site.get("/settings").await.json();
    assert_eq!(settings["interval_seconds"], 300);

    let save = [("csrf", token.as_str()), ("interval_seconds", "90")];
    let request = site.bare(Method::POST, "/ui/settings").form(&save);
    let request = request.header(COOKIE, &cookie).header("origin", &own);
    assert_eq!(Answer::of(request).await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s13_other_hosts_are_not_served() {
    let site = Site::with(Setup {
        hosts: &["caldav-sync", "192.168.1.5"],
        ..Setup::default()
    })
    .await;
    for (method, path) in every_request() {
        for host in ["evil.example", "127.0.0.1.evil.example", "x.caldav-sync"] {
            let request = site.keyed(method.clone(), &path).header("host", host);
            let answer = Answer::of(request).await;
            if is_probe(&path) {
                assert_eq!(answer.status, 200, "{path}");
            } else {
                assert_eq!(answer.status, 421, "{method} {path} at {host}");
            }
        }
    }
    for host in [
        "localhost",
        "127.0.0.1:1",
        "[::1]",
        "caldav-sync:8080",
        "192.168.1.5",
    ] {
        let request = site.keyed(Method::GET, "/status").header("host", host);
        assert_eq!(Answer::of(request).await.status, 200, "{host}");
    }
    // A header that only a trusted proxy may send does not help.
    let forged = site
        .keyed(Method::GET, "/status")
        .header("host", "evil.example");
    let forged = forged.header("x-forwarded-host", "localhost");
    assert_eq!(Answer::of(forged).await.status, 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_strangers_see_the_sign_in_the_probes_and_the_style_sheet() {
    let site = Site::new().await;
    for (method, path) in every_request() {
        let answer = Answer::of(site.bare(method.clone(), &path)).await;
        let what = format!("{method} {path}: {}", answer.text);
        assert!(!answer.text.contains("0.0.0-test"), "the version: {what}");
        if is_probe(&path) || is_open(&path) {
            assert_ne!(answer.status, 401, "{what}");
        } else if path.starts_with("/ui") || ["", "/", "/oauth/start"].contains(&path.as_str()) {
            if method == Method::GET {
                assert!(answer.location().starts_with("/ui/sign-in"), "{what}");
            } else {
                assert_eq!(answer.status, 401, "{what}");
            }
        } else {
            assert_eq!(answer.status, 401, "{what}");
        }
    }
    // From page to page, as a crawler goes.
    let mut found = BTreeSet::new();
    let mut left = vec![
        "/".to_owned(),
        "/robots.txt".to_owned(),
        "/openapi.json".to_owned(),
    ];
    while let Some(path) = left.pop() {
        let answer = Answer::of(site.bare(Method::GET, &path)).await;
        if let Some(to) = answer.headers.get("location") {
            left.push(to.to_str().unwrap().split('?').next().unwrap().to_owned());
        }
        if answer.status != 200 || !found.insert(path) {
            continue;
        }
        for attribute in ["href=\"", "src=\"", "action=\""] {
            for link in answer.text.split(attribute).skip(1) {
                let link = link.split(['"', '#', '?']).next().unwrap();
                if !link.is_empty() {
                    left.push(link.to_owned());
                }
            }
        }
    }
    assert!(found.remove("/ui/sign-in"), "{found:?}");
    assert!(
        found.iter().all(|path| path.starts_with("/ui/assets/")),
        "{found:?}"
    );
    assert!(!found.is_empty());
}
