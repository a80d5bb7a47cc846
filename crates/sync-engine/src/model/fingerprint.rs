//! A short stand-in for a value in normal form: equal values have equal fingerprints.
//!
//! It carries the version of the normal form it was taken over. After an upgrade fingerprints are
//! taken anew from stored values, never from what the sides show by then. Change detection itself
//! compares values (they are at hand in the mirror and in the echoes); fingerprints stand where
//! content needs a name: a plan's id.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::series::{Fields, OverrideValue, Series};
use super::time::{LocalTime, When, Zone};
use crate::recurrence::{ExtraDate, Recurrence};

/// The version of the normal form: raised whenever the same event would come out differently.
pub const VERSION: u8 = 1;

/// A versioned hash over a value in normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Takes the fingerprint of a series. Zones that are links of one another count as one.
    pub fn of(series: &Series) -> Self {
        let mut series = series.clone();
        if let Some(master) = &mut series.master {
            canonical(master);
        }
        for value in series.overrides.values_mut() {
            if let OverrideValue::Fields(fields) = value {
                canonical(fields);
            }
        }
        Self::of_value(&series)
    }

    /// Takes the fingerprint of any value of ours, as it serialises.
    pub fn of_value<T: Serialize>(value: &T) -> Self {
        // Plain values of our own always serialise.
        let text = serde_json::to_vec(value).unwrap_or_default();
        let hash = Sha256::digest(text);
        let hash = HEXLOWER.encode(hash.get(..16).unwrap_or_default());
        Self(format!("{VERSION}:{hash}"))
    }

    /// As text: the version, a colon, 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every zone under the first of its names.
fn canonical(fields: &mut Fields) {
    if let When::Timed { start, end } = &mut fields.when {
        in_canonical_zone(start);
        in_canonical_zone(end);
    }
    let dates = fields.recurrence.iter_mut().flat_map(dates_of);
    for time in dates {
        in_canonical_zone(time);
    }
    let repeats = fields.recurrence.iter_mut();
    for onward in repeats.flat_map(|recurrence| &mut recurrence.onward) {
        canonical(&mut onward.fields);
    }
}

fn dates_of(recurrence: &mut Recurrence) -> impl Iterator<Item = &mut LocalTime> {
    recurrence.dates.iter_mut().flat_map(|date| match date {
        ExtraDate::Date(_) => Vec::new(),
        ExtraDate::At(at) => vec![at],
        ExtraDate::Period { start, end } => vec![start, end],
    })
}

fn in_canonical_zone(time: &mut LocalTime) {
    if let Zone::Named(zone) = &mut time.zone {
        *zone = zone.canonical();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ZoneName;

    fn lunch(zone: &str) -> Series {
        let zone = Zone::Named(ZoneName::new(zone).unwrap());
        let at = |hour| {
            LocalTime::new(
                jiff::civil::date(2026, 12, 1).at(hour, 0, 0, 0),
                zone.clone(),
            )
        };
        Series::single(Fields::new("Lunch", When::timed(at(12), Some(at(13)))))
    }

    #[test]
    fn links_of_one_zone_are_one() {
        assert_eq!(
            Fingerprint::of(&lunch("Asia/Kolkata")),
            Fingerprint::of(&lunch("Asia/Calcutta"))
        );
        assert_ne!(
            Fingerprint::of(&lunch("Asia/Kolkata")),
            Fingerprint::of(&lunch("Asia/Tokyo"))
        );
    }

    #[test]
    fn it_carries_its_version_and_tells_any_field() {
        let event = lunch("Europe/Berlin");
        let before = Fingerprint::of(&event);
        assert!(before.as_str().starts_with("1:"));
        let mut other = event;
        other.master.as_mut().unwrap().location = "Kitchen".into();
        assert_ne!(before, Fingerprint::of(&other));
    }
}
