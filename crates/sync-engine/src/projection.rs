//! What a mapping lets through to a side: privacy, declined and private events, that side's zone
//! for floating times. What comes out is another type than a full series, so that a stripped field
//! cannot reach a writer by another road.

pub mod expand;
pub mod privacy;
mod shape;

pub use privacy::{Declined, Privacy, PrivateEvents, Template};
pub use shape::{Projection, Shaped};

use serde::{Deserialize, Serialize};

use crate::model::Series;

/// A series as the target may know it. Made by a [`Projection`] only (and read back from an intent
/// that one made).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Projected(Box<Series>);

impl Projected {
    /// The series to write. `Fields::sensitivity` is the visibility wanted of the copy;
    /// `Fields::declined` is never set.
    pub fn series(&self) -> &Series {
        &self.0
    }
}
