//! What a certificate is known by: its SHA-256 fingerprint, as people compare it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// Bytes of a SHA-256.
const BYTES: usize = 32;

/// The SHA-256 of a certificate (DER). No secret: whoever connects is shown the certificate.
///
/// Shown as upper-case pairs, `AA:BB:…`, the way `openssl` and browsers do; read with or without
/// colons, in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; BYTES]);

impl Fingerprint {
    /// The fingerprint of a certificate, given as DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// As long as a SHA-1, which can be forged.
    #[error(
        "this is a SHA-1 fingerprint, which can be forged: the SHA-256 one has 64 hex digits \
         (openssl x509 -noout -fingerprint -sha256)"
    )]
    Sha1,
    /// Not 64 hex digits.
    #[error("a SHA-256 fingerprint has 64 hex digits, and this has {digits}")]
    Length {
        /// How many it has.
        digits: usize,
    },
    /// Something else than hex digits, or colons that do not part pairs.
    #[error(
        "a SHA-256 fingerprint is 64 hex digits, with a colon after every second one or with none"
    )]
    Form,
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let text = text.trim();
        let paired = text.split(':').all(|pair| pair.len() == 2);
        if !text.is_ascii() || (text.contains(':') && !paired) {
            return Err(FingerprintError::Form);
        }
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|sign| *sign != ':')
            .map(|sign| sign.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.ok_or(FingerprintError::Form)?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        match <[u8; BYTES]>::try_from(bytes) {
            Ok(bytes) if digits.len() == 2 * BYTES => Ok(Self(bytes)),
            _ if digits.len() == 40 => Err(FingerprintError::Sha1),
            _ => Err(FingerprintError::Length {
                digits: digits.len(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the empty text (FIPS 180-4, example).
    const EMPTY: &str = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:\
                         A4:95:99:1B:78:52:B8:55";

    #[test]
    fn it_is_shown_in_pairs_and_read_as_people_write_it() {
        let shown = Fingerprint::of(b"").to_string();
        assert_eq!(shown, EMPTY);
        let bare = EMPTY.replace(':', "");
        for text in [EMPTY, &bare, &bare.to_lowercase(), &format!(" {EMPTY}\n")] {
            assert_eq!(text.parse(), Ok(Fingerprint::of(b"")), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_why() {
        let bare = EMPTY.replace(':', "");
        for (text, why) in [
            (String::new(), FingerprintError::Length { digits: 0 }),
            (
                bare.get(..63).unwrap().to_owned(),
                FingerprintError::Length { digits: 63 },
            ),
            (format!("{bare}0"), FingerprintError::Length { digits: 65 }),
            (bare.get(..40).unwrap().to_owned(), FingerprintError::Sha1),
            (bare.replace('E', "G"), FingerprintError::Form),
            (EMPTY.replacen(':', "", 1), FingerprintError::Form),
            (format!("{EMPTY}:"), FingerprintError::Form),
            (format!("SHA256:{bare}"), FingerprintError::Form),
            ("ä".repeat(32), FingerprintError::Form),
        ] {
            assert_eq!(text.parse::<Fingerprint>(), Err(why), "{text}");
        }
    }
}
