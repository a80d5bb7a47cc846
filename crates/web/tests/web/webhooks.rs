//! Webhooks by the API and by forms: tried, sent again, switched on again, given a secret. Delivering
//! itself is the application's, and is tested there.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Reaction, Receiver};

use crate::harness::{Answer, Site, members};

const TAKEN: Reaction = Reaction::Answer(204, &[]);

/// Adds a webhook by the API; the webhook as it is shown.
async fn hook(site: &Site, receiver: &Receiver) -> Value {
    let hook = json!({"url": receiver.url, "secret": "very-secret", "enabled": true});
    let put = site
        .keyed(Method::PUT, "/settings")
        .json(&json!({ "webhooks": [hook] }));
    let put = Answer::of(put).await;
    assert_eq!(put.status, 200, "{}", put.text);
    put.json()["webhooks"][0].clone()
}

fn path(hook: &Value, rest: &str) -> String {
    format!("/webhooks/{}{rest}", hook["id"].as_str().unwrap())
}

fn page(hook: &Value, rest: &str) -> String {
    format!("/ui/settings{}", path(hook, rest))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_tried_and_its_deliveries_are_listed_and_sent_again() {
    let site = Site::new().await;
    let receiver = Receiver::start(Reaction::Answer(500, &[]));
    let hook = hook(&site, &receiver).await;
    let tried = site.post(&path(&hook, "/test"), json!({})).await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    let tried = tried.json();
    let shape = [
        "attempts",
        "created_at",
        "delivered_at",
        "error",
        "id",
        "last_attempt_at",
        "next_attempt_at",
        "run_id",
        "status",
    ];
    assert_eq!(members(&tried), shape);
    assert_eq!(tried["status"], "failed");
    assert_eq!(tried["error"], "It answered 500.");
    assert_eq!(tried["run_id"], Value::Null);
    receiver.react(TAKEN);
    let replay = format!("/deliveries/{}/replay", tried["id"].as_str().unwrap());
    let again = site.post(&path(&hook, &replay), json!({})).await.json();
    assert_eq!(
        (&again["status"], &again["attempts"]),
        (&json!("delivered"), &json!(2))
    );
    let calls = receiver.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].id(), calls[1].id());
    let second = site.post(&path(&hook, "/test"), json!({})).await.json();
    let listed = site.get(&path(&hook, "/deliveries?limit=1")).await.json();
    assert_eq!(listed["deliveries"], json!([second]));
    let next = format!("/deliveries?before={}", listed["next"].as_str().unwrap());
    let rest = site.get(&path(&hook, &next)).await.json();
    assert_eq!(rest, json!({"deliveries": [again], "next": null}));
    for missing in [
        "/webhooks/whk_none/test",
        &path(&hook, "/deliveries/msg_none/replay"),
    ] {
        site.post(missing, json!({}))
            .await
            .problem(404, "not_found");
    }
    site.get("/webhooks/whk_none/deliveries")
        .await
        .problem(404, "not_found");
    site.get(&path(&hook, "/deliveries?limit=0"))
        .await
        .problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s17_a_webhook_that_is_gone_is_shown_everywhere_and_can_be_enabled_again() {
    let site = Site::new().await;
    let receiver = Receiver::start(Reaction::Answer(410, &[]));
    let hook = hook(&site, &receiver).await;
    assert_eq!(hook["health"]["state"], "ok");
    let mapping = site.mapped().await;
    site.sync(&mapping).await;
    receiver.wait_for(1);
    // The answer is on record a moment after it was given.
    let stopped = loop {
        let settings = site.get("/settings").await.json();
        if settings["webhooks"][0]["enabled"] == false {
            break settings["webhooks"][0].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(stopped["health"]["state"], "disabled");
    assert!(stopped["health"]["disabled_at"].is_string());
    let error = stopped["health"]["error"].as_str().unwrap();
    assert!(error.contains("410"), "{error}");
    let cookie = site.browser().await;
    for (place, words) in [
        ("/ui/", "A webhook was switched off"),
        ("/ui/settings", "Switched off"),
        (&page(&hook, ""), "Enable again"),
    ] {
        let shown = site.page(&cookie, place).await;
        assert!(shown.text.contains(words), "{place}: {}", shown.text);
        assert!(
            shown
                .text
                .contains("1<span class=\"unseen\"> waiting for you")
        );
    }
    receiver.react(TAKEN);
    let from = page(&hook, "");
    let enabled = site
        .submit(&cookie, &from, &page(&hook, "/enable"), &[])
        .await;
    let after = site.page(&cookie, &enabled.location()).await;
    assert!(after.text.contains("The webhook is on."), "{}", after.text);
    let calls = receiver.wait_for(2);
    assert_eq!(calls[1].id(), calls[0].id(), "what waited comes");
    // The API does the same, also where nothing is to be done.
    let enabled = site.post(&path(&hook, "/enable"), json!({})).await.json();
    assert_eq!(
        (&enabled["id"], &enabled["enabled"]),
        (&hook["id"], &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_lives_by_forms_alone() {
    let site = Site::new().await;
    let receiver = Receiver::start(TAKEN);
    let cookie = site.browser().await;
    let add = async |fields: &[(&str, &str)]| {
        site.submit(&cookie, "/ui/settings", "/ui/settings/webhooks", fields)
            .await
    };
    let refused = add(&[("webhooks", "http://169.254.169.254/"), ("secret", "x")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("metadata"), "{}", refused.text);
    // The secret that is made is on this page and on no other.
    let made = add(&[("webhooks", &receiver.url), ("generate", "yes")]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.header("cache-control"), "no-store");
    let (_, rest) = made.text.split_once("whsec_").unwrap();
    let secret = format!("whsec_{}", rest.split('<').next().unwrap());
    let hook = site.get("/settings").await;
    assert!(!hook.text.contains("whsec_"));
    let hook = hook.json()["webhooks"][0].clone();
    assert_eq!(hook["has_secret"], true);
    let own = page(&hook, "");
    let tested = site.submit(&cookie, &own, &page(&hook, "/test"), &[]).await;
    assert_eq!(tested.location(), format!("{own}?done=delivered"));
    let shown = site.page(&cookie, &tested.location()).await;
    assert!(shown.text.contains("It was delivered."));
    assert!(shown.text.contains("a test") && !shown.text.contains(&secret));
    let first = receiver.calls().remove(0);
    let replay = page(&hook, &format!("/deliveries/{}/replay", first.id()));
    receiver.react(Reaction::Answer(500, &[]));
    let again = site.submit(&cookie, &own, &replay, &[]).await;
    assert_eq!(again.location(), format!("{own}?done=not-delivered"));
    assert_eq!(receiver.calls()[1].id(), first.id());
    // Another secret, shown once too, and both sign.
    let other = site
        .submit(&cookie, &own, &page(&hook, "/secret"), &[])
        .await;
    assert!(other.text.contains("whsec_") && !other.text.contains(&secret));
    site.submit(&cookie, &own, &page(&hook, "/test"), &[]).await;
    let signatures = receiver.calls()[2].header("webhook-signature").to_owned();
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
    // Another address and a secret of one's own: the same webhook, and the former secret signs too.
    let elsewhere = format!("{}?x", receiver.url);
    let change = async |url: &str| {
        let fields = [("webhooks", url), ("secret", "one of my own")];
        site.submit(&cookie, &own, &page(&hook, "/change"), &fields)
            .await
    };
    let refused = change("http://169.254.169.254/").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("metadata"), "{}", refused.text);
    let changed = change(&elsewhere).await;
    assert_eq!(changed.location(), format!("{own}?done=webhook-changed"));
    let now = site.get("/settings").await.json()["webhooks"][0].clone();
    assert_eq!((&now["id"], &now["url"]), (&hook["id"], &json!(elsewhere)));
    site.submit(&cookie, &own, &page(&hook, "/test"), &[]).await;
    let last = receiver.calls().pop().unwrap();
    assert_eq!(last.header("webhook-signature").split(' ').count(), 2);
    for (to, state) in [("/disable", "off"), ("/enable", "ok")] {
        site.submit(&cookie, &own, &page(&hook, to), &[]).await;
        let now = site.get("/settings").await.json()["webhooks"][0].clone();
        assert_eq!(now["health"]["state"], state);
    }
    let removed = site
        .submit(&cookie, &own, &page(&hook, "/delete"), &[])
        .await;
    assert_eq!(removed.location(), "/ui/settings?done=webhook-removed");
    assert_eq!(site.get("/settings").await.json()["webhooks"], json!([]));
    assert_eq!(site.page(&cookie, &own).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_returned_once_and_only_where_it_was_made() {
    let site = Site::new().await;
    let receiver = Receiver::start(TAKEN);
    let hook = hook(&site, &receiver).await;
    let made = site.post(&path(&hook, "/secret"), json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    for place in ["/settings", &path(&hook, "/deliveries")] {
        assert!(!site.get(place).await.text.contains(&secret));
    }
    // Sent back as it was shown, everything stays.
    let shown = site.get("/settings").await.json();
    let back = site.keyed(Method::PUT, "/settings").json(&shown);
    assert_eq!(Answer::of(back).await.json(), shown);
}
