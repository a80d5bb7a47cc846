//! Signing deliveries (Standard Webhooks 1.0.0), and the secrets that do it. Pure, but for the making
//! of a secret.

use data_encoding::BASE64;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::error::{Kind, UserError};

/// What stands before a secret that is written in base64.
const PREFIX: &str = "whsec_";
/// Longest secret that is taken.
const LONGEST: usize = 512;
/// Bytes of a secret that is made here.
const BYTES: usize = 32;

/// The header: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`, once for every secret.
pub(super) fn header(secrets: &[SecretString], id: &str, stamp: i64, body: &str) -> String {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| signature(secret, id, stamp, body))
        .collect();
    signatures.join(" ")
}

fn signature(secret: &SecretString, id: &str, stamp: i64, body: &str) -> String {
    let key = key(secret).unwrap_or_else(|| secret.expose_secret().as_bytes().to_vec());
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new();
    };
    mac.update(format!("{id}.{stamp}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

/// The bytes of a secret: what `whsec_` stands before is base64, anything else is used as it is.
/// `None` for what is neither.
fn key(secret: &SecretString) -> Option<Vec<u8>> {
    let secret = secret.expose_secret();
    match secret.strip_prefix(PREFIX) {
        Some(encoded) => BASE64.decode(encoded.as_bytes()).ok(),
        None => Some(secret.as_bytes().to_vec()),
    }
}

/// What is wrong with a secret that somebody chose.
pub(crate) fn fault(secret: &SecretString) -> Option<&'static str> {
    let length = secret.expose_secret().len();
    if length == 0 {
        Some("The secret is empty. Leave it out to keep the one that is there.")
    } else if length > LONGEST {
        Some("The secret is longer than 512 characters.")
    } else {
        match key(secret) {
            Some(key) if !key.is_empty() => None,
            _ => Some("What follows whsec_ in the secret is no base64."),
        }
    }
}

/// A new secret.
pub(super) fn generate() -> Result<SecretString, UserError> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| {
        UserError::new(
            Kind::Internal,
            "no_randomness",
            "No random numbers",
            "The system gave no random numbers.",
            "Try again; if it stays, restart the machine.",
        )
    })?;
    Ok(SecretString::from(format!(
        "{PREFIX}{}",
        BASE64.encode(&bytes)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const STAMP: i64 = 1_649_367_553;
    const BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn signed(secrets: &[&str]) -> String {
        let secrets: Vec<SecretString> = secrets
            .iter()
            .map(|secret| SecretString::from(*secret))
            .collect();
        header(&secrets, ID, STAMP, BODY)
    }

    #[test]
    fn s17_the_published_vector() {
        assert_eq!(signed(&[SECRET]), SIGNATURE);
    }

    #[test]
    fn s17_a_secret_without_the_prefix_is_raw_bytes() {
        // The same bytes as text would be another key.
        let raw = signed(&["C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]);
        assert_ne!(raw, SIGNATURE);
        // printf '%s' "$ID.$STAMP.$BODY" | openssl dgst -sha256 -hmac 'a secret' -binary | base64
        assert_eq!(
            signed(&["a secret"]),
            "v1,b9yCspWgqedCTBwGm4woPUoYaHcsDPmHr2QF7/5gT80="
        );
    }

    #[test]
    fn s17_every_secret_signs_during_a_change() {
        let both = signed(&["a secret", SECRET]);
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!(parts, [signed(&["a secret"]).as_str(), SIGNATURE]);
    }

    #[test]
    fn secrets_that_cannot_sign_are_refused() {
        for good in [SECRET, "x", "a secret", "whsec"] {
            assert_eq!(fault(&SecretString::from(good)), None, "{good}");
        }
        let long = "x".repeat(513);
        for bad in ["", "whsec_", "whsec_???", long.as_str()] {
            assert!(fault(&SecretString::from(bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_made_secret_is_new_and_signs() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(key(&one).unwrap().len(), BYTES);
        assert_eq!(fault(&one), None);
    }
}
