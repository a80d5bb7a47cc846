//! `/runs`.

use actix_web::{HttpResponse, web as aw};
use app::records::{Direction, Run, RunState};
use serde::Serialize;
use serde_json::{Value, json};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{RunId, Side, Uid};
use sync_engine::plan::operation::ActionKind;
use sync_engine::report::{EventRecord, Problem, Warning};

use super::Answer;
use crate::failure::about;
use crate::input::Query;
use crate::web::Web;

/// RUN.
#[derive(Serialize)]
pub(crate) struct RunDto<'a> {
    id: &'a str,
    mapping_id: &'a str,
    direction: Direction,
    status: RunState,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    inserted: u32,
    updated: u32,
    deleted: u32,
    failed: u32,
    deferred: u32,
    held: u32,
    conflicts: u32,
    warnings: Vec<WarningDto<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<EventDto<'a>>>,
    error: Option<Value>,
}

impl<'a> RunDto<'a> {
    /// As in lists.
    pub(crate) fn without_events(run: &'a Run) -> Self {
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
            events: None,
            error: run.error.as_ref().map(problem),
        }
    }

    /// The whole run.
    pub(crate) fn whole(run: &'a Run) -> Self {
        Self {
            events: Some(run.events.iter().map(Into::into).collect()),
            ..Self::without_events(run)
        }
    }
}

/// A warning.
#[derive(Serialize)]
pub(crate) struct WarningDto<'a> {
    code: &'a str,
    detail: &'a str,
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

#[derive(Serialize)]
struct EventDto<'a> {
    uid: &'a str,
    recurrence_id: Option<&'a str>,
    summary: &'a str,
    side: Side,
    action: ActionKind,
    error: Option<Value>,
}

impl<'a> From<&'a EventRecord> for EventDto<'a> {
    fn from(event: &'a EventRecord) -> Self {
        Self {
            uid: event.uid.as_str(),
            recurrence_id: event.recurrence_id.as_deref(),
            summary: &event.summary,
            side: event.side,
            action: event.action,
            error: event.error.as_ref().map(problem),
        }
    }
}

/// A stored problem, as a problem document without a status: it answers no request.
pub(crate) fn problem(problem: &Problem) -> Value {
    let title = match problem.side {
        Some(Side::Caldav) => "CalDAV",
        Some(Side::Google) => "Google",
        None => "It did not work",
    };
    let mut members = about(&problem.code, title, &problem.detail, &problem.action);
    members.insert("side".to_owned(), json!(problem.side));
    Value::Object(members)
}

/// `GET /runs`, newest first.
pub(crate) async fn all(web: aw::Data<Web>, query: Query) -> Answer {
    let query = query.only(&["mapping_id", "limit", "before"])?;
    let limit = query.number("limit", 1, 200)?.unwrap_or(50);
    let page = web
        .app
        .runs(query.get("mapping_id"), limit, query.get("before"))
        .await?;
    let runs: Vec<RunDto<'_>> = page.runs.iter().map(RunDto::without_events).collect();
    let next = page.next.as_ref().map(RunId::as_str);
    Ok(HttpResponse::Ok().json(json!({ "runs": runs, "next": next })))
}

/// `GET /runs/{id}`.
pub(crate) async fn one(web: aw::Data<Web>, id: aw::Path<String>) -> Answer {
    let run = web.app.run(&id).await?;
    Ok(HttpResponse::Ok().json(RunDto::whole(&run)))
}
