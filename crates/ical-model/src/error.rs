//! Why an object cannot be read or edited. Every message is one plain sentence for people, without
//! a machine's words in it; none of these goes away by trying again with the same bytes.

use sync_engine::model::ComponentKey;

/// Why an object that is there cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A limit of [`Limits`](crate::Limits) is exceeded.
    #[error("The event is too large to be read: it has more than {limit} {what}.")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// There is no VCALENDAR in it.
    #[error("This is not a calendar object.")]
    NotCalendar,
    /// A component has no END: an upload was cut off.
    #[error(
        "The event ends in the middle: its {component} is never closed. An upload was cut off."
    )]
    Cut {
        /// The component that stays open.
        component: String,
    },
    /// No event in it has a UID.
    #[error("The event has no UID.")]
    NoUid,
    /// Events of more than one UID.
    #[error(
        "The object holds several events that do not belong together (UIDs {first:?} and {second:?})."
    )]
    SeveralUids {
        /// One UID, shortened.
        first: String,
        /// Another one.
        second: String,
    },
    /// No DTSTART.
    #[error("The event has no start (DTSTART).")]
    NoStart,
    /// A date or time that is none.
    #[error("The event's {property} says {text:?}, which is no date or time.")]
    BadTime {
        /// The property.
        property: String,
        /// Its value, shortened.
        text: String,
    },
    /// A recurrence rule that is none.
    #[error("The event repeats by a rule that cannot be understood ({text:?}): {reason}.")]
    BadRule {
        /// The rule, shortened.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A time zone that is neither known nor described well enough.
    #[error("The event is in the time zone {tzid:?}, which is not known{}.", if *.described { " and whose own rules are those of no known zone, so a repeating event cannot be placed in it" } else { " and not described in the object" })]
    UnknownZone {
        /// The TZID, shortened.
        tzid: String,
        /// Whether the object describes it by a VTIMEZONE.
        described: bool,
    },
}

impl ReadError {
    /// Stable code, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotCalendar => "not_a_calendar",
            Self::Cut { .. } => "cut_off",
            Self::NoUid => "no_uid",
            Self::SeveralUids { .. } => "several_uids",
            Self::NoStart => "no_start",
            Self::BadTime { .. } => "bad_time",
            Self::BadRule { .. } => "bad_rule",
            Self::UnknownZone { .. } => "unknown_zone",
        }
    }
}

/// Why an edit was not made. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The object cannot be understood, so it is not edited either.
    #[error("{source}")]
    Unreadable {
        /// Why.
        #[from]
        source: ReadError,
    },
    /// It holds no event.
    #[error("The object holds no event.")]
    NoEvent,
    /// It holds a change of this and all following occurrences, and what is to be changed is the
    /// series' time or rule, or that change itself.
    #[error(
        "The event changes \"this and all following\" occurrences in one step (RANGE=THISANDFUTURE); the time of such a series is not edited."
    )]
    ThisAndFuture,
    /// A change names a component for which the series has no fields.
    #[error("The change of {key:?} comes without the fields to write.")]
    NoFields {
        /// The component.
        key: ComponentKey,
    },
    /// A change is for the master, and the object has none.
    #[error("The object has no master event that could be changed.")]
    NoMaster,
}

impl EditError {
    /// Stable code, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { source } => source.code(),
            Self::NoEvent => "no_event",
            Self::ThisAndFuture => "this_and_future",
            Self::NoFields { .. } => "no_fields",
            Self::NoMaster => "no_master",
        }
    }
}
