//! Who may come in: API keys, browser sessions, sign-ins under way. Only hashes of what a visitor
//! carries are stored.

use secrecy::SecretString;
use sync_engine::model::time::Timestamp;

/// A SHA-256.
pub type Hash = [u8; 32];

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, `key_…`.
    pub id: String,
    /// What people call it; unique.
    pub name: String,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiSession {
    /// SHA-256 of the id in its cookie.
    pub hash: Hash,
    /// The token its forms carry.
    pub csrf: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
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
