//! `GET /doctor`: looks whether everything works, as the command `doctor` does.

use actix_web::{HttpResponse, web as aw};

use super::Answer;
use crate::input::{Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// Looks whether everything works.
///
/// Asks every server and every account; takes as long as the slowest. Whoever asks while it is looked,
/// or within five seconds, gets the same answer.
#[utoipa::path(get, path = "/doctor", responses(
    (status = 200, description = "What was found, and what to do.", body = words::Report),
))]
pub(crate) async fn doctor(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    Ok(HttpResponse::Ok().json(web.app.check_everything().await))
}
