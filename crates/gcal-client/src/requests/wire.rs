//! The API's JSON, as far as it is understood. Every field may be missing: which ones must be there
//! is judged where an event is read, one event at a time.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An event as Google sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id.
    pub id: Option<String>,
    /// Its version, quotes included.
    pub etag: Option<String>,
    /// `confirmed`, `tentative`, `cancelled`.
    pub status: Option<String>,
    /// RFC 3339.
    pub updated: Option<String>,
    /// Title, plain text.
    pub summary: Option<String>,
    /// Description, may contain HTML.
    pub description: Option<String>,
    /// Location, plain text.
    pub location: Option<String>,
    /// Start.
    pub start: Option<EventTime>,
    /// End, exclusive.
    pub end: Option<EventTime>,
    /// The end is made up.
    pub end_time_unspecified: Option<bool>,
    /// RRULE, EXRULE, RDATE, EXDATE lines.
    pub recurrence: Option<Vec<String>>,
    /// The series of an instance or exception.
    pub recurring_event_id: Option<String>,
    /// Which occurrence an instance or exception stands for.
    pub original_start_time: Option<EventTime>,
    /// `opaque`, `transparent`.
    pub transparency: Option<String>,
    /// `default`, `public`, `private`, `confidential`.
    pub visibility: Option<String>,
    /// The iCalendar UID.
    #[serde(rename = "iCalUID")]
    pub ical_uid: Option<String>,
    /// Who made it.
    pub creator: Option<Person>,
    /// Whose event it is.
    pub organizer: Option<Person>,
    /// Guests, the owner's own entry among them.
    pub attendees: Option<Vec<Person>>,
    /// The list of guests is cut short.
    pub attendees_omitted: Option<bool>,
    /// Guests may change it.
    pub guests_can_modify: Option<bool>,
    /// Core fields may not be changed.
    pub locked: Option<bool>,
    /// `default`, `birthday`, `focusTime`, `fromGmail`, `outOfOffice`, `workingLocation`.
    pub event_type: Option<String>,
    /// Properties of applications.
    pub extended_properties: Option<ExtendedProperties>,
    /// Raised by Google with changes of time.
    pub sequence: Option<i64>,
}

impl Event {
    /// Whether it is a tombstone or a called-off instance.
    pub fn is_cancelled(&self) -> bool {
        self.status.as_deref() == Some("cancelled")
    }

    /// Whether it shows no more than when it takes place: what an account sees that may not see
    /// details. Its missing texts are no empty texts.
    pub fn is_stripped(&self) -> bool {
        !self.is_cancelled()
            && self.creator.is_none()
            && self.organizer.is_none()
            && self.summary.is_none()
            && self.description.is_none()
            && self.location.is_none()
    }
}

/// A date or a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTime {
    /// `yyyy-mm-dd` of whole days.
    pub date: Option<String>,
    /// RFC 3339, with the offset of the calendar's zone.
    pub date_time: Option<String>,
    /// The event's own zone.
    pub time_zone: Option<String>,
}

/// An organizer or guest.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The address.
    pub email: Option<String>,
    /// Whether it is the calendar this copy is on.
    #[serde(rename = "self")]
    pub is_self: Option<bool>,
    /// `needsAction`, `declined`, `tentative`, `accepted`.
    pub response_status: Option<String>,
}

/// Properties of applications.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ExtendedProperties {
    /// Those of this calendar's copy alone.
    pub private: Option<BTreeMap<String, String>>,
}
