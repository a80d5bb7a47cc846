//! `GET /healthz` and `/readyz`: for whoever watches the process. They tell nothing else.

use actix_web::{HttpResponse, web as aw};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::Web;

/// How a probe found it.
#[derive(Serialize, ToSchema)]
#[schema(as = Probe)]
struct ProbeDto {
    /// `ok` or `unavailable`.
    status: &'static str,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz",
    responses((status = 200, description = "It does.", body = ProbeDto)))]
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(ProbeDto { status: "ok" })
}

/// The process can do its work.
///
/// Its database answers. Trouble elsewhere does not count.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "It can.", body = ProbeDto),
    (status = 503, description = "It cannot.", body = ProbeDto),
))]
pub(crate) async fn readyz(web: aw::Data<Web>) -> HttpResponse {
    match web.app.ready().await {
        Ok(()) => HttpResponse::Ok().json(ProbeDto { status: "ok" }),
        Err(error) => {
            tracing::warn!(code = %error.code, error = %error, "not ready");
            HttpResponse::ServiceUnavailable().json(ProbeDto {
                status: "unavailable",
            })
        }
    }
}
