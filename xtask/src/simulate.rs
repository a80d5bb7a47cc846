//! `cargo xtask simulate`: the simulations of the whole engine with many more seeds than a test run
//! has time for. Not under nextest, which ends what takes minutes.

use xshell::{Shell, cmd};

use crate::{Result, step};

/// Runs every simulation over `seeds` seeds; a seed that fails is printed with the command that
/// replays it.
pub(crate) fn run(sh: &Shell, seeds: u64) -> Result<()> {
    let seeds = seeds.to_string();
    let between_memories = ["--test", "simulation", "--test", "simulation_both"];
    step::command(
        "simulate: two calendars in memory",
        cmd!(
            sh,
            "cargo test --release -p sync-engine {between_memories...}"
        )
        .env("SEEDS", &seeds),
    )?;
    step::command(
        "simulate: Google's simulator",
        cmd!(sh, "cargo test --release -p gcal-client --test both_ways").env("SEEDS", &seeds),
    )
}
