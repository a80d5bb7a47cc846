//! events.update: the whole event. Here only for making a deleted event live again.

use outbound::{Method, Request, Response, Url};
use serde_json::{Map, Value};

use super::wire::Event;
use super::{ApiRequest, events, if_match, json, quietly, request, with_json};
use crate::error::{Error, Operation};

/// Replaces an event.
#[derive(Debug, Clone)]
pub struct Update {
    /// The calendar.
    pub calendar: String,
    /// The event.
    pub event: String,
    /// The version it must still have.
    pub etag: Option<String>,
    /// The whole event; what is missing is cleared.
    pub body: Map<String, Value>,
}

impl ApiRequest for Update {
    type Answer = Event;

    fn operation(&self) -> Operation {
        Operation::UpdateEvent
    }

    fn writes_to(&self) -> Option<&str> {
        Some(&self.calendar)
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let url = quietly(events(api, &self.calendar, Some(&self.event))?);
        let put = if_match(request(Method::PUT, url), self.etag.as_deref());
        with_json(put, &self.body)
    }

    fn parse(&self, response: &Response) -> Result<Event, Error> {
        json(self.operation(), response)
    }
}
