//! `cargo xtask fuzz`: runs the targets of `fuzz/` for a while each.
//!
//! They are a workspace of their own, because they need a nightly toolchain and a C++
//! runtime that nothing else here needs. New inputs that cargo-fuzz finds stay in
//! `fuzz/corpus/`, which is not under version control; an input that breaks something belongs
//! into the tests of the crate it breaks.

use xshell::{Shell, cmd};

use crate::{Result, step};

/// Runs every target, or the one named, for `seconds` each.
pub(crate) fn run(sh: &Shell, seconds: u32, target: Option<&str>) -> Result<()> {
    let nightly = nightly(sh)?;
    if cmd!(sh, "cargo fuzz --version")
        .quiet()
        .ignore_stderr()
        .read()
        .is_err()
    {
        println!("    cargo-fuzz is missing and is now built from source, once");
        cmd!(sh, "cargo install --locked cargo-fuzz").run()?;
    }
    let targets = targets(sh)?;
    let chosen: Vec<_> = targets
        .iter()
        .filter(|name| target.is_none_or(|wanted| wanted == name.as_str()))
        .collect();
    if chosen.is_empty() {
        return Err(format!("no such target; there are: {}", targets.join(", ")).into());
    }
    for name in chosen {
        let corpus = format!("fuzz/corpus/{name}");
        let seeds = format!("fuzz/seeds/{name}");
        sh.create_dir(&corpus)?;
        // A hang is a finding, so is a small input that needs a gigabyte.
        let limits = [
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
            "-rss_limit_mb=1024".to_owned(),
            format!("-dict=fuzz/dictionaries/{name}.dict"),
            "-print_final_stats=1".to_owned(),
        ];
        step::command(
            &format!("fuzz {name}"),
            cmd!(
                sh,
                "cargo +{nightly} fuzz run {name} {corpus} {seeds} -- {limits...}"
            ),
        )?;
    }
    Ok(())
}

/// The nightly toolchain by its full name: it need not be called just `nightly`.
fn nightly(sh: &Shell) -> Result<String> {
    let list = cmd!(sh, "rustup toolchain list").quiet().read()?;
    list.lines()
        .filter_map(|line| line.split_whitespace().next())
        .find(|name| name.starts_with("nightly"))
        .map(str::to_owned)
        .ok_or_else(|| {
            "fuzzing needs a nightly toolchain: rustup toolchain install nightly --profile minimal"
                .into()
        })
}

/// One target a file in `fuzz/fuzz_targets`.
fn targets(sh: &Shell) -> Result<Vec<String>> {
    let mut names: Vec<_> = sh
        .read_dir("fuzz/fuzz_targets")?
        .iter()
        .filter_map(|path| path.file_stem())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}
