//! Access tokens that are always good: renewed before they end, by one request at a time, and a
//! refresh token that Google replaced is stored before anything is done with it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::client::OAuth;
use super::tokens::Tokens;
use crate::error::{Error, Operation};
use crate::time::Time;

/// Keeps an account's tokens.
pub trait TokenStore: Send + Sync + 'static {
    /// Stores these durably. When it returns, a crash must not lose them: they may hold a refresh
    /// token whose predecessor is dead already.
    fn save<'a>(
        &'a self,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>;
}

/// Gives out the access token of one account.
pub(crate) struct TokenSource {
    inner: Arc<Inner>,
}

struct Inner {
    oauth: Arc<OAuth>,
    store: Arc<dyn TokenStore>,
    time: Arc<dyn Time>,
    /// Held over a renewal: whoever else needs a token waits for it.
    held: Mutex<Held>,
}

struct Held {
    tokens: Tokens,
    /// Whether these tokens are in the store.
    stored: bool,
    /// The refresh token is dead, and why. Google is not asked again.
    ended: Option<String>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").finish_non_exhaustive()
    }
}

impl TokenSource {
    pub(crate) fn new(
        oauth: Arc<OAuth>,
        tokens: Tokens,
        store: Arc<dyn TokenStore>,
        time: Arc<dyn Time>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                oauth,
                store,
                time,
                held: Mutex::new(Held {
                    tokens,
                    stored: true,
                    ended: None,
                }),
            }),
        }
    }

    /// A token that is good for some minutes.
    pub(crate) async fn access(&self) -> Result<SecretString, Error> {
        self.renewed(None).await
    }

    /// A token other than `refused`, which Google took for invalid: renewed unless that has
    /// happened meanwhile.
    pub(crate) async fn instead_of(&self, refused: &SecretString) -> Result<SecretString, Error> {
        self.renewed(Some(refused.clone())).await
    }

    /// Takes the tokens of a new sign-in, which the caller has stored.
    pub(crate) async fn replace(&self, tokens: Tokens) {
        *self.inner.held.lock().await = Held {
            tokens,
            stored: true,
            ended: None,
        };
    }

    /// The tokens as they are.
    pub(crate) async fn current(&self) -> Tokens {
        self.inner.held.lock().await.tokens.clone()
    }

    /// Runs as a task of its own: if the caller is dropped half-way, a token that Google has
    /// replaced is stored all the same.
    async fn renewed(&self, refused: Option<SecretString>) -> Result<SecretString, Error> {
        {
            let held = self.inner.held.lock().await;
            if held.is_good(&self.inner, refused.as_ref()) {
                return Ok(held.tokens.access.clone());
            }
        }
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.renew(refused).await })
            .await
            .unwrap_or_else(|_| {
                Err(Error::Unintelligible {
                    operation: Operation::Token,
                    detail: "the renewal was interrupted".to_owned(),
                })
            })
    }
}

impl Held {
    fn is_good(&self, inner: &Inner, refused: Option<&SecretString>) -> bool {
        self.ended.is_none()
            && self.stored
            && !self.tokens.is_due(inner.time.now())
            && !refused.is_some_and(|refused| self.tokens.is_access(refused))
    }
}

impl Inner {
    async fn renew(&self, refused: Option<SecretString>) -> Result<SecretString, Error> {
        let mut held = self.held.lock().await;
        if let Some(why) = &held.ended {
            return Err(Error::SignInEnded { why: why.clone() });
        }
        // Tokens that could not be stored are not used before they are.
        if !held.stored {
            self.store(&mut held).await?;
        }
        if held.is_good(self, refused.as_ref()) {
            return Ok(held.tokens.access.clone());
        }
        match self.oauth.refresh(&held.tokens, self.time.now()).await {
            Ok(tokens) => {
                tracing::debug!(expires_at = %tokens.expires_at, "Renewed a Google access token.");
                held.tokens = tokens;
                held.stored = false;
                self.store(&mut held).await?;
                Ok(held.tokens.access.clone())
            }
            Err(error) => {
                if let Error::SignInEnded { why } = &error {
                    held.ended = Some(why.clone());
                }
                Err(error)
            }
        }
    }

    async fn store(&self, held: &mut Held) -> Result<(), Error> {
        self.store
            .save(&held.tokens)
            .await
            .map_err(|source| Error::NotStored { source })?;
        held.stored = true;
        Ok(())
    }
}
