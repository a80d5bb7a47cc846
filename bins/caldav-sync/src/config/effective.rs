//! What holds and where it comes from, for people: secrets hidden, addresses without what may be
//! secret in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use app::{ConfigValue, Declared, SETTINGS};
use serde_json::Value;
use url::Url;

use super::Config;
use super::environment::{Environment, Origin};
use super::file::keys::RUST_LOG;
use super::variables::{VARIABLES, Variable};

/// The whole configuration as text. `chosen` are the settings of the database, if there is one.
pub(crate) fn show(
    environment: &Environment,
    config: &Config,
    chosen: &BTreeMap<String, Value>,
) -> String {
    let mut lines = values(environment);
    lines.extend(settings(environment, &config.declared, chosen));
    let mut text = aligned(&lines);
    text.push_str(&sections(environment, &config.declared));
    text
}

/// Every variable.
pub(crate) fn values(environment: &Environment) -> Vec<ConfigValue> {
    let mut values: Vec<ConfigValue> = VARIABLES
        .iter()
        .map(|variable| of_variable(environment, variable))
        .collect();
    values.push(log_levels(environment));
    values
}

fn of_variable(environment: &Environment, variable: &Variable) -> ConfigValue {
    let origin = environment.origin(variable.name);
    let value = if origin == Origin::Default {
        if variable.default.is_empty() {
            "not set".to_owned()
        } else {
            variable.default.to_owned()
        }
    } else if variable.secret {
        "set, hidden".to_owned()
    } else {
        environment
            .plain(variable.name)
            .map_or_else(String::new, |found| harmless(found.value))
    };
    ConfigValue {
        name: variable.name.to_owned(),
        value,
        origin: words(&origin, environment),
    }
}

fn log_levels(environment: &Environment) -> ConfigValue {
    let set = environment.log_levels();
    let (value, origin) = set.unwrap_or_else(|| ("info", words(&Origin::Default, environment)));
    ConfigValue {
        name: RUST_LOG.to_ascii_uppercase(),
        value: value.to_owned(),
        origin,
    }
}

fn settings(
    environment: &Environment,
    declared: &Declared,
    chosen: &BTreeMap<String, Value>,
) -> Vec<ConfigValue> {
    SETTINGS
        .iter()
        .map(|setting| {
            let in_file = declared.settings.number(setting.name);
            let chosen = chosen.get(setting.name).and_then(Value::as_u64);
            let (value, origin) = match (in_file, chosen) {
                (Some(value), _) => (value, environment.file().shown()),
                (None, Some(value)) => (value, words(&Origin::Database, environment)),
                (None, None) => (setting.default, words(&Origin::Default, environment)),
            };
            ConfigValue {
                name: format!("settings.{}", setting.name),
                value: value.to_string(),
                origin,
            }
        })
        .collect()
}

fn words(origin: &Origin, environment: &Environment) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::Database => "pages or API".to_owned(),
        Origin::File(line) => environment.file().place(*line),
        Origin::Environment => "environment".to_owned(),
    }
}

fn aligned(lines: &[ConfigValue]) -> String {
    let width = |part: fn(&ConfigValue) -> &str| {
        let widths = lines.iter().map(|line| part(line).chars().count());
        widths.max().unwrap_or(0).min(50)
    };
    let (names, values) = (width(|line| &line.name), width(|line| &line.value));
    lines.iter().fold(String::new(), |mut text, line| {
        let ConfigValue {
            name,
            value,
            origin,
        } = line;
        let _ = writeln!(text, "{name:names$}  {value:values$}  ({origin})");
        text
    })
}

/// What the file declares, one line each.
fn sections(environment: &Environment, declared: &Declared) -> String {
    let file = environment.file();
    if !file.found {
        return format!("\nThere is no {}.\n", file.shown());
    }
    let mut text = format!("\nDeclared in {}:\n", file.shown());
    for account in &declared.accounts {
        let _ = writeln!(
            text,
            "  CalDAV account {:?}: {} at {}, password hidden",
            account.name,
            account.username,
            harmless(&account.base_url)
        );
    }
    for mapping in &declared.mappings {
        let state = if mapping.settings.enabled {
            "on"
        } else {
            "off"
        };
        let direction = serde_json::to_value(mapping.settings.direction).unwrap_or_default();
        let _ = writeln!(
            text,
            "  mapping {:?}: {:?} of {:?}, {:?} of {}, {}, {state}",
            mapping.name,
            mapping.caldav.calendar,
            mapping.caldav.account,
            mapping.google.calendar,
            mapping.google.account,
            direction.as_str().unwrap_or_default(),
        );
    }
    for webhook in declared.settings.webhooks.iter().flatten() {
        let signed = if webhook.secret.is_some() {
            "signed"
        } else {
            "not signed"
        };
        let state = if webhook.enabled { "on" } else { "off" };
        let _ = writeln!(
            text,
            "  webhook {}: {signed}, {state}",
            harmless(&webhook.url)
        );
    }
    if text.lines().count() == 2 {
        text.push_str("  nothing\n");
    }
    text
}

/// An address without user, password and query: tokens stand there. Anything else as it is.
fn harmless(value: &str) -> String {
    let Ok(mut url) = Url::parse(value) else {
        return value.to_owned();
    };
    let secret = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    if !secret || !url.has_host() {
        return value.to_owned();
    }
    let queried = url.query().is_some();
    // Addresses with a host can be without these.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    format!("{url}{}", if queried { "?…" } else { "" })
}
