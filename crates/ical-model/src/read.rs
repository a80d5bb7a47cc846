//! One CalDAV object as a series. Reads only; `write` edits what is read here.

use sync_engine::identity::OriginTag;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Series, Uid, ZoneName};
use sync_engine::observation::Remark;

use crate::error::ReadError;
use crate::limits::Limits;
use crate::problem::Problem;

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
pub fn read_object(_bytes: &[u8], _context: &ReadContext<'_>) -> ObjectReading {
    ObjectReading {
        object: Object::Foreign,
        problems: Vec::new(),
    }
}
