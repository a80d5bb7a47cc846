//! The query with which Google sends the browser back.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use crate::error::Error;

/// Reads the query of the callback: the code to exchange, if `expected_state` is the state that
/// this very browser was sent off with.
///
/// # Errors
/// [`Error::SignInFailed`] with `state_mismatch` before anything else is believed, then
/// `access_denied` for a person who declined, `no_code` for what is left.
pub fn read_callback(query: &str, expected_state: &SecretString) -> Result<SecretString, Error> {
    let parameter = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    let state = parameter("state").unwrap_or_default();
    // Hashes are compared, so that time tells nothing about the state.
    let same = Sha256::digest(&state) == Sha256::digest(expected_state.expose_secret());
    if !same || state.is_empty() {
        return Err(failed(
            "state_mismatch",
            "the answer does not belong to a sign-in begun in this browser, or it was used already",
        ));
    }
    match parameter("error").as_deref() {
        Some("access_denied") => Err(failed(
            "access_denied",
            "access was declined on Google's page",
        )),
        Some(_) => Err(failed(
            "no_code",
            "Google reported an error instead of a code",
        )),
        None => parameter("code")
            .map(SecretString::from)
            .ok_or_else(|| failed("no_code", "Google's answer holds no code")),
    }
}

pub(crate) fn failed(code: &'static str, why: &str) -> Error {
    Error::SignInFailed {
        code,
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_with_the_right_state_counts() {
        let state = SecretString::from("s1");
        let code = |query: &str| match read_callback(query, &state) {
            Ok(code) => code.expose_secret().to_owned(),
            Err(Error::SignInFailed { code, .. }) => code.to_owned(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(code("state=s1&code=4%2F0a&scope=x"), "4/0a");
        assert_eq!(code("state=s2&code=4"), "state_mismatch");
        assert_eq!(code("code=4"), "state_mismatch");
        assert_eq!(code("state=s2&error=access_denied"), "state_mismatch");
        assert_eq!(code("state=s1&error=access_denied"), "access_denied");
        assert_eq!(code("state=s1&error=server_error"), "no_code");
        assert_eq!(code("state=s1"), "no_code");
        assert!(read_callback("state=&code=1", &SecretString::from("")).is_err());
    }
}
