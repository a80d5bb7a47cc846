//! The edges of the engine as small traits: two sides, a store, a clock. The engine calls them; the
//! client crates and the store implement them. No runtime is assumed.

pub mod side;
pub mod store;

pub use side::{
    Capabilities, Change, ComponentChange, Create, ErrorClass, Listed, Listing, Recurring, Remove,
    Resource, SideError, SidePort, Target, Update, Written,
};

use crate::model::time::Timestamp;

/// Tells the time. The run asks once at its start and once when it ends.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}
