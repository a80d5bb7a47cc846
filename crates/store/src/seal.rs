//! Secrets at rest: XChaCha20-Poly1305 over each secret column, bound to its table, column and row.
//!
//! A sealed value is the text `v1.<key id>.<nonce>.<ciphertext>` (base64url without padding). Its
//! associated data is `table|column|row id`, so a value copied into another row does not open. Who
//! may open what is decided by the callers in this crate.

pub(crate) mod canary;
pub(crate) mod columns;
mod keys;
mod rekey;

pub use keys::{KeyError, Keys};
pub use rekey::rekey;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::StoreError;
use crate::id::random;
use columns::Column;
use keys::Key;

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;

impl Keys {
    /// Seals `secret` for one cell, with the primary key.
    pub(crate) fn seal(
        &self,
        column: Column,
        row: &str,
        secret: &SecretString,
    ) -> Result<String, StoreError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let key = self.primary();
        let ciphertext = cipher(key)
            .encrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: secret.expose_secret().as_bytes(),
                    aad: column.associated(row).as_bytes(),
                },
            )
            .map_err(|_| column.unsealable())?;
        Ok(format!(
            "{VERSION}.{}.{}.{}",
            key.id(),
            BASE64URL_NOPAD.encode(&nonce),
            BASE64URL_NOPAD.encode(&ciphertext)
        ))
    }

    /// Opens the sealed text of one cell.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] when it was sealed with a key that is not here,
    /// [`StoreError::Unsealable`] when it was altered or belongs to another cell.
    pub(crate) fn open(
        &self,
        column: Column,
        row: &str,
        sealed: &str,
    ) -> Result<SecretString, StoreError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(key_id), Some(nonce), Some(ciphertext), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(column.unsealable());
        };
        let key = self.by_id(key_id).ok_or_else(|| StoreError::WrongKey {
            key_id: key_id.to_owned(),
        })?;
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let (Some(nonce), Some(ciphertext)) = (decode(nonce), decode(ciphertext)) else {
            return Err(column.unsealable());
        };
        if nonce.len() != NONCE_BYTES {
            return Err(column.unsealable());
        }
        let plain = cipher(key)
            .decrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: &ciphertext,
                    aad: column.associated(row).as_bytes(),
                },
            )
            .map_err(|_| column.unsealable())?;
        String::from_utf8(plain)
            .map(SecretString::from)
            .map_err(|_| column.unsealable())
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use columns::{CALDAV_PASSWORD, WEBHOOK_SECRET};
    use proptest::prelude::*;

    fn keys(byte: u8) -> Keys {
        Keys::new([byte; 32])
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_own_cell_only(text in ".{0,200}", row in "[a-z_0-9]{1,20}") {
            let keys = keys(7);
            let secret = SecretString::from(text.clone());
            let sealed = keys.seal(CALDAV_PASSWORD, &row, &secret).unwrap();
            let opened = keys.open(CALDAV_PASSWORD, &row, &sealed).unwrap();
            prop_assert_eq!(opened.expose_secret(), text.as_str());
            prop_assert!(keys.open(CALDAV_PASSWORD, "other row", &sealed).is_err());
            prop_assert!(keys.open(WEBHOOK_SECRET, &row, &sealed).is_err());
        }

        #[test]
        fn damaged_text_is_an_error(text in "\\PC{0,80}") {
            prop_assert!(keys(7).open(CALDAV_PASSWORD, "row", &text).is_err());
        }
    }

    #[test]
    fn an_altered_value_does_not_open() {
        let keys = keys(7);
        let sealed = keys
            .seal(CALDAV_PASSWORD, "row", &SecretString::from("hunter2"))
            .unwrap();
        let last = if sealed.ends_with('A') { "B" } else { "A" };
        let altered = format!("{}{last}", &sealed[..sealed.len() - 1]);
        assert!(keys.open(CALDAV_PASSWORD, "row", &altered).is_err());
    }

    #[test]
    fn a_missing_key_is_named() {
        let sealed = keys(1)
            .seal(CALDAV_PASSWORD, "row", &SecretString::from("hunter2"))
            .unwrap();
        let error = keys(2).open(CALDAV_PASSWORD, "row", &sealed).unwrap_err();
        assert!(matches!(error, StoreError::WrongKey { key_id } if key_id == keys(1).primary_id()));
    }

    #[test]
    fn an_older_key_still_opens() {
        let sealed = keys(1)
            .seal(CALDAV_PASSWORD, "row", &SecretString::from("hunter2"))
            .unwrap();
        let both = keys(2).with_older([1; 32]);
        assert!(both.open(CALDAV_PASSWORD, "row", &sealed).is_ok());
    }
}
