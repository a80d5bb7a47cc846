//! Reading: everything, or what changed. One request when nothing changed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sync_engine::model::{Cursor, Etag, Google, ResourceId, ZoneName};
use sync_engine::observation::Seen;
use sync_engine::ports::{Listed, Listing};

use super::GoogleCalendar;
use super::cursor::Place;
use crate::account::MOST_PAGES;
use crate::error::{Error, Operation};
use crate::event::read::read_item;
use crate::refusal::{Reaction, Reason};
use crate::requests::{AccessRole, EventPage, EventsList};

/// What all pages of one reading may hold together.
const MOST_EVENTS: usize = 200_000;
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of one event. With everything that Google takes into one it has a quarter of that.
const LARGEST_EVENT: usize = 1024 * 1024;

/// All pages of one reading.
struct Pages {
    items: Vec<Box<RawValue>>,
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
        if let Some(suspect) = suspicion(seen_most, pages.role) {
            // What it shows looks like edits and deletions and is neither. Nothing of it is told,
            // and the old place stays: the day the account sees again, all is read from there.
            return Ok(Listing {
                items: Vec::new(),
                complete: false,
                cursor: cursor.cloned(),
                suspect: Some(suspect),
            });
        }
        let role = pages.role.or(seen_most);
        let cursor = pages
            .token
            .clone()
            .and_then(|token| Place { token, role }.write());
        Ok(Listing {
            items: self.items(pages.items),
            complete,
            cursor,
            suspect: None,
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
        let mut bytes = 0_usize;
        let mut tokens = HashSet::new();
        for _ in 0..MOST_PAGES {
            bytes += page
                .items
                .iter()
                .map(|item| item.get().len())
                .sum::<usize>();
            items.append(&mut page.items);
            if items.len() > MOST_EVENTS || bytes > MOST_BYTES {
                return Err(Error::Unintelligible {
                    operation: Operation::ListEvents,
                    detail: "it holds more than is read".to_owned(),
                });
            }
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
    fn items(&self, items: Vec<Box<RawValue>>) -> Vec<Listed<Google>> {
        let setting = self.setting();
        let context = Context::of(&items);
        let mut seen = BTreeMap::new();
        for item in items {
            let brief = Brief::of(&item);
            let read = if context.belongs_to_deleted(&brief) {
                brief.id.map(|id| Seen::Gone {
                    resource: ResourceId::new(id),
                })
            } else if item.get().len() > LARGEST_EVENT {
                brief.id.map(|id| Seen::Unreadable {
                    resource: ResourceId::new(id),
                    etag: brief.etag.map(Etag::new),
                    reason: "This Google event is too large to be read.".to_owned(),
                })
            } else {
                // It was taken for JSON already.
                let value = serde_json::from_str(item.get()).unwrap_or_default();
                read_item(context.completed(value, &brief), &setting)
            };
            if let Some(read) = read {
                seen.insert(read.resource().as_str().to_owned(), read);
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
            "This account's role in the calendar went from {} to {}, which hides events or their details. Nothing is read from it until its owner gives the account at least its old role, or the mapping is made anew.",
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

/// As much of an item as others, or its refusal, need.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Brief {
    #[serde(deserialize_with = "word")]
    id: Option<String>,
    #[serde(deserialize_with = "word")]
    etag: Option<String>,
    #[serde(deserialize_with = "word")]
    status: Option<String>,
    #[serde(deserialize_with = "word")]
    recurring_event_id: Option<String>,
    #[serde(rename = "iCalUID", deserialize_with = "word")]
    ical_uid: Option<String>,
}

impl Brief {
    fn of(item: &RawValue) -> Self {
        serde_json::from_str(item.get()).unwrap_or_default()
    }

    fn is_cancelled(&self) -> bool {
        self.status.as_deref() == Some("cancelled")
    }
}

/// A text; anything else says nothing.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

impl Context {
    fn of(items: &[Box<RawValue>]) -> Self {
        let mut uids = BTreeMap::new();
        let mut deleted = BTreeSet::new();
        for item in items.iter().map(|item| Brief::of(item)) {
            let cancelled = item.is_cancelled();
            let Some(id) = item.id else { continue };
            if item.recurring_event_id.is_none() {
                if cancelled {
                    deleted.insert(id.clone());
                } else {
                    deleted.remove(&id);
                }
            }
            if let Some(uid) = item.ical_uid {
                uids.insert(item.recurring_event_id.unwrap_or(id), uid);
            }
        }
        Self { uids, deleted }
    }

    /// The item with the UID of its series.
    fn completed(&self, mut item: Value, brief: &Brief) -> Value {
        if brief.ical_uid.is_none()
            && let Some(uid) = brief
                .recurring_event_id
                .as_ref()
                .and_then(|id| self.uids.get(id))
            && let Some(fields) = item.as_object_mut()
        {
            fields.insert("iCalUID".to_owned(), uid.clone().into());
        }
        item
    }

    /// A cancelled instance of a series that is deleted itself is no hole in anything.
    fn belongs_to_deleted(&self, item: &Brief) -> bool {
        let series = item.recurring_event_id.as_ref();
        item.is_cancelled() && series.is_some_and(|id| self.deleted.contains(id))
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
