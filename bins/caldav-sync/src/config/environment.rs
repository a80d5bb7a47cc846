//! Looking values up: in the environment, else in `config.yaml`, and in the files that `NAME_FILE`
//! variables name. Typed values are made in `config` and `values`; here are texts only.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::error::Problem;
use super::file::ConfigFile;
use super::file::keys::RUST_LOG;
use super::variables::{self, VARIABLES, Variable, by_file};

/// A secret's file may be this large.
const LARGEST_FILE: u64 = 64 * 1024;
/// Where a value came from when it came from the environment itself.
const ENVIRONMENT: &str = "environment";

/// The values as they are set. An empty one is not set: Compose passes those.
#[derive(Clone)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
    file: ConfigFile,
    /// What `--config` said.
    named: Option<PathBuf>,
}

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// The value.
    pub(crate) value: T,
    /// What it is called there: `BASE_URL`, `base_url`.
    pub(crate) name: String,
    /// Where it came from.
    pub(crate) place: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The pages or the API; only settings.
    Database,
    /// `config.yaml`, in this line.
    File(u64),
    /// The environment.
    Environment,
}

// Values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("names", &self.values.keys())
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The process's own, over `config.yaml`: the one that was named, else the one in the data
    /// folder. A value that is no UTF-8 is kept in a form that is wrong for everything.
    pub(crate) fn of_process(named: Option<PathBuf>) -> Self {
        let values = std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        });
        Self {
            named,
            ..Self::new(values)
        }
        .read_again()
    }

    /// These variables and no others, and no file.
    pub(crate) fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let set = values
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty());
        Self {
            values: set.collect(),
            file: ConfigFile::default(),
            named: None,
        }
    }

    /// The same variables over the file as it is now.
    pub(crate) fn read_again(&self) -> Self {
        let data_dir = self.values.get("DATA_DIR").map_or(".", |path| path.trim());
        Self {
            file: ConfigFile::read(self.named.as_deref(), Path::new(data_dir)),
            ..self.clone()
        }
    }

    /// `config.yaml`.
    pub(crate) fn file(&self) -> &ConfigFile {
        &self.file
    }

    /// The value of a variable that is no secret, without spaces around it.
    pub(crate) fn plain(&self, name: &'static str) -> Option<Found<&str>> {
        debug_assert!(variables::find(name).is_some_and(|variable| !variable.secret));
        if let Some(value) = self.values.get(name) {
            return Some(Found {
                value: value.trim(),
                name: name.to_owned(),
                place: ENVIRONMENT.to_owned(),
            });
        }
        let placed = self.file.value(name)?;
        Some(Found {
            value: placed.text.trim(),
            name: name.to_ascii_lowercase(),
            place: self.file.place(placed.line),
        })
    }

    /// The levels of the log; the variable is the logging library's. The text, and its place.
    pub(crate) fn log_levels(&self) -> Option<(&str, String)> {
        let set = self.values.get("RUST_LOG");
        set.map(|levels| (levels.as_str(), ENVIRONMENT.to_owned()))
            .or_else(|| {
                let placed = self.file.value(&RUST_LOG.to_ascii_uppercase())?;
                Some((placed.text.as_str(), self.file.place(placed.line)))
            })
    }

    /// The value of a secret, from `NAME` or the file that `NAME_FILE` names.
    pub(crate) fn secret(
        &self,
        name: &'static str,
    ) -> Result<Option<Found<SecretString>>, Problem> {
        debug_assert!(variables::find(name).is_some_and(|variable| variable.secret));
        let by_file = by_file(name);
        match (self.values.get(name), self.values.get(&by_file)) {
            (None, None) => self.secret_of_file(name),
            (Some(value), None) => Ok(Some(Found {
                value: SecretString::from(value.as_str()),
                name: name.to_owned(),
                place: ENVIRONMENT.to_owned(),
            })),
            (None, Some(path)) => {
                let place = format!("{by_file}={path}");
                let value = secret_in(Path::new(path), name, &by_file, &place)?;
                Ok(Some(Found {
                    value,
                    name: name.to_owned(),
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

    /// A secret of `config.yaml`. That both are set was told when the file was read.
    fn secret_of_file(&self, name: &'static str) -> Result<Option<Found<SecretString>>, Problem> {
        let key = name.to_ascii_lowercase();
        if let Some(placed) = self.file.value(name) {
            return Ok(Some(Found {
                value: SecretString::from(placed.text.as_str()),
                name: key,
                place: self.file.place(placed.line),
            }));
        }
        let Some(placed) = self.file.value(&by_file(name)) else {
            return Ok(None);
        };
        let place = format!("{}: {}", self.file.place(placed.line), placed.text);
        let path = self.file.beside(&placed.text);
        let value = secret_in(&path, &key, &format!("{key}_file"), &place)?;
        Ok(Some(Found {
            value,
            name: key,
            place,
        }))
    }

    /// Where the value of a variable comes from, as `doctor` and `config check` show it.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        let by_file = by_file(name);
        if self.values.contains_key(name) || self.values.contains_key(&by_file) {
            return Origin::Environment;
        }
        let placed = self.file.value(name).or_else(|| self.file.value(&by_file));
        placed.map_or(Origin::Default, |placed| Origin::File(placed.line))
    }

    /// The files that hold secrets of the environment whose change holds at once.
    pub(crate) fn live_secret_files(&self) -> Vec<PathBuf> {
        let live = VARIABLES
            .iter()
            .filter(|variable| variable.secret && variable.live);
        live.filter_map(|variable| self.values.get(&by_file(variable.name)))
            .map(PathBuf::from)
            .collect()
    }

    /// What is wrong with the file as a whole, and `NAME_FILE` for variables that are no secrets:
    /// they would be ignored in silence.
    pub(crate) fn misplaced(&self) -> Vec<Problem> {
        let plain = VARIABLES.iter().filter(|variable| !variable.secret);
        let misplaced = plain.filter_map(|Variable { name, .. }| {
            let by_file = by_file(name);
            self.values.contains_key(&by_file).then(|| Problem {
                what: by_file,
                place: ENVIRONMENT.to_owned(),
                wrong: "only secrets are read from files.".to_owned(),
                action: format!("Set {name} itself."),
            })
        });
        misplaced
            .chain(self.file.problems().iter().cloned())
            .collect()
    }

    /// The variables whose values differ from another time and hold from the next start on, as
    /// the file calls them.
    pub(crate) fn held_until_restart(&self, now: &Self) -> Vec<String> {
        let differs = |variable: &&Variable| {
            if variable.live {
                return false;
            }
            if !variable.secret {
                let text = |environment: &Self| {
                    let found = environment.plain(variable.name);
                    found.map(|found| found.value.to_owned())
                };
                return text(self) != text(now);
            }
            let secret = |environment: &Self| environment.secret(variable.name).ok().flatten();
            match (secret(self), secret(now)) {
                (Some(one), Some(other)) => {
                    one.value.expose_secret() != other.value.expose_secret()
                }
                (one, other) => one.is_some() != other.is_some(),
            }
        };
        let mut names: Vec<String> = VARIABLES
            .iter()
            .filter(differs)
            .map(|variable| variable.name.to_ascii_lowercase())
            .collect();
        if self.log_levels().map(|(levels, _)| levels) != now.log_levels().map(|(levels, _)| levels)
        {
            names.push(RUST_LOG.to_owned());
        }
        names
    }
}

/// A secret from a file, of which it is the whole content.
pub(crate) fn secret_in(
    path: &Path,
    name: &str,
    by_file: &str,
    place: &str,
) -> Result<SecretString, Problem> {
    let text = read(path).map_err(|wrong| Problem {
        what: name.to_owned(),
        place: place.to_owned(),
        wrong,
        action: format!(
            "Let {by_file} name a file that this user may read and that holds the secret alone."
        ),
    })?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
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
