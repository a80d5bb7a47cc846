//! Opaque signed tokens: page tokens and sync tokens. The client cannot read
//! or make them, so a mangled one is always noticed.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

const TAG: usize = 12;

/// Where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageToken {
    /// `page`, so that no token passes for another kind.
    pub(super) kind: String,
    /// What is being paged: method, account, calendar.
    pub(super) of: String,
    /// Hash of the whole query.
    pub(super) query: String,
    /// Change log position at the first page.
    pub(super) seq: u64,
    /// The last item of the page before.
    pub(super) after: (i64, String),
}

/// What the client has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SyncToken {
    pub(super) kind: String,
    pub(super) of: String,
    /// The calendar's generation and the account's access epoch.
    pub(super) generation: u64,
    pub(super) epoch: u64,
    /// Hash of what must stay the same between requests.
    pub(super) query: String,
    pub(super) seq: u64,
    /// Milliseconds.
    pub(super) issued: i64,
    /// `timeMin` and `timeMax` of the first list.
    pub(super) window: (Option<String>, Option<String>),
    /// Set when `/_sim/expire-tokens` was called this often.
    pub(super) expiry: u64,
}

/// Signs and encodes.
pub(super) fn seal<T: Serialize>(key: &[u8; 32], token: &T) -> String {
    let payload = serde_json::to_vec(token).unwrap_or_default();
    let mut out = tag(key, &payload);
    out.extend_from_slice(&payload);
    BASE64URL_NOPAD.encode(&out)
}

/// Decodes what [`seal`] made with the same key.
pub(super) fn open<T: DeserializeOwned>(key: &[u8; 32], text: &str) -> Option<T> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (given, payload) = bytes.split_at_checked(TAG)?;
    if given != tag(key, payload) {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

fn tag(key: &[u8; 32], payload: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(payload);
    let mut out = mac.finalize().into_bytes().to_vec();
    out.truncate(TAG);
    out
}

/// A short hash of a canonical query.
pub(super) fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    BASE64URL_NOPAD.encode(hash.get(..9).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_as_it_was_sealed() {
        let token = PageToken {
            kind: "page".into(),
            of: "x".into(),
            query: digest("q"),
            seq: 7,
            after: (1, "abcde".into()),
        };
        let text = seal(&[1; 32], &token);
        assert_eq!(open::<PageToken>(&[1; 32], &text), Some(token));
        assert_eq!(open::<PageToken>(&[2; 32], &text), None);
        assert_eq!(open::<SyncToken>(&[1; 32], &text), None);
        let mut mangled = text.into_bytes();
        mangled[20] ^= 1;
        let mangled = String::from_utf8(mangled).unwrap();
        assert_eq!(open::<PageToken>(&[1; 32], &mangled), None);
        assert_eq!(
            open::<PageToken>(&[1; 32], "CPDAlvWDx70CEPDAlvWDx70CGAU="),
            None
        );
    }
}
