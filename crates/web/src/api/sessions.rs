//! `/sessions`: browsers that are signed in, shown and signed out.

use actix_web::{HttpResponse, web as aw};
use app::access::SessionView;
use app::records::KeyScope;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::input::{Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// A session as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionDto {
    id: String,
    /// The name of the key it signed in with.
    key: String,
    #[schema(value_type = words::KeyScope)]
    scope: KeyScope,
    address: String,
    agent: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
}

/// All sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
struct AllDto {
    sessions: Vec<SessionDto>,
}

impl From<SessionView> for SessionDto {
    fn from(session: SessionView) -> Self {
        Self {
            id: session.id,
            key: session.key,
            scope: session.scope,
            address: session.address,
            agent: session.agent,
            created_at: session.created_at.to_string(),
            last_seen_at: session.seen_at.to_string(),
        }
    }
}

/// All sessions that hold.
#[utoipa::path(get, path = "/sessions",
    responses((status = 200, description = "The sessions.", body = AllDto)))]
pub(crate) async fn all(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let sessions = web.app.sessions(None).await?.into_iter();
    Ok(HttpResponse::Ok().json(AllDto {
        sessions: sessions.map(Into::into).collect(),
    }))
}

/// Ends a session.
#[utoipa::path(delete, path = "/sessions/{id}", params(("id" = String, Path)),
    responses((status = 204, description = "It has ended.")))]
pub(crate) async fn end(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    web.app.end_shown_session(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
