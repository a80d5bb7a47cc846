//! Secrets in requests: read straight into a type that does not print them.

use secrecy::SecretString;
use serde::{Deserialize as _, Deserializer};

/// For `#[serde(deserialize_with)]` on an optional secret.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
