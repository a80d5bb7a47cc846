//! How long things are kept, and what went.

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days that ended runs with their events and images for undoing, decided conflicts and
    /// messages to webhooks are kept.
    pub run_days: u32,
    /// Most runs that wrote something, and most that wrote nothing; most decided conflicts.
    pub runs: u32,
    /// Days that the mirror remembers what is gone and no row links any more.
    pub gone_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            run_days: 90,
            runs: 10_000,
            gone_days: 60,
        }
    }
}

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Runs, each with its events and images.
    pub runs: usize,
    /// Decided conflicts.
    pub conflicts: usize,
    /// Messages to webhooks.
    pub messages: usize,
    /// Resources that had been gone for long.
    pub gone: usize,
}
