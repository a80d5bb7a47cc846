//! What can go wrong with a CalDAV server: typed, plain, and with what to do about it.

use sync_engine::model::Side;
use sync_engine::model::time::Timestamp;
use sync_engine::ports::{ErrorClass, SideError};

use crate::hints;
use crate::multistatus::XmlError;
use crate::requests::Failure;

/// A failure at a CalDAV server. Messages name hosts, never secrets, queries or bodies.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Sign-in is refused.
    #[error("{host} refuses the user name or the password.")]
    Unauthorized {
        /// The host.
        host: String,
    },
    /// The calendars are at a place that the password typed for another site must not go to.
    #[error("{host} keeps the calendars at {other}, which belongs to another site.")]
    OtherSite {
        /// The site that was typed.
        host: String,
        /// Where it sent us.
        other: String,
    },
    /// The server cannot be reached, or not safely.
    #[error("The server cannot be reached: {source}.")]
    Unreachable {
        /// Why.
        #[from]
        source: outbound::Error,
    },
    /// The calendars are at another place than the one that was typed, and there the certificate is
    /// none that this machine accepts. Trust is for what was typed, so it cannot help here.
    #[error("{host} keeps the calendars at {other}, and that cannot be reached: {source}.")]
    UnsafeElsewhere {
        /// What was typed.
        host: String,
        /// Scheme, host and port of where it sent us.
        other: String,
        /// Why not.
        #[source]
        source: outbound::Error,
    },
    /// The server asks to come back later, or is overloaded.
    #[error("{host} is busy (status {status}).")]
    Busy {
        /// The host.
        host: String,
        /// 423, 429, 502, 503, 504.
        status: u16,
        /// When it wants to be asked again.
        not_before: Option<Timestamp>,
    },
    /// Something answers, and it is no CalDAV server, or not at this address.
    #[error("{host} answers, but not as a CalDAV server: {why}.")]
    NotCaldav {
        /// The host.
        host: String,
        /// What was found instead.
        why: String,
    },
    /// There is a CalDAV server, and no calendar for events.
    #[error("{host} has no calendar for events under this address.")]
    NoCalendars {
        /// The host.
        host: String,
    },
    /// The calendar is not there (any more).
    #[error("The calendar is no longer at its address on {host}.")]
    CalendarGone {
        /// The host.
        host: String,
    },
    /// The account may not read, or not write, the calendar.
    #[error("{host} does not let this account {what} the calendar.")]
    Forbidden {
        /// The host.
        host: String,
        /// `read` or `write to`.
        what: &'static str,
    },
    /// A listing that ends early, and no way to get the rest.
    #[error("{host} lists only a part of the calendar.")]
    Truncated {
        /// The host.
        host: String,
    },
    /// An answer that makes no sense.
    #[error("{host} sent an answer that cannot be read: {source}.")]
    Garbled {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: XmlError,
    },
    /// One event is refused.
    #[error("{host} does not take this event (status {status}).")]
    EventRefused {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
    /// One event cannot be edited.
    #[error("{source}")]
    EventNotEditable {
        /// Why.
        #[from]
        source: ical_model::EditError,
    },
    /// Any other refusal.
    #[error("{host} answered {status} to {what}.")]
    Refused {
        /// The host.
        host: String,
        /// The status.
        status: u16,
        /// What was asked for.
        what: &'static str,
    },
}

impl Error {
    /// Stable code, snake case (`interfaces.md`, REST API).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } | Self::OtherSite { .. } => "caldav_unauthorized",
            Self::Unreachable { .. } | Self::UnsafeElsewhere { .. } | Self::Busy { .. } => {
                "caldav_unreachable"
            }
            Self::NotCaldav { .. } | Self::NoCalendars { .. } => "caldav_not_found",
            Self::CalendarGone { .. } => "calendar_gone",
            Self::Forbidden { .. } => "calendar_forbidden",
            Self::Truncated { .. } => "caldav_list_truncated",
            Self::Garbled { .. } => "caldav_garbled",
            Self::EventRefused { .. } => "event_refused",
            Self::EventNotEditable { source } => source.code(),
            Self::Refused { .. } => "caldav_refused",
        }
    }

    /// How far the failure reaches.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { source } if source.is_transient() => {
                ErrorClass::Transient { not_before: None }
            }
            Self::Unreachable {
                source: outbound::Error::TooLarge { .. },
            } => ErrorClass::Calendar,
            Self::Unreachable {
                source: outbound::Error::Setup { .. },
            } => ErrorClass::Configuration,
            // A certificate, an address, a redirect: the account needs a person.
            Self::Unauthorized { .. }
            | Self::OtherSite { .. }
            | Self::UnsafeElsewhere { .. }
            | Self::Unreachable { .. } => ErrorClass::Credentials,
            Self::Busy { not_before, .. } => ErrorClass::Transient {
                not_before: *not_before,
            },
            Self::Refused { status, .. } if *status >= 500 => {
                ErrorClass::Transient { not_before: None }
            }
            Self::Garbled { .. } | Self::Truncated { .. } => {
                ErrorClass::Transient { not_before: None }
            }
            Self::NotCaldav { .. }
            | Self::NoCalendars { .. }
            | Self::CalendarGone { .. }
            | Self::Forbidden { .. }
            | Self::Refused { .. } => ErrorClass::Calendar,
            Self::EventRefused { .. } | Self::EventNotEditable { .. } => ErrorClass::Event,
        }
    }

    /// What a person can do next.
    pub fn action(&self) -> String {
        match self {
            Self::Unauthorized { host } => hints::unauthorized(host),
            Self::OtherSite { other, .. } => {
                format!("If {other} is right, enter that address instead.")
            }
            Self::UnsafeElsewhere { other, .. } => {
                format!(
                    "If {other} is right, enter that address instead: there its certificate can be \
                     trusted. If not, mend the server's redirects."
                )
            }
            Self::Unreachable { source } => hints::unreachable(source),
            Self::Busy { .. } => {
                "Nothing is to be done: it is asked again later. If it stays so, look at the server."
                    .into()
            }
            Self::NotCaldav { host, .. } => hints::not_caldav(host),
            Self::NoCalendars { .. } => {
                "Create a calendar there with another program first, or enter the address of the calendar itself."
                    .into()
            }
            Self::CalendarGone { .. } => {
                "If it was deleted, remove or change the mapping. If it was renamed, map it again."
                    .into()
            }
            Self::Forbidden { what: "read", .. } => {
                "Give this account the right to read the calendar, or use another account.".into()
            }
            Self::Forbidden { .. } => {
                "Give this account the right to write to the calendar, or sync only from it.".into()
            }
            Self::Truncated { .. } => {
                "Raise the server's limit for listings, or split the calendar.".into()
            }
            Self::Garbled { .. } => {
                "Look at the server's log: its answers are broken, or something in between changes them."
                    .into()
            }
            Self::EventRefused { .. } => {
                "Look at the event: the server may not take its length, its rule or its characters."
                    .into()
            }
            Self::EventNotEditable { .. } => "Change the event by hand on the CalDAV side.".into(),
            Self::Refused { .. } => "Look at the server's log for the reason.".into(),
        }
    }

    /// Whether the request may have had its effect although no answer tells.
    pub(crate) fn may_have_arrived(&self) -> bool {
        match self {
            Self::Unreachable { source } => !source.was_not_sent(),
            Self::Busy { status, .. } => matches!(status, 502 | 504),
            Self::Refused { status, .. } | Self::EventRefused { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// The status it was refused with, where it was.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Busy { status, .. }
            | Self::EventRefused { status, .. }
            | Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// How a request failed: before or after its answer was understood. What a refusal means depends on
/// what was asked; the caller says so.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It means the same for every request.
    Error(Error),
    /// The server refused this very request.
    Failure(Failure),
}

impl Trouble {
    /// The status that refuses.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Error(error) => error.status(),
            Self::Failure(failure) => failure.status(),
        }
    }

    /// What it means for a request on the calendar as a whole.
    pub(crate) fn on_calendar(self, host: &str, what: &'static str) -> Error {
        let host = host.to_owned();
        match self {
            Self::Error(error) => error,
            Self::Failure(Failure::Xml { source }) => Error::Garbled { host, source },
            Self::Failure(Failure::Status { status, .. }) => match status {
                404 | 410 => Error::CalendarGone { host },
                403 => Error::Forbidden { host, what: "read" },
                _ => Error::Refused { host, status, what },
            },
        }
    }

    /// What it means for a write of one event.
    pub(crate) fn on_event(self, host: &str) -> Error {
        let host = host.to_owned();
        match self {
            Self::Error(error) => error,
            Self::Failure(Failure::Xml { source }) => Error::Garbled { host, source },
            Self::Failure(Failure::Status { status, error, .. }) => {
                if error.has("need-privileges") {
                    Error::Forbidden {
                        host,
                        what: "write to",
                    }
                } else if status == 507 {
                    Error::Busy {
                        host,
                        status,
                        not_before: None,
                    }
                } else {
                    Error::EventRefused { host, status }
                }
            }
        }
    }

    /// Whether the request may have had its effect although no answer tells.
    pub(crate) fn may_have_arrived(&self) -> bool {
        match self {
            Self::Error(error) => error.may_have_arrived(),
            Self::Failure(failure) => failure
                .status()
                .is_some_and(|status| status >= 500 && status != 507),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Error> for SideError {
    fn from(error: Error) -> Self {
        Self {
            side: Side::Caldav,
            class: error.class(),
            code: error.code(),
            detail: error.to_string(),
            action: error.action(),
            source: Some(Box::new(error)),
        }
    }
}
