//! The keys that secrets are sealed with: one primary, and older ones that still open.

use std::fmt;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER};
use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::id::random;

/// The keys of a store. What is new is sealed with the primary; the older ones only open. They are
/// never shown: `Debug` gives ids.
#[derive(Clone)]
pub struct Keys {
    primary: Key,
    older: Vec<Key>,
}

/// One key and its id.
#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    bytes: Arc<SecretBox<[u8; 32]>>,
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key is 32 bytes, written in base64")]
pub struct KeyError;

impl Keys {
    /// Takes the primary key.
    pub fn new(primary: [u8; 32]) -> Self {
        Self {
            primary: Key::new(primary),
            older: Vec::new(),
        }
    }

    /// Adds a key that secrets may still be sealed with.
    #[must_use]
    pub fn with_older(mut self, older: [u8; 32]) -> Self {
        self.older.push(Key::new(older));
        self
    }

    /// Reads the primary key from base64 (either alphabet, with or without padding).
    ///
    /// # Errors
    /// [`KeyError`] unless it is exactly 32 bytes.
    pub fn from_base64(primary: &SecretString) -> Result<Self, KeyError> {
        decode(primary).map(Self::new)
    }

    /// Adds an older key, from base64.
    ///
    /// # Errors
    /// [`KeyError`] unless it is exactly 32 bytes.
    pub fn with_older_base64(self, older: &SecretString) -> Result<Self, KeyError> {
        decode(older).map(|bytes| self.with_older(bytes))
    }

    /// Makes a new key, and its base64 text to be kept in a file.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn generate() -> Result<(Self, SecretString), StoreError> {
        let bytes: [u8; 32] = random()?;
        Ok((Self::new(bytes), SecretString::from(BASE64.encode(&bytes))))
    }

    /// The id of the primary key: the first four bytes of its SHA-256, in hexadecimal.
    pub fn primary_id(&self) -> &str {
        &self.primary.id
    }

    pub(crate) fn primary(&self) -> &Key {
        &self.primary
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.primary)
            .chain(&self.older)
            .find(|key| key.id == id)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("primary", &self.primary.id)
            .field("older", &self.older.iter().map(Key::id).collect::<Vec<_>>())
            .finish()
    }
}

impl Key {
    fn new(mut bytes: [u8; 32]) -> Self {
        let digest = Sha256::digest(bytes);
        let key = Self {
            id: HEXLOWER.encode(digest.get(..4).unwrap_or_default()),
            bytes: Arc::new(SecretBox::new(Box::new(bytes))),
        };
        bytes.zeroize();
        key
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        self.bytes.as_ref().expose_secret()
    }
}

fn decode(text: &SecretString) -> Result<[u8; 32], KeyError> {
    let text = text.expose_secret().trim().as_bytes();
    let mut decoded = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
        .iter()
        .find_map(|alphabet| alphabet.decode(text).ok())
        .ok_or(KeyError)?;
    let bytes = <[u8; 32]>::try_from(decoded.as_slice()).map_err(|_| KeyError);
    decoded.zeroize();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_reads_back() {
        let (keys, text) = Keys::generate().unwrap();
        let again = Keys::from_base64(&text).unwrap();
        assert_eq!(again.primary_id(), keys.primary_id());
    }

    #[test]
    fn anything_but_32_bytes_is_refused() {
        for text in ["", "AAAA", "not base64!", &BASE64.encode(&[0; 33])] {
            assert!(Keys::from_base64(&SecretString::from(text)).is_err());
        }
    }

    #[test]
    fn debug_shows_ids_only() {
        let shown = format!("{:?}", Keys::new([65; 32]).with_older([66; 32]));
        assert!(!shown.contains("65"), "{shown}");
        assert!(!shown.contains("AAAA"), "{shown}");
    }
}
