//! The pure core of a two-sided calendar sync: it decides, and nothing else.
//!
//! Nothing here opens a connection, a file or a clock: a program brings two [sides](ports::SidePort),
//! a [store](ports::store::Store) and a [clock](ports::Clock), and gets runs that never lose, double or
//! wrongly delete an event. The same input always gives the same plan.
//!
//! # How a run goes
//!
//! [`run::Run`] carries one mapping through *recover → read → plan → guard → apply → commit → report*:
//!
//! 1. Intents that a crash left open are resolved by reading their targets.
//! 2. Each side lists what changed; what is new to the mirror is fetched and stored.
//! 3. [`plan::plan`] compares what each side shows with what it showed when both last agreed (its
//!    *echo*) and gives an ordered list of writes.
//! 4. [`guard::guard`] holds back what looks like an accident.
//! 5. Every write stands between an intent and its settlement, both durable.
//!
//! # Words
//!
//! A *series* is everything that shares one UID in one calendar: an optional master and its
//! overrides. A *component* is the master or one override: the unit that is compared and written. A
//! *copy* was made here and is known by its [name](identity), never by a property. A
//! [*projection*](projection) is what a mapping lets through to a side; what comes out is another
//! type than a full series.
//!
//! # Trying it out
//!
//! Two calendars in memory, CalDAV to Google:
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use sync_engine::mapping::Mapping;
//! use sync_engine::memory::{FixedClock, MemoryCalendar, MemoryStore};
//! use sync_engine::model::{
//!     AccountId, Caldav, CalendarId, Fields, Google, LocalTime, MappingId, RunId, Series, When, Zone,
//! };
//! use sync_engine::ports::store::CalendarKey;
//! use sync_engine::run::Run;
//!
//! // Two calendars, one of them with an event.
//! let caldav = MemoryCalendar::<Caldav>::new();
//! let google = MemoryCalendar::<Google>::new();
//! let lunch = LocalTime::new("2026-12-02T12:00".parse()?, Zone::utc());
//! let until = LocalTime::new("2026-12-02T13:00".parse()?, Zone::utc());
//! let event = Fields::new("Lunch", When::timed(lunch, Some(until)));
//! caldav.put("lunch.ics", "lunch@example.com", Series::single(event));
//!
//! // One mapping joins them.
//! let account = AccountId::new("mine");
//! let mapping = Mapping::new(
//!     MappingId::new("first"),
//!     CalendarKey { account: account.clone(), calendar: CalendarId::new("https://dav.example/work/") },
//!     CalendarKey { account, calendar: CalendarId::new("me@example.com") },
//! );
//!
//! // A run brings the one in step with the other.
//! let store = MemoryStore::new();
//! let clock = FixedClock::at("2026-12-01T08:00:00Z".parse()?);
//! let run = Run {
//!     mapping: &mapping,
//!     id: RunId::new("run-1"),
//!     caldav: &caldav,
//!     google: &google,
//!     store: &store,
//!     clock: &clock,
//!     stop: &AtomicBool::new(false),
//!     round: None,
//!     joining: None,
//!     only: None,
//! };
//! let report = futures_util::future::FutureExt::now_or_never(run.run()).expect("memory waits for nothing")?;
//! assert_eq!(report.inserted, 1);
//! let there: Vec<_> = google.all().into_values().collect();
//! assert_eq!(there[0].master.as_ref().unwrap().title.as_str(), "Lunch");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Architecture invariants
//!
//! - No runtime, HTTP, SQL, file, environment, clock or randomness below this line; `clippy.toml` and
//!   the arrow check of `cargo xtask test` keep it so.
//! - A value of one side is no value of the other: ETags, cursors and resource ids carry their side
//!   as a type ([`model::SideTag`]).
//! - A date never becomes an instant by accident ([`model::When`]).
//! - A deletion is planned only for what is proven gone; a cursor is stored only after all that was
//!   read with it.

pub mod conflict;
pub mod diff;
pub mod guard;
pub mod identity;
pub mod mapping;
pub mod memory;
pub mod mirror;
pub mod model;
pub mod observation;
pub mod plan;
pub mod ports;
pub mod projection;
pub mod recurrence;
pub mod report;
pub mod row;
pub mod run;
mod sided;
pub mod snapshot;
