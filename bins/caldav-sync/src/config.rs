//! The configuration of `serve`: read from the environment and from `config.yaml`, typed, checked,
//! all problems told at once.
//!
//! Called at the start by `serve` and again by `watch` when the file changes; `healthcheck` asks for
//! the one variable it needs. Nothing is opened here but that file and those that `*_FILE` values
//! name; `data_dir` looks after the folder.

pub(crate) mod data_dir;
mod declared;
mod effective;
pub(crate) mod environment;
pub(crate) mod error;
mod file;
pub(crate) mod mount;
mod values;
mod variables;
pub(crate) mod watch;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use app::{Declared, GoogleClient};
use gcal_client::{Endpoints, Pace};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use environment::Environment;
use error::ConfigError;
use values::{
    Reader, address, base_address, hosts, identity_header, parsed, switch, webhook_address,
    webhook_secret,
};
use web::Cidr;

pub(crate) use effective::show as show_effective;

/// Where to listen unless `BIND` says otherwise.
const DEFAULT_BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Longest key that is ever compared. The sign-in's form takes it (`web`, `SIGN_IN_BYTES`).
const LONGEST_KEY: usize = 512;

/// Everything that the environment and `config.yaml` say.
#[derive(Debug)]
pub(crate) struct Config {
    /// `BIND`.
    pub(crate) bind: SocketAddr,
    /// `BASE_URL`; `None` means localhost with the port that was bound.
    pub(crate) base_url: Option<Url>,
    /// `DATA_DIR`.
    pub(crate) data_dir: PathBuf,
    /// `SECRET_KEY`.
    pub(crate) secret_key: Option<SecretString>,
    /// `OLD_SECRET_KEY`: only `rekey` asks for it.
    pub(crate) old_secret_key: Option<SecretString>,
    /// `API_KEY`.
    pub(crate) api_key: Option<SecretString>,
    /// `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`.
    pub(crate) google: Option<GoogleClient>,
    /// `GOOGLE_*_URI` and `GOOGLE_API_URL`.
    pub(crate) endpoints: Endpoints,
    /// `GOOGLE_DAILY_WRITES`, and no pacing where Google is a simulator on this machine.
    pub(crate) pace: Pace,
    /// `TRUSTED_PROXIES`.
    pub(crate) trusted_proxies: Vec<Cidr>,
    /// `FORWARD_AUTH_HEADER`, in lower case.
    pub(crate) forward_auth_header: Option<String>,
    /// `ALLOWED_HOSTS`.
    pub(crate) allowed_hosts: Vec<String>,
    /// `LOCAL_ACCESS`.
    pub(crate) local_access: bool,
    /// `WEBHOOK_URL` and `WEBHOOK_SECRET`.
    pub(crate) webhook: Option<Webhook>,
    /// The sections of `config.yaml`.
    pub(crate) declared: Declared,
}

/// The webhook of the environment.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// Where to.
    pub(crate) url: Url,
    /// What calls are signed with.
    pub(crate) secret: Option<SecretString>,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// Every problem there is.
    pub(crate) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let google = google(&mut reader);
        let endpoints = endpoints(&mut reader);
        let webhook = webhook(&mut reader);
        let daily_writes = reader.value("GOOGLE_DAILY_WRITES", |text| {
            let writes: u32 = parsed(text)?;
            if (1..=1_000_000).contains(&writes) {
                Ok(writes)
            } else {
                Err(format!("{writes} is out of range."))
            }
        });
        let forward_auth_header = reader.value("FORWARD_AUTH_HEADER", identity_header);
        let before = reader.problems.len();
        let trusted_proxies = reader.value("TRUSTED_PROXIES", networks);
        let nobody = trusted_proxies.as_ref().is_none_or(Vec::is_empty);
        if forward_auth_header.is_some() && nobody && reader.problems.len() == before {
            reader.alone("FORWARD_AUTH_HEADER", "TRUSTED_PROXIES");
        }
        let read = Self {
            bind: bind(&mut reader),
            base_url: reader.value("BASE_URL", base_address),
            data_dir: reader
                .value("DATA_DIR", |text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| PathBuf::from(".")),
            secret_key: reader.secret("SECRET_KEY", encryption_key),
            old_secret_key: reader.secret("OLD_SECRET_KEY", encryption_key),
            // Without the spaces around it: nobody who gives it can send them along.
            api_key: reader
                .secret("API_KEY", |key| api_key(key.expose_secret().trim()))
                .map(|key| SecretString::from(key.expose_secret().trim())),
            trusted_proxies: trusted_proxies.unwrap_or_default(),
            forward_auth_header,
            allowed_hosts: reader.value("ALLOWED_HOSTS", hosts).unwrap_or_default(),
            local_access: reader.value("LOCAL_ACCESS", switch).unwrap_or(true),
            google,
            pace: pace(endpoints.as_ref(), daily_writes),
            endpoints: match endpoints {
                Some(endpoints) => endpoints,
                None => return Err(failed(reader)),
            },
            webhook,
            declared: declared::read(environment.file(), &mut reader.problems),
        };
        // Read by the logging, which comes first; checked here too, so that it is told with the rest.
        reader.value("LOG_FORMAT", log_format);
        if reader.problems.is_empty() {
            Ok(read)
        } else {
            Err(failed(reader))
        }
    }

    /// `BIND` alone: for the health check, which must work whatever else is set.
    ///
    /// # Errors
    /// When it is wrong.
    pub(crate) fn read_bind(environment: &Environment) -> Result<SocketAddr, ConfigError> {
        let mut reader = Reader::new(environment);
        reader.problems.clear();
        let bind = bind(&mut reader);
        if reader.problems.is_empty() {
            Ok(bind)
        } else {
            Err(failed(reader))
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `LOG_FORMAT`, `None` when it is not set.
///
/// # Errors
/// When it is wrong.
pub(crate) fn read_log_format(environment: &Environment) -> Result<Option<LogFormat>, ConfigError> {
    let mut reader = Reader::new(environment);
    reader.problems.clear();
    let format = reader.value("LOG_FORMAT", log_format);
    if reader.problems.is_empty() {
        Ok(format)
    } else {
        Err(failed(reader))
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither.")),
    }
}

fn failed(reader: Reader<'_>) -> ConfigError {
    ConfigError {
        problems: reader.problems,
    }
}

fn bind(reader: &mut Reader<'_>) -> SocketAddr {
    reader.value("BIND", parsed).unwrap_or(DEFAULT_BIND)
}

fn encryption_key(key: &SecretString) -> Result<(), String> {
    store::Keys::from_base64(key)
        .map(drop)
        .map_err(|_| "it is not 32 bytes in base64.".to_owned())
}

/// A key goes into a header. A short one is taken, with a warning, and guessing it is slowed down.
fn api_key(key: &str) -> Result<(), String> {
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let wrong = "it has other characters than letters, digits and signs of ASCII.";
        return Err(wrong.to_owned());
    }
    let length = key.len();
    if length > LONGEST_KEY {
        return Err(format!("it has {length} characters."));
    }
    Ok(())
}

fn networks(text: &str) -> Result<Vec<Cidr>, String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts
        .map(|part| {
            if part.ends_with("/0") {
                return Err(format!(
                    "{part:?} is every address there is: anybody could forge forwarding headers."
                ));
            }
            part.parse().map_err(|error| format!("{error}."))
        })
        .collect()
}

fn google(reader: &mut Reader<'_>) -> Option<GoogleClient> {
    let before = reader.problems.len();
    let id = reader.value("GOOGLE_CLIENT_ID", |text| Ok(text.to_owned()));
    let secret = reader.secret("GOOGLE_CLIENT_SECRET", |_| Ok(()));
    match (id, secret) {
        (Some(id), Some(secret)) => Some(GoogleClient { id, secret }),
        (Some(_), None) => {
            // A secret that could not be read was told already.
            if reader.problems.len() == before {
                reader.alone("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET");
            }
            None
        }
        (None, Some(_)) => {
            reader.alone("GOOGLE_CLIENT_SECRET", "GOOGLE_CLIENT_ID");
            None
        }
        (None, None) => None,
    }
}

fn endpoints(reader: &mut Reader<'_>) -> Option<Endpoints> {
    let google = Endpoints::google().ok()?;
    Some(Endpoints {
        auth: reader
            .value("GOOGLE_AUTH_URI", address)
            .unwrap_or(google.auth),
        token: reader
            .value("GOOGLE_TOKEN_URI", address)
            .unwrap_or(google.token),
        revoke: reader
            .value("GOOGLE_REVOKE_URI", address)
            .unwrap_or(google.revoke),
        api: reader
            .value("GOOGLE_API_URL", address)
            .unwrap_or(google.api),
    })
}

/// A simulator on this machine has no quota to spare: tests and tries need not wait. The daily
/// budget holds everywhere, because somebody may have set it to see it at work.
fn pace(endpoints: Option<&Endpoints>, daily_writes: Option<u32>) -> Pace {
    let usual = Pace::default();
    let daily_writes = daily_writes.unwrap_or(usual.daily_writes);
    let simulated = endpoints.is_some_and(|endpoints| is_loopback(&endpoints.api));
    Pace {
        daily_writes,
        ..if simulated { Pace::unlimited() } else { usual }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn webhook(reader: &mut Reader<'_>) -> Option<Webhook> {
    let before = reader.problems.len();
    let url = reader.value("WEBHOOK_URL", webhook_address);
    let secret = reader.secret("WEBHOOK_SECRET", webhook_secret);
    match (url, secret) {
        (Some(url), secret) => Some(Webhook { url, secret }),
        (None, Some(_)) => {
            if reader.problems.len() == before {
                reader.alone("WEBHOOK_SECRET", "WEBHOOK_URL");
            }
            None
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(&Environment::new(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        ))
    }

    #[test]
    fn nothing_set_is_a_configuration() {
        let config = read(&[]).unwrap();
        assert_eq!(config.bind, DEFAULT_BIND);
        assert_eq!(config.data_dir, PathBuf::from("."));
        assert!(config.base_url.is_none() && config.google.is_none() && config.local_access);
        assert_eq!(config.pace, Pace::default());
        assert_eq!(config.endpoints, Endpoints::google().unwrap());
    }

    #[test]
    fn every_problem_is_told_with_what_is_right() {
        let error = read(&[
            ("BIND", "8080"),
            ("BASE_URL", "sync.example.org"),
            ("TRUSTED_PROXIES", "10.0.0.1, proxy"),
            ("LOCAL_ACCESS", "maybe"),
            ("GOOGLE_CLIENT_ID", "x.apps.googleusercontent.com"),
            ("GOOGLE_API_URL", "www.googleapis.com"),
            ("GOOGLE_DAILY_WRITES", "0"),
            ("SECRET_KEY", "c2hvcnQ="),
            ("WEBHOOK_SECRET", "whsec_???"),
            ("LOG_FORMAT", "xml"),
            ("API_KEY", "two\nlines"),
        ])
        .unwrap_err();
        let told: Vec<&str> = error.problems.iter().map(|p| p.what.as_str()).collect();
        for name in [
            "BIND",
            "BASE_URL",
            "TRUSTED_PROXIES",
            "LOCAL_ACCESS",
            "GOOGLE_CLIENT_SECRET",
            "GOOGLE_API_URL",
            "GOOGLE_DAILY_WRITES",
            "SECRET_KEY",
            "WEBHOOK_SECRET",
            "LOG_FORMAT",
            "API_KEY",
        ] {
            assert!(told.contains(&name), "{name} is not in {told:?}");
        }
        let text = error.to_string();
        assert!(!text.contains("c2hvcnQ") && !text.contains("???") && !text.contains("two\nlines"));
        for problem in &error.problems {
            assert!(
                problem.action.len() > 10 && !problem.place.is_empty(),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused() {
        let long = "x".repeat(513);
        for (key, why) in [
            ("a key of twenty-three chars", "ASCII"),
            ("schl\u{fc}ssel-schl\u{fc}ssel-schl\u{fc}ssel", "ASCII"),
            ("two-lines-are-no-key\nat-all", "ASCII"),
            (long.as_str(), "513"),
        ] {
            let error = read(&[("API_KEY", key)]).unwrap_err();
            let [problem] = error.problems.as_slice() else {
                panic!("{error}");
            };
            assert_eq!(problem.what, "API_KEY");
            assert!(problem.wrong.contains(why), "{key:?}: {problem}");
            assert!(problem.action.contains("openssl rand"), "{problem}");
            assert!(!problem.to_string().contains(key.trim()), "{problem}");
        }
        let config = read(&[("API_KEY", " a-short-one \r")]).unwrap();
        let key = config.api_key.unwrap();
        assert_eq!(key.expose_secret(), "a-short-one");
    }

    #[test]
    fn a_webhook_of_the_environment_is_judged_as_one_of_the_api() {
        for (url, why) in [
            ("hooks.example/x", "no address"),
            ("https://ada:hush@hooks.example/x", "user name and password"),
            ("http://169.254.169.254/latest", "metadata"),
            ("http://0.0.0.0/", "unspecified"),
        ] {
            let error = read(&[("WEBHOOK_URL", url)]).unwrap_err();
            let problem = &error.problems[0];
            assert_eq!(problem.what, "WEBHOOK_URL");
            assert!(problem.wrong.contains(why), "{problem}");
            assert!(!problem.to_string().contains("hush"), "{problem}");
        }
        let long = "x".repeat(513);
        for secret in ["whsec_", "whsec_???", long.as_str()] {
            let values = [
                ("WEBHOOK_URL", "http://nas.lan/hook"),
                ("WEBHOOK_SECRET", secret),
            ];
            let error = read(&values).unwrap_err();
            assert_eq!(error.problems[0].what, "WEBHOOK_SECRET", "{error}");
        }
        let good = read(&[("WEBHOOK_URL", "http://nas.lan/hook")]).unwrap();
        assert!(good.webhook.is_some());
    }

    #[test]
    fn a_proxy_that_signs_people_in_is_a_trusted_one() {
        let alone = read(&[("FORWARD_AUTH_HEADER", "Remote-User")]).unwrap_err();
        assert_eq!(alone.problems[0].what, "TRUSTED_PROXIES");
        let config = read(&[
            ("FORWARD_AUTH_HEADER", "Remote-User"),
            ("TRUSTED_PROXIES", "172.18.0.2"),
            ("ALLOWED_HOSTS", "caldav-sync"),
        ])
        .unwrap();
        assert_eq!(config.forward_auth_header.as_deref(), Some("remote-user"));
        assert_eq!(config.allowed_hosts, ["caldav-sync"]);
    }

    #[test]
    fn only_a_simulator_on_this_machine_is_not_paced() {
        let near = read(&[
            ("GOOGLE_API_URL", "http://127.0.0.1:9000/calendar/v3"),
            ("GOOGLE_DAILY_WRITES", "7"),
        ]);
        let near = near.unwrap().pace;
        assert_eq!((near.units_a_minute, near.daily_writes), (None, 7));
        let far = read(&[("GOOGLE_API_URL", "http://192.168.1.5:9000/calendar/v3")]);
        assert_eq!(far.unwrap().pace, Pace::default());
    }
}
