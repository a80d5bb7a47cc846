//! S11: browser sessions.

use jiff::SignedDuration;
use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::Value;

use crate::harness::{Answer, Setup, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_the_cookie_promises_what_the_scheme_allows() {
    for (base_url, name, path, secure) in [
        (
            Some("https://sync.example.org"),
            "__Host-caldav_sync_session=",
            "/",
            true,
        ),
        (
            Some("https://example.org/cal"),
            "__Secure-caldav_sync_session=",
            "/cal",
            true,
        ),
        (
            Some("http://nas.example"),
            "caldav_sync_session_80=",
            "/",
            false,
        ),
    ] {
        let prefix = if path == "/" { "" } else { path };
        let site = Site::with(Setup {
            base_url,
            prefix: if prefix.is_empty() { "" } else { "/cal" },
            ..Setup::default()
        })
        .await;
        let form = [("key", site.key.as_str())];
        let signed_in = Answer::of(site.bare(Method::POST, "/ui/sign-in").form(&form)).await;
        let set = format!("{};", signed_in.header("set-cookie"));
        assert!(set.starts_with(name), "{set}");
        assert!(set.contains(&format!("Path={path};")), "{set}");
        for part in ["HttpOnly;", "SameSite=Lax;", "Max-Age="] {
            assert!(set.contains(part), "{part} is missing in {set}");
        }
        assert_eq!(set.contains("Secure;"), secure, "{set}");
        assert!(!set.contains("Domain"), "{set}");
        // 256 bits.
        let value = set.split(['=', ';']).nth(1).unwrap();
        assert_eq!(value.len(), 43, "{value}");
        // In the clear beyond this computer: said on the sign-in and on every page after it.
        let warning = "plain http";
        let sign_in = Answer::of(site.bare(Method::GET, "/ui/sign-in")).await;
        assert_eq!(sign_in.text.contains(warning), !secure, "{base_url:?}");
        let page = site.page(&signed_in.cookie(), "/ui/settings").await;
        assert_eq!(page.status, 200);
        assert_eq!(page.text.contains(warning), !secure, "{base_url:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_cookie_is_worth_nothing_after_the_sign_out() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    for path in [
        "/ui/",
        "/ui/runs",
        "/ui/settings/access",
        "/ui/nothing",
        "/ui/runs/x",
    ] {
        let page = site.page(&cookie, path).await;
        assert!(
            page.text.contains("action=\"/ui/sign-out\""),
            "{path}: {}",
            page.text
        );
    }
    let out = site.submit(&cookie, "/ui/", "/ui/sign-out", &[]).await;
    assert_eq!(out.location(), "/ui/sign-in?done=signed-out");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.page(&cookie, "/ui/").await.location(), "/ui/sign-in");
    let api = site.bare(Method::GET, "/status").header(COOKIE, &cookie);
    Answer::of(api).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_sign_in_makes_a_new_session_and_ends_the_one_before() {
    let site = Site::new().await;
    let name = format!("caldav_sync_session_{}", site.port);
    let sign_in = |cookie: &str| {
        let form = [("key", site.key.as_str())];
        let request = site.bare(Method::POST, "/ui/sign-in").form(&form);
        Answer::of(
            request
                .header(COOKIE, cookie)
                .header("sec-fetch-site", "same-origin"),
        )
    };
    // What an attacker has put there is not taken over.
    let planted = format!("{name}={}", "a".repeat(43));
    let first = sign_in(&planted).await.cookie();
    assert_ne!(first, planted);
    assert_eq!(site.page(&planted, "/ui/").await.location(), "/ui/sign-in");
    let second = sign_in(&first).await.cookie();
    assert_ne!(second, first);
    assert_eq!(site.page(&first, "/ui/").await.location(), "/ui/sign-in");
    assert_eq!(site.page(&second, "/ui/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_sessions_end_by_idleness_and_by_age() {
    let site = Site::new().await;
    let idle = site.browser().await;
    site.pass(SignedDuration::from_hours(6 * 24));
    let used = site.browser().await;
    assert_eq!(site.page(&idle, "/ui/").await.status, 200);
    // A visit counts.
    site.pass(SignedDuration::from_hours(6 * 24));
    assert_eq!(site.page(&idle, "/ui/").await.status, 200);
    site.pass(SignedDuration::from_hours(2 * 24));
    assert_eq!(site.page(&used, "/ui/").await.location(), "/ui/sign-in");
    for _ in 0..3 {
        assert_eq!(site.page(&idle, "/ui/").await.status, 200);
        site.pass(SignedDuration::from_hours(6 * 24));
    }
    assert_eq!(site.page(&idle, "/ui/").await.location(), "/ui/sign-in");
    assert_eq!(sessions(&site).await.len(), 0);
}

async fn sessions(site: &Site) -> Vec<Value> {
    let all = site.get("/sessions").await.json();
    all["sessions"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_sessions_are_listed_and_ended() {
    let site = Site::new().await;
    let own = site.browser().await;
    let form = [("key", site.key.as_str())];
    let phone = site.bare(Method::POST, "/ui/sign-in").form(&form);
    let phone = phone.header("user-agent", "Phone/1 <b>");
    let phone = Answer::of(phone).await.cookie();
    let third = site.browser().await;

    let page = site.page(&own, "/ui/settings/access").await;
    assert!(page.text.contains("Phone/1 &lt;b&gt;"), "{}", page.text);
    assert_eq!(page.text.matches("this browser").count(), 1);
    let all = sessions(&site).await;
    let found = all
        .iter()
        .find(|session| session["agent"] == "Phone/1 <b>")
        .unwrap();
    assert_eq!(
        (&found["key"], &found["address"]),
        (&"admin".into(), &"127.0.0.1".into())
    );
    let id = found["id"].as_str().unwrap();
    let secret = phone.split('=').nth(1).unwrap();
    assert!(!page.text.contains(secret) && !id.contains(secret));
    let end = format!("/ui/settings/access/sessions/{id}/end");
    let ended = site.submit(&own, "/ui/settings/access", &end, &[]).await;
    assert_eq!(ended.location(), "/ui/settings/access?done=session-ended");
    assert_eq!(site.page(&phone, "/ui/").await.location(), "/ui/sign-in");
    assert_eq!(site.page(&third, "/ui/").await.status, 200);

    let end = "/ui/settings/access/sessions/end";
    let ended = site.submit(&own, "/ui/settings/access", end, &[]).await;
    assert_eq!(ended.status, 303, "{}", ended.text);
    assert_eq!(site.page(&third, "/ui/").await.location(), "/ui/sign-in");
    assert_eq!(site.page(&own, "/ui/").await.status, 200);

    let id = sessions(&site).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.delete(&format!("/sessions/{id}")).await.status, 204);
    site.delete(&format!("/sessions/{id}"))
        .await
        .problem(404, "not_found");
    site.delete("/sessions/ses_")
        .await
        .problem(404, "not_found");
    assert_eq!(site.page(&own, "/ui/").await.location(), "/ui/sign-in");
}
