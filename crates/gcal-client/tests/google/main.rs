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
#[allow(dead_code, reason = "shared with the other tests, each uses its part")]
mod harness;
mod hostile;
mod listing;
mod occurrences;
mod pacing;
mod pains;
mod reading;
mod refusals;
mod remove;
mod round_trip;
mod sign_in;
mod source;
mod tokens;
mod update;
