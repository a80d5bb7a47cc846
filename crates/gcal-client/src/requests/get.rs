//! events.get: one event, exception, or virtual instance. A deleted one answers 200 `cancelled`.

use outbound::{Method, Request, Response, Url};

use super::wire::Event;
use super::{ApiRequest, events, json, request};
use crate::error::{Error, Operation};

/// Asks for one event.
#[derive(Debug, Clone)]
pub struct Get {
    /// The calendar.
    pub calendar: String,
    /// The event.
    pub event: String,
}

impl ApiRequest for Get {
    type Answer = Event;

    fn operation(&self) -> Operation {
        Operation::GetEvent
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        Ok(request(
            Method::GET,
            events(api, &self.calendar, Some(&self.event))?,
        ))
    }

    fn parse(&self, response: &Response) -> Result<Event, Error> {
        json(self.operation(), response)
    }
}
