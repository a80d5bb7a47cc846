//! Signing in: Basic and Digest, which of them, and when.
//!
//! Basic is sent unasked where nobody can listen (TLS, this machine, a private network): some servers
//! answer the first request without asking and never ask. Elsewhere it is sent when asked for and
//! nothing better is offered. Pure but for the client's nonce; where credentials may go at all is
//! decided by the transport.

mod challenge;
mod digest;

pub(crate) use challenge::{Challenge, challenges};

use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64;
use http::HeaderValue;
use outbound::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};

use crate::profile::SignIn;
use digest::Digest;

/// The credentials of an account, and how they were last accepted.
pub(crate) struct Auth {
    username: String,
    password: SecretString,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    digest: Option<Digest>,
    digest_refused: bool,
    basic_refused: bool,
    known: SignIn,
}

/// What was sent with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    Nothing,
    Basic,
    Digest { nonce: String },
}

/// What to do about a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Send the request again, with other credentials than before.
    Again,
    /// They are refused.
    GiveUp,
}

impl Auth {
    pub(crate) fn new(username: String, password: SecretString, known: SignIn) -> Self {
        Self {
            username,
            password,
            state: Mutex::new(State {
                known,
                ..State::default()
            }),
        }
    }

    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// The header for a request; `None` where it is better to be asked first. `safe`: nobody
    /// listens on the way. `forced`: the server has been seen to need it and not to ask.
    pub(crate) fn header(
        &self,
        method: &Method,
        url: &Url,
        safe: bool,
        forced: bool,
    ) -> (Sent, Option<HeaderValue>) {
        let mut state = self.lock();
        if let Some(digest) = &mut state.digest {
            let nonce = digest.nonce().to_owned();
            let value = digest.answer(
                &self.username,
                self.password.expose_secret(),
                method.as_str(),
                &target(url),
                &digest::client_nonce(),
            );
            return (Sent::Digest { nonce }, sensitive(&value));
        }
        // A server known for Digest shall not be given the password in clear.
        let basic = (safe && state.known != SignIn::Digest)
            || forced
            || state.known == SignIn::Basic
            || state.digest_refused;
        if basic && !state.basic_refused {
            (Sent::Basic, sensitive(&self.basic()))
        } else {
            (Sent::Nothing, None)
        }
    }

    /// Takes note of a 401.
    pub(crate) fn refused(&self, sent: &Sent, offered: &[Challenge], safe: bool) -> Reaction {
        let mut state = self.lock();
        let digest = offered
            .iter()
            .filter_map(Digest::accept)
            .max_by_key(Digest::strength);
        let offers_basic = offered.iter().any(|challenge| challenge.is("basic"));
        match sent {
            Sent::Digest { nonce } => {
                let current = state
                    .digest
                    .as_ref()
                    .map(|digest| digest.nonce().to_owned());
                if current.as_ref().is_some_and(|current| current != nonce) {
                    // Another request has brought a newer nonce meanwhile.
                    return Reaction::Again;
                }
                match digest {
                    Some(digest) if digest.is_stale() && digest.nonce() != nonce => {
                        state.digest = Some(digest);
                        return Reaction::Again;
                    }
                    _ => {
                        state.digest = None;
                        state.digest_refused = true;
                    }
                }
            }
            Sent::Basic => state.basic_refused = true,
            Sent::Nothing => {}
        }
        if let Some(digest) = digest
            && !state.digest_refused
        {
            state.digest = Some(digest);
            return Reaction::Again;
        }
        if !state.basic_refused && (offers_basic || safe) {
            state.known = SignIn::Basic;
            return Reaction::Again;
        }
        // A later attempt starts afresh: the password may have been mended at the server.
        *state = State::default();
        Reaction::GiveUp
    }

    /// Takes note of an answer that is no 401; returns what has proven itself.
    pub(crate) fn accepted(&self, sent: &Sent) -> Option<SignIn> {
        let mut state = self.lock();
        state.known = match sent {
            Sent::Nothing => return None,
            Sent::Basic => SignIn::Basic,
            Sent::Digest { .. } => SignIn::Digest,
        };
        Some(state.known)
    }

    fn basic(&self) -> String {
        let pair = format!("{}:{}", self.username, self.password.expose_secret());
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth([REDACTED])")
    }
}

/// The request target as it stands in the request line.
fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(known: SignIn) -> Auth {
        Auth::new("alice".into(), "secret".to_owned().into(), known)
    }

    fn header(auth: &Auth, safe: bool) -> (Sent, Option<String>) {
        let url = Url::parse("http://x.example/a?b").unwrap();
        let (sent, value) = auth.header(&Method::GET, &url, safe, false);
        (
            sent,
            value.map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap()),
        )
    }

    fn offer(text: &str) -> Vec<Challenge> {
        challenges([text].into_iter())
    }

    const DIGEST: &str = r#"Digest realm="r", nonce="n1", qop="auth""#;

    #[test]
    fn basic_goes_unasked_only_where_nobody_listens() {
        let auth = auth(SignIn::Unknown);
        assert_eq!(
            header(&auth, true).1.as_deref(),
            Some("Basic YWxpY2U6c2VjcmV0")
        );
        assert_eq!(header(&auth, false), (Sent::Nothing, None));
        // Asked for, and nothing better offered.
        assert_eq!(
            auth.refused(&Sent::Nothing, &offer("basic realm=x"), false),
            Reaction::Again
        );
        assert_eq!(header(&auth, false).0, Sent::Basic);
    }

    #[test]
    fn a_refused_password_is_sent_once() {
        let auth = auth(SignIn::Unknown);
        let (sent, _) = header(&auth, true);
        assert_eq!(
            auth.refused(&sent, &offer("Basic realm=\"x\""), true),
            Reaction::GiveUp
        );
    }

    #[test]
    fn digest_is_answered_where_offered() {
        let auth = auth(SignIn::Unknown);
        assert_eq!(
            auth.refused(&Sent::Basic, &offer(DIGEST), true),
            Reaction::Again
        );
        let (sent, value) = header(&auth, true);
        assert_eq!(sent, Sent::Digest { nonce: "n1".into() });
        assert!(value.unwrap().contains("uri=\"/a?b\""));
        assert_eq!(auth.accepted(&sent), Some(SignIn::Digest));
    }

    #[test]
    fn trap_06_basic_follows_when_digest_fails() {
        let auth = auth(SignIn::Unknown);
        let both = format!("{DIGEST}, Basic realm=\"r\"");
        assert_eq!(
            auth.refused(&Sent::Nothing, &offer(&both), false),
            Reaction::Again
        );
        let (sent, _) = header(&auth, false);
        assert!(matches!(sent, Sent::Digest { .. }));
        assert_eq!(auth.refused(&sent, &offer(&both), false), Reaction::Again);
        assert_eq!(header(&auth, false).0, Sent::Basic);
        assert_eq!(
            auth.refused(&Sent::Basic, &offer(&both), false),
            Reaction::GiveUp
        );
    }

    #[test]
    fn a_stale_nonce_is_replaced_and_nothing_is_refused() {
        let auth = auth(SignIn::Unknown);
        auth.refused(&Sent::Nothing, &offer(DIGEST), false);
        let (sent, _) = header(&auth, false);
        let fresh = r#"Digest realm="r", nonce="n2", qop="auth", stale=TRUE"#;
        assert_eq!(auth.refused(&sent, &offer(fresh), false), Reaction::Again);
        assert_eq!(header(&auth, false).0, Sent::Digest { nonce: "n2".into() });
        // A request that was under way with the old nonce just goes again.
        assert_eq!(auth.refused(&sent, &offer(fresh), false), Reaction::Again);
    }

    #[test]
    fn a_server_known_for_digest_is_not_told_the_password() {
        let auth = auth(SignIn::Digest);
        assert_eq!(header(&auth, true), (Sent::Nothing, None));
    }

    #[test]
    fn nothing_of_it_is_shown() {
        assert_eq!(format!("{:?}", auth(SignIn::Basic)), "Auth([REDACTED])");
        let (_, value) = auth(SignIn::Basic).header(
            &Method::GET,
            &Url::parse("https://x.example/").unwrap(),
            true,
            false,
        );
        assert_eq!(format!("{:?}", value.unwrap()), "Sensitive");
    }
}
