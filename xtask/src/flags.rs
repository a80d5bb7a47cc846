//! The command line of `cargo xtask`, as a pure function from words to a [`Command`].
//!
//! Called by `main` only. Parsing by hand: six commands do not pay for a parser's
//! compile time, which everyone who runs the tests would wait for.

/// What is printed by `cargo xtask help` and below an unusable command line.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask COMMAND

  test [--quick] [-- FILTER...]  provision, then format, clippy, arrows, tidy, documentation
                                 and every test; FILTER goes to cargo nextest.
                                 --quick: only the tests, with what is already provisioned
  provision                      only fetch what the tests need, into target/
  arrows                         only check that every dependency points inward
  tidy                           only check the rules no compiler knows
  fuzz [SECONDS] [TARGET]        run the fuzz targets, SECONDS each (60); needs a nightly toolchain
  simulate [SEEDS]               the whole-engine simulations, SEEDS each (1000000), as a release
                                 build: what a nightly job runs
  help                           this text";

/// One line of work, as asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`USAGE`].
    Help,
    /// Everything a change must pass.
    Test {
        /// Leave out provisioning and every check but the tests.
        quick: bool,
        /// Words handed to `cargo nextest run`.
        filters: Vec<String>,
    },
    /// Only what the tests need from outside.
    Provision,
    /// The rules no compiler knows.
    Tidy,
    /// The direction of the dependencies.
    Arrows,
    /// The fuzz targets.
    Fuzz {
        /// How long each target runs.
        seconds: u32,
        /// Only this one.
        target: Option<String>,
    },
    /// The simulations of the whole engine, at length.
    Simulate {
        /// How many seeds each of them lives through.
        seeds: u64,
    },
}

/// Reads the words after `cargo xtask`. The error is a sentence for the terminal.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut words = words.peekable();
    let Some(name) = words.next() else {
        return Ok(Command::Help);
    };
    let command = match name.as_str() {
        "help" | "--help" | "-h" => Command::Help,
        "test" => return parse_test(words),
        "provision" => Command::Provision,
        "tidy" => Command::Tidy,
        "arrows" => Command::Arrows,
        "fuzz" => {
            let seconds = words
                .next_if(|word| word.starts_with(|first: char| first.is_ascii_digit()))
                .map_or(Ok(60), |word| {
                    word.parse()
                        .map_err(|_| format!("`{word}` is not a number of seconds"))
                })?;
            let target = words.next();
            Command::Fuzz { seconds, target }
        }
        "simulate" => Command::Simulate {
            seeds: words.next().map_or(Ok(1_000_000), |word| {
                word.parse()
                    .map_err(|_| format!("`{word}` is not a number of seeds"))
            })?,
        },
        other => return Err(format!("there is no command `{other}`")),
    };
    match words.next() {
        None => Ok(command),
        Some(word) => Err(format!("`{word}` means nothing to `{name}`")),
    }
}

fn parse_test(words: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut quick = false;
    let mut filters = Vec::new();
    let mut after_dashes = false;
    for word in words {
        match word.as_str() {
            _ if after_dashes => filters.push(word),
            "--" => after_dashes = true,
            "--quick" => quick = true,
            _ => {
                return Err(format!(
                    "`{word}` means nothing to `test`; a filter goes after `--`"
                ));
            }
        }
    }
    Ok(Command::Test { quick, filters })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_follows_the_dashes_goes_to_nextest_as_it_is() {
        assert_eq!(
            parse_line("test --quick -- -p store --quick"),
            Ok(Command::Test {
                quick: true,
                filters: vec!["-p".into(), "store".into(), "--quick".into()],
            })
        );
    }

    #[test]
    fn fuzz_takes_seconds_a_target_both_or_neither() {
        let fuzz = |seconds, target: Option<&str>| {
            Ok(Command::Fuzz {
                seconds,
                target: target.map(str::to_owned),
            })
        };
        assert_eq!(parse_line("fuzz"), fuzz(60, None));
        assert_eq!(parse_line("fuzz 5"), fuzz(5, None));
        assert_eq!(parse_line("fuzz recurrence"), fuzz(60, Some("recurrence")));
        assert_eq!(parse_line("fuzz 5 recurrence"), fuzz(5, Some("recurrence")));
        assert!(parse_line("fuzz 5s").is_err());
    }

    #[test]
    fn simulate_takes_a_number_of_seeds() {
        let simulate = |seeds| Ok(Command::Simulate { seeds });
        assert_eq!(parse_line("simulate"), simulate(1_000_000));
        assert_eq!(parse_line("simulate 2000"), simulate(2000));
        assert!(parse_line("simulate many").is_err());
    }

    #[test]
    fn a_word_nobody_knows_is_named() {
        for line in ["tset", "test quick", "tidy now", "fuzz 5 one two"] {
            let message = parse_line(line).unwrap_err();
            let word = line.split_whitespace().next_back().unwrap();
            assert!(message.contains(word), "{message}");
        }
    }
}
