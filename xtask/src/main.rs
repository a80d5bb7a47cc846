//! The chores of the workspace: `cargo xtask test | tidy | arrows | fuzz`.
//!
//! Here is only the command line; each chore has a module of its own. Nothing here is
//! linked into the product, and nothing here may change a file that is under version
//! control: what a chore makes goes into `target/` or `fuzz/corpus/`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore's output is meant for the terminal it was started from"
)]

mod arrows;
mod flags;
mod fuzz;
mod provision;
mod simulate;
mod step;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flags::Command;

/// What a chore answers: the error is a text for the person at the terminal.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let command = match flags::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(message) => {
            eprintln!("error: {message}\n\n{}", flags::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let sh = xshell::Shell::new()?;
    sh.change_dir(root());
    match command {
        Command::Help => println!("{}", flags::USAGE),
        Command::Test { quick, filters } => test::run(&sh, quick, &filters)?,
        Command::Provision => {
            provision::all(&sh)?;
        }
        Command::Tidy => tidy::run(&sh)?,
        Command::Arrows => arrows::run(&sh)?,
        Command::Fuzz { seconds, target } => fuzz::run(&sh, seconds, target.as_deref())?,
        Command::Simulate { seeds } => simulate::run(&sh, seeds)?,
    }
    Ok(())
}

/// The root of the workspace: the folder above this package's.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
