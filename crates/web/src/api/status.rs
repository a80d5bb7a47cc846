//! `GET /status`.

use actix_web::{HttpResponse, web as aw};
use app::{State, Status};
use serde::Serialize;
use sync_engine::model::time::Timestamp;

use super::{Answer, google, runs::RunDto};
use crate::input::Query;
use crate::web::Web;

#[derive(Serialize)]
struct StatusDto<'a> {
    status: &'static str,
    version: &'a str,
    google: Google<'a>,
    caldav: Caldav<'a>,
    scheduler: Scheduler,
    quota: Vec<Quota<'a>>,
    mappings: Vec<MappingDto<'a>>,
}

#[derive(Serialize)]
struct Google<'a> {
    accounts: Vec<google::AccountDto<'a>>,
}

#[derive(Serialize)]
struct Caldav<'a> {
    accounts: Vec<CaldavAccountDto<'a>>,
}

#[derive(Serialize)]
struct CaldavAccountDto<'a> {
    id: &'a str,
    name: &'a str,
    status: app::records::CaldavStatus,
}

#[derive(Serialize)]
struct Scheduler {
    interval_seconds: u64,
    next_run: Option<Timestamp>,
    running: usize,
}

#[derive(Serialize)]
struct Quota<'a> {
    google_account_id: &'a str,
    writes_today: u64,
    daily_limit: u64,
    resets_at: Timestamp,
}

#[derive(Serialize)]
struct MappingDto<'a> {
    id: &'a str,
    enabled: bool,
    tracked: u64,
    last_sync: Option<RunDto<'a>>,
    last_success: Option<Timestamp>,
}

/// Everything at a glance.
pub(crate) async fn status(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    let status = web.app.status().await?;
    Ok(HttpResponse::Ok().json(shown(&status)))
}

fn shown(status: &Status) -> StatusDto<'_> {
    StatusDto {
        status: match status.state {
            State::Ok => "ok",
            State::Degraded => "degraded",
            State::Setup => "setup",
        },
        version: &status.version,
        google: Google {
            accounts: status.google.iter().map(Into::into).collect(),
        },
        caldav: Caldav {
            accounts: status
                .caldav
                .iter()
                .map(|account| CaldavAccountDto {
                    id: account.id.as_str(),
                    name: &account.name,
                    status: account.status,
                })
                .collect(),
        },
        scheduler: Scheduler {
            interval_seconds: status.scheduler.interval_seconds,
            next_run: status.scheduler.next_run,
            running: status.scheduler.running,
        },
        quota: status
            .quota
            .iter()
            .map(|quota| Quota {
                google_account_id: quota.account.as_str(),
                writes_today: quota.writes_today,
                daily_limit: quota.daily_limit,
                resets_at: quota.resets_at,
            })
            .collect(),
        mappings: status
            .mappings
            .iter()
            .map(|mapping| MappingDto {
                id: mapping.mapping.id.as_str(),
                enabled: mapping.mapping.settings.enabled,
                tracked: mapping.overview.tracked,
                last_sync: mapping
                    .overview
                    .last_run
                    .as_ref()
                    .map(RunDto::without_events),
                last_success: mapping.overview.last_success,
            })
            .collect(),
    }
}
