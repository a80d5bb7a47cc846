//! Google's refusals: the error body as a typed value, and the reaction to each row of the table.
//!
//! 403 has a dozen meanings, 404, 413 and 5xx may come from the front end as HTML: what counts is
//! `errors[0].reason` (or the reason of an `ErrorInfo`), never the status alone.

mod parse;

use std::fmt;
use std::time::Duration;

use sync_engine::model::ZoneName;
use sync_engine::model::time::Timestamp;

use crate::time::later;

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What it means.
    pub reason: Reason,
    /// The reason in Google's word; empty where it gave none.
    pub word: String,
    /// Google's message, at most 300 characters, without control characters.
    pub message: String,
    /// Retry-After.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.status, self.word, self.message)
    }
}

impl Refusal {
    /// Earliest sensible next attempt, where the refusal says so.
    pub fn not_before(&self, now: Timestamp) -> Option<Timestamp> {
        match (self.retry_after, self.reason.reaction()) {
            (Some(pause), _) => Some(later(now, pause)),
            (None, Reaction::WaitForTomorrow) => Some(project_day_end(now)),
            (None, _) => None,
        }
    }
}

/// What a refusal means: the rows of the error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// 400 `timeRangeEmpty`: the end is before the start.
    TimeRangeEmpty,
    /// 400 `invalid`: a value it cannot have.
    Invalid,
    /// 400 `required`: something is missing.
    Required,
    /// 400 `badRequest`, `parseError`, `invalidParameter`, and what is new among the 400s; 413, 428.
    BadRequest,
    /// 400 `invalid`, "Invalid sequence value …".
    SequenceTooLow,
    /// 400 `invalid`, "Invalid sync token value.".
    SyncTokenMalformed,
    /// 401 `authError`, `invalidCredentials`, `required` (no token).
    InvalidCredentials,
    /// 403 or 429 `rateLimitExceeded`, `userRateLimitExceeded`.
    RateLimit,
    /// 403 `quotaExceeded`: "Calendar usage limits exceeded.".
    UsageLimit,
    /// 403 `dailyLimitExceeded`, `variableTermLimitExceeded`.
    ProjectLimit,
    /// 403 `forbiddenForNonOrganizer`.
    NotOrganizer,
    /// 403 `requiredAccessLevel`.
    AccessLevel,
    /// 403 `forbidden`, and every 403 whose reason is new to us.
    Forbidden,
    /// 403 `forbiddenForServiceAccounts`.
    ServiceAccount,
    /// 403 `insufficientPermissions`, `ACCESS_TOKEN_SCOPE_INSUFFICIENT`.
    ScopeMissing,
    /// 403 `accessNotConfigured`, `SERVICE_DISABLED`, `BILLING_DISABLED`.
    ApiDisabled,
    /// 404 `notFound`.
    NotFound,
    /// 409 `duplicate`.
    Duplicate,
    /// 409 `conflict`.
    Conflict,
    /// 410 `fullSyncRequired`.
    FullSyncRequired,
    /// 410 `updatedMinTooLongAgo`.
    UpdatedMinTooLongAgo,
    /// 410 `deleted`.
    Deleted,
    /// 412 `conditionNotMet`.
    StaleVersion,
    /// 5xx, and every body that is no answer of the Calendar API.
    ServerTrouble,
}

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reaction {
    /// Permanent for this item: set it aside and show it.
    Park,
    /// Read the item again, merge, try once more.
    RefetchAndMerge,
    /// The id is taken: see what stands there.
    TakenId,
    /// Not permitted on this event or calendar: it is read-only to us.
    NotPermitted,
    /// Gone, or access lost: an event after one more look, a calendar never deletes anything.
    Gone,
    /// Drop the token and read everything.
    ReadAllAgain,
    /// Renew the access token once, then sign in again.
    RenewToken,
    /// Back off, the whole account.
    SlowDown,
    /// No writes of this account for hours; reads go on.
    StopWrites,
    /// Nothing of this project until tomorrow.
    WaitForTomorrow,
    /// A scope is missing: ask for consent.
    AskForConsent,
    /// The project is set up wrongly.
    TellOperator,
    /// Send the item alone.
    RetrySingly,
    /// It may or may not have happened: back off; before repeating a create, look.
    OutcomeUnknown,
}

impl Reason {
    /// The reaction to it.
    pub fn reaction(self) -> Reaction {
        match self {
            Self::TimeRangeEmpty | Self::Invalid | Self::Required | Self::BadRequest => {
                Reaction::Park
            }
            Self::SequenceTooLow | Self::StaleVersion => Reaction::RefetchAndMerge,
            Self::SyncTokenMalformed | Self::FullSyncRequired | Self::UpdatedMinTooLongAgo => {
                Reaction::ReadAllAgain
            }
            Self::InvalidCredentials => Reaction::RenewToken,
            Self::RateLimit => Reaction::SlowDown,
            Self::UsageLimit => Reaction::StopWrites,
            Self::ProjectLimit => Reaction::WaitForTomorrow,
            Self::NotOrganizer | Self::AccessLevel | Self::Forbidden | Self::ServiceAccount => {
                Reaction::NotPermitted
            }
            Self::ScopeMissing => Reaction::AskForConsent,
            Self::ApiDisabled => Reaction::TellOperator,
            Self::NotFound | Self::Deleted => Reaction::Gone,
            Self::Duplicate => Reaction::TakenId,
            Self::Conflict => Reaction::RetrySingly,
            Self::ServerTrouble => Reaction::OutcomeUnknown,
        }
    }
}

/// When the project's day ends: midnight in California.
fn project_day_end(now: Timestamp) -> Timestamp {
    let Some(zone) = ZoneName::new("America/Los_Angeles") else {
        return later(now, Duration::from_hours(24));
    };
    let rules = zone.rules();
    rules
        .to_datetime(now)
        .date()
        .tomorrow()
        .ok()
        .and_then(|day| {
            rules
                .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
                .ok()
        })
        .unwrap_or_else(|| later(now, Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_day_ends_at_midnight_in_california() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(project_day_end(now).to_string(), "2026-11-23T08:00:00Z");
        let summer = "2026-07-01T06:30:00Z".parse().unwrap();
        assert_eq!(project_day_end(summer).to_string(), "2026-07-01T07:00:00Z");
    }
}
