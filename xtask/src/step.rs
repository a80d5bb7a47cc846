//! Running one step of a chore: its name before, its duration after, and on failure the
//! command line once more, so that it can be run alone.
//!
//! Used by every chore that starts another program or takes noticeable time.

use std::time::{Duration, Instant};

use xshell::Cmd;

use crate::Result;

/// Runs `command` with its output going to the terminal.
pub(crate) fn command(name: &str, command: Cmd<'_>) -> Result<()> {
    let line = command.to_string();
    check(name, || {
        println!("    $ {line}");
        // Quiet, because xshell would print the line a second time.
        let outcome = command.quiet().run();
        outcome.map_err(|_| format!("this command failed:\n    {line}").into())
    })
}

/// Runs a check that lives in this program.
pub(crate) fn check<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let start = Instant::now();
    let outcome = work();
    let took = seconds(start.elapsed());
    match &outcome {
        Ok(_) => println!("    {name}: fine, {took}"),
        Err(_) => println!("    {name}: FAILED after {took}"),
    }
    outcome.map_err(|error| format!("{name}: {error}").into())
}

/// `"2 min 5.1 s"`: long steps are read in minutes.
pub(crate) fn seconds(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    let rest = duration.as_secs_f64() - Duration::from_secs(minutes * 60).as_secs_f64();
    if minutes == 0 {
        format!("{rest:.1} s")
    } else {
        format!("{minutes} min {rest:.0} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_repeated_in_the_error() {
        let sh = xshell::Shell::new().unwrap();
        let failing = xshell::cmd!(sh, "cargo --no-such-flag").ignore_stderr();
        let error = command("impossible", failing).unwrap_err().to_string();
        assert!(error.contains("cargo --no-such-flag"), "{error}");
        assert!(error.starts_with("impossible"), "{error}");
    }

    #[test]
    fn durations_are_read_in_minutes_when_they_are_long() {
        assert_eq!(seconds(Duration::from_millis(1540)), "1.5 s");
        assert_eq!(seconds(Duration::from_millis(125_100)), "2 min 5 s");
    }
}
