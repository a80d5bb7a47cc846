//! XML out and in. Out: small documents of known elements. In: a guarded parse of whatever a server
//! sends. What the elements mean is `multistatus`' and the requests'.

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use roxmltree::{Document, ParsingOptions};

use crate::names::{APPLE, CALDAV, CS, DAV, Name};

/// Upper bounds for an XML answer. (Its bytes are bounded where it is read.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Elements, texts and the like.
    pub nodes: u32,
    /// Attributes of one element: checking them for doubles takes quadratic time.
    pub attributes: usize,
    /// How deep elements may be nested.
    pub depth: usize,
    /// Resources that one answer speaks of: a few bytes there are a few hundred here.
    pub resources: usize,
}

impl Default for Limits {
    /// Enough for a listing of more than 100,000 resources.
    fn default() -> Self {
        Self {
            nodes: 1_500_000,
            attributes: 64,
            depth: 128,
            resources: 150_000,
        }
    }
}

/// Why an answer is no XML we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// It carries a document type declaration, with which entities could be defined.
    #[error("it carries a DOCTYPE, which is never needed and not accepted")]
    Doctype,
    /// Over a limit of [`Limits`].
    #[error("it has too many {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// A character that XML does not allow, or any other breach of its grammar.
    #[error("it is not well-formed: {detail}")]
    Malformed {
        /// The parser's words; they hold names and positions, no content.
        detail: String,
    },
    /// Well-formed, but another document than expected.
    #[error("it is no {expected} document")]
    Unexpected {
        /// The root element expected.
        expected: &'static str,
    },
}

/// Parses `bytes` and hands the document to `read`.
pub(crate) fn parse<T>(
    bytes: &[u8],
    limits: &Limits,
    read: impl FnOnce(&Document<'_>) -> Result<T, XmlError>,
) -> Result<T, XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
    // Some servers put a blank line before the declaration, where XML allows nothing.
    let text = text.trim_start_matches('\u{feff}').trim();
    prescan(text.as_bytes(), limits)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: limits.nodes,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => XmlError::Doctype,
        roxmltree::Error::NodesLimitReached => XmlError::TooLarge { what: "nodes" },
        other => XmlError::Malformed {
            detail: plain(&other),
        },
    })?;
    read(&document)
}

/// What is wrong, without quoting the document: names in it may be somebody's secret too.
fn plain(error: &roxmltree::Error) -> String {
    let pos = error.pos();
    let kind = match error {
        roxmltree::Error::NonXmlChar(..) => "a control character",
        roxmltree::Error::UnknownNamespace(..) => "an undeclared prefix",
        roxmltree::Error::UnclosedRootNode | roxmltree::Error::UnexpectedEndOfStream => {
            "it ends in the middle"
        }
        roxmltree::Error::UnexpectedCloseTag(..) => "elements that do not close in order",
        roxmltree::Error::UnknownEntityReference(..) => "an unknown entity",
        roxmltree::Error::NoRootNode => "there is no element in it",
        _ => "the grammar is broken",
    };
    format!("{kind} (line {}, column {})", pos.row, pos.col)
}

/// Refuses, in one pass over the bytes, what would cost the parser dearly: declarations, tags with
/// very many attributes, very deep nesting, more elements than are read.
fn prescan(text: &[u8], limits: &Limits) -> Result<(), XmlError> {
    let mut rest = text;
    let (mut depth, mut elements) = (0_usize, 0_u32);
    while let Some(at) = rest.iter().position(|b| *b == b'<') {
        let tag = rest.get(at..).unwrap_or_default();
        rest = if tag.starts_with(b"<![CDATA[") {
            after(tag, b"]]>")
        } else if tag.starts_with(b"<!--") {
            after(tag, b"-->")
        } else if tag.starts_with(b"<?") {
            after(tag, b"?>")
        } else if tag.starts_with(b"<!") {
            return Err(XmlError::Doctype);
        } else {
            let (attributes, length, empty) = tag_shape(tag);
            if attributes > limits.attributes {
                return Err(XmlError::TooLarge { what: "attributes" });
            }
            if tag.starts_with(b"</") {
                depth = depth.saturating_sub(1);
            } else {
                elements += 1;
                depth += usize::from(!empty);
            }
            if elements > limits.nodes {
                return Err(XmlError::TooLarge { what: "nodes" });
            }
            if depth > limits.depth {
                return Err(XmlError::TooLarge {
                    what: "nested elements",
                });
            }
            tag.get(length..).unwrap_or_default()
        };
    }
    Ok(())
}

/// What follows the first `end` in `text`; nothing if there is none.
fn after<'a>(text: &'a [u8], end: &[u8]) -> &'a [u8] {
    text.windows(end.len())
        .position(|window| window == end)
        .and_then(|at| text.get(at + end.len()..))
        .unwrap_or_default()
}

/// Number of attributes, length in bytes, and whether it closes itself, of the tag at the start.
fn tag_shape(tag: &[u8]) -> (usize, usize, bool) {
    let (mut quote, mut attributes, mut before) = (None, 0, 0);
    for (at, byte) in tag.iter().copied().enumerate() {
        match quote {
            Some(open) if open == byte => quote = None,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'=' => attributes += 1,
            None if byte == b'>' => return (attributes, at + 1, before == b'/'),
            _ => {}
        }
        before = byte;
    }
    (attributes, tag.len(), false)
}

/// An element to be written: a name, maybe attributes, and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    name: Name,
    attributes: Vec<(&'static str, &'static str)>,
    text: Option<String>,
    children: Vec<Self>,
}

impl Element {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            text: None,
            children: Vec::new(),
        }
    }

    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The document with this element as its root.
    pub(crate) fn document(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        let mut out = |event: Event<'_>| {
            // Writing into a vector cannot fail.
            let _ = writer.write_event(event);
        };
        out(Event::Decl(quick_xml::events::BytesDecl::new(
            "1.0",
            Some("utf-8"),
            None,
        )));
        self.write(&mut out, true);
        writer.into_inner()
    }

    fn write(&self, out: &mut impl FnMut(Event<'_>), root: bool) {
        let (namespace, local) = self.name;
        let name = format!("{}{local}", prefix(namespace));
        let mut start = BytesStart::new(name.clone());
        if root {
            for (attribute, uri) in [
                ("xmlns", DAV),
                ("xmlns:C", CALDAV),
                ("xmlns:CS", CS),
                ("xmlns:A", APPLE),
            ] {
                start.push_attribute((attribute, uri));
            }
        }
        for attribute in &self.attributes {
            start.push_attribute(*attribute);
        }
        if self.text.is_none() && self.children.is_empty() {
            out(Event::Empty(start));
            return;
        }
        out(Event::Start(start));
        if let Some(text) = &self.text {
            out(Event::Text(BytesText::new(text)));
        }
        for child in &self.children {
            child.write(out, false);
        }
        out(Event::End(BytesEnd::new(name)));
    }
}

fn prefix(namespace: &str) -> &'static str {
    match namespace {
        CALDAV => "C:",
        CS => "CS:",
        APPLE => "A:",
        _ => "",
    }
}

/// `prop` with these empty properties.
pub(crate) fn prop(names: &[Name]) -> Element {
    Element::new((DAV, "prop")).children(names.iter().map(|name| Element::new(*name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{GETCTAG, GETETAG};

    fn refused(text: &str) -> XmlError {
        parse(text.as_bytes(), &Limits::default(), |_| Ok(())).unwrap_err()
    }

    #[test]
    fn documents_are_written_with_their_namespaces_and_escapes() {
        let root = Element::new((DAV, "propfind"))
            .child(prop(&[GETETAG, GETCTAG]))
            .child(Element::new((DAV, "href")).text("/a&b<c>.ics"));
        let text = String::from_utf8(root.document()).unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><propfind xmlns=\"DAV:\" \
             xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:CS=\"http://calendarserver.org/ns/\" \
             xmlns:A=\"http://apple.com/ns/ical/\"><prop><getetag/><CS:getctag/></prop>\
             <href>/a&amp;b&lt;c&gt;.ics</href></propfind>"
        );
    }

    #[test]
    fn leading_blanks_and_a_byte_order_mark_are_tolerated() {
        let text = "\u{feff}\r\n \n<?xml version=\"1.0\"?><a/>\n\n";
        assert!(parse(text.as_bytes(), &Limits::default(), |_| Ok(())).is_ok());
    }

    #[test]
    fn document_types_are_refused_even_harmless_ones() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<!doctype html><html></html>",
            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        ] {
            assert_eq!(refused(text), XmlError::Doctype, "{text}");
        }
    }

    #[test]
    fn bombs_are_bounded() {
        let many = format!("<a {}/>", "x='1' ".repeat(100_000));
        assert_eq!(refused(&many), XmlError::TooLarge { what: "attributes" });
        let deep = "<a>".repeat(100_000);
        assert!(matches!(refused(&deep), XmlError::TooLarge { .. }));
        let wide = format!("<a>{}</a>", "<b/>".repeat(2_000_000));
        assert_eq!(refused(&wide), XmlError::TooLarge { what: "nodes" });
        // A tag that never ends, and quotes that never close.
        assert!(matches!(
            refused(&format!("<a {}", "'".repeat(99_999))),
            XmlError::Malformed { .. }
        ));
    }

    #[test]
    fn what_is_not_xml_is_a_typed_error_that_quotes_nothing() {
        for text in [
            "",
            "secret",
            "<a>secret",
            "<a>\u{1}secret</a>",
            "<x:a/>",
            "<a>&secret;</a>",
            "<a></b>",
        ] {
            let error = refused(text);
            assert!(
                matches!(error, XmlError::Malformed { .. }),
                "{text}: {error}"
            );
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let latin = parse(b"<a>\xe4</a>", &Limits::default(), |_| Ok(())).unwrap_err();
        assert_eq!(latin, XmlError::NotUtf8);
    }

    #[test]
    fn markup_in_cdata_and_comments_counts_for_nothing() {
        let text = format!(
            "<a><!-- {0} --><![CDATA[{0}]]></a>",
            "<!DOCTYPE x>".repeat(200)
        );
        assert!(parse(text.as_bytes(), &Limits::default(), |_| Ok(())).is_ok());
    }
}
