//! CalDAV: requests as values, discovery, reading and conditional writing.
//!
//! Layers, from the wire up; each uses only those before it:
//!
//! * [`multistatus`]: XML answers as values, whatever a server's habits; fuzzed.
//! * [`requests`]: each request a struct that prepares itself and parses its answer. No I/O.
//! * the transport: credentials, redirects by hand, pauses, one account's limits. The only layer
//!   that sends, through [`outbound`].
//! * discovery: from an address somebody typed to calendars ([`Account::discover`]).
//! * [`Calendar`]: one calendar for one run, as the engine's
//!   [`SidePort`](sync_engine::ports::SidePort).
//!
//! Servers differ in nearly everything, and none is known by name: what one can do is found out by
//! asking and by doing, and remembered in its [`Profile`] (the account's) and in the engine's cursor
//! (the calendar's). What an event's text means is `ical-model`'s, what to do about it the engine's.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use caldav_client::{Account, Credentials, Pacing, Profile};
//! use sync_engine::ports::SidePort as _;
//!
//! let client = outbound::Client::new(outbound::Policy::caldav())?;
//! let credentials = Credentials {
//!     username: "alice".to_owned(),
//!     password: "secret".to_owned().into(),
//! };
//! let account = Account::new(
//!     &client,
//!     "https://dav.example.com",
//!     credentials,
//!     Profile::default(),
//!     Pacing::default(),
//! )?;
//! let found = account.discover().await?;
//! let calendar = account.open(&found.calendars[0], jiff::Timestamp::now())?;
//! let everything = calendar.list(None).await?;
//! println!("{} resources", everything.items.len());
//! # Ok(()) }
//! ```

mod account;
mod auth;
mod calendar;
mod color;
mod cursor;
mod discovery;
mod error;
mod etag;
mod hints;
mod href;
pub mod multistatus;
mod names;
mod profile;
pub mod requests;
mod transport;
mod xml;

pub use account::{Account, CalendarFacts, Credentials};
pub use calendar::Calendar;
pub use discovery::Discovery;
pub use error::Error;
pub use hints::unreachable;
pub use profile::{Profile, SignIn};
pub use transport::Pacing;
