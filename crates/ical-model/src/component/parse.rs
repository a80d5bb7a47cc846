//! From text to tree.

use super::{Component, Document, Item};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::line::{Lexer, Line};
use crate::problem::{Problem, note};

impl<'a> Document<'a> {
    /// Reads a text. What is not well formed is kept and noted.
    ///
    /// # Errors
    /// Only [`ReadError::TooLarge`].
    pub fn parse(text: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        over("octets", text.len(), limits.bytes)?;
        let (preamble, body) = match text.strip_prefix(b"\xEF\xBB\xBF") {
            Some(body) => (text.get(..3).unwrap_or_default(), body),
            None => (&[][..], text),
        };
        let mut parser = Parser {
            top: Vec::new(),
            open: Vec::new(),
            problems: Vec::new(),
            position: Position {
                text: body,
                at: 0,
                counted: 0,
                line: 1,
            },
        };
        let (mut lines, mut components) = (0, 0);
        for raw in Lexer::new(body) {
            lines += 1;
            over("lines", lines, limits.lines)?;
            over("octets in one line", raw.octets.len(), limits.line_bytes)?;
            let line = Line::parse(raw.octets, raw.folded);
            let length = raw.octets.len();
            if line.is("BEGIN") {
                components += 1;
                over("components", components, limits.components)?;
                over(
                    "components inside each other",
                    parser.open.len() + 1,
                    limits.depth,
                )?;
                parser.open.push(Component {
                    begin: line,
                    items: Vec::new(),
                    end: None,
                });
            } else if line.is("END") {
                parser.end(line);
            } else {
                parser.line(line);
            }
            parser.position.at += length;
        }
        let unclosed = parser.open.first().map(Component::name);
        while let Some(component) = parser.open.pop() {
            parser.add(Item::Component(Box::new(component)));
        }
        Ok(Self {
            preamble,
            items: parser.top,
            problems: parser.problems,
            unclosed,
        })
    }
}

fn over(what: &'static str, count: usize, limit: usize) -> Result<(), ReadError> {
    if count > limit {
        return Err(ReadError::TooLarge { what, limit });
    }
    Ok(())
}

struct Parser<'a> {
    top: Vec<Item<'a>>,
    open: Vec<Component<'a>>,
    problems: Vec<Problem>,
    position: Position<'a>,
}

impl<'a> Parser<'a> {
    fn add(&mut self, item: Item<'a>) {
        match self.open.last_mut() {
            Some(component) => component.items.push(item),
            None => self.top.push(item),
        }
    }

    fn line(&mut self, line: Line<'a>) {
        if !line.has_value() && !line.is_blank() {
            self.note("missing_colon", || {
                format!("The line {:?} has no colon.", shown(&line))
            });
        }
        self.add(Item::Line(line));
    }

    fn end(&mut self, line: Line<'a>) {
        let name = line.value_octets().trim_ascii().to_ascii_lowercase();
        let closes = self.open.iter().rposition(|component| {
            let own = component.begin.value_octets();
            own.trim_ascii().eq_ignore_ascii_case(&name)
        });
        let Some(closes) = closes else {
            self.note("stray_end", || {
                format!("{:?} ends nothing that is open.", shown(&line))
            });
            self.add(Item::Line(line));
            return;
        };
        while self.open.len() > closes + 1 {
            let Some(inner) = self.open.pop() else { break };
            let name = inner.name();
            self.note("missing_end", || format!("A {name} is never closed."));
            self.add(Item::Component(Box::new(inner)));
        }
        if let Some(mut component) = self.open.pop() {
            component.end = Some(line);
            self.add(Item::Component(Box::new(component)));
        }
    }

    fn note(&mut self, code: &'static str, detail: impl FnOnce() -> String) {
        if self.problems.len() < crate::problem::MAX_PROBLEMS {
            let line = self.position.line();
            note(&mut self.problems, line, code, detail());
        }
    }
}

/// Where the reader is, with the number of the physical line worked out only when asked for.
struct Position<'a> {
    text: &'a [u8],
    at: usize,
    counted: usize,
    line: u32,
}

impl Position<'_> {
    fn line(&mut self) -> u32 {
        let new = self.text.get(self.counted..self.at).unwrap_or_default();
        let ends = new.split(|octet| *octet == b'\n').count() - 1;
        self.line = self
            .line
            .saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.counted = self.at;
        self.line
    }
}

/// A line for a message: its beginning.
pub(crate) fn shown(line: &Line<'_>) -> String {
    String::from_utf8_lossy(&line.content())
        .chars()
        .take(60)
        .collect()
}
