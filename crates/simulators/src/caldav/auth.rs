//! Basic and Digest authentication.
//!
//! Nonces come from a counter, so that the core stays deterministic; this is a test server, not a
//! place for secrets.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use md5::{Digest as _, Md5};

use super::config::AuthScheme;
use super::state::State;

const REALM: &str = "CalDAV simulator";

/// Digest nonces given out, with the number of requests each has served.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    given: BTreeMap<String, u32>,
    counter: u64,
}

impl Nonces {
    fn fresh(&mut self) -> String {
        self.counter += 1;
        let nonce = HEXLOWER.encode(&Md5::digest(format!("nonce {}", self.counter)));
        if self.given.len() > 1_000 {
            self.given.clear();
        }
        self.given.insert(nonce.clone(), 0);
        nonce
    }
}

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// This user.
    User(String),
    /// No credentials.
    Nobody,
    /// Wrong credentials; `stale` when only the nonce was too old.
    Wrong { stale: bool },
}

/// Looks at the `Authorization` header.
pub(super) fn identify(server: &mut State, method: &str, headers: &HeaderMap) -> Who {
    let Some(value) = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()) else {
        return Who::Nobody;
    };
    let Some((scheme, rest)) = value.split_once(' ') else {
        return Who::Wrong { stale: false };
    };
    if scheme.eq_ignore_ascii_case("basic") && server.auth != AuthScheme::Digest {
        return basic(server, rest.trim());
    }
    if scheme.eq_ignore_ascii_case("digest") && server.auth != AuthScheme::Basic {
        return digest(server, method, rest);
    }
    Who::Wrong { stale: false }
}

/// The `WWW-Authenticate` values of a 401.
pub(super) fn challenges(server: &mut State, stale: bool) -> Vec<String> {
    let mut out = Vec::new();
    if server.auth != AuthScheme::Basic {
        let nonce = server.nonces.fresh();
        let stale = if stale { ", stale=true" } else { "" };
        out.push(format!(
            "Digest realm=\"{REALM}\", qop=\"auth\", algorithm=MD5, nonce=\"{nonce}\", \
             opaque=\"sim\"{stale}"
        ));
    }
    if server.auth != AuthScheme::Digest {
        let name = if server.quirks.lower_case_challenge {
            "basic"
        } else {
            "Basic"
        };
        out.push(format!("{name} realm=\"{REALM}\", charset=\"UTF-8\""));
    }
    out
}

fn basic(server: &State, encoded: &str) -> Who {
    let wrong = Who::Wrong { stale: false };
    let Ok(bytes) = BASE64.decode(encoded.as_bytes()) else {
        return wrong;
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return wrong;
    };
    let Some((name, password)) = text.split_once(':') else {
        return wrong;
    };
    match server.users.get(name) {
        Some(user) if user.password == password => Who::User(name.to_owned()),
        _ => wrong,
    }
}

fn digest(server: &mut State, method: &str, rest: &str) -> Who {
    let wrong = Who::Wrong { stale: false };
    if server.quirks.digest_always_refused {
        return wrong;
    }
    let params = params(rest);
    let get = |key: &str| params.get(key).map_or("", String::as_str);
    let Some(account) = server.users.get(get("username")) else {
        return wrong;
    };
    let hash = |text: String| HEXLOWER.encode(&Md5::digest(text));
    let ha1 = hash(format!("{}:{REALM}:{}", account.name, account.password));
    let ha2 = hash(format!("{method}:{}", get("uri")));
    let expected = hash(format!(
        "{ha1}:{}:{}:{}:{}:{ha2}",
        get("nonce"),
        get("nc"),
        get("cnonce"),
        get("qop")
    ));
    if expected != get("response") || get("qop") != "auth" {
        return wrong;
    }
    let name = account.name.clone();
    let Some(uses) = server.nonces.given.get_mut(get("nonce")) else {
        return Who::Wrong { stale: true };
    };
    *uses += 1;
    if server
        .quirks
        .digest_nonce_uses
        .is_some_and(|max| *uses > max)
    {
        return Who::Wrong { stale: true };
    }
    Who::User(name)
}

/// Reads `key=value, key="quoted \"value\""`.
fn params(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut chars = text.chars().peekable();
    loop {
        let key: String = std::iter::from_fn(|| chars.next_if(|c| *c != '=')).collect();
        if chars.next().is_none() {
            return out;
        }
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    c => value.push(c),
                }
            }
        } else {
            value.extend(std::iter::from_fn(|| chars.next_if(|c| *c != ',')));
        }
        out.insert(
            key.trim_matches([',', ' ']).to_ascii_lowercase(),
            value.trim().to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_parameters_are_read() {
        let p = params(r#"username="a\"b", qop=auth, nc=00000001, uri="/x,y=z""#);
        assert_eq!(p["username"], "a\"b");
        assert_eq!(p["qop"], "auth");
        assert_eq!(p["nc"], "00000001");
        assert_eq!(p["uri"], "/x,y=z");
    }
}
