//! Looking after `config.yaml` while the program runs: what changes in it is taken over, what is
//! wrong in it is told and changes nothing.
//!
//! The file is read every two seconds and compared by a hash of its content; a change is taken over
//! when the content has been the same twice, so that half a file is never believed. The files that
//! hold its secrets, and the one of `WEBHOOK_SECRET_FILE`, are looked at by their dates and sizes.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;
use std::time::Duration;

use app::{App, FileState};

use super::Config;
use super::effective::values;
use super::environment::Environment;
use super::error::ConfigError;
use crate::serve::keep_webhook;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// Before the second look at a change.
const MOMENT: Duration = Duration::from_millis(250);

/// Watches until it is aborted. `started` is what the program started with.
pub(crate) async fn run(app: App, started: Environment) {
    let mut taken = fingerprint(&started);
    let mut seen = taken;
    report(&app, &started, &started, None);
    loop {
        tokio::time::sleep(if seen == taken { PAUSE } else { MOMENT }).await;
        let environment = started.clone();
        // Files may be on a disk that sleeps.
        let looked = tokio::task::spawn_blocking(move || {
            let now = environment.read_again();
            (fingerprint(&now), now)
        });
        let Ok((print, now)) = looked.await else {
            continue;
        };
        let twice = print == seen;
        seen = print;
        if print != taken && twice {
            taken = print;
            take(&app, &started, &now).await;
        }
    }
}

/// Takes a changed file over, or says why not.
async fn take(app: &App, started: &Environment, now: &Environment) {
    let error = match try_take(app, started, now).await {
        Ok(()) => None,
        Err(error) => {
            tracing::error!(
                file = now.file().shown(),
                "config.yaml changed and cannot be used; what it said before stays in force: {error}"
            );
            Some(error)
        }
    };
    report(app, started, now, error);
}

async fn try_take(app: &App, started: &Environment, now: &Environment) -> Result<(), String> {
    if started.file().found && !now.file().found {
        return Err(
            "The file is gone. Put it back, or restart to do without what it declares.".to_owned(),
        );
    }
    let config = Config::read(now).map_err(|ConfigError { problems }| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })?;
    let failed = |error: app::UserError| format!("{error} {}", error.action);
    keep_webhook(app, config.webhook).await.map_err(failed)?;
    app.declare(config.declared).await.map_err(failed)?;
    let waiting = started.held_until_restart(now);
    if waiting.is_empty() && !now.file().found {
        tracing::info!("the file of a secret changed and is in force");
    } else if waiting.is_empty() {
        tracing::info!(
            file = now.file().shown(),
            "config.yaml changed and is in force"
        );
    } else {
        tracing::warn!(
            file = now.file().shown(),
            keys = waiting.join(", "),
            "config.yaml changed and is in force, but for these keys: they hold from the next start on"
        );
    }
    Ok(())
}

fn report(app: &App, started: &Environment, now: &Environment, error: Option<String>) {
    let present = started.file().found || now.file().found;
    app.report_file(FileState {
        path: present.then(|| now.file().shown()),
        at_restart: if error.is_none() {
            started.held_until_restart(now)
        } else {
            Vec::new()
        },
        error,
        values: values(started),
    });
}

/// What changes when the file does, or one of the files that hold its secrets.
fn fingerprint(environment: &Environment) -> u64 {
    let mut hasher = DefaultHasher::new();
    let file = environment.file();
    file.found.hash(&mut hasher);
    file.digest.hash(&mut hasher);
    let files = file.secret_files().into_iter();
    for path in files.chain(environment.live_secret_files()) {
        stamp(&path).hash(&mut hasher);
    }
    hasher.finish()
}

fn stamp(path: &Path) -> Option<(u64, std::time::SystemTime)> {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.len(), facts.modified().ok()?))
}
