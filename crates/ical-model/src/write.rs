//! A series as the text of one CalDAV object: new ones whole, stored ones edited in place.

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
pub fn new_object(_object: &NewObject<'_>) -> Vec<u8> {
    Vec::new()
}

/// Edits a stored object in place.
///
/// # Errors
/// [`EditError`]; then nothing was changed. An edit that changes nothing gives back the same bytes.
pub fn edit_object(
    bytes: &[u8],
    _edit: &Edit<'_>,
    _context: &ReadContext<'_>,
) -> Result<Vec<u8>, EditError> {
    Ok(bytes.to_vec())
}
