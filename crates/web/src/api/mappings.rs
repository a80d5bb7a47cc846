//! `/mappings`.

mod shape;

use std::time::Duration;

use actix_web::{HttpResponse, web as aw};
use app::records::MappingSettings;
use app::{MappingInput, Mirrored, UserError};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::declared::{self, WaitingDto};
use super::runs::{BackgroundDto, goes_on};
use crate::input::{Body, Nothing, Params};
use crate::web::Web;
pub(crate) use shape::MappingDto;
use shape::MappingRequest;

/// How long a removal is waited for before it goes on in the background.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a mapping, or changes one.
///
/// With `id`, every other member is optional and one that is left out keeps its value. Without, both
/// calendars are needed and what is left out gets its default.
#[utoipa::path(post, path = "/mappings", request_body = MappingRequest, responses(
    (status = 200, description = "It was changed.", body = MappingDto<'_>),
    (status = 201, description = "It was made.", body = MappingDto<'_>),
    (status = 404, description = "`not_found`: there is no mapping with this id."),
    (status = 409, description = "`mapping_exists`: these calendars are joined by another mapping, `mapping_id`. `mapping_cycle`: events would go round in a circle. `managed`: `config.yaml` declares it."),
    (status = 422, description = "`invalid`, `calendar_fixed` (a mapping keeps its calendars) or `calendar_not_writable`."),
))]
pub(crate) async fn put(
    web: aw::Data<Web>,
    _: Params<Nothing>,
    body: Body<MappingRequest>,
) -> Answer {
    let request = body.0;
    let (settings, google_account) = match &request.id {
        Some(id) => {
            let stored = web.app.mapping(id).await?;
            let account = stored.google.account.as_str().to_owned();
            (stored.settings, Some(account))
        }
        None => (MappingSettings::default(), None),
    };
    let google_account = match (google_account, &request.google_calendar_id) {
        (None, Some(calendar)) => account_of(&web, calendar).await?,
        (known, _) => known,
    };
    if let (Some(named), Some(known)) = (&request.google_account_id, google_account)
        && *named != known
    {
        let detail = "The Google calendar belongs to another account.";
        return Err(UserError::invalid("google_account_id", detail).into());
    }
    let input = MappingInput {
        id: request.id.clone(),
        caldav_calendar_id: request.caldav_calendar_id.clone(),
        google_calendar_id: request.google_calendar_id.clone(),
        settings: request.over(settings),
    };
    let (mapping, made) = web.app.put_mapping(input).await?;
    let mut answer = if made {
        HttpResponse::Created()
    } else {
        HttpResponse::Ok()
    };
    Ok(answer.json(MappingDto::from(&mapping)))
}

async fn account_of(web: &Web, calendar: &str) -> Result<Option<String>, UserError> {
    let known = web
        .app
        .known_calendars(sync_engine::model::Side::Google, None)
        .await?;
    let found = known.into_iter().find(|known| known.id == calendar);
    Ok(found.map(|calendar| calendar.account.as_str().to_owned()))
}

/// Mappings.
#[derive(Serialize, ToSchema)]
#[schema(as = Mappings)]
struct AllDto<'a> {
    mappings: Vec<MappingDto<'a>>,
    /// What `config.yaml` declares and is not in force yet.
    waiting: Vec<WaitingDto>,
}

/// All mappings.
#[utoipa::path(get, path = "/mappings",
    responses((status = 200, description = "The mappings.", body = AllDto<'_>)))]
pub(crate) async fn all(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    let mappings = web.app.mappings().await?;
    Ok(HttpResponse::Ok().json(AllDto {
        mappings: mappings.iter().map(Into::into).collect(),
        waiting: declared::waiting(&web.app.pending()),
    }))
}

/// One mapping.
#[utoipa::path(get, path = "/mappings/{id}", params(("id" = String, Path)),
    responses((status = 200, description = "The mapping.", body = MappingDto<'_>)))]
pub(crate) async fn one(web: aw::Data<Web>, id: aw::Path<String>, _: Params<Nothing>) -> Answer {
    let mapping = web.app.mapping(&id).await?;
    Ok(HttpResponse::Ok().json(MappingDto::from(&mapping)))
}

/// What becomes of the copies.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Fate {
    /// Whether the copies stay (the default) or are removed.
    #[param(inline)]
    mirrored: Option<MirroredDto>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Mirrored)]
enum MirroredDto {
    Keep,
    Remove,
}

/// Deletes a mapping.
///
/// Its copies stay, or are removed first.
#[utoipa::path(delete, path = "/mappings/{id}", params(("id" = String, Path), Fate), responses(
    (status = 202, description = "Copies are still being removed, by this run; then the mapping goes.", body = BackgroundDto<'_>),
    (status = 204, description = "It is gone."),
    (status = 409, description = "`account_unusable`: the copies could not all be removed; the mapping is off and still there. `mapping_restored`: it comes from a backup, and copies are removed only once its preview was confirmed. `managed`: `config.yaml` declares it."),
))]
pub(crate) async fn delete(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    query: Params<Fate>,
) -> Answer {
    let mirrored = match query.0.mirrored {
        None | Some(MirroredDto::Keep) => Mirrored::Keep,
        Some(MirroredDto::Remove) => Mirrored::Remove,
    };
    match remove(&web, &id, mirrored).await? {
        Removal::Done => Ok(HttpResponse::NoContent().finish()),
        Removal::GoesOn(run) => Ok(goes_on(&run)),
    }
}

/// How far a removal is.
pub(crate) enum Removal {
    /// The mapping is gone.
    Done,
    /// Its copies are being removed by this run.
    GoesOn(String),
}

/// Deletes a mapping in a task of its own: a visitor who leaves does not stop it half-way.
pub(crate) async fn remove(
    web: &aw::Data<Web>,
    id: &str,
    mirrored: Mirrored,
) -> Result<Removal, UserError> {
    let app = web.app.clone();
    let mapping = id.to_owned();
    let (begun, mut heard) = oneshot::channel();
    let task = tokio::spawn(async move {
        let outcome = Box::pin(app.delete_mapping(&mapping, mirrored, Some(begun))).await;
        if let Err(error) = &outcome {
            tracing::warn!(mapping_id = %mapping, code = %error.code, error = %error, "a mapping could not be deleted");
        }
        outcome
    });
    let broken = || {
        UserError::new(
            app::Kind::Internal,
            "internal",
            "Something broke",
            "The deletion broke off.",
            "Look at the mapping again, and at the log.",
        )
    };
    tokio::pin!(task);
    let ended = if let Ok(ended) = tokio::time::timeout(PATIENCE, &mut task).await {
        ended
    } else {
        tokio::select! {
            // The very run that removes; another one of the mapping may have to end first.
            Ok(run) = &mut heard => return Ok(Removal::GoesOn(run.as_str().to_owned())),
            ended = &mut task => ended,
        }
    };
    ended.map_err(|_| broken())??;
    Ok(Removal::Done)
}
