//! Webhooks' outbox: what waits, what is given up, what signs, what stays to be looked at.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use store::records::{
    DeliveryState, FailedAttempt, Message, NewWebhook, NextAttempt, Retention, WebhookHealth,
    WebhookSource,
};
use store::{Db, StoreError};
use sync_engine::model::RunId;
use sync_engine::model::time::Timestamp;
use sync_engine::plan::operation::ActionKind;
use sync_engine::ports::store::Store as _;

use crate::bench::{Bench as _, Joined, Sqlite, at};
use crate::runs::{event, report};

/// Adds a webhook to those that are there: its id.
pub(crate) async fn hook(db: &Db, url: &str, enabled: bool) -> String {
    let mut all: Vec<NewWebhook> = Vec::new();
    for known in db.webhooks().await.unwrap() {
        all.push(NewWebhook {
            id: Some(known.id),
            url: known.url,
            secret: None,
            enabled: known.enabled,
        });
    }
    all.push(NewWebhook {
        id: None,
        url: url.to_owned(),
        secret: Some(SecretString::from("first")),
        enabled,
    });
    let put = db
        .put_webhooks(WebhookSource::Ui, all, at(0))
        .await
        .unwrap();
    put.into_iter().find(|put| put.url == url).unwrap().id
}

pub(crate) async fn due(db: &Db, webhook: &str, now: Timestamp) -> Option<Message> {
    db.outbox_due(webhook, now).await.unwrap()
}

/// Ends a run at a time.
async fn run(db: &Db, joined: &Joined, seconds: i64) -> RunId {
    let id = db.start_run(&joined.id, at(seconds)).await.unwrap();
    let events = vec![event("a", ActionKind::Insert, false)];
    let mut report = report(&id, events);
    report.finished_at = at(seconds);
    db.finish(&joined.id, &report).await.unwrap();
    id
}

fn failed(seconds: i64, next: NextAttempt) -> FailedAttempt {
    FailedAttempt {
        at: at(seconds),
        error: "It answered 503.".to_owned(),
        next,
        quiet_until: None,
        gone: false,
    }
}

async fn health(db: &Db, webhook: &str) -> (bool, WebhookHealth) {
    let all = db.webhooks().await.unwrap();
    let found = all.into_iter().find(|found| found.id == webhook).unwrap();
    (found.enabled, found.health)
}

#[tokio::test]
async fn a_finished_run_waits_for_every_webhook_until_it_is_delivered() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let one = hook(db, "https://one.example/", true).await;
    let two = hook(db, "https://two.example/", true).await;
    let off = hook(db, "https://off.example/", false).await;
    let id = run(db, &joined, 60).await;
    assert!(due(db, &one, at(59)).await.is_none());
    assert!(due(db, &off, at(60)).await.is_none());
    let mut next = db.outbox_next().await.unwrap();
    next.sort();
    let mut expected = vec![(one.clone(), at(60)), (two.clone(), at(60))];
    expected.sort();
    assert_eq!(next, expected);
    let first = due(db, &one, at(60)).await.unwrap();
    let second = due(db, &two, at(60)).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(first.secrets.len(), 1);
    assert_eq!(first.secrets[0].expose_secret(), "first");
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(body["run_id"], id.as_str());
    assert_eq!(
        body["events"],
        json!([{"uid": "a", "summary": "Title of a", "action": "inserted"}])
    );

    // One is delivered, one refused: it comes again with the same id, after a restart too.
    db.outbox_delivered(&first.id, at(61)).await.unwrap();
    let next = NextAttempt::At(at(100));
    let stopped = db.outbox_failed(&second.id, failed(61, next)).await;
    assert!(!stopped.unwrap());
    let db = bench.killed().db;
    assert!(due(&db, &one, at(999)).await.is_none());
    assert!(due(&db, &two, at(99)).await.is_none());
    let again = due(&db, &two, at(100)).await.unwrap();
    assert_eq!((&again.id, again.attempts), (&second.id, 1));
    assert_eq!(db.outbox_pending().await.unwrap(), 1);
    let (enabled, seen) = health(&db, &two).await;
    assert!(enabled);
    assert_eq!(seen.error.as_deref(), Some("It answered 503."));
    assert_eq!((seen.failing_since, seen.waiting), (Some(at(61)), 1));
    let (_, seen) = health(&db, &one).await;
    assert_eq!((seen.delivered_at, seen.waiting), (Some(at(61)), 0));
}

#[tokio::test]
async fn a_webhook_that_asked_for_quiet_is_left_alone() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let hook = hook(db, "https://one.example/", true).await;
    run(db, &joined, 60).await;
    let first = due(db, &hook, at(60)).await.unwrap();
    let throttled = FailedAttempt {
        quiet_until: Some(at(500)),
        ..failed(61, NextAttempt::At(at(70)))
    };
    db.outbox_failed(&first.id, throttled).await.unwrap();
    run(db, &joined, 90).await;
    assert!(due(db, &hook, at(499)).await.is_none());
    assert_eq!(
        db.outbox_next().await.unwrap(),
        [(hook.clone(), at(500))],
        "neither the old message nor the new one before that"
    );
    assert_eq!(due(db, &hook, at(500)).await.unwrap().id, first.id);
}

#[tokio::test]
async fn a_webhook_that_is_gone_or_never_takes_anything_is_switched_off() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let gone = hook(db, "https://gone.example/", true).await;
    let dead = hook(db, "https://dead.example/", true).await;
    let picky = hook(db, "https://picky.example/", true).await;
    run(db, &joined, 60).await;
    let message = due(db, &gone, at(60)).await.unwrap();
    let said = FailedAttempt {
        gone: true,
        ..failed(61, NextAttempt::At(at(70)))
    };
    assert!(db.outbox_failed(&message.id, said.clone()).await.unwrap());
    assert!(
        !db.outbox_failed(&message.id, said).await.unwrap(),
        "it is off already"
    );
    let (enabled, seen) = health(db, &gone).await;
    assert_eq!(
        (enabled, seen.stopped_at, seen.waiting),
        (false, Some(at(61)), 1)
    );
    assert!(due(db, &gone, at(999)).await.is_none());

    let message = due(db, &dead, at(60)).await.unwrap();
    let never = failed(80, NextAttempt::Never);
    assert!(db.outbox_failed(&message.id, never.clone()).await.unwrap());
    assert!(!health(db, &dead).await.0);

    // What refuses one message and takes others goes on.
    let refused = due(db, &picky, at(60)).await.unwrap();
    run(db, &joined, 70).await;
    let later = FailedAttempt {
        next: NextAttempt::At(at(80)),
        ..never.clone()
    };
    db.outbox_failed(&refused.id, later).await.unwrap();
    let taken = due(db, &picky, at(70)).await.unwrap();
    assert_ne!(taken.id, refused.id);
    db.outbox_delivered(&taken.id, at(71)).await.unwrap();
    assert!(!db.outbox_failed(&refused.id, never).await.unwrap());
    let (enabled, _) = health(db, &picky).await;
    assert!(enabled);

    // Switched on again, what waited is due at once; nothing came while it was off.
    run(db, &joined, 90).await;
    db.enable_webhook(&gone, at(100)).await.unwrap();
    let (enabled, seen) = health(db, &gone).await;
    assert_eq!((enabled, seen.stopped_at, seen.error), (true, None, None));
    let again = due(db, &gone, at(100)).await.unwrap();
    assert_eq!(again.attempts, 0, "with all its attempts");
    assert_eq!(health(db, &gone).await.1.waiting, 1);
    let missing = db.enable_webhook("whk_none", at(100)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_declaration_read_again_does_not_switch_on_what_was_switched_off() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    for (source, revives) in [(WebhookSource::Config, false), (WebhookSource::Ui, true)] {
        let declared = |id: Option<String>, url: &str| {
            vec![NewWebhook {
                id,
                url: url.to_owned(),
                secret: None,
                enabled: true,
            }]
        };
        let here = "https://declared.example/";
        let put = db
            .put_webhooks(source, declared(None, here), at(0))
            .await
            .unwrap();
        let id = put.into_iter().find(|put| put.source == source).unwrap().id;
        run(db, &joined, 60).await;
        let message = due(db, &id, at(60)).await.unwrap();
        let gone = FailedAttempt {
            gone: true,
            ..failed(61, NextAttempt::At(at(70)))
        };
        db.outbox_failed(&message.id, gone).await.unwrap();
        let again = declared(Some(id.clone()), here);
        db.put_webhooks(source, again, at(0)).await.unwrap();
        let (enabled, seen) = health(db, &id).await;
        assert_eq!(enabled, revives, "{source:?}");
        assert_eq!(seen.stopped_at.is_none(), revives);
        assert_eq!(seen.error.is_none(), revives);
        let moved = declared(Some(id.clone()), "https://other.example/");
        db.put_webhooks(source, moved, at(0)).await.unwrap();
        let (enabled, seen) = health(db, &id).await;
        assert!(enabled && seen.stopped_at.is_none() && seen.failing_since.is_none());
    }
}

#[tokio::test]
async fn what_waits_and_what_is_kept_is_bounded() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let hook = hook(db, "https://one.example/", true).await;
    for number in 0..1_003 {
        run(db, &joined, number).await;
    }
    assert_eq!(db.outbox_pending().await.unwrap(), 1_000);
    let oldest = due(db, &hook, at(2_000)).await.unwrap();
    let delivery = db.delivery(&hook, &oldest.id).await.unwrap();
    assert_eq!(delivery.created_at, at(3), "the three before were given up");
    let page = db.deliveries(&hook, 1_500, None).await.unwrap();
    let mut given_up = page.deliveries.iter().rev();
    let first = given_up.next().unwrap();
    assert_eq!(first.state, DeliveryState::Failed);
    assert!(first.error.as_ref().unwrap().contains("Too many"));
    for _ in 0..150 {
        let message = due(db, &hook, at(2_000)).await.unwrap();
        db.outbox_delivered(&message.id, at(2_000)).await.unwrap();
    }
    let page = db.deliveries(&hook, 1_500, None).await.unwrap();
    let ended = page.deliveries.iter();
    let ended = ended.filter(|delivery| delivery.state == DeliveryState::Delivered);
    assert_eq!(ended.count(), 100);
    let day = 24 * 3_600;
    let purged = db.purge(at(200 * day), Retention::default()).await.unwrap();
    assert_eq!(purged.messages, 100, "what waits is not forgotten");
}

#[tokio::test]
async fn deliveries_are_paged_newest_first() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let hook = hook(db, "https://one.example/", true).await;
    let mut runs = Vec::new();
    for number in 0..3 {
        runs.push(Some(run(db, &joined, number).await));
    }
    let test = db.outbox_test(&hook, at(10)).await.unwrap();
    assert!(
        due(db, &hook, at(9_999)).await.unwrap().id != test.id,
        "nobody sends a test by itself"
    );
    let page = db.deliveries(&hook, 3, None).await.unwrap();
    let seen: Vec<_> = page.deliveries.iter().map(|one| one.run.clone()).collect();
    assert_eq!(seen, [None, runs[2].clone(), runs[1].clone()]);
    let rest = db.deliveries(&hook, 3, page.next.as_deref()).await.unwrap();
    assert_eq!((rest.deliveries.len(), rest.next), (1, None));
    assert_eq!(rest.deliveries[0].run, runs[0]);
    assert_eq!(rest.deliveries[0].next_at, Some(at(0)));
    for missing in [
        db.deliveries("whk_none", 3, None).await,
        db.deliveries(&hook, 3, Some("msg_none")).await,
    ] {
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    }
    let stranger = db.outbox_message("whk_none", &test.id, at(10)).await;
    assert!(matches!(stranger, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn tried_out_of_turn_a_message_keeps_its_turn() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let hook = hook(db, "https://one.example/", true).await;
    run(db, &joined, 60).await;
    let message = due(db, &hook, at(60)).await.unwrap();
    let out_of_turn = failed(61, NextAttempt::AsBefore);
    assert!(
        !db.outbox_failed(&message.id, out_of_turn.clone())
            .await
            .unwrap()
    );
    let waiting = db.delivery(&hook, &message.id).await.unwrap();
    assert_eq!(waiting.state, DeliveryState::Waiting);
    assert_eq!((waiting.next_at, waiting.attempts), (Some(at(60)), 1));
    db.outbox_delivered(&message.id, at(62)).await.unwrap();
    db.outbox_failed(&message.id, out_of_turn).await.unwrap();
    let delivered = db.delivery(&hook, &message.id).await.unwrap();
    assert_eq!(delivered.state, DeliveryState::Delivered, "it was, once");
    assert_eq!((delivered.attempts, delivered.next_at), (3, None));
}

#[tokio::test]
async fn a_former_secret_signs_for_a_while() {
    let bench = Sqlite::new();
    let joined = bench.join("work", "w").await;
    let db = &bench.db;
    let hook = hook(db, "https://one.example/", true).await;
    run(db, &joined, 60).await;
    let secret = SecretString::from("second");
    db.change_webhook_secret(&hook, &secret, at(1_000))
        .await
        .unwrap();
    let signs = async |db: &Db, now| {
        let message = due(db, &hook, now).await.unwrap();
        let secrets = message.secrets.iter();
        secrets
            .map(|secret| secret.expose_secret().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(signs(db, at(999)).await, ["second", "first"]);
    assert_eq!(signs(db, at(1_000)).await, ["second"]);
    // A secret that a person types replaces both.
    let typed = NewWebhook {
        id: Some(hook.clone()),
        url: "https://one.example/".to_owned(),
        secret: Some(SecretString::from("third")),
        enabled: true,
    };
    db.put_webhooks(WebhookSource::Ui, vec![typed], at(0))
        .await
        .unwrap();
    assert_eq!(signs(db, at(999)).await, ["third"]);
    let missing = db.change_webhook_secret("whk_none", &secret, at(0)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}
