//! A resource's text as an observation: what the engine is told about it.

use ical_model::{Object, ReadContext, read_object};
use serde::{Deserialize, Serialize};
use sync_engine::model::{Caldav, Etag, SeriesKey, ZoneName};
use sync_engine::observation::{Access, Content, Observation, Seen};

use super::Calendar;
use crate::href::Href;
use crate::transport::http_date;

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

impl Calendar {
    /// How texts of this calendar are read.
    pub(super) fn context(&self) -> ReadContext<'_> {
        ReadContext {
            own_addresses: &self.own_addresses,
            floating: self.facts.time_zone.clone().unwrap_or_else(ZoneName::utc),
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
        let mails_guests =
            self.session.profile().auto_schedule && event.organized_by_me && event.has_guests;
        let access = if self.facts.writable && !mails_guests {
            Access::Full
        } else {
            Access::ReadOnly
        };
        let note = Note {
            href: href.odd_spelling().map(str::to_owned),
            attending: event.attending,
        };
        Seen::Present(Box::new(Observation {
            resource,
            series: SeriesKey::new(event.uid.as_str()),
            uid: event.uid,
            etag,
            modified: event.modified.or_else(|| modified.and_then(http_date)),
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
