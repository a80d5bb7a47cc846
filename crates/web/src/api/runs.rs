//! `/runs`.

use actix_web::{HttpResponse, web as aw};
use app::RunHandle;
use app::records::{Direction, Run, RunState};
use serde::{Deserialize, Serialize};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{RunId, Side, Uid};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::{EventRecord, Problem, Warning};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::failure::problem_type;
use crate::input::{Limit, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// RUN, without its events.
#[derive(Serialize, ToSchema)]
#[schema(as = RunSummary)]
pub(crate) struct SummaryDto<'a> {
    id: &'a str,
    mapping_id: &'a str,
    #[schema(value_type = words::Direction)]
    direction: Direction,
    /// `running` while `finished_at` is null.
    #[schema(value_type = words::RunStatus)]
    status: RunState,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    finished_at: Option<Timestamp>,
    inserted: u32,
    updated: u32,
    deleted: u32,
    failed: u32,
    /// Left for a later run.
    deferred: u32,
    /// Held back until somebody decides (`/held`).
    held: u32,
    /// Decided or waiting (`/conflicts`).
    conflicts: u32,
    warnings: Vec<WarningDto<'a>>,
    /// Why it could not be carried through.
    #[schema(required)]
    error: Option<ProblemDto<'a>>,
}

impl<'a> From<&'a Run> for SummaryDto<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            id: run.id.as_str(),
            mapping_id: run.mapping.as_str(),
            direction: run.direction,
            status: run.state,
            started_at: run.started_at,
            finished_at: run.finished_at,
            inserted: run.inserted,
            updated: run.updated,
            deleted: run.deleted,
            failed: run.failed,
            deferred: run.deferred,
            held: run.held,
            conflicts: run.conflicts,
            warnings: run.warnings.iter().map(Into::into).collect(),
            error: run.error.as_ref().map(Into::into),
        }
    }
}

/// RUN.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunDto<'a> {
    #[serde(flatten)]
    run: SummaryDto<'a>,
    /// Every event it touched, or tried to.
    events: Vec<EventDto<'a>>,
}

impl<'a> From<&'a Run> for RunDto<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            run: run.into(),
            events: run.events.iter().map(Into::into).collect(),
        }
    }
}

/// Something a person may want to know.
#[derive(Serialize, ToSchema)]
#[schema(as = Warning)]
pub(crate) struct WarningDto<'a> {
    code: &'a str,
    detail: &'a str,
    /// The event it is about.
    #[schema(required)]
    uid: Option<&'a str>,
}

impl<'a> From<&'a Warning> for WarningDto<'a> {
    fn from(warning: &'a Warning) -> Self {
        Self {
            code: &warning.code,
            detail: &warning.detail,
            uid: warning.uid.as_ref().map(Uid::as_str),
        }
    }
}

/// One event that a run touched, or tried to.
#[derive(Serialize, ToSchema)]
#[schema(as = RunEvent)]
struct EventDto<'a> {
    /// Of the side the event comes from.
    uid: &'a str,
    /// RFC 3339 in UTC, a date for an all-day event, or null.
    #[schema(required)]
    recurrence_id: Option<&'a str>,
    summary: &'a str,
    #[schema(value_type = words::Side)]
    side: Side,
    #[schema(value_type = words::Action)]
    action: ActionKind,
    #[schema(required)]
    error: Option<ProblemDto<'a>>,
}

impl<'a> From<&'a EventRecord> for EventDto<'a> {
    fn from(event: &'a EventRecord) -> Self {
        Self {
            uid: event.uid.as_str(),
            recurrence_id: event.recurrence_id.as_deref(),
            summary: &event.summary,
            side: event.side,
            action: event.action,
            error: event.error.as_ref().map(Into::into),
        }
    }
}

/// Why a run or one event of it failed: a problem without a status, as it answers no request.
#[derive(Serialize, ToSchema)]
#[schema(as = RunProblem)]
pub(crate) struct ProblemDto<'a> {
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    kind: String,
    title: &'static str,
    detail: &'a str,
    /// Stable, snake case.
    code: &'a str,
    /// What to do next.
    action: &'a str,
    /// Whose fault it is, where one side is to blame.
    #[schema(value_type = Option<words::Side>, required)]
    side: Option<Side>,
}

impl<'a> From<&'a Problem> for ProblemDto<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            kind: problem_type(&problem.code),
            title: match problem.side {
                Some(Side::Caldav) => "CalDAV",
                Some(Side::Google) => "Google",
                None => "It did not work",
            },
            detail: &problem.detail,
            code: &problem.code,
            action: &problem.action,
            side: problem.side,
        }
    }
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
#[schema(as = RunPage)]
struct PageDto<'a> {
    runs: Vec<SummaryDto<'a>>,
    /// `before` of the next page; null on the last.
    #[schema(required)]
    next: Option<&'a str>,
}

/// Runs that have ended.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedRuns)]
pub(crate) struct EndedDto<'a> {
    pub(crate) runs: Vec<RunDto<'a>>,
}

/// A run that was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = AskedRun)]
struct AskedDto<'a> {
    id: &'a str,
    mapping_id: &'a str,
}

/// Runs that were asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = AskedRuns)]
pub(crate) struct AskedRunsDto<'a> {
    runs: Vec<AskedDto<'a>>,
}

/// 202 with the runs that were asked for.
pub(crate) fn asked(runs: &[RunHandle]) -> HttpResponse {
    let asked = runs.iter().map(|run| AskedDto {
        id: run.id.as_str(),
        mapping_id: run.mapping.as_str(),
    });
    HttpResponse::Accepted().json(AskedRunsDto {
        runs: asked.collect(),
    })
}

/// A run's id.
#[derive(Serialize, ToSchema)]
#[schema(as = RunReference)]
struct ReferenceDto<'a> {
    id: &'a str,
}

/// A run that goes on in the background.
#[derive(Serialize, ToSchema)]
#[schema(as = BackgroundRun)]
pub(crate) struct BackgroundDto<'a> {
    run: ReferenceDto<'a>,
}

/// 202 with the run that does it.
pub(crate) fn goes_on(run: &str) -> HttpResponse {
    HttpResponse::Accepted().json(BackgroundDto {
        run: ReferenceDto { id: run },
    })
}

/// Which runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only this mapping's.
    mapping_id: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// A run's id: those older than it.
    before: Option<String>,
}

/// Runs, newest first and without their events.
#[utoipa::path(get, path = "/runs", params(Which), responses(
    (status = 200, description = "A page of runs.", body = PageDto<'_>),
    (status = 404, description = "`not_found`: there is no run `before`."),
))]
pub(crate) async fn all(web: aw::Data<Web>, query: Params<Which>) -> Answer {
    let which = query.0;
    let page = web
        .app
        .runs(
            which.mapping_id.as_deref(),
            which.limit.0,
            which.before.as_deref(),
        )
        .await?;
    Ok(HttpResponse::Ok().json(PageDto {
        runs: page.runs.iter().map(Into::into).collect(),
        next: page.next.as_ref().map(RunId::as_str),
    }))
}

/// One run with its events.
#[utoipa::path(get, path = "/runs/{id}", params(("id" = String, Path)),
    responses((status = 200, description = "The run.", body = RunDto<'_>)))]
pub(crate) async fn one(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    let run = web.app.run(&id).await?;
    Ok(HttpResponse::Ok().json(RunDto::from(&run)))
}
