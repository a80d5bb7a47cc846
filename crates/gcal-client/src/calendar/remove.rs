//! Deleting events.

use sync_engine::model::{Google, OverrideValue};
use sync_engine::observation::{Content, Seen};
use sync_engine::ports::{Remove, Written};

use super::GoogleCalendar;
use crate::error::Error;
use crate::refusal::{Reaction, Reason};
use crate::requests::Delete;

impl GoogleCalendar {
    pub(super) async fn removed(&self, remove: &Remove<Google>) -> Result<Written<Google>, Error> {
        let resource = &remove.resource;
        let request = Delete {
            calendar: self.id.clone(),
            event: resource.id.as_str().to_owned(),
            etag: resource.etag.as_ref().map(|etag| etag.as_str().to_owned()),
        };
        let error = match self.session().call(&request).await {
            Ok(()) => return Ok(Written::Removed),
            Err(error) => error,
        };
        match error.reason().map(Reason::reaction) {
            Some(Reaction::Gone) => Ok(Written::Removed),
            Some(Reaction::RefetchAndMerge) => {
                let now = self.look(resource.id.as_str()).await?;
                Ok(if is_gone(&now) {
                    Written::Removed
                } else {
                    Written::Stale { now: Box::new(now) }
                })
            }
            _ => Err(error),
        }
    }
}

fn is_gone(now: &Seen<Google>) -> bool {
    match now {
        Seen::Gone { .. } => true,
        Seen::Present(now) => matches!(
            now.content,
            Content::Exception {
                value: OverrideValue::Cancelled,
                ..
            }
        ),
        Seen::Unreadable { .. } | Seen::Foreign { .. } => false,
    }
}
