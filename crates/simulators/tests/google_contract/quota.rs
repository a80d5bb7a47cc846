//! Quotas by the virtual clock.

use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{GoogleSimConfig, OverQuota, QuotaConfig};

use crate::support::{EVENTS, Session, plus, timed};

#[test]
fn off_unless_asked_for() {
    let session = Session::new();
    for _ in 0..700 {
        assert_eq!(session.get("/calendar/v3/colors").status, 200);
    }
}

#[test]
fn the_minute_slides_with_the_clock() {
    let session = Session::new();
    session.insert(&plus(timed(), &json!({"id": "event"})));
    for (over, status, reason) in [
        (OverQuota::RateLimitExceeded, 403, "rateLimitExceeded"),
        (
            OverQuota::UserRateLimitExceeded,
            403,
            "userRateLimitExceeded",
        ),
        (OverQuota::TooManyRequests, 429, "rateLimitExceeded"),
    ] {
        session.sim.advance(SignedDuration::from_secs(61));
        session.sim.quota(QuotaConfig {
            per_user: Some(4),
            over,
            retry_after: Some(9),
            ..QuotaConfig::default()
        });
        // A patch costs 3.
        assert_eq!(
            session
                .patch(&format!("{EVENTS}/event"), &json!({"colorId": "2"}))
                .status,
            200
        );
        assert_eq!(session.get(EVENTS).status, 200);
        let reply = session.get(EVENTS);
        assert_eq!(reply.refused(), (status, reason.into()));
        assert_eq!(reply.header("retry-after"), Some("9"));
        assert_eq!(reply.json()["error"]["errors"][0]["domain"], "usageLimits");
        // Quota comes before validation and before effects.
        assert_eq!(session.post(EVENTS, &json!({"nonsense": 1})).status, status);
        session.sim.advance(SignedDuration::from_secs(61));
        assert_eq!(session.get(EVENTS).status, 200);
    }
    let costs: Vec<u32> = session.sim.log().iter().map(|entry| entry.cost).collect();
    assert_eq!(costs[..4], [1, 3, 1, 0]);
}

#[test]
fn bursts_of_writes_to_one_calendar() {
    let quota = QuotaConfig {
        burst: Some(2),
        ..QuotaConfig::default()
    };
    let session = Session::with(GoogleSimConfig {
        quota,
        ..GoogleSimConfig::default()
    });
    session.insert(&timed());
    session.insert(&timed());
    assert_eq!(
        session.post(EVENTS, &timed()).refused(),
        (403, "rateLimitExceeded".into())
    );
    assert_eq!(session.get(EVENTS).status, 200);
    session.sim.advance(SignedDuration::from_secs(1));
    assert_eq!(session.post(EVENTS, &timed()).status, 200);
}

#[test]
fn creations_are_not_given_back_by_deleting() {
    let quota = QuotaConfig {
        creations: Some(2),
        ..QuotaConfig::default()
    };
    let session = Session::with(GoogleSimConfig {
        quota,
        ..GoogleSimConfig::default()
    });
    session.insert(&plus(timed(), &json!({"id": "event"})));
    session.insert(&timed());
    session.delete(&format!("{EVENTS}/event"));
    let reply = session.post(EVENTS, &timed());
    assert_eq!(reply.refused(), (403, "quotaExceeded".into()));
    assert_eq!(reply.message(), "Calendar usage limits exceeded.");
    // Changing goes on, and a day later so does creating.
    assert_eq!(
        session
            .patch(&format!("{EVENTS}/event"), &json!({"status": "confirmed"}))
            .status,
        200
    );
    session.sim.advance(SignedDuration::from_hours(25));
    let fresh = session
        .sim
        .sign_in(crate::support::ADA, &["calendar"])
        .unwrap();
    let reply = crate::support::send(
        &session.sim.base_url(),
        &format!("POST {EVENTS}"),
        &[
            ("authorization", &format!("Bearer {}", fresh.access_token)),
            ("content-type", "application/json"),
        ],
        timed().to_string().as_bytes(),
    );
    assert_eq!(reply.status, 200);
}
