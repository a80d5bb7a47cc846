//! Reading: everything, or what changed. One request when nothing changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde_json::Value;
use sync_engine::model::{Cursor, Google, ResourceId, ZoneName};
use sync_engine::observation::Seen;
use sync_engine::ports::{Listed, Listing};

use super::GoogleCalendar;
use super::cursor::Place;
use crate::account::MOST_PAGES;
use crate::error::{Error, Operation};
use crate::event::read::read_item;
use crate::refusal::{Reaction, Reason};
use crate::requests::{AccessRole, EventPage, EventsList};

/// All pages of one reading.
struct Pages {
    items: Vec<Value>,
    token: Option<String>,
    role: Option<AccessRole>,
    zone: Option<ZoneName>,
}

impl GoogleCalendar {
    pub(super) async fn listing(
        &self,
        cursor: Option<&Cursor<Google>>,
    ) -> Result<Listing<Google>, Error> {
        let place = cursor.and_then(Place::read);
        let token = place.as_ref().map(|place| place.token.as_str());
        let (pages, complete) = match self.pages(token).await {
            Ok(pages) => (pages, token.is_none()),
            // The token is dead; and page tokens die with what they belong to.
            Err(error) if wants_all(&error, token.is_some()) => {
                tracing::info!(%error, "Reading the whole Google calendar again.");
                (self.pages(None).await?, true)
            }
            Err(error) => return Err(error),
        };
        self.learn(pages.role, pages.zone.clone());

        let seen_most = place.and_then(|place| place.role);
        let suspect = suspicion(seen_most, pages.role);
        let role = match (seen_most, pages.role) {
            (Some(before), Some(now)) if before.sight() > now.sight() => Some(before),
            (before, now) => now.or(before),
        };
        let cursor = pages
            .token
            .clone()
            .and_then(|token| Place { token, role }.write());
        Ok(Listing {
            items: self.items(pages.items),
            complete,
            cursor,
            suspect,
        })
    }

    /// Follows the pages to the end. The parameters never change but for the page token.
    async fn pages(&self, sync_token: Option<&str>) -> Result<Pages, Error> {
        let mut request = EventsList {
            calendar: self.id.clone(),
            sync_token: sync_token.map(str::to_owned),
            page_token: None,
        };
        let mut page = self.first_page(&request).await?;
        let mut items = Vec::new();
        let mut tokens = HashSet::new();
        for _ in 0..MOST_PAGES {
            items.append(&mut page.items);
            let Some(next) = page.next_page_token.take() else {
                return Ok(Pages {
                    items,
                    token: page.next_sync_token,
                    role: page.access_role,
                    zone: page.time_zone.as_deref().and_then(ZoneName::new),
                });
            };
            if !tokens.insert(next.clone()) {
                break;
            }
            request.page_token = Some(next);
            page = self.session().call(&request).await?;
        }
        Err(Error::Unintelligible {
            operation: Operation::ListEvents,
            detail: "its pages do not end".to_owned(),
        })
    }

    /// A calendar that is not found is asked for once more: answers may lag behind.
    async fn first_page(&self, request: &EventsList) -> Result<EventPage, Error> {
        match self.session().call(request).await {
            Err(error) if error.reason() == Some(Reason::NotFound) => {
                self.session().time.0.sleep(Duration::from_secs(1)).await;
                self.session().call(request).await
            }
            answer => answer,
        }
    }

    /// Each resource once: of several states the last.
    fn items(&self, items: Vec<Value>) -> Vec<Listed<Google>> {
        let setting = self.setting();
        let context = Context::of(&items);
        let mut seen = BTreeMap::new();
        for item in items {
            let item = context.completed(item);
            let gone = context.belongs_to_deleted(&item);
            if let Some(read) = read_item(item, &setting) {
                let id = read.resource().as_str().to_owned();
                let read = if gone {
                    Seen::Gone {
                        resource: ResourceId::new(id.clone()),
                    }
                } else {
                    read
                };
                seen.insert(id, read);
            }
        }
        seen.into_values().map(Listed::Seen).collect()
    }
}

/// A 410 whose reason is new to us is about the sync token too, if there was one.
fn wants_all(error: &Error, had_token: bool) -> bool {
    error.reason().map(Reason::reaction) == Some(Reaction::ReadAllAgain)
        || (had_token && error.reason() == Some(Reason::Deleted))
}

fn suspicion(before: Option<AccessRole>, now: Option<AccessRole>) -> Option<String> {
    let (before, now) = (before?, now?);
    (now.sight() < before.sight()).then(|| {
        format!(
            "This account's role in the calendar went from {} to {}, which hides events or their details.",
            before.as_str(),
            now.as_str()
        )
    })
}

/// What the items of a reading say about each other: cancelled exceptions come bare.
struct Context {
    uids: BTreeMap<String, String>,
    deleted: BTreeSet<String>,
}

fn word<'v>(item: &'v Value, name: &str) -> Option<&'v str> {
    item.get(name).and_then(Value::as_str)
}

impl Context {
    fn of(items: &[Value]) -> Self {
        let mut uids = BTreeMap::new();
        let mut deleted = BTreeSet::new();
        for item in items {
            let Some(id) = word(item, "id") else { continue };
            let series = word(item, "recurringEventId");
            if let Some(uid) = word(item, "iCalUID") {
                uids.insert(series.unwrap_or(id).to_owned(), uid.to_owned());
            }
            if series.is_none() {
                if word(item, "status") == Some("cancelled") {
                    deleted.insert(id.to_owned());
                } else {
                    deleted.remove(id);
                }
            }
        }
        Self { uids, deleted }
    }

    /// The item with the UID of its series.
    fn completed(&self, mut item: Value) -> Value {
        if word(&item, "iCalUID").is_none()
            && let Some(uid) = word(&item, "recurringEventId").and_then(|id| self.uids.get(id))
            && let Some(fields) = item.as_object_mut()
        {
            fields.insert("iCalUID".to_owned(), uid.clone().into());
        }
        item
    }

    /// A cancelled instance of a series that is deleted itself is no hole in anything.
    fn belongs_to_deleted(&self, item: &Value) -> bool {
        word(item, "status") == Some("cancelled")
            && word(item, "recurringEventId").is_some_and(|id| self.deleted.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demotion_is_suspect_until_the_account_sees_as_much_again() {
        use AccessRole::{FreeBusyReader, Owner, Reader, Writer};
        assert!(suspicion(Some(Owner), Some(Reader)).is_some());
        assert!(suspicion(Some(Reader), Some(FreeBusyReader)).is_some());
        assert_eq!(suspicion(Some(Owner), Some(Writer)), None);
        assert_eq!(suspicion(Some(Reader), Some(Owner)), None);
        assert_eq!(suspicion(None, Some(Reader)), None);
    }
}
