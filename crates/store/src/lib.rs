//! What the program remembers, in one SQLite file behind coarse async methods.
//!
//! - [`Db`] opens the file, brings it up to date and owns it: one thread writes, a few read.
//! - It implements the engine's [`Store`](sync_engine::ports::store::Store): mirror, rows, intents,
//!   marks (`engine`, `mirror`, `rows`, `intents`).
//! - It keeps what the product knows besides: accounts, calendars, mappings, settings, API keys,
//!   sessions, runs, conflicts and people's answers, the webhook outbox; and forgets what is old
//!   (`purge`). The values are in [`records`].
//! - Commands of their own process work on the file beside a server that has it open ([`back_up`],
//!   [`inspect`], [`replace_api_key`], [`Db::look`]) or in its place ([`Staged`], [`rekey`]).
//! - Secrets, and what undoing a run needs, are sealed before they reach SQL and come out as `SecretString` (`seal`).
//!
//! No clock (times are handed in), no HTTP, no decision: which version wins and what a status means
//! to people is not known here. SQL stays inside this crate; a second store would implement the
//! same methods. The schema is in `migrations/` at the root of the workspace.

mod access;
mod attention;
mod beside;
mod caldav_accounts;
mod calendars;
mod conflicts;
mod connection;
mod convert;
mod db;
mod deliveries;
mod engine;
mod error;
mod files;
mod google_accounts;
mod handover;
mod held;
mod id;
mod inspect;
mod intents;
mod mappings;
mod mirror;
mod outbox;
mod purge;
pub mod records;
mod restore;
mod rows;
mod runs;
mod schema;
mod seal;
mod settings;
mod threads;
mod undo;
mod webhooks;

pub use beside::{back_up, is_open, replace_api_key};
pub use connection::Pragmas;
pub use db::Db;
pub use error::StoreError;
pub use files::Existing;
pub use inspect::{Inspection, inspect};
pub use restore::{Restored, Staged};
pub use seal::{KeyError, Keys, rekey};
