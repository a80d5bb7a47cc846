//! Browser sessions: begun with a key, ended by their owner, by age or with their key.

use std::fmt;

use data_encoding::HEXLOWER;
use secrecy::{ExposeSecret as _, SecretString};
use store::records::{KeyScope, UiSession};
use sync_engine::model::time::Timestamp;

use super::{Grant, hash, random};
use crate::error::UserError;
use crate::service::App;

/// A session ends after so long without use.
const IDLE: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
/// A session ends after so long in any case.
const ABSOLUTE: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);
/// What the shown id of a session begins with.
const ID_PREFIX: &str = "ses_";
/// So much of the hash of its cookie makes the id it is shown by.
const ID_DIGITS: usize = 16;
/// Characters that are kept of what a browser calls itself.
const LONGEST_AGENT: usize = 200;

/// A browser that has signed in.
#[derive(Clone)]
pub struct Session {
    /// What its cookie holds.
    pub id: SecretString,
    /// What its forms carry.
    pub csrf: String,
    /// What it may do: what its key may.
    pub grant: Grant,
}

// The token is as good as the form it stands in.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

/// Who signs in, for the list of sessions.
#[derive(Debug, Clone, Default)]
pub struct Visitor {
    /// From which address.
    pub address: String,
    /// With which browser, as it calls itself.
    pub agent: String,
}

/// A session as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Its id, which is not what its cookie holds.
    pub id: String,
    /// The name of its key.
    pub key: String,
    /// What it may do.
    pub scope: KeyScope,
    /// Where it signed in from.
    pub address: String,
    /// What its browser calls itself.
    pub agent: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// It is the one that asks.
    pub own: bool,
}

impl App {
    /// Begins a browser session with what a key grants.
    pub async fn begin_session(
        &self,
        grant: Grant,
        visitor: Visitor,
    ) -> Result<Session, UserError> {
        let now = self.now();
        self.forget_old_sessions(now).await?;
        let session = Session {
            id: SecretString::from(random(32)?),
            csrf: random(24)?,
            grant,
        };
        self.inner
            .db
            .add_session(UiSession {
                hash: hash(session.id.expose_secret()),
                key_id: session.grant.key_id.clone(),
                csrf: session.csrf.clone(),
                address: visitor.address,
                agent: visitor.agent.chars().take(LONGEST_AGENT).collect(),
                created_at: now,
                seen_at: now,
            })
            .await?;
        Ok(session)
    }

    /// The session of a cookie, if it still holds.
    pub async fn session(&self, id: &str) -> Result<Option<Session>, UserError> {
        let hash = hash(id);
        let Some((session, key)) = self.inner.db.session(&hash).await? else {
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
        Ok(Some(Session {
            id: SecretString::from(id),
            csrf: session.csrf,
            grant: Grant {
                key_id: key.id,
                scope: key.scope,
            },
        }))
    }

    /// All sessions that still hold, last seen first. `own` is the cookie of the one that asks.
    pub async fn sessions(
        &self,
        own: Option<&SecretString>,
    ) -> Result<Vec<SessionView>, UserError> {
        self.forget_old_sessions(self.now()).await?;
        let own = own.map(|id| hash(id.expose_secret()));
        let sessions = self.inner.db.sessions().await?.into_iter();
        let shown = sessions.map(|(session, key)| SessionView {
            id: shown_id(&session.hash),
            key: key.name,
            scope: key.scope,
            own: own == Some(session.hash),
            address: session.address,
            agent: session.agent,
            created_at: session.created_at,
            seen_at: session.seen_at,
        });
        Ok(shown.collect())
    }

    /// Ends the session of a cookie.
    pub async fn end_session(&self, id: &str) -> Result<(), UserError> {
        Ok(self.inner.db.delete_session(&hash(id)).await?)
    }

    /// Ends a session by the id it is shown with.
    pub async fn end_shown_session(&self, id: &str) -> Result<(), UserError> {
        let digits = id.strip_prefix(ID_PREFIX).unwrap_or_default();
        if digits.len() != ID_DIGITS {
            return Err(UserError::not_found("session", id));
        }
        Ok(self.inner.db.delete_session_by_start(digits).await?)
    }

    /// Ends every session but the one of this cookie; without one, all.
    pub async fn end_sessions(&self, but: Option<&SecretString>) -> Result<(), UserError> {
        let but = but.map(|id| hash(id.expose_secret()));
        Ok(self.inner.db.delete_sessions(but.as_ref()).await?)
    }

    async fn forget_old_sessions(&self, now: Timestamp) -> Result<(), UserError> {
        let (created, seen) = (before(now, ABSOLUTE), before(now, IDLE));
        Ok(self.inner.db.prune_sessions(created, seen).await?)
    }
}

fn shown_id(hash: &store::records::Hash) -> String {
    let digits = HEXLOWER.encode(hash);
    format!("{ID_PREFIX}{}", digits.get(..ID_DIGITS).unwrap_or_default())
}

fn before(now: Timestamp, span: jiff::SignedDuration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_shows_what_a_browser_holds() {
        let session = Session {
            id: SecretString::from("the-cookie"),
            csrf: "the-token".to_owned(),
            grant: Grant {
                key_id: "key_1".to_owned(),
                scope: KeyScope::Read,
            },
        };
        let stored = UiSession {
            hash: hash("the-cookie"),
            key_id: "key_1".to_owned(),
            csrf: "the-token".to_owned(),
            address: String::new(),
            agent: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
            seen_at: Timestamp::UNIX_EPOCH,
        };
        let shown = format!("{session:?} {stored:?}");
        assert!(shown.contains("key_1"), "{shown}");
        assert!(!shown.contains("the-"), "{shown}");
    }
}
