//! The crate's contract, against the strict simulated Google: sign-in, reading, writing, refusals,
//! pacing. Nothing here waits in real time: sleeping moves the simulator's clock.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper fails by panicking"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a value that is made for the call reads better without an ampersand"
)]

mod create;
mod engine;
mod fetch;
mod harness;
mod listing;
mod occurrences;
mod pacing;
mod reading;
mod refusals;
mod remove;
mod round_trip;
mod sign_in;
mod tokens;
mod update;
