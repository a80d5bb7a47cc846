//! `GET /held` and `POST /held/{id}`: what the guard holds back, and the answer to it.

use actix_web::{HttpResponse, web as aw};
use app::{Decided, Decision, Previewed};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sync_engine::guard::{Held, HeldKind};
use sync_engine::model::{MappingId, Side};

use super::Answer;
use super::mappings::MappingDto;
use super::plan::OperationDto;
use crate::input::{Body, Query};
use crate::web::Web;

/// One held plan.
#[derive(Serialize)]
struct HeldDto<'a> {
    id: &'a str,
    mapping_id: &'a str,
    kind: HeldKind,
    side: Side,
    created_at: String,
    count: usize,
    operations: Vec<OperationDto<'a>>,
}

/// The answer to one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    decision: DecisionDto,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecisionDto {
    Approve,
    Restore,
    Pause,
}

/// A held plan's operations, as a preview lists them.
pub(crate) fn operations(held: &Held) -> Vec<Previewed> {
    held.operations
        .iter()
        .map(|account| Previewed {
            side: held.side,
            account: account.clone(),
        })
        .collect()
}

/// All that is held.
pub(crate) async fn all(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    let held = web.app.held().await?;
    let operations: Vec<_> = held.iter().map(|(_, held)| operations(held)).collect();
    let all: Vec<HeldDto<'_>> = held
        .iter()
        .zip(&operations)
        .map(|((mapping, held), operations)| shown(mapping, held, operations))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "held": all })))
}

fn shown<'a>(mapping: &'a MappingId, held: &'a Held, operations: &'a [Previewed]) -> HeldDto<'a> {
    HeldDto {
        id: held.id.as_str(),
        mapping_id: mapping.as_str(),
        kind: held.kind,
        side: held.side,
        created_at: held.since.to_string(),
        count: operations.len(),
        operations: operations.iter().map(Into::into).collect(),
    }
}

/// Approves exactly this plan, or pauses its mapping.
pub(crate) async fn decide(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    Body(body): Body<DecisionBody>,
) -> Answer {
    let decision = match body.decision {
        DecisionDto::Approve => Decision::Approve,
        DecisionDto::Restore => Decision::Restore,
        DecisionDto::Pause => Decision::Pause,
    };
    Ok(match web.app.decide_held(&id, decision).await? {
        Decided::Run(run) => HttpResponse::Accepted().json(json!({
            "runs": [{ "id": run.id.as_str(), "mapping_id": run.mapping.as_str() }]
        })),
        Decided::Paused(mapping) => HttpResponse::Ok().json(MappingDto::from(mapping.as_ref())),
    })
}
