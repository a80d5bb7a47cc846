//! Time zones as calendar objects name them: from a TZID to a zone of the bundled IANA database,
//! and a VTIMEZONE for a zone when an object is written.
//!
//! A TZID is looked up in this order; the first that answers counts:
//!
//! 1. an IANA name, ASCII case ignored (a VTIMEZONE beside it is not even looked at: those of some
//!    servers are cut to one observance);
//! 2. a Windows name, from `data/windows-zones.tsv`;
//! 3. an IANA name behind a `/prefix/`, or among other words (`Europe/Berlin 1`);
//! 4. what Windows shows for a zone: `(UTC+01:00) Amsterdam, Berlin, Bern, Rome, …`;
//! 5. the object's own VTIMEZONE, matched by its rules in the years around the event
//!    ([`VTimezone`]);
//! 6. a bare offset of whole hours (`GMT+01:00`), as `Etc/GMT-1`.
//!
//! What remains is [`Resolved::Rules`]: a VTIMEZONE that is no known zone's, good for the instants
//! of a single event and for nothing that repeats; or [`Resolved::Unknown`].
//!
//! The legacy names EST, MST and HST are IANA's fixed offsets, but programs write them for zones
//! with summer time: there, a VTIMEZONE with two offsets goes first.

mod describe;
mod matching;
mod observance;
mod tzid;
mod vtimezone;

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::civil::DateTime;
use sync_engine::model::ZoneName;

use crate::component::{Component, Document};

pub use describe::describe;
pub use matching::Around;
pub use vtimezone::VTimezone;

/// The release of the IANA database that is compiled in, such as `2026f`.
pub fn database_version() -> Option<&'static str> {
    ZoneName::database_version()
}

/// What a TZID stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved<'z> {
    /// A zone of the database.
    Zone(ZoneName),
    /// The object's own rules, which are those of no known zone.
    Rules(&'z VTimezone),
    /// Nothing known.
    Unknown,
}

/// Most VTIMEZONEs of one object that are looked at: matching one by its rules takes a while.
const MAX_DESCRIBED: usize = 50;

/// The zones that one object describes, and what its TZIDs were found to be.
#[derive(Debug)]
pub struct Zones {
    described: BTreeMap<String, VTimezone>,
    around: Around,
    found: RefCell<BTreeMap<String, Option<ZoneName>>>,
}

impl Zones {
    /// The zones of `document`, for an event that begins at `start` on the wall and repeats or not.
    pub fn of(document: &Document<'_>, start: DateTime, repeats: bool) -> Self {
        let mut described = BTreeMap::new();
        let calendars = document.components().filter(|each| each.is("VCALENDAR"));
        let zones = calendars.flat_map(Component::components);
        for zone in zones
            .filter(|component| component.is("VTIMEZONE"))
            .take(MAX_DESCRIBED)
        {
            if let Some(tzid) = zone.first("TZID") {
                described
                    .entry(key(&tzid.value()))
                    .or_insert_with(|| VTimezone::read(zone));
            }
        }
        Self {
            described,
            around: Around::new(start, repeats),
            found: RefCell::default(),
        }
    }

    /// What `tzid` stands for.
    pub fn resolve(&self, tzid: &str) -> Resolved<'_> {
        let key = key(tzid);
        let known = self.found.borrow().get(&key).cloned();
        let zone = known.unwrap_or_else(|| {
            let zone = self.find(&key);
            self.found.borrow_mut().insert(key.clone(), zone.clone());
            zone
        });
        match (zone, self.described.get(&key)) {
            (Some(zone), _) => Resolved::Zone(zone),
            (None, Some(rules)) if rules.has_rules() => Resolved::Rules(rules),
            (None, _) => Resolved::Unknown,
        }
    }

    /// Whether the event repeats: then rules of nobody are no help, for they give no zone.
    pub fn repeats(&self) -> bool {
        self.around.repeats()
    }

    /// Whether the object has a VTIMEZONE of this TZID.
    pub fn describes(&self, tzid: &str) -> bool {
        self.described.contains_key(&key(tzid))
    }

    fn find(&self, tzid: &str) -> Option<ZoneName> {
        let described = self.described.get(tzid);
        let by_rules = || described.and_then(|zone| zone.matching(&self.around));
        if matches!(tzid, "EST" | "MST" | "HST")
            && described.is_some_and(VTimezone::has_two_offsets)
            && let Some(zone) = by_rules()
        {
            return Some(zone);
        }
        tzid::by_name(tzid)
            .or_else(by_rules)
            .or_else(|| tzid::by_offset(tzid))
    }
}

/// A TZID as it is compared: without quotes and white space around it.
fn key(tzid: &str) -> String {
    tzid.trim().trim_matches('"').trim().to_owned()
}

#[cfg(test)]
mod tests;
