//! Reading an error answer. Never fails: what cannot be understood is server trouble.

use std::time::Duration;

use outbound::{Response, header};
use serde::Deserialize;

use super::{Reason, Refusal};

/// More of an error body is not looked at.
const MOST: usize = 64 * 1024;

#[derive(Deserialize)]
struct Body {
    error: Described,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Described {
    errors: Vec<Item>,
    message: Option<String>,
    details: Vec<Detail>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    reason: String,
    message: String,
    location: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Detail {
    reason: Option<String>,
}

impl Refusal {
    /// Reads an answer whose status is no success.
    pub fn read(response: &Response) -> Self {
        let status = response.status.as_u16();
        let retry_after = response
            .header(&header::RETRY_AFTER)
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response
            .body
            .get(..response.body.len().min(MOST))
            .unwrap_or_default();
        let Ok(Body { error }) = serde_json::from_slice::<Body>(body) else {
            return Self {
                status,
                reason: without_body(status),
                word: String::new(),
                message: format!("an answer with status {status} that is not the Calendar API's"),
                retry_after,
            };
        };
        let item = error.errors.into_iter().next().unwrap_or_default();
        let info = error.details.into_iter().find_map(|detail| detail.reason);
        let message = error
            .message
            .filter(|message| !message.is_empty())
            .unwrap_or(item.message);
        let reason = info
            .as_deref()
            .and_then(by_info)
            .or_else(|| by_word(status, &item.reason, &message, item.location.as_deref()))
            .unwrap_or_else(|| by_status(status));
        Self {
            status,
            reason,
            word: plain(if item.reason.is_empty() {
                info.as_deref().unwrap_or_default()
            } else {
                &item.reason
            }),
            message: plain(&message),
            retry_after,
        }
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn by_info(reason: &str) -> Option<Reason> {
    Some(match reason {
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => Reason::ScopeMissing,
        "SERVICE_DISABLED" | "BILLING_DISABLED" => Reason::ApiDisabled,
        "RATE_LIMIT_EXCEEDED" => Reason::RateLimit,
        _ => return None,
    })
}

fn by_word(status: u16, word: &str, message: &str, location: Option<&str>) -> Option<Reason> {
    Some(match (status, word) {
        (400, "timeRangeEmpty") => Reason::TimeRangeEmpty,
        (400, _)
            if location == Some("syncToken")
                || message.to_ascii_lowercase().contains("sync token") =>
        {
            Reason::SyncTokenMalformed
        }
        (400, "invalid") if message.starts_with("Invalid sequence value") => Reason::SequenceTooLow,
        (400, "invalid") => Reason::Invalid,
        (400, "required") => Reason::Required,
        (400, _) => Reason::BadRequest,
        (401, _) => Reason::InvalidCredentials,
        (403 | 429, "rateLimitExceeded" | "userRateLimitExceeded") => Reason::RateLimit,
        (403 | 429, "quotaExceeded") => {
            // The per-minute metric has been seen under this reason too.
            if message.contains("per minute") {
                Reason::RateLimit
            } else {
                Reason::UsageLimit
            }
        }
        (403 | 429, "dailyLimitExceeded" | "variableTermLimitExceeded") => Reason::ProjectLimit,
        (403, "forbiddenForNonOrganizer") => Reason::NotOrganizer,
        (403, "requiredAccessLevel") => Reason::AccessLevel,
        (403, "insufficientPermissions") => Reason::ScopeMissing,
        (403, "accessNotConfigured") => Reason::ApiDisabled,
        (403, "forbiddenForServiceAccounts") => Reason::ServiceAccount,
        (404, "notFound") => Reason::NotFound,
        (409, "duplicate") => Reason::Duplicate,
        (409, "conflict") => Reason::Conflict,
        (410, "fullSyncRequired") => Reason::FullSyncRequired,
        (410, "updatedMinTooLongAgo") => Reason::UpdatedMinTooLongAgo,
        (410, "deleted") => Reason::Deleted,
        (412, "conditionNotMet") => Reason::StaleVersion,
        _ => return None,
    })
}

/// For an answer in the API's form whose reason is new to us.
fn by_status(status: u16) -> Reason {
    match status {
        401 => Reason::InvalidCredentials,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        409 => Reason::Conflict,
        410 => Reason::Deleted,
        412 => Reason::StaleVersion,
        429 => Reason::RateLimit,
        400..=499 => Reason::BadRequest,
        _ => Reason::ServerTrouble,
    }
}

/// For an answer that is not the API's: its status is the word of whatever stands before it, and
/// in particular its 404 says nothing about an event.
fn without_body(status: u16) -> Reason {
    match status {
        401 => Reason::InvalidCredentials,
        412 => Reason::StaleVersion,
        413 | 414 | 431 => Reason::BadRequest,
        429 => Reason::RateLimit,
        _ => Reason::ServerTrouble,
    }
}
