//! The whole engine between a CalDAV calendar in memory and the simulated Google, by seed and in
//! every direction: people edit both at any moment, requests fail, the program dies. When it is
//! over, both sides show the same, nothing is gone that nobody deleted, and a last run does nothing.
//!
//! A failing seed prints the command that replays it. `SEED=n` runs one, `FROM=n SEEDS=m` a range.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test: it asserts the blunt way, and reads its seed from the environment"
)]

mod caldav_people;
mod cases;
mod checks;
mod dav;
mod dice;
mod google_people;
#[path = "../google/harness.rs"]
#[allow(
    dead_code,
    clippy::needless_pass_by_value,
    reason = "shared with the other tests, each uses its part"
)]
mod harness;
mod life;
mod lived;
mod secrets;
mod shown;
mod trouble;
mod whims;
mod world;
