//! The way to Google and back.

use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::{Value, json};
use simulators::google::{Action, Consent, DEFAULT_ACCOUNT, Fault, Match, When};

use crate::harness::{Answer, Setup, Site, members};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_connected_and_removed() {
    let site = Site::new().await;
    let account = site.connect_google().await;
    assert_eq!(members(&account), ["email", "id", "status"]);
    assert_eq!(account["email"], DEFAULT_ACCOUNT);
    assert_eq!(account["status"], "ok");
    let calendars = site.get("/google/calendars").await.json();
    for calendar in calendars["calendars"].as_array().unwrap() {
        assert_eq!(
            members(calendar),
            [
                "access_role",
                "account_id",
                "color",
                "id",
                "name",
                "primary",
                "time_zone",
                "writable"
            ]
        );
    }
    let role = |name: &str| {
        let all = calendars["calendars"].as_array().unwrap();
        let found = all
            .iter()
            .find(|calendar| calendar["name"] == name)
            .unwrap();
        (found["access_role"].clone(), found["writable"].clone())
    };
    assert_eq!(role("Team"), (json!("owner"), json!(true)));
    assert_eq!(role("Holidays"), (json!("reader"), json!(false)));
    let id = account["id"].as_str().unwrap();
    assert_eq!(
        site.delete(&format!("/google/accounts/{id}")).await.status,
        204
    );
    assert_eq!(
        site.get("/google/accounts").await.json(),
        json!({"accounts": []})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_needs_its_own_state_and_cookie_and_works_once() {
    let site = Site::new().await;
    site.google.consent(Consent::all(DEFAULT_ACCOUNT));
    let (callback, cookie) = site.to_callback("/oauth/start").await;
    let come = |url: &str, cookie: &str| {
        Answer::of(
            site.http
                .get(url)
                .header(COOKIE, cookie)
                .header("sec-fetch-site", "cross-site"),
        )
    };
    let none = come(&callback, "").await;
    assert_eq!(none.status, 400, "{}", none.text);
    assert!(none.text.contains("not begun here"), "{}", none.text);
    assert!(none.text.contains("What to do"), "{}", none.text);
    let (_, other_cookie) = site.to_callback("/oauth/start").await;
    assert_eq!(come(&callback, &other_cookie).await.status, 400);
    let forged = callback.replace("state=", "state=x");
    assert_eq!(come(&forged, &cookie).await.status, 400);
    assert_eq!(
        site.get("/google/accounts").await.json(),
        json!({"accounts": []})
    );

    let (callback, cookie) = site.to_callback("/oauth/start").await;
    let back = come(&callback, &cookie).await;
    assert_eq!(back.location(), "/ui/google?done=connected");
    assert!(back.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(come(&callback, &cookie).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_and_a_missing_permission_say_what_to_do() {
    let site = Site::new().await;
    for (consent, words) in [
        (
            Consent {
                deny: true,
                ..Consent::all(DEFAULT_ACCOUNT)
            },
            "",
        ),
        (
            Consent {
                grant: Some(vec!["calendar.calendarlist.readonly".to_owned()]),
                ..Consent::all(DEFAULT_ACCOUNT)
            },
            "View and edit events",
        ),
    ] {
        site.google.consent(consent);
        let (callback, cookie) = site.to_callback("/oauth/start").await;
        let back = Answer::of(site.http.get(callback).header(COOKIE, cookie)).await;
        assert_eq!(back.status, 422, "{}", back.text);
        assert!(back.header("content-type").starts_with("text/html"));
        assert!(back.text.contains("What to do"), "{}", back.text);
        assert!(back.text.contains(words), "{}", back.text);
        assert_eq!(
            site.get("/google/accounts").await.json(),
            json!({"accounts": []})
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_in_begins_on_the_host_of_base_url() {
    let site = Site::new().await;
    let host = format!("localhost:{}", site.port);
    let ask = site
        .keyed(Method::GET, "/oauth/start?account=gga_1")
        .header("host", host);
    let moved = Answer::of(ask).await;
    let there = format!(
        "http://127.0.0.1:{}/oauth/start?account=gga_1&moved=1",
        site.port
    );
    assert_eq!(moved.location(), there);
    let stranger = Answer::of(site.bare(Method::GET, "/oauth/start")).await;
    assert_eq!(stranger.location(), "/ui/sign-in?next=%2Fui%2Fgoogle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_client_the_page_says_how_to_make_one() {
    let site = Site::with(Setup {
        google: false,
        ..Setup::default()
    })
    .await;
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/google").await;
    let uri = format!("http://127.0.0.1:{}/oauth/callback", site.port);
    assert!(page.text.contains(&uri), "{}", page.text);
    assert!(page.text.contains("GOOGLE_CLIENT_ID"));
    let start = site.page(&cookie, "/oauth/start").await;
    assert_eq!(start.status, 422);
    assert!(
        start.text.contains("Google is not set up"),
        "{}",
        start.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_removes_an_account_hears_when_google_could_not_be_told() {
    let site = Site::new().await;
    let failing = |times: u32| Fault {
        matching: Match {
            method: Some("revoke".to_owned()),
            ..Match::default()
        },
        when: When::Before,
        action: Action::Html { status: 502 },
        times,
    };
    let account = site.connect_google().await;
    let path = |account: &Value| format!("/google/accounts/{}", account["id"].as_str().unwrap());
    // Once is no failure yet.
    site.google.fault(failing(1));
    assert_eq!(site.delete(&path(&account)).await.status, 204);

    let account = site.connect_google().await;
    site.google.fault(failing(2));
    let removed = site.delete(&path(&account)).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    let warning = &removed.json()["warnings"][0];
    assert_eq!(warning["code"], "google_not_revoked");
    let link = "https://myaccount.google.com/permissions";
    assert!(warning["detail"].as_str().unwrap().contains(link));

    let account = site.connect_google().await;
    site.google.fault(failing(2));
    let cookie = site.browser().await;
    let ask = format!("/ui/google/{}/delete", account["id"].as_str().unwrap());
    let pressed = site.submit(&cookie, &ask, &ask, &[]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    let page = site.page(&cookie, &pressed.location()).await;
    assert!(
        page.text.contains(&format!("href=\"{link}\"")),
        "{}",
        page.text
    );
    let left = site.get("/google/accounts").await.json();
    assert_eq!(left, json!({"accounts": []}));
}
