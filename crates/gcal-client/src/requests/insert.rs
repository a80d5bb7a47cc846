//! events.insert. Never repeated by itself: after a lost answer somebody has to look first.

use outbound::{Method, Request, Response, Url};
use serde_json::{Map, Value};

use super::wire::Event;
use super::{ApiRequest, events, json, quietly, request, with_json};
use crate::error::{Error, Operation};

/// Makes an event. The body holds the id we chose.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The calendar.
    pub calendar: String,
    /// The event.
    pub body: Map<String, Value>,
}

impl ApiRequest for Insert {
    type Answer = Event;

    fn operation(&self) -> Operation {
        Operation::InsertEvent
    }

    fn writes_to(&self) -> Option<&str> {
        Some(&self.calendar)
    }

    fn may_be_repeated(&self) -> bool {
        false
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let url = quietly(events(api, &self.calendar, None)?);
        with_json(request(Method::POST, url), &self.body)
    }

    fn parse(&self, response: &Response) -> Result<Event, Error> {
        json(self.operation(), response)
    }
}
