//! Checking an authorization request before anyone is asked anything.

use url::Url;

use super::Core;
use crate::google::config::ClientConfig;
use crate::google::facts::{SCOPE_PREFIX, facts};

/// A request for authorization that passed every check.
pub(super) struct Ask {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: String,
    pub(super) offline: bool,
    /// `prompt=consent`.
    pub(super) again: bool,
    pub(super) include_granted: bool,
    pub(super) login_hint: Option<String>,
}

impl Core {
    /// Checks the query of an authorization request; the text says what is wrong.
    pub(super) fn read_ask(&self, query: &[(String, String)]) -> Result<Ask, String> {
        let get = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.as_str())
        };
        let need = |name: &str| get(name).ok_or_else(|| format!("invalid_request: missing {name}"));
        let client = need("client_id")?;
        let client = self
            .client(client)
            .ok_or("invalid_client: the OAuth client was not found")?;
        let redirect_uri = need("redirect_uri")?;
        if !may_return_to(client, redirect_uri) {
            return Err("redirect_uri_mismatch".to_owned());
        }
        if need("response_type")? != "code" {
            return Err("unsupported_response_type".to_owned());
        }
        let challenge = need("code_challenge")?;
        if get("code_challenge_method") != Some("S256") || challenge.len() != 43 {
            return Err("invalid_request: code_challenge_method must be S256".to_owned());
        }
        let mut scopes = Vec::new();
        for scope in need("scope")?.split_whitespace() {
            if !known_scope(scope) {
                return Err(format!("invalid_scope: {scope}"));
            }
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        if scopes.is_empty() {
            return Err("invalid_request: missing scope".to_owned());
        }
        let flag = |name: &str, yes: &str, no: &str| match get(name) {
            None => Ok(false),
            Some(value) if value == yes => Ok(true),
            Some(value) if value == no => Ok(false),
            Some(_) => Err(format!("invalid_request: bad {name}")),
        };
        let prompts: Vec<&str> = get("prompt").unwrap_or_default().split(' ').collect();
        Ok(Ask {
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            state: get("state").map(str::to_owned),
            scopes,
            challenge: challenge.to_owned(),
            offline: flag("access_type", "offline", "online")?,
            again: prompts.contains(&"consent"),
            include_granted: flag("include_granted_scopes", "true", "false")?,
            login_hint: get("login_hint").map(str::to_owned),
        })
    }
}

fn may_return_to(client: &ClientConfig, uri: &str) -> bool {
    if client.redirect_uris.iter().any(|known| known == uri) {
        return true;
    }
    let Some(parsed) = Url::parse(uri).ok().filter(|_| client.any_loopback) else {
        return false;
    };
    parsed.scheme() == "http"
        && matches!(parsed.host_str(), Some("127.0.0.1" | "localhost"))
        && parsed.path() == "/oauth/callback"
        && parsed.query().is_none()
        && parsed.fragment().is_none()
}

fn known_scope(scope: &str) -> bool {
    matches!(scope, "openid" | "email" | "profile")
        || scope
            .strip_prefix(SCOPE_PREFIX)
            .is_some_and(|short| facts().knows_scope(short))
}
