//! Files that are right, and one mistake after the other.

mod bombs;

use std::collections::BTreeMap;

use app::SETTINGS;
use app::records::{ConflictPolicy, Direction, MappingSettings};
use secrecy::ExposeSecret as _;
use sync_engine::projection::Privacy;
use tempfile::TempDir;

use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::file::keys::{KEYS, RUST_LOG};
use crate::config::variables::VARIABLES;
use crate::config::{Config, show_effective};

/// The documentation, whose example has to be right.
const DOCUMENTED: &str = include_str!("../../../../../docs/configuration.md");

struct Place {
    folder: TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("config.yaml"), text).unwrap();
        Self { folder }
    }

    fn environment(&self, more: &[(&str, &str)]) -> Environment {
        let data = self.folder.path().to_str().unwrap();
        let values = [("DATA_DIR", data)].into_iter().chain(more.iter().copied());
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Environment::new(values).read_again()
    }

    fn read(&self) -> Result<Config, ConfigError> {
        Config::read(&self.environment(&[]))
    }
}

fn example() -> &'static str {
    let (_, after) = DOCUMENTED.split_once("```yaml\n").unwrap();
    after.split_once("```").unwrap().0
}

#[test]
fn the_documented_example_is_right_and_shows_every_key() {
    let place = Place::new("");
    let folder = place.folder.path().to_str().unwrap().to_owned();
    let text = example().replace("/run/secrets", &folder);
    for file in ["google", "hook", "cloud"] {
        std::fs::write(
            place.folder.path().join(file),
            format!("secret of {file}\n"),
        )
        .unwrap();
    }
    std::fs::write(place.folder.path().join("config.yaml"), &text).unwrap();
    let config = place.read().unwrap();
    assert_eq!(config.trusted_proxies.len(), 1);
    assert_eq!(
        config.google.unwrap().secret.expose_secret(),
        "secret of google"
    );
    let declared = config.declared;
    assert_eq!(declared.settings.interval_seconds, Some(300));
    assert_eq!(
        declared.accounts[0].password.expose_secret(),
        "secret of cloud"
    );
    let trusted = declared.accounts[1].trusted_fingerprint.unwrap();
    assert!(text.contains(&trusted.to_string()));
    let work = &declared.mappings[0];
    assert_eq!(work.caldav.calendar, "Work");
    let usual = MappingSettings {
        name: Some("work".to_owned()),
        ..MappingSettings::default()
    };
    assert_eq!(work.settings, usual);
    let family = &declared.mappings[1].settings;
    assert_eq!(family.direction, Direction::Bidirectional);
    assert_eq!(family.conflict_policy, ConflictPolicy::Merge);
    assert!(matches!(&family.privacy, Privacy::Template(rule) if rule.location));
    for key in KEYS {
        let name = key.path.rsplit('.').next().unwrap();
        let alternative = ["secret", "password"].contains(&name);
        assert!(
            alternative || text.contains(&format!("{name}:")),
            "{}",
            key.path
        );
    }
}

#[test]
fn the_list_of_keys_is_whole() {
    let whole = serde_json::to_value(MappingSettings::default()).unwrap();
    for field in whole.as_object().unwrap().keys() {
        let path = format!("mappings[].{field}");
        let known = KEYS.iter().any(|key| key.path.starts_with(&path));
        assert!(known, "{path} is no key of the file");
    }
    for setting in SETTINGS {
        let path = format!("settings.{}", setting.name);
        assert!(KEYS.iter().any(|key| key.path == path), "{path}");
    }
    // Every variable is a key, and says where it comes from.
    let values = BTreeMap::from([
        ("BIND", "127.0.0.1:0"),
        ("BASE_URL", "https://sync.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.1"),
        ("LOCAL_ACCESS", "off"),
        ("GOOGLE_DAILY_WRITES", "7"),
        ("SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (
            "OLD_SECRET_KEY",
            "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        ),
        ("API_KEY", "twenty-or-more-characters"),
        ("LOG_FORMAT", "json"),
    ]);
    let lines = VARIABLES
        .iter()
        .filter(|variable| variable.name != "DATA_DIR");
    let lines = lines.map(|variable| {
        let usual = if variable.name.contains("UR") {
            "https://a.example"
        } else {
            "x"
        };
        let value = values.get(variable.name).unwrap_or(&usual);
        format!("{}: {value}", variable.name.to_ascii_lowercase())
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let place = Place::new(&format!("{text}\n{RUST_LOG}: warn\n"));
    let config = place.read().unwrap();
    assert_eq!(config.pace.daily_writes, 7);
    let shown = show_effective(&place.environment(&[]), &config, &BTreeMap::new());
    for variable in VARIABLES {
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{} ", variable.name)));
        let line = line.unwrap_or_else(|| panic!("{} is not shown", variable.name));
        let place = if variable.name == "DATA_DIR" {
            "(environment)"
        } else {
            "config.yaml, line"
        };
        assert!(line.contains(place), "{line}");
    }
}

#[test]
fn the_environment_is_over_the_file_and_the_file_over_the_pages() {
    let place = Place::new(
        "google_daily_writes: 5\nbind: 127.0.0.1:1\napi_key: hush-of-the-file-1234\n\
         webhook_url: https://hooks.example/x?token=hush\n\
         settings: {interval_seconds: 60}\n",
    );
    let secret = place.folder.path().join("key");
    std::fs::write(&secret, "hush-of-the-environment").unwrap();
    let environment = place.environment(&[
        ("GOOGLE_DAILY_WRITES", "6"),
        ("API_KEY_FILE", secret.to_str().unwrap()),
    ]);
    let config = Config::read(&environment).unwrap();
    assert_eq!(config.pace.daily_writes, 6);
    assert_eq!(config.bind.port(), 1);
    let key = config.api_key.as_ref().unwrap();
    assert_eq!(key.expose_secret(), "hush-of-the-environment");
    let chosen = BTreeMap::from([
        ("interval_seconds".to_owned(), 600.into()),
        ("history_days".to_owned(), 7.into()),
    ]);
    let shown = show_effective(&environment, &config, &chosen);
    for (start, end) in [
        ("GOOGLE_DAILY_WRITES  6", "(environment)"),
        ("BIND ", "config.yaml, line 2)"),
        ("API_KEY ", "(environment)"),
        ("LOCAL_ACCESS ", "(default)"),
        ("settings.interval_seconds  60", "config.yaml)"),
        ("settings.history_days ", "(pages or API)"),
    ] {
        let found = shown.lines().any(|line| {
            let squeezed: Vec<&str> = line.split_whitespace().collect();
            let squeezed = squeezed.join(" ") + " ";
            let start: Vec<&str> = start.split_whitespace().collect();
            squeezed.starts_with(&start.join(" ")) && line.ends_with(end)
        });
        assert!(found, "no {start} … {end} in\n{shown}");
    }
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!format!("{environment:?} {config:?}").contains("hush-of"));
}

/// A file, and what has to be said about it: words in this order.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "base-url: x",
        &[
            "base-url",
            "line 1",
            "no such key",
            "Did you mean base_url?",
        ],
    ),
    ("BIND: x", &["BIND", "Did you mean bind?"]),
    (
        "bind: 8080",
        &["bind (", "line 1", "8080", "127.0.0.1:8080"],
    ),
    ("bind: [a]", &["bind", "single value", "an IP address"]),
    (
        "bind: 127.0.0.1:1\nbind: 127.0.0.1:2",
        &["bind", "line 2", "twice, first in line 1"],
    ),
    ("data_dir: /x", &["data_dir", "--config FILE"]),
    (
        "base_url_file: /x",
        &["base_url_file", "Did you mean base_url?"],
    ),
    (
        "api_key: hush\napi_key_file: /x",
        &["api_key and api_key_file", "line 2"],
    ),
    (
        "api_key_file: none",
        &[
            "api_key (",
            "line 1: none",
            "cannot be read",
            "api_key_file",
        ],
    ),
    (
        "secret_key: hush",
        &["secret_key", "line 1", "openssl rand"],
    ),
    ("log_format: xml", &["log_format", "text or json"]),
    ("google_client_id: x", &["GOOGLE_CLIENT_SECRET", "not set"]),
    ("- a", &["config.yaml", "keys with values are expected"]),
    (
        "a: b: hush",
        &["config.yaml", "line 1", "cannot be read as YAML"],
    ),
    (
        "settings: {interval_seconds: 30}",
        &["settings.interval_seconds", "60"],
    ),
    (
        "settings: {interval_seconds: soon}",
        &["settings.interval_seconds", "\"soon\""],
    ),
    (
        "settings: {history: 1}",
        &["settings.history", "history_days"],
    ),
    (
        "interval_seconds: 60",
        &["interval_seconds", "settings.interval_seconds"],
    ),
    (
        "settings: {webhooks: []}",
        &["settings.webhooks", "webhooks at the top of the file"],
    ),
    (
        "webhooks: {url: x}",
        &["webhooks", "a list is expected", "- url"],
    ),
    (
        "webhooks: [{url: x, secret: \"whsec_hush!\"}]",
        &["webhooks[0].secret", "webhooks[0].url"],
    ),
    (
        "webhooks: [{secret: hush}]",
        &["webhooks[0].url", "missing"],
    ),
    (
        "caldav_accounts:\n  - name: a\n    pasword: hush\n    username: u\n",
        &[
            "caldav_accounts[0].pasword",
            "line 3",
            "Did you mean password?",
            "base_url",
            "missing",
        ],
    ),
    (
        "caldav_accounts:\n- {name: a, base_url: 'https://a', username: u, password: hush, password_file: /x}",
        &["caldav_accounts[0].password_file", "both are set"],
    ),
    (
        "caldav_accounts:\n- {name: a, base_url: 'https://a', username: u, password: hush, trusted_fingerprint: 'AA:BB'}",
        &[
            "caldav_accounts[0].trusted_fingerprint",
            "line 2",
            "64 hex digits, and this has 4",
            "with or without colons",
        ],
    ),
    (
        "caldav_accounts:\n- {name: a, base_url: 'http://a', username: u, password: hush,\n   \
         trusted_fingerprint: 0123456789012345678901234567890123456789012345678901234567890123}",
        &[
            "caldav_accounts[0].trusted_fingerprint",
            "line 3",
            "only a server with an https address",
            "Let base_url begin with https",
        ],
    ),
    (
        "caldav_accounts:\n- {name: a, base_url: ftp://a, username: u, password: hush}\n\
         - {name: a, base_url: 'https://a', username: v, password: hush}",
        &[
            "caldav_accounts[0].base_url",
            "caldav_accounts[1].name",
            "line 3",
            "already, in line 2",
        ],
    ),
    (
        "mappings: [{name: m}]",
        &["mappings[0].caldav", "missing", "mappings[0].google"],
    ),
    (
        "mappings: [{name: m, caldav: {account: a}, google: g}]",
        &[
            "mappings[0].caldav.calendar",
            "missing",
            "mappings[0].google",
            "account, calendar",
        ],
    ),
];

#[test]
fn every_mistake_names_key_place_and_the_nearest_right_one() {
    for (text, words) in MISTAKES {
        said(text, words);
    }
}

/// Mistakes in the fields of a mapping.
#[test]
fn fields_of_mappings_are_checked_as_the_api_does() {
    for (field, words) in [
        (
            "direction: caldav-to-google",
            &["direction", "Did you mean caldav_to_google?"][..],
        ),
        ("direction: sideways", &["direction", "or bidirectional"]),
        ("enabled: perhaps", &["enabled", "true or false"]),
        ("window: {past: 1}", &["window.past", "past_days"]),
        ("window: {past_days: 40000}", &["window", "36500"]),
        ("window: 5", &["window", "past_days, future_days"]),
        ("conflict_policy: newest", &["conflict_policy", "latest"]),
        ("privacy: secret", &["privacy", "full, busy"]),
        (
            "privacy: {description: true}",
            &["privacy.title", "missing"],
        ),
        (
            "deletion_limit: {percent: 101}",
            &["deletion_limit", "100 percent"],
        ),
        ("time_zone: Europe/Nowhere", &["time_zone", "IANA"]),
        (
            "past_days: 1",
            &["past_days", "mappings[].window.past_days"],
        ),
        ("id: x", &["mappings[0].id", "no such key"]),
    ] {
        let calendars = "caldav: {account: a, calendar: c}, google: {account: g, calendar: c}";
        let text = format!("mappings:\n- {{name: m, {calendars}, {field}}}\n");
        said(&text, words);
    }
}

fn said(text: &str, words: &[&str]) {
    let place = Place::new(text);
    let said = match place.read() {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{text:?} is taken"),
    };
    let mut rest = said.as_str();
    for word in words {
        let Some((_, after)) = rest.split_once(word) else {
            panic!("{text:?}: {word:?} is not said, or not in this order: {said}");
        };
        rest = after;
    }
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn all_mistakes_are_told_at_once_with_those_of_the_environment() {
    let place = Place::new("bnd: x\nsettings: {interval_seconds: 1}\nwebhooks: [{url: x}]\n");
    let environment = place.environment(&[("LOCAL_ACCESS", "perhaps")]);
    let error = Config::read(&environment).unwrap_err();
    let told: Vec<&str> = error
        .problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    for key in [
        "bnd",
        "settings.interval_seconds",
        "webhooks[0].url",
        "LOCAL_ACCESS",
    ] {
        assert!(told.contains(&key), "{key} is not in {told:?}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there_and_size_is_limited() {
    let place = Place::new(&format!("# {}\n", "x".repeat(600 * 1024)));
    let error = place.read().unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
    std::fs::write(place.folder.path().join("config.yaml"), [0xff, 0xfe, 0xff]).unwrap();
    let error = place.read().unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
}

#[test]
fn the_health_check_knows_where_to_ask_whatever_else_is_wrong() {
    let place = Place::new("bind: 127.0.0.1:9\nnonsense: x\n");
    assert!(place.read().is_err());
    let bind = Config::read_bind(&place.environment(&[])).unwrap();
    assert_eq!(bind.port(), 9);
}

#[test]
fn the_shown_defaults_are_the_defaults() {
    let nothing = Config::read(&Environment::new([])).unwrap();
    let whole = VARIABLES
        .iter()
        .filter(|variable| !variable.default.is_empty() && !variable.default.contains(' '))
        .filter(|variable| !["nobody"].contains(&variable.default))
        .map(|variable| (variable.name.to_owned(), variable.default.to_owned()));
    let whole = Config::read(&Environment::new(whole)).unwrap();
    assert_eq!(whole.bind, nothing.bind);
    assert_eq!(whole.endpoints, nothing.endpoints);
    assert_eq!(whole.pace, nothing.pace);
    assert_eq!(whole.data_dir, nothing.data_dir);
    assert_eq!(whole.local_access, nothing.local_access);
}
