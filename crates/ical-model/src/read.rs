//! One CalDAV object as a series. Reads only; `write` edits what is read here.
//!
//! How it is read where the RFC is silent, or programs do not keep to it:
//!
//! * A property that stands twice counts once, the first time. Two overrides of one occurrence: the
//!   one with the higher SEQUENCE, else the first.
//! * A core time, rule or exception that is no value makes the object unreadable: guessing would
//!   write the guess to the other side. A wrong value *type* is forgiven (`VALUE=DATE` on a
//!   date-time, a missing `VALUE=DATE`), and so are ends of the other type than the start.
//! * EXDATE, and STATUS:CANCELLED on an override, are `Cancelled`. An override beside an EXDATE of
//!   the same occurrence wins: some servers write both for a changed occurrence.
//! * An override that says what the master says has no entry (`Inherit`).
//! * RANGE=THISANDFUTURE becomes one override for each later occurrence that has none of its own,
//!   in a series of at most 200 occurrences; in a longer one it is `Recurrence::onward`.
//! * A time zone that is nobody's (`zones`): a single event's times become UTC, with the remark
//!   `custom_zone`; a series is unreadable.
//! * Not interpreted: X-MICROSOFT-CDO-ALLDAYEVENT and other second sayings of a core field, METHOD,
//!   X-WR-TIMEZONE.

mod event;
mod people;
mod range;
mod series;
mod stamps;
mod times;

use sync_engine::identity::OriginTag;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ComponentKey, Series, Uid, ZoneName};
use sync_engine::observation::Remark;

use crate::component::Document;
use crate::error::ReadError;
use crate::limits::Limits;
use crate::problem::Problem;

pub(crate) use event::{read_fields, sensitivity, status, text, transparency};
pub(crate) use people::organizer;
pub(crate) use series::{Future, Slot, Understood};
pub(crate) use times::{Moment, end_after, read_time, read_when};

/// What reading needs to know besides the text.
#[derive(Debug, Clone)]
pub struct ReadContext<'a> {
    /// The calendar owner's addresses (`calendar-user-address-set`, and the sign-in name if it is
    /// one), with or without `mailto:`. They tell guests from the owner.
    pub own_addresses: &'a [String],
    /// Stands in for times without zone, where an instant of theirs must be compared with another.
    pub floating: ZoneName,
    /// What is refused unread.
    pub limits: Limits,
}

impl Default for ReadContext<'_> {
    fn default() -> Self {
        Self {
            own_addresses: &[],
            floating: ZoneName::utc(),
            limits: Limits::default(),
        }
    }
}

/// What came out of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReading {
    /// What it is.
    pub object: Object,
    /// What was not understood, for logs; what people should know is in [`EventObject::remarks`].
    pub problems: Vec<Problem>,
}

/// What one object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// An event: a master, its overrides, or both, of one UID.
    Event(Box<EventObject>),
    /// A calendar object without any event: tasks, journals, free/busy, nothing.
    Foreign,
    /// It is there and cannot be understood. `Display` of the error is the reason for people.
    Unreadable(ReadError),
}

/// One event, with whatever overrides and EXDATEs the object carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventObject {
    /// UID.
    pub uid: Uid,
    /// The series in normal form.
    pub series: Series,
    /// The latest LAST-MODIFIED in it.
    pub modified: Option<Timestamp>,
    /// LAST-MODIFIED of each component that has one.
    pub stamps: Vec<(ComponentKey, Timestamp)>,
    /// Whether anybody but the owner is an ATTENDEE.
    pub has_guests: bool,
    /// Whether the ORGANIZER is the owner.
    pub organized_by_me: bool,
    /// Whether the owner merely attends: an ATTENDEE, and somebody else is the ORGANIZER.
    pub attending: bool,
    /// The origin tag found in it. It proves nothing by itself.
    pub tag: Option<OriginTag>,
    /// The UID of the event this one was copied from, if it says so.
    pub source_uid: Option<Uid>,
    /// What was understood only in part, for people.
    pub remarks: Vec<Remark>,
}

/// Reads one object. Never panics and never fails as a whole: what cannot be understood is
/// [`Object::Unreadable`] with its reason.
pub fn read_object(bytes: &[u8], context: &ReadContext<'_>) -> ObjectReading {
    let document = match Document::parse(bytes, &context.limits) {
        Ok(document) => document,
        Err(error) => {
            return ObjectReading {
                object: Object::Unreadable(error),
                problems: Vec::new(),
            };
        }
    };
    let object = match Understood::of(&document, context) {
        Ok(Some(understood)) => Object::Event(Box::new(understood.event)),
        Ok(None) => Object::Foreign,
        Err(error) => Object::Unreadable(error),
    };
    ObjectReading {
        object,
        problems: document.problems,
    }
}
