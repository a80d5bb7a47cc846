//! What every answer carries, whatever it says.

use reqwest::Method;

use crate::harness::{Answer, Setup, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_dressed() {
    let site = Site::new().await;
    let mapping = site.mapped().await;
    let id = mapping["id"].as_str().unwrap();
    let run = site.sync(&mapping).await;
    let run = run["id"].as_str().unwrap();
    let cookie = site.browser().await;
    let pages = [
        "/ui/".to_owned(),
        "/ui/caldav".to_owned(),
        "/ui/caldav/new".to_owned(),
        "/ui/google".to_owned(),
        "/ui/mappings".to_owned(),
        "/ui/mappings/new".to_owned(),
        format!("/ui/mappings/{id}"),
        format!("/ui/mappings/{id}/preview"),
        format!("/ui/mappings/{id}/delete"),
        "/ui/runs".to_owned(),
        format!("/ui/runs/{run}"),
        "/ui/settings".to_owned(),
        "/ui/sign-in".to_owned(),
        "/ui/nothing".to_owned(),
        "/ui/runs/run_none".to_owned(),
        "/oauth/callback?state=x&code=y".to_owned(),
    ];
    for path in &pages {
        let answer = if path == "/ui/sign-in" {
            Answer::of(site.bare(Method::GET, path)).await
        } else {
            site.page(&cookie, path).await
        };
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{path}: {}",
            answer.text
        );
        dressed(&answer, path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.text.matches("<h1").count(), 1, "{path}");
        assert!(answer.text.contains("class=\"skip\""), "{path}");
        for forbidden in ["<script", " style=\"", " onclick", "http-equiv"] {
            assert!(!answer.text.contains(forbidden), "{forbidden} in {path}");
        }
    }
    for path in ["/status", "/runs", "/mappings", "/nothing", "/healthz"] {
        let answer = site.get(path).await;
        dressed(&answer, path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "");
    }
}

#[track_caller]
fn dressed(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part} is missing at {path}");
    }
    assert!(!policy.contains("unsafe"), "{path}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name} at {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_style_sheet_may_be_kept_for_ever() {
    let site = Site::new().await;
    let page = Answer::of(site.bare(Method::GET, "/ui/sign-in")).await;
    let (_, after) = page.text.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let path = after.split('"').next().unwrap();
    let sheet = Answer::of(site.bare(Method::GET, path)).await;
    assert_eq!(sheet.status, 200);
    assert!(sheet.header("cache-control").contains("immutable"));
    assert!(sheet.text.contains("prefers-color-scheme: dark"));
    let other = Answer::of(site.bare(Method::GET, "/ui/assets/style.0.css")).await;
    assert_eq!(other.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_is_made_to_stay() {
    let site = Site::with(Setup {
        base_url: Some("https://sync.example.org"),
        ..Setup::default()
    })
    .await;
    let ask = site
        .bare(Method::GET, "/ui/sign-in")
        .header("host", "sync.example.org");
    let answer = Answer::of(ask).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=")
    );
    let form = [("key", site.key.as_str())];
    let signed_in = site
        .bare(Method::POST, "/ui/sign-in")
        .header("host", "sync.example.org")
        .form(&form);
    let set = Answer::of(signed_in).await.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-"), "{set}");
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{part} is missing in {set}");
    }
    assert!(!set.contains("Domain"), "{set}");
}
