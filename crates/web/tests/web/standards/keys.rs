//! S2: API keys.

use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::json;

use crate::harness::{Answer, Setup, Site, members};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_key_is_long_recognisable_shown_once_and_stored_as_a_hash() {
    let site = Site::new().await;
    let made = site.make_key("backup script", "sync").await;
    assert_eq!(
        members(&made),
        [
            "created_at",
            "id",
            "key",
            "last_used_at",
            "managed",
            "name",
            "scope"
        ]
    );
    let key = made["key"].as_str().unwrap();
    for key in [key, &site.key] {
        let random = key.strip_prefix("caldav-sync_").unwrap();
        // 32 bytes in base64.
        assert_eq!(random.len(), 43, "{random}");
    }
    assert_ne!(key, site.key);
    let listed = site.get("/keys").await;
    assert!(!listed.text.contains(key) && !listed.text.contains("hash"));
    let listed = listed.json();
    let names: Vec<&str> = listed["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["admin", "backup script"]);
    assert_eq!(
        members(&listed["keys"][1]),
        [
            "created_at",
            "id",
            "last_used_at",
            "managed",
            "name",
            "scope"
        ]
    );
    for file in std::fs::read_dir(site.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for key in [key, &site.key] {
                let random = key.strip_prefix("caldav-sync_").unwrap().as_bytes();
                let found = bytes.windows(random.len()).any(|window| window == random);
                assert!(!found, "a key is in {}", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_key_comes_in_the_authorization_header_and_nowhere_else() {
    let site = Site::new().await;
    let key = &site.key;
    let status = || site.bare(Method::GET, "/status");
    for query in ["api_key", "key", "token", "access_token"] {
        let path = format!("/status?{query}={key}");
        let answer = Answer::of(site.bare(Method::GET, &path)).await;
        answer.problem(401, "unauthorized");
    }
    for (header, value) in [
        ("x-api-key", key.clone()),
        ("cookie", format!("key={key}")),
        ("authorization", key.clone()),
        ("authorization", format!("Token {key}")),
        ("authorization", format!("Basic {key}")),
        ("proxy-authorization", format!("Bearer {key}")),
    ] {
        let answer = Answer::of(status().header(header, value)).await;
        answer.problem(401, "unauthorized");
    }
    assert_eq!(Answer::of(status().bearer_auth(key)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_the_answer_is_the_same_for_no_key_an_unknown_and_a_malformed_one() {
    let site = Site::new().await;
    let none = Answer::of(site.bare(Method::GET, "/status")).await;
    none.problem(401, "unauthorized");
    let almost = format!("{}x", &site.key[..site.key.len() - 1]);
    let long = "x".repeat(5000);
    for given in [
        "Bearer nonsense",
        "Bearer",
        "Bearer ",
        "nonsense",
        "Bearer a b",
        &format!("Bearer {almost}"),
        &format!("Bearer {long}"),
    ] {
        let request = site
            .bare(Method::GET, "/status")
            .header("authorization", given);
        let answer = Answer::of(request).await;
        assert_eq!(
            (answer.status, &answer.text),
            (none.status, &none.text),
            "{given:.40}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            none.header("www-authenticate")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_key_does_what_its_scope_says() {
    let site = Site::new().await;
    for (scope, sync, change) in [("read", 403, 403), ("sync", 202, 403), ("admin", 202, 200)] {
        let made = site.make_key(&format!("for {scope}"), scope).await;
        let key = made["key"].as_str().unwrap();
        let ask = |method, path: &str| site.bare(method, path).bearer_auth(key);
        assert_eq!(Answer::of(ask(Method::GET, "/status")).await.status, 200);
        assert_eq!(
            Answer::of(ask(Method::GET, "/ui/settings")).await.status,
            200
        );
        assert_eq!(
            Answer::of(ask(Method::POST, "/sync")).await.status,
            sync,
            "{scope}"
        );
        let put = ask(Method::PUT, "/settings").json(&json!({"interval_seconds": 90}));
        let put = Answer::of(put).await;
        assert_eq!(put.status, change, "{scope}");
        if change == 403 {
            put.problem(403, "key_scope");
        }
        let keys = Answer::of(ask(Method::GET, "/keys")).await;
        assert_eq!(keys.status, change, "{scope}");
        let start = Answer::of(ask(Method::GET, "/oauth/start")).await;
        assert_eq!(
            start.status == 303,
            scope == "admin",
            "{scope}: {}",
            start.status
        );

        // A browser that signed in with it may do no more.
        let cookie = site.browser_with(key).await;
        assert_eq!(site.page(&cookie, "/ui/").await.status, 200);
        let fields = [("interval_seconds", "120")];
        let saved = site
            .submit(&cookie, "/ui/settings", "/ui/settings", &fields)
            .await;
        let wanted = if scope == "admin" { 303 } else { 403 };
        assert_eq!(saved.status, wanted, "{scope}");
        let keys = site.page(&cookie, "/ui/settings/access").await;
        assert_eq!(keys.status == 200, scope == "admin", "{scope}");
        let page = site.page(&cookie, "/ui/").await;
        assert_eq!(
            page.text.contains("You signed in with a key"),
            scope != "admin"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_revoked_key_is_refused_on_the_next_request_and_its_browsers_too() {
    let site = Site::new().await;
    let made = site.make_key("lost laptop", "admin").await;
    let key = made["key"].as_str().unwrap();
    let ask = || Answer::of(site.bare(Method::GET, "/status").bearer_auth(key));
    assert_eq!(ask().await.status, 200);
    let used = site.get("/keys").await.json();
    assert!(used["keys"][1]["last_used_at"].is_string(), "{used}");
    let cookie = site.browser_with(key).await;
    let own = site.browser().await;
    let path = format!("/keys/{}", made["id"].as_str().unwrap());
    assert_eq!(site.delete(&path).await.status, 204);
    ask().await.problem(401, "unauthorized");
    assert_eq!(site.page(&cookie, "/ui/").await.location(), "/ui/sign-in");
    assert_eq!(site.page(&own, "/ui/").await.status, 200);
    site.delete(&path).await.problem(404, "not_found");
    let again = site.make_key("lost laptop", "read").await;
    assert_ne!(again["id"], made["id"]);
    ask().await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_nobody_locks_himself_out() {
    let site = Site::new().await;
    let admin = site.get("/keys").await.json()["keys"][0].clone();
    let path = format!("/keys/{}", admin["id"].as_str().unwrap());
    site.make_key("reader", "read").await;
    site.delete(&path).await.problem(409, "last_key");
    let second = site.make_key("second", "admin").await;
    assert_eq!(site.delete(&path).await.status, 204);
    let second = second["key"].as_str().unwrap();
    let list = site.bare(Method::GET, "/keys").bearer_auth(second);
    assert_eq!(Answer::of(list).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_api_key_replaces_the_generated_one_and_is_changed_there_alone() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    site.app
        .ensure_key(Some(&"given-by-the-environment".into()))
        .await
        .unwrap();
    site.get("/status").await.problem(401, "unauthorized");
    assert_eq!(site.page(&cookie, "/ui/").await.location(), "/ui/sign-in");
    let ask = |method, path: &str| {
        Answer::of(
            site.bare(method, path)
                .bearer_auth("given-by-the-environment"),
        )
    };
    let keys = ask(Method::GET, "/keys").await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["keys"][0]["managed"], true);
    let path = format!("/keys/{}", keys["keys"][0]["id"].as_str().unwrap());
    ask(Method::DELETE, &path).await.problem(409, "key_managed");
    // A start without it keeps it: nobody is shut out by a forgotten variable.
    assert!(site.app.ensure_key(None).await.unwrap().is_none());
    assert_eq!(ask(Method::GET, "/status").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_keys_are_asked_for_properly() {
    let site = Site::new().await;
    site.make_key("twice", "read").await;
    for (body, code, status) in [
        (json!({"name": "twice"}), "already_exists", 409),
        (json!({"name": " "}), "invalid", 422),
        (json!({"name": "x".repeat(101)}), "invalid", 422),
        (json!({"name": "two\nlines"}), "invalid", 422),
        (json!({"name": "a", "scope": "root"}), "invalid", 422),
        (json!({"name": "a", "key": "mine"}), "invalid", 422),
        (json!({}), "invalid", 422),
    ] {
        site.post("/keys", body).await.problem(status, code);
    }
    let least = site.post("/keys", json!({"name": "least"})).await.json();
    assert_eq!(least["scope"], "read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_keys_are_managed_on_a_page() {
    let site = Site::new().await;
    let cookie = site.browser().await;
    let page = "/ui/settings/access";
    let link = site.page(&cookie, "/ui/settings").await;
    assert!(
        link.text.contains(&format!("href=\"{page}\"")),
        "{}",
        link.text
    );
    let post = |fields: &'static [(&str, &str)]| {
        site.submit(&cookie, page, "/ui/settings/access/keys", fields)
    };
    let wrong = post(&[("name", ""), ("scope", "sync")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("href=\"#name\"") && wrong.text.contains("role=\"alert\""));
    let made = post(&[("name", "cron & co"), ("scope", "sync")]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (_, after) = made.text.split_once("<code>caldav-sync_").unwrap();
    let key = format!("caldav-sync_{}", after.split('<').next().unwrap());
    let asked = site.bare(Method::POST, "/sync").bearer_auth(&key);
    assert_eq!(Answer::of(asked).await.status, 202);
    let later = site.page(&cookie, page).await;
    assert!(later.text.contains("cron &amp; co") && !later.text.contains(&key));
    let taken = post(&[("name", "cron & co"), ("scope", "read")]).await;
    assert_eq!(taken.status, 422);

    let id = site.get("/keys").await.json()["keys"][1]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = format!("{page}/keys/{id}/revoke");
    let question = site.page(&cookie, &ask).await;
    assert!(
        question.text.contains("Revoke the key cron &amp; co?"),
        "{}",
        question.text
    );
    let gone = site.submit(&cookie, &ask, &ask, &[]).await;
    assert_eq!(gone.location(), "/ui/settings/access?done=key-revoked");
    let asked = site.bare(Method::POST, "/sync").bearer_auth(&key);
    assert_eq!(Answer::of(asked).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_key_management_always_needs_the_key() {
    let site = Site::with(Setup {
        local_access: true,
        ..Setup::default()
    })
    .await;
    let local = |method, path: &str| Answer::of(site.bare(method, path));
    assert_eq!(local(Method::GET, "/status").await.status, 200);
    for (method, path) in [
        (Method::GET, "/keys"),
        (Method::POST, "/keys"),
        (Method::DELETE, "/keys/x"),
        (Method::GET, "/sessions"),
        (Method::DELETE, "/sessions/x"),
        (Method::GET, "/backup"),
        (Method::GET, "/export"),
        // As the router reads it.
        (Method::GET, "/%6Beys"),
        (Method::GET, "/k%65ys"),
    ] {
        local(method, path).await.problem(401, "unauthorized");
    }
    let led = local(Method::GET, "/ui/settings/access").await;
    assert_eq!(led.location(), "/ui/sign-in?next=%2Fui%2Fsettings%2Faccess");
    let cookie = site.browser().await;
    let keys = site.bare(Method::GET, "/keys").header(COOKIE, &cookie);
    assert_eq!(Answer::of(keys).await.status, 200);
    assert_eq!(site.page(&cookie, "/ui/settings/access").await.status, 200);
}
