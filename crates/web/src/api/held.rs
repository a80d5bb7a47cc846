//! `GET /held` and `POST /held/{id}`: what the guard holds back, and the answer to it.

use actix_web::{HttpResponse, web as aw};
use app::{Decided, Decision, Previewed};
use serde::{Deserialize, Serialize};
use sync_engine::guard::{Held, HeldKind};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{MappingId, Side};
use utoipa::ToSchema;

use super::Answer;
use super::mappings::MappingDto;
use super::plan::OperationDto;
use super::runs::{AskedRunsDto, asked};
use crate::input::{Body, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// One held plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Held)]
struct HeldDto<'a> {
    /// Stands for exactly this content.
    id: &'a str,
    mapping_id: &'a str,
    #[schema(value_type = words::HeldKind)]
    kind: HeldKind,
    /// The side that would be written.
    #[schema(value_type = words::Side)]
    side: Side,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    count: usize,
    operations: Vec<OperationDto<'a>>,
}

/// All that is held.
#[derive(Serialize, ToSchema)]
#[schema(as = AllHeld)]
struct AllDto<'a> {
    held: Vec<HeldDto<'a>>,
}

/// The answer to one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecisionRequest)]
pub(crate) struct DecisionBody {
    decision: DecisionDto,
}

/// Do exactly this, once; put it back on the side it vanished from; or switch the mapping off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Decision)]
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

/// What is held back until somebody decides.
#[utoipa::path(get, path = "/held",
    responses((status = 200, description = "All that is held.", body = AllDto<'_>)))]
pub(crate) async fn all(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let held = web.app.held().await?;
    let operations: Vec<_> = held.iter().map(|(_, held)| operations(held)).collect();
    let all = held
        .iter()
        .zip(&operations)
        .map(|((mapping, held), operations)| shown(mapping, held, operations));
    Ok(HttpResponse::Ok().json(AllDto {
        held: all.collect(),
    }))
}

fn shown<'a>(mapping: &'a MappingId, held: &'a Held, operations: &'a [Previewed]) -> HeldDto<'a> {
    HeldDto {
        id: held.id.as_str(),
        mapping_id: mapping.as_str(),
        kind: held.kind,
        side: held.side,
        created_at: held.since,
        count: operations.len(),
        operations: operations.iter().map(Into::into).collect(),
    }
}

/// Decides about a held plan.
///
/// The answer is for exactly what was shown under this id.
#[utoipa::path(post, path = "/held/{id}", params(("id" = String, Path)),
    request_body = DecisionBody, responses(
    (status = 200, description = "With `pause`: the mapping, which is off.", body = MappingDto<'_>),
    (status = 202, description = "The run that carries the decision out.", body = AskedRunsDto<'_>),
    (status = 409, description = "`held_changed`: something else is held now, `current_id` says what. `source_is_read_only`: nothing can be put back on a side that is never written. `mapping_disabled`: the mapping is off. `mapping_restored`: it comes from a backup, and its preview is to be confirmed first."),
))]
pub(crate) async fn decide(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
    Body(body): Body<DecisionBody>,
) -> Answer {
    let decision = match body.decision {
        DecisionDto::Approve => Decision::Approve,
        DecisionDto::Restore => Decision::Restore,
        DecisionDto::Pause => Decision::Pause,
    };
    Ok(match web.app.decide_held(&id, decision).await? {
        Decided::Run(run) => asked(&[run]),
        Decided::Paused(mapping) => HttpResponse::Ok().json(MappingDto::from(mapping.as_ref())),
    })
}
