//! The pure core of a two-sided calendar sync.

pub mod model;
pub mod recurrence;
