//! What was not understood while reading went on. A problem never stops anything; what does is a
//! [`ReadError`](crate::ReadError).

/// How many problems of one object are kept; the rest would say nothing new.
pub(crate) const MAX_PROBLEMS: usize = 100;

/// One thing that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Physical line it begins on, from 1; 0 where no line stands for it.
    pub line: u32,
    /// Stable code, snake case.
    pub code: &'static str,
    /// One plain sentence.
    pub detail: String,
}

/// Collects problems up to [`MAX_PROBLEMS`].
pub(crate) fn note(problems: &mut Vec<Problem>, line: u32, code: &'static str, detail: String) {
    if problems.len() < MAX_PROBLEMS {
        problems.push(Problem { line, code, detail });
    }
}
