//! Multistatus answers (RFC 4918 section 13): from bytes to values, whatever the server's habits.
//!
//! Pure, and fuzzed. What the values mean for a calendar is said elsewhere.

mod props;

pub use props::{Props, ResourceKind};

use roxmltree::{Document, Node};

use crate::names::DAV;
use crate::xml;
pub use crate::xml::{Limits, XmlError};

/// A multistatus answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Multistatus {
    /// What it says about each resource, in the server's order; a resource may come twice.
    pub entries: Vec<Entry>,
    /// `sync-token` beside the entries (RFC 6578).
    pub sync_token: Option<String>,
}

/// What a multistatus says about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The href as written; may be empty.
    pub href: String,
    /// The status of the whole entry, where it has one.
    pub status: Option<u16>,
    /// The first status of a property group that is no success.
    pub refused: Option<u16>,
    /// Properties that came with a success.
    pub props: Props,
    /// Local names of the elements inside `error`.
    pub conditions: Vec<String>,
}

impl Entry {
    /// Whether the resource is reported missing: 404 or 410 for the whole entry.
    pub fn is_missing(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }

    /// Whether the entry as a whole is a failure.
    pub fn is_failure(&self) -> bool {
        self.status
            .is_some_and(|status| !(200..300).contains(&status))
    }

    /// What a line of a listing is asked for, without whatever else the server put there: listings
    /// are long, and kept whole.
    pub(crate) fn lean(self) -> Self {
        Self {
            props: Props {
                kinds: self.props.kinds,
                etag: self.props.etag,
                content_type: self.props.content_type,
                ..Props::default()
            },
            ..self
        }
    }

    /// Whether this says that the answer was cut (RFC 6578 section 3.6).
    pub fn is_truncation(&self) -> bool {
        self.status == Some(507)
            || self
                .conditions
                .iter()
                .any(|name| name == "number-of-matches-within-limits")
    }
}

/// Parses a multistatus answer.
///
/// # Errors
/// [`XmlError`]; never panics, and never takes much longer than the length of `bytes` warrants.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Multistatus, XmlError> {
    xml::parse(bytes, limits, |document| read(document, limits))
}

/// What an error's body says (RFC 4918 section 16).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DavError {
    /// Local names of the conditions, such as `valid-sync-token`.
    pub conditions: Vec<String>,
    /// Hrefs given with them.
    pub hrefs: Vec<String>,
}

impl DavError {
    /// Reads an error's body; anything that is no such document says nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        xml::parse(bytes, &Limits::default(), |document| {
            let root = document.root_element();
            if !is(root, "error") {
                return Ok(Self::default());
            }
            Ok(Self {
                conditions: conditions(root),
                hrefs: root
                    .descendants()
                    .filter(|node| is(*node, "href"))
                    .map(text)
                    .collect(),
            })
        })
        .unwrap_or_default()
    }

    /// Whether it names this condition.
    pub fn has(&self, condition: &str) -> bool {
        self.conditions.iter().any(|name| name == condition)
    }
}

fn read(document: &Document<'_>, limits: &Limits) -> Result<Multistatus, XmlError> {
    let root = document.root_element();
    if !is(root, "multistatus") {
        return Err(XmlError::Unexpected {
            expected: "multistatus",
        });
    }
    let hrefs = |node: Node<'_, '_>| node.children().filter(|node| is(*node, "href")).count();
    let responses = root.children().filter(|node| is(*node, "response"));
    if responses.map(|node| hrefs(node).max(1)).sum::<usize>() > limits.resources {
        return Err(XmlError::TooLarge { what: "resources" });
    }
    let mut answer = Multistatus::default();
    for node in root.children() {
        if is(node, "response") {
            entries(node, &mut answer.entries);
        } else if is(node, "sync-token") {
            answer.sync_token =
                Some(text(node)).filter(|token| (1..=props::LONGEST).contains(&token.len()));
        }
    }
    Ok(answer)
}

/// One entry for each href of a `response`: with a status of its own it may have several, and only
/// the status is said of all (RFC 4918 section 14.24). Whatever else a server puts there stays with
/// the last: copied for each, a small answer would grow without bounds.
fn entries(response: Node<'_, '_>, out: &mut Vec<Entry>) {
    let mut entry = Entry::default();
    let mut hrefs = Vec::new();
    for node in response.children() {
        match local(node) {
            Some("href") => hrefs.push(text(node)),
            Some("status") => entry.status = status(node),
            Some("propstat") => propstat(node, &mut entry),
            Some("error") => entry.conditions.extend(conditions(node)),
            _ => {}
        }
    }
    let last = hrefs.pop().unwrap_or_default();
    out.extend(hrefs.into_iter().map(|href| Entry {
        href,
        status: entry.status,
        refused: entry.refused,
        ..Entry::default()
    }));
    entry.href = last;
    out.push(entry);
}

fn propstat(node: Node<'_, '_>, entry: &mut Entry) {
    let status = child(node, "status").and_then(status);
    match status {
        Some(200..=299) | None => {
            for prop in node.children().filter(|node| is(*node, "prop")) {
                entry.props.add(prop);
            }
        }
        Some(status) => {
            entry.refused.get_or_insert(status);
        }
    }
}

/// `HTTP/1.1 200 OK`, and whatever comes close.
fn status(node: Node<'_, '_>) -> Option<u16> {
    text(node)
        .split_whitespace()
        .find_map(|word| (word.len() == 3).then(|| word.parse().ok())?)
}

fn conditions(error: Node<'_, '_>) -> Vec<String> {
    error
        .children()
        .filter(Node::is_element)
        .take(16)
        .map(|node| node.tag_name().name().to_owned())
        .collect()
}

/// The local name of an element in `DAV:`.
fn local<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let name = node.is_element().then(|| node.tag_name())?;
    (name.namespace() == Some(DAV)).then(|| name.name())
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    local(node) == Some(name)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| is(*child, name))
}

/// All text directly inside an element, trimmed. CDATA counts, elements between do not.
fn text(node: Node<'_, '_>) -> String {
    let all: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect();
    all.trim().to_owned()
}

#[cfg(test)]
mod tests;
