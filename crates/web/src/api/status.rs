//! `GET /status`.

use actix_web::{HttpResponse, web as aw};
use app::{State, Status};
use serde::Serialize;
use sync_engine::model::time::Timestamp;
use utoipa::ToSchema;

use super::declared::{self, FileDto, WaitingDto};
use super::runs::SummaryDto;
use super::{Answer, google};
use crate::input::{Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// Everything at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
struct StatusDto<'a> {
    status: StateDto,
    version: &'a str,
    google: google::AccountsDto<'a>,
    caldav: Caldav<'a>,
    scheduler: Scheduler,
    quota: Vec<Quota<'a>>,
    mappings: Vec<MappingDto<'a>>,
    waiting: Vec<WaitingDto>,
    configuration: FileDto,
}

/// `setup`: there is no mapping yet. `degraded`: an account needs attention, or an enabled mapping's
/// last run failed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = State)]
enum StateDto {
    Ok,
    Degraded,
    Setup,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StatusCaldav)]
struct Caldav<'a> {
    accounts: Vec<CaldavAccountDto<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StatusCaldavAccount)]
struct CaldavAccountDto<'a> {
    id: &'a str,
    name: &'a str,
    #[schema(value_type = words::CaldavStatus)]
    status: app::records::CaldavStatus,
    managed: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StatusScheduler)]
struct Scheduler {
    interval_seconds: u64,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    next_run: Option<Timestamp>,
    /// How many mappings run now.
    running: usize,
}

/// What a Google account has written today.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusQuota)]
struct Quota<'a> {
    google_account_id: &'a str,
    writes_today: u64,
    daily_limit: u64,
    #[schema(value_type = String, format = DateTime)]
    resets_at: Timestamp,
}

/// One mapping at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusMapping)]
struct MappingDto<'a> {
    id: &'a str,
    enabled: bool,
    /// Series in step.
    tracked: u64,
    /// Events that are left as they are, because they cannot be read or written.
    needs_attention: u64,
    /// The last run.
    #[schema(required)]
    last_sync: Option<SummaryDto<'a>>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_success: Option<Timestamp>,
    awaits_confirmation: bool,
}

/// Everything at a glance.
///
/// Asks nobody outside.
#[utoipa::path(get, path = "/status",
    responses((status = 200, description = "How the whole is.", body = StatusDto<'_>)))]
pub(crate) async fn status(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let status = web.app.status().await?;
    Ok(HttpResponse::Ok().json(StatusDto {
        waiting: declared::waiting(&web.app.pending()),
        configuration: web.app.file().into(),
        ..shown(&status)
    }))
}

fn shown(status: &Status) -> StatusDto<'_> {
    StatusDto {
        status: match status.state {
            State::Ok => StateDto::Ok,
            State::Degraded => StateDto::Degraded,
            State::Setup => StateDto::Setup,
        },
        version: &status.version,
        google: google::AccountsDto {
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
                    managed: account.managed,
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
                needs_attention: mapping.overview.left,
                last_sync: mapping.overview.last_run.as_ref().map(Into::into),
                last_success: mapping.overview.last_success,
                awaits_confirmation: mapping.mapping.restored_at.is_some(),
            })
            .collect(),
        waiting: Vec::new(),
        configuration: FileDto::default(),
    }
}
