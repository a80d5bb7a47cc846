//! How large an object may be before it is refused unread. What recurrences may cost is bounded
//! where they are expanded, in the engine.

/// Upper bounds for one object. An object over any of them is present but unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole text.
    pub bytes: usize,
    /// Content lines, all components together.
    pub lines: usize,
    /// Octets of one content line with its folds. An attachment inside the text is one line.
    pub line_bytes: usize,
    /// Components, nested ones included.
    pub components: usize,
    /// How deep components may be nested.
    pub depth: usize,
    /// EXDATEs, RDATEs and overrides of one series.
    pub exceptions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10_000_000,
            lines: 250_000,
            line_bytes: 8_000_000,
            components: 20_000,
            depth: 16,
            exceptions: 10_000,
        }
    }
}
