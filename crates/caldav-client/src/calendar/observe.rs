//! A resource's text as an observation: what the engine is told about it.

use ical_model::{Object, ReadContext, read_object};
use serde::{Deserialize, Serialize};
use sync_engine::model::{Caldav, Etag, SeriesKey, ZoneName};
use sync_engine::observation::{Access, Content, Observation, Seen};

use super::Calendar;
use crate::href::Href;
use crate::transport::http_date;

/// More octets than these are read where blocking does no harm.
const READ_APART: usize = 128 * 1024;

/// What a resource's note says: handed back by the engine when the resource is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The server's spelling of the href, where it is not the normalised one.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(super) href: Option<String>,
    /// The owner merely attends.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) attending: bool,
}

impl Note {
    /// Reads a note; one that cannot be understood says nothing.
    pub(super) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    fn text(&self) -> Option<String> {
        (*self != Self::default())
            .then(|| serde_json::to_string(self).ok())
            .flatten()
    }
}

/// How the texts of a calendar are read: by itself, so that many are read where blocking does no
/// harm.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    own_addresses: Vec<String>,
    floating: ZoneName,
    writable: bool,
    auto_schedule: bool,
}

/// A resource's text that is to be read.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) href: Href,
    pub(super) etag: Option<Etag<Caldav>>,
    /// When the server says that it was modified.
    pub(super) modified: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Calendar {
    /// How texts of this calendar are read.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            own_addresses: self.own_addresses.clone(),
            floating: self.facts.time_zone.clone().unwrap_or_else(ZoneName::utc),
            writable: self.facts.writable,
            auto_schedule: self.session.profile().auto_schedule,
        }
    }

    /// What these resources show. Large texts are read beside everything else that is under way.
    pub(super) async fn observe_all(&self, told: Vec<Told>) -> Vec<Seen<Caldav>> {
        let reader = self.reader();
        let size: usize = told.iter().map(|told| told.bytes.len()).sum();
        if size <= READ_APART {
            return told.iter().map(|told| told.read(&reader)).collect();
        }
        let lost: Vec<_> = told.iter().map(Told::lost).collect();
        let reading = move || told.iter().map(|told| told.read(&reader)).collect();
        // Reading does not panic; if it ever does, these are lost and no more.
        let read = tokio::task::spawn_blocking(reading).await;
        read.unwrap_or(lost)
    }
}

impl Told {
    fn read(&self, reader: &Reader) -> Seen<Caldav> {
        let modified = self.modified.as_deref();
        reader.observe(&self.href, self.etag.clone(), modified, &self.bytes)
    }

    /// What is told of a text that could not even be looked at.
    pub(super) fn lost(&self) -> Seen<Caldav> {
        Seen::Unreadable {
            resource: self.href.id(),
            etag: self.etag.clone(),
            reason: "Reading it failed.".to_owned(),
        }
    }
}

impl Reader {
    /// The settings of `ical-model`.
    pub(super) fn context(&self) -> ReadContext<'_> {
        ReadContext {
            own_addresses: &self.own_addresses,
            floating: self.floating.clone(),
            ..ReadContext::default()
        }
    }

    /// What a resource shows.
    pub(super) fn observe(
        &self,
        href: &Href,
        etag: Option<Etag<Caldav>>,
        modified: Option<&str>,
        bytes: &[u8],
    ) -> Seen<Caldav> {
        let resource = href.id();
        let event = match read_object(bytes, &self.context()).object {
            Object::Event(event) => event,
            Object::Foreign => return Seen::Foreign { resource, etag },
            Object::Unreadable(error) => {
                return Seen::Unreadable {
                    resource,
                    etag,
                    reason: error.to_string(),
                };
            }
        };
        let mails_guests = self.auto_schedule && event.organized_by_me && event.has_guests;
        let access = match (self.writable, mails_guests) {
            (false, _) => Access::ReadOnly,
            (true, true) => Access::MailsGuests,
            (true, false) => Access::Full,
        };
        let note = Note {
            href: href.odd_spelling().map(str::to_owned),
            attending: event.attending,
        };
        Seen::Present(Box::new(Observation {
            stamps: event.stamps,
            resource,
            series: SeriesKey::new(event.uid.as_str()),
            uid: event.uid,
            etag,
            modified: event.modified.or_else(|| modified.and_then(http_date)),
            written: modified.and_then(http_date),
            content: Content::Series(Box::new(event.series)),
            tag: event.tag,
            access,
            has_guests: event.has_guests,
            note: note.text(),
            remarks: event.remarks,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Note;

    #[test]
    fn a_note_says_only_what_there_is_to_say() {
        assert_eq!(Note::default().text(), None);
        let note = Note {
            href: Some("/a%40b.ics".into()),
            attending: true,
        };
        assert_eq!(Note::read(note.text().as_deref()), note);
        assert_eq!(Note::read(Some("from another age")), Note::default());
    }
}
