//! events.instances, narrowed to one original start: finds the id of an occurrence when the
//! computed one is not it.

use outbound::{Method, Request, Response, Url};
use serde::Deserialize;

use super::wire::Event;
use super::{ApiRequest, address, json, request};
use crate::error::{Error, Operation};

/// Asks for the instance of a series that started, or would have started, at this time.
#[derive(Debug, Clone)]
pub struct Instances {
    /// The calendar.
    pub calendar: String,
    /// The series.
    pub event: String,
    /// RFC 3339 with offset, or a date.
    pub original_start: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Event>,
}

impl ApiRequest for Instances {
    type Answer = Vec<Event>;

    fn operation(&self) -> Operation {
        Operation::ListInstances
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let mut url = address(
            api,
            &[
                "calendars",
                &self.calendar,
                "events",
                &self.event,
                "instances",
            ],
        )?;
        url.query_pairs_mut()
            .append_pair("originalStart", &self.original_start)
            .append_pair("showDeleted", "true")
            .append_pair("maxResults", "2");
        Ok(request(Method::GET, url))
    }

    fn parse(&self, response: &Response) -> Result<Vec<Event>, Error> {
        json::<Page>(self.operation(), response).map(|page| page.items)
    }
}
