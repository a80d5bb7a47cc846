//! API keys: the first one, named ones, what each is good for.

use std::sync::atomic::Ordering;

use secrecy::{ExposeSecret as _, SecretString};
use store::records::{ApiKey, Hash, KeyScope};
use subtle::ConstantTimeEq as _;
use sync_engine::model::time::Timestamp;

use super::{KEY_PREFIX, hash, random};
use crate::error::{Kind, UserError};
use crate::service::App;

/// The name of the key that the first start makes, or that `API_KEY` sets.
pub const ADMIN_KEY: &str = "admin";
/// Random bytes in a key: 256 bits.
const KEY_BYTES: usize = 32;
/// Keys at once: each request compares all of them.
const MOST_KEYS: usize = 100;
/// Characters of a key's name.
const LONGEST_NAME: usize = 100;
/// An `API_KEY` shorter than this can be guessed.
const SHORT: usize = 20;

/// What a key or a session lets its bearer do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The key's id.
    pub key_id: String,
    /// What it is good for.
    pub scope: KeyScope,
}

/// A key as it is shown: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is good for.
    pub scope: KeyScope,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub used_at: Option<Timestamp>,
    /// `API_KEY` sets it: it cannot be revoked here.
    pub managed: bool,
}

/// A key that was made just now.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// How it will be shown from now on.
    pub view: KeyView,
    /// The key: shown this once.
    pub key: SecretString,
}

impl App {
    /// Whether the key for everything is one that somebody chose so short that it can be guessed: then
    /// whoever sent wrong ones waits before any other is looked at.
    pub fn key_is_short(&self) -> bool {
        self.inner.key_is_short.load(Ordering::Relaxed)
    }

    /// Makes sure that there is a key for everything. Returns it only when it was made just now: it
    /// is shown once and never again. `given` (`API_KEY`) takes the place of a generated one; a
    /// change of it ends the sessions begun with the one before.
    pub async fn ensure_key(
        &self,
        given: Option<&SecretString>,
    ) -> Result<Option<SecretString>, UserError> {
        let now = self.now();
        self.inner
            .key_is_given
            .store(given.is_some(), Ordering::Relaxed);
        let short = given.is_some_and(|given| given.expose_secret().len() < SHORT);
        self.inner.key_is_short.store(short, Ordering::Relaxed);
        if short {
            tracing::warn!(
                "API_KEY is short and may be guessed: `openssl rand -base64 32` makes a good one"
            );
        }
        if let Some(given) = given {
            self.inner
                .db
                .put_api_key(ADMIN_KEY, &hash(given.expose_secret()), now)
                .await?;
            return Ok(None);
        }
        if admins(&self.inner.db.api_keys().await?).next().is_some() {
            return Ok(None);
        }
        let key = fresh()?;
        self.inner
            .db
            .put_api_key(ADMIN_KEY, &hash(key.expose_secret()), now)
            .await?;
        Ok(Some(key))
    }

    /// What a key lets do; `None` for what is no key of ours.
    pub async fn grant(&self, key: &str) -> Result<Option<Grant>, UserError> {
        let given = hash(key);
        let mut found = None;
        for stored in self.inner.db.api_keys().await? {
            // Every key is looked at, so that time tells nothing about which one fits.
            if bool::from(stored.hash.ct_eq(&given)) && stored.revoked_at.is_none() {
                found = Some(stored);
            }
        }
        let Some(key) = found else {
            return Ok(None);
        };
        let now = self.now();
        let hour = jiff::SignedDuration::from_hours(1);
        if key
            .used_at
            .is_none_or(|used| now.duration_since(used) > hour)
        {
            self.inner.db.touch_api_key(&key.id, now).await?;
        }
        Ok(Some(Grant {
            key_id: key.id,
            scope: key.scope,
        }))
    }

    /// All keys that let in, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeyView>, UserError> {
        let keys = self.inner.db.api_keys().await?;
        Ok(live(&keys).map(|key| self.view(key)).collect())
    }

    /// Makes a key. This is the one time that anybody sees it.
    pub async fn make_key(&self, name: &str, scope: KeyScope) -> Result<NewKey, UserError> {
        let name = checked_name(name)?;
        if live(&self.inner.db.api_keys().await?).count() >= MOST_KEYS {
            return Err(UserError::new(
                Kind::Conflict,
                "too_many_keys",
                "Too many keys",
                format!("There are {MOST_KEYS} keys already."),
                "Revoke keys that nobody uses any more.",
            ));
        }
        let key = fresh()?;
        let made = self
            .inner
            .db
            .add_api_key(name, scope, &hash(key.expose_secret()), self.now())
            .await?;
        tracing::info!(key_id = %made.id, scope = ?scope, "an API key was made");
        Ok(NewKey {
            view: self.view(&made),
            key,
        })
    }

    /// Revokes a key: it lets nobody in any more, and the sessions begun with it end.
    pub async fn revoke_key(&self, id: &str) -> Result<(), UserError> {
        let keys = self.inner.db.api_keys().await?;
        let key = live(&keys)
            .find(|key| key.id == id)
            .ok_or_else(|| UserError::not_found("API key", id))?;
        if self.view(key).managed {
            return Err(UserError::new(
                Kind::Conflict,
                "key_managed",
                "The key is set by API_KEY",
                "This key comes from API_KEY and would be back at the next start.",
                "Set another API_KEY and restart.",
            ));
        }
        if key.scope == KeyScope::Admin && admins(&keys).count() == 1 {
            return Err(last_key());
        }
        // Two of them may be revoked at once: the store looks again.
        if !self.inner.db.revoke_api_key(id, self.now()).await? {
            return Err(last_key());
        }
        tracing::info!(key_id = %id, "an API key was revoked");
        Ok(())
    }

    fn view(&self, key: &ApiKey) -> KeyView {
        KeyView {
            id: key.id.clone(),
            name: key.name.clone(),
            scope: key.scope,
            created_at: key.created_at,
            used_at: key.used_at,
            managed: key.name == ADMIN_KEY && self.inner.key_is_given.load(Ordering::Relaxed),
        }
    }
}

fn live(keys: &[ApiKey]) -> impl Iterator<Item = &ApiKey> {
    keys.iter().filter(|key| key.revoked_at.is_none())
}

fn admins(keys: &[ApiKey]) -> impl Iterator<Item = &ApiKey> {
    live(keys).filter(|key| key.scope == KeyScope::Admin)
}

fn last_key() -> UserError {
    UserError::new(
        Kind::Conflict,
        "last_key",
        "This is the last key for everything",
        "Without it nobody could change anything any more.",
        "Make another key with the scope \"admin\" first.",
    )
}

/// A new key, and what is stored of it.
pub fn fresh_key() -> Result<(SecretString, Hash), UserError> {
    let key = fresh()?;
    let hash = hash(key.expose_secret());
    Ok((key, hash))
}

fn fresh() -> Result<SecretString, UserError> {
    Ok(SecretString::from(format!(
        "{KEY_PREFIX}{}",
        random(KEY_BYTES)?
    )))
}

fn checked_name(name: &str) -> Result<&str, UserError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(UserError::invalid("name", "Enter a name for the key."));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(UserError::invalid(
            "name",
            format!("A name has at most {LONGEST_NAME} characters, on one line."),
        ));
    }
    Ok(name)
}
