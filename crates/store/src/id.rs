//! Opaque ids: a prefix that says what it names, and 60 random bits that say nothing.

use data_encoding::BASE32_NOPAD;

use crate::error::StoreError;

/// Makes an id such as `map_k3v9q2xw7b4m`.
pub(crate) fn new_id(prefix: &str) -> Result<String, StoreError> {
    let bytes: [u8; 8] = random()?;
    let mut text = BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
    text.truncate(12);
    Ok(format!("{prefix}_{text}"))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_prefix_and_differ() {
        let one = new_id("map").unwrap();
        assert_eq!(one.len(), 16);
        assert!(one.starts_with("map_"));
        assert_ne!(one, new_id("map").unwrap());
    }
}
