//! events.delete. 204 without a body; of an event that is deleted already 410.

use outbound::{Method, Request, Response, Url};

use super::{ApiRequest, accepted, events, if_match, quietly, request};
use crate::error::{Error, Operation};

/// Deletes an event.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The calendar.
    pub calendar: String,
    /// The event.
    pub event: String,
    /// The version it must still have.
    pub etag: Option<String>,
}

impl ApiRequest for Delete {
    type Answer = ();

    fn operation(&self) -> Operation {
        Operation::DeleteEvent
    }

    fn writes_to(&self) -> Option<&str> {
        Some(&self.calendar)
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let url = quietly(events(api, &self.calendar, Some(&self.event))?);
        Ok(if_match(request(Method::DELETE, url), self.etag.as_deref()))
    }

    fn parse(&self, response: &Response) -> Result<(), Error> {
        accepted(self.operation(), response)
    }
}
