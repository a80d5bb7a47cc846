//! PLAN: what the next run would do (`GET /mappings/{id}/preview`), what a clean-up would remove
//! (`POST /mappings/{id}/cleanup`), what taking back a run would write (`POST /runs/{id}/undo`);
//! the latter two also carry it out.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, web as aw};
use app::{CleanUp, PreviewPlan, Previewed};
use serde::{Deserialize, Serialize};
use sync_engine::model::{Field, Side};
use sync_engine::plan::operation::{ActionKind, FieldChange, Reason};
use utoipa::ToSchema;

use super::Answer;
use super::runs::{BackgroundDto, WarningDto, goes_on};
use crate::input::{self, Body, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// PLAN.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
struct PlanDto<'a> {
    /// Stands for exactly this content.
    plan_id: &'a str,
    counts: Counts,
    operations: Vec<OperationDto<'a>>,
    /// What would be held back until somebody decides.
    held: Vec<OperationDto<'a>>,
    warnings: Vec<WarningDto<'a>>,
}

/// How many operations of each kind; what the guard would hold is not among them.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = PlanCounts)]
pub(crate) struct Counts {
    pub(crate) insert: usize,
    pub(crate) update: usize,
    pub(crate) delete: usize,
    pub(crate) conflict: usize,
}

impl Counts {
    /// Of a plan.
    pub(crate) fn of(plan: &PreviewPlan) -> Self {
        let action = |wanted| {
            plan.operations
                .iter()
                .filter(|operation| operation.account.action == wanted)
                .count()
        };
        Self {
            insert: action(ActionKind::Insert),
            update: action(ActionKind::Update),
            delete: action(ActionKind::Delete),
            conflict: plan.conflicts.len(),
        }
    }
}

/// One operation of a plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Operation)]
pub(crate) struct OperationDto<'a> {
    #[schema(value_type = words::Side)]
    side: Side,
    #[schema(value_type = words::Action)]
    action: ActionKind,
    /// Of the side the event comes from.
    uid: &'a str,
    /// RFC 3339 in UTC, a date for an all-day event, or null.
    #[schema(required)]
    recurrence_id: Option<&'a str>,
    /// The title as the written side shows it.
    summary: &'a str,
    /// RFC 3339 in UTC, a date for an all-day event, or null.
    #[schema(required)]
    start: Option<&'a str>,
    /// The rule that decided.
    #[schema(value_type = String, example = "changed")]
    reason: Reason,
    changes: Vec<ChangeDto<'a>>,
}

impl<'a> From<&'a Previewed> for OperationDto<'a> {
    fn from(operation: &'a Previewed) -> Self {
        let account = &operation.account;
        Self {
            side: operation.side,
            action: account.action,
            uid: account.uid.as_str(),
            recurrence_id: account.recurrence_id.as_deref(),
            summary: &account.summary,
            start: account.start.as_deref(),
            reason: account.reason,
            changes: account.changes.iter().map(Into::into).collect(),
        }
    }
}

/// One field's change, as the written side may know it.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeDto<'a> {
    #[schema(value_type = words::Field)]
    field: Field,
    from: &'a str,
    to: &'a str,
}

impl<'a> From<&'a FieldChange> for ChangeDto<'a> {
    fn from(change: &'a FieldChange) -> Self {
        Self {
            field: change.field,
            from: &change.from,
            to: &change.to,
        }
    }
}

/// What the next run would do.
///
/// Reads both sides and writes nothing.
#[utoipa::path(get, path = "/mappings/{id}/preview", tag = "mappings",
    params(("id" = String, Path)), responses(
    (status = 200, description = "The plan.", body = PlanDto<'_>),
    (status = 422, description = "`invalid`, or why a side cannot be read: `caldav_…`, `google_…`."),
))]
pub(crate) async fn preview(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
) -> Answer {
    let plan = web.app.preview(&id).await?;
    Ok(HttpResponse::Ok().json(shown(&plan)))
}

/// A clean-up that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CleanUpRequest)]
pub(crate) struct CleanUpBody {
    what: CleanUpDto,
    /// Whether only to show what would be removed.
    dry_run: Option<bool>,
    /// Exactly the plan that a dry run showed.
    plan_id: Option<String>,
}

/// Copies outside the window, or copies without a source.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CleanUp)]
enum CleanUpDto {
    OutsideWindow,
    Orphans,
}

/// Shows, or removes, copies outside the window or without a source.
#[utoipa::path(post, path = "/mappings/{id}/cleanup", tag = "mappings",
    params(("id" = String, Path)), request_body = CleanUpBody, responses(
    (status = 200, description = "With `dry_run`: what would be removed.", body = PlanDto<'_>),
    (status = 202, description = "The run that removes it.", body = BackgroundDto<'_>),
    (status = 409, description = "`mapping_restored`: it comes from a backup, and its preview is to be confirmed first. `plan_changed`: the plan would be another one now; `current_id` says which."),
    (status = 422, description = "`invalid`, or why a side cannot be read: `caldav_…`, `google_…`."),
))]
pub(crate) async fn clean_up(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
    Body(body): Body<CleanUpBody>,
) -> Answer {
    let what = match body.what {
        CleanUpDto::OutsideWindow => CleanUp::OutsideWindow,
        CleanUpDto::Orphans => CleanUp::Orphans,
    };
    if body.dry_run == Some(true) {
        let plan = web.app.preview_clean_up(&id, what).await?;
        return Ok(HttpResponse::Ok().json(shown(&plan)));
    }
    let run = web.app.clean_up(&id, what, body.plan_id.as_deref()).await?;
    Ok(goes_on(run.id.as_str()))
}

/// Taking back a run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UndoRequest)]
struct UndoBody {
    /// Whether only to show what would be written.
    dry_run: Option<bool>,
    /// Exactly the plan that a dry run showed.
    plan_id: Option<String>,
}

/// Shows what taking back a run would write, or does it.
///
/// What somebody changed since stays. Without a body: does it.
#[utoipa::path(post, path = "/runs/{id}/undo", tag = "runs",
    params(("id" = String, Path)), request_body = Option<UndoBody>, responses(
    (status = 200, description = "With `dry_run`: what would be written.", body = PlanDto<'_>),
    (status = 202, description = "The run that takes it back.", body = BackgroundDto<'_>),
    (status = 409, description = "`run_not_ended`, `mapping_gone`, `mapping_restored`, or `plan_changed`: the plan would be another one now; `current_id` says which."),
    (status = 422, description = "`invalid`, or why a side cannot be read: `caldav_…`, `google_…`."),
))]
pub(crate) async fn undo(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
    request: HttpRequest,
    payload: Payload,
) -> Answer {
    let body: UndoBody = input::optional(&request, payload).await?;
    if body.dry_run == Some(true) {
        let plan = web.app.preview_undo(&id).await?;
        return Ok(HttpResponse::Ok().json(shown(&plan)));
    }
    let run = web.app.undo(&id, body.plan_id.as_deref()).await?;
    Ok(goes_on(run.id.as_str()))
}

fn shown(plan: &PreviewPlan) -> PlanDto<'_> {
    PlanDto {
        plan_id: &plan.plan_id,
        counts: Counts::of(plan),
        operations: plan.operations.iter().map(Into::into).collect(),
        held: plan.held.iter().map(Into::into).collect(),
        warnings: plan.warnings.iter().map(Into::into).collect(),
    }
}
