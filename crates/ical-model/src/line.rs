//! One content line (RFC 5545 section 3.1) as it stands in the text: folds, line end, quoting and
//! all. Reading takes views of it; an edit replaces the whole line.
//!
//! A [`Line`] holds its *physical* octets, borrowed from the text that was read or owned if it was
//! written here, and where in them the name ends and the value begins. Unfolding, parameters and
//! escapes are worked out when somebody asks. So an untouched line costs nothing and comes out as
//! it came in. Decisions:
//!
//! * A line ends with LF, and any CRs before it belong to the line end. A text without a single LF
//!   is read with CR as line end.
//! * Folds are undone on octets, so one inside a UTF-8 character does no harm.
//! * A quote opens a quoted parameter value only directly after `=` or `,`; one that is never closed
//!   is an ordinary character.
//! * Values are octets. Where text is asked for and they are no UTF-8, the bad ones are replaced;
//!   the octets stay as they are in the text.

mod fold;
mod lex;
mod param;
pub mod text;

use std::borrow::Cow;

pub use lex::Lexer;
pub use param::{Param, ParamValue};

pub(crate) use fold::fold_into;
pub(crate) use param::write_value;

/// Stands for "there is no colon".
const NO_VALUE: u32 = u32::MAX;

/// One content line.
#[derive(Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The physical octets with folds and line end.
    raw: Cow<'a, [u8]>,
    /// Where the name ends, in the unfolded line.
    name_end: u32,
    /// Where the value begins, in the unfolded line; [`NO_VALUE`] without a colon.
    value_start: u32,
    /// Whether there is a fold anywhere.
    folded: bool,
    /// Whether there is a fold before the value begins.
    header_folded: bool,
}

impl<'a> Line<'a> {
    /// Takes one line with its folds and line end, as [`Lexer`] gives it.
    pub fn parse(raw: &'a [u8], folded: bool) -> Self {
        Self::from_raw(Cow::Borrowed(raw), folded)
    }

    fn from_raw(raw: Cow<'a, [u8]>, folded: bool) -> Self {
        if folded {
            // Nearly always the fold is in the value: look at the first physical line first.
            let first = raw
                .iter()
                .position(|octet| matches!(octet, b'\n' | b'\r'))
                .unwrap_or(raw.len());
            if let Some(header) = raw.get(..first).and_then(|part| header_of(part, false)) {
                return Self {
                    name_end: header.name_end,
                    value_start: header.value_start,
                    raw,
                    folded,
                    header_folded: false,
                };
            }
            let whole = lex::unfold(&raw);
            let header = header_of(&whole, true).unwrap_or_default();
            return Self {
                name_end: header.name_end,
                value_start: header.value_start,
                raw,
                folded,
                header_folded: true,
            };
        }
        let content = lex::without_end(&raw);
        let header = header_of(content, true).unwrap_or_default();
        Self {
            name_end: header.name_end,
            value_start: header.value_start,
            raw,
            folded,
            header_folded: false,
        }
    }

    /// Writes a line: `header` (name and parameters) and value, folded, with CRLF. Line ends inside
    /// are dropped, for they would begin another line.
    pub fn build(header: &[u8], value: &[u8]) -> Line<'static> {
        let mut content = Vec::with_capacity(header.len() + value.len() + 1);
        let plain = |octet: &u8| !matches!(octet, b'\n' | b'\r');
        content.extend(header.iter().copied().filter(plain));
        content.push(b':');
        content.extend(value.iter().copied().filter(plain));
        let mut raw = Vec::with_capacity(content.len() + content.len() / 24 + 2);
        let folded = fold_into(&mut raw, &content);
        Line::from_raw(Cow::Owned(raw), folded)
    }

    /// The physical octets, with folds and line end.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The unfolded line without its line end.
    pub fn content(&self) -> Cow<'_, [u8]> {
        if self.folded {
            Cow::Owned(lex::unfold(&self.raw))
        } else {
            Cow::Borrowed(lex::without_end(&self.raw))
        }
    }

    /// Whether there is nothing on it.
    pub fn is_blank(&self) -> bool {
        self.content().trim_ascii().is_empty()
    }

    /// Whether its name is `name`, ASCII case ignored.
    pub fn is(&self, name: &str) -> bool {
        if self.header_folded {
            return self.header_name().eq_ignore_ascii_case(name.as_bytes());
        }
        // The usual case without looking for white space around the name.
        let own = self.raw.get(..self.name_end as usize).unwrap_or_default();
        own.eq_ignore_ascii_case(name.as_bytes())
            || own.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
    }

    /// The name as written, lossily as text.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.header_name()).into_owned()
    }

    fn header_name(&self) -> Cow<'_, [u8]> {
        fn cut(content: &[u8], end: u32) -> &[u8] {
            content.get(..end as usize).unwrap_or(content).trim_ascii()
        }
        if self.header_folded {
            Cow::Owned(cut(&self.content(), self.name_end).to_vec())
        } else {
            Cow::Borrowed(cut(&self.raw, self.name_end))
        }
    }

    /// Whether there is a colon, and so a value.
    pub fn has_value(&self) -> bool {
        self.value_start != NO_VALUE
    }

    /// The value's octets, still escaped; empty without a colon.
    pub fn value_octets(&self) -> Cow<'_, [u8]> {
        if !self.has_value() {
            return Cow::Borrowed(&[]);
        }
        let start = self.value_start as usize;
        if self.header_folded {
            return Cow::Owned(self.content().get(start..).unwrap_or_default().to_vec());
        }
        let rest = self.raw.get(start..).unwrap_or_default();
        if self.folded {
            Cow::Owned(lex::unfold(rest))
        } else {
            Cow::Borrowed(lex::without_end(rest))
        }
    }

    /// The value as text, still escaped. Octets that are no UTF-8 are replaced.
    pub fn value(&self) -> Cow<'_, str> {
        match self.value_octets() {
            Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
            Cow::Owned(octets) => Cow::Owned(match String::from_utf8(octets) {
                Ok(text) => text,
                Err(bad) => String::from_utf8_lossy(bad.as_bytes()).into_owned(),
            }),
        }
    }

    /// Whether the line is UTF-8.
    pub fn is_utf8(&self) -> bool {
        if self.folded {
            std::str::from_utf8(&self.content()).is_ok()
        } else {
            std::str::from_utf8(&self.raw).is_ok()
        }
    }

    /// Name and parameters: what stands before the colon.
    pub fn header(&self) -> Vec<u8> {
        let content = self.content();
        let end = if self.has_value() {
            (self.value_start as usize).saturating_sub(1)
        } else {
            content.len()
        };
        content.get(..end).unwrap_or_default().to_vec()
    }

    /// All parameters, in order.
    pub fn parameters(&self) -> Vec<Param> {
        let content = self.content();
        let end = if self.has_value() {
            (self.value_start as usize).saturating_sub(1)
        } else {
            content.len()
        };
        let header = content.get(self.name_end as usize..end).unwrap_or_default();
        param::parameters(header)
    }

    /// The first parameter of this name, ASCII case ignored.
    pub fn parameter(&self, name: &str) -> Option<Param> {
        // Most lines have none: do not unfold for them.
        if self.has_value() && self.value_start == self.name_end + 1 {
            return None;
        }
        self.parameters()
            .into_iter()
            .find(|parameter| parameter.is(name))
    }

    /// The first value of the first parameter of this name, decoded.
    pub fn parameter_text(&self, name: &str) -> Option<String> {
        Some(self.parameter(name)?.values.first()?.text())
    }

    /// Makes the line independent of the text it was read from.
    pub fn into_owned(self) -> Line<'static> {
        Line {
            raw: Cow::Owned(self.raw.into_owned()),
            name_end: self.name_end,
            value_start: self.value_start,
            folded: self.folded,
            header_folded: self.header_folded,
        }
    }
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({:?})", String::from_utf8_lossy(&self.raw))
    }
}

/// Where a line's parts are.
#[derive(Debug, Clone, Copy)]
struct Header {
    name_end: u32,
    value_start: u32,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            name_end: 0,
            value_start: NO_VALUE,
        }
    }
}

/// Finds name and value. With `whole` unset, `content` is only the beginning of a line: then `None`
/// says that the colon is not in it.
fn header_of(content: &[u8], whole: bool) -> Option<Header> {
    let at = |position: usize| u32::try_from(position).unwrap_or(NO_VALUE - 1);
    let name_end = content
        .iter()
        .position(|octet| matches!(octet, b':' | b';'));
    let Some(name_end) = name_end else {
        return whole.then(|| Header {
            name_end: at(content.len()),
            value_start: NO_VALUE,
        });
    };
    if content.get(name_end) == Some(&b':') {
        return Some(Header {
            name_end: at(name_end),
            value_start: at(name_end + 1),
        });
    }
    match param::header_end(content, name_end, whole) {
        Some(colon) => Some(Header {
            name_end: at(name_end),
            value_start: at(colon + 1),
        }),
        None => whole.then(|| Header {
            name_end: at(name_end),
            value_start: NO_VALUE,
        }),
    }
}

#[cfg(test)]
mod tests;
