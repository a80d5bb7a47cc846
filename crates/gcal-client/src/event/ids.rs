//! Google's ids: what they tell. They are never judged: imports begin with `_`, the continuation
//! of a series ends in `_R` and a stamp, instances in `_` and a stamp.

use data_encoding::BASE32HEX_NOPAD;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use sync_engine::model::time::LocalTime;
use sync_engine::model::{RecurrenceId, Uid, When, ZoneName};
use sync_engine::recurrence::OriginalStart;
use sync_engine::recurrence::ids::original_start;

/// What an instance's id says of its original start: the part after the last underscore, if that
/// is a stamp.
pub fn original_from_id(id: &str) -> Option<OriginalStart> {
    let (base, stamp) = id.rsplit_once('_')?;
    if base.is_empty() {
        return None;
    }
    match stamp.len() {
        8 => Date::strptime("%Y%m%d", stamp)
            .ok()
            .map(OriginalStart::Date),
        16 => {
            let wall = DateTime::strptime("%Y%m%dT%H%M%S", stamp.strip_suffix('Z')?).ok()?;
            let at = TimeZone::UTC.to_timestamp(wall).ok()?;
            Some(OriginalStart::At(LocalTime::utc(at)))
        }
        _ => None,
    }
}

/// The id that the occurrence of a series most likely has: a first guess, for Google's time-zone
/// database may be another release.
pub fn instance_id(series: &str, master: &When, id: RecurrenceId, floating: &ZoneName) -> String {
    let stamp = match original_start(master, id, floating) {
        OriginalStart::Date(date) => date.strftime("%Y%m%d").to_string(),
        OriginalStart::At(at) => utc_stamp(&at, floating),
    };
    format!("{series}_{stamp}")
}

/// `20261110T090000Z`.
pub fn utc_stamp(at: &LocalTime, floating: &ZoneName) -> String {
    at.instant(floating).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The UID of an event that does not show it (a cancelled exception comes bare): what Google makes
/// of the id of its series by default, or what an import's id spells.
pub fn uid_of(series: &str) -> Uid {
    let spelled = series
        .strip_prefix('_')
        .and_then(|id| {
            BASE32HEX_NOPAD
                .decode(id.to_ascii_uppercase().as_bytes())
                .ok()
        })
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|uid| !uid.is_empty() && !uid.chars().any(char::is_control));
    Uid::new(spelled.unwrap_or_else(|| format!("{series}@google.com")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_engine::model::Zone;

    fn timed(zone: &str) -> When {
        let zone = Zone::Named(ZoneName::new(zone).unwrap());
        let start = LocalTime::new(jiff::civil::datetime(2026, 11, 2, 10, 0, 0, 0), zone);
        When::timed(start, None)
    }

    #[test]
    fn stamps_stand_after_the_last_underscore() {
        let shown = |id: &str| original_from_id(id).map(|original| format!("{original:?}"));
        assert!(
            shown("abc_20261110T090000Z")
                .unwrap()
                .contains("2026-11-10T09:00:00")
        );
        assert!(shown("_61gjabc_20261110").unwrap().contains("2026-11-10"));
        assert!(
            shown("abc_R20201130T010000_20261110T090000Z")
                .unwrap()
                .contains("2026-11-10")
        );
        for no in [
            "abc",
            "abc_",
            "_20261110",
            "abc_R20201130T010000",
            "abc_2026111x",
        ] {
            assert_eq!(shown(no), None, "{no}");
        }
    }

    #[test]
    fn the_guess_is_the_instant_in_utc_or_the_date() {
        let id = RecurrenceId::Wall(jiff::civil::datetime(2027, 7, 5, 10, 0, 0, 0));
        let utc = ZoneName::utc();
        assert_eq!(
            instance_id("abc", &timed("Europe/Berlin"), id, &utc),
            "abc_20270705T080000Z"
        );
        let day = jiff::civil::date(2026, 11, 2);
        assert_eq!(
            instance_id(
                "abc",
                &When::all_day(day, None),
                RecurrenceId::Date(day),
                &utc
            ),
            "abc_20261102"
        );
    }

    #[test]
    fn an_import_spells_its_uid() {
        assert_eq!(uid_of("abc").as_str(), "abc@google.com");
        let id = format!(
            "_{}",
            BASE32HEX_NOPAD
                .encode(b"one@example.com")
                .to_ascii_lowercase()
        );
        assert_eq!(uid_of(&id).as_str(), "one@example.com");
        assert_eq!(uid_of("_zz!").as_str(), "_zz!@google.com");
    }
}
