//! The crate's contract, against the strict simulated Google: sign-in, reading, writing, refusals,
//! pacing. Nothing here waits in real time: sleeping moves the simulator's clock.

mod create;
mod fetch;
mod harness;
mod listing;
mod occurrences;
mod refusals;
mod remove;
mod round_trip;
mod sign_in;
mod tokens;
mod update;
