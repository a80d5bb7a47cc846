//! The pure core of a two-sided calendar sync.

pub mod guard;
pub mod identity;
pub mod mirror;
pub mod model;
pub mod observation;
pub mod plan;
pub mod ports;
pub mod projection;
pub mod recurrence;
pub mod report;
pub mod row;
