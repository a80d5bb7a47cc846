//! Looking variables up: the environment itself, and the files that `NAME_FILE` variables name.
//! Typed values are made in `config` and `values`; here are texts only.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;

use super::error::Problem;
use super::variables::{self, VARIABLES, Variable};

/// A secret's file may be this large.
const LARGEST_FILE: u64 = 64 * 1024;
/// Where a value came from when it came from the environment itself.
const ENVIRONMENT: &str = "environment";

/// The variables as they are set. An empty value is one that is not set: Compose passes those.
#[derive(Debug)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
}

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it came from.
    pub(crate) place: String,
}

impl Environment {
    /// The process's own. A value that is no UTF-8 is kept in a form that is wrong for everything.
    pub(crate) fn of_process() -> Self {
        Self::new(std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        }))
    }

    /// These variables and no others.
    pub(crate) fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let set = values
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty());
        Self {
            values: set.collect(),
        }
    }

    /// The value of a variable that is no secret, without spaces around it.
    pub(crate) fn plain(&self, name: &'static str) -> Option<Found<&str>> {
        debug_assert!(variables::find(name).is_some_and(|variable| !variable.secret));
        self.values.get(name).map(|value| Found {
            value: value.trim(),
            place: ENVIRONMENT.to_owned(),
        })
    }

    /// A variable that is in no list of ours: `RUST_LOG`.
    pub(crate) fn foreign(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a secret, from `NAME` or the file that `NAME_FILE` names.
    pub(crate) fn secret(
        &self,
        name: &'static str,
    ) -> Result<Option<Found<SecretString>>, Problem> {
        debug_assert!(variables::find(name).is_some_and(|variable| variable.secret));
        let by_file = format!("{name}_FILE");
        match (self.values.get(name), self.values.get(&by_file)) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(Found {
                value: SecretString::from(value.as_str()),
                place: ENVIRONMENT.to_owned(),
            })),
            (None, Some(path)) => {
                let place = format!("{by_file}={path}");
                let text = read(Path::new(path)).map_err(|wrong| Problem {
                    what: name.to_owned(),
                    place: place.clone(),
                    wrong,
                    action: format!(
                        "Let {by_file} name a file that this user may read and that holds the secret \
                         alone."
                    ),
                })?;
                Ok(Some(Found {
                    value: SecretString::from(text.trim_end_matches(['\r', '\n'])),
                    place,
                }))
            }
            (Some(_), Some(_)) => Err(Problem {
                what: format!("{name} and {by_file}"),
                place: ENVIRONMENT.to_owned(),
                wrong: "both are set, and they may differ.".to_owned(),
                action: format!("Keep one of them: unset {name} or {by_file}."),
            }),
        }
    }

    /// `NAME_FILE` for variables that are no secrets: they would be ignored in silence.
    pub(crate) fn misplaced(&self) -> Vec<Problem> {
        let plain = VARIABLES.iter().filter(|variable| !variable.secret);
        plain
            .filter_map(|Variable { name, .. }| {
                let by_file = format!("{name}_FILE");
                self.values.contains_key(&by_file).then(|| Problem {
                    what: by_file,
                    place: ENVIRONMENT.to_owned(),
                    wrong: "only secrets are read from files.".to_owned(),
                    action: format!("Set {name} itself."),
                })
            })
            .collect()
    }
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("the file cannot be read: {error}.");
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > LARGEST_FILE {
        return Err(format!("the file has {length} bytes: that is no secret."));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    if text.trim().is_empty() {
        return Err("the file is empty.".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn environment(values: &[(&str, &str)]) -> Environment {
        Environment::new(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn a_secret_comes_from_either_place_and_not_from_both() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "from a file\n").unwrap();
        let file = file.to_str().unwrap();
        let found = environment(&[("API_KEY_FILE", file)]);
        let found = found.secret("API_KEY").unwrap().unwrap();
        assert_eq!(found.value.expose_secret(), "from a file");
        let direct = environment(&[("API_KEY", "direct"), ("API_KEY_FILE", " ")]);
        let direct = direct.secret("API_KEY").unwrap().unwrap();
        assert_eq!(direct.value.expose_secret(), "direct");
        let both = environment(&[("API_KEY", "direct"), ("API_KEY_FILE", file)]);
        let problem = both.secret("API_KEY").unwrap_err();
        assert_eq!(problem.what, "API_KEY and API_KEY_FILE");
        assert!(!problem.to_string().contains("direct"));
    }

    #[test]
    fn a_file_that_cannot_be_a_secret_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\n").unwrap();
        for path in [empty.as_path(), &folder.path().join("none"), folder.path()] {
            let set = environment(&[("API_KEY_FILE", path.to_str().unwrap())]);
            let problem = set.secret("API_KEY").unwrap_err();
            assert_eq!(problem.what, "API_KEY");
            assert!(problem.place.contains("API_KEY_FILE="), "{problem}");
        }
    }

    #[test]
    fn files_for_what_is_no_secret_are_refused() {
        let set = environment(&[("BASE_URL_FILE", "/x"), ("API_KEY_FILE", "/y")]);
        let problems = set.misplaced();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].what, "BASE_URL_FILE");
    }
}
