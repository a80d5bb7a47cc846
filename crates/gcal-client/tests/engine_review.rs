//! Recurring series under fire, by seed: overrides come, move and go, series move with them, change
//! their rules, become whole days, single events, or something Google cannot hold; answers get
//! lost, people edit copies, the program dies. When it is over, Google shows what the source gives,
//! and a last run writes nothing.
//!
//! A failing seed is printed; `SEED=n` replays it, `SEEDS=n` runs so many.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test: it asserts the blunt way, and reads its seed from the environment"
)]

#[path = "engine_review/cases.rs"]
mod cases;
#[path = "google/harness.rs"]
#[allow(
    dead_code,
    clippy::needless_pass_by_value,
    reason = "shared with the other tests, each uses its part"
)]
mod harness;
#[path = "engine_review/life.rs"]
mod life;
#[path = "engine_review/world.rs"]
mod world;
