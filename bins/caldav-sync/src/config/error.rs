//! What is wrong with a configuration: every problem at once, each with its variable, its place and
//! what would be right. Values of secrets are never in it.

use std::fmt::{self, Write as _};

/// A configuration that cannot be used. Ends the program with exit code 78.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration cannot be used{}", list(problems))]
pub(crate) struct ConfigError {
    /// Everything that is wrong; never empty.
    pub(crate) problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The variable, or the file or folder.
    pub(crate) what: String,
    /// Where the value came from: "environment", a file's path.
    pub(crate) place: String,
    /// What is wrong with it.
    pub(crate) wrong: String,
    /// What to do.
    pub(crate) action: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {}\n    {}",
            self.what, self.place, self.wrong, self.action
        )
    }
}

impl ConfigError {
    /// One problem alone.
    pub(crate) fn one(
        what: impl Into<String>,
        place: impl Into<String>,
        wrong: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            problems: vec![Problem {
                what: what.into(),
                place: place.into(),
                wrong: wrong.into(),
                action: action.into(),
            }],
        }
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |mut all, problem| {
        let _ = write!(all, "\n  {problem}");
        all
    })
}
