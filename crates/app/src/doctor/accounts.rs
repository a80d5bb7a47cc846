//! Every account and every mapping: does the sign-in hold, are the mapped calendars there and
//! writable, does anything wait for somebody.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use store::records::{CaldavAccount, Calendar, CalendarFacts, Direction, GoogleAccount, Mapping};
use sync_engine::model::AccountId;
use sync_engine::model::time::Timestamp;

use super::Check;
use crate::caldav;
use crate::error::UserError;
use crate::google;
use crate::service::App;
use crate::status::MappingStatus;

/// How long an account may take.
const PATIENCE: Duration = Duration::from_secs(45);
/// A mapping that has not succeeded for so many intervals has stalled.
const INTERVALS: i64 = 3;

/// The calendars of the accounts that answered.
type Shown = HashMap<AccountId, Vec<CalendarFacts>>;

impl App {
    /// Accounts, then mappings.
    pub(super) async fn check_accounts(&self) -> Vec<Check> {
        match self.accounts_and_mappings().await {
            Ok(checks) => checks,
            Err(error) => vec![Check::fail("database", error.detail, error.action)],
        }
    }

    async fn accounts_and_mappings(&self) -> Result<Vec<Check>, UserError> {
        let status = self.status().await?;
        let (google, caldav) = futures_util::join!(
            join_all(status.google.iter().map(|account| self.at_google(account))),
            join_all(status.caldav.iter().map(|account| self.at_caldav(account))),
        );
        let mut checks = Vec::new();
        let mut shown = Shown::new();
        let answers = status
            .google
            .iter()
            .map(|account| ("google", &account.id, account.email.as_str()))
            .zip(google)
            .chain(
                status
                    .caldav
                    .iter()
                    .map(|account| ("caldav", &account.id, account.name.as_str()))
                    .zip(caldav),
            );
        for ((area, id, name), answer) in answers {
            let check = match answer {
                Ok(calendars) => {
                    let count = calendars.len();
                    shown.insert(id.clone(), calendars);
                    Check::ok(
                        area,
                        format!("The sign-in holds; {count} calendar(s) are there."),
                    )
                }
                Err(error) => Check::fail(area, error.detail, error.action),
            };
            checks.push(check.about(id.as_str(), name));
        }
        for (area, none, what) in [
            (
                "google",
                status.google.is_empty(),
                "No Google account is connected yet.",
            ),
            (
                "caldav",
                status.caldav.is_empty(),
                "There is no CalDAV account yet.",
            ),
        ] {
            if none {
                checks.push(Check::warn(area, what, "Add one in the pages."));
            }
        }
        let now = self.now();
        let interval = status.scheduler.interval_seconds;
        for mapping in &status.mappings {
            checks.push(of_mapping(mapping, &shown, now, interval));
        }
        Ok(checks)
    }

    async fn at_google(&self, account: &GoogleAccount) -> Result<Vec<CalendarFacts>, UserError> {
        in_time(async {
            let opened = self.google_account(&account.id).await?;
            let calendars = opened.calendars().await;
            calendars
                .map(google::facts)
                .map_err(|error| google::failed(error, self.now()))
        })
        .await
    }

    async fn at_caldav(&self, account: &CaldavAccount) -> Result<Vec<CalendarFacts>, UserError> {
        in_time(async {
            let found = self.caldav_account(account).await?.discover().await;
            found
                .map(|found| caldav::facts(found.calendars))
                .map_err(|error| caldav::failed(&error))
        })
        .await
    }
}

async fn in_time<T>(asking: impl Future<Output = Result<T, UserError>>) -> Result<T, UserError> {
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| {
            Err(UserError::new(
                crate::error::Kind::Unavailable,
                "too_slow",
                "Too slow",
                "It did not answer in time.",
                "Look at the server; caldav-sync asks again by itself.",
            ))
        })
}

/// A mapping: its calendars first, then whether it runs.
fn of_mapping(status: &MappingStatus, shown: &Shown, now: Timestamp, interval: u64) -> Check {
    const AREA: &str = "mapping";
    let mapping = &status.mapping;
    let check = calendars(mapping, shown)
        .or_else(|| waits(status))
        .or_else(|| stalled(status, now, interval))
        .unwrap_or_else(|| {
            Check::ok(
                AREA,
                if mapping.settings.enabled {
                    "Both calendars are there, and it runs."
                } else {
                    "Both calendars are there. It is switched off."
                },
            )
        });
    let name = mapping.settings.name.clone().unwrap_or_else(|| {
        format!(
            "{} / {}",
            mapping.caldav.facts.name, mapping.google.facts.name
        )
    });
    check.about(mapping.id.as_str(), &name)
}

/// What is wrong with a mapping's calendars. Of an account that gave no answer nothing is known, and
/// that was said already.
fn calendars(mapping: &Mapping, shown: &Shown) -> Option<Check> {
    let written = |side: Direction| {
        mapping.settings.direction == Direction::Bidirectional || mapping.settings.direction == side
    };
    let sides: [(&str, &Calendar, bool); 2] = [
        (
            "CalDAV",
            &mapping.caldav,
            written(Direction::GoogleToCaldav),
        ),
        (
            "Google",
            &mapping.google,
            written(Direction::CaldavToGoogle),
        ),
    ];
    sides.into_iter().find_map(|(side, calendar, written)| {
        let there = shown.get(&calendar.account)?;
        let found = there
            .iter()
            .find(|found| found.remote == calendar.facts.remote);
        match found {
            None => Some(Check::fail(
                "mapping",
                format!("Its {side} calendar is no longer there."),
                "Put the calendar back, or delete the mapping and make one with another calendar. \
                 Nothing is removed on the other side because of it.",
            )),
            Some(found) if written && !found.writable => Some(Check::fail(
                "mapping",
                format!("Its {side} calendar may be read but not written."),
                "Ask its owner for the right to make changes, or turn the mapping around.",
            )),
            Some(_) => None,
        }
    })
}

/// What waits for somebody.
fn waits(status: &MappingStatus) -> Option<Check> {
    if status.mapping.restored_at.is_some() {
        return Some(Check::warn(
            "mapping",
            "It waits after a restore: nothing is written before somebody has seen what it would do.",
            "Look at its preview and confirm it.",
        ));
    }
    let (held, conflicts) = (status.waiting(), status.overview.open_conflicts);
    (held > 0 || conflicts > 0).then(|| {
        Check::warn(
            "mapping",
            format!("{held} change(s) are held back, and {conflicts} conflict(s) are open."),
            "Decide about them on the pages Held back and Conflicts.",
        )
    })
}

/// A mapping that has not succeeded for a long time.
fn stalled(status: &MappingStatus, now: Timestamp, interval: u64) -> Option<Check> {
    let last = status.overview.last_run.as_ref()?;
    let limit = i64::try_from(interval).unwrap_or(i64::MAX / INTERVALS) * INTERVALS;
    let since = status
        .overview
        .last_success
        .unwrap_or(status.mapping.created_at);
    if !status.mapping.settings.enabled || now.duration_since(since).as_secs() <= limit {
        return None;
    }
    let (detail, action) = match &last.error {
        Some(problem) => (problem.detail.clone(), problem.action.clone()),
        None => (
            format!("It has not run without a failure since {since:.0}."),
            "Check that the server runs, and look at the mapping's last run.".to_owned(),
        ),
    };
    Some(Check::warn("mapping", detail, action))
}
