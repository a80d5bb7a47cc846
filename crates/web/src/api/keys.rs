//! `/keys`: API keys, made and revoked. A key is in one answer only, the one that makes it.

use actix_web::{HttpResponse, web as aw};
use app::access::KeyView;
use app::records::KeyScope;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answer;
use crate::input::{Body, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// A key as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyDto {
    id: String,
    name: String,
    #[schema(value_type = words::KeyScope)]
    scope: KeyScope,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime, required)]
    last_used_at: Option<String>,
    /// `API_KEY` sets it.
    managed: bool,
}

impl From<KeyView> for KeyDto {
    fn from(key: KeyView) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scope: key.scope,
            created_at: key.created_at.to_string(),
            last_used_at: key.used_at.map(|at| at.to_string()),
            managed: key.managed,
        }
    }
}

/// All keys.
#[derive(Serialize, ToSchema)]
#[schema(as = Keys)]
struct AllDto {
    keys: Vec<KeyDto>,
}

/// A key that was made just now, with the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = NewKey)]
struct NewKeyDto<'a> {
    #[serde(flatten)]
    shown: KeyDto,
    /// The key itself: never shown again.
    key: &'a str,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// What it is for.
    #[schema(example = "home automation")]
    name: String,
    /// `read` unless somebody says otherwise.
    #[serde(default = "least")]
    #[schema(value_type = words::KeyScope)]
    scope: KeyScope,
}

fn least() -> KeyScope {
    KeyScope::Read
}

/// All keys that let in.
#[utoipa::path(get, path = "/keys",
    responses((status = 200, description = "The keys, without themselves.", body = AllDto)))]
pub(crate) async fn all(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let keys = web.app.keys().await?.into_iter();
    Ok(HttpResponse::Ok().json(AllDto {
        keys: keys.map(Into::into).collect(),
    }))
}

/// Makes a key.
#[utoipa::path(post, path = "/keys", request_body = KeyRequest, responses(
    (status = 201, description = "The key: shown this once.", body = NewKeyDto<'_>),
    (status = 409, description = "`too_many_keys`."),
))]
pub(crate) async fn make(
    web: aw::Data<Web>,
    _: Params<Nothing>,
    Body(body): Body<KeyRequest>,
) -> Answer {
    let made = web.app.make_key(&body.name, body.scope).await?;
    Ok(HttpResponse::Created().json(NewKeyDto {
        shown: made.view.into(),
        key: made.key.expose_secret(),
    }))
}

/// Revokes a key.
///
/// It lets nobody in any more, nor do the sessions that began with it.
#[utoipa::path(delete, path = "/keys/{id}", params(("id" = String, Path)), responses(
    (status = 204, description = "It is revoked."),
    (status = 409, description = "`key_managed`: it comes from `API_KEY`. `last_key`: nobody could change anything any more."),
))]
pub(crate) async fn revoke(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    web.app.revoke_key(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
