//! `config.yaml`: where it is, reading it, and the values at its top, which are those of the
//! environment in lower case. What its sections declare is read by `declared`.

pub(crate) mod keys;
pub(crate) mod scope;
pub(crate) mod yaml;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Problem;
use super::variables::{self, VARIABLES};
use yaml::{Node, Value};

/// Its name in the data folder.
pub(crate) const NAME: &str = "config.yaml";
/// The sections that are no single values.
pub(crate) const SECTIONS: [&str; 4] = ["settings", "webhooks", "caldav_accounts", "mappings"];
/// The values at its top that may be lists.
const LISTS: [&str; 2] = ["trusted_proxies", "allowed_hosts"];
/// It may be this large.
const LARGEST: u64 = 512 * 1024;

/// The file as it was when it was read.
#[derive(Clone, Default)]
pub(crate) struct ConfigFile {
    /// Where it is, or would be.
    path: PathBuf,
    /// Whether it is there.
    pub(crate) found: bool,
    /// A hash of its content, or of why it cannot be read; for telling one content from another.
    pub(crate) digest: u64,
    /// The values at its top, by the variable's name.
    values: BTreeMap<String, Placed>,
    /// Its whole tree, unless it is none.
    tree: Option<Arc<Node>>,
    /// What was wrong with it so far.
    problems: Vec<Problem>,
}

/// A value at the top of the file.
#[derive(Clone)]
pub(crate) struct Placed {
    /// As written.
    pub(crate) text: String,
    /// Its line.
    pub(crate) line: u64,
}

// Values may be secrets.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile")
            .field("path", &self.path)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

impl ConfigFile {
    /// Reads the file that was named (`--config`), else the one in the data folder, if there is one.
    pub(crate) fn read(named: Option<&Path>, data_dir: &Path) -> Self {
        let path = named.map_or_else(|| data_dir.join(NAME), Path::to_owned);
        let mut file = Self {
            path,
            ..Self::default()
        };
        match text(&file.path) {
            Ok(Some(text)) => {
                file.found = true;
                file.digest = digest(&text);
                file.take(&text, named.is_some());
            }
            Ok(None) if named.is_none() => {}
            Ok(None) => file.refuse(
                "there is no such file.",
                "Name one that is there after --config.",
            ),
            Err(wrong) => {
                file.found = true;
                file.digest = digest(&wrong);
                file.refuse(&wrong, "Let it be a YAML file that this user may read.");
            }
        }
        file
    }

    /// Where it is, for people.
    pub(crate) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// A line of it, for people.
    pub(crate) fn place(&self, line: u64) -> String {
        format!("{}, line {line}", self.path.display())
    }

    /// A path that the file names: from the folder the file is in.
    pub(crate) fn beside(&self, path: &str) -> PathBuf {
        self.path.with_file_name(path)
    }

    /// The value of a variable (or of `NAME_FILE`).
    pub(crate) fn value(&self, name: &str) -> Option<&Placed> {
        self.values.get(name)
    }

    /// The value of one of its sections.
    pub(crate) fn section(&self, name: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.tree.as_ref()?.value else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == name)?;
        Some(&entry.node)
    }

    /// The files it names that hold its secrets.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        let top = self
            .values
            .iter()
            .filter(|(name, _)| name.ends_with("_FILE"))
            .map(|(_, placed)| placed.text.as_str());
        let listed = [
            ("caldav_accounts", "password_file"),
            ("webhooks", "secret_file"),
        ];
        let listed = listed.iter().flat_map(|(section, key)| {
            let items = match self.section(section).map(|node| &node.value) {
                Some(Value::List(items)) => items.as_slice(),
                _ => &[],
            };
            items.iter().filter_map(|item| match &item.value {
                Value::Map(entries) => {
                    let entry = entries.iter().find(|entry| entry.key == *key)?;
                    match &entry.node.value {
                        Value::Text(path) => Some(path.trim()),
                        _ => None,
                    }
                }
                _ => None,
            })
        });
        top.chain(listed).map(|path| self.beside(path)).collect()
    }

    /// What is wrong with it as a whole, and with the values at its top.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn refuse(&mut self, wrong: &str, action: &str) {
        self.problems.push(Problem {
            what: NAME.to_owned(),
            place: self.shown(),
            wrong: wrong.to_owned(),
            action: action.to_owned(),
        });
    }

    fn take(&mut self, text: &str, named: bool) {
        let tree = match yaml::parse(text) {
            Ok(tree) => tree,
            Err(error) => {
                let place = error
                    .line
                    .map_or_else(|| self.shown(), |line| self.place(line));
                self.problems.push(Problem {
                    what: NAME.to_owned(),
                    place,
                    wrong: format!("it cannot be read as YAML: {}.", error.wrong),
                    action: "Correct it there. Text with special characters goes into 'quotes'."
                        .to_owned(),
                });
                return;
            }
        };
        let problems = scope::Problems::default();
        self.values = self.top(&tree, &problems);
        self.problems.append(&mut problems.take());
        self.misplaced(named);
        self.tree = Some(Arc::new(tree));
    }

    /// The values at its top.
    fn top(&self, tree: &Node, problems: &scope::Problems) -> BTreeMap<String, Placed> {
        let Some(root) = scope::Scope::root(tree, self, problems) else {
            return BTreeMap::new();
        };
        let names = keys::below("");
        let single = names
            .iter()
            .filter(|name| !SECTIONS.contains(&name.as_str()));
        single
            .filter_map(|name| {
                let node = root.node(name)?;
                let list = LISTS.contains(&name.as_str());
                let text = root.single(name, node, list)?;
                // What is wrong with a value is told with the value.
                let most = if list {
                    10 * scope::LONGEST
                } else {
                    scope::LONGEST
                };
                if text.chars().count() > most {
                    root.wrong(name, node.line, "it is too long.");
                    return None;
                }
                let placed = Placed {
                    text,
                    line: node.line,
                };
                Some((name.to_ascii_uppercase(), placed))
            })
            .collect()
    }

    /// Both a secret and its file; a data folder in a file that is found in one.
    fn misplaced(&mut self, named: bool) {
        let mut found = Vec::new();
        for variable in VARIABLES.iter().filter(|variable| variable.secret) {
            let (name, by_file) = (variable.name, variables::by_file(variable.name));
            if let (Some(_), Some(other)) = (self.value(name), self.value(&by_file)) {
                let (name, by_file) = (name.to_ascii_lowercase(), by_file.to_ascii_lowercase());
                found.push(Problem {
                    what: format!("{name} and {by_file}"),
                    place: self.place(other.line),
                    wrong: "both are set, and they may differ.".to_owned(),
                    action: format!("Keep one of them: remove {name} or {by_file}."),
                });
            }
        }
        if let (Some(set), false) = (self.value("DATA_DIR"), named) {
            found.push(Problem {
                what: "data_dir".to_owned(),
                place: self.place(set.line),
                wrong: "this file was found in the data folder and cannot name another.".to_owned(),
                action:
                    "Remove it and set DATA_DIR in the environment, or start with --config FILE."
                        .to_owned(),
            });
        }
        self.problems.append(&mut found);
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The file's text; `None` when there is none.
fn text(path: &Path) -> Result<Option<String>, String> {
    let failed = |error: std::io::Error| format!("it cannot be read: {error}.");
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        // A data folder that is none is told by itself.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes."));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| "it is no UTF-8 text.".to_owned())
}
