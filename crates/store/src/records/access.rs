//! Who may come in: API keys, browser sessions, sign-ins under way. Only hashes of what a visitor
//! carries are stored.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What a key is good for; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// To look at everything but keys, and change nothing.
    Read,
    /// To start runs as well.
    Sync,
    /// Everything.
    Admin,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, `key_…`.
    pub id: String,
    /// What people call it; unique.
    pub name: String,
    /// What it is good for.
    pub scope: KeyScope,
    /// SHA-256 of the key.
    pub hash: Hash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the hour or so: see [`Db::touch_api_key`](crate::Db).
    pub used_at: Option<Timestamp>,
    /// When it was revoked; it lets nobody in since.
    pub revoked_at: Option<Timestamp>,
}

/// A signed-in browser.
#[derive(Clone, PartialEq, Eq)]
pub struct UiSession {
    /// SHA-256 of the id in its cookie.
    pub hash: Hash,
    /// The key it signed in with; with that key the session ends.
    pub key_id: String,
    /// The token its forms carry.
    pub csrf: String,
    /// The address it signed in from, for people to recognise it by.
    pub address: String,
    /// What the browser calls itself, for the same.
    pub agent: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

// Neither its token nor where somebody sits.
impl fmt::Debug for UiSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UiSession")
            .field("key_id", &self.key_id)
            .field("created_at", &self.created_at)
            .field("seen_at", &self.seen_at)
            .finish_non_exhaustive()
    }
}

/// A sign-in with Google that has begun.
#[derive(Debug, Clone)]
pub struct OauthState {
    /// SHA-256 of `state`.
    pub hash: Hash,
    /// The PKCE verifier; stored sealed.
    pub verifier: SecretString,
    /// SHA-256 of what ties it to the browser that began it.
    pub session_hash: Hash,
    /// The redirect URI that was sent, to be sent again.
    pub redirect_uri: String,
    /// It is worth nothing from then on.
    pub expires_at: Timestamp,
}
