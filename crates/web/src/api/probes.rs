//! `GET /healthz` and `/readyz`: for whoever watches the process. They tell nothing else.

use actix_web::{HttpResponse, web as aw};
use serde_json::json;

use crate::web::Web;

/// The process lives.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The process can do its work: its database answers. Trouble elsewhere does not count.
pub(crate) async fn readyz(web: aw::Data<Web>) -> HttpResponse {
    match web.app.ready().await {
        Ok(()) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Err(error) => {
            tracing::warn!(code = %error.code, error = %error, "not ready");
            HttpResponse::ServiceUnavailable().json(json!({ "status": "unavailable" }))
        }
    }
}
