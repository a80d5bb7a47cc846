//! The lines of a listing: which entries of an answer are resources, and in which version.

use std::collections::BTreeMap;

use sync_engine::model::{Caldav, ResourceId};
use sync_engine::observation::Seen;
use sync_engine::ports::Listed;

use super::super::Calendar;
use super::is_gone;
use crate::etag;
use crate::href::{Href, same_collection};
use crate::multistatus::Entry;

impl Calendar {
    /// The resources that an answer names, each once. Left out: the collection itself in any
    /// spelling, other collections, and what has no href.
    pub(super) fn items(&self, entries: &[Entry]) -> Vec<Listed<Caldav>> {
        let mut items: BTreeMap<ResourceId<Caldav>, Listed<Caldav>> = BTreeMap::new();
        for entry in entries {
            let Some(href) = Href::parse(&self.base, &entry.href) else {
                continue;
            };
            if href.canonical().ends_with('/')
                || entry.props.is_collection()
                || same_collection(href.canonical(), self.base.path())
            {
                continue;
            }
            let item = line(&href, entry);
            // Named twice, escaped and not, or gone and there: there counts, and the first spelling.
            match items.get(&href.id()) {
                Some(known) if !is_gone(known) || is_gone(&item) => continue,
                _ => {}
            }
            self.note_spelling(&href);
            items.insert(href.id(), item);
        }
        items.into_values().collect()
    }

    /// Whether an href names the calendar itself.
    pub(super) fn is_itself(&self, href: &str) -> bool {
        Href::parse(&self.base, href)
            .is_some_and(|href| same_collection(href.canonical(), self.base.path()))
    }
}

fn line(href: &Href, entry: &Entry) -> Listed<Caldav> {
    let resource = href.id();
    let version = entry.props.etag.as_deref().and_then(etag::from_text);
    if entry.is_missing() {
        return Listed::Seen(Seen::Gone { resource });
    }
    if let Some(status) = entry.status.filter(|_| entry.is_failure()) {
        return Listed::Seen(Seen::Unreadable {
            resource,
            etag: version,
            reason: format!("The server lists it with status {status}."),
        });
    }
    let kind = entry.props.content_type.as_deref();
    if kind.is_some_and(|kind| is_foreign(kind, href.canonical())) {
        return Listed::Seen(Seen::Foreign {
            resource,
            etag: version,
        });
    }
    Listed::Version {
        resource,
        etag: version,
    }
}

/// Whether a content type rules an event out, so that it need not be fetched.
fn is_foreign(kind: &str, path: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    if media != "text/calendar" {
        // Servers that do not know say text/plain or octet-stream; the name then tells.
        return !media.is_empty()
            && !path.to_ascii_lowercase().ends_with(".ics")
            && media.starts_with("text/")
            && media != "text/plain";
    }
    parts
        .filter_map(|part| part.strip_prefix("component="))
        .any(|component| {
            let component = component.trim_matches('"');
            matches!(
                component,
                "vtodo" | "vjournal" | "vfreebusy" | "vavailability"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::is_foreign;

    #[test]
    fn only_what_cannot_be_an_event_is_left_unread() {
        for (kind, path, foreign) in [
            ("text/calendar", "/a.ics", false),
            (
                "text/calendar; charset=utf-8; component=VEVENT",
                "/a.ics",
                false,
            ),
            ("text/calendar;component=vevent", "/a", false),
            ("text/calendar; component=VTODO", "/a.ics", true),
            ("text/calendar; component=\"vjournal\"", "/a.ics", true),
            ("text/calendar; component=", "/a.ics", false),
            ("text/calendar; component=unknown", "/a.ics", false),
            ("text/xml", "/personal.xml", true),
            ("text/xml", "/odd.ics", false),
            ("text/plain", "/a", false),
            ("application/octet-stream", "/a", false),
            ("", "/a", false),
        ] {
            assert_eq!(is_foreign(kind, path), foreign, "{kind} {path}");
        }
    }
}
