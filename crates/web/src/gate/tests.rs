//! A handler that panics: only here, the site itself has none.

use std::sync::Arc;

use actix_web::test::{self, TestRequest};
use actix_web::{App, middleware};
use app::{AppConfig, SystemClock};
use gcal_client::{Endpoints, Pace};
use serde_json::Value;

use super::*;
use crate::config::WebConfig;

async fn broken() -> HttpResponse {
    panic!("on purpose")
}

#[actix_web::test]
async fn a_panic_is_answered_and_the_next_request_served() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("caldav_sync.db");
    let base_url: url::Url = "http://127.0.0.1:8080".parse().unwrap();
    let app = app::App::new(
        AppConfig {
            base_url: base_url.clone(),
            google: None,
            endpoints: Endpoints::google().unwrap(),
            pace: Pace::unlimited(),
            version: "0".to_owned(),
        },
        store::Db::open(&path, store::Keys::new([1; 32])).unwrap(),
        Arc::new(SystemClock),
    )
    .await
    .unwrap();
    let key = app.ensure_key(None).await.unwrap().unwrap();
    let config = WebConfig {
        base_url,
        trusted_proxies: Vec::new(),
        forward_auth_header: None,
        allowed_hosts: Vec::new(),
        local_access: false,
    };
    let web = aw::Data::new(Web::new(app, config, 8080).unwrap());
    let site = test::init_service(
        App::new()
            .app_data(web)
            .wrap(middleware::from_fn(guard))
            .route("/broken", aw::get().to(broken))
            .route("/ui/broken", aw::get().to(broken))
            .default_service(aw::to(nothing_here)),
    )
    .await;
    let bearer = {
        use secrecy::ExposeSecret as _;
        format!("Bearer {}", key.expose_secret())
    };
    let ask = |path: &str| {
        TestRequest::get()
            .uri(path)
            .insert_header(("host", "127.0.0.1:8080"))
            .insert_header(("authorization", bearer.clone()))
            .to_request()
    };
    for (path, kind) in [
        ("/broken", "application/problem+json"),
        ("/ui/broken", "text/html; charset=utf-8"),
    ] {
        let error = test::try_call_service(&site, ask(path)).await.unwrap_err();
        let answer = error.error_response();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers().get("content-type").unwrap(), kind);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", POLICY),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.headers().get(name).unwrap(), value, "{name}");
        }
        let body = actix_web::body::to_bytes(answer.into_body())
            .await
            .ok()
            .unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("Something broke"), "{text}");
        assert!(text.contains("(Request "), "{text}");
        if let Ok(problem) = serde_json::from_str::<Value>(&text) {
            assert_eq!(problem["code"], "internal");
            assert!(problem["request_id"].as_str().unwrap().len() > 8, "{text}");
        }
        assert!(!text.contains("on purpose"), "{text}");
    }
    let next = test::call_service(&site, ask("/nothing")).await;
    assert_eq!(next.status(), 404);
    let problem: Value = test::read_body_json(next).await;
    assert_eq!(problem["code"], "not_found");
}
