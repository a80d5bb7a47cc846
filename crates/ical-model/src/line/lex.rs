//! Cutting a text into lines, and undoing folds. Octets only; nothing here knows what a line says.

/// Gives the lines of a text, each with its folds and its line end.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    rest: &'a [u8],
    end: u8,
}

/// One line as it stands.
#[derive(Debug, Clone, Copy)]
pub struct RawLine<'a> {
    /// The physical octets, with folds and line end.
    pub octets: &'a [u8],
    /// Whether there is a fold in it.
    pub folded: bool,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        let end = if text.contains(&b'\n') { b'\n' } else { b'\r' };
        Self { rest: text, end }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = RawLine<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawLine<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut length = 0;
        let mut folded = false;
        loop {
            let ahead = self.rest.get(length..).unwrap_or_default();
            let Some(at) = ahead.iter().position(|octet| *octet == self.end) else {
                length = self.rest.len();
                break;
            };
            length += at + 1;
            match self.rest.get(length) {
                Some(b' ' | b'\t') => folded = true,
                _ => break,
            }
        }
        let (octets, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(RawLine { octets, folded })
    }
}

/// A physical line without its line end.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// Undoes the folds of one line and drops its line end.
pub(super) fn unfold(line: &[u8]) -> Vec<u8> {
    let end = if line.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut out = Vec::with_capacity(line.len());
    for (index, part) in line.split(|octet| *octet == end).enumerate() {
        let part = if index == 0 {
            part
        } else {
            // The one white space that marks the continuation; nothing after the last line end.
            part.get(1..).unwrap_or_default()
        };
        out.extend_from_slice(without_end(part));
    }
    out
}
