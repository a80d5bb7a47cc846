//! events.patch: the fields given replace, absent ones stay, `null` clears. Three units.

use outbound::{Method, Request, Response, Url};
use serde_json::{Map, Value};

use super::wire::Event;
use super::{ApiRequest, events, if_match, json, quietly, request, with_json};
use crate::error::{Error, Operation};

/// Changes fields of an event, or of an occurrence (which becomes an exception thereby).
#[derive(Debug, Clone)]
pub struct Patch {
    /// The calendar.
    pub calendar: String,
    /// The event or instance.
    pub event: String,
    /// The version it must still have; a virtual instance has its master's.
    pub etag: Option<String>,
    /// The fields.
    pub body: Map<String, Value>,
}

impl ApiRequest for Patch {
    type Answer = Event;

    fn operation(&self) -> Operation {
        Operation::PatchEvent
    }

    fn cost(&self) -> u32 {
        3
    }

    fn writes_to(&self) -> Option<&str> {
        Some(&self.calendar)
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let url = quietly(events(api, &self.calendar, Some(&self.event))?);
        let patch = if_match(request(Method::PATCH, url), self.etag.as_deref());
        with_json(patch, &self.body)
    }

    fn parse(&self, response: &Response) -> Result<Event, Error> {
        json(self.operation(), response)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, api};
    use super::*;
    use outbound::header::IF_MATCH;

    #[test]
    fn a_patch_is_conditional_and_quiet() {
        let mut body = Map::new();
        body.insert("summary".into(), "x".into());
        let patch = Patch {
            calendar: "a@example.com".into(),
            event: "abc_20261110T090000Z".into(),
            etag: Some("\"3\"".into()),
            body,
        };
        let request = patch.prepare(&api()).unwrap();
        assert_eq!(request.method, Method::PATCH);
        assert_eq!(
            request.url.as_str(),
            "https://www.googleapis.com/calendar/v3/calendars/a@example.com/events/abc_20261110T090000Z?sendUpdates=none"
        );
        assert_eq!(request.headers[IF_MATCH], "\"3\"");
        assert_eq!(request.body, br#"{"summary":"x"}"#);
        assert_eq!(patch.cost(), 3);
        assert!(matches!(
            patch.parse(&answer(200, "<html>")),
            Err(Error::Unintelligible { .. })
        ));
    }
}
