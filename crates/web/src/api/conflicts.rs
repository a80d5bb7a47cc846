//! `GET /conflicts` and `POST /conflicts/{id}`: what both sides changed, and a person's answer.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web as aw};
use app::records::{ConflictPolicy, ConflictRecord, ConflictStatus};
use serde::{Deserialize, Serialize};
use sync_engine::conflict::{Keep, Version, Winner};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{ConflictId, Field};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use super::runs::{AskedRunsDto, asked};
use crate::input::{Body, Limit, Nothing, Params};
use crate::openapi::words;
use crate::web::Web;

/// One conflict.
#[derive(Serialize, ToSchema)]
#[schema(as = Conflict)]
struct ConflictDto<'a> {
    /// Stands for exactly these two versions.
    id: &'a str,
    mapping_id: &'a str,
    /// Of the side the event comes from.
    uid: &'a str,
    /// RFC 3339 in UTC, a date for an all-day event, or null.
    #[schema(required)]
    recurrence_id: Option<&'a str>,
    #[schema(value_type = words::ConflictStatus)]
    status: ConflictStatus,
    #[schema(value_type = words::ConflictPolicy)]
    policy: ConflictPolicy,
    #[schema(value_type = String, format = DateTime)]
    detected_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    decided_at: Option<Timestamp>,
    /// What both showed when they last agreed; null where they never did.
    #[schema(required)]
    base: Option<VersionDto<'a>>,
    caldav: VersionDto<'a>,
    google: VersionDto<'a>,
    #[schema(value_type = Option<words::Winner>, required)]
    winner: Option<Winner>,
    reason: &'a str,
    /// What a person chose, until the run that carries it out.
    #[schema(value_type = Option<words::Keep>, required)]
    decision: Option<&'a Keep>,
}

impl<'a> From<&'a ConflictRecord> for ConflictDto<'a> {
    fn from(record: &'a ConflictRecord) -> Self {
        let conflict = &record.conflict;
        Self {
            id: conflict.id.as_str(),
            mapping_id: record.mapping.as_str(),
            uid: conflict.uid.as_str(),
            recurrence_id: conflict.recurrence_id.as_deref(),
            status: record.status,
            policy: conflict.policy,
            detected_at: record.detected_at,
            decided_at: record.decided_at,
            base: conflict.base.as_ref().map(Into::into),
            caldav: (&conflict.caldav).into(),
            google: (&conflict.google).into(),
            winner: conflict.winner,
            reason: &conflict.reason,
            decision: record.decision.as_ref(),
        }
    }
}

/// An event as a side shows it: its fields, where it is present, beside `state`. No field is called
/// so.
#[derive(Serialize, ToSchema)]
#[schema(as = Version)]
struct VersionDto<'a> {
    state: PresenceDto,
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, String>)]
    fields: BTreeMap<Field, &'a str>,
}

/// Whether it is there, called off, as the series it belongs to, or not there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Presence)]
enum PresenceDto {
    Present,
    Cancelled,
    Inherits,
    Absent,
}

impl<'a> From<&'a Version> for VersionDto<'a> {
    fn from(version: &'a Version) -> Self {
        let (state, fields) = match version {
            Version::Fields(fields) => (PresenceDto::Present, Some(fields)),
            Version::Cancelled => (PresenceDto::Cancelled, None),
            Version::Inherits => (PresenceDto::Inherits, None),
            Version::Absent => (PresenceDto::Absent, None),
        };
        let fields = fields.into_iter().flatten();
        Self {
            state,
            fields: fields
                .map(|(field, text)| (*field, text.as_str()))
                .collect(),
        }
    }
}

/// A page of conflicts.
#[derive(Serialize, ToSchema)]
#[schema(as = ConflictPage)]
struct PageDto<'a> {
    conflicts: Vec<ConflictDto<'a>>,
    /// `before` of the next page; null on the last.
    #[schema(required)]
    next: Option<&'a str>,
}

/// The answer to one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeepRequest)]
pub(crate) struct KeepBody {
    #[schema(value_type = words::Keep)]
    keep: Keep,
}

/// Which conflicts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those that wait for a person, or only those that do not.
    #[param(value_type = Option<words::ConflictStatus>)]
    status: Option<ConflictStatus>,
    /// Only this mapping's.
    mapping_id: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// A conflict's id: those older than it.
    before: Option<String>,
}

/// Conflicts, newest first.
#[utoipa::path(get, path = "/conflicts", params(Which), responses(
    (status = 200, description = "A page of conflicts.", body = PageDto<'_>),
    (status = 404, description = "`not_found`: there is no conflict `before`."),
))]
pub(crate) async fn all(web: aw::Data<Web>, query: Params<Which>) -> Answer {
    let which = query.0;
    let page = web
        .app
        .conflicts(
            which.mapping_id.as_deref(),
            which.status,
            which.limit.0,
            which.before.as_deref(),
        )
        .await?;
    Ok(HttpResponse::Ok().json(PageDto {
        conflicts: page.conflicts.iter().map(Into::into).collect(),
        next: page.next.as_ref().map(ConflictId::as_str),
    }))
}

/// Decides a conflict.
///
/// The answer is for exactly the two versions that were shown under this id.
#[utoipa::path(post, path = "/conflicts/{id}", params(("id" = String, Path)),
    request_body = KeepBody, responses(
    (status = 202, description = "The run that carries the answer out.", body = AskedRunsDto<'_>),
    (status = 409, description = "`conflict_changed`: a side was changed again, `current_id` says what stands against each other now. `conflict_decided`: it waits for nobody any more. `mapping_disabled`: the mapping is off. `mapping_restored`: it comes from a backup, and its preview is to be confirmed first."),
))]
pub(crate) async fn decide(
    web: aw::Data<Web>,
    id: aw::Path<String>,
    _: Params<Nothing>,
    Body(body): Body<KeepBody>,
) -> Answer {
    let run = web.app.decide_conflict(&id, body.keep).await?;
    Ok(asked(&[run]))
}
