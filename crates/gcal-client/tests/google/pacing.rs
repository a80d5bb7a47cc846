//! Pacing: rate limits, Retry-After, usage limits, the day's budget.

use std::time::Duration;

use gcal_client::Pace;
use gcal_client::pace::Backoff;
use jiff::SignedDuration;
use simulators::google::{Action, Fault, GoogleSimConfig, OverQuota, QuotaConfig};
use sync_engine::model::Series;
use sync_engine::ports::{ErrorClass, SidePort as _};

use super::harness::{World, creation, done, event};

fn one() -> Series {
    Series::single(event("One", "2026-11-10T10:00:00"))
}

fn status(status: u16, reason: &str, message: Option<&str>, retry_after: Option<u64>) -> Action {
    Action::Status {
        status,
        reason: reason.to_owned(),
        domain: None,
        message: message.map(str::to_owned),
        retry_after,
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_by_the_whole_account() {
    for over in [
        OverQuota::RateLimitExceeded,
        OverQuota::UserRateLimitExceeded,
        OverQuota::TooManyRequests,
    ] {
        let config = GoogleSimConfig {
            quota: QuotaConfig {
                per_user: Some(4),
                over,
                ..QuotaConfig::default()
            },
            ..GoogleSimConfig::default()
        };
        let pace = Pace {
            backoff: Backoff {
                attempts: 10,
                longest: Duration::from_secs(32),
            },
            ..Pace::unlimited()
        };
        let world = World::with(config, pace);
        let calendar = world.calendar();
        for n in 0..6 {
            let create = creation(&format!("{n}@example.com"), one());
            done(calendar.create(&create).await.unwrap());
        }
        assert_eq!(world.alive(), 6);
    }
}

#[tokio::test]
async fn our_own_pace_keeps_below_google_s() {
    let config = GoogleSimConfig {
        quota: QuotaConfig {
            burst: Some(6),
            ..QuotaConfig::google()
        },
        ..GoogleSimConfig::default()
    };
    let world = World::with(config, Pace::default());
    let calendar = world.calendar();
    let creations: Vec<_> = (0..40)
        .map(|n| creation(&format!("{n}@example.com"), one()))
        .collect();
    let began = world.sim.now();
    let written =
        futures_util::future::join_all(creations.iter().map(|create| calendar.create(create)))
            .await;
    for written in written {
        done(written.unwrap());
    }
    assert_eq!(world.requests("events.insert"), 40, "no refusal on the way");
    let took = world.sim.now().duration_since(began);
    assert!(took >= SignedDuration::from_secs(7), "{took:#}");
    assert_eq!(world.account.usage().writes, 40);
}

#[tokio::test]
async fn retry_after_is_honoured_and_a_long_one_ends_the_attempt() {
    let world = World::new();
    world.sim.fault(Fault::before(
        "events.list",
        status(429, "rateLimitExceeded", None, Some(20)),
    ));
    let began = world.sim.now();
    world.calendar().list(None).await.unwrap();
    assert!(world.sim.now().duration_since(began) >= SignedDuration::from_secs(20));

    world.sim.fault(Fault::before(
        "events.list",
        status(503, "backendError", None, Some(600)),
    ));
    let error = world.calendar().list(None).await.unwrap_err();
    let ErrorClass::Transient {
        not_before: Some(not_before),
    } = error.class
    else {
        panic!("{error:?}");
    };
    assert!(not_before.duration_since(world.sim.now()) > SignedDuration::from_secs(590));

    world.sim.fault(Fault::before(
        "events.list",
        status(403, "rateLimitExceeded", None, Some(600)),
    ));
    let error = world.calendar().list(None).await.unwrap_err();
    assert_eq!(error.code, "google_rate_limited");
    // The account pauses: nothing is sent meanwhile.
    let asked = world.requests("events.list");
    assert!(world.calendar().list(None).await.is_err());
    assert_eq!(world.requests("events.list"), asked);
    world.sim.advance(SignedDuration::from_secs(601));
    world.calendar().list(None).await.unwrap();
}

#[tokio::test]
async fn the_usage_limit_stops_writes_and_one_tries_when_it_is_time() {
    let config = GoogleSimConfig {
        quota: QuotaConfig {
            creations: Some(2),
            ..QuotaConfig::default()
        },
        ..GoogleSimConfig::default()
    };
    let world = World::with(config, Pace::unlimited());
    let calendar = world.calendar();
    let create = |n: u32| creation(&format!("{n}@example.com"), one());
    for n in 0..2 {
        done(calendar.create(&create(n)).await.unwrap());
    }
    let error = calendar.create(&create(2)).await.unwrap_err();
    assert_eq!(error.code, "google_quota");
    let ErrorClass::WritesExhausted {
        not_before: Some(not_before),
    } = error.class
    else {
        panic!("{error:?}");
    };
    assert_eq!(not_before.duration_since(world.sim.now()).as_hours(), 1);
    let asked = world.requests("events.insert");
    assert!(calendar.create(&create(3)).await.is_err());
    assert_eq!(world.requests("events.insert"), asked, "nothing was sent");
    calendar.list(None).await.unwrap();
    assert!(world.account.usage().stopped.is_some());

    // In vain once more, then it is over.
    world.sim.advance(SignedDuration::from_hours(1));
    assert!(calendar.create(&create(2)).await.is_err());
    assert_eq!(world.requests("events.insert"), asked + 1);
    world.sim.quota(QuotaConfig::default());
    world.sim.advance(SignedDuration::from_mins(119));
    assert!(calendar.create(&create(2)).await.is_err());
    world.sim.advance(SignedDuration::from_mins(2));
    done(calendar.create(&create(2)).await.unwrap());
    assert_eq!(world.account.usage().stopped, None);
}

#[tokio::test]
async fn the_day_s_budget_is_kept_and_starts_anew() {
    let pace = Pace {
        daily_writes: 2,
        ..Pace::unlimited()
    };
    let world = World::with(GoogleSimConfig::default(), pace);
    let calendar = world.calendar();
    for n in 0..2 {
        done(
            calendar
                .create(&creation(&format!("{n}@example.com"), one()))
                .await
                .unwrap(),
        );
    }
    let error = calendar
        .create(&creation("2@example.com", one()))
        .await
        .unwrap_err();
    assert_eq!(error.code, "google_daily_budget");
    calendar.list(None).await.unwrap();
    world.sim.advance(SignedDuration::from_hours(24));
    done(
        calendar
            .create(&creation("2@example.com", one()))
            .await
            .unwrap(),
    );
    assert_eq!(world.account.usage().writes, 1);
}
