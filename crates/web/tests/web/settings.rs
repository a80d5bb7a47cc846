//! Settings: replaced key by key, secrets never shown.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_replaced_key_by_key() {
    let site = Site::new().await;
    let put = |body: Value| Answer::of(site.keyed(Method::PUT, "/settings").json(&body));
    let before = site.get("/settings").await.json();
    assert_eq!(
        before,
        json!({"interval_seconds": 300, "history_days": 90, "webhooks": [], "managed": []})
    );
    // What GET shows can be sent back whole.
    assert_eq!(put(before.clone()).await.json(), before);
    let changed = put(json!({"interval_seconds": 60})).await.json();
    assert_eq!(changed["interval_seconds"], 60);
    for seconds in [59, 86_401] {
        let problem = put(json!({"interval_seconds": seconds}))
            .await
            .problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "interval_seconds");
    }
    for days in [0, 3651] {
        let problem = put(json!({"history_days": days}))
            .await
            .problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "history_days");
    }
    assert_eq!(
        put(json!({"history_days": 7})).await.json()["history_days"],
        7
    );
    put(json!({"interval": 60})).await.problem(422, "invalid");
    let hook = json!({"url": "https://hooks.example/a", "secret": "very-secret", "enabled": true});
    let with_hook = put(json!({"webhooks": [hook]})).await;
    assert_eq!(with_hook.status, 200, "{}", with_hook.text);
    assert!(!with_hook.text.contains("very-secret"));
    let with_hook = with_hook.json();
    assert_eq!(with_hook["interval_seconds"], 60);
    assert_eq!(with_hook["webhooks"][0]["has_secret"], true);
    // What GET shows can be sent back, and the secret stays.
    let back = put(json!({"webhooks": with_hook["webhooks"]})).await.json();
    assert_eq!(back, with_hook);
    put(json!({"webhooks": [{"url": "ftp://a", "enabled": true}]}))
        .await
        .problem(422, "invalid");
    assert_eq!(
        put(json!({"webhooks": []})).await.json()["webhooks"],
        json!([])
    );
}
