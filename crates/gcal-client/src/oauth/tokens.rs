//! What a sign-in gives: an access token for an hour, a refresh token for as long as Google likes.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;

use crate::time::later;

/// The tokens of one account. `Debug` shows when, never what.
#[derive(Clone)]
pub struct Tokens {
    /// Goes with every call.
    pub access: SecretString,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Buys new access tokens.
    pub refresh: SecretString,
    /// When the refresh token ends, where Google says so.
    pub refresh_expires_at: Option<Timestamp>,
    /// When a person consented; `None` if that is not known.
    pub granted_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
}

/// How long before its end an access token is renewed.
const EARLY: Duration = Duration::from_mins(5);

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Stored {
    access: String,
    expires_at: Timestamp,
    refresh: String,
    refresh_expires_at: Option<Timestamp>,
    granted_at: Option<Timestamp>,
    scopes: Vec<String>,
}

impl Tokens {
    /// All of it as one secret text, to be sealed and stored.
    pub fn to_secret(&self) -> SecretString {
        let stored = Stored {
            access: self.access.expose_secret().to_owned(),
            expires_at: self.expires_at,
            refresh: self.refresh.expose_secret().to_owned(),
            refresh_expires_at: self.refresh_expires_at,
            granted_at: self.granted_at,
            scopes: self.scopes.clone(),
        };
        // Strings and times always have a JSON form.
        serde_json::to_string(&stored).unwrap_or_default().into()
    }

    /// Reads what [`Self::to_secret`] gave; `None` for anything else.
    pub fn from_secret(secret: &SecretString) -> Option<Self> {
        let stored: Stored = serde_json::from_str(secret.expose_secret()).ok()?;
        Some(Self {
            access: stored.access.into(),
            expires_at: stored.expires_at,
            refresh: stored.refresh.into(),
            refresh_expires_at: stored.refresh_expires_at,
            granted_at: stored.granted_at,
            scopes: stored.scopes,
        })
    }

    /// Whether the access token should not be used any more.
    pub fn is_due(&self, now: Timestamp) -> bool {
        later(now, EARLY) >= self.expires_at
    }

    /// Whether both are the same access token.
    pub(crate) fn is_access(&self, access: &SecretString) -> bool {
        self.access.expose_secret() == access.expose_secret()
    }

    /// Why the refresh token is likely dead.
    pub(crate) fn likely_end(&self, now: Timestamp) -> String {
        if self.refresh_expires_at.is_some_and(|end| end <= now) {
            return "The access that was granted for a limited time is over.".to_owned();
        }
        let days = self
            .granted_at
            .map(|granted| now.duration_since(granted).as_hours() / 24);
        match days {
            Some(7..=8) => "Google ended the sign-in after seven days, as it does for apps whose \
                publishing status is \"Testing\": set it to \"In production\" in the Google Cloud \
                console, then connect again."
                .to_owned(),
            Some(180..) => "Google ended the sign-in; it does so after six months without use, \
                or when the access is withdrawn."
                .to_owned(),
            _ => "Google ended the sign-in: the access was withdrawn, the password changed, or \
                too many sign-ins were made."
                .to_owned(),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("granted_at", &self.granted_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens {
            access: "ya29.canary".into(),
            expires_at: "2026-11-22T11:00:00Z".parse().unwrap(),
            refresh: "1//canary".into(),
            refresh_expires_at: None,
            granted_at: Some("2026-11-15T09:00:00Z".parse().unwrap()),
            scopes: vec!["calendar".into()],
        }
    }

    #[test]
    fn debug_shows_no_token() {
        assert!(!format!("{:?}", tokens()).contains("canary"));
    }

    #[test]
    fn tokens_survive_their_stored_form() {
        let back = Tokens::from_secret(&tokens().to_secret()).unwrap();
        assert_eq!(back.refresh.expose_secret(), "1//canary");
        assert_eq!(format!("{back:?}"), format!("{:?}", tokens()));
        assert!(Tokens::from_secret(&"{}".into()).is_none());
    }

    #[test]
    fn renewal_is_five_minutes_early() {
        let at = |text: &str| tokens().is_due(text.parse().unwrap());
        assert!(!at("2026-11-22T10:54:59Z"));
        assert!(at("2026-11-22T10:55:00Z"));
    }

    #[test]
    fn the_seven_days_of_testing_are_recognised() {
        let why = |text: &str| tokens().likely_end(text.parse().unwrap());
        assert!(why("2026-11-22T10:00:00Z").contains("Testing"));
        assert!(!why("2026-11-20T10:00:00Z").contains("Testing"));
        assert!(why("2027-11-20T10:00:00Z").contains("six months"));
    }
}
