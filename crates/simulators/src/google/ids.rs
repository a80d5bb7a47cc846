//! The grammar of Google's ids: what a client may ask for, what the server
//! makes, and how an instance id is taken apart. Pure text.

use data_encoding::{BASE32HEX_NOPAD, Encoding};
use jiff::civil::{Date, DateTime};

use super::clock::Dice;
use super::times::Moment;

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuv0123456789";

/// Whether a client may choose `id` for a new event: base32hex in lower case,
/// 5 to 1024 characters.
pub(super) fn may_choose(id: &str) -> bool {
    (5..=1024).contains(&id.len()) && id.bytes().all(|b| ALPHABET.contains(&b))
}

/// A server-made event id: 26 characters.
pub(super) fn fresh_event(dice: &mut Dice) -> String {
    dice.text(26, ALPHABET)
}

/// The id of a calendar made through the API.
pub(super) fn fresh_calendar(dice: &mut Dice) -> String {
    format!(
        "c_{}@group.calendar.google.com",
        dice.text(64, b"0123456789abcdef")
    )
}

/// The id an imported event gets: `_` and base32hex of the iCalUID.
pub(super) fn imported(ical_uid: &str) -> String {
    let encoding: &Encoding = &BASE32HEX_NOPAD;
    format!("_{}", encoding.encode(ical_uid.as_bytes()).to_lowercase())
}

/// The id of the occurrence of `master` that starts at `original`.
pub(super) fn instance(master: &str, original: Moment) -> String {
    format!("{master}_{}", stamp(original))
}

/// `20261101` or `20261101T090000Z`.
pub(super) fn stamp(original: Moment) -> String {
    match original {
        Moment::Day(day) => day.strftime("%Y%m%d").to_string(),
        Moment::Instant(at) => at.strftime("%Y%m%dT%H%M%SZ").to_string(),
    }
}

/// Takes `<base>_<stamp>` apart at the last underscore.
pub(super) fn split_instance(id: &str) -> Option<(&str, Moment)> {
    let (base, stamp) = id.rsplit_once('_')?;
    if base.is_empty() {
        return None;
    }
    Some((base, parse_stamp(stamp)?))
}

fn parse_stamp(stamp: &str) -> Option<Moment> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match stamp.len() {
        8 if digits(stamp) => Date::strptime("%Y%m%d", stamp).ok().map(Moment::Day),
        16 if stamp.ends_with('Z') => {
            let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
            let at = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
            Some(Moment::Instant(at))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_may_choose() {
        for good in ["abcde", "0123456789abcdefghijklmnopqrstuv", "v0v0v"] {
            assert!(may_choose(good), "{good}");
        }
        for bad in ["abcd", "", "Abcde", "wxyza", "abc-de", "abc_de", "äbcde"] {
            assert!(!may_choose(bad), "{bad}");
        }
        assert!(may_choose(&"a".repeat(1024)));
        assert!(!may_choose(&"a".repeat(1025)));
    }

    #[test]
    fn imported_ids_are_the_encoded_uid() {
        assert_eq!(imported("f"), "_co");
        assert_eq!(imported("foobar"), "_cpnmuoj1e8");
    }

    #[test]
    fn instance_ids_split_at_the_last_underscore() {
        let (base, at) = split_instance("_61gj_R20201130T010000_20261101T090000Z").unwrap();
        assert_eq!(base, "_61gj_R20201130T010000");
        assert_eq!(stamp(at), "20261101T090000Z");
        let (base, at) = split_instance("abcde_20261101").unwrap();
        assert_eq!((base, stamp(at).as_str()), ("abcde", "20261101"));
        for bad in [
            "abcde",
            "abcde_2026110",
            "abcde_20261301",
            "_20261101",
            "a_R20261101T090000",
        ] {
            assert!(split_instance(bad).is_none(), "{bad}");
        }
    }
}
