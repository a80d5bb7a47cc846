//! A series as the text of one CalDAV object: new ones whole, stored ones edited in place.
//!
//! Decisions of editing:
//!
//! * A property is written only if its value, in normal form, differs from what is wanted. So a
//!   change that changes nothing gives back the same bytes.
//! * A written property replaces its first line, in its place and with its other parameters, and
//!   takes the further lines of the same name with it. A new one comes after the last property.
//! * What restates a field goes with it: X-APPLE-STRUCTURED-LOCATION and GEO with LOCATION;
//!   X-ALT-DESC and STYLED-DESCRIPTION with DESCRIPTION; ALTREP with the property it stands on;
//!   the busy and intended status of X-MICROSOFT-CDO- and X-MICROSOFT-MSNCALENDAR- with TRANSP and
//!   STATUS; their all-day mark, and X-FUNAMBOL-ALLDAY, where the event changes between days and
//!   times; their instance type where it begins or ceases to repeat.
//! * A zone keeps its spelling (a Windows name, a prefix) as long as it stays the same zone. A new
//!   one is named as IANA does and gets a VTIMEZONE if the object has none of that name.
//! * DURATION stays DURATION where it can say the new length.
//! * *Cancel* removes the override with all it carries and writes an EXDATE, as deleting an
//!   occurrence in a calendar program does: what is deleted takes its alarms along. Without a
//!   master that repeats, the override gets STATUS:CANCELLED instead.
//! * *Inherit* removes the EXDATE and the override; an override with lines or components of its
//!   own, that the master does not have alike, stays, with the master's values.
//! * *Add* makes a new component after the last event. It never carries ATTENDEE, ORGANIZER or
//!   VALARM; what says how the event is shown (CLASS, CATEGORIES, COLOR, PRIORITY, URL) comes along
//!   from the master, or a private event would have a public occurrence.
//! * When a master's `when` changes, EXDATEs and overrides are brought to those of the series, in the
//!   master's new form; overrides that say nothing of their own follow the master.
//! * A component that stands for later occurrences too (RANGE=THISANDFUTURE) goes on doing so. To
//!   change its own occurrence alone, the range is handed on to a second component, a likeness of
//!   it, that begins at the next occurrence. Where reading took it apart, it is taken apart in the
//!   text when the master's `when` changes; where it did not, that change is refused.
//! * Every touched component gets DTSTAMP and LAST-MODIFIED, and the next SEQUENCE unless somebody
//!   else is its organiser (only the organiser counts revisions: RFC 5545 section 3.8.7.4).
//! * [`Field::Visibility`](sync_engine::model::Field::Visibility) is CLASS.

mod assemble;
mod carried;
mod edit;
mod exceptions;
mod field;
mod follow;
mod futures;
mod new;
mod property;
mod when;

use sync_engine::identity::OriginTag;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Series, Uid};
use sync_engine::ports::ComponentChange;

use crate::error::EditError;
use crate::read::ReadContext;

/// The property that holds a copy's origin tag.
pub(crate) const ORIGIN: &str = "X-CALDAV-SYNC-ORIGIN";
/// The property that holds the UID of what a copy was made from.
pub(crate) const SOURCE_UID: &str = "X-CALDAV-SYNC-SOURCE-UID";

/// A new object to be written.
#[derive(Debug, Clone)]
pub struct NewObject<'a> {
    /// UID of every component.
    pub uid: &'a Uid,
    /// What it says.
    pub series: &'a Series,
    /// The origin tag, as `X-CALDAV-SYNC-ORIGIN`.
    pub tag: Option<&'a OriginTag>,
    /// The source's UID, as `X-CALDAV-SYNC-SOURCE-UID`, where it may leave.
    pub source_uid: Option<&'a Uid>,
    /// DTSTAMP, CREATED and LAST-MODIFIED.
    pub now: Timestamp,
}

/// An edit of a stored object.
#[derive(Debug, Clone)]
pub struct Edit<'a> {
    /// The series as it shall be once all changes are made: values are taken from here.
    pub series: &'a Series,
    /// What to change; anything else stays byte for byte.
    pub changes: &'a [ComponentChange],
    /// A new origin tag; `None` leaves it alone.
    pub tag: Option<&'a OriginTag>,
    /// DTSTAMP and LAST-MODIFIED of what is touched.
    pub now: Timestamp,
}

/// The text of a new object: UTF-8, CRLF, folded at 75 octets, with a VTIMEZONE for every zone.
pub fn new_object(object: &NewObject<'_>) -> Vec<u8> {
    new::object(object)
}

/// Edits a stored object in place.
///
/// # Errors
/// [`EditError`]; then nothing was changed. An edit that changes nothing gives back the same bytes.
pub fn edit_object(
    bytes: &[u8],
    edit: &Edit<'_>,
    context: &ReadContext<'_>,
) -> Result<Vec<u8>, EditError> {
    edit::object(bytes, edit, context)
}
