//! Webhooks of the environment and of `config.yaml`, declared again and again.

use std::sync::atomic::Ordering;

use store::records::{FailedAttempt, NextAttempt, WebhookSource};
use testkit::{Reaction, Receiver};

use super::{Bench, answering};
use crate::{Kind, SettingsInput, WebhookInput, WebhookState};

fn entry(receiver: &Receiver, secret: Option<&str>, enabled: bool) -> WebhookInput {
    WebhookInput {
        id: None,
        url: receiver.url.clone(),
        secret: secret.map(Into::into),
        enabled,
    }
}

impl Bench {
    /// Declares one webhook, as a start or a change of the file does: its id.
    async fn declare(&self, entry: WebhookInput) -> String {
        let url = entry.url.clone();
        self.app
            .keep_webhooks(WebhookSource::Config, vec![entry])
            .await
            .unwrap();
        let webhooks = self.app.settings().await.unwrap().webhooks;
        let found = webhooks.into_iter().find(|found| found.url == url);
        found.unwrap().id
    }

    /// How many secrets sign what is sent now.
    async fn signatures(&self, receiver: &Receiver, hook: &str) -> usize {
        self.app.test_webhook(hook).await.unwrap();
        let call = receiver.calls().pop().unwrap();
        let signatures = call.header("webhook-signature").to_owned();
        signatures.split_whitespace().count()
    }
}

#[tokio::test]
async fn another_secret_of_the_configuration_overlaps_for_a_day_too() {
    let bench = Bench::new().await;
    let receiver = answering(200, &[]);
    let hook = bench.declare(entry(&receiver, Some("one"), true)).await;
    assert_eq!(bench.signatures(&receiver, &hook).await, 1);
    bench.declare(entry(&receiver, Some("one"), true)).await;
    assert_eq!(bench.signatures(&receiver, &hook).await, 1, "the same one");
    bench.declare(entry(&receiver, Some("two"), true)).await;
    assert_eq!(bench.signatures(&receiver, &hook).await, 2);
    // As after a restart an hour later.
    bench.clock.0.fetch_add(3_600, Ordering::SeqCst);
    bench.declare(entry(&receiver, Some("two"), true)).await;
    assert_eq!(bench.signatures(&receiver, &hook).await, 2);
    bench.clock.0.fetch_add(23 * 3_600, Ordering::SeqCst);
    assert_eq!(bench.signatures(&receiver, &hook).await, 1);
}

#[tokio::test]
async fn another_secret_by_the_api_overlaps_for_a_day() {
    let bench = Bench::new().await;
    let receiver = answering(200, &[]);
    let hook = bench.hook(&receiver).await;
    let with = |secret: &str| WebhookInput {
        id: Some(hook.clone()),
        ..entry(&receiver, Some(secret), true)
    };
    bench.put(vec![with("two")]).await.unwrap();
    assert_eq!(bench.signatures(&receiver, &hook).await, 2);
    bench.put(vec![with("two")]).await.unwrap();
    assert_eq!(bench.signatures(&receiver, &hook).await, 2);
    bench.clock.0.fetch_add(24 * 3_600, Ordering::SeqCst);
    assert_eq!(bench.signatures(&receiver, &hook).await, 1);
}

#[tokio::test]
async fn what_waits_stays_when_a_declared_secret_comes_or_goes() {
    let bench = Bench::new().await;
    let receiver = answering(503, &[]);
    let hook = bench.declare(entry(&receiver, None, true)).await;
    bench.run().await;
    bench.after(0, &hook).await;
    for (secret, signs) in [(Some("one"), 1), (None, 0)] {
        let again = bench.declare(entry(&receiver, secret, true)).await;
        assert_eq!(again, hook, "it is the same webhook");
        assert_eq!(bench.view(&hook).await.health.waiting, 1);
        assert_eq!(bench.signatures(&receiver, &hook).await, signs);
    }
}

#[tokio::test]
async fn a_change_of_the_declaration_switches_a_webhook_on_again() {
    let bench = Bench::new().await;
    let receiver = answering(200, &[]);
    let hook = bench.declare(entry(&receiver, Some("one"), true)).await;
    let state = async || bench.view(&hook).await.state();
    let stop = async || {
        bench.run().await;
        let now = bench.app.now();
        let waiting = bench.db.outbox_due(&hook, now).await.unwrap().unwrap();
        let gone = FailedAttempt {
            at: now,
            error: "It answered 410.".to_owned(),
            next: NextAttempt::Never,
            quiet_until: None,
            gone: true,
        };
        assert!(bench.db.outbox_failed(&waiting.id, gone).await.unwrap());
    };
    stop().await;
    bench.declare(entry(&receiver, Some("one"), true)).await;
    assert_eq!(state().await, WebhookState::Disabled, "nothing has changed");
    bench.declare(entry(&receiver, Some("two"), true)).await;
    assert_eq!(state().await, WebhookState::Ok, "another secret");
    stop().await;
    bench.declare(entry(&receiver, Some("two"), false)).await;
    assert_eq!(state().await, WebhookState::Off, "off by the file");
    bench.declare(entry(&receiver, Some("two"), true)).await;
    assert_eq!(state().await, WebhookState::Ok, "and on again");
}

#[tokio::test]
async fn settings_are_changed_together_or_not_at_all() {
    let bench = Bench::new().await;
    let receiver = Receiver::start(Reaction::Answer(200, &[]));
    let before = bench.app.settings().await.unwrap();
    let change = async |id: &str| {
        let webhook = WebhookInput {
            id: Some(id.to_owned()),
            ..entry(&receiver, None, true)
        };
        let input = SettingsInput {
            interval_seconds: Some(600),
            webhooks: Some(vec![webhook]),
            ..SettingsInput::default()
        };
        bench.app.change_settings(input).await.unwrap_err()
    };
    assert_eq!(change("whk_none").await.kind, Kind::NotFound);
    assert_eq!(bench.app.settings().await.unwrap(), before);
    let declared = bench.declare(entry(&receiver, None, true)).await;
    let before = bench.app.settings().await.unwrap();
    let refused = change(&declared).await;
    assert_eq!(
        (refused.kind, refused.code.as_str()),
        (Kind::Conflict, "managed")
    );
    assert_eq!(bench.app.settings().await.unwrap(), before);
}
