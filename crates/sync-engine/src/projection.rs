//! What a mapping lets through to a side: privacy, declined and private events, that side's zone
//! for floating times. What comes out is another type than a full series, so that a stripped field
//! cannot reach a writer by another road.

pub mod expand;
pub mod privacy;
mod shape;

pub use privacy::{Declined, Privacy, PrivateEvents, Template};
pub use shape::{Projection, Shaped};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::Series;

/// A series as the target may know it. Made by a [`Projection`] only, read back from an intent that
/// one made, or put together from what the target shows and what a projection let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Projected(#[serde(with = "shared")] Arc<Series>);

/// A plan has a step for each exception, and each step has the series: one for all of them.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::Series;

    pub(super) fn serialize<S: Serializer>(
        series: &Arc<Series>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Series::serialize(series, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Series>, D::Error> {
        Series::deserialize(deserializer).map(Arc::new)
    }
}

impl Projected {
    /// What a projection made, or what a target shows already with what one let through laid over
    /// it. Whoever calls this vouches that nothing else is in it.
    pub(crate) fn of_target(series: Series) -> Self {
        Self(Arc::new(series))
    }

    /// The series to write. `Fields::sensitivity` is the visibility wanted of the copy;
    /// `Fields::declined` is never set.
    pub fn series(&self) -> &Series {
        &self.0
    }
}
