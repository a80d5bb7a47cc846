//! `GET /events/history`: what happened to one event.

use actix_web::{HttpResponse, web as aw};
use app::records::HistoryEntry;
use serde::{Deserialize, Serialize};
use sync_engine::model::Side;
use sync_engine::model::time::Timestamp;
use sync_engine::plan::operation::{ActionKind, Reason};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, plan::ChangeDto};
use crate::input::{Limit, Params};
use crate::openapi::words;
use crate::web::Web;

/// What happened to an event, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = History)]
struct HistoryDto<'a> {
    events: Vec<EntryDto<'a>>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_synced: Option<Timestamp>,
    /// `before` of the next page; null on the last.
    #[schema(required)]
    next: Option<&'a str>,
}

/// One thing that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
struct EntryDto<'a> {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    mapping_id: &'a str,
    uid: &'a str,
    /// RFC 3339 in UTC, a date for an all-day event, or null.
    #[schema(required)]
    recurrence_id: Option<&'a str>,
    #[schema(value_type = words::Side)]
    side: Side,
    #[schema(value_type = words::Action)]
    action: ActionKind,
    /// The rule that decided.
    #[schema(value_type = String, example = "changed")]
    reason: Reason,
    changes: Vec<ChangeDto<'a>>,
    run_id: &'a str,
}

impl<'a> From<&'a HistoryEntry> for EntryDto<'a> {
    fn from(entry: &'a HistoryEntry) -> Self {
        let event = &entry.event;
        Self {
            at: event.at,
            mapping_id: entry.mapping.as_str(),
            uid: event.uid.as_str(),
            recurrence_id: event.recurrence_id.as_deref(),
            side: event.side,
            action: event.action,
            reason: event.reason,
            changes: event.changes.iter().map(Into::into).collect(),
            run_id: entry.run.as_str(),
        }
    }
}

/// Which event.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The event's UID on the side it comes from.
    uid: String,
    /// Only by this mapping.
    mapping_id: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 500)]
    limit: Limit<500, 500>,
    /// `next` of another page: those older than its last.
    before: Option<String>,
}

/// By which mapping.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ByWhich {
    /// Only by this mapping.
    mapping_id: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 500)]
    limit: Limit<500, 500>,
    /// `next` of another page: those older than its last.
    before: Option<String>,
}

/// What happened to an event.
#[utoipa::path(get, path = "/events/history", params(Which),
    responses(
        (status = 200, description = "Its history, newest first.", body = HistoryDto<'_>),
        (status = 404, description = "`not_found`: `before` is no page's `next`."),
    ))]
pub(crate) async fn history(web: aw::Data<Web>, query: Params<Which>) -> Answer {
    let Which {
        uid,
        mapping_id,
        limit,
        before,
    } = query.0;
    let page = ByWhich {
        mapping_id,
        limit,
        before,
    };
    answer(&web, &uid, &page).await
}

/// The same, with the UID in the path.
#[utoipa::path(get, path = "/events/{uid}/history", params(
    ("uid" = String, Path, description = "The event's UID on the side it comes from, percent-encoded."),
    ByWhich), responses(
        (status = 200, description = "Its history, newest first.", body = HistoryDto<'_>),
        (status = 404, description = "`not_found`: `before` is no page's `next`."),
    ))]
pub(crate) async fn of_event(
    web: aw::Data<Web>,
    uid: aw::Path<String>,
    query: Params<ByWhich>,
) -> Answer {
    answer(&web, &uid, &query.0).await
}

async fn answer(web: &Web, uid: &str, page: &ByWhich) -> Answer {
    let (mapping, before) = (page.mapping_id.as_deref(), page.before.as_deref());
    let history = web.app.history(uid, mapping, page.limit.0, before).await?;
    Ok(HttpResponse::Ok().json(HistoryDto {
        events: history.entries.iter().map(Into::into).collect(),
        last_synced: history.last_synced,
        next: history.next.as_deref(),
    }))
}
