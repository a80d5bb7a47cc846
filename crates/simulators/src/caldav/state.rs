//! What the server holds: users, calendars, objects, tombstones, revisions.
//!
//! Plain data with the operations that keep it consistent. No HTTP, no XML, no clock: the time of
//! a change is an argument.

use std::collections::BTreeMap;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::auth::Nonces;
use super::config::{Access, AuthScheme, CalendarSpec, UserSpec};
use super::faults::Faults;
use super::ics;
use super::log::RequestLog;
use super::quirks::Quirks;
use super::xml::Name;

/// Everything.
#[derive(Debug)]
pub(super) struct State {
    /// `http://127.0.0.1:PORT`, without a last slash.
    pub(super) origin: String,
    /// First path segment, may be empty.
    pub(super) context: String,
    pub(super) auth: AuthScheme,
    pub(super) nonces: Nonces,
    pub(super) users: BTreeMap<String, UserSpec>,
    /// Keyed by owner and slug.
    pub(super) calendars: BTreeMap<(String, String), Calendar>,
    pub(super) quirks: Quirks,
    pub(super) faults: Faults,
    pub(super) log: RequestLog,
    /// Window number and requests in it, for the throttle.
    pub(super) window: (i64, u32),
}

/// One calendar collection.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    pub(super) spec: CalendarSpec,
    pub(super) description: Option<String>,
    /// Properties that PROPPATCH set and that mean nothing to the server.
    pub(super) dead: BTreeMap<Name, String>,
    /// Keyed by decoded name.
    pub(super) objects: BTreeMap<String, Object>,
    /// Deleted names.
    pub(super) tombstones: BTreeMap<String, Tombstone>,
    /// Counts every change.
    pub(super) revision: u64,
    /// Counts every event that makes all tokens void.
    pub(super) epoch: u64,
    /// UIDs that were deleted, for the trash-bin quirk.
    pub(super) trash: Vec<String>,
}

/// One calendar object resource.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) body: Bytes,
    /// Opaque part, without quotes.
    pub(super) etag: String,
    pub(super) uid: String,
    pub(super) component: String,
    pub(super) revision: u64,
    pub(super) created: u64,
    pub(super) modified: Timestamp,
}

/// What is left of a deleted object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tombstone {
    pub(super) revision: u64,
    /// Revision at which the deleted object had been created.
    pub(super) created: u64,
    pub(super) at: Timestamp,
}

impl Calendar {
    pub(super) fn new(spec: CalendarSpec) -> Self {
        Self {
            spec,
            description: None,
            dead: BTreeMap::new(),
            objects: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            revision: 0,
            epoch: 1,
            trash: Vec::new(),
        }
    }

    pub(super) fn writable(&self) -> bool {
        self.spec.access == Access::ReadWrite
    }

    /// Stores a body under a name, as it will be served. Says whether it is new.
    ///
    /// An identical body changes nothing, unless the quirk says that its ETag moves.
    pub(super) fn store(
        &mut self,
        name: &str,
        body: Vec<u8>,
        quirks: &Quirks,
        now: Timestamp,
    ) -> bool {
        let old = self.objects.get(name);
        if let Some(old) = old
            && old.body == body
            && !quirks.etag_changes_on_identical_put
        {
            return false;
        }
        let scan = ics::scan(&body).unwrap_or_default();
        self.revision += 1;
        let mut etag = HEXLOWER.encode(&Sha256::digest(&body));
        etag.truncate(20);
        if quirks.etag_changes_on_identical_put {
            etag = format!("{etag}-{}", self.revision);
        }
        let created = old.map(|o| o.created);
        let uid = if scan.uid.is_empty() {
            ics::any_uid(&body).unwrap_or_default()
        } else {
            scan.uid
        };
        self.objects.insert(
            name.to_owned(),
            Object {
                body: body.into(),
                etag,
                uid,
                component: scan.component,
                revision: self.revision,
                created: created.unwrap_or(self.revision),
                modified: now,
            },
        );
        self.tombstones.remove(name);
        created.is_none()
    }

    /// Deletes a name and leaves a tombstone. Says whether it was there.
    pub(super) fn remove(&mut self, name: &str, now: Timestamp) -> bool {
        let Some(object) = self.objects.remove(name) else {
            return false;
        };
        self.revision += 1;
        self.trash.push(object.uid);
        self.tombstones.insert(
            name.to_owned(),
            Tombstone {
                revision: self.revision,
                created: object.created,
                at: now,
            },
        );
        true
    }

    /// The name that holds a UID.
    pub(super) fn name_of_uid(&self, uid: &str) -> Option<&str> {
        self.objects
            .iter()
            .find(|(_, object)| object.uid == uid)
            .map(|(name, _)| name.as_str())
    }
}

impl State {
    pub(super) fn calendar(&self, user: &str, slug: &str) -> Option<&Calendar> {
        self.calendars.get(&(user.to_owned(), slug.to_owned()))
    }

    pub(super) fn calendar_mut(&mut self, user: &str, slug: &str) -> Option<&mut Calendar> {
        self.calendars.get_mut(&(user.to_owned(), slug.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(uid: &str) -> Vec<u8> {
        format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:20261201T100000Z\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn revisions_move_only_when_something_changed() {
        let now = Timestamp::UNIX_EPOCH;
        let mut quirks = Quirks::default();
        let mut calendar = Calendar::new(CalendarSpec::new("c", "C"));
        assert!(calendar.store("a", event("1"), &quirks, now));
        assert!(!calendar.store("a", event("1"), &quirks, now));
        assert_eq!(calendar.revision, 1);
        quirks.etag_changes_on_identical_put = true;
        assert!(!calendar.store("a", event("1"), &quirks, now));
        assert_eq!(calendar.revision, 2);
        assert!(calendar.remove("a", now));
        assert!(!calendar.remove("a", now));
        assert_eq!(calendar.tombstones["a"].created, 1);
        assert!(calendar.store("a", event("1"), &quirks, now));
        assert!(calendar.tombstones.is_empty());
    }
}
