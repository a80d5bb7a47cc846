//! XML in and out: a bounded reader over `roxmltree`, a small tree that `quick-xml` writes.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::quirks::XmlStyle;

/// `DAV:`
pub(super) const DAV: &str = "DAV:";
/// CalDAV's namespace (RFC 4791).
pub(super) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// calendarserver.org's namespace: `getctag`.
pub(super) const CS: &str = "http://calendarserver.org/ns/";
/// Apple's namespace: `calendar-color`.
pub(super) const APPLE: &str = "http://apple.com/ns/ical/";

/// A qualified name: namespace and local name.
pub(super) type Name = (String, String);

/// An element to be written.
#[derive(Clone, Debug)]
pub(super) struct El {
    ns: String,
    name: String,
    attrs: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Self>,
}

impl El {
    pub(super) fn new(ns: &str, name: &str) -> Self {
        Self {
            ns: ns.to_owned(),
            name: name.to_owned(),
            attrs: Vec::new(),
            text: String::new(),
            children: Vec::new(),
        }
    }

    /// An element of the `DAV:` namespace.
    pub(super) fn dav(name: &str) -> Self {
        Self::new(DAV, name)
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    pub(super) fn attr(mut self, key: &'static str, value: &str) -> Self {
        self.attrs.push((key, value.to_owned()));
        self
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// `<d:href>` with this text.
    pub(super) fn href(href: &str) -> Self {
        Self::dav("href").text(href)
    }

    /// Writes the document, with every known namespace declared at its root.
    pub(super) fn document(&self, style: XmlStyle) -> Vec<u8> {
        let mut out = Out {
            writer: Writer::new(Vec::new()),
            style,
        };
        out.event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)));
        out.element(self, true);
        out.writer.into_inner()
    }
}

struct Out {
    writer: Writer<Vec<u8>>,
    style: XmlStyle,
}

impl Out {
    fn event(&mut self, event: Event<'_>) {
        // Writing to a Vec cannot fail.
        self.writer.write_event(event).ok();
    }

    fn prefix(&self, ns: &str) -> Option<&'static str> {
        let at = [DAV, CALDAV, CS, APPLE].iter().position(|n| *n == ns)?;
        let names = match self.style {
            XmlStyle::Usual => ["d", "cal", "cs", "ical"],
            XmlStyle::DefaultNamespace => ["", "C", "CS", "A"],
            XmlStyle::Odd => ["x0", "ns1", "D", "d"],
        };
        names.get(at).copied()
    }

    fn element(&mut self, el: &El, root: bool) {
        let prefix = self.prefix(&el.ns);
        let name = match prefix {
            Some("") => el.name.clone(),
            Some(prefix) => format!("{prefix}:{}", el.name),
            None => format!("x:{}", el.name),
        };
        let mut start = BytesStart::new(name.as_str());
        if root {
            for ns in [DAV, CALDAV, CS, APPLE] {
                match self.prefix(ns) {
                    Some("") => start.push_attribute(("xmlns", ns)),
                    Some(p) => start.push_attribute((format!("xmlns:{p}").as_str(), ns)),
                    None => {}
                }
            }
        }
        if prefix.is_none() {
            start.push_attribute(("xmlns:x", el.ns.as_str()));
        }
        for (key, value) in &el.attrs {
            start.push_attribute((*key, value.as_str()));
        }
        if el.text.is_empty() && el.children.is_empty() {
            self.event(Event::Empty(start));
            return;
        }
        self.event(Event::Start(start));
        if !el.text.is_empty() {
            self.event(Event::Text(BytesText::new(&el.text)));
        }
        for child in &el.children {
            self.element(child, false);
        }
        self.event(Event::End(BytesEnd::new(name.as_str())));
    }
}

/// Reads a request body. DTDs are refused and nodes are counted.
pub(super) fn parse(body: &str) -> Result<roxmltree::Document<'_>, roxmltree::Error> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: false,
        nodes_limit: 200_000,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(body, options)
}

/// The qualified name of an element.
pub(super) fn name_of(node: roxmltree::Node<'_, '_>) -> Name {
    let tag = node.tag_name();
    (
        tag.namespace().unwrap_or_default().to_owned(),
        tag.name().to_owned(),
    )
}

/// The first child element with this name.
pub(super) fn child<'a, 'i>(
    node: roxmltree::Node<'a, 'i>,
    ns: &str,
    name: &str,
) -> Option<roxmltree::Node<'a, 'i>> {
    node.children().find(|n| {
        n.is_element() && n.tag_name().namespace() == Some(ns) && n.tag_name().name() == name
    })
}

/// All the text inside a node.
pub(super) fn text_of(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants()
        .filter(roxmltree::Node::is_text)
        .filter_map(|n| n.text())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_means_the_same() {
        let tree = El::dav("multistatus").child(
            El::dav("response")
                .child(El::href("/a?b&c<"))
                .child(El::new(CALDAV, "calendar-data").text("X\r\nY"))
                .child(El::new("urn:other", "thing")),
        );
        for style in [XmlStyle::Usual, XmlStyle::DefaultNamespace, XmlStyle::Odd] {
            let bytes = tree.document(style);
            let text = String::from_utf8(bytes).unwrap();
            let doc = parse(&text).unwrap();
            let response = child(doc.root_element(), DAV, "response").unwrap();
            assert_eq!(text_of(child(response, DAV, "href").unwrap()), "/a?b&c<");
            assert!(child(response, CALDAV, "calendar-data").is_some(), "{text}");
            assert!(child(response, "urn:other", "thing").is_some(), "{text}");
        }
    }

    #[test]
    fn a_doctype_is_refused() {
        assert!(parse("<!DOCTYPE x><x/>").is_err());
    }
}
