//! YAML text as a tree in which every value knows its line.
//!
//! Scalars stay the text they were written as: `007` is a password, not a seven. What a text means
//! is for the reader of its key to say.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Budget, Error, NonFiniteFloatPolicy, Options, Spanned};

/// Deepest nesting; the deepest place of ours is four levels down.
const DEEPEST: usize = 16;
/// Most values and keys.
const MOST: usize = 50_000;
/// Most bytes of text, each alias counted as what it stands for: twice the largest file.
const MOST_TEXT: usize = 1024 * 1024;

/// A value and where it stands.
pub(crate) struct Node {
    /// Its line, from 1.
    pub(crate) line: u64,
    /// What it is.
    pub(crate) value: Value,
}

/// What a value is.
pub(crate) enum Value {
    /// Empty, `~` or `null`.
    Nothing,
    /// A scalar as it was written, without quotes.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in its order; a key may be there twice.
    Map(Vec<Entry>),
}

/// A key with its value.
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Its line.
    pub(crate) line: u64,
    /// Its value.
    pub(crate) node: Node,
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Where.
    pub(crate) line: Option<u64>,
    /// What is wrong there. Never holds a value.
    pub(crate) wrong: String,
}

// Values may be secrets.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node(line {})", self.line)
    }
}

/// Reads one document.
///
/// # Errors
/// It is no YAML, or too much of it.
pub(crate) fn parse(text: &str) -> Result<Node, Unreadable> {
    let raw: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| unreadable(&error))?;
    Ok(node(raw, text))
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_depth = DEEPEST;
    budget.max_nodes = MOST;
    budget.max_events = 2 * MOST;
    budget.max_total_scalar_bytes = MOST_TEXT;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.alias_limits.max_total_replayed_events = MOST;
    // Errors would show lines of the file, and those may be secrets.
    options.with_snippet = false;
    // A twin is told with the other mistakes.
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options
}

fn unreadable(error: &Error) -> Unreadable {
    let line = error.location().map(|location| location.line());
    let mut error = error.without_snippet();
    // What is wrong behind an alias is wrong in the same words.
    while let Error::AliasError { error: behind, .. } = error {
        error = behind.without_snippet();
    }
    let wrong = match error {
        Error::MultipleDocuments { .. } => "it holds more than one document".to_owned(),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "it is nested too deeply, or holds too much".to_owned()
        }
        other => {
            let said = other.to_string();
            let place = said.rfind(" at line ").unwrap_or(said.len());
            said.get(..place).unwrap_or_default().to_owned()
        }
    };
    Unreadable { line, wrong }
}

/// What the parser makes of a value before its text is looked up.
enum Raw {
    Nothing,
    /// Something that YAML takes for a number or a truth value.
    Plain,
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let span = raw.defined.span();
    let value = match raw.value {
        Raw::Nothing => Value::Nothing,
        Raw::Plain => Value::Text(
            slice(text, span.byte_offset(), span.byte_len())
                .unwrap_or_default()
                .to_owned(),
        ),
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    line: key.referenced.line(),
                    key: key.value,
                    node: node(value, text),
                })
                .collect(),
        ),
    };
    Node {
        line: raw.referenced.line(),
        value,
    }
}

fn slice(text: &str, offset: Option<u64>, length: Option<u64>) -> Option<&str> {
    let start = usize::try_from(offset?).ok()?;
    let end = start.checked_add(usize::try_from(length?).ok()?)?;
    text.get(start..end)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let line = node.line;
        match &node.value {
            Value::Nothing => format!("{line}:-"),
            Value::Text(text) => format!("{line}:{text:?}"),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(shown).collect();
                format!("[{}]", items.join(" "))
            }
            Value::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| format!("{}@{}={}", entry.key, entry.line, shown(&entry.node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn scalars_stay_what_was_written() {
        for (text, tree) in [
            ("", "1:-"),
            ("# nothing\n", "2:-"),
            ("a: 007", r#"{a@1=1:"007"}"#),
            (
                "ä: 0x1F  # hex\nb: 1e999",
                r#"{ä@1=1:"0x1F" b@2=2:"1e999"}"#,
            ),
            ("a: yes\nb: 'yes'", r#"{a@1=1:"yes" b@2=2:"yes"}"#),
            ("a: ~\nb:", "{a@1=1:- b@2=2:-}"),
            ("a: |\n  1\n  2\n", r#"{a@1=2:"1\n2\n"}"#),
            ("- 1.50\n- {b: .nan}", r#"[1:"1.50" {b@2=2:".nan"}]"#),
            ("a: &x 012\nb: *x", r#"{a@1=1:"012" b@2=2:"012"}"#),
            ("a: 1\na: 2", r#"{a@1=1:"1" a@2=2:"2"}"#),
        ] {
            assert_eq!(shown(&parse(text).unwrap()), tree, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_placed_and_not_repeated() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        let wide = format!("a: [{}]", "x,".repeat(MOST));
        let bomb = "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n\
                    c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n\
                    e: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e]\n";
        for (text, line) in [
            ("a: 1\nb: \"hush", 2),
            ("a: *hush", 1),
            ("a: b: hush", 1),
            ("a:\n\t- hush", 2),
            ("a: 1\n---\nb: hush", 3),
            ("[a]: hush", 1),
            ("a: !!int hush", 1),
            (&deep, 1),
            (&wide, 1),
            (bomb, 6),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, Some(line), "{error:?}");
            assert!(
                !error.wrong.is_empty() && !error.wrong.contains("hush"),
                "{error:?}"
            );
        }
    }
}
