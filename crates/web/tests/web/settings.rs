//! Settings: replaced key by key, secrets never shown.

use app::WebhookInput;
use app::records::WebhookSource;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_configuration_declares_is_neither_changed_nor_lost_here() {
    let site = Site::new().await;
    let put = |body: Value| Answer::of(site.keyed(Method::PUT, "/settings").json(&body));
    let hook = |url: &str| WebhookInput {
        id: None,
        url: url.to_owned(),
        secret: None,
        enabled: true,
    };
    let declared = vec![hook("https://declared.example/")];
    site.app
        .keep_webhooks(WebhookSource::Environment, declared)
        .await
        .unwrap();
    let own = json!([{"url": "https://own.example/", "enabled": true}]);
    let shown = put(json!({ "webhooks": own })).await.json();
    let of = |managed: bool| {
        let mut all = shown["webhooks"].as_array().unwrap().iter();
        all.find(|hook| hook["managed"] == managed).unwrap().clone()
    };
    // What GET shows can be sent back whole.
    assert_eq!(put(shown.clone()).await.json(), shown);
    let (mut own, declared) = (of(false), of(true));
    let mut taken = declared.clone();
    taken["managed"] = json!(false);
    put(json!({ "interval_seconds": 600, "webhooks": [own, taken] }))
        .await
        .problem(409, "managed");
    own["managed"] = json!(true);
    for lost in [own, json!({"url": "https://a.example/", "managed": true})] {
        let body = json!({ "interval_seconds": 600, "webhooks": [lost] });
        let problem = put(body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "webhooks");
    }
    assert_eq!(site.get("/settings").await.json(), shown);
    let cookie = site.browser().await;
    let page = format!("/ui/settings/webhooks/{}", declared["id"].as_str().unwrap());
    for what in ["disable", "delete", "secret"] {
        let to = format!("{page}/{what}");
        let refused = site.submit(&cookie, &page, &to, &[]).await;
        assert_eq!(refused.status, 409, "{what}: {}", refused.text);
    }
    let none = "/ui/settings/webhooks/whk_none/delete";
    assert_eq!(site.submit(&cookie, &page, none, &[]).await.status, 404);
    assert_eq!(site.get("/settings").await.json(), shown);
}
