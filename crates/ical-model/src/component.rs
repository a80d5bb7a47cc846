//! The tree of components (RFC 5545 section 3.4 onwards) over the content lines, lossless: every
//! line of the text is somewhere in it, in order, also those that belong nowhere.
//!
//! No property is interpreted here but BEGIN and END. An END that closes nothing stays as a line;
//! one that closes an outer component closes the inner ones too; components still open at the end
//! of the text are closed there and named in [`Document::unclosed`].

mod parse;

use crate::line::Line;
use crate::problem::Problem;

/// A whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'a> {
    /// A byte order mark, where there is one.
    preamble: &'a [u8],
    /// What stands at the top.
    pub items: Vec<Item<'a>>,
    /// What was not understood.
    pub problems: Vec<Problem>,
    /// Name of the outermost component that is never closed.
    pub unclosed: Option<String>,
}

/// A line or a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A line that begins or ends nothing.
    Line(Line<'a>),
    /// A component.
    Component(Box<Component<'a>>),
}

/// One component: its BEGIN, what is in it, its END.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component<'a> {
    begin: Line<'a>,
    /// Lines and components in it, in order.
    pub items: Vec<Item<'a>>,
    end: Option<Line<'a>>,
}

impl Document<'_> {
    /// The components at the top.
    pub fn components(&self) -> impl Iterator<Item = &Component<'_>> {
        components(&self.items)
    }

    /// The text, byte for byte where nothing was changed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut size = self.preamble.len();
        measure(&self.items, &mut size);
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(self.preamble);
        write(&self.items, &mut out);
        out
    }
}

impl<'a> Component<'a> {
    /// A new component with nothing in it.
    pub fn new(name: &str) -> Self {
        Self {
            begin: Line::build(b"BEGIN", name.as_bytes()),
            items: Vec::new(),
            end: Some(Line::build(b"END", name.as_bytes())),
        }
    }

    /// Its name as written.
    pub fn name(&self) -> String {
        self.begin.value().trim().to_owned()
    }

    /// Whether its name is `name`, ASCII case ignored.
    pub fn is(&self, name: &str) -> bool {
        self.begin
            .value_octets()
            .trim_ascii()
            .eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it has an END of its own.
    pub fn is_closed(&self) -> bool {
        self.end.is_some()
    }

    /// Its own lines, not those of components in it.
    pub fn lines(&self) -> impl Iterator<Item = &Line<'a>> {
        self.items.iter().filter_map(|item| match item {
            Item::Line(line) => Some(line),
            Item::Component(_) => None,
        })
    }

    /// Its lines of one name.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Line<'a>> {
        self.lines().filter(move |line| line.is(name))
    }

    /// Its first line of one name: where a property stands twice, the first one counts.
    pub fn first(&self, name: &str) -> Option<&Line<'a>> {
        self.lines().find(|line| line.is(name))
    }

    /// The components in it.
    pub fn components(&self) -> impl Iterator<Item = &Self> {
        self.items.iter().filter_map(|item| match item {
            Item::Component(component) => Some(component.as_ref()),
            Item::Line(_) => None,
        })
    }

    /// Appends a line.
    pub fn push(&mut self, line: Line<'a>) {
        self.items.push(Item::Line(line));
    }

    /// The text of this component alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut size = 0;
        self.measure(&mut size);
        let mut out = Vec::with_capacity(size);
        self.write(&mut out);
        out
    }

    fn measure(&self, size: &mut usize) {
        *size += self.begin.raw().len();
        measure(&self.items, size);
        *size += self.end.as_ref().map_or(0, |end| end.raw().len());
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.begin.raw());
        write(&self.items, out);
        if let Some(end) = &self.end {
            out.extend_from_slice(end.raw());
        }
    }
}

fn components<'s>(items: &'s [Item<'_>]) -> impl Iterator<Item = &'s Component<'s>> {
    items.iter().filter_map(|item| match item {
        Item::Component(component) => Some(component.as_ref()),
        Item::Line(_) => None,
    })
}

fn measure(items: &[Item<'_>], size: &mut usize) {
    for item in items {
        match item {
            Item::Line(line) => *size += line.raw().len(),
            Item::Component(component) => component.measure(size),
        }
    }
}

fn write(items: &[Item<'_>], out: &mut Vec<u8>) {
    for item in items {
        match item {
            Item::Line(line) => out.extend_from_slice(line.raw()),
            Item::Component(component) => component.write(out),
        }
    }
}

#[cfg(test)]
mod tests;
