//! S1, S10, S14, S15, S18: coming in without a key, with a guessed one, by a proxy's word, and back
//! from Google.

use futures_util::StreamExt as _;
use jiff::SignedDuration;
use reqwest::header::COOKIE;
use reqwest::{Method, RequestBuilder, Version};
use serde_json::json;
use simulators::google::{Consent, DEFAULT_ACCOUNT};

use crate::harness::{Answer, Setup, Site};

/// Headers besides what the client sends by itself.
type Headers<'a> = &'a [(&'a str, &'a str)];

fn local() -> Setup {
    Setup {
        local_access: true,
        ..Setup::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_each_condition_about_the_request_is_needed() {
    let site = Site::with(local()).await;
    let ask = || site.bare(Method::GET, "/status");
    assert_eq!(Answer::of(ask()).await.status, 200);
    let own = format!("http://127.0.0.1:{}", site.port);
    let navigation = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let table: [(&str, Headers<'_>, u16); 13] = [
        (
            "another site's page",
            &[("origin", "http://evil.example")],
            401,
        ),
        ("a sandboxed page", &[("origin", "null")], 401),
        ("our own page", &[("origin", &own)], 200),
        (
            "the same by another name",
            &[("origin", "http://localhost:1")],
            401,
        ),
        (
            "a cross-site request",
            &[("sec-fetch-site", "cross-site")],
            401,
        ),
        (
            "a same-site request",
            &[("sec-fetch-site", "same-site")],
            401,
        ),
        (
            "a same-origin request",
            &[("sec-fetch-site", "same-origin")],
            200,
        ),
        ("typed into the browser", &[("sec-fetch-site", "none")], 200),
        ("no port", &[("host", "127.0.0.1")], 401),
        ("another port", &[("host", "127.0.0.1:1")], 401),
        ("another name", &[("host", "127.0.0.1.evil.example")], 421),
        ("another address", &[("host", "127.0.0.2")], 421),
        (
            "a link elsewhere to the API",
            &[
                ("sec-fetch-site", "cross-site"),
                navigation[0],
                navigation[1],
            ],
            401,
        ),
    ];
    for (what, headers, status) in table {
        let request = headers.iter().fold(ask(), |request, (name, value)| {
            request.header(*name, *value)
        });
        assert_eq!(Answer::of(request).await.status, status, "{what}");
    }
    let old = ask().version(Version::HTTP_10);
    // Compressed, its length would not be known, which HTTP/1.0 has no words for.
    let old = old.header("accept-encoding", "identity");
    assert_eq!(Answer::of(old).await.status, 401, "HTTP/1.0");

    // A link elsewhere to a page, and Google's way back: GETs change nothing.
    let coming = |request: RequestBuilder| {
        let request = request.header("sec-fetch-site", "cross-site");
        let [mode, dest] = navigation;
        Answer::of(request.header(mode.0, mode.1).header(dest.0, dest.1))
    };
    assert_eq!(coming(site.bare(Method::GET, "/ui/")).await.status, 200);
    let back = coming(site.bare(Method::GET, "/oauth/callback")).await;
    assert_eq!(back.status, 400);
    let form = coming(site.bare(Method::POST, "/ui/sync")).await;
    assert_eq!(form.status, 401);
    assert_eq!(
        Answer::of(ask()).await.status,
        200,
        "the exemption still holds"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_each_condition_about_the_installation_is_needed() {
    for (what, setup) in [
        ("LOCAL_ACCESS=off", Setup::default()),
        (
            "BASE_URL elsewhere",
            Setup {
                base_url: Some("https://sync.example.org"),
                ..local()
            },
        ),
        (
            "a trusted proxy",
            Setup {
                proxies: vec!["10.0.0.0/8".parse().unwrap()],
                ..local()
            },
        ),
    ] {
        let site = Site::with(setup).await;
        let answer = Answer::of(site.bare(Method::GET, "/status")).await;
        assert_eq!(answer.status, 401, "{what}");
        let page = site.page(&site.browser().await, "/ui/").await;
        assert!(!page.text.contains("No key is asked for"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_forwarding_header_ends_the_exemption_for_good() {
    for header in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-whatever",
        "x-real-ip",
        "via",
        "cf-connecting-ip",
        "cf-ray",
    ] {
        let site = Site::with(local()).await;
        let ask = || site.bare(Method::GET, "/status");
        let before = Answer::of(site.bare(Method::GET, "/ui/")).await;
        assert!(
            before.text.contains("No key is asked for"),
            "{}",
            before.text
        );
        // Where it comes does not matter: not even the probes are too small.
        let probe = site
            .bare(Method::GET, "/healthz")
            .header(header, "127.0.0.1");
        assert_eq!(Answer::of(probe).await.status, 200);
        assert_eq!(Answer::of(ask()).await.status, 401, "{header}");
        let page = site.page(&site.browser().await, "/ui/").await;
        assert!(!page.text.contains("No key is asked for"), "{header}");
        assert!(page.text.contains("came through a proxy"), "{header}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_thousand_guesses_are_slowed_down_and_nobody_else_is() {
    let site = Site::with(Setup {
        proxies: vec!["127.0.0.1".parse().unwrap()],
        ..Setup::default()
    })
    .await;
    let sign_in = |from: &str, key: &str| {
        let form = [("key", key)];
        site.bare(Method::POST, "/ui/sign-in")
            .header("x-forwarded-for", from)
            .form(&form)
    };
    let guesses = (0..1000).map(|n| Answer::of(sign_in("203.0.113.9", &format!("guess {n}"))));
    let answers: Vec<u16> = futures_util::stream::iter(guesses)
        .buffer_unordered(250)
        .map(|answer| answer.status.as_u16())
        .collect()
        .await;
    let of = |status| answers.iter().filter(|given| **given == status).count();
    assert_eq!(of(422) + of(429), 1000);
    // Ten at once, and what the time it took allows.
    assert!((10..30).contains(&of(422)), "{}", of(422));
    let other = Answer::of(sign_in("203.0.113.10", &site.key)).await;
    assert_eq!(other.status, 303, "another address");
    let api = |key: &str| {
        let request = site.bare(Method::GET, "/status").bearer_auth(key);
        request.header("x-forwarded-for", "203.0.113.9")
    };
    let with_key = Answer::of(api(&site.key)).await;
    assert_eq!(with_key.status, 200, "a program with the key goes on");
    // What the guesser claims about himself does not help him; the other door slows him down by
    // itself. One more try may have become free meanwhile.
    let slowed = async |again: &dyn Fn() -> RequestBuilder| {
        for _ in 0..14 {
            let answer = Answer::of(again()).await;
            if answer.status == 429 {
                assert_ne!(answer.header("retry-after"), "");
                return true;
            }
        }
        false
    };
    assert!(slowed(&|| sign_in("198.51.100.1, 203.0.113.9", "guess")).await);
    assert!(slowed(&|| api("guess")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_program_with_an_old_key_keeps_nobody_from_signing_in() {
    let site = Site::new().await;
    let guess = || Answer::of(site.bare(Method::GET, "/status").bearer_auth("an old key"));
    let mut refused = Vec::new();
    for _ in 0..14 {
        refused.push(guess().await.status.as_u16());
    }
    assert!(refused.contains(&429), "{refused:?}");
    // From the same address, with the right key.
    let cookie = site.browser().await;
    assert_eq!(site.page(&cookie, "/ui/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_short_key_is_not_found_by_who_is_slowed_down() {
    let site = Site::new().await;
    let short = "a-short-one";
    site.app.ensure_key(Some(&short.into())).await.unwrap();
    let try_it = |key: &'static str| Answer::of(site.bare(Method::GET, "/status").bearer_auth(key));
    assert_eq!(try_it(short).await.status, 200);
    let mut refused = Vec::new();
    for _ in 0..14 {
        refused.push(try_it("a-short-two").await.status.as_u16());
    }
    assert!(refused.contains(&429), "{refused:?}");
    let mut found = Vec::new();
    for _ in 0..3 {
        found.push(try_it(short).await.status.as_u16());
    }
    // One try may have become free meanwhile.
    assert!(found.contains(&429), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_the_longest_key_fits_into_the_form_and_no_target_breaks_it() {
    let site = Site::new().await;
    // Every character of it is percent-encoded.
    let longest = "%".repeat(512);
    site.app
        .ensure_key(Some(&longest.as_str().into()))
        .await
        .unwrap();
    for (next, to) in [
        ("/ui/runs?mapping=map_1", "/ui/runs?mapping=map_1"),
        ("/ui/\0", "/ui/"),
    ] {
        let form = [("next", next), ("username", "admin"), ("key", &longest)];
        let signed_in = site.bare(Method::POST, "/ui/sign-in").form(&form);
        let signed_in = Answer::of(signed_in).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.text);
        assert_eq!(signed_in.location(), to);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s14_whom_a_trusted_proxy_has_signed_in_is_in() {
    let site = Site::with(Setup {
        proxies: vec!["127.0.0.1".parse().unwrap()],
        forward_auth: Some("remote-user"),
        ..Setup::default()
    })
    .await;
    let as_ada = |method, path: &str| site.bare(method, path).header("Remote-User", "ada");
    assert_eq!(
        Answer::of(site.bare(Method::GET, "/status")).await.status,
        401
    );
    assert_eq!(Answer::of(as_ada(Method::GET, "/status")).await.status, 200);
    let page = Answer::of(as_ada(Method::GET, "/ui/settings")).await;
    assert_eq!(page.status, 200);
    let token = page.token();
    let save = |token: &str, site_header: &'static str| {
        let form = [("csrf", token), ("interval_seconds", "90")];
        let request = as_ada(Method::POST, "/ui/settings").form(&form);
        Answer::of(request.header("sec-fetch-site", site_header))
    };
    assert_eq!(save("", "same-origin").await.status, 403);
    assert_eq!(save(&token, "cross-site").await.status, 403);
    assert_eq!(save(&token, "same-origin").await.status, 303);
    // The proxy's word is not the key.
    Answer::of(as_ada(Method::GET, "/keys"))
        .await
        .problem(401, "unauthorized");
    // A wrong key is wrong whoever brings it; a proxy's own password is no key.
    let wrong = as_ada(Method::GET, "/status").bearer_auth("wrong");
    assert_eq!(Answer::of(wrong).await.status, 401);
    let basic = as_ada(Method::GET, "/status").basic_auth("ada", Some("pw"));
    assert_eq!(Answer::of(basic).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s14_the_header_has_no_effect_from_anybody_else() {
    for (proxies, forward_auth) in [
        (vec!["10.0.0.0/8".parse().unwrap()], Some("remote-user")),
        (vec!["127.0.0.1".parse().unwrap()], None),
    ] {
        let site = Site::with(Setup {
            proxies,
            forward_auth,
            ..Setup::default()
        })
        .await;
        let forged = site
            .bare(Method::GET, "/status")
            .header("Remote-User", "ada");
        Answer::of(forged).await.problem(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s15_a_sign_in_with_google_is_good_once_for_ten_minutes_in_one_browser() {
    let site = Site::new().await;
    site.google.consent(Consent::all(DEFAULT_ACCOUNT));
    let begun = Answer::of(site.keyed(Method::GET, "/oauth/start")).await;
    let set = format!("{};", begun.header("set-cookie"));
    for part in ["HttpOnly;", "SameSite=Lax;", "Max-Age=600;", "Path=/;"] {
        assert!(set.contains(part), "{part} is missing in {set}");
    }
    let asked = begun.location();
    let redirect = format!(
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Foauth%2Fcallback&",
        site.port
    );
    for part in [
        &redirect,
        "code_challenge_method=S256&",
        "code_challenge=",
        "state=",
    ] {
        assert!(asked.contains(part), "{part} is missing in {asked}");
    }
    let come = |url: String, cookie: String| Answer::of(site.http.get(url).header(COOKIE, cookie));
    let none_stored = async || {
        let accounts = site.get("/google/accounts").await.json();
        assert_eq!(accounts, json!({"accounts": []}));
    };

    let (callback, cookie) = site.to_callback("/oauth/start").await;
    site.pass(SignedDuration::from_mins(11));
    assert_eq!(come(callback, cookie).await.status, 400, "too late");
    none_stored().await;

    let (callback, cookie) = site.to_callback("/oauth/start").await;
    let name = cookie.split('=').next().unwrap();
    let empty = format!("{name}=");
    for other in [String::new(), empty, format!("{name}={}", "A".repeat(43))] {
        assert_eq!(
            come(callback.clone(), other).await.status,
            400,
            "another browser"
        );
    }
    none_stored().await;
    // Whatever came of it, it is used up.
    assert_eq!(come(callback, cookie).await.status, 400);
    none_stored().await;

    for query in ["", "?state=", "?state=x&code=y", "?error=access_denied"] {
        let path = format!("/oauth/callback{query}");
        let answer = Answer::of(site.bare(Method::GET, &path)).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    let (callback, cookie) = site.to_callback("/oauth/start").await;
    assert_eq!(come(callback.clone(), cookie.clone()).await.status, 303);
    assert_eq!(come(callback, cookie).await.status, 400, "reused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s18_the_sign_in_takes_little() {
    let site = Site::new().await;
    let post = |kind: &'static str, body: String| {
        let request = site.bare(Method::POST, "/ui/sign-in");
        Answer::of(request.header("content-type", kind).body(body))
    };
    let form = "application/x-www-form-urlencoded";
    let long = post(form, format!("key={}", "x".repeat(4096))).await;
    assert_eq!(long.status, 413);
    let json = post("application/json", json!({"key": site.key}).to_string()).await;
    assert_eq!(json.status, 415);
    let many = post(form, "a&".repeat(500)).await;
    assert_eq!(many.status, 413);
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = Answer::of(site.bare(method, "/ui/sign-in")).await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), "GET, HEAD, POST, OPTIONS");
    }
    // None of these was a guess.
    assert_eq!(post(form, format!("key={}", site.key)).await.status, 303);
}
