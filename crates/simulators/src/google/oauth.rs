//! OAuth for web apps: consent, code, tokens, revocation, all by the virtual
//! clock. The request for it is checked in `oauth/ask.rs`, the consent page's HTML is `oauth/page.rs`, the token endpoint
//! `oauth/exchange.rs`.

mod ask;
mod exchange;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use url::Url;

use ask::Ask;

use super::config::ClientConfig;
use super::error::ApiError;
use super::facts::SCOPE_PREFIX;
use super::state::Core;
use super::wire::{Request, Response};

const SECOND: i64 = 1000;
const DAY: i64 = 24 * 3600 * SECOND;
/// An access token lives an hour; `expires_in` says a second less.
const ACCESS_TTL: i64 = 3600 * SECOND;
const CODE_TTL: i64 = 600 * SECOND;
/// Refresh tokens of one account and client; the next one kills the oldest.
const REFRESH_MAX: usize = 100;
const TOKEN_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// Where the user agent is sent to sign in.
pub(super) const AUTH_PATH: &str = "/o/oauth2/v2/auth";
/// Where the consent form is posted to.
pub(super) const DECIDE_PATH: &str = "/o/oauth2/v2/auth/decide";

/// How the next sign-in is decided without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// Who signs in.
    pub account: String,
    /// Scopes to grant, short (`calendar.events`) or as URLs; all that were
    /// asked for when absent.
    #[serde(default)]
    pub grant: Option<Vec<String>>,
    /// Refuse instead: `access_denied`.
    #[serde(default)]
    pub deny: bool,
    /// For how many sign-ins; 0 is for ever.
    #[serde(default)]
    pub times: u32,
}

impl Consent {
    /// Grants everything, for ever.
    pub fn all(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            grant: None,
            deny: false,
            times: 0,
        }
    }
}

/// Tokens handed out without a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignedIn {
    /// The bearer token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
}

/// An authorization code that waits to be exchanged, or was.
#[derive(Debug, Clone)]
struct Code {
    account: String,
    client: String,
    redirect_uri: String,
    challenge: String,
    scopes: BTreeSet<String>,
    offline: bool,
    issued: i64,
    used: bool,
}

#[derive(Debug, Clone)]
struct AccessToken {
    account: String,
    client: String,
    scopes: BTreeSet<String>,
    expires: i64,
    /// The code it came from, so that its reuse can take it back.
    code: Option<String>,
}

#[derive(Debug, Clone)]
struct RefreshToken {
    account: String,
    client: String,
    scopes: BTreeSet<String>,
    issued: i64,
    used: i64,
    code: Option<String>,
}

/// Everything OAuth remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct OAuth {
    consent: Option<Consent>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, AccessToken>,
    refresh: BTreeMap<String, RefreshToken>,
    /// Scopes granted so far, by account and client.
    grants: BTreeMap<(String, String), BTreeSet<String>>,
    /// Everything secret that went to and fro: codes, tokens, states, verifiers. For tests that look
    /// whether a client keeps them to itself.
    pub(super) secrets: BTreeSet<String>,
}

impl OAuth {
    /// Remembers a secret by its random part, which stays the same however it is escaped.
    fn keep(&mut self, secret: &str) {
        let prefixes = ["4/0", "ya29.", "1//0"];
        let text = prefixes
            .iter()
            .find_map(|prefix| secret.strip_prefix(prefix));
        let text = text.unwrap_or(secret);
        if !text.is_empty() {
            self.secrets.insert(text.to_owned());
        }
    }
}

/// Whose request it is and what he may do.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) account: String,
    /// Short names.
    pub(super) scopes: BTreeSet<String>,
}

impl Core {
    /// The caller behind the Authorization header; 401 otherwise.
    pub(super) fn caller(&self, request: &Request) -> Result<Caller, ApiError> {
        let Some(header) = request.header("authorization") else {
            return Err(
                ApiError::new(401, "required", "Login Required.").at("header", "Authorization")
            );
        };
        let token = header
            .strip_prefix("Bearer ")
            .and_then(|token| self.oauth.access.get(token.trim()))
            .filter(|token| token.expires > self.clock.now())
            .ok_or_else(ApiError::auth)?;
        Ok(Caller {
            account: token.account.clone(),
            scopes: token.scopes.iter().map(|scope| short(scope)).collect(),
        })
    }

    /// Sets or clears how sign-ins are decided.
    pub(super) fn set_consent(&mut self, consent: Option<Consent>) {
        self.oauth.consent = consent;
    }

    /// Tokens for an account without a browser.
    pub(super) fn sign_in(&mut self, account: &str, scopes: &[String]) -> Option<SignedIn> {
        let client = self.clients.first()?.id.clone();
        if !self.accounts.contains_key(account) {
            return None;
        }
        let scopes: BTreeSet<String> = scopes.iter().map(|scope| long(scope)).collect();
        let key = (account.to_owned(), client.clone());
        self.oauth
            .grants
            .entry(key)
            .or_default()
            .extend(scopes.iter().cloned());
        let access_token = self.new_access(account, &client, &scopes, None);
        let refresh_token = self.new_refresh(account, &client, &scopes, None);
        Some(SignedIn {
            access_token,
            refresh_token,
        })
    }

    /// The user removes the app's access: every token of the account dies.
    pub(super) fn revoke_account(&mut self, account: &str) {
        self.oauth
            .access
            .retain(|_, token| token.account != account);
        self.oauth
            .refresh
            .retain(|_, token| token.account != account);
        self.oauth.grants.retain(|(owner, _), _| owner != account);
    }

    /// Access tokens die early; refresh tokens live on.
    pub(super) fn expire_access(&mut self) {
        self.oauth.access.clear();
    }

    /// `GET /o/oauth2/v2/auth`.
    pub(super) fn authorize(&mut self, request: &Request) -> Response {
        let ask = match self.read_ask(&request.query) {
            Ok(ask) => ask,
            Err(message) => return page::refusal(&message),
        };
        if let Some(state) = &ask.state {
            self.oauth.keep(state);
        }
        if let Some(mut consent) = self.oauth.consent.take() {
            let once = consent.times == 1;
            let decision = consent.clone();
            if !once {
                consent.times = consent.times.saturating_sub(1);
                self.oauth.consent = Some(consent);
            }
            let granted = match &decision.grant {
                Some(list) => list.iter().map(|scope| long(scope)).collect(),
                None => ask.scopes.clone(),
            };
            let granted = if decision.deny { Vec::new() } else { granted };
            return self.decide(&ask, &decision.account, &granted);
        }
        let accounts: Vec<&str> = self.accounts.keys().map(String::as_str).collect();
        page::consent(
            &request.query,
            &accounts,
            &ask.scopes,
            ask.login_hint.as_deref(),
        )
    }

    /// `POST /o/oauth2/v2/auth/decide`: the consent form.
    pub(super) fn decided(&mut self, request: &Request) -> Response {
        let form = request.form();
        let query: Vec<(String, String)> = form
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("q.")?.to_owned(), value.clone())))
            .collect();
        let ask = match self.read_ask(&query) {
            Ok(ask) => ask,
            Err(message) => return page::refusal(&message),
        };
        let first = |name: &str| {
            form.iter()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.clone())
        };
        let account = first("account").unwrap_or_default();
        let allowed = first("decision").as_deref() == Some("allow");
        let granted: Vec<String> = form
            .iter()
            .filter(|(key, _)| allowed && key == "grant")
            .map(|(_, value)| value.clone())
            .collect();
        self.decide(&ask, &account, &granted)
    }

    fn decide(&mut self, ask: &Ask, account: &str, granted: &[String]) -> Response {
        let mut granted: BTreeSet<String> = granted
            .iter()
            .filter(|scope| ask.scopes.contains(scope))
            .cloned()
            .collect();
        if granted.is_empty() || !self.accounts.contains_key(account) {
            return back(ask, &[("error", "access_denied")]);
        }
        let key = (account.to_owned(), ask.client.clone());
        let first = !self.oauth.grants.contains_key(&key);
        let so_far = self.oauth.grants.entry(key).or_default();
        so_far.extend(granted.iter().cloned());
        if ask.include_granted {
            granted.clone_from(so_far);
        }
        let code = format!("4/0{}", self.dice.text(60, TOKEN_ALPHABET));
        self.oauth.keep(&code);
        let scope = joined(&granted);
        self.oauth.codes.insert(
            code.clone(),
            Code {
                account: account.to_owned(),
                client: ask.client.clone(),
                redirect_uri: ask.redirect_uri.clone(),
                challenge: ask.challenge.clone(),
                scopes: granted,
                offline: ask.offline && (first || ask.again),
                issued: self.clock.now(),
                used: false,
            },
        );
        back(ask, &[("code", &code), ("scope", &scope)])
    }

    fn client(&self, id: &str) -> Option<&ClientConfig> {
        self.clients.iter().find(|client| client.id == id)
    }

    fn new_access(
        &mut self,
        account: &str,
        client: &str,
        scopes: &BTreeSet<String>,
        code: Option<&str>,
    ) -> String {
        let token = format!("ya29.{}", self.dice.text(80, TOKEN_ALPHABET));
        self.oauth.keep(&token);
        self.oauth.access.insert(
            token.clone(),
            AccessToken {
                account: account.to_owned(),
                client: client.to_owned(),
                scopes: scopes.clone(),
                expires: self.clock.now() + ACCESS_TTL,
                code: code.map(str::to_owned),
            },
        );
        token
    }

    fn new_refresh(
        &mut self,
        account: &str,
        client: &str,
        scopes: &BTreeSet<String>,
        code: Option<&str>,
    ) -> String {
        let now = self.clock.now();
        let mut live: Vec<(i64, String)> = self
            .oauth
            .refresh
            .iter()
            .filter(|(_, token)| token.account == account && token.client == client)
            .map(|(text, token)| (token.issued, text.clone()))
            .collect();
        live.sort();
        while live.len() >= REFRESH_MAX {
            let (_, oldest) = live.remove(0);
            self.oauth.refresh.remove(&oldest);
        }
        let token = format!("1//0{}", self.dice.text(64, TOKEN_ALPHABET));
        self.oauth.keep(&token);
        self.oauth.refresh.insert(
            token.clone(),
            RefreshToken {
                account: account.to_owned(),
                client: client.to_owned(),
                scopes: scopes.clone(),
                issued: now,
                used: now,
                code: code.map(str::to_owned),
            },
        );
        token
    }
}

/// Sends the browser back to the client.
fn back(ask: &Ask, pairs: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(&ask.redirect_uri) else {
        return page::refusal("redirect_uri_mismatch");
    };
    {
        let mut query = url.query_pairs_mut();
        if let Some(state) = &ask.state {
            query.append_pair("state", state);
        }
        for (key, value) in pairs {
            query.append_pair(key, value);
        }
    }
    Response::empty(302).with("location", url.as_str())
}

/// `calendar.events` of `https://www.googleapis.com/auth/calendar.events`.
fn short(scope: &str) -> String {
    scope.strip_prefix(SCOPE_PREFIX).unwrap_or(scope).to_owned()
}

/// The scope as a URL, whichever way it is given.
fn long(scope: &str) -> String {
    if scope.starts_with("https://") || matches!(scope, "openid" | "email" | "profile") {
        scope.to_owned()
    } else {
        format!("{SCOPE_PREFIX}{scope}")
    }
}

fn joined(scopes: &BTreeSet<String>) -> String {
    scopes
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}
