//! The client's contract, over HTTP: against the CalDAV simulator with its quirks switched on one by
//! one, and against Radicale and Xandikos as they are.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bombs;
mod common;
mod discovery;
mod failures;
mod fetching;
mod listing;
mod pains;
mod real_servers;
mod rows;
mod sites;
mod target;
mod traps;
mod writing;
