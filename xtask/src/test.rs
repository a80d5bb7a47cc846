//! `cargo xtask test`: everything a change must pass, cheapest first, stopping at the first
//! failure.
//!
//! The order also shares work: clippy builds what the documentation check reads, nextest
//! builds what the doc tests link.

use std::time::Instant;

use xshell::{Shell, cmd};

use crate::provision::{self, Tools};
use crate::{Result, arrows, step, tidy};

/// Runs the checks; with `quick` only the tests. `filters` go to `cargo nextest run`, and
/// then the doc tests are left out: nobody who names a test wants them.
pub(crate) fn run(sh: &Shell, quick: bool, filters: &[String]) -> Result<()> {
    let start = Instant::now();
    if quick {
        tests(sh, &provision::already_there()?, filters)?;
    } else {
        without_building(sh)?;
        let tools = provision::all(sh)?;
        step::command(
            "clippy",
            cmd!(sh, "cargo clippy --workspace --all-targets -- -D warnings"),
        )?;
        step::command(
            "documentation",
            cmd!(sh, "cargo doc --workspace --no-deps").env("RUSTDOCFLAGS", "-D warnings"),
        )?;
        tests(sh, &tools, filters)?;
        deny(sh)?;
    }
    println!("\nall fine, {}", step::seconds(start.elapsed()));
    Ok(())
}

/// What takes seconds comes before what takes minutes.
fn without_building(sh: &Shell) -> Result<()> {
    step::command("format", cmd!(sh, "cargo fmt --all --check"))?;
    tidy::run(sh)?;
    arrows::run(sh)
}

fn tests(sh: &Shell, tools: &Tools, filters: &[String]) -> Result<()> {
    // Beside `--workspace` cargo would not even look at `--package`.
    let names_a_package = |word: &String| word == "-p" || word.starts_with("--package");
    let scope = (!filters.iter().any(names_a_package)).then_some("--workspace");
    step::command(
        "tests",
        cmd!(sh, "cargo nextest run {scope...} {filters...}").envs(tools.environment()),
    )?;
    if filters.is_empty() {
        step::command(
            "doc tests",
            cmd!(sh, "cargo test --quiet --doc --workspace"),
        )?;
    }
    Ok(())
}

/// Licences, bans and sources are judged from the lock file; advisories need their database.
fn deny(sh: &Shell) -> Result<()> {
    let installed = cmd!(sh, "cargo deny --version")
        .quiet()
        .ignore_stderr()
        .read()
        .is_ok();
    if !installed {
        println!("==> cargo deny: LEFT OUT, it is not installed (cargo install cargo-deny)");
        return Ok(());
    }
    step::command(
        "cargo deny",
        cmd!(
            sh,
            "cargo deny --log-level error check bans licenses sources"
        ),
    )?;
    let reachable = cmd!(sh, "cargo deny --log-level error fetch db")
        .quiet()
        .ignore_stderr()
        .run()
        .is_ok();
    if !reachable {
        println!("==> cargo deny, advisories: LEFT OUT, their database cannot be reached");
        return Ok(());
    }
    step::command(
        "cargo deny, advisories",
        cmd!(sh, "cargo deny --log-level error check advisories"),
    )
}
