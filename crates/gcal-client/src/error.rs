//! Everything that can go wrong at Google, and what it means for the run that met it.
//!
//! [`Error`] is this crate's; [`Error::side_error`] says it in the engine's words: how far it
//! reaches, a stable code, one plain sentence, and what a person can do.

use std::time::Duration;

use sync_engine::model::Side;
use sync_engine::model::time::Timestamp;
use sync_engine::ports::{ErrorClass, SideError};

use crate::oauth::Scope;
use crate::refusal::{Reaction, Reason, Refusal};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What was asked of Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// calendarList.list.
    ListCalendars,
    /// events.list.
    ListEvents,
    /// events.get.
    GetEvent,
    /// events.instances.
    ListInstances,
    /// events.insert.
    InsertEvent,
    /// events.patch.
    PatchEvent,
    /// events.update.
    UpdateEvent,
    /// events.delete.
    DeleteEvent,
    /// The token endpoint.
    Token,
    /// The revocation endpoint.
    Revoke,
}

impl Operation {
    /// The API's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ListCalendars => "calendarList.list",
            Self::ListEvents => "events.list",
            Self::GetEvent => "events.get",
            Self::ListInstances => "events.instances",
            Self::InsertEvent => "events.insert",
            Self::PatchEvent => "events.patch",
            Self::UpdateEvent => "events.update",
            Self::DeleteEvent => "events.delete",
            Self::Token => "token",
            Self::Revoke => "revoke",
        }
    }

    /// Whether it concerns one event (else the calendar, or the account).
    pub fn is_about_one_event(self) -> bool {
        matches!(
            self,
            Self::GetEvent
                | Self::ListInstances
                | Self::InsertEvent
                | Self::PatchEvent
                | Self::UpdateEvent
                | Self::DeleteEvent
        )
    }

    /// Whether it changes a calendar.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::InsertEvent | Self::PatchEvent | Self::UpdateEvent | Self::DeleteEvent
        )
    }
}

/// Why the account's writes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WritesStopped {
    /// "Calendar usage limits exceeded.": Google's own limit, lasts hours.
    UsageLimit,
    /// The daily budget this program keeps to.
    DailyBudget,
}

/// What went wrong at Google.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Google answered, and it was no.
    #[error("Google refused {}: {refusal}", operation.name())]
    Refused {
        /// What was asked.
        operation: Operation,
        /// What it said.
        refusal: Refusal,
    },
    /// No answer came.
    #[error("no answer from Google to {}", operation.name())]
    Unreachable {
        /// What was asked.
        operation: Operation,
        /// Why.
        #[source]
        source: outbound::Error,
    },
    /// An answer came that makes no sense. May be retried.
    #[error("Google's answer to {} could not be read: {detail}", operation.name())]
    Unintelligible {
        /// What was asked.
        operation: Operation,
        /// What is wrong with it; nothing of its content.
        detail: String,
    },
    /// The refresh token is dead: somebody has to sign in again. Never retried.
    #[error("the sign-in at Google has ended: {why}")]
    SignInEnded {
        /// The likely cause, a sentence.
        why: String,
    },
    /// The sign-in did not succeed: declined, interrupted, or not ours.
    #[error("the sign-in at Google did not succeed: {why}")]
    SignInFailed {
        /// Stable code: `access_denied`, `state_mismatch`, `no_code`, `code_refused`,
        /// `no_refresh_token`, `no_primary_calendar`.
        code: &'static str,
        /// A sentence.
        why: String,
    },
    /// Boxes of the consent page were left unticked.
    #[error("Google was not allowed to grant: {}", Scope::list(missing))]
    ScopesMissing {
        /// What is missing.
        missing: Vec<Scope>,
    },
    /// Set up wrongly: client id or secret, endpoints. An operator must act.
    #[error("the Google set-up is wrong: {detail}")]
    Setup {
        /// What is wrong.
        detail: String,
    },
    /// A new token could not be stored, so it is not used yet. May be retried.
    #[error("the renewed Google token could not be stored")]
    NotStored {
        /// Why.
        #[source]
        source: Source,
    },
    /// The account's writes wait; reads go on.
    #[error("writing to this Google account waits until {until}")]
    WritesStopped {
        /// Why.
        why: WritesStopped,
        /// Earliest next attempt.
        until: Timestamp,
    },
    /// The account is slowed down for longer than a run may wait.
    #[error("Google asked for a pause until {until}")]
    Paused {
        /// Earliest next attempt.
        until: Timestamp,
    },
    /// An answer was lost, and sending the request again did not tell what became of it. It may
    /// have taken effect.
    #[error("it is not known what became of {}", operation.name())]
    Unsettled {
        /// What was asked.
        operation: Operation,
        /// What came in the end.
        #[source]
        source: Box<Self>,
    },
    /// Google does not let a called-off occurrence stand again.
    #[error("Google does not let this called-off occurrence be restored")]
    NotRestorable {
        /// What Google said to the attempt.
        #[source]
        source: Box<Self>,
    },
    /// The series holds what Google cannot.
    #[error("Google cannot hold this event: {detail}")]
    CannotHold {
        /// What it is, a sentence.
        detail: String,
    },
}

/// How to tell the user.
struct Told {
    class: ErrorClass,
    code: &'static str,
    detail: String,
    action: &'static str,
}

impl Error {
    /// A wrong set-up.
    pub fn setup(detail: impl Into<String>) -> Self {
        Self::Setup {
            detail: detail.into(),
        }
    }

    pub(crate) fn refused(operation: Operation, refusal: Refusal) -> Self {
        Self::Refused { operation, refusal }
    }

    /// The reason of a refusal.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.reason),
            _ => None,
        }
    }

    /// Whether a write may have taken effect although no good answer came.
    pub fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::Refused { operation, refusal } => {
                operation.is_write() && refusal.reason.reaction() == Reaction::OutcomeUnknown
            }
            Self::Unreachable { operation, source } => {
                operation.is_write() && !source.was_not_sent()
            }
            Self::Unintelligible { operation, .. } => operation.is_write(),
            Self::Unsettled { .. } => true,
            _ => false,
        }
    }

    /// What it means for a run.
    pub fn class(&self) -> ErrorClass {
        self.told().class
    }

    /// A stable code, snake case.
    pub fn code(&self) -> &'static str {
        self.told().code
    }

    /// In the engine's words. `now` turns a Retry-After into a time.
    pub fn side_error(self, now: Timestamp) -> SideError {
        let Told {
            mut class,
            code,
            detail,
            action,
        } = self.told();
        if let ErrorClass::Transient { not_before } = &mut class
            && not_before.is_none()
            && let Self::Refused { refusal, .. } = &self
        {
            *not_before = refusal.not_before(now);
        }
        SideError {
            side: Side::Google,
            class,
            code,
            detail,
            action: action.to_owned(),
            source: Some(Box::new(self)),
        }
    }

    fn told(&self) -> Told {
        let transient = ErrorClass::Transient { not_before: None };
        match self {
            Self::Refused { operation, refusal } => refused(*operation, refusal),
            Self::Unreachable { source, .. } => Told {
                class: if source.is_transient() || !source.was_not_sent() {
                    transient
                } else {
                    ErrorClass::Configuration
                },
                code: "google_unreachable",
                detail: format!("Google could not be reached: {source}."),
                action: "Check this machine's network, DNS and clock; it is tried again by itself.",
            },
            Self::Unintelligible { .. } => Told {
                class: transient,
                code: "google_unreadable",
                detail: format!("{self}."),
                action: "Nothing to do; it is tried again by itself.",
            },
            Self::SignInEnded { why } => Told {
                class: ErrorClass::Credentials,
                code: "google_needs_sign_in",
                detail: why.clone(),
                action: "Connect this Google account again; its mappings and links are kept.",
            },
            Self::SignInFailed { code, why } => Told {
                class: ErrorClass::Credentials,
                code,
                detail: why.clone(),
                action: "Start the sign-in with Google again.",
            },
            Self::ScopesMissing { .. } => Told {
                class: ErrorClass::Credentials,
                code: "google_scope_missing",
                detail: format!("{self}."),
                action: "Connect the account again and leave every box of Google's page ticked.",
            },
            Self::Setup { detail } => Told {
                class: ErrorClass::Configuration,
                code: "google_client_invalid",
                detail: detail.clone(),
                action: "Check GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and the redirect URI in the Google Cloud console.",
            },
            Self::NotStored { .. } => Told {
                class: transient,
                code: "token_not_stored",
                detail: "The renewed Google token could not be stored, so it is not used yet."
                    .to_owned(),
                action: "Check the data folder: free space and permissions.",
            },
            Self::WritesStopped { why, until } => Told {
                class: ErrorClass::WritesExhausted {
                    not_before: Some(*until),
                },
                code: match why {
                    WritesStopped::UsageLimit => "google_quota",
                    WritesStopped::DailyBudget => "google_daily_budget",
                },
                detail: match why {
                    WritesStopped::UsageLimit => {
                        format!(
                            "Google's usage limit is reached; writing is tried again at {until}."
                        )
                    }
                    WritesStopped::DailyBudget => {
                        format!("Today's budget of writes is used up; writing goes on at {until}.")
                    }
                },
                action: "Nothing to do; what is left is written later. GOOGLE_DAILY_WRITES sets the budget.",
            },
            Self::Paused { until } => Told {
                class: ErrorClass::Transient {
                    not_before: Some(*until),
                },
                code: "google_rate_limited",
                detail: format!("Google asked for a pause until {until}."),
                action: "Nothing to do; the rest follows by itself.",
            },
            Self::Unsettled { source, .. } => Told {
                class: transient,
                code: "google_server_error",
                detail: format!("{self}: {source}."),
                action: "Nothing to do; the next run looks.",
            },
            Self::NotRestorable { .. } => Told {
                class: ErrorClass::Event,
                code: "occurrence_not_restorable",
                detail: "This occurrence was called off at Google, and Google does not let it be \
                         restored from here."
                    .to_owned(),
                action: "Restore it from the bin in Google Calendar, or make a single event for \
                         that day.",
            },
            Self::CannotHold { detail } => Told {
                class: ErrorClass::Event,
                code: "google_cannot_hold",
                detail: detail.clone(),
                action: "Change the event where it was made.",
            },
        }
    }
}

fn refused(operation: Operation, refusal: &Refusal) -> Told {
    let transient = ErrorClass::Transient { not_before: None };
    let one = operation.is_about_one_event();
    let event_or_calendar = if one {
        ErrorClass::Event
    } else {
        ErrorClass::Calendar
    };
    let (class, code, action) = match refusal.reason.reaction() {
        Reaction::Park | Reaction::RefetchAndMerge | Reaction::TakenId => (
            event_or_calendar,
            "google_refused",
            "Look at the event; it is tried again when it changes.",
        ),
        Reaction::NotPermitted if refusal.reason == Reason::AccessLevel => (
            ErrorClass::Calendar,
            "google_not_writable",
            "Ask the calendar's owner for the right to make changes, or choose another calendar.",
        ),
        Reaction::NotPermitted => (
            event_or_calendar,
            "google_not_permitted",
            "Google does not let this account change it; change it where it belongs.",
        ),
        Reaction::Gone if one => (
            ErrorClass::Event,
            "google_event_gone",
            "Nothing to do; the next run looks again.",
        ),
        Reaction::Gone => (
            ErrorClass::Calendar,
            "google_calendar_gone",
            "See whether the calendar still exists and is shared with this account.",
        ),
        Reaction::ReadAllAgain | Reaction::OutcomeUnknown | Reaction::RetrySingly => (
            transient,
            "google_server_error",
            "Nothing to do; it is tried again by itself.",
        ),
        Reaction::RenewToken => (
            ErrorClass::Credentials,
            "google_unauthorized",
            "Connect this Google account again; its mappings and links are kept.",
        ),
        Reaction::SlowDown => (
            transient,
            "google_rate_limited",
            "Nothing to do; the rest follows by itself.",
        ),
        Reaction::StopWrites => (
            ErrorClass::WritesExhausted { not_before: None },
            "google_quota",
            "Nothing to do; what is left is written later.",
        ),
        Reaction::WaitForTomorrow => (
            transient,
            "google_project_limit",
            "The Google project's daily limit is reached; see its quota page in the console.",
        ),
        Reaction::AskForConsent => (
            ErrorClass::Credentials,
            "google_scope_missing",
            "Connect the account again and leave every box of Google's page ticked.",
        ),
        Reaction::TellOperator => (
            ErrorClass::Configuration,
            "google_api_disabled",
            "Enable the Google Calendar API (and billing, if asked) for the project in the console.",
        ),
    };
    Told {
        class,
        code,
        detail: format!("Google refused: {}", refusal.message),
        action,
    }
}

/// How long a run itself waits at most for one pause; longer ones are left to the next run.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(64);
