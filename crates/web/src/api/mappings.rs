//! `/mappings`.

mod shape;

use std::time::Duration;

use actix_web::{HttpResponse, web as aw};
use app::records::{MappingSettings, RunState};
use app::{MappingInput, Mirrored, UserError};
use serde_json::json;

use super::Answer;
use crate::input::{Body, Query};
use crate::web::Web;
pub(crate) use shape::MappingDto;
use shape::MappingRequest;

/// How long a removal is waited for before it goes on in the background.
const PATIENCE: Duration = Duration::from_secs(20);

/// `POST /mappings`: 201 made, 200 changed.
pub(crate) async fn put(web: aw::Data<Web>, body: Body<MappingRequest>) -> Answer {
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

/// `GET /mappings`.
pub(crate) async fn all(web: aw::Data<Web>, query: Query) -> Answer {
    query.only(&[])?;
    let mappings = web.app.mappings().await?;
    let mappings: Vec<MappingDto<'_>> = mappings.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(json!({ "mappings": mappings })))
}

/// `GET /mappings/{id}`.
pub(crate) async fn one(web: aw::Data<Web>, id: aw::Path<String>) -> Answer {
    let mapping = web.app.mapping(&id).await?;
    Ok(HttpResponse::Ok().json(MappingDto::from(&mapping)))
}

/// `DELETE /mappings/{id}`: 204 when done, 202 with the run when removing copies takes longer.
pub(crate) async fn delete(web: aw::Data<Web>, id: aw::Path<String>, query: Query) -> Answer {
    let query = query.only(&["mirrored"])?;
    let mirrored = match query.get("mirrored") {
        None | Some("keep") => Mirrored::Keep,
        Some("remove") => Mirrored::Remove,
        Some(_) => {
            return Err(UserError::invalid("mirrored", "It is keep or remove.").into());
        }
    };
    match remove(&web, &id, mirrored).await? {
        Removal::Done => Ok(HttpResponse::NoContent().finish()),
        Removal::GoesOn(run) => Ok(HttpResponse::Accepted().json(json!({ "run": { "id": run } }))),
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
    let task = tokio::spawn(async move {
        let outcome = app.delete_mapping(&mapping, mirrored).await;
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
    loop {
        if let Ok(outcome) = tokio::time::timeout(PATIENCE, &mut task).await {
            outcome.map_err(|_| broken())??;
            return Ok(Removal::Done);
        }
        let page = web.app.runs(Some(id), 1, None).await?;
        let running = page
            .runs
            .into_iter()
            .find(|run| run.state == RunState::Running);
        if let Some(run) = running {
            return Ok(Removal::GoesOn(run.id.as_str().to_owned()));
        }
    }
}
