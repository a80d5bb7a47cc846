//! Requests that cannot be served: each refused with a problem that says why.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_read_strictly() {
    let site = Site::new().await;
    let post = |kind: &'static str, body: String| {
        Answer::of(
            site.keyed(Method::POST, "/mappings")
                .header("content-type", kind)
                .body(body),
        )
    };
    post("text/plain", "{}".to_owned())
        .await
        .problem(415, "unsupported_media_type");
    post("application/json", "{".to_owned())
        .await
        .problem(400, "unreadable");
    post("application/json", " ".repeat(70_000))
        .await
        .problem(413, "too_large");
    for kind in [
        "application/json; charset=latin1",
        "application/jsonp",
        "text/json",
        "",
    ] {
        post(kind, "{}".to_owned())
            .await
            .problem(415, "unsupported_media_type");
    }
    let packed = site
        .keyed(Method::POST, "/mappings")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    Answer::of(packed)
        .await
        .problem(415, "unsupported_media_type");
    let twice = r#"{"enabled": true, "enabled": false}"#.to_owned();
    let problem = post("application/json", twice)
        .await
        .problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "enabled");
    let slip = json!({"directoin": "bidirectional"}).to_string();
    let problem = post("application/json", slip).await.problem(422, "invalid");
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("Did you mean \"direction\"?"), "{detail}");
    let unknown = json!({"colour": "red", "enabled": "yes", "window": {"past_days": -1}});
    let problem = post("application/json; charset=utf-8", unknown.to_string())
        .await
        .problem(422, "invalid");
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["colour", "enabled", "window"]);
    for error in problem["errors"].as_array().unwrap() {
        assert_ne!(error["detail"], "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_methods_that_are_not_there() {
    let site = Site::new().await;
    for path in ["/nothing", "/status/", "/mappings/%ff", "/mappings/%00"] {
        site.get(path).await.problem(404, "not_found");
    }
    let wrong = site.delete("/status").await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET, HEAD, OPTIONS");
    let head = Answer::of(site.keyed(Method::HEAD, "/status")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    for path in [
        "/runs/run_none",
        "/mappings/map_none",
        "/mappings/map_none/preview",
        "/caldav/calendars?account_id=cda_none",
        "/google/calendars?account_id=gga_none",
    ] {
        site.get(path).await.problem(404, "not_found");
    }
    for path in [
        "/mappings/map_none",
        "/caldav/accounts/cda_none",
        "/google/accounts/gga_none",
    ] {
        site.delete(path).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_the_wrong_type_is_not_repeated() {
    let site = Site::new().await;
    let body = json!({"base_url": "http://x", "username": "ada", "password": 4_711_815});
    let answer = site.post("/caldav/accounts", body).await;
    let problem = answer.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "password");
    assert!(!answer.text.contains("4711815"), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_read_strictly() {
    let site = Site::new().await;
    for (path, field) in [
        ("/runs?limit=0", "limit"),
        ("/runs?limit=201", "limit"),
        ("/runs?limit=many", "limit"),
        ("/runs?colour=red", "colour"),
        ("/runs?limit=1&limit=2", "limit"),
        ("/status?verbose=1", "verbose"),
        ("/events/history", "uid"),
    ] {
        let problem = site.get(path).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{path}");
    }
    assert_eq!(site.get("/runs?limit=200").await.status, 200);
}
