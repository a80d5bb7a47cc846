//! The pure core of a two-sided calendar sync.

pub mod diff;
pub mod guard;
pub mod identity;
pub mod mapping;
pub mod memory;
pub mod mirror;
pub mod model;
pub mod observation;
pub mod plan;
pub mod ports;
pub mod projection;
pub mod recurrence;
pub mod report;
pub mod row;
pub mod run;
mod sided;
pub mod snapshot;
