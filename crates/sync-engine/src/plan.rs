//! The planner: a pure function from what was seen and what was agreed to an ordered list of writes.

pub mod operation;
