//! What the program remembers, in one SQLite file behind coarse async methods.
//!
//! - [`Db`] opens the file, brings it up to date and owns it: one thread writes, a few read.
//! - It implements the engine's [`Store`](sync_engine::ports::store::Store): mirror, rows, intents,
//!   marks (`engine`, `mirror`, `rows`, `intents`).
//! - It keeps what the product knows besides: accounts, calendars, mappings, settings, API keys,
//!   sessions, runs and the webhook outbox. The values are in [`records`].
//! - Secrets are sealed before they reach SQL and come out as `SecretString` (`seal`).
//!
//! No clock (times are handed in), no HTTP, no decision: which version wins and what a status means
//! to people is not known here. SQL stays inside this crate; a second store would implement the
//! same methods. The schema is in `migrations/` at the root of the workspace.

mod access;
mod caldav_accounts;
mod calendars;
mod connection;
mod convert;
mod db;
mod engine;
mod error;
mod files;
mod google_accounts;
mod id;
mod intents;
mod mappings;
mod mirror;
mod outbox;
pub mod records;
mod rows;
mod runs;
mod schema;
mod seal;
mod settings;
mod threads;
mod webhooks;

pub use connection::Pragmas;
pub use db::Db;
pub use error::StoreError;
pub use seal::{KeyError, Keys};
