//! `POST /sync`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web as aw};
use app::{Kind, SyncRequest, UserError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Answer;
use super::runs::RunDto;
use crate::failure::Failure;
use crate::input::{self, Query};
use crate::web::Web;

/// What to run, and whether to wait for it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyncBody {
    mapping_id: Option<String>,
    wait: Option<bool>,
    plan_id: Option<String>,
}

/// Runs one mapping or all enabled ones: 202, or with `wait` 200 when they have ended.
pub(crate) async fn sync(
    web: aw::Data<Web>,
    request: HttpRequest,
    query: Query,
    payload: aw::Payload,
) -> Answer {
    let asked = asked(&request, query, payload).await?;
    if let Some(plan_id) = &asked.plan_id {
        same_plan(&web, asked.mapping_id.as_deref(), plan_id).await?;
    }
    let handles = web
        .app
        .sync(SyncRequest {
            mapping_id: asked.mapping_id,
        })
        .await?;
    if asked.wait != Some(true) {
        let runs: Vec<Value> = handles
            .iter()
            .map(
                |handle| json!({ "id": handle.id.as_str(), "mapping_id": handle.mapping.as_str() }),
            )
            .collect();
        return Ok(HttpResponse::Accepted().json(json!({ "runs": runs })));
    }
    let mut ended = Vec::new();
    for handle in &handles {
        handle.ended().await;
        ended.push(web.app.run_of(handle).await?);
    }
    let runs: Vec<RunDto<'_>> = ended.iter().map(RunDto::whole).collect();
    Ok(HttpResponse::Ok().json(json!({ "runs": runs })))
}

/// From the query, or else from the body; none at all means all mappings.
async fn asked(
    request: &HttpRequest,
    query: Query,
    payload: aw::Payload,
) -> Result<SyncBody, Failure> {
    if !query.is_empty() {
        let query = query.only(&["mapping_id", "wait", "plan_id"])?;
        return Ok(SyncBody {
            mapping_id: query.get("mapping_id").map(ToOwned::to_owned),
            wait: query.flag("wait")?,
            plan_id: query.get("plan_id").map(ToOwned::to_owned),
        });
    }
    let mut payload = payload.into_inner();
    let body = input::bytes(&mut payload, input::JSON_BYTES).await?;
    if body.is_empty() {
        return Ok(SyncBody::default());
    }
    if input::media_type(request) != "application/json" {
        return Err(input::wrong_type("application/json"));
    }
    input::read(&body)
}

/// Only the plan that was seen is to be carried out.
async fn same_plan(web: &Web, mapping: Option<&str>, plan_id: &str) -> Result<(), Failure> {
    let Some(mapping) = mapping else {
        return Err(UserError::invalid("mapping_id", "Say whose plan it is.").into());
    };
    let plan = web.app.preview(mapping).await?;
    if plan.plan_id == plan_id {
        return Ok(());
    }
    let changed = UserError::new(
        Kind::Conflict,
        "plan_changed",
        "The plan has changed",
        "The calendars changed since this plan was shown.",
        "Look at the preview again.",
    );
    Err(Failure {
        status: StatusCode::CONFLICT,
        error: Box::new(changed.with("current_id", plan.plan_id)),
    })
}
