//! Reading typed values, collecting every problem on the way so that all are told at once.

use std::str::FromStr;

use app::{SettingsInput, WebhookInput};
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
                self.wrong(name, found.name, found.place, wrong);
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
                    self.wrong(name, found.name, found.place, wrong);
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

    fn wrong(&mut self, name: &'static str, called: String, place: String, wrong: String) {
        let expects = variables::find(name).map_or("", |variable| variable.expects);
        self.problems.push(Problem {
            what: called,
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

/// What was typed, to be told what is wrong with it. What may hold a password is not repeated.
fn repeated(text: &str) -> String {
    if text.contains(['@', '?']) {
        "what it says (not repeated here, as it may hold a password)".to_owned()
    } else {
        format!("{text:?}")
    }
}

/// An address of scheme http or https with a host.
pub(crate) fn address(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|error| format!("{} is no address ({error}).", repeated(text)))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        let text = repeated(text);
        return Err(format!("{text} is neither an http nor an https address."));
    }
    Ok(url)
}

/// Where a webhook may be: what the API would take.
pub(crate) fn webhook_address(text: &str) -> Result<Url, String> {
    let url = address(text)?;
    acceptable(url.as_str(), None)?;
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
        return Err("it has a query or a fragment.".to_owned());
    }
    Ok(url)
}

/// Whether a secret can sign what is sent to a webhook.
pub(crate) fn webhook_secret(secret: &SecretString) -> Result<(), String> {
    acceptable("https://hooks.example/", Some(secret.clone()))
}

/// Whether the API would take this webhook.
fn acceptable(url: &str, secret: Option<SecretString>) -> Result<(), String> {
    let webhook = WebhookInput {
        id: None,
        url: url.to_owned(),
        secret,
        enabled: true,
    };
    let input = SettingsInput {
        webhooks: Some(vec![webhook]),
        ..SettingsInput::default()
    };
    input.check().map_err(|error| error.detail)
}

/// Headers that come with requests for other reasons than a sign-in.
const TAKEN: [&str; 14] = [
    "accept",
    "authorization",
    "connection",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "referer",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Host names as URLs write them, without port.
pub(crate) fn hosts(text: &str) -> Result<Vec<String>, String> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| {
            let url = Url::parse(&format!("http://{name}/"));
            let host = url.as_ref().ok().and_then(Url::host_str);
            match host {
                Some(host) if host.eq_ignore_ascii_case(name) && host != "*" => Ok(host.to_owned()),
                _ => Err(format!("{} is no host name.", repeated(name))),
            }
        })
        .collect()
}

/// The name of a header in which a proxy may say whom it has signed in, in lower case: none that
/// browsers or proxies send for other reasons.
pub(crate) fn identity_header(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let is_taken = TAKEN.contains(&name.as_str())
        || ["sec-", "accept-", "content-"]
            .iter()
            .any(|start| name.starts_with(start));
    if !is_name {
        return Err(format!("{text:?} is no header name."));
    }
    if is_taken {
        return Err(format!("{text:?} comes with every request."));
    }
    Ok(name)
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
        for wrong in [
            "https://ada:hush@exa mple.org/",
            "https://ada:hush@example.org:port/",
            "ada:hush@example.org",
            "ftp://ada:hush@example.org/",
            "example.org/?token=hush",
            "https//example.org/?token=hush",
            "https://example.org/?token=hush#x",
        ] {
            for error in [base_address(wrong).unwrap_err(), hosts(wrong).unwrap_err()] {
                assert!(!error.contains("hush"), "{wrong}: {error}");
            }
        }
        assert!(address("example.org").unwrap_err().contains("example.org"));
    }

    #[test]
    fn names_of_hosts_and_headers_are_judged() {
        let names = hosts("caldav-sync, NAS.lan,[::1],192.168.1.5").unwrap();
        assert_eq!(names, ["caldav-sync", "nas.lan", "[::1]", "192.168.1.5"]);
        for wrong in ["nas:8080", "http://nas", "a@b", "a/b", "na s", "*"] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
        assert_eq!(identity_header("Remote-User"), Ok("remote-user".to_owned()));
        assert_eq!(
            identity_header("X-Forwarded-User"),
            Ok("x-forwarded-user".to_owned())
        );
        for wrong in ["Cookie", "X-Forwarded-For", "Sec-Fetch-Site", "a b", "a:b"] {
            assert!(identity_header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn switches_are_read() {
        assert_eq!(switch("OFF"), Ok(false));
        assert_eq!(switch("on"), Ok(true));
        assert!(switch("perhaps").is_err());
    }
}
