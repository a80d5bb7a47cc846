//! The keys of `config.yaml` that are no environment variables: names, what belongs in them, which
//! stand where.
//!
//! The one list. The reader takes no other key, and `cargo xtask tidy` compares it with
//! `docs/configuration.md`. `[]` stands for each entry of a list.

use app::words::{nearest, tidied};

use super::super::variables::VARIABLES;

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Where it stands.
    pub(crate) path: &'static str,
    /// What belongs in it: ends the sentence "Set it to …".
    pub(crate) expects: &'static str,
}

const fn key(path: &'static str, expects: &'static str) -> Key {
    Key { path, expects }
}

/// Every key below the four sections.
pub(crate) const KEYS: &[Key] = &[
    key(
        "settings.interval_seconds",
        "a number of seconds from 60 (a minute) to 86400 (a day)",
    ),
    key("settings.history_days", "a number of days from 1 to 3650"),
    key("webhooks[].url", "an address of scheme https or http"),
    key(
        "webhooks[].secret",
        "any text, or whsec_ followed by base64",
    ),
    key(
        "webhooks[].secret_file",
        "the path of a file that holds the secret alone",
    ),
    key("webhooks[].enabled", "true or false"),
    key(
        "caldav_accounts[].name",
        "a name that no other account of the file has",
    ),
    key(
        "caldav_accounts[].base_url",
        "the server's address, such as https://cloud.example.org",
    ),
    key("caldav_accounts[].username", "the user name"),
    key(
        "caldav_accounts[].password",
        "the password, best one made for this program",
    ),
    key(
        "caldav_accounts[].password_file",
        "the path of a file that holds the password alone",
    ),
    key(
        "caldav_accounts[].trusted_fingerprint",
        "the SHA-256 fingerprint of the server's certificate: 64 hex digits, with or without colons",
    ),
    key(
        "mappings[].name",
        "a name that no other mapping of the file has",
    ),
    key("mappings[].caldav.account", "the name of a CalDAV account"),
    key(
        "mappings[].caldav.calendar",
        "the calendar's URL or its display name",
    ),
    key(
        "mappings[].google.account",
        "the e-mail address of a Google account",
    ),
    key(
        "mappings[].google.calendar",
        "the calendar's id or its name, or primary",
    ),
    key(
        "mappings[].direction",
        "caldav_to_google, google_to_caldav or bidirectional",
    ),
    key("mappings[].enabled", "true or false"),
    key(
        "mappings[].window.past_days",
        "a number of days from 0 to 36500",
    ),
    key(
        "mappings[].window.future_days",
        "a number of days from 0 to 36500",
    ),
    key(
        "mappings[].conflict_policy",
        "latest, merge, caldav, google or manual",
    ),
    key("mappings[].on_target_edit", "restore or keep"),
    key(
        "mappings[].privacy",
        "full, busy, or a mapping with title, description and location",
    ),
    key(
        "mappings[].privacy.title",
        "a title, in which {title} and {calendar} stand for themselves",
    ),
    key("mappings[].privacy.description", "true or false"),
    key("mappings[].privacy.location", "true or false"),
    key(
        "mappings[].deletion_limit.count",
        "a number of events from 0 to 4294967295",
    ),
    key(
        "mappings[].deletion_limit.percent",
        "a number from 0 to 100",
    ),
    key(
        "mappings[].time_zone",
        "a zone of the IANA database, such as Europe/Berlin",
    ),
    key("mappings[].declined", "free, skip or as_is"),
    key("mappings[].private_events", "private, busy, skip or as_is"),
    key("mappings[].reminders", "none or default"),
    key("mappings[].chain", "true or false"),
    key("mappings[].invitations", "wait or write"),
];

/// What `RUST_LOG` is called in the file; the logging library defines the variable.
pub(crate) const RUST_LOG: &str = "rust_log";

/// What belongs in the key at a place, written with `[]`.
pub(crate) fn expects(place: &str) -> &'static str {
    KEYS.iter()
        .find(|key| key.path == place)
        .map_or("", |key| key.expects)
}

/// The keys right below a place; at the root (`""`) those of the environment too.
pub(crate) fn below(place: &str) -> Vec<String> {
    let mut names = Vec::new();
    if place.is_empty() {
        for variable in VARIABLES {
            names.push(variable.name.to_ascii_lowercase());
            if variable.secret {
                names.push(format!("{}_file", variable.name.to_ascii_lowercase()));
            }
        }
        names.push(RUST_LOG.to_owned());
    }
    for key in KEYS {
        let rest = if place.is_empty() {
            Some(key.path)
        } else {
            key.path
                .strip_prefix(place)
                .and_then(|rest| rest.strip_prefix('.'))
        };
        let name = rest.and_then(|rest| rest.split(['.', '[']).next());
        if let Some(name) = name
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// What somebody probably meant who wrote `wrong` at a place: a key that stands there, else one of
/// the same name that stands elsewhere.
pub(crate) fn meant(place: &str, wrong: &str) -> Option<String> {
    let here = below(place);
    if let Some(near) = nearest(wrong, here.iter().map(String::as_str)) {
        return Some(near.to_owned());
    }
    let tidy = tidied(wrong);
    if let Some(whole) = tidy.strip_suffix("_file")
        && here.iter().any(|known| known == whole)
    {
        return Some(whole.to_owned());
    }
    if !place.is_empty() && below("").contains(&tidy) {
        return Some(format!("{tidy} at the top of the file"));
    }
    let elsewhere = KEYS.iter().find(|key| {
        let (_, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        name == tidy
    });
    elsewhere.map(|key| key.path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_keys() {
        assert!(below("").contains(&"base_url".to_owned()));
        assert!(below("").contains(&"api_key_file".to_owned()));
        assert!(below("").contains(&"mappings".to_owned()));
        assert_eq!(below("mappings[].window"), ["past_days", "future_days"]);
        assert_eq!(below("settings"), ["interval_seconds", "history_days"]);
        assert!(below("mappings[]").contains(&"caldav".to_owned()));
    }

    #[test]
    fn slips_of_the_pen_are_understood() {
        for (place, wrong, right) in [
            ("", "base-url", Some("base_url")),
            ("", "BASE_URL", Some("base_url")),
            ("", "maping", Some("mappings")),
            ("", "interval_seconds", Some("settings.interval_seconds")),
            ("caldav_accounts[]", "pasword", Some("password")),
            ("caldav_accounts[]", "user", None),
            ("mappings[]", "windows", Some("window")),
            (
                "mappings[]",
                "past_days",
                Some("mappings[].window.past_days"),
            ),
            (
                "settings",
                "base_url",
                Some("base_url at the top of the file"),
            ),
            ("", "colour", None),
        ] {
            assert_eq!(meant(place, wrong).as_deref(), right, "{place} {wrong}");
        }
    }
}
