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
    /// Octets of a UID: it is kept wherever the event is named.
    pub uid_bytes: usize,
    /// EXDATEs and RDATEs of one series.
    pub exceptions: usize,
    /// Overrides of one series. Where exceptions stand apart each is a write of its own, and each
    /// write keeps the whole series for the case of a crash.
    pub overrides: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10_000_000,
            lines: 250_000,
            line_bytes: 8_000_000,
            components: 20_000,
            depth: 16,
            uid_bytes: 2_000,
            exceptions: 10_000,
            overrides: 1_000,
        }
    }
}
