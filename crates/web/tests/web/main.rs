//! The web side's contract, over HTTP: a real application on a database file, a simulated CalDAV
//! server and a simulated Google.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod accounts;
mod by_hand;
mod certificates;
mod conflicts;
mod directions;
mod doctor;
mod forms;
mod harness;
mod headers;
mod held;
mod hostile;
mod hygiene;
mod mappings;
mod openapi;
mod refusals;
mod settings;
mod sign_in;
mod standards;
mod status;
mod syncing;
mod triggers;
mod webhooks;
