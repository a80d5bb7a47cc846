//! The error table, row by row, and what pacing makes of it.

use std::time::Duration;

use gcal_client::pace::Backoff;
use gcal_client::{Pace, Reaction, Reason, Refusal};
use jiff::SignedDuration;
use outbound::header::HeaderMap;
use outbound::{Reach, Response, StatusCode};
use serde_json::json;
use simulators::google::{Action, Fault, GoogleSimConfig, OverQuota, QuotaConfig};
use sync_engine::model::Series;
use sync_engine::ports::{ErrorClass, SidePort as _, Written};

use super::harness::{World, creation, done, event, two_attempts};

fn refusal(status: u16, body: &str) -> Refusal {
    Refusal::read(&Response {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
        url: "https://www.googleapis.com/".parse().unwrap(),
        reach: Reach::Public,
    })
}

fn with_reason(status: u16, reason: &str, message: &str) -> Refusal {
    let body = json!({"error": {
        "errors": [{"domain": "x", "reason": reason, "message": message}],
        "code": status, "message": message,
    }});
    refusal(status, &body.to_string())
}

#[test]
fn every_row_of_the_table_has_its_meaning_and_reaction() {
    use Reaction as R;
    for (status, word, message, reason, reaction) in [
        (400, "timeRangeEmpty", "", Reason::TimeRangeEmpty, R::Park),
        (
            400,
            "invalid",
            "Invalid recurrence rule.",
            Reason::Invalid,
            R::Park,
        ),
        (400, "required", "", Reason::Required, R::Park),
        (400, "badRequest", "", Reason::BadRequest, R::Park),
        (400, "parseError", "", Reason::BadRequest, R::Park),
        (400, "invalidParameter", "", Reason::BadRequest, R::Park),
        (400, "brandNew", "", Reason::BadRequest, R::Park),
        (
            400,
            "invalid",
            "Invalid sequence value. The specified …",
            Reason::SequenceTooLow,
            R::RefetchAndMerge,
        ),
        (
            400,
            "invalid",
            "Invalid sync token value.",
            Reason::SyncTokenMalformed,
            R::ReadAllAgain,
        ),
        (
            401,
            "authError",
            "Invalid Credentials",
            Reason::InvalidCredentials,
            R::RenewToken,
        ),
        (
            401,
            "invalidCredentials",
            "",
            Reason::InvalidCredentials,
            R::RenewToken,
        ),
        (
            403,
            "userRateLimitExceeded",
            "",
            Reason::RateLimit,
            R::SlowDown,
        ),
        (403, "rateLimitExceeded", "", Reason::RateLimit, R::SlowDown),
        (
            403,
            "quotaExceeded",
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'",
            Reason::RateLimit,
            R::SlowDown,
        ),
        (
            403,
            "quotaExceeded",
            "Calendar usage limits exceeded.",
            Reason::UsageLimit,
            R::StopWrites,
        ),
        (
            403,
            "dailyLimitExceeded",
            "",
            Reason::ProjectLimit,
            R::WaitForTomorrow,
        ),
        (
            403,
            "variableTermLimitExceeded",
            "",
            Reason::ProjectLimit,
            R::WaitForTomorrow,
        ),
        (
            403,
            "forbiddenForNonOrganizer",
            "",
            Reason::NotOrganizer,
            R::NotPermitted,
        ),
        (
            403,
            "requiredAccessLevel",
            "",
            Reason::AccessLevel,
            R::NotPermitted,
        ),
        (403, "forbidden", "", Reason::Forbidden, R::NotPermitted),
        (403, "brandNew", "", Reason::Forbidden, R::NotPermitted),
        (
            403,
            "insufficientPermissions",
            "",
            Reason::ScopeMissing,
            R::AskForConsent,
        ),
        (
            403,
            "accessNotConfigured",
            "",
            Reason::ApiDisabled,
            R::TellOperator,
        ),
        (
            403,
            "forbiddenForServiceAccounts",
            "",
            Reason::ServiceAccount,
            R::NotPermitted,
        ),
        (404, "notFound", "", Reason::NotFound, R::Gone),
        (409, "duplicate", "", Reason::Duplicate, R::TakenId),
        (409, "conflict", "", Reason::Conflict, R::RetrySingly),
        (
            410,
            "fullSyncRequired",
            "",
            Reason::FullSyncRequired,
            R::ReadAllAgain,
        ),
        (
            410,
            "updatedMinTooLongAgo",
            "",
            Reason::UpdatedMinTooLongAgo,
            R::ReadAllAgain,
        ),
        (410, "deleted", "", Reason::Deleted, R::Gone),
        (
            412,
            "conditionNotMet",
            "",
            Reason::StaleVersion,
            R::RefetchAndMerge,
        ),
        (429, "rateLimitExceeded", "", Reason::RateLimit, R::SlowDown),
        (
            500,
            "backendError",
            "",
            Reason::ServerTrouble,
            R::OutcomeUnknown,
        ),
        (
            503,
            "internalError",
            "",
            Reason::ServerTrouble,
            R::OutcomeUnknown,
        ),
    ] {
        let refusal = with_reason(status, word, message);
        assert_eq!(refusal.reason, reason, "{status} {word} {message}");
        assert_eq!(reason.reaction(), reaction, "{reason:?}");
    }
}

#[test]
fn an_error_info_counts_and_html_is_nobody_s_word() {
    for (info, reason) in [
        ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", Reason::ScopeMissing),
        ("SERVICE_DISABLED", Reason::ApiDisabled),
        ("BILLING_DISABLED", Reason::ApiDisabled),
    ] {
        let body = json!({"error": {
            "errors": [{"reason": "forbidden"}], "message": "m", "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": info}],
        }});
        assert_eq!(refusal(403, &body.to_string()).reason, reason);
    }
    for (status, reason) in [
        (404, Reason::ServerTrouble),
        (403, Reason::ServerTrouble),
        (502, Reason::ServerTrouble),
        (413, Reason::BadRequest),
        (429, Reason::RateLimit),
    ] {
        assert_eq!(
            refusal(status, "<html>Error</html>").reason,
            reason,
            "{status}"
        );
    }
    let loud = with_reason(400, "invalid", &format!("a\r\nb{}", "c".repeat(1000)));
    assert!(loud.message.len() <= 300 && !loud.message.contains('\n'));
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
async fn how_far_a_refused_reading_reaches() {
    for (code, reason, class, shown) in [
        (
            403,
            "insufficientPermissions",
            ErrorClass::Credentials,
            "google_scope_missing",
        ),
        (
            403,
            "accessNotConfigured",
            ErrorClass::Configuration,
            "google_api_disabled",
        ),
        (
            403,
            "forbidden",
            ErrorClass::Calendar,
            "google_not_permitted",
        ),
        (
            404,
            "notFound",
            ErrorClass::Calendar,
            "google_calendar_gone",
        ),
        (400, "badRequest", ErrorClass::Calendar, "google_refused"),
    ] {
        let world = World::new();
        world
            .sim
            .fault(Fault::status("events.list", code, reason).times(2));
        let error = world.calendar().list(None).await.unwrap_err();
        assert_eq!((error.class, error.code), (class, shown), "{code} {reason}");
        assert!(!error.action.is_empty());
    }
}

#[tokio::test]
async fn how_far_a_refused_write_reaches() {
    for (code, reason, class) in [
        (403, "forbiddenForNonOrganizer", ErrorClass::Event),
        (403, "forbidden", ErrorClass::Event),
        (403, "requiredAccessLevel", ErrorClass::Calendar),
        (403, "insufficientPermissions", ErrorClass::Credentials),
        (400, "timeRangeEmpty", ErrorClass::Event),
    ] {
        let world = World::new();
        world
            .sim
            .fault(Fault::status("events.insert", code, reason));
        let create = creation("one@example.com", one());
        let error = world.calendar().create(&create).await.unwrap_err();
        assert_eq!(error.class, class, "{code} {reason}");
        assert_eq!(world.requests("events.insert"), 1, "not repeated");
    }
}

fn one() -> Series {
    Series::single(event("One", "2026-11-10T10:00:00"))
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

#[tokio::test]
async fn server_trouble_is_waited_out_and_then_left_to_the_next_run() {
    let world = World::with(GoogleSimConfig::default(), two_attempts());
    for action in [
        Action::Html { status: 502 },
        Action::Reset,
        Action::Truncate { keep: 20 },
    ] {
        world.sim.fault(Fault::before("events.list", action));
        world.calendar().list(None).await.unwrap();
    }
    world
        .sim
        .fault(Fault::status("events.list", 503, "backendError").times(0));
    let error = world.calendar().list(None).await.unwrap_err();
    assert!(matches!(error.class, ErrorClass::Transient { .. }));
    assert_eq!(error.code, "google_server_error");
}

#[tokio::test]
async fn a_reading_that_breaks_off_is_no_short_list() {
    let world = World::with(
        GoogleSimConfig::default().knobs(|knobs| knobs.page_cap = 1),
        two_attempts(),
    );
    let calendar = world.calendar();
    for n in 0..3 {
        let create = creation(&format!("{n}@example.com"), one());
        assert!(matches!(
            calendar.create(&create).await.unwrap(),
            Written::Done(_)
        ));
    }
    world.sim.fault(
        Fault::status("events.list", 500, "backendError")
            .nth(2)
            .times(0),
    );
    assert!(calendar.list(None).await.is_err());
}
