//! Digest access authentication (RFC 7616, and RFC 2069's form without `qop`).

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::challenge::Challenge;

/// An accepted challenge, from which answers are made.
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The algorithm as the server spelled it; absent if it did not.
    spelled: Option<String>,
    session: bool,
    qop: bool,
    stale: bool,
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Digest {
    /// Takes a challenge, if it is one that can be answered.
    pub(crate) fn accept(challenge: &Challenge) -> Option<Self> {
        if !challenge.is("digest") {
            return None;
        }
        let spelled = challenge.get("algorithm").map(str::to_owned);
        let name = spelled.as_deref().unwrap_or("MD5").to_ascii_lowercase();
        let (algorithm, session) = match name.as_str() {
            "md5" => (Algorithm::Md5, false),
            "md5-sess" => (Algorithm::Md5, true),
            "sha-256" => (Algorithm::Sha256, false),
            "sha-256-sess" => (Algorithm::Sha256, true),
            _ => return None,
        };
        let qop = match challenge.get("qop") {
            None => false,
            Some(offered) => {
                // `auth-int` alone would need a hash over the body: nobody asks for it.
                if !offered
                    .split(',')
                    .any(|word| word.trim().eq_ignore_ascii_case("auth"))
                {
                    return None;
                }
                true
            }
        };
        Some(Self {
            realm: challenge.get("realm").unwrap_or_default().to_owned(),
            nonce: challenge.get("nonce")?.to_owned(),
            opaque: challenge.get("opaque").map(str::to_owned),
            algorithm,
            spelled,
            session,
            qop,
            stale: challenge
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Of several offers the strongest is taken.
    pub(crate) fn strength(&self) -> impl Ord + use<> {
        (self.algorithm, self.qop)
    }

    /// The value of the `Authorization` header for the next request.
    pub(crate) fn answer(
        &mut self,
        username: &str,
        password: &str,
        method: &str,
        target: &str,
        client_nonce: &str,
    ) -> String {
        self.count = self.count.saturating_add(1);
        let count = format!("{:08x}", self.count);
        let mut secret = self.hash(&format!("{username}:{}:{password}", self.realm));
        if self.session {
            secret = self.hash(&format!("{secret}:{}:{client_nonce}", self.nonce));
        }
        let what = self.hash(&format!("{method}:{target}"));
        let response = if self.qop {
            self.hash(&format!(
                "{secret}:{}:{count}:{client_nonce}:auth:{what}",
                self.nonce
            ))
        } else {
            self.hash(&format!("{secret}:{}:{what}", self.nonce))
        };
        let mut out = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
            quoted(username),
            quoted(&self.realm),
            quoted(&self.nonce),
            quoted(target),
        );
        // Writing into a string cannot fail.
        if let Some(algorithm) = &self.spelled {
            let _ = write!(out, ", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(out, ", opaque=\"{}\"", quoted(opaque));
        }
        if self.qop {
            let _ = write!(out, ", qop=auth, nc={count}, cnonce=\"{client_nonce}\"");
        } else if self.session {
            let _ = write!(out, ", cnonce=\"{client_nonce}\"");
        }
        out
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => HEXLOWER.encode(&Md5::digest(text)),
            Algorithm::Sha256 => HEXLOWER.encode(&Sha256::digest(text)),
        }
    }
}

/// A nonce of our own.
pub(crate) fn client_nonce() -> String {
    let mut bytes = [0; 16];
    // Without randomness the nonce only protects less against a chosen challenge.
    let _ = getrandom::fill(&mut bytes);
    HEXLOWER.encode(&bytes)
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::super::challenges;
    use super::*;

    fn accept(text: &str) -> Option<Digest> {
        challenges([text].into_iter())
            .iter()
            .find_map(Digest::accept)
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_rfc_s_own_examples() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let mut digest = accept(&format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            ))
            .unwrap();
            let answer = digest.answer(
                "Mufasa",
                "Circle of Life",
                "GET",
                "/dir/index.html",
                "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            );
            assert!(
                answer.contains(&format!("response=\"{response}\"")),
                "{answer}"
            );
            assert!(answer.contains("nc=00000001") && answer.contains("qop=auth,"));
        }
    }

    /// RFC 2617 section 3.5 without its `qop`: RFC 2069's form.
    #[test]
    fn without_qop() {
        let mut digest = accept("Digest realm=\"r\", nonce=\"n\"").unwrap();
        let answer = digest.answer("u", "p", "GET", "/", "c");
        assert!(!answer.contains("qop") && !answer.contains("cnonce"));
        let ha1 = HEXLOWER.encode(&Md5::digest("u:r:p"));
        let ha2 = HEXLOWER.encode(&Md5::digest("GET:/"));
        let response = HEXLOWER.encode(&Md5::digest(format!("{ha1}:n:{ha2}")));
        assert!(answer.contains(&response));
    }

    #[test]
    fn counts_go_up() {
        let mut digest = accept("Digest realm=r, nonce=n, qop=auth").unwrap();
        digest.answer("u", "p", "GET", "/", "c");
        assert!(
            digest
                .answer("u\"x", "p", "GET", "/", "c")
                .contains("nc=00000002")
        );
    }

    #[test]
    fn what_cannot_be_answered_is_not_accepted() {
        for text in [
            "Basic realm=x",
            "Digest realm=r",
            "Digest realm=r, nonce=n, qop=auth-int",
            "Digest realm=r, nonce=n, algorithm=TOKEN",
        ] {
            assert!(accept(text).is_none(), "{text}");
        }
        let both = challenges(
            [
                "Digest realm=r, nonce=n, algorithm=MD5, qop=auth",
                "Digest realm=r, nonce=n, algorithm=SHA-256, qop=auth",
            ]
            .into_iter(),
        );
        let best = both
            .iter()
            .filter_map(Digest::accept)
            .max_by_key(Digest::strength);
        assert_eq!(best.unwrap().algorithm, Algorithm::Sha256);
    }
}
