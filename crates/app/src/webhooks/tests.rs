//! Delivery with a clock of the test's own, over a real database and real connections.

mod declared;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use store::records::{
    CalendarFacts, Delivery, DeliveryState, GoogleTokens, MappingSettings, NewCaldavAccount,
    NewMapping, NewWebhook, WebhookSource,
};
use store::{Db, Keys};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{MappingId, Side};
use tempfile::TempDir;
use testkit::{Call, Reaction, Receiver};

use crate::{App, AppConfig, Clock, Kind, SettingsInput, WebhookInput, WebhookState, WebhookView};

const START: i64 = 1_764_504_000;

/// A clock that stands still until it is moved.
#[derive(Default)]
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct Bench {
    app: App,
    db: Db,
    clock: Arc<Still>,
    mapping: MappingId,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&folder.path().join("caldav_sync.db"), Keys::new([7; 32])).unwrap();
        let clock = Arc::new(Still::default());
        let mapping = mapping(&db, clock.now()).await;
        let config = AppConfig {
            base_url: "http://localhost:8080/".parse().unwrap(),
            google: None,
            endpoints: gcal_client::Endpoints::google().unwrap(),
            pace: gcal_client::Pace::default(),
            version: "0".to_owned(),
        };
        let app = App::new(config, db.clone(), clock.clone()).await.unwrap();
        Self {
            app,
            db,
            clock,
            mapping,
            _folder: folder,
        }
    }

    /// Adds a webhook: its id.
    async fn hook(&self, receiver: &Receiver) -> String {
        let mut webhooks: Vec<WebhookInput> = Vec::new();
        for known in self.app.settings().await.unwrap().webhooks {
            webhooks.push(WebhookInput {
                id: Some(known.id),
                url: known.url,
                secret: None,
                enabled: known.enabled,
            });
        }
        webhooks.push(WebhookInput {
            id: None,
            url: receiver.url.clone(),
            secret: Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()),
            enabled: true,
        });
        let put = self.put(webhooks).await.unwrap();
        let found = put.into_iter().find(|put| put.url == receiver.url);
        found.unwrap().id
    }

    async fn put(&self, webhooks: Vec<WebhookInput>) -> Result<Vec<WebhookView>, crate::UserError> {
        let input = SettingsInput {
            webhooks: Some(webhooks),
            ..SettingsInput::default()
        };
        Ok(self.app.change_settings(input).await?.webhooks)
    }

    /// A run ends, and its message waits.
    async fn run(&self) {
        let now = self.app.now();
        self.db.start_run(&self.mapping, now).await.unwrap();
        self.db.end_interrupted_runs(now).await.unwrap();
    }

    /// Time passes; what is due for a webhook is sent.
    async fn after(&self, seconds: i64, webhook: &str) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        self.app.drain(webhook).await.unwrap();
    }

    async fn view(&self, webhook: &str) -> WebhookView {
        let webhooks = self.app.settings().await.unwrap().webhooks;
        let found = webhooks.into_iter().find(|found| found.id == webhook);
        found.unwrap()
    }

    async fn deliveries(&self, webhook: &str) -> Vec<Delivery> {
        let page = self.app.deliveries(webhook, 50, None).await;
        page.unwrap().deliveries
    }
}

async fn mapping(db: &Db, now: Timestamp) -> MappingId {
    let facts = |remote: &str| CalendarFacts {
        remote: remote.to_owned(),
        name: remote.to_owned(),
        color: None,
        writable: true,
        access_role: None,
        time_zone: None,
        primary: false,
        components: Vec::new(),
    };
    let account = NewCaldavAccount {
        name: "alice".to_owned(),
        base_url: "https://dav.example/".to_owned(),
        username: "alice".to_owned(),
        password: "pw".into(),
        trusted_fingerprint: None,
        profile: serde_json::json!({}),
        managed: false,
    };
    let (_, caldav) = db
        .add_caldav_account(account, vec![facts("https://dav.example/work/")], now)
        .await
        .unwrap();
    let tokens = GoogleTokens {
        refresh: "refresh".into(),
        access: None,
        expires_at: None,
        scopes: Vec::new(),
    };
    let google = db
        .connect_google_account("ada@example.com", tokens, now)
        .await
        .unwrap();
    db.put_calendars(&google.id, vec![facts("team")])
        .await
        .unwrap();
    let google = db.calendars(Side::Google, None).await.unwrap();
    let mapping = NewMapping {
        caldav_calendar_id: caldav[0].id.clone(),
        google_calendar_id: google[0].id.clone(),
        settings: MappingSettings::default(),
        managed: false,
    };
    db.add_mapping(mapping, now).await.unwrap().id
}

fn answering(status: u16, more: &'static [&'static str]) -> Receiver {
    Receiver::start(Reaction::Answer(status, more))
}

/// The seconds between now and the next attempt of a webhook's only message.
async fn pause(bench: &Bench, webhook: &str) -> Option<i64> {
    let next = bench.deliveries(webhook).await[0].next_at?;
    Some(next.duration_since(bench.app.now()).as_secs())
}

#[tokio::test]
async fn s17_a_delivery_is_signed_and_an_answer_of_2xx_ends_it() {
    let bench = Bench::new().await;
    let receiver = answering(204, &[]);
    let hook = bench.hook(&receiver).await;
    bench.run().await;
    bench.after(0, &hook).await;
    let [call]: [Call; 1] = receiver.calls().try_into().unwrap();
    assert_eq!(call.line, "POST /hook HTTP/1.1");
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("webhook-timestamp"), START.to_string());
    let secret = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()];
    let signature = super::signature::header(&secret, call.id(), START, &call.text);
    assert_eq!(call.header("webhook-signature"), signature);
    assert_eq!(call.body["error"]["code"], "interrupted");
    let delivery = &bench.deliveries(&hook).await[0];
    assert_eq!(delivery.id, call.id());
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Delivered, 1)
    );
    bench.after(1_000_000, &hook).await;
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn s17_failures_are_repeated_with_one_id_until_the_webhook_is_switched_off() {
    let bench = Bench::new().await;
    let receiver = answering(500, &[]);
    let hook = bench.hook(&receiver).await;
    bench.run().await;
    bench.after(0, &hook).await;
    let mut attempts = 1;
    let mut before = 0;
    while let Some(pause) = pause(&bench, &hook).await {
        assert!(pause > before, "{pause} after {before}");
        before = pause;
        assert_eq!(bench.view(&hook).await.state(), WebhookState::Failing);
        bench.after(pause - 1, &hook).await;
        assert_eq!(receiver.calls().len(), attempts, "not before its time");
        bench.after(2, &hook).await;
        attempts += 1;
        assert_eq!(receiver.calls().len(), attempts);
    }
    assert_eq!(attempts, 10);
    let calls = receiver.calls();
    assert!(calls.iter().all(|call| call.id() == calls[0].id()));
    let stamps: Vec<_> = calls
        .iter()
        .map(|c| c.header("webhook-timestamp"))
        .collect();
    assert!(stamps.is_sorted() && stamps[0] != stamps[9], "{stamps:?}");
    let view = bench.view(&hook).await;
    assert_eq!(view.state(), WebhookState::Disabled);
    assert!(!view.enabled);
    assert_eq!(view.health.error.as_deref(), Some("It answered 500."));
    let waiting = bench.app.waiting().await.unwrap();
    assert_eq!(waiting.webhooks, 1, "and it is shown");
    assert_eq!(
        bench.deliveries(&hook).await[0].state,
        DeliveryState::Failed
    );

    // Nothing comes while it is off; on again, everything does.
    bench.run().await;
    bench.after(0, &hook).await;
    assert_eq!(receiver.calls().len(), 10);
    receiver.react(Reaction::Answer(200, &[]));
    bench.app.enable_webhook(&hook).await.unwrap();
    bench.run().await;
    bench.after(0, &hook).await;
    assert_eq!(receiver.calls().len(), 11);
    assert_eq!(bench.view(&hook).await.state(), WebhookState::Ok);
}

#[tokio::test]
async fn s17_gone_switches_off_at_once() {
    let bench = Bench::new().await;
    let receiver = answering(410, &[]);
    let hook = bench.hook(&receiver).await;
    bench.run().await;
    bench.run().await;
    bench.after(0, &hook).await;
    assert_eq!(receiver.calls().len(), 1);
    assert_eq!(bench.view(&hook).await.state(), WebhookState::Disabled);
    // What waited was not lost.
    receiver.react(Reaction::Answer(200, &[]));
    bench.app.enable_webhook(&hook).await.unwrap();
    bench.after(0, &hook).await;
    assert_eq!(receiver.calls().len(), 3);
}

#[tokio::test]
async fn s17_a_redirect_is_a_failure_and_not_followed() {
    let bench = Bench::new().await;
    let other = answering(200, &[]);
    let location: &'static str = Box::leak(format!("Location: {}", other.url).into_boxed_str());
    let redirecting = Receiver::start(Reaction::Answer(307, Box::leak(Box::new([location]))));
    let hook = bench.hook(&redirecting).await;
    bench.run().await;
    bench.after(0, &hook).await;
    assert_eq!(redirecting.calls().len(), 1);
    assert_eq!(other.calls(), []);
    let error = bench.deliveries(&hook).await[0].error.clone().unwrap();
    assert!(
        error.contains("307") && error.contains("not followed"),
        "{error}"
    );
}

#[tokio::test]
async fn s17_an_overloaded_webhook_is_left_alone_with_all_its_messages() {
    let bench = Bench::new().await;
    let receiver = answering(429, &["Retry-After: 900"]);
    let hook = bench.hook(&receiver).await;
    bench.run().await;
    bench.run().await;
    bench.after(0, &hook).await;
    assert_eq!(receiver.calls().len(), 1, "the second is not even tried");
    receiver.react(Reaction::Answer(200, &[]));
    bench.after(899, &hook).await;
    assert_eq!(receiver.calls().len(), 1);
    bench.after(1, &hook).await;
    assert_eq!(receiver.calls().len(), 3);
}

// Waiting for calls blocks a thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s17_one_that_never_answers_keeps_no_other_waiting() {
    let bench = Bench::new().await;
    let (slow, quick) = (Receiver::start(Reaction::Silence), answering(200, &[]));
    let slow_hook = bench.hook(&slow).await;
    let quick_hook = bench.hook(&quick).await;
    bench.run().await;
    bench.run().await;
    bench.app.deliver_due().await.unwrap();
    slow.wait_for(1);
    quick.wait_for(2);
    let waiting = bench.view(&slow_hook).await.health.waiting;
    assert_eq!(waiting, 2, "the slow one is still being waited for");
    // Another run, meanwhile: its message goes to the quick one again, and the slow one is called
    // once at a time.
    bench.run().await;
    while bench.app.inner.lanes.is_taken(&quick_hook) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.app.deliver_due().await.unwrap();
    quick.wait_for(3);
    assert_eq!(slow.calls().len(), 1);
    // The end waits for nobody, and what was under way is not lost.
    tokio::time::timeout(Duration::from_secs(10), bench.app.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_an_answer_says_is_not_read() {
    let bench = Bench::new().await;
    let endless = Receiver::start(Reaction::Drip(202));
    let hook = bench.hook(&endless).await;
    bench.run().await;
    bench.after(0, &hook).await;
    let state = bench.deliveries(&hook).await[0].state;
    assert_eq!(state, DeliveryState::Delivered);
}

#[tokio::test]
async fn a_test_arrives_even_while_the_webhook_is_off() {
    let bench = Bench::new().await;
    let receiver = answering(410, &[]);
    let hook = bench.hook(&receiver).await;
    let failed = bench.app.test_webhook(&hook).await.unwrap();
    assert_eq!(failed.state, DeliveryState::Failed);
    assert!(failed.error.unwrap().contains("410"));
    assert_eq!(bench.view(&hook).await.state(), WebhookState::Disabled);
    receiver.react(Reaction::Answer(200, &[]));
    let sent = bench.app.test_webhook(&hook).await.unwrap();
    assert_eq!((sent.state, sent.run), (DeliveryState::Delivered, None));
    let calls = receiver.calls();
    assert_eq!(calls[1].id(), sent.id);
    assert_ne!(calls[0].id(), sent.id, "a test of its own");
    assert_eq!(calls[1].body["test"], true);
    assert!(calls[1].header("webhook-signature").starts_with("v1,"));
    let missing = bench.app.test_webhook("whk_none").await.unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
}

#[tokio::test]
async fn a_delivery_is_sent_again_with_its_id() {
    let bench = Bench::new().await;
    let receiver = answering(200, &[]);
    let hook = bench.hook(&receiver).await;
    bench.run().await;
    bench.after(0, &hook).await;
    let first = bench.deliveries(&hook).await.remove(0);
    let again = bench.app.replay_delivery(&hook, &first.id).await.unwrap();
    assert_eq!((again.state, again.attempts), (DeliveryState::Delivered, 2));
    let calls = receiver.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].id(), calls[1].id());
    assert_eq!(calls[0].text, calls[1].text);
    let missing = bench.app.replay_delivery(&hook, "msg_none").await;
    assert_eq!(missing.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_former_one_for_a_day() {
    let bench = Bench::new().await;
    let receiver = answering(200, &[]);
    let hook = bench.hook(&receiver).await;
    let made = bench.app.new_webhook_secret(&hook).await.unwrap();
    assert!(made.expose_secret().starts_with("whsec_"));
    let signatures = async |at: usize| {
        bench.app.test_webhook(&hook).await.unwrap();
        let call = receiver.calls().remove(at);
        call.header("webhook-signature").split(' ').count()
    };
    assert_eq!(signatures(0).await, 2);
    bench.clock.0.fetch_add(24 * 3_600, Ordering::SeqCst);
    assert_eq!(signatures(1).await, 1);
}

#[tokio::test]
async fn what_the_configuration_declares_is_changed_there() {
    let bench = Bench::new().await;
    let receiver = answering(410, &[]);
    let declared = NewWebhook {
        id: None,
        url: receiver.url.clone(),
        secret: None,
        enabled: false,
    };
    let put = bench
        .db
        .put_webhooks(WebhookSource::Config, vec![declared], Timestamp::UNIX_EPOCH);
    let hook = put.await.unwrap().remove(0).id;
    for refused in [
        bench.app.enable_webhook(&hook).await.unwrap_err(),
        bench.app.new_webhook_secret(&hook).await.unwrap_err(),
    ] {
        assert_eq!(
            (refused.kind, refused.code.as_str()),
            (Kind::Conflict, "managed")
        );
    }
}

#[tokio::test]
async fn s4_addresses_and_secrets_that_cannot_be_are_refused_when_typed() {
    let bench = Bench::new().await;
    let hook = |url: &str, secret: Option<&str>| WebhookInput {
        id: None,
        url: url.to_owned(),
        secret: secret.map(Into::into),
        enabled: true,
    };
    for (url, why) in [
        ("hooks.example", "https://"),
        ("ftp://hooks.example/", "only http and https"),
        ("https://", "empty host"),
        ("https://ada:pw@hooks.example/", "user name and password"),
        ("http://169.254.169.254/latest", "metadata"),
        ("http://2852039166/", "metadata"),
        ("http://0xa9.0xfe.0xa9.0xfe/", "metadata"),
        ("http://0251.0376.0251.0376/", "metadata"),
        ("http://169.254.169.254./", "metadata"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("http://[64:ff9b::a9fe:a9fe]/", "metadata"),
        ("http://0.0.0.0/", "unspecified"),
        ("http://[::]/", "unspecified"),
        ("http://224.0.0.1/", "multicast"),
        ("http://[fe80::1]/", "link-local"),
    ] {
        let error = bench.put(vec![hook(url, None)]).await.unwrap_err();
        assert_eq!(error.fields[0].field, "webhooks");
        assert!(error.detail.contains(why), "{url}: {}", error.detail);
        assert!(!error.detail.contains("pw@"), "{}", error.detail);
    }
    for secret in ["", "whsec_", "whsec_???"] {
        let refused = bench.put(vec![hook("https://a.example/", Some(secret))]);
        assert!(refused.await.is_err(), "{secret:?}");
    }
    let many = vec![hook("https://a.example/", None); 33];
    assert!(bench.put(many).await.is_err());
    for url in [
        "http://127.0.0.1:1/",
        "http://[::1]/",
        "http://nas.lan/x",
        "http://10.0.0.1",
    ] {
        bench.put(vec![hook(url, Some("x"))]).await.unwrap();
    }
}
