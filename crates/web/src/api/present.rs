//! Members of requests that null takes away and absence leaves as they are.

use serde::{Deserialize, Deserializer};

/// For `#[serde(deserialize_with)]`: tells `null` from absent.
#[expect(
    clippy::option_option,
    reason = "a member that is null takes a value away, one that is missing leaves it"
)]
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
