//! iCalendar text and the sync engine's model: reading losslessly, writing, editing in place.
//!
//! Three layers, each usable alone:
//!
//! * [`line`](mod@line): content lines as they stand, with folding and line ends, and the escapes
//!   inside them. A line that nobody touches comes out byte for byte.
//! * [`component`]: the tree of components over those lines. Parsing never fails as a whole; what
//!   was not understood is kept and noted as a [`Problem`]. Only [`Limits`] refuse.
//! * [`read_object`], [`new_object`] and [`edit_object`]: one CalDAV object as a
//!   [`Series`](sync_engine::model::Series), and back. Names of time zones are resolved in [`zones`].
//!
//! The clients call the last layer; nobody else needs the first two. Nothing here reads a clock, a
//! file or the network: the moment that stamps a written object is handed in.
//!
//! ```
//! use ical_model::{Object, ReadContext, read_object};
//!
//! let text = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\n\
//!     UID:one\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261201T090000Z\r\nSUMMARY:Tea\r\n\
//!     END:VEVENT\r\nEND:VCALENDAR\r\n";
//! let reading = read_object(text, &ReadContext::default());
//! let Object::Event(event) = reading.object else { unreachable!() };
//! assert_eq!(event.uid.as_str(), "one");
//! assert_eq!(event.series.master.unwrap().title.as_str(), "Tea");
//! ```

pub mod component;
pub mod error;
pub mod limits;
pub mod line;
pub mod problem;
pub mod read;
pub mod value;
pub mod write;
pub mod zones;

pub use error::{EditError, ReadError};
pub use limits::Limits;
pub use problem::Problem;
pub use read::{EventObject, Object, ObjectReading, ReadContext, read_object};
pub use write::{Edit, NewObject, edit_object, new_object};
