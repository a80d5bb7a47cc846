//! Looking whether everything works: configuration, database, key, clock, names, connections, every
//! account and every mapped calendar, each with what to do. Nothing is changed by looking.
//!
//! The same for the command `doctor`, which looks beside a running server or without one, for the
//! page and for the REST API. What is found is a list of plain values; no secret is ever among them.

mod accounts;
mod database;
mod names;
mod places;

use std::fmt::Write as _;

use serde::Serialize;
use sync_engine::model::time::Timestamp;
use url::Host;

use crate::config::AppConfig;
use crate::declared::PendingKind;
use crate::service::App;
use names::Known;

pub use database::database;
pub use places::{google, places};

/// What was found about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `configuration`, `data`, `database`, `key`, `clock`, `dns`, `tls`,
    /// `network`, `google`, `caldav`, `mapping`.
    pub area: &'static str,
    /// How it is.
    pub status: Verdict,
    /// The account or mapping it is about.
    pub subject: Option<Subject>,
    /// What was found, in a sentence.
    pub detail: String,
    /// What to do; empty when nothing is.
    pub action: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth a look.
    Warn,
    /// It does not work.
    Fail,
}

/// Whom a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

impl Check {
    /// It is as it should be.
    pub fn ok(area: &'static str, detail: impl Into<String>) -> Self {
        Self {
            area,
            status: Verdict::Ok,
            subject: None,
            detail: detail.into(),
            action: String::new(),
        }
    }

    /// It is worth a look.
    pub fn warn(area: &'static str, detail: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            status: Verdict::Warn,
            action: action.into(),
            ..Self::ok(area, detail)
        }
    }

    /// It does not work.
    pub fn fail(area: &'static str, detail: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            status: Verdict::Fail,
            ..Self::warn(area, detail, action)
        }
    }

    fn about(self, id: &str, name: &str) -> Self {
        Self {
            subject: Some(Subject {
                id: id.to_owned(),
                name: name.to_owned(),
            }),
            ..self
        }
    }
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The program's version.
    pub version: String,
    /// When it was looked.
    pub at: Timestamp,
    /// The worst that was found.
    pub status: Verdict,
    /// What was found, thing by thing.
    pub checks: Vec<Check>,
    /// What is hidden from strangers.
    #[serde(skip)]
    names: Known,
}

/// So long a report is good for whoever asks next.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// The last report. Whoever asks while it is made waits for it: servers are not asked more often
/// because many ask us.
pub(crate) type Last = tokio::sync::Mutex<Option<Report>>;

/// Whether a report names accounts and mappings as people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// As people do.
    Shown,
    /// By their ids only: to be shown to strangers.
    Hidden,
}

impl Report {
    /// Of these findings.
    pub fn new(version: &str, at: Timestamp, checks: Vec<Check>) -> Self {
        let worst = checks.iter().map(|check| check.status).max();
        Self {
            version: version.to_owned(),
            at,
            status: worst.unwrap_or(Verdict::Ok),
            checks,
            names: Known::default(),
        }
    }

    /// As text, a finding a line and what to do below it.
    pub fn text(&self, names: Names) -> String {
        let mut text = format!("caldav-sync {}, {:.0}\n", self.version, self.at);
        for check in &self.checks {
            let status = match check.status {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            let subject = check.subject.as_ref().map_or_else(String::new, |subject| {
                let shown = match names {
                    Names::Shown => &subject.name,
                    Names::Hidden => &subject.id,
                };
                format!("{}: ", one_line(shown))
            });
            let told = |text: &str| match names {
                Names::Shown => one_line(text),
                Names::Hidden => one_line(&self.names.hidden(text)),
            };
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{status:<4}  {:<13}  {subject}{}",
                check.area,
                told(&check.detail)
            );
            if !check.action.is_empty() {
                let _ = writeln!(text, "{:21}→ {}", "", told(&check.action));
            }
        }
        text
    }
}

/// What others wrote cannot begin a line of its own.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

impl App {
    /// Looks at everything, or tells what was found a moment ago. Takes as long as the slowest
    /// server, a minute at most.
    pub async fn check_everything(&self) -> Report {
        let mut last = self.inner.doctor.lock().await;
        let now = self.now();
        let fresh = |report: &&Report| {
            let age = now.duration_since(report.at);
            !age.is_negative() && age < FRESH
        };
        if let Some(report) = last.as_ref().filter(fresh) {
            return report.clone();
        }
        let report = self.look_at_everything().await;
        *last = Some(report.clone());
        report
    }

    async fn look_at_everything(&self) -> Report {
        let mut checks = configuration(&self.inner.config);
        checks.extend(self.check_declared());
        checks.extend(self.check_database().await);
        let (places, accounts) = futures_util::join!(self.check_places(), self.check_accounts());
        checks.extend(places);
        checks.extend(accounts);
        // When the database fails, that was told, and it named nothing.
        let names = self.known_names().await.unwrap_or_default();
        Report {
            names,
            ..Report::new(&self.inner.config.version, self.now(), checks)
        }
    }

    /// What `config.yaml` declares and is not in force.
    fn check_declared(&self) -> Vec<Check> {
        const AREA: &str = "configuration";
        let file = self.file();
        let mut checks = Vec::new();
        if let Some(error) = file.error {
            checks.push(Check::fail(
                AREA,
                format!("What config.yaml says now is not in force: {error}"),
                "Correct the file. What it said before holds until then.",
            ));
        }
        if !file.at_restart.is_empty() {
            checks.push(Check::warn(
                AREA,
                format!(
                    "These keys of config.yaml have changed: {}.",
                    file.at_restart.join(", ")
                ),
                "Restart the server: they hold from the next start on.",
            ));
        }
        checks.extend(self.pending().into_iter().map(|pending| {
            let what = match pending.what {
                PendingKind::Account => "account",
                PendingKind::Mapping => "mapping",
            };
            Check::warn(
                AREA,
                format!("This {what} of config.yaml waits: {}", pending.detail),
                pending.action,
            )
            .about("config.yaml", &pending.name)
        }));
        checks
    }
}

/// What can be said of the configuration without asking anybody.
fn configuration(config: &AppConfig) -> Vec<Check> {
    const AREA: &str = "configuration";
    let mut checks = Vec::new();
    let shown = config.base_url.as_str();
    let loopback = match config.base_url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    checks.push(if config.base_url.scheme() == "https" || loopback {
        Check::ok(AREA, format!("People reach it at {shown}"))
    } else {
        Check::warn(
            AREA,
            format!("People reach it at {shown}, without encryption: keys can be read on the way."),
            "Put a reverse proxy with TLS in front and set BASE_URL to its https address. Google \
             also takes only https there.",
        )
    });
    checks.push(if config.google.is_some() {
        Check::ok(AREA, "There is an OAuth client for Google.")
    } else {
        Check::warn(
            AREA,
            "There is no OAuth client for Google yet.",
            "Make one as the Google page says, and set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.",
        )
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_as_bad_as_its_worst_finding() {
        let checks = vec![
            Check::ok("key", "It fits."),
            Check::fail("google", "It said\nno.", "Sign in again.").about("gga_1", "a@example.com"),
            Check::warn("clock", "It is off.", "Set it."),
        ];
        let at = "2026-11-22T12:00:00.5Z".parse().unwrap();
        let report = Report::new("1.2.3", at, checks);
        assert_eq!(report.status, Verdict::Fail);
        let shown = report.text(Names::Shown);
        assert!(
            shown.contains("FAIL  google         a@example.com: It said no.\n"),
            "{shown}"
        );
        assert!(shown.contains("→ Sign in again.\n"), "{shown}");
        let hidden = report.text(Names::Hidden);
        assert!(
            hidden.contains("gga_1: ") && !hidden.contains("example.com"),
            "{hidden}"
        );
    }
}
