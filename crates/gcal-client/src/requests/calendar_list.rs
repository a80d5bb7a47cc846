//! calendarList.list: the calendars of an account.

use outbound::{Method, Request, Response, Url};
use serde::{Deserialize, Serialize};

use super::{ApiRequest, address, json, request};
use crate::error::{Error, Operation};

/// Bytes of a page.
const LARGEST: usize = 8 * 1024 * 1024;

/// Asks for one page of the list.
#[derive(Debug, Clone, Default)]
pub struct CalendarList {
    /// The page; `None` for the first.
    pub page_token: Option<String>,
}

/// One page of the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarPage {
    /// The calendars.
    #[serde(default)]
    pub items: Vec<CalendarEntry>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// A calendar in the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarEntry {
    /// Its id; the primary one's is the account's address.
    pub id: String,
    /// Its name.
    pub summary: Option<String>,
    /// What the user calls it.
    pub summary_override: Option<String>,
    /// `#rrggbb`.
    pub background_color: Option<String>,
    /// IANA zone.
    pub time_zone: Option<String>,
    /// What the account may do with it.
    pub access_role: Option<AccessRole>,
    /// Whether it is the account's own calendar.
    #[serde(default)]
    pub primary: bool,
    /// Whether it was taken off the list.
    #[serde(default)]
    pub deleted: bool,
}

/// What an account may do with a calendar, weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum AccessRole {
    /// Nothing, or a role that is new to us.
    None,
    /// See when it is busy.
    FreeBusyReader,
    /// Read; private events without details.
    Reader,
    /// Write; private events without details.
    WriterWithoutPrivateAccess,
    /// Write.
    #[default]
    Writer,
    /// Everything.
    Owner,
}

impl AccessRole {
    /// Whether events may be written.
    pub fn may_write(self) -> bool {
        self >= Self::WriterWithoutPrivateAccess
    }

    /// Whether private events come with their details.
    pub fn sees_private(self) -> bool {
        self >= Self::Writer
    }

    /// Google's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FreeBusyReader => "freeBusyReader",
            Self::Reader => "reader",
            Self::WriterWithoutPrivateAccess => "writerWithoutPrivateAccess",
            Self::Writer => "writer",
            Self::Owner => "owner",
        }
    }

    /// How much this role sees: 0 nothing, 1 busy times, 2 all but private details, 3 all.
    pub(crate) fn sight(self) -> u8 {
        match self {
            Self::None => 0,
            Self::FreeBusyReader => 1,
            Self::Reader | Self::WriterWithoutPrivateAccess => 2,
            Self::Writer | Self::Owner => 3,
        }
    }
}

impl From<String> for AccessRole {
    fn from(word: String) -> Self {
        [
            Self::FreeBusyReader,
            Self::Reader,
            Self::WriterWithoutPrivateAccess,
            Self::Writer,
            Self::Owner,
        ]
        .into_iter()
        .find(|role| role.as_str() == word)
        .unwrap_or(Self::None)
    }
}

impl From<AccessRole> for String {
    fn from(role: AccessRole) -> Self {
        role.as_str().to_owned()
    }
}

impl ApiRequest for CalendarList {
    type Answer = CalendarPage;

    fn operation(&self) -> Operation {
        Operation::ListCalendars
    }

    fn prepare(&self, api: &Url) -> Result<Request, Error> {
        let mut url = address(api, &["users", "me", "calendarList"])?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("maxResults", "250");
            if let Some(token) = &self.page_token {
                query.append_pair("pageToken", token);
            }
        }
        Ok(request(Method::GET, url).answer_limit(LARGEST))
    }

    fn parse(&self, response: &Response) -> Result<CalendarPage, Error> {
        json(self.operation(), response)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, api};
    use super::*;

    #[test]
    fn asks_page_by_page() {
        let first = CalendarList::default().prepare(&api()).unwrap();
        assert_eq!(
            first.url.as_str(),
            "https://www.googleapis.com/calendar/v3/users/me/calendarList?maxResults=250"
        );
        let next = CalendarList {
            page_token: Some("a/b".into()),
        };
        assert!(
            next.prepare(&api())
                .unwrap()
                .url
                .query()
                .unwrap()
                .ends_with("pageToken=a%2Fb")
        );
    }

    #[test]
    fn reads_roles_also_new_ones() {
        let page = CalendarList::default()
            .parse(&answer(
                200,
                r#"{"items":[{"id":"a@x","primary":true,"accessRole":"owner"},
                   {"id":"b","accessRole":"writerWithoutPrivateAccess"},{"id":"c","accessRole":"emperor"}]}"#,
            ))
            .unwrap();
        let roles: Vec<_> = page.items.iter().map(|item| item.access_role).collect();
        assert_eq!(
            roles,
            [
                Some(AccessRole::Owner),
                Some(AccessRole::WriterWithoutPrivateAccess),
                Some(AccessRole::None)
            ]
        );
    }
}
