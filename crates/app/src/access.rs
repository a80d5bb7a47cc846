//! Who may come in: API keys and browser sessions. Only hashes are stored; comparison is by hash, in
//! constant time.

mod keys;
mod sessions;

pub use keys::{ADMIN_KEY, Grant, KeyView, NewKey, fresh_key};
pub use sessions::{Session, SessionView, Visitor};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest as _, Sha256};
use store::records::Hash;

use crate::error::{Kind, UserError};

/// What generated keys begin with, so that secret scanners know them.
pub const KEY_PREFIX: &str = "caldav-sync_";

/// SHA-256 of what a visitor carries.
pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// A fresh random text of so many bytes, base64url.
pub fn random(bytes: usize) -> Result<String, UserError> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).map_err(|_| {
        UserError::new(
            Kind::Internal,
            "no_randomness",
            "No randomness",
            "The system gives no random numbers.",
            "Restart the machine or the container; nothing secret can be made without them.",
        )
    })?;
    Ok(BASE64URL_NOPAD.encode(&buffer))
}

/// A hash for logs and cookies' names, never reversible.
pub fn fingerprint(text: &str) -> String {
    HEXLOWER.encode(hash(text).get(..8).unwrap_or_default())
}
