//! `doctor`: looks whether everything works, beside a running server or without one, and changes
//! nothing. What can only be seen from here (the folder, the lock, the key) comes first; the rest is
//! what the page and the REST API find.

use std::path::Path;
use std::sync::Arc;

use app::doctor::{Check, Names, Report, Verdict, database, google, places};
use app::{App, Clock as _, SystemClock};
use store::{Db, Keys};

use crate::config::Config;
use crate::config::data_dir::{DataDir, is_lost_with_container};
use crate::config::environment::Environment;
use crate::config::error::ConfigError;
use crate::config::mount;
use crate::failure::Failure;
use crate::serve;
use crate::terminal;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Looks at everything and prints what was found.
///
/// # Errors
/// [`Failure::Unwell`] when something does not work, [`Failure::Config`] when the configuration
/// cannot be read.
pub(crate) async fn run(environment: &Environment, json: bool) -> Result<(), Failure> {
    let config = match Config::read(environment) {
        Ok(config) => config,
        Err(error) => {
            if json {
                print(&report(of_config(&error)), json)?;
            }
            return Err(error.into());
        }
    };
    let report = report(look(config).await);
    print(&report, json)?;
    if report.status == Verdict::Fail {
        return Err(Failure::Unwell);
    }
    Ok(())
}

async fn look(config: Config) -> Vec<Check> {
    let data = match DataDir::there(&config.data_dir) {
        Ok(data) => data,
        Err(error) => return of_config(&error),
    };
    let mut checks = vec![Check::ok("configuration", "It can be read.")];
    checks.extend(folder(&config, &data));
    let file = data.database();
    if !file.exists() {
        checks.push(Check::warn(
            "database",
            "There is no database yet.",
            "Start the server: the first start makes it.",
        ));
        checks.extend(places(&google(&config.endpoints), &SystemClock).await);
        return checks;
    }
    checks.push(lock(&file));
    let keys = match keys(&config, &data) {
        Ok(keys) => keys,
        Err(error) => {
            checks.extend(of_config(&error).into_iter().map(|check| Check {
                area: "key",
                ..check
            }));
            None
        }
    };
    let opened = keys.clone().map(|keys| Db::look(&file, keys));
    if let Some(Ok(db)) = opened {
        checks.extend(everything(&config, db).await);
    } else {
        checks.extend(database(&store::inspect(&file, keys.as_ref(), false)));
        checks.extend(places(&google(&config.endpoints), &SystemClock).await);
    }
    checks
}

/// What the page finds too.
async fn everything(config: &Config, db: Db) -> Vec<Check> {
    let port = config.bind.port();
    let app = serve::localhost(port).and_then(|base_url| {
        let config = serve::of_app(config, &base_url);
        Ok(App::looking(config, db, Arc::new(SystemClock))?)
    });
    match app {
        Ok(app) => app.check_everything().await.checks,
        Err(error) => vec![Check::fail(
            "network",
            format!("{error}."),
            "Check that the system's certificates (ca-certificates) are installed.",
        )],
    }
}

fn keys(config: &Config, data: &DataDir) -> Result<Option<Keys>, ConfigError> {
    let key = data.key(config.secret_key.as_ref())?;
    // Whether it is a key was found out when it was read.
    Ok(Keys::from_base64(&key).ok())
}

/// The data folder.
fn folder(config: &Config, data: &DataDir) -> Vec<Check> {
    const AREA: &str = "data";
    let shown = config.data_dir.display();
    let mut checks = Vec::new();
    if is_lost_with_container(&config.data_dir) {
        checks.push(Check::warn(
            AREA,
            format!("{shown} is not a volume: everything in it goes when the container does."),
            "Mount a volume there.",
        ));
    }
    if let Some(kind) = mount::network(&config.data_dir) {
        checks.push(Check::warn(
            AREA,
            format!(
                "{shown} is on a network file system ({kind}), where the database may be damaged."
            ),
            "Move it to a local disk.",
        ));
    }
    let open_to_others: Vec<String> = data.open_to_others();
    if !open_to_others.is_empty() {
        checks.push(Check::warn(
            AREA,
            format!(
                "Others on this machine may read {}.",
                open_to_others.join(", ")
            ),
            "Take that right away: chmod 600.",
        ));
    }
    if let Err(error) = data.takes_writes() {
        checks.extend(of_config(&error).into_iter().map(|check| Check {
            area: AREA,
            ..check
        }));
    }
    if checks.is_empty() {
        checks.push(Check::ok(AREA, format!("{shown} is as it should be.")));
    }
    checks
}

/// Whether a server has it open.
fn lock(file: &Path) -> Check {
    match store::is_open(file) {
        Ok(true) => Check::ok("database", "A server has it open."),
        Ok(false) => Check::warn(
            "database",
            "No server has it open: nothing is synced.",
            "Start the server: caldav-sync serve.",
        ),
        Err(error) => Check::fail(
            "database",
            format!("{error}."),
            "Run doctor as the user that the server runs as.",
        ),
    }
}

/// Every problem of the configuration, as findings.
fn of_config(error: &ConfigError) -> Vec<Check> {
    error
        .problems
        .iter()
        .map(|problem| {
            Check::fail(
                "configuration",
                format!("{} ({}): {}", problem.what, problem.place, problem.wrong),
                problem.action.clone(),
            )
        })
        .collect()
}

fn report(checks: Vec<Check>) -> Report {
    Report::new(VERSION, SystemClock.now(), checks)
}

fn print(report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(report).map_err(|error| Failure::System {
            doing: "writing the report",
            source: error.into(),
        })?;
        terminal::say(&text)
    } else {
        terminal::say(report.text(Names::Shown).trim_end())
    }
}
