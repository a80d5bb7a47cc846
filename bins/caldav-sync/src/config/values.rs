//! Reading typed values, collecting every problem on the way so that all are told at once.

use std::str::FromStr;

use secrecy::SecretString;
use url::Url;

use super::environment::Environment;
use super::error::Problem;
use super::variables;

/// Reads variables and remembers what was wrong with them.
pub(crate) struct Reader<'a> {
    environment: &'a Environment,
    /// What was wrong so far.
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            problems: environment.misplaced(),
        }
    }

    /// A value read by `read`, whose error says what is wrong with it. `None` when it is not set or
    /// wrong.
    pub(crate) fn value<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let found = self.environment.plain(name)?;
        match read(found.value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.wrong(name, found.place, wrong);
                None
            }
        }
    }

    /// A secret, checked by `check`.
    pub(crate) fn secret(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&SecretString) -> Result<(), String>,
    ) -> Option<SecretString> {
        match self.environment.secret(name) {
            Ok(None) => None,
            Ok(Some(found)) => match check(&found.value) {
                Ok(()) => Some(found.value),
                Err(wrong) => {
                    self.wrong(name, found.place, wrong);
                    None
                }
            },
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// A value that belongs to another that is missing.
    pub(crate) fn alone(&mut self, present: &'static str, missing: &'static str) {
        let expects = variables::find(missing).map_or("", |variable| variable.expects);
        self.problems.push(Problem {
            what: missing.to_owned(),
            place: "environment".to_owned(),
            wrong: format!("it is not set, and {present} is of no use without it."),
            action: format!("Set it to {expects}, or unset {present}."),
        });
    }

    fn wrong(&mut self, name: &'static str, place: String, wrong: String) {
        let expects = variables::find(name).map_or("", |variable| variable.expects);
        self.problems.push(Problem {
            what: name.to_owned(),
            place,
            wrong,
            action: format!("Set it to {expects}."),
        });
    }
}

/// A value of a type that reads itself.
pub(crate) fn parsed<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is none."))
}

/// An address of scheme http or https with a host.
pub(crate) fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no address ({error})."))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{text:?} is neither an http nor an https address."));
    }
    Ok(url)
}

/// `BASE_URL`: nothing but scheme, host, port and path.
pub(crate) fn base_address(text: &str) -> Result<Url, String> {
    let url = address(text)?;
    // What may be a password is not repeated.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user name or a password in it.".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{text:?} has a query or a fragment."));
    }
    Ok(url)
}

/// `on` or `off`, and what others call them.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        assert!(address("https://example.org/x?y").is_ok());
        for wrong in ["example.org", "ftp://example.org", "http://", "unix:/run/x"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert!(base_address("https://example.org/sync/").is_ok());
        for wrong in [
            "https://a:b@example.org",
            "https://example.org/?x",
            "https://example.org/#x",
        ] {
            let error = base_address(wrong).unwrap_err();
            assert!(!error.contains("a:b"), "{error}");
        }
    }

    #[test]
    fn switches_are_read() {
        assert_eq!(switch("OFF"), Ok(false));
        assert_eq!(switch("on"), Ok(true));
        assert!(switch("perhaps").is_err());
    }
}
