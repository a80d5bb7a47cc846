//! Who gets in, over the wire. The rules' table is tested beside them.

use reqwest::Method;
use reqwest::header::COOKIE;

use crate::harness::{Answer, Setup, Site};

const LOCAL: Setup = Setup {
    base_url: None,
    prefix: "",
    local_access: true,
    proxies: Vec::new(),
    forward_auth: None,
    hosts: &[],
    google: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_everything_but_the_probes_is_closed() {
    let site = Site::new().await;
    for (method, path) in [
        (Method::GET, "/status"),
        (Method::GET, "/caldav/accounts"),
        (Method::POST, "/sync"),
        (Method::PUT, "/settings"),
        (Method::GET, "/no/such/path"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/status?api_key=x"),
    ] {
        let answer = Answer::of(site.bare(method, path)).await;
        answer.problem(401, "unauthorized");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    for (path, body) in [
        ("/healthz", r#"{"status":"ok"}"#),
        ("/readyz", r#"{"status":"ok"}"#),
    ] {
        let answer = Answer::of(site.bare(Method::GET, path)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, body));
    }
    let wrong = Answer::of(site.bare(Method::GET, "/status").bearer_auth("nonsense")).await;
    wrong.problem(401, "unauthorized");
    assert_eq!(site.get("/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_computer_needs_no_key_until_a_proxy_shows() {
    let site = Site::with(LOCAL).await;
    let ask = || site.bare(Method::GET, "/status");
    assert_eq!(Answer::of(ask()).await.status, 200);
    let foreign = Answer::of(ask().header("origin", "http://evil.example")).await;
    foreign.problem(401, "unauthorized");
    let banner = Answer::of(site.bare(Method::GET, "/ui/")).await;
    assert!(
        banner.text.contains("No key is asked for"),
        "{}",
        banner.text
    );
    // One request with a forwarding header, and nobody is local any more.
    let proxied = Answer::of(ask().header("x-forwarded-for", "203.0.113.9")).await;
    proxied.problem(401, "unauthorized");
    Answer::of(ask()).await.problem(401, "unauthorized");
    let page = Answer::of(site.bare(Method::GET, "/ui/")).await;
    assert_eq!(page.location(), "/ui/sign-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_forms_carry_a_token_too() {
    let site = Site::with(LOCAL).await;
    let origin = format!("http://127.0.0.1:{}", site.port);
    let post = |token: &str, origin: &str| {
        let form = [
            ("csrf", token.to_owned()),
            ("interval_seconds", "120".to_owned()),
        ];
        site.bare(Method::POST, "/ui/settings")
            .header("origin", origin)
            .form(&form)
    };
    let token = Answer::of(site.bare(Method::GET, "/ui/settings"))
        .await
        .token();
    assert_eq!(Answer::of(post("", &origin)).await.status, 403);
    assert_eq!(Answer::of(post(&token, "null")).await.status, 401);
    assert_eq!(Answer::of(post(&token, &origin)).await.status, 303);
    assert_eq!(site.get("/settings").await.json()["interval_seconds"], 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_begins_with_the_key_and_ends_for_good() {
    let site = Site::new().await;
    let wrong = site
        .bare(Method::POST, "/ui/sign-in")
        .form(&[("key", "wrong")]);
    let wrong = Answer::of(wrong).await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("<title>Error: Sign in"),
        "{}",
        wrong.text
    );
    assert!(!wrong.text.contains("value=\"wrong\""));

    let form = [("key", site.key.as_str()), ("next", "/ui/runs")];
    let right = Answer::of(site.bare(Method::POST, "/ui/sign-in").form(&form)).await;
    assert_eq!(
        (right.status.as_u16(), right.location().as_str()),
        (303, "/ui/runs")
    );
    let set = right.header("set-cookie").to_owned();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax"),
        "{set}"
    );
    let cookie = right.cookie();
    assert_eq!(site.page(&cookie, "/ui/").await.status, 200);
    let api = site.bare(Method::GET, "/status").header(COOKIE, &cookie);
    assert_eq!(Answer::of(api).await.status, 200);

    let out = site.submit(&cookie, "/ui/", "/ui/sign-out", &[]).await;
    assert_eq!(out.status, 303);
    let replayed = site.page(&cookie, "/ui/settings").await;
    assert_eq!(replayed.location(), "/ui/sign-in?next=%2Fui%2Fsettings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_lives_under_the_base_path() {
    let site = Site::with(Setup {
        prefix: "/sync",
        ..Setup::default()
    })
    .await;
    assert_eq!(site.get("/status").await.status, 200);
    let outside = |path: &str| {
        let url = format!("http://127.0.0.1:{}{path}", site.port);
        Answer::of(site.http.get(url).bearer_auth(&site.key))
    };
    assert_eq!(outside("/healthz").await.status, 200);
    assert_eq!(outside("/readyz").await.status, 200);
    outside("/status").await.problem(404, "not_found");
    let page = Answer::of(site.bare(Method::GET, "/ui/runs")).await;
    assert_eq!(page.location(), "/sync/ui/sign-in?next=%2Fui%2Fruns");
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/").await;
    assert_eq!(page.status, 200);
    for link in page.text.split("href=\"").skip(1) {
        assert!(
            link.starts_with("/sync/") || link.starts_with('#'),
            "{link:.60}"
        );
    }
    for action in page.text.split("action=\"").skip(1) {
        assert!(action.starts_with("/sync/ui/"), "{action:.60}");
    }
    let begun = Answer::of(site.keyed(Method::GET, "/oauth/start")).await;
    assert!(begun.header("set-cookie").contains("Path=/sync;"));
    assert!(begun.location().contains("%2Fsync%2Foauth%2Fcallback"));
}
