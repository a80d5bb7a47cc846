//! The environment variables that the program reads: names, what belongs in them, which are secret.
//!
//! The one list. `.env.example` is compared with it by `cargo xtask tidy`; the reader in `config`
//! asks for nothing that is not in here.

/// One variable.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// Secrets may also come from the file that `NAME_FILE` names.
    pub(crate) secret: bool,
    /// What belongs in it: ends the sentence "Set it to …".
    pub(crate) expects: &'static str,
}

const fn plain(name: &'static str, expects: &'static str) -> Variable {
    Variable {
        name,
        secret: false,
        expects,
    }
}

const fn secret(name: &'static str, expects: &'static str) -> Variable {
    Variable {
        name,
        secret: true,
        expects,
    }
}

/// Every variable but `RUST_LOG`, which the logging library defines.
pub(crate) const VARIABLES: &[Variable] = &[
    plain(
        "GOOGLE_CLIENT_ID",
        "the id of your OAuth client, which ends in .apps.googleusercontent.com",
    ),
    secret("GOOGLE_CLIENT_SECRET", "the secret of your OAuth client"),
    plain(
        "GOOGLE_DAILY_WRITES",
        "a number from 1 to 1000000, such as 10000",
    ),
    plain("GOOGLE_AUTH_URI", "an address of scheme https or http"),
    plain("GOOGLE_TOKEN_URI", "an address of scheme https or http"),
    plain("GOOGLE_REVOKE_URI", "an address of scheme https or http"),
    plain("GOOGLE_API_URL", "an address of scheme https or http"),
    plain(
        "BASE_URL",
        "the address people use, such as https://sync.example.org or http://localhost:8080, \
         without user name, query or fragment",
    ),
    plain(
        "BIND",
        "an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080; port 0 takes \
         a free one",
    ),
    plain(
        "TRUSTED_PROXIES",
        "addresses or networks separated by commas, such as 172.18.0.2 or 172.18.0.0/28",
    ),
    secret(
        "API_KEY",
        "at most 512 characters without line breaks, best 32 random ones",
    ),
    plain("LOCAL_ACCESS", "on or off"),
    plain("DATA_DIR", "a folder that this user may write"),
    secret(
        "SECRET_KEY",
        "32 bytes in base64: `openssl rand -base64 32` makes them",
    ),
    plain("WEBHOOK_URL", "an address of scheme https or http"),
    secret("WEBHOOK_SECRET", "any text, or whsec_ followed by base64"),
    plain("LOG_FORMAT", "text or json"),
];

/// The entry of a variable.
pub(crate) fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_what_belongs_in_them() {
        for (at, variable) in VARIABLES.iter().enumerate() {
            assert!(!variable.expects.is_empty(), "{}", variable.name);
            assert!(!variable.name.ends_with("_FILE"), "{}", variable.name);
            let first = VARIABLES
                .iter()
                .position(|other| other.name == variable.name);
            assert_eq!(first, Some(at), "{} is there twice", variable.name);
        }
    }
}
