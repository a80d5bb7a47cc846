//! `GET /events/history`: what happened to one event.

use actix_web::{HttpResponse, web as aw};
use app::FieldError;
use app::records::HistoryEntry;
use serde_json::{Value, json};

use super::{Answer, plan::ChangeDto};
use crate::input::Query;
use crate::web::Web;

/// By `uid` in the query.
pub(crate) async fn history(web: aw::Data<Web>, query: Query) -> Answer {
    let query = query.only(&["uid", "mapping_id"])?;
    let Some(uid) = query.get("uid") else {
        let mut error = app::UserError::invalid("uid", "Say which event: its UID.");
        error.fields = vec![FieldError {
            field: "uid".to_owned(),
            detail: "It is needed.".to_owned(),
        }];
        return Err(error.into());
    };
    answer(&web, uid, query.get("mapping_id")).await
}

/// By UID in the path.
pub(crate) async fn of_event(web: aw::Data<Web>, uid: aw::Path<String>, query: Query) -> Answer {
    let query = query.only(&["mapping_id"])?;
    answer(&web, &uid, query.get("mapping_id")).await
}

async fn answer(web: &Web, uid: &str, mapping: Option<&str>) -> Answer {
    let history = web.app.history(uid, mapping).await?;
    let events: Vec<Value> = history.entries.iter().map(entry).collect();
    Ok(HttpResponse::Ok().json(json!({
        "events": events,
        "last_synced": history.last_synced,
    })))
}

fn entry(entry: &HistoryEntry) -> Value {
    let changes: Vec<ChangeDto<'_>> = entry.event.changes.iter().map(Into::into).collect();
    json!({
        "at": entry.event.at,
        "mapping_id": entry.mapping.as_str(),
        "uid": entry.event.uid.as_str(),
        "recurrence_id": entry.event.recurrence_id,
        "side": entry.event.side,
        "action": entry.event.action,
        "reason": entry.event.reason,
        "changes": changes,
        "run_id": entry.run.as_str(),
    })
}
