//! The OpenAPI document as it is served, and what it says held against what is answered.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, Setup, Site};

/// Every operation: its method, its path with ids that nobody has, its entry.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "none").replace("{uid}", "none");
            all.push((method, path, operation.clone()));
        }
    }
    all
}

fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_and_its_page_are_for_those_who_may_come_in() {
    let site = Site::with(Setup {
        prefix: "/sync",
        ..Setup::default()
    })
    .await;
    Answer::of(site.bare(Method::GET, "/openapi.json"))
        .await
        .problem(401, "unauthorized");
    let document = site.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], "0.0.0-test");
    let server = document["servers"][0]["url"].as_str().unwrap();
    assert_eq!(server, format!("http://127.0.0.1:{}/sync", site.port));

    let led = Answer::of(site.bare(Method::GET, "/ui/api")).await;
    assert!(led.location().contains("/ui/sign-in"));
    let cookie = site.browser().await;
    let page = site.page(&cookie, "/ui/api").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script") && !page.text.contains("src="));
    for (method, item) in document["paths"].as_object().unwrap() {
        assert!(page.text.contains(method.as_str()), "{method}");
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.text.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
    for shape in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(
            page.text.contains(&format!("id=\"shape-{shape}\"")),
            "{shape}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_needs_a_key_and_refuses_what_it_does_not_know() {
    let site = Site::new().await;
    let document = site.get("/openapi.json").await.json();
    let all = operations(&document);
    assert!(all.len() >= 30);
    for (method, path, operation) in all {
        let name = format!("{method} {path}");
        if is_probe(&path) {
            let answer = Answer::of(site.bare(method, &path)).await;
            assert_eq!(answer.status, 200, "{name}");
            continue;
        }
        Answer::of(site.bare(method.clone(), &path))
            .await
            .problem(401, "unauthorized");
        let odd = site.keyed(method.clone(), &format!("{path}?colour=red"));
        let problem = Answer::of(odd).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "colour", "{name}");
        if operation["requestBody"].is_object() && path != "/sync" {
            let body = site
                .keyed(method, &path)
                .header("content-type", "application/json")
                .body("{\"colour\": 1}");
            let problem = Answer::of(body).await.problem(422, "invalid");
            let fields = problem["errors"].as_array().unwrap();
            assert!(
                fields.iter().any(|fault| fault["field"] == "colour"),
                "{name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_takes_its_methods_and_no_others() {
    let site = Site::new().await;
    let document = site.get("/openapi.json").await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "none").replace("{uid}", "none");
        let mut told: Vec<String> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if told.iter().any(|method| method == "GET") {
            told.push("HEAD".to_owned());
        }
        told.push("OPTIONS".to_owned());
        told.sort();
        for method in [
            "TRACE",
            "PROPFIND",
            "MKCALENDAR",
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
        ] {
            if told.iter().any(|known| known == method) {
                continue;
            }
            let refused = Answer::of(site.keyed(method.parse().unwrap(), &path)).await;
            refused.problem(405, "method_not_allowed");
            assert_eq!(allowed(&refused), told, "{path}");
        }
        let asked = Answer::of(site.keyed(Method::OPTIONS, &path)).await;
        assert_eq!((asked.status.as_u16(), asked.text.as_str()), (204, ""));
        assert_eq!(allowed(&asked), told, "{path}");
    }
}

fn allowed(answer: &Answer) -> Vec<String> {
    let mut methods: Vec<String> = answer
        .header("allow")
        .split(", ")
        .map(ToOwned::to_owned)
        .collect();
    methods.sort();
    methods
}
