//! Who may come in: API keys and browser sessions. Only hashes are stored; comparison is by hash, in
//! constant time.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use store::records::{Hash, UiSession};
use subtle::ConstantTimeEq as _;
use sync_engine::model::time::Timestamp;

use crate::error::{Kind, UserError};
use crate::service::App;

/// What generated keys begin with, so that secret scanners know them.
pub const KEY_PREFIX: &str = "caldav-sync_";
/// The key that the first start makes, or that `API_KEY` sets.
const ADMIN_KEY: &str = "admin";
/// A session ends after so long without use.
const IDLE: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
/// A session ends after so long in any case.
const ABSOLUTE: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// A browser that has signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Goes into its cookie.
    pub id: SecretString,
    /// Goes into its forms.
    pub csrf: String,
}

impl App {
    /// Makes sure that there is a key. Returns it only when it was made just now: it is shown once
    /// and never again. `given` (`API_KEY`) takes the place of a generated one.
    pub async fn ensure_key(
        &self,
        given: Option<&SecretString>,
    ) -> Result<Option<SecretString>, UserError> {
        let now = self.now();
        if let Some(given) = given {
            let hash = hash(given.expose_secret());
            self.inner.db.put_api_key(ADMIN_KEY, &hash, now).await?;
            return Ok(None);
        }
        let keys = self.inner.db.api_keys().await?;
        if keys.iter().any(|key| key.revoked_at.is_none()) {
            return Ok(None);
        }
        let key = SecretString::from(format!("{KEY_PREFIX}{}", random(32)?));
        self.inner
            .db
            .put_api_key(ADMIN_KEY, &hash(key.expose_secret()), now)
            .await?;
        Ok(Some(key))
    }

    /// Whether this is a key that lets in.
    pub async fn is_key(&self, key: &str) -> Result<bool, UserError> {
        if key.is_empty() || key.len() > 512 {
            return Ok(false);
        }
        let given = hash(key);
        let mut found = None;
        for stored in self.inner.db.api_keys().await? {
            // Every key is looked at, so that time tells nothing about which one fits.
            if bool::from(stored.hash.ct_eq(&given)) && stored.revoked_at.is_none() {
                found = Some(stored);
            }
        }
        let Some(key) = found else {
            return Ok(false);
        };
        let now = self.now();
        let hour = jiff::SignedDuration::from_hours(1);
        if key
            .used_at
            .is_none_or(|used| now.duration_since(used) > hour)
        {
            self.inner.db.touch_api_key(&key.id, now).await?;
        }
        Ok(true)
    }

    /// Begins a browser session.
    pub async fn begin_session(&self) -> Result<Session, UserError> {
        let now = self.now();
        self.inner
            .db
            .prune_access(before(now, ABSOLUTE), before(now, IDLE), now)
            .await?;
        let session = Session {
            id: SecretString::from(random(32)?),
            csrf: random(24)?,
        };
        self.inner
            .db
            .add_session(UiSession {
                hash: hash(session.id.expose_secret()),
                csrf: session.csrf.clone(),
                created_at: now,
                seen_at: now,
            })
            .await?;
        Ok(session)
    }

    /// The session of a cookie, if it still holds: its token for forms.
    pub async fn session(&self, id: &str) -> Result<Option<String>, UserError> {
        if id.is_empty() || id.len() > 256 {
            return Ok(None);
        }
        let hash = hash(id);
        let Some(session) = self.inner.db.session(&hash).await? else {
            return Ok(None);
        };
        let now = self.now();
        if session.created_at < before(now, ABSOLUTE) || session.seen_at < before(now, IDLE) {
            self.inner.db.delete_session(&hash).await?;
            return Ok(None);
        }
        if now.duration_since(session.seen_at) > jiff::SignedDuration::from_mins(5) {
            self.inner.db.touch_session(&hash, now).await?;
        }
        Ok(Some(session.csrf))
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<(), UserError> {
        Ok(self.inner.db.delete_session(&hash(id)).await?)
    }
}

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

fn before(now: Timestamp, span: jiff::SignedDuration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}
