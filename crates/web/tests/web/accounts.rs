//! CalDAV accounts: tested before they are stored.

use reqwest::Method;
use serde_json::{Value, json};
use simulators::caldav::UserSpec;
use store::records::NewCaldavAccount;

use crate::harness::{Answer, Site, members};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_comes_with_its_calendars() {
    let site = Site::new().await;
    let account = site.add_alice().await;
    assert_eq!(
        members(&account),
        [
            "base_url",
            "calendars",
            "id",
            "managed",
            "name",
            "status",
            "username"
        ]
    );
    assert_eq!(account["status"], "ok");
    assert_eq!(account["username"], "alice");
    let calendars = account["calendars"].as_array().unwrap();
    let mut names: Vec<&str> = calendars
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Home", "Work"]);
    for calendar in calendars {
        assert_eq!(
            members(calendar),
            ["account_id", "color", "id", "name", "url", "writable"]
        );
        assert_eq!(calendar["account_id"], account["id"]);
        assert_eq!(calendar["writable"], true);
    }
    let listed = site.get("/caldav/accounts").await.json();
    assert_eq!(members(&listed), ["accounts"]);
    // As it was when it was added: the same calendars too.
    assert_eq!(listed["accounts"][0], account);
    let path = format!(
        "/caldav/calendars?account_id={}",
        account["id"].as_str().unwrap()
    );
    let fresh = site.get(&path).await.json();
    assert_eq!(fresh["calendars"].as_array().unwrap().len(), 2);
    let text = format!("{account}{listed}{fresh}");
    assert!(!text.contains("alicepw"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_work_is_not_stored() {
    let site = Site::new().await;
    let url = site.caldav.url().to_owned();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    // A server that speaks HTTP and no CalDAV.
    let elsewhere = site.google.base_url();
    let account = |url: &str, username: &str, password: &str| json!({"base_url": url, "username": username, "password": password});
    for (body, code) in [
        (account(&url, "alice", "wrong"), "caldav_unauthorized"),
        (
            account(&unreachable, "alice", "alicepw"),
            "caldav_unreachable",
        ),
        (account(&elsewhere, "alice", "alicepw"), "caldav_not_found"),
    ] {
        let problem = site.post("/caldav/accounts", body).await.problem(422, code);
        assert!(!problem.to_string().contains("alicepw"), "{problem}");
    }
    let missing = site
        .post("/caldav/accounts", json!({"base_url": url}))
        .await;
    assert_eq!(
        missing.problem(422, "invalid")["errors"][1]["field"],
        "password"
    );
    let stored = site.get("/caldav/accounts").await.json();
    assert_eq!(stored, json!({"accounts": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_added_once_and_changed_after_a_test() {
    let site = Site::new().await;
    let account = site.add_alice().await;
    let id = account["id"].as_str().unwrap();
    let again = json!({"base_url": site.caldav.url(), "username": "alice", "password": "alicepw"});
    let problem = site
        .post("/caldav/accounts", again)
        .await
        .problem(409, "already_exists");
    assert_eq!(problem["id"], account["id"]);

    let path = format!("/caldav/accounts/{id}");
    let patch = |body: Value| Answer::of(site.keyed(Method::PATCH, &path).json(&body));
    patch(json!({"password": "wrong"}))
        .await
        .problem(422, "caldav_unauthorized");
    // What is to stay is left out: nothing is taken for "keep it" in silence.
    for field in ["name", "base_url", "username", "password"] {
        let problem = patch(json!({ field: "" })).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let renamed = patch(json!({"name": "My server"})).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    assert_eq!(renamed.json()["name"], "My server");
    site.caldav.set_user(UserSpec::new("alice", "changed"));
    let path_of_calendars = format!("/caldav/calendars?account_id={id}");
    site.get(&path_of_calendars)
        .await
        .problem(422, "caldav_unauthorized");
    assert_eq!(
        site.get("/caldav/accounts").await.json()["accounts"][0]["status"],
        "unauthorized"
    );
    assert_eq!(patch(json!({"password": "changed"})).await.status, 200);
    assert_eq!(
        site.get("/caldav/accounts").await.json()["accounts"][0]["status"],
        "ok"
    );
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(
        site.get("/caldav/accounts").await.json(),
        json!({"accounts": []})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s16_a_password_that_travels_in_clear_is_told_of() {
    let site = Site::new().await;
    site.add_alice().await;
    // A public server cannot be run in a test.
    let account = NewCaldavAccount {
        name: "far".to_owned(),
        base_url: "http://dav.example/".to_owned(),
        username: "ada".to_owned(),
        password: "pw".into(),
        trusted_fingerprint: None,
        profile: json!({"homes": ["http://dav.example/ada/"], "private": false}),
        managed: false,
    };
    let now = jiff::Timestamp::now();
    let added = site.db.add_caldav_account(account, Vec::new(), now);
    added.await.unwrap();
    let accounts = site.get("/caldav/accounts").await.json();
    let warned = accounts["accounts"].as_array().unwrap().iter();
    let warned: Vec<&Value> = warned
        .filter(|account| account.get("warnings").is_some())
        .collect();
    assert_eq!(warned.len(), 1, "a private one is not: {accounts:#}");
    assert_eq!(warned[0]["name"], "far");
    assert_eq!(warned[0]["warnings"][0]["code"], "password_in_clear");
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/caldav").await;
    assert_eq!(page.text.matches("travels in clear").count(), 1);
}
