//! Secrets in requests: read straight into a type that does not print them.

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};

/// For `#[serde(deserialize_with)]` on an optional secret.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer)
        .map(|secret| secret.map(SecretString::from))
        // Serde's own words would repeat what was sent.
        .map_err(|_| D::Error::custom("a text is expected"))
}
