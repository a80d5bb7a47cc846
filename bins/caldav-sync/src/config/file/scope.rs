//! One mapping of `config.yaml`: its keys looked up, the unknown ones and the wrong values told,
//! each with its place and the nearest right one.

use std::cell::RefCell;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::yaml::{Entry, Node, Value};
use super::{ConfigFile, keys};
use crate::config::error::Problem;

/// The longest text that is no secret: in characters.
pub(crate) const LONGEST: usize = 2_000;

/// What is wrong, collected while everything is read.
#[derive(Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Everything that was wrong.
    pub(crate) fn take(self) -> Vec<Problem> {
        self.0.into_inner()
    }

    pub(crate) fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }
}

/// A mapping of the file, at its place.
pub(crate) struct Scope<'a> {
    entries: &'a [Entry],
    file: &'a ConfigFile,
    problems: &'a Problems,
    /// Where it stands: `mappings[0].window`.
    place: String,
    /// The same as the list of keys spells it: `mappings[].window`.
    pattern: String,
    /// Its line.
    pub(crate) line: u64,
}

impl<'a> Scope<'a> {
    /// The whole file; nothing when it holds nothing, or no mapping.
    pub(crate) fn root(
        node: &'a Node,
        file: &'a ConfigFile,
        problems: &'a Problems,
    ) -> Option<Self> {
        Self::of(node, file, problems, String::new(), String::new())
    }

    /// One of the file's sections.
    pub(crate) fn section(
        name: &str,
        node: &'a Node,
        file: &'a ConfigFile,
        problems: &'a Problems,
    ) -> Option<Self> {
        Self::of(node, file, problems, name.to_owned(), name.to_owned())
    }

    /// The entries of a section that is a list, at most so many.
    pub(crate) fn list(
        name: &str,
        most: usize,
        file: &'a ConfigFile,
        problems: &'a Problems,
    ) -> Vec<Self> {
        let Some(node) = file.section(name) else {
            return Vec::new();
        };
        let refuse = |wrong: String, action: &str| {
            problems.push(Problem {
                what: name.to_owned(),
                place: file.place(node.line),
                wrong,
                action: action.to_owned(),
            });
        };
        match &node.value {
            Value::Nothing => Vec::new(),
            Value::List(items) if items.len() > most => {
                refuse(
                    format!("{} entries are too many.", items.len()),
                    &format!("At most {most}."),
                );
                Vec::new()
            }
            Value::List(items) => items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| {
                    let (place, pattern) = (format!("{name}[{at}]"), format!("{name}[]"));
                    Self::of(item, file, problems, place, pattern)
                })
                .collect(),
            Value::Text(_) | Value::Map(_) => {
                let first = keys::below(&format!("{name}[]")).into_iter().next();
                let first = first.unwrap_or_default();
                refuse(
                    "a list is expected.".to_owned(),
                    &format!("Let each entry begin with a dash: - {first}: …"),
                );
                Vec::new()
            }
        }
    }

    fn of(
        node: &'a Node,
        file: &'a ConfigFile,
        problems: &'a Problems,
        place: String,
        pattern: String,
    ) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Nothing if place.is_empty() => return None,
            Value::Nothing => &[],
            Value::Text(_) | Value::List(_) => {
                let known = keys::below(&pattern).join(", ");
                problems.push(Problem {
                    what: named(&place).to_owned(),
                    place: file.place(node.line),
                    wrong: "keys with values are expected.".to_owned(),
                    action: format!("Write lines such as key: value. The keys are {known}."),
                });
                return None;
            }
        };
        let scope = Self {
            entries,
            file,
            problems,
            place,
            pattern,
            line: node.line,
        };
        scope.refuse_strangers();
        Some(scope)
    }

    fn refuse_strangers(&self) {
        let known = keys::below(&self.pattern);
        for (at, entry) in self.entries.iter().enumerate() {
            if !known.contains(&entry.key) {
                let action = match keys::meant(&self.pattern, &entry.key) {
                    Some(meant) => format!("Did you mean {meant}?"),
                    None => format!("The keys here are {}.", known.join(", ")),
                };
                self.tell(
                    &printable(&entry.key),
                    entry.line,
                    "there is no such key.",
                    action,
                );
            } else if let Some(first) = self
                .entries
                .get(..at)
                .and_then(|before| before.iter().find(|before| before.key == entry.key))
            {
                let wrong = format!("it is given twice, first in line {}.", first.line);
                self.tell(
                    &entry.key,
                    entry.line,
                    &wrong,
                    "Keep one of them.".to_owned(),
                );
            }
        }
    }

    /// The file this is of.
    pub(crate) fn file(&self) -> &'a ConfigFile {
        self.file
    }

    /// A key's value, unless it is not there or empty.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.node.value, Value::Nothing)).then_some(&entry.node)
    }

    /// A mapping below this one, if it is there and is one.
    pub(crate) fn below(&self, key: &str) -> Option<Self> {
        let node = self.node(key)?;
        Self::of(
            node,
            self.file,
            self.problems,
            self.at(key),
            self.pattern_of(key),
        )
    }

    /// A single value as it was written; with `list`, also a list of such.
    pub(crate) fn single(&self, key: &str, node: &Node, list: bool) -> Option<String> {
        match &node.value {
            Value::Text(text) => return Some(text.clone()),
            Value::List(items) if list => {
                let texts: Option<Vec<&str>> = items
                    .iter()
                    .map(|item| match &item.value {
                        Value::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                if let Some(texts) = texts {
                    return Some(texts.join(","));
                }
            }
            _ => {}
        }
        self.wrong(key, node.line, "a single value is expected.");
        None
    }

    /// A text, or nothing when the key is not there or its value is none.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        let text = self.single(key, node, false)?;
        let text = text.trim();
        if text.is_empty() {
            self.wrong(key, node.line, "it is empty.");
        } else if text.chars().count() > LONGEST {
            self.wrong(key, node.line, "it is too long.");
        } else if text.chars().any(char::is_control) {
            self.wrong(
                key,
                node.line,
                "it has line breaks or control characters in it.",
            );
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// A secret as it was written, with its line.
    pub(crate) fn secret(&self, key: &str) -> Option<(String, u64)> {
        let node = self.node(key)?;
        let text = self.single(key, node, false)?;
        if text.is_empty() {
            self.wrong(key, node.line, "it is empty.");
            return None;
        }
        Some((text, node.line))
    }

    /// A value that must be there.
    pub(crate) fn required<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.node(key).is_none() {
            self.wrong(key, self.line, "it is missing.");
        }
        value
    }

    /// A value of a type that reads itself.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        if let Ok(value) = text.parse() {
            return Some(value);
        }
        self.wrong(key, self.line_of(key), &format!("{text:?} is none."));
        None
    }

    /// True or false.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let text = self.text(key)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.wrong(key, self.line_of(key), &format!("{text:?} is neither."));
                None
            }
        }
    }

    /// One of a closed list of words.
    pub(crate) fn choice<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        let reader: serde::de::value::StrDeserializer<'_, Choices> =
            text.as_str().into_deserializer();
        match T::deserialize(reader) {
            Ok(value) => Some(value),
            Err(Choices(words)) => {
                let action = match app::words::nearest(&text, words.iter().copied()) {
                    Some(near) => format!("Did you mean {near}?"),
                    None => self.advice(key),
                };
                let wrong = format!("{text:?} is none.");
                self.tell(key, self.line_of(key), &wrong, action);
                None
            }
        }
    }

    /// Tells of a wrong value; what is right is known.
    pub(crate) fn wrong(&self, key: &str, line: u64, wrong: &str) {
        self.tell(key, line, wrong, self.advice(key));
    }

    /// Tells of a key.
    pub(crate) fn tell(&self, key: &str, line: u64, wrong: &str, action: String) {
        self.problems.push(Problem {
            what: self.at(key),
            place: self.file.place(line),
            wrong: wrong.to_owned(),
            action,
        });
    }

    /// The line of a key's value, or this mapping's own.
    pub(crate) fn line_of(&self, key: &str) -> u64 {
        self.node(key).map_or(self.line, |node| node.line)
    }

    fn advice(&self, key: &str) -> String {
        let place = self.pattern_of(key);
        let expects = match place.split_once('.') {
            None => crate::config::variables::find(&place.to_ascii_uppercase())
                .map_or("a single value", |variable| variable.expects),
            Some(_) => keys::expects(&place),
        };
        if expects.is_empty() {
            return format!("Its keys are {}.", keys::below(&place).join(", "));
        }
        format!("Set it to {expects}.")
    }

    fn at(&self, key: &str) -> String {
        joined(&self.place, key)
    }

    fn pattern_of(&self, key: &str) -> String {
        joined(&self.pattern, key)
    }
}

fn joined(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

fn named(place: &str) -> &str {
    if place.is_empty() { super::NAME } else { place }
}

/// A key that anybody may have written, on one line and not endless.
fn printable(key: &str) -> String {
    let mut short: String = key.chars().take(60).collect();
    if short.len() < key.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// An error that remembers which words would have been right.
#[derive(Debug)]
struct Choices(&'static [&'static str]);

impl Display for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another word is expected")
    }
}

impl std::error::Error for Choices {}

impl serde::de::Error for Choices {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}
