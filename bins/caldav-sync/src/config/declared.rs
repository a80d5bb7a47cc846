//! The sections of `config.yaml`: settings, webhooks, CalDAV accounts and mappings, read into what
//! the application puts into force. Every mistake is told with its key, its place and the nearest
//! right one.

use app::records::{DeletionLimit, MappingSettings, Window};
use app::{
    Declared, DeclaredAccount, DeclaredCalendar, DeclaredMapping, Fingerprint, SettingsInput,
    UserError, WebhookInput, check_mapping,
};
use secrecy::SecretString;
use sync_engine::projection::{Privacy, Template};

use super::environment::secret_in;
use super::error::Problem;
use super::file::ConfigFile;
use super::file::scope::{Problems, Scope};
use super::file::yaml::Value;
use super::values::{address, webhook_secret};

/// Most accounts, mappings and webhooks; more are a mistake, or an attack.
const MOST: usize = 1_000;

/// Reads what a file declares; what is wrong goes to `told`.
pub(crate) fn read(file: &ConfigFile, told: &mut Vec<Problem>) -> Declared {
    let problems = Problems::default();
    let declared = Declared {
        settings: settings(file, &problems),
        accounts: unique(
            "name",
            Scope::list("caldav_accounts", MOST, file, &problems),
            account,
            |one| &one.name,
        ),
        mappings: unique(
            "name",
            Scope::list("mappings", MOST, file, &problems),
            mapping,
            |one| &one.name,
        ),
    };
    told.append(&mut problems.take());
    declared
}

/// Reads entries that need different names.
fn unique<T>(
    key: &str,
    scopes: Vec<Scope<'_>>,
    read: impl Fn(&Scope<'_>) -> Option<T>,
    name: impl Fn(&T) -> &str,
) -> Vec<T> {
    let mut all: Vec<(T, u64)> = Vec::new();
    for scope in scopes {
        let Some(one) = read(&scope) else {
            continue;
        };
        let line = scope.line_of(key);
        if let Some((_, first)) = all.iter().find(|(other, _)| name(other) == name(&one)) {
            let wrong = format!("{:?} is there already, in line {first}.", name(&one));
            scope.wrong(key, line, &wrong);
        }
        all.push((one, line));
    }
    all.into_iter().map(|(one, _)| one).collect()
}

fn settings(file: &ConfigFile, problems: &Problems) -> SettingsInput {
    let mut settings = SettingsInput::default();
    let section = file
        .section("settings")
        .and_then(|node| Scope::section("settings", node, file, problems));
    if let Some(section) = section {
        settings.interval_seconds = section.parsed("interval_seconds");
        settings.history_days = section.parsed("history_days");
        if let Err(error) = settings.check() {
            tell(&section, &error);
        }
    }
    if let Some(node) = file.section("webhooks") {
        let webhooks = Scope::list("webhooks", MOST, file, problems);
        let webhooks: Vec<WebhookInput> = webhooks.iter().filter_map(webhook).collect();
        let all = only_webhooks(webhooks.clone());
        // Each by itself was right: what is wrong is their number.
        if let Err(error) = all.check() {
            problems.push(Problem {
                what: "webhooks".to_owned(),
                place: file.place(node.line),
                wrong: error.detail,
                action: "Remove some.".to_owned(),
            });
        }
        settings.webhooks = Some(webhooks);
    }
    settings
}

fn only_webhooks(webhooks: Vec<WebhookInput>) -> SettingsInput {
    SettingsInput {
        webhooks: Some(webhooks),
        ..SettingsInput::default()
    }
}

/// Tells what the application says about the fields of a mapping of the file.
fn tell(scope: &Scope<'_>, error: &UserError) {
    for fault in &error.fields {
        let key = fault.field.as_str();
        scope.wrong(key, scope.line_of(key), &fault.detail);
    }
}

fn webhook(scope: &Scope<'_>) -> Option<WebhookInput> {
    let url = scope.required("url", scope.text("url"));
    let secret = secret(scope, "secret").filter(|secret| match webhook_secret(secret) {
        Ok(()) => true,
        Err(wrong) => {
            scope.wrong("secret", scope.line_of("secret"), &wrong);
            false
        }
    });
    let enabled = scope.flag("enabled").unwrap_or(true);
    let webhook = WebhookInput {
        id: None,
        url: url?,
        secret,
        enabled,
    };
    match only_webhooks(vec![webhook.clone()]).check() {
        Ok(()) => Some(webhook),
        Err(error) => {
            scope.wrong("url", scope.line_of("url"), &error.detail);
            None
        }
    }
}

fn account(scope: &Scope<'_>) -> Option<DeclaredAccount> {
    let name = scope.required("name", scope.text("name"));
    let base_url = scope.required("base_url", scope.text("base_url"));
    if let Some(Err(wrong)) = base_url.as_deref().map(address) {
        scope.wrong("base_url", scope.line_of("base_url"), &wrong);
    }
    let username = scope.required("username", scope.text("username"));
    let password = secret(scope, "password");
    if password.is_none()
        && scope.node("password").is_none()
        && scope.node("password_file").is_none()
    {
        scope.wrong(
            "password",
            scope.line,
            "it is missing, and so is password_file.",
        );
    }
    let trusted_fingerprint = certificate(scope, base_url.as_deref());
    Some(DeclaredAccount {
        name: name?,
        base_url: base_url?,
        username: username?,
        password: password?,
        trusted_fingerprint,
    })
}

/// The one certificate that an account's server may show.
fn certificate(scope: &Scope<'_>, address: Option<&str>) -> Option<Fingerprint> {
    const KEY: &str = "trusted_fingerprint";
    let text = scope.text(KEY)?;
    let (line, encrypted) = (scope.line_of(KEY), |url: &str| url.starts_with("https:"));
    match text.parse() {
        Ok(_) if address.is_some_and(|url| !encrypted(url)) => {
            let action = "Let base_url begin with https, or remove it.".to_owned();
            let wrong = "only a server with an https address has a certificate.";
            scope.tell(KEY, line, wrong, action);
            None
        }
        Ok(fingerprint) => Some(fingerprint),
        Err(error) => {
            scope.wrong(KEY, line, &format!("{error}."));
            None
        }
    }
}

/// A secret, or the one in the file that `KEY_file` names.
fn secret(scope: &Scope<'_>, key: &str) -> Option<SecretString> {
    let by_file = format!("{key}_file");
    let (direct, path) = (scope.secret(key), scope.text(&by_file));
    if direct.is_some() && path.is_some() {
        let action = format!("Keep one of them: remove {key} or {by_file}.");
        let wrong = "both are set, and they may differ.";
        scope.tell(&by_file, scope.line_of(&by_file), wrong, action);
        return None;
    }
    if let Some((text, _)) = direct {
        return Some(SecretString::from(text));
    }
    let path = scope.file().beside(&path?);
    let place = scope.file().place(scope.line_of(&by_file));
    match secret_in(&path, &by_file, &by_file, &place) {
        Ok(secret) => Some(secret),
        Err(problem) => {
            scope.tell(
                &by_file,
                scope.line_of(&by_file),
                &problem.wrong,
                problem.action,
            );
            None
        }
    }
}

fn mapping(scope: &Scope<'_>) -> Option<DeclaredMapping> {
    let name = scope.required("name", scope.text("name"));
    let caldav = calendar(scope, "caldav");
    let google = calendar(scope, "google");
    let settings = mapping_settings(scope, name.as_deref());
    if let Err(error) = check_mapping(&settings) {
        tell(scope, &error);
    }
    Some(DeclaredMapping {
        name: name?,
        caldav: caldav?,
        google: google?,
        settings,
    })
}

fn calendar(scope: &Scope<'_>, side: &str) -> Option<DeclaredCalendar> {
    let Some(calendar) = scope.below(side) else {
        if scope.node(side).is_none() {
            let action = format!("Write {side}: {{account: …, calendar: …}}.");
            scope.tell(side, scope.line, "it is missing.", action);
        }
        return None;
    };
    let account = calendar.required("account", calendar.text("account"));
    let named = calendar.required("calendar", calendar.text("calendar"));
    Some(DeclaredCalendar {
        account: account?,
        calendar: named?,
    })
}

/// Every field of `POST /mappings`; one that is not there has its default.
fn mapping_settings(scope: &Scope<'_>, name: Option<&str>) -> MappingSettings {
    let usual = MappingSettings::default();
    let window = scope.below("window").map_or(usual.window, |window| Window {
        past_days: window.parsed("past_days").unwrap_or(usual.window.past_days),
        future_days: window
            .parsed("future_days")
            .unwrap_or(usual.window.future_days),
    });
    let limit = usual.deletion_limit;
    let deletion_limit = scope
        .below("deletion_limit")
        .map_or(limit, |given| DeletionLimit {
            count: given.parsed("count").unwrap_or(limit.count),
            percent: given.parsed("percent").unwrap_or(limit.percent),
        });
    MappingSettings {
        name: name.map(ToOwned::to_owned),
        direction: scope.choice("direction").unwrap_or(usual.direction),
        enabled: scope.flag("enabled").unwrap_or(usual.enabled),
        window,
        conflict_policy: scope
            .choice("conflict_policy")
            .unwrap_or(usual.conflict_policy),
        on_target_edit: scope
            .choice("on_target_edit")
            .unwrap_or(usual.on_target_edit),
        privacy: privacy(scope).unwrap_or(usual.privacy),
        deletion_limit,
        time_zone: scope.text("time_zone"),
        declined: scope.choice("declined").unwrap_or(usual.declined),
        private_events: scope
            .choice("private_events")
            .unwrap_or(usual.private_events),
        reminders: scope.choice("reminders").unwrap_or(usual.reminders),
        chain: scope.flag("chain").unwrap_or(usual.chain),
        invitations: scope.choice("invitations").unwrap_or(usual.invitations),
    }
}

fn privacy(scope: &Scope<'_>) -> Option<Privacy> {
    if !matches!(scope.node("privacy")?.value, Value::Map(_)) {
        return match scope.text("privacy")?.as_str() {
            "full" => Some(Privacy::Full),
            "busy" => Some(Privacy::Busy),
            other => {
                let wrong = format!("{other:?} is none.");
                scope.wrong("privacy", scope.line_of("privacy"), &wrong);
                None
            }
        };
    }
    let rule = scope.below("privacy")?;
    let title = rule.required("title", rule.text("title"));
    let (description, location) = (rule.flag("description"), rule.flag("location"));
    Some(Privacy::Template(Template {
        title: title?,
        description: description.unwrap_or(false),
        location: location.unwrap_or(false),
    }))
}

#[cfg(test)]
mod tests;
