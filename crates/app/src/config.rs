//! What the services need to be told by whoever starts them.

use std::fmt;

use gcal_client::{Endpoints, Pace};
use secrecy::SecretString;
use url::Url;

/// The settings that come from outside the database.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// `BASE_URL`: the redirect URI is this and `/oauth/callback`.
    pub base_url: Url,
    /// The OAuth client; `None` until somebody makes one.
    pub google: Option<GoogleClient>,
    /// Where Google is.
    pub endpoints: Endpoints,
    /// The pace of each Google account, its daily budget included.
    pub pace: Pace,
    /// `caldav-sync`'s version, as `/status` shows it.
    pub version: String,
}

/// The OAuth client (`GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`).
#[derive(Clone)]
pub struct GoogleClient {
    /// Its id; no secret.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
}

impl fmt::Debug for GoogleClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleClient")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AppConfig {
    /// The redirect URI of the Google sign-in.
    pub fn redirect_uri(&self) -> Url {
        let mut url = self.base_url.clone();
        let path = format!("{}/oauth/callback", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }
}
