//! The error table, row by row, and how far each refusal reaches.

use gcal_client::{Reaction, Reason, Refusal};
use outbound::header::HeaderMap;
use outbound::{Reach, Response, StatusCode};
use serde_json::json;
use simulators::google::{Action, Fault, GoogleSimConfig};
use sync_engine::model::Series;
use sync_engine::ports::{ErrorClass, SidePort as _, Written};

use super::harness::{World, creation, event, two_attempts};

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
