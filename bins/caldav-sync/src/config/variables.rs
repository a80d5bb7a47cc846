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
    /// What holds when it is not set, for people; empty for nothing.
    pub(crate) default: &'static str,
    /// A change of it in `config.yaml` holds at once, not from the next start on.
    pub(crate) live: bool,
}

impl Variable {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    const fn live(mut self) -> Self {
        self.live = true;
        self
    }
}

const fn plain(name: &'static str, expects: &'static str) -> Variable {
    Variable {
        name,
        secret: false,
        expects,
        default: "",
        live: false,
    }
}

const fn secret(name: &'static str, expects: &'static str) -> Variable {
    Variable {
        name,
        secret: true,
        expects,
        default: "",
        live: false,
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
    )
    .or("10000"),
    plain("GOOGLE_AUTH_URI", "an address of scheme https or http")
        .or("https://accounts.google.com/o/oauth2/v2/auth"),
    plain("GOOGLE_TOKEN_URI", "an address of scheme https or http")
        .or("https://oauth2.googleapis.com/token"),
    plain("GOOGLE_REVOKE_URI", "an address of scheme https or http")
        .or("https://oauth2.googleapis.com/revoke"),
    plain("GOOGLE_API_URL", "an address of scheme https or http")
        .or("https://www.googleapis.com/calendar/v3"),
    plain(
        "BASE_URL",
        "the address people use, such as https://sync.example.org or http://localhost:8080, \
         without user name, query or fragment",
    )
    .or("http://localhost with the port that is bound"),
    plain(
        "BIND",
        "an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080; port 0 takes \
         a free one",
    )
    .or("127.0.0.1:8080"),
    plain(
        "TRUSTED_PROXIES",
        "addresses or networks separated by commas, such as 172.18.0.2 or 172.18.0.0/28",
    )
    .or("nobody"),
    plain(
        "FORWARD_AUTH_HEADER",
        "the name of the header in which your reverse proxy says whom it has signed in, such as \
         Remote-User",
    ),
    plain(
        "ALLOWED_HOSTS",
        "host names without port, separated by commas, such as caldav-sync or nas.lan",
    )
    .or("none beside that of BASE_URL"),
    secret(
        "API_KEY",
        "up to 512 letters, digits and signs of ASCII: `openssl rand -base64 32` makes them",
    )
    .or("made at the first start"),
    plain("LOCAL_ACCESS", "on or off").or("on"),
    plain("DATA_DIR", "a folder that this user may write").or("."),
    secret(
        "SECRET_KEY",
        "32 bytes in base64: `openssl rand -base64 32` makes them",
    )
    .or("secret.key in the data folder"),
    secret(
        "OLD_SECRET_KEY",
        "the key in use until now, while rekey changes it to SECRET_KEY",
    ),
    plain("WEBHOOK_URL", "an address of scheme https or http").live(),
    secret("WEBHOOK_SECRET", "any text, or whsec_ followed by base64").live(),
    plain("LOG_FORMAT", "text or json").or("text on a terminal, else json"),
];

/// The variable that names the file of a secret.
pub(crate) fn by_file(name: &str) -> String {
    format!("{name}_FILE")
}

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
