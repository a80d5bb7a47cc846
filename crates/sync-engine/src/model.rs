//! The model: sides, names, times, series. Plain values without I/O, clock or randomness.

pub mod fingerprint;
pub mod ids;
pub mod series;
pub mod side;
pub mod time;

pub use fingerprint::Fingerprint;
pub use ids::{
    AccountId, CalendarId, ConflictId, Cursor, Etag, IntentId, MappingId, PlanId, ResourceId,
    RunId, SeriesKey, Uid,
};
pub use series::{
    ComponentKey, Field, FieldSet, Fields, OverrideValue, RecurrenceId, Sensitivity, Series,
    Status, Text, Transparency,
};
pub use side::{Both, Caldav, Family, Google, Side, SideTag};
pub use time::{LocalTime, Span, When, Zone, ZoneName};
