//! cargo-nextest, which runs the tests: each in a process of its own, with the time limits
//! and groups of `.config/nextest.toml`.

use xshell::{Shell, cmd};

use crate::Result;

/// Builds it from source when it is missing.
pub(super) fn provision(sh: &Shell) -> Result<()> {
    let is_there = cmd!(sh, "cargo nextest --version")
        .quiet()
        .ignore_stderr()
        .read()
        .is_ok();
    if is_there {
        return Ok(());
    }
    println!(
        "    cargo-nextest is missing and is now built from source, once: several minutes.\n    \
         Prebuilt ones are faster to get: https://nexte.st/docs/installation/"
    );
    cmd!(sh, "cargo install --locked cargo-nextest")
        .quiet()
        .run()
        .map_err(|error| {
            format!("{error}; install it yourself: https://nexte.st/docs/installation/").into()
        })
}
