//! Signing in with Google: code flow with PKCE, granted scopes, tokens that renew themselves.
//!
//! The `oauth2` crate makes and reads the messages; they go out through the same guarded transport
//! as everything else. Nothing here knows the Calendar API, and nothing shows a token.

mod callback;
mod client;
mod revoke;
mod scope;
mod source;
mod tokens;

pub use callback::read_callback;
pub use client::{Endpoints, SignInStart};
pub use scope::Scope;
pub use source::TokenStore;
pub use tokens::Tokens;

pub(crate) use callback::failed as callback_failed;
pub(crate) use client::OAuth;
pub(crate) use source::TokenSource;
