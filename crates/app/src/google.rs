//! Google accounts: signing in, calendars, tokens kept, accounts removed.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gcal_client::{Account, CalendarInfo, Connection, Google, TokenStore, Tokens, Usage};
use secrecy::{ExposeSecret as _, SecretString};
use store::Db;
use store::records::{
    Calendar, CalendarFacts, GoogleAccount, GoogleStatus, GoogleTokens, OauthState,
};
use subtle::ConstantTimeEq as _;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{AccountId, Side};
use sync_engine::ports::ErrorClass;
use sync_engine::report::Problem;
use url::Url;

use crate::access::{hash, random};
use crate::error::{Kind, UserError};
use crate::service::App;

/// How long a sign-in may take.
const SIGN_IN: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// A sign-in that has begun.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Where to send the browser.
    pub url: Url,
    /// Goes into the browser's state cookie: only the browser that began may end it.
    pub cookie: SecretString,
}

/// Whether Google knows that an account was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The access is withdrawn.
    Yes,
    /// It could not be told: a person has to, at [`PERMISSIONS`].
    No,
}

/// Where people withdraw access at Google themselves.
pub const PERMISSIONS: &str = "https://myaccount.google.com/permissions";

impl App {
    /// Begins a sign-in with Google. `again` is the account that signs in again.
    pub async fn begin_google_sign_in(&self, again: Option<&str>) -> Result<SignIn, UserError> {
        let google = self.google()?;
        let hint = match again {
            Some(id) => Some(
                self.inner
                    .db
                    .google_account(&AccountId::new(id))
                    .await?
                    .email,
            ),
            None => None,
        };
        let redirect = self.inner.config.redirect_uri();
        let start = google
            .begin_sign_in(&redirect, hint.as_deref())
            .map_err(|error| failed(error, self.now()))?;
        let cookie = SecretString::from(random(32)?);
        let now = self.now();
        self.inner
            .db
            .add_oauth_state(
                OauthState {
                    hash: hash(start.state.expose_secret()),
                    verifier: start.verifier,
                    session_hash: hash(cookie.expose_secret()),
                    redirect_uri: redirect.to_string(),
                    expires_at: now.checked_add(SIGN_IN).unwrap_or(now),
                },
                now,
            )
            .await?;
        Ok(SignIn {
            url: start.url,
            cookie,
        })
    }

    /// Ends a sign-in: `query` is what Google sent the browser back with, `cookie` what the browser
    /// kept. Each state works once.
    pub async fn finish_google_sign_in(
        &self,
        query: &str,
        cookie: &str,
    ) -> Result<GoogleAccount, UserError> {
        let google = self.google()?;
        let state = url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "state")
            .map(|(_, value)| SecretString::from(value.into_owned()))
            .unwrap_or_default();
        let now = self.now();
        let begun = self
            .inner
            .db
            .take_oauth_state(&hash(state.expose_secret()), now)
            .await?
            .filter(|begun| bool::from(begun.session_hash.ct_eq(&hash(cookie))))
            .ok_or_else(foreign_state)?;
        let code =
            gcal_client::oauth::read_callback(query, &state).map_err(|error| failed(error, now))?;
        let redirect = Url::parse(&begun.redirect_uri).map_err(|_| foreign_state())?;
        let signed_in = google
            .finish_sign_in(&redirect, &code, &begun.verifier)
            .await
            .map_err(|error| failed(error, now))?;
        let account = self
            .inner
            .db
            .connect_google_account(&signed_in.email, stored(&signed_in.tokens), now)
            .await?;
        self.inner
            .db
            .put_calendars(&account.id, facts(signed_in.calendars))
            .await?;
        if let Some(open) = self.inner.google_accounts.lock().await.get(&account.id) {
            open.replace_tokens(signed_in.tokens).await;
        }
        self.inner.queue.credentials_changed(&account.id);
        self.inner.wake.notify_one();
        self.inner.desk.wake.notify_one();
        tracing::info!(account_id = %account.id, "a Google account was connected");
        Ok(account)
    }

    /// All Google accounts.
    pub async fn google_accounts(&self) -> Result<Vec<GoogleAccount>, UserError> {
        Ok(self.inner.db.google_accounts().await?)
    }

    /// Removes an account that no mapping uses; its grant is revoked at Google first.
    pub async fn delete_google_account(&self, id: &str) -> Result<Revoked, UserError> {
        let id = AccountId::new(id);
        self.inner.db.google_account(&id).await?;
        self.inner.db.account_is_free(&id).await?;
        // Before it is gone: revoking needs the token.
        let revoked = self.revoke(&id).await;
        self.inner.db.delete_account(&id).await?;
        self.inner.google_accounts.lock().await.remove(&id);
        tracing::info!(account_id = %id, revoked = ?revoked, "a Google account was removed");
        Ok(revoked)
    }

    /// Revokes an account's grant at Google; a second time when the first one fails.
    async fn revoke(&self, id: &AccountId) -> Revoked {
        let account = match self.google_account(id).await {
            Ok(account) => account,
            Err(error) => {
                tracing::warn!(account_id = %id, code = %error.code, "the grant could not be revoked at Google");
                return Revoked::No;
            }
        };
        for again in [true, false] {
            match account.revoke().await {
                Ok(()) => return Revoked::Yes,
                Err(error) => {
                    tracing::warn!(account_id = %id, error = %error, again, "the grant could not be revoked at Google");
                }
            }
        }
        Revoked::No
    }

    /// The calendars of one account, or of all, freshly asked for. An account that cannot be asked
    /// shows what was known, unless it was named.
    pub async fn google_calendars(
        &self,
        account: Option<&str>,
    ) -> Result<Vec<Calendar>, UserError> {
        let accounts = match account {
            Some(id) => vec![self.inner.db.google_account(&AccountId::new(id)).await?],
            None => self.inner.db.google_accounts().await?,
        };
        let mut calendars = Vec::new();
        for found in accounts {
            match self.ask_for_calendars(&found.id).await {
                Ok(fresh) => calendars.extend(fresh),
                Err(error) if account.is_some() => return Err(error),
                Err(_) => calendars.extend(
                    self.inner
                        .db
                        .calendars(Side::Google, Some(&found.id))
                        .await?,
                ),
            }
        }
        Ok(calendars)
    }

    async fn ask_for_calendars(&self, id: &AccountId) -> Result<Vec<Calendar>, UserError> {
        let account = self.google_account(id).await?;
        let now = self.now();
        match account.calendars().await {
            Ok(calendars) => {
                self.inner
                    .db
                    .set_google_status(id, GoogleStatus::Ok, None, now)
                    .await?;
                Ok(self.inner.db.put_calendars(id, facts(calendars)).await?)
            }
            Err(error) => {
                let error = error.side_error(now);
                self.note_google_trouble(id, error.class, &Problem::from(&error))
                    .await?;
                Err(UserError::from_problem(
                    Kind::Unacceptable,
                    &Problem::from(&error),
                ))
            }
        }
    }

    /// Remembers that an account needs a person.
    pub(crate) async fn note_google_trouble(
        &self,
        id: &AccountId,
        class: ErrorClass,
        problem: &Problem,
    ) -> Result<(), UserError> {
        if class == ErrorClass::Credentials {
            let now = self.now();
            self.inner
                .db
                .set_google_status(id, GoogleStatus::NeedsReauth, Some(problem.clone()), now)
                .await?;
        }
        Ok(())
    }

    /// The account to work with: one object per account, so that all share its token and pace.
    pub(crate) async fn google_account(&self, id: &AccountId) -> Result<Account, UserError> {
        let google = self.google()?;
        let mut open = self.inner.google_accounts.lock().await;
        if let Some(account) = open.get(id) {
            return Ok(account.clone());
        }
        let row = self.inner.db.google_account(id).await?;
        let tokens = self.inner.db.google_tokens(id).await?;
        let remembered: Remembered = serde_json::from_value(row.profile).unwrap_or_default();
        let account = google.account(Connection {
            email: row.email,
            tokens: Tokens {
                access: tokens.access.unwrap_or_default(),
                // An access token that was not kept is renewed at once.
                expires_at: tokens.expires_at.unwrap_or(Timestamp::MIN),
                refresh: tokens.refresh,
                refresh_expires_at: None,
                granted_at: remembered.granted_at,
                scopes: tokens.scopes,
            },
            store: Arc::new(Kept {
                db: self.inner.db.clone(),
                account: id.clone(),
            }),
            usage: remembered.usage,
        });
        open.insert(id.clone(), account.clone());
        Ok(account)
    }

    /// Remembers what an account has written today and whether its writing waits.
    pub(crate) async fn keep_google_usage(
        &self,
        id: &AccountId,
        account: &Account,
    ) -> Result<(), UserError> {
        let row = self.inner.db.google_account(id).await?;
        let mut remembered: Remembered =
            serde_json::from_value(row.profile.clone()).unwrap_or_default();
        remembered.usage = account.usage();
        let profile = serde_json::to_value(&remembered).unwrap_or_default();
        if profile != row.profile {
            self.inner.db.set_account_profile(id, profile).await?;
        }
        Ok(())
    }

    /// What an account has written today.
    pub(crate) async fn google_usage(&self, account: &GoogleAccount) -> Usage {
        if let Some(open) = self.inner.google_accounts.lock().await.get(&account.id) {
            return open.usage();
        }
        let remembered: Remembered =
            serde_json::from_value(account.profile.clone()).unwrap_or_default();
        remembered.usage
    }

    fn google(&self) -> Result<&Google, UserError> {
        self.inner
            .google
            .as_ref()
            .ok_or_else(UserError::google_not_configured)
    }
}

/// What is kept of an account besides its tokens.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Remembered {
    usage: Usage,
    granted_at: Option<Timestamp>,
}

/// Takes renewed tokens: they are stored before they are used.
struct Kept {
    db: Db,
    account: AccountId,
}

impl TokenStore for Kept {
    fn save<'a>(
        &'a self,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        async move {
            if self.db.is_read_only() {
                // For a look. A renewed access token is worth an hour and costs nothing; Google
                // does not change the refresh token.
                return Ok(());
            }
            self.db
                .set_google_tokens(&self.account, stored(tokens))
                .await
                .map_err(Into::into)
        }
        .boxed()
    }
}

fn stored(tokens: &Tokens) -> GoogleTokens {
    GoogleTokens {
        refresh: tokens.refresh.clone(),
        access: Some(tokens.access.clone()),
        expires_at: Some(tokens.expires_at),
        scopes: tokens.scopes.clone(),
    }
}

pub(crate) fn facts(calendars: Vec<CalendarInfo>) -> Vec<CalendarFacts> {
    calendars
        .into_iter()
        .map(|calendar| CalendarFacts {
            remote: calendar.id.as_str().to_owned(),
            name: calendar.name,
            color: calendar.color,
            writable: calendar.writable,
            access_role: serde_json::to_value(calendar.access_role)
                .ok()
                .and_then(|role| role.as_str().map(ToOwned::to_owned)),
            time_zone: calendar.time_zone,
            primary: calendar.primary,
            components: Vec::new(),
        })
        .collect()
}

/// A Google error, for people.
pub(crate) fn failed(error: gcal_client::Error, now: Timestamp) -> UserError {
    let error = error.side_error(now);
    let kind = match error.class {
        ErrorClass::Transient { .. } => Kind::Unavailable,
        _ => Kind::Unacceptable,
    };
    UserError::from_problem(kind, &Problem::from(&error))
}

fn foreign_state() -> UserError {
    UserError::new(
        Kind::Unreadable,
        "sign_in_foreign",
        "This sign-in was not begun here",
        "The answer from Google does not belong to a sign-in begun in this browser, it is older \
         than ten minutes, or it was used before.",
        "Begin the sign-in again from the Google page.",
    )
}
