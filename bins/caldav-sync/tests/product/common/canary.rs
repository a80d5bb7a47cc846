//! Every test is a test of secrecy: what is secret in it is noted as it is made (passwords, keys,
//! tokens, codes), and nothing of it may stand in the log at its most talkative, in an answer, or in
//! the data folder, backups included. `Program` looks when it ends.
//!
//! A test has a process of its own (nextest), so its secrets are kept here for all its programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::BASE64;
use serde_json::Value;
use simulators::google::{GoogleSim, Secrets};

/// What the program logs unless a test says otherwise: everything, but for what turns the wheels.
pub(super) const TALKATIVE: &str = "trace,mio=info,polling=info";
/// A shorter word is in many a text by chance.
const SHORTEST: usize = 6;
/// Members of JSON bodies and names of variables that hold secrets.
const MEMBERS: [&str; 2] = ["password", "secret"];
const VARIABLES: [&str; 4] = [
    "API_KEY",
    "GOOGLE_CLIENT_SECRET",
    "SECRET_KEY",
    "WEBHOOK_SECRET",
];
/// Begins a key that the program made.
const MADE_KEY: &str = "caldav-sync_";
/// Files of the data folder that hold secrets because they are for that.
const KEEPERS: [&str; 2] = ["secret.key", "config.yaml"];

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    secrets: BTreeMap::new(),
    google: Vec::new(),
    answers: Vec::new(),
});

struct Watch {
    /// Each with what it is.
    secrets: BTreeMap<Vec<u8>, String>,
    google: Vec<Secrets>,
    /// Answers, each with where it came from.
    answers: Vec<(String, String)>,
}

fn watch() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a secret.
pub(crate) fn secret(what: &str, value: &str) {
    if value.len() >= SHORTEST {
        let mut watch = watch();
        watch.secrets.insert(value.into(), what.to_owned());
        // As it stands in JSON, a query and Basic.
        let url: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        watch.secrets.insert(url.into(), what.to_owned());
    }
}

/// How many are known.
pub(crate) fn count() -> usize {
    let watch = watch();
    let google = watch.google.iter().map(|google| google.all().len());
    watch.secrets.len() + google.sum::<usize>()
}

/// Notes what a user signs in with.
fn credentials(user: &str, password: &str) {
    let both = BASE64.encode(format!("{user}:{password}").as_bytes());
    secret("the credentials", both.trim_end_matches('='));
}

/// Notes everything secret that this Google will hand out.
pub(super) fn google(google: &GoogleSim) {
    watch().google.push(google.secrets());
}

/// Notes what is secret in a body that is sent.
pub(super) fn sent(body: &Value) {
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if MEMBERS.contains(&name.as_str()) => secret(name, text),
                    _ => sent(value),
                }
            }
            let text = |name: &str| body[name].as_str();
            if let (Some(user), Some(password)) = (text("username"), text("password")) {
                credentials(user, password);
            }
        }
        Value::Array(values) => values.iter().for_each(sent),
        _ => {}
    }
}

/// Notes what is secret in an environment, in files that it names too.
pub(super) fn environment(environment: &BTreeMap<String, String>) {
    for name in VARIABLES {
        if let Some(value) = environment.get(name) {
            secret(name, value);
        }
        let file = environment.get(&format!("{name}_FILE"));
        if let Some(text) = file.and_then(|file| std::fs::read_to_string(file).ok()) {
            secret(name, text.trim());
        }
    }
}

/// Keeps an answer of the program, to be looked through.
pub(crate) fn answered(from: &str, body: &str) {
    watch().answers.push((from.to_owned(), body.to_owned()));
}

/// The files in a data folder, or the one file that is given.
pub(super) fn files(data: Option<&Path>) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = data
        .filter(|data| data.is_file())
        .map(Path::to_path_buf)
        .into_iter()
        .collect();
    let mut folders: Vec<PathBuf> = data.into_iter().map(Path::to_path_buf).collect();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

/// Whether a file was written by the program, whoever wrote it first.
fn is_the_program_s(path: &Path, before: &BTreeSet<PathBuf>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !KEEPERS.contains(&&*name) && (name.contains("caldav_sync") || !before.contains(path))
}

/// Looks for every secret in a log, in all answers and in what the program wrote to its data
/// folder. What was found, in sentences.
pub(crate) fn found(log: &[u8], data: Option<&Path>, before: &BTreeSet<PathBuf>) -> Vec<String> {
    let mut watch = watch();
    let google: Vec<String> = watch.google.iter().flat_map(Secrets::all).collect();
    for text in google {
        watch
            .secrets
            .insert(text.into(), "a token, code, state or verifier".to_owned());
    }
    if let Some(key) = data.and_then(|data| std::fs::read_to_string(data.join("secret.key")).ok()) {
        let key = key.trim();
        let what = "the key that seals".to_owned();
        if let Ok(raw) = BASE64.decode(key.as_bytes()) {
            watch.secrets.insert(raw, what.clone());
        }
        watch.secrets.insert(key.into(), what);
    }
    let mut found = made_keys(log, &mut watch);
    let written = files(data)
        .into_iter()
        .filter(|path| is_the_program_s(path, before))
        .filter_map(|path| Some((path.display().to_string(), std::fs::read(&path).ok()?)));
    let answers = watch
        .answers
        .iter()
        .map(|(from, body)| (format!("the answer of {from}"), body.clone().into_bytes()));
    let places = [("the log".to_owned(), log.to_vec())];
    for (place, bytes) in places.into_iter().chain(answers).chain(written) {
        let text = String::from_utf8_lossy(&bytes);
        for (secret, what) in &watch.secrets {
            // A key that was made is told once, which `made_keys` has counted.
            if place == "the log" && secret.starts_with(MADE_KEY.as_bytes()) {
                continue;
            }
            let around = match std::str::from_utf8(secret) {
                Ok(secret) => text.find(secret).map(|at| around(&text, at)),
                Err(_) => is_in(&bytes, secret).then(String::new),
            };
            found.extend(around.map(|around| format!("{what} is in {place}: {around}")));
        }
    }
    found
}

/// The line around a place in a text, as far as it helps.
fn around(text: &str, at: usize) -> String {
    let before: String = text[..at].chars().rev().take(200).collect();
    let before: String = before.chars().rev().collect();
    let after: String = text[at..].chars().take(120).collect();
    format!("…{before}{after}…")
}

fn is_in(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Notes the keys that the program made and told in its log; more than once is once too often.
fn made_keys(log: &[u8], watch: &mut Watch) -> Vec<String> {
    let text = String::from_utf8_lossy(log);
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, _) in text.match_indices(MADE_KEY) {
        let rest = &text[at..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        let key = &rest[..end.unwrap_or(rest.len())];
        if key.len() > MADE_KEY.len() + 20 {
            *times.entry(key).or_default() += 1;
        }
    }
    for key in times.keys() {
        watch
            .secrets
            .insert(key.as_bytes().to_vec(), "a key that was made".to_owned());
    }
    let often = times.iter().filter(|(_, times)| **times > 1);
    often
        .map(|(key, times)| format!("the key {key} is {times} times in the log"))
        .collect()
}
