//! The state of the whole at a glance: `GET /status` and the dashboard.

use std::collections::HashMap;

use gcal_client::Usage;
use store::records::{
    CaldavAccount, CaldavStatus, ConflictStatus, GoogleAccount, GoogleStatus, Mapping,
    MappingOverview, RunState,
};
use sync_engine::guard::HeldKind;
use sync_engine::model::time::Timestamp;
use sync_engine::model::{AccountId, MappingId};

use crate::error::UserError;
use crate::service::App;

/// How the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Every enabled mapping's last run succeeded, every account works.
    Ok,
    /// An account needs attention, or an enabled mapping's last run failed.
    Degraded,
    /// There is no mapping yet.
    Setup,
}

/// Everything at a glance.
#[derive(Debug, Clone)]
pub struct Status {
    /// How the whole is.
    pub state: State,
    /// The program's version.
    pub version: String,
    /// Google accounts.
    pub google: Vec<GoogleAccount>,
    /// CalDAV accounts.
    pub caldav: Vec<CaldavAccount>,
    /// The scheduler.
    pub scheduler: SchedulerStatus,
    /// Writes at Google today.
    pub quota: Vec<Quota>,
    /// Mappings.
    pub mappings: Vec<MappingStatus>,
}

/// The scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerStatus {
    /// Seconds between rounds.
    pub interval_seconds: u64,
    /// When the next one is due.
    pub next_run: Option<Timestamp>,
    /// How many mappings run now.
    pub running: usize,
}

/// What a Google account has written today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Which account.
    pub account: AccountId,
    /// Writes since 00:00 UTC.
    pub writes_today: u64,
    /// Our own limit.
    pub daily_limit: u64,
    /// When counting begins anew.
    pub resets_at: Timestamp,
}

/// One mapping at a glance.
#[derive(Debug, Clone)]
pub struct MappingStatus {
    /// The mapping.
    pub mapping: Mapping,
    /// Series in step, last runs, what is held.
    pub overview: MappingOverview,
    /// Of what is held: copies without a source. They are offered to be removed and nobody has to
    /// hurry.
    pub orphans: u64,
}

impl MappingStatus {
    /// Changes that wait for a person's word.
    pub fn waiting(&self) -> u64 {
        self.overview.held.saturating_sub(self.orphans)
    }
}

/// What waits for a person's word, over all mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Conflicts; past a hundred they are not counted further.
    pub conflicts: usize,
    /// Held plans, but for those that merely offer to remove copies without a source.
    pub held: usize,
    /// Webhooks that were switched off because they kept failing.
    pub webhooks: usize,
}

impl App {
    /// What waits for a person's word.
    pub async fn waiting(&self) -> Result<Waiting, UserError> {
        let open = Some(ConflictStatus::Open);
        let conflicts = self.inner.db.conflicts(None, open, 100, None).await?;
        let held = self.inner.db.held().await?;
        let urgent = held
            .iter()
            .filter(|(_, held)| held.kind != HeldKind::Orphans);
        Ok(Waiting {
            conflicts: conflicts.conflicts.len(),
            held: urgent.count(),
            webhooks: self.stopped_webhooks().await?,
        })
    }

    /// Everything at a glance. Asks nobody outside.
    pub async fn status(&self) -> Result<Status, UserError> {
        let google = self.inner.db.google_accounts().await?;
        let caldav = self.inner.db.caldav_accounts().await?;
        let mut overviews: HashMap<_, _> = self
            .inner
            .db
            .overview()
            .await?
            .into_iter()
            .map(|overview| (overview.mapping.clone(), overview))
            .collect();
        let held = self.inner.db.held().await?;
        let orphans = |id: &MappingId| -> u64 {
            held.iter()
                .filter(|(mapping, held)| mapping == id && held.kind == HeldKind::Orphans)
                .map(|(_, held)| held.operations.len() as u64)
                .sum()
        };
        let mappings: Vec<MappingStatus> = self
            .inner
            .db
            .mappings()
            .await?
            .into_iter()
            .filter_map(|mapping| {
                let overview = overviews.remove(&mapping.id)?;
                Some(MappingStatus {
                    orphans: orphans(&mapping.id),
                    mapping,
                    overview,
                })
            })
            .collect();
        let mut quota = Vec::new();
        for account in &google {
            quota.push(self.quota(account).await);
        }
        Ok(Status {
            state: state(&google, &caldav, &mappings),
            version: self.inner.config.version.clone(),
            google,
            caldav,
            scheduler: SchedulerStatus {
                interval_seconds: self.settings().await?.interval_seconds,
                next_run: self.inner.queue.next_round(),
                running: self.inner.queue.running(),
            },
            quota,
            mappings,
        })
    }

    async fn quota(&self, account: &GoogleAccount) -> Quota {
        let now = self.now();
        let usage = self.google_usage(account).await;
        Quota {
            account: account.id.clone(),
            writes_today: u64::from(usage.writes_today(now)),
            daily_limit: u64::from(self.inner.config.pace.daily_writes),
            resets_at: Usage::resets_at(now),
        }
    }
}

fn state(google: &[GoogleAccount], caldav: &[CaldavAccount], mappings: &[MappingStatus]) -> State {
    if mappings.is_empty() {
        return State::Setup;
    }
    let troubled = google
        .iter()
        .any(|account| account.status != GoogleStatus::Ok)
        || caldav
            .iter()
            .any(|account| account.status != CaldavStatus::Ok)
        || mappings.iter().any(|status| {
            status.mapping.settings.enabled
                && status
                    .overview
                    .last_run
                    .as_ref()
                    .is_some_and(|run| run.state == RunState::Failure)
        });
    if troubled { State::Degraded } else { State::Ok }
}
