//! events.list: everything, or what changed since a sync token.
//!
//! The parameters are the same every time, but for the two tokens: Google wants them so, and nearly
//! every filter is refused beside a sync token. `singleEvents` and `showDeleted` stay absent:
//! masters with their exceptions come, and cancelled exceptions bare.

use std::fmt;

use outbound::{Method, Request, Response, Url};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{AccessRole, ApiRequest, events, json, request};
use crate::error::{Error, Operation};

/// How many events a page may hold: large enough for one page to do for most calendars, small
/// enough for a page full of long descriptions to stay under the transport's limit.
const PAGE: &str = "1000";

/// Bytes of a page, and the most events on one: Google's own limit is 2,500.
const LARGEST: usize = 48 * 1024 * 1024;
const MOST: usize = 2_500;

/// What is read of an event; guests without what only decorates them.
const FIELDS: &str = "accessRole,timeZone,nextPageToken,nextSyncToken,items(id,etag,status,updated,\
summary,description,location,start,end,endTimeUnspecified,recurrence,recurringEventId,\
originalStartTime,transparency,visibility,iCalUID,organizer(email,self),\
attendees(email,self,responseStatus),attendeesOmitted,guestsCanModify,locked,eventType,\
extendedProperties/private,sequence)";

/// Asks for one page.
#[derive(Debug, Clone)]
pub struct EventsList {
    /// The calendar.
    pub calendar: String,
    /// The token of the last complete reading; `None` reads everything.
    pub sync_token: Option<String>,
    /// The page; `None` for the first. The sync token is sent with every page.
    pub page_token: Option<String>,
}

/// One page. Its items stay text and are read one by one: a strange one must not spoil the others,
/// and JSON takes many times its size once it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// Events, tombstones, exceptions, in no order.
    #[serde(default, deserialize_with = "items")]
    pub items: Vec<Box<RawValue>>,
    /// The next page.
    pub next_page_token: Option<String>,
    /// Only on the last page.
    pub next_sync_token: Option<String>,
    /// What the account may do with the calendar.
    pub access_role: Option<AccessRole>,
    /// The calendar's zone.
    pub time_zone: Option<String>,
}

/// Reads no more items than a page can have.
fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    struct Items;
    impl<'de> Visitor<'de> for Items {
        type Value = Vec<Box<RawValue>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST} events")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                if items.len() == MOST {
                    return Err(de::Error::invalid_length(MOST + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }
    deserializer.deserialize_seq(Items)
}

impl ApiRequest for EventsList {
    type Answer = EventPage;

    fn operation(&self) -> Operation {
        Operation::ListEvents
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let mut url = events(api, &self.calendar, None)?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("maxResults", PAGE);
            query.append_pair("fields", FIELDS);
            if let Some(token) = &self.sync_token {
                query.append_pair("syncToken", token);
            }
            if let Some(token) = &self.page_token {
                query.append_pair("pageToken", token);
            }
        }
        Ok(request(Method::GET, url).answer_limit(LARGEST))
    }

    fn parse(&self, response: &Response) -> Result<EventPage, Error> {
        json(self.operation(), response)
    }
}

/// Asks whether a calendar can be read at all: the smallest question there is.
#[derive(Debug, Clone)]
pub struct CalendarProbe {
    /// The calendar.
    pub calendar: String,
}

impl ApiRequest for CalendarProbe {
    type Answer = EventPage;

    fn operation(&self) -> Operation {
        Operation::ListEvents
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let mut url = events(api, &self.calendar, None)?;
        url.query_pairs_mut()
            .append_pair("maxResults", "1")
            .append_pair("fields", "accessRole,timeZone");
        Ok(request(Method::GET, url))
    }

    fn parse(&self, response: &Response) -> Result<EventPage, Error> {
        json(self.operation(), response)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, api};
    use super::*;

    fn list(sync: Option<&str>, page: Option<&str>) -> EventsList {
        EventsList {
            calendar: "c_1#holiday@group.v.calendar.google.com".into(),
            sync_token: sync.map(Into::into),
            page_token: page.map(Into::into),
        }
    }

    #[test]
    fn the_parameters_are_the_same_but_for_the_tokens() {
        let url = |sync, page| list(sync, page).prepare(&api()).unwrap().url;
        let all = url(None, None);
        assert_eq!(
            all.path(),
            "/calendar/v3/calendars/c_1%23holiday@group.v.calendar.google.com/events"
        );
        let query =
            |url: &Url| -> Vec<(String, String)> { url.query_pairs().into_owned().collect() };
        let with_tokens = query(&url(Some("s="), Some("p")));
        assert_eq!(with_tokens[..2], query(&all)[..]);
        assert_eq!(
            with_tokens[2..],
            [
                ("syncToken".to_owned(), "s=".to_owned()),
                ("pageToken".to_owned(), "p".to_owned())
            ]
        );
        for refused in [
            "timeMin",
            "orderBy",
            "showDeleted",
            "singleEvents",
            "updatedMin",
        ] {
            assert!(!all.as_str().contains(refused));
        }
    }

    #[test]
    fn an_empty_page_may_go_on() {
        let page = list(None, None)
            .parse(&answer(
                200,
                r#"{"nextPageToken":"2","timeZone":"Europe/Berlin","accessRole":"owner"}"#,
            ))
            .unwrap();
        assert!(page.items.is_empty());
        assert_eq!(page.next_page_token.as_deref(), Some("2"));
        assert_eq!(page.next_sync_token, None);
    }

    #[test]
    fn a_page_that_holds_what_no_page_can_hold_is_refused() {
        let page = |count: usize| {
            let body = format!(r#"{{"items":[{}1]}}"#, "{},".repeat(count - 1));
            list(None, None).parse(&answer(200, &body))
        };
        assert_eq!(page(MOST).unwrap().items.len(), MOST);
        assert!(matches!(
            page(MOST + 1).unwrap_err(),
            Error::Unintelligible { .. }
        ));
    }
}
