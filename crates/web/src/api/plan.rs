//! `GET /mappings/{id}/preview`: what the next run would do.

use actix_web::{HttpResponse, web as aw};
use app::{PreviewPlan, Previewed};
use serde::Serialize;
use sync_engine::model::{Field, Side};
use sync_engine::plan::operation::{ActionKind, FieldChange, Reason};

use super::{Answer, runs::WarningDto};
use crate::input::Query;
use crate::web::Web;

/// PLAN.
#[derive(Serialize)]
struct PlanDto<'a> {
    plan_id: &'a str,
    counts: Counts,
    operations: Vec<OperationDto<'a>>,
    held: Vec<OperationDto<'a>>,
    warnings: Vec<WarningDto<'a>>,
}

/// How many operations of each kind; what the guard would hold is not among them.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) insert: usize,
    pub(crate) update: usize,
    pub(crate) delete: usize,
    pub(crate) conflict: usize,
}

impl Counts {
    /// Of a list of operations.
    pub(crate) fn of(operations: &[Previewed]) -> Self {
        let count = |fits: &dyn Fn(&Previewed) -> bool| {
            operations
                .iter()
                .filter(|operation| fits(operation))
                .count()
        };
        let action = |wanted| count(&|operation| operation.account.action == wanted);
        Self {
            insert: action(ActionKind::Insert),
            update: action(ActionKind::Update),
            delete: action(ActionKind::Delete),
            conflict: count(&|operation| {
                matches!(
                    operation.account.reason,
                    Reason::Conflict | Reason::EditWins
                )
            }),
        }
    }
}

/// One operation of a plan.
#[derive(Serialize)]
pub(crate) struct OperationDto<'a> {
    side: Side,
    action: ActionKind,
    uid: &'a str,
    recurrence_id: Option<&'a str>,
    summary: &'a str,
    start: Option<&'a str>,
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

/// One field's change.
#[derive(Serialize)]
pub(crate) struct ChangeDto<'a> {
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

/// Reads both sides and writes nothing.
pub(crate) async fn preview(web: aw::Data<Web>, id: aw::Path<String>, query: Query) -> Answer {
    query.only(&[])?;
    let plan = web.app.preview(&id).await?;
    Ok(HttpResponse::Ok().json(shown(&plan)))
}

fn shown(plan: &PreviewPlan) -> PlanDto<'_> {
    PlanDto {
        plan_id: &plan.plan_id,
        counts: Counts::of(&plan.operations),
        operations: plan.operations.iter().map(Into::into).collect(),
        held: plan.held.iter().map(Into::into).collect(),
        warnings: plan.warnings.iter().map(Into::into).collect(),
    }
}
