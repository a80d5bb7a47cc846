//! `POST /sync`.

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web as aw};
use app::{SyncRequest, UserError};
use serde::Deserialize;
use sync_engine::report::Problem;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::runs::{AskedRunsDto, EndedDto, asked};
use crate::access::Access;
use crate::failure::Failure;
use crate::gate::may_confirm;
use crate::input::{self, Params, flag};
use crate::web::Web;

/// What to run, and whether to wait for it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncRequest)]
struct SyncBody {
    /// One mapping; without it, all that are enabled.
    mapping_id: Option<String>,
    /// Whether to answer only when the runs have ended.
    wait: Option<bool>,
    /// Exactly the plan that a preview of this mapping showed.
    plan_id: Option<String>,
}

/// The same in the query.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SyncParams {
    /// One mapping; without it, all that are enabled.
    mapping_id: Option<String>,
    /// Whether to answer only when the runs have ended.
    #[serde(default, deserialize_with = "flag")]
    wait: Option<bool>,
    /// Exactly the plan that a preview of this mapping showed.
    plan_id: Option<String>,
}

/// Runs one mapping, or all that are enabled.
///
/// With anything in the query, the body is not read: foreign webhooks send their own. A trigger
/// joins a run that has not finished reading; else one follow-up run is queued and shared by all
/// later triggers. With `wait`, the answer holds the runs that cover this trigger.
#[utoipa::path(post, path = "/sync", params(SyncParams), request_body = Option<SyncBody>, responses(
    (status = 200, description = "With `wait`: the runs, which have ended.", body = EndedDto<'_>),
    (status = 202, description = "The runs that were asked for.", body = AskedRunsDto<'_>),
    (status = 403, description = "`key_scope`: the key is not good for this; with `plan_id`, only one of the scope `admin` confirms a mapping that comes from a backup. `cross_site`: another site made the request."),
    (status = 404, description = "`not_found`: there is no such mapping."),
    (status = 409, description = "`mapping_disabled`: the mapping that was named is off. `mapping_restored`: it comes from a backup, and its preview is to be confirmed first. `plan_changed`: the plan would be another one now; `current_id` says which."),
    (status = 422, description = "`invalid`; or, with `plan_id`, why the plan cannot be looked at."),
))]
pub(crate) async fn sync(
    web: aw::Data<Web>,
    request: HttpRequest,
    query: Params<SyncParams>,
    payload: aw::Payload,
) -> Answer {
    let wanted = wanted(&request, query.0, payload).await?;
    let access = request.extensions().get::<Access>().cloned();
    let (mapping, plan) = (wanted.mapping_id.as_deref(), wanted.plan_id.as_deref());
    may_confirm(&web, access.as_ref(), mapping, plan).await?;
    let one_plan = wanted.plan_id.is_some();
    let handles = web
        .app
        .sync(SyncRequest {
            mapping_id: wanted.mapping_id,
            plan_id: wanted.plan_id,
        })
        .await?;
    if wanted.wait != Some(true) {
        return Ok(asked(&handles));
    }
    let mut ended = Vec::new();
    for handle in &handles {
        handle.ended().await;
        let run = web.app.run_of(handle).await?;
        let changed = |error: &Problem| error.code == "plan_changed";
        if one_plan && run.error.as_ref().is_some_and(changed) {
            return Err(UserError::plan_changed().into());
        }
        ended.push(run);
    }
    Ok(HttpResponse::Ok().json(EndedDto {
        runs: ended.iter().map(Into::into).collect(),
    }))
}

/// From the query, or else from the body; none at all means all mappings.
async fn wanted(
    request: &HttpRequest,
    query: SyncParams,
    payload: aw::Payload,
) -> Result<SyncBody, Failure> {
    if request.query_string().is_empty() {
        return input::optional(request, payload).await;
    }
    input::ignore(payload).await;
    Ok(SyncBody {
        mapping_id: query.mapping_id,
        wait: query.wait,
        plan_id: query.plan_id,
    })
}
