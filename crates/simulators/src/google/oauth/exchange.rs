//! The token endpoint and revocation: codes and refresh tokens for access
//! tokens, with every way in which Google refuses.

use std::collections::BTreeSet;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{ACCESS_TTL, CODE_TTL, DAY, SECOND, joined};
use crate::google::state::Core;
use crate::google::wire::{Request, Response};

type Form = Vec<(String, String)>;

fn refuse(status: u16, error: &str, description: &str) -> Response {
    Response::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn invalid_grant(description: &str) -> Response {
    refuse(400, "invalid_grant", description)
}

fn field<'f>(form: &'f Form, name: &str) -> &'f str {
    form.iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value.as_str())
}

impl Core {
    /// `POST /token`.
    pub(in crate::google) fn token(&mut self, request: &Request) -> Response {
        let form = request.form();
        self.oauth.keep(field(&form, "code_verifier"));
        let (id, secret) = basic(request).unwrap_or_else(|| {
            (
                field(&form, "client_id").to_owned(),
                field(&form, "client_secret").to_owned(),
            )
        });
        match self.client(&id) {
            None => return refuse(401, "invalid_client", "The OAuth client was not found."),
            Some(client) if client.secret != secret => {
                return refuse(401, "invalid_client", "Unauthorized");
            }
            Some(_) => {}
        }
        match field(&form, "grant_type") {
            "authorization_code" => self.redeem(&id, &form),
            "refresh_token" => self.refresh(&id, &form),
            "" => refuse(
                400,
                "invalid_request",
                "Missing required parameter: grant_type",
            ),
            _ => refuse(400, "unsupported_grant_type", "Invalid grant_type"),
        }
    }

    fn redeem(&mut self, client: &str, form: &Form) -> Response {
        let text = field(form, "code").to_owned();
        let now = self.clock.now();
        let Some(code) = self.oauth.codes.get_mut(&text) else {
            return invalid_grant("Malformed auth code.");
        };
        if code.used {
            // A code seen twice was stolen: what it gave is taken back.
            let from = Some(text);
            self.oauth.access.retain(|_, token| token.code != from);
            self.oauth.refresh.retain(|_, token| token.code != from);
            return invalid_grant("Bad Request");
        }
        if code.client != client || now - code.issued > CODE_TTL {
            return invalid_grant("Bad Request");
        }
        if code.redirect_uri != field(form, "redirect_uri") {
            return refuse(400, "redirect_uri_mismatch", "Bad Request");
        }
        let verifier = field(form, "code_verifier");
        let hashed = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
        if !(43..=128).contains(&verifier.len()) || hashed != code.challenge {
            return invalid_grant("Invalid code verifier.");
        }
        code.used = true;
        let (account, scopes, offline) = (code.account.clone(), code.scopes.clone(), code.offline);
        let access = self.new_access(&account, client, &scopes, Some(&text));
        let refresh = offline.then(|| self.new_refresh(&account, client, &scopes, Some(&text)));
        self.granted(client, &access, refresh.as_deref(), &scopes)
    }

    fn refresh(&mut self, client: &str, form: &Form) -> Response {
        let text = field(form, "refresh_token").to_owned();
        let now = self.clock.now();
        let testing = self.client(client).is_some_and(|client| client.testing);
        let dead = "Token has been expired or revoked.";
        let Some(token) = self.oauth.refresh.get_mut(&text) else {
            return invalid_grant(dead);
        };
        if token.client != client {
            return refuse(401, "unauthorized_client", "Unauthorized");
        }
        if now - token.used > 180 * DAY || (testing && now - token.issued > 7 * DAY) {
            self.oauth.refresh.remove(&text);
            return invalid_grant(dead);
        }
        token.used = now;
        let (account, mut scopes) = (token.account.clone(), token.scopes.clone());
        let wanted = field(form, "scope");
        if !wanted.is_empty() {
            let wanted: BTreeSet<String> = wanted.split(' ').map(str::to_owned).collect();
            if !wanted.is_subset(&scopes) {
                return refuse(400, "invalid_scope", "Some requested scopes were invalid.");
            }
            scopes = wanted;
        }
        let access = self.new_access(&account, client, &scopes, None);
        let rotated = self.knobs.rotate_refresh_tokens.then(|| {
            self.oauth.refresh.remove(&text);
            self.new_refresh(&account, client, &scopes, None)
        });
        self.granted(client, &access, rotated.as_deref(), &scopes)
    }

    fn granted(
        &self,
        client: &str,
        access: &str,
        refresh: Option<&str>,
        scopes: &BTreeSet<String>,
    ) -> Response {
        let mut out = json!({
            "access_token": access,
            "expires_in": ACCESS_TTL / SECOND - 1,
            "scope": joined(scopes),
            "token_type": "Bearer",
        });
        if let (Some(refresh), Some(map)) = (refresh, out.as_object_mut()) {
            map.insert("refresh_token".into(), json!(refresh));
            if self.client(client).is_some_and(|client| client.testing) {
                map.insert(
                    "refresh_token_expires_in".into(),
                    json!(7 * DAY / SECOND - 1),
                );
            }
        }
        Response::json(200, &out).with("cache-control", "no-store")
    }

    /// `POST /revoke`: the whole grant dies with either token.
    pub(in crate::google) fn revoke(&mut self, request: &Request) -> Response {
        let form = request.form();
        let text = match field(&form, "token") {
            "" => request.param("token").unwrap_or_default(),
            text => text,
        };
        let owner = self
            .oauth
            .access
            .get(text)
            .map(|token| (token.account.clone(), token.client.clone()))
            .or_else(|| {
                let token = self.oauth.refresh.get(text)?;
                Some((token.account.clone(), token.client.clone()))
            });
        let Some((account, client)) = owner else {
            return refuse(400, "invalid_token", "Token expired or revoked");
        };
        let theirs = |a: &str, c: &str| a == account && c == client;
        self.oauth
            .access
            .retain(|_, token| !theirs(&token.account, &token.client));
        self.oauth
            .refresh
            .retain(|_, token| !theirs(&token.account, &token.client));
        self.oauth.grants.remove(&(account, client));
        Response::json(200, &Value::Object(serde_json::Map::new()))
    }
}

/// Client id and secret from a Basic header.
fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| crate::google::wire::percent_decode(text);
    Some((decode(id), decode(secret)))
}
