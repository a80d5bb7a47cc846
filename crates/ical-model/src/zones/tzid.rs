//! What a TZID says by its text alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use sync_engine::model::ZoneName;

static TABLE: &str = include_str!("../../data/windows-zones.tsv");

/// Names, and what Windows shows for them, in lower case, each with its zone.
struct Windows {
    names: HashMap<String, ZoneName>,
    shown: HashMap<String, ZoneName>,
    targets: Vec<ZoneName>,
}

static WINDOWS: LazyLock<Windows> = LazyLock::new(|| {
    let mut windows = Windows {
        names: HashMap::new(),
        shown: HashMap::new(),
        targets: Vec::new(),
    };
    for (name, zone, shown) in rows() {
        let Some(zone) = ZoneName::new(zone) else {
            continue;
        };
        windows.names.insert(name.to_lowercase(), zone.clone());
        for places in shown {
            windows.shown.insert(places.to_lowercase(), zone.clone());
        }
        windows.targets.push(zone);
    }
    windows
});

/// The table's rows: Windows name, IANA name, what is shown.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let name = columns.next()?;
            let zone = columns.next()?;
            let shown = columns.next().into_iter().flat_map(|each| each.split('|'));
            Some((name, zone, shown.collect()))
        })
}

/// The zones that Windows names stand for: where rules fit several zones, these are tried first.
pub(super) fn windows_targets() -> impl Iterator<Item = &'static ZoneName> {
    WINDOWS.targets.iter()
}

/// A zone by its name in any of the known ways of writing one.
pub(super) fn by_name(tzid: &str) -> Option<ZoneName> {
    if tzid.len() > 200 {
        return None;
    }
    iana(tzid)
        .or_else(|| WINDOWS.names.get(&tzid.to_lowercase()).cloned())
        .or_else(|| prefixed(tzid))
        .or_else(|| among_words(tzid))
        .or_else(|| shown(tzid))
}

/// IANA names, and the one way of writing UTC that the database does not have.
fn iana(name: &str) -> Option<ZoneName> {
    if name.eq_ignore_ascii_case("z") {
        return Some(ZoneName::utc());
    }
    // `Factory` stands for "not set"; nobody means it.
    ZoneName::new(name).filter(|zone| zone.as_str() != "Factory")
}

/// `/freeassociation.sourceforge.net/Europe/Berlin`, `/mozilla.org/20050126_1/America/Indiana/Knox`,
/// `tzone://Microsoft/Utc`.
fn prefixed(tzid: &str) -> Option<ZoneName> {
    if !tzid.starts_with('/') && !tzid.contains("://") {
        return None;
    }
    let parts: Vec<&str> = tzid.split('/').collect();
    [3, 2]
        .into_iter()
        .find_map(|count| {
            let start = parts.len().checked_sub(count)?;
            iana(&parts.get(start..)?.join("/"))
        })
        .or_else(|| {
            let last = parts.last()?;
            let utc = ["utc", "gmt", "z"]
                .iter()
                .any(|name| last.eq_ignore_ascii_case(name));
            utc.then(ZoneName::utc)
        })
}

/// `Europe/Berlin 1`, `GMT+01:00 Europe/Berlin`, `Europe/Berlin (DST)`.
fn among_words(tzid: &str) -> Option<ZoneName> {
    tzid.split(|character: char| {
        character.is_whitespace() || matches!(character, '(' | ')' | '[' | ']' | '"' | ',' | ';')
    })
    .filter(|word| word.contains('/'))
    .find_map(|word| iana(word).or_else(|| prefixed(word)))
}

/// `(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna` and the older `(GMT+01.00) …`.
fn shown(tzid: &str) -> Option<ZoneName> {
    let places = match tzid.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => tzid,
    };
    let places = places.trim().replace(" / ", ", ").to_lowercase();
    let found = WINDOWS.shown.get(&places).cloned();
    // Without an offset before it, one place could be anything; with one, it is this list.
    if tzid.starts_with('(') || places.contains(',') {
        found
    } else {
        None
    }
}

/// `UTC+1`, `GMT-05:00`, `+0100`: whole hours only, for which there are names.
pub(super) fn by_offset(tzid: &str) -> Option<ZoneName> {
    let text = tzid.trim_matches(['(', ')', ' ']).to_ascii_uppercase();
    let text = text
        .strip_prefix("UTC")
        .or_else(|| text.strip_prefix("GMT"))
        .unwrap_or(&text)
        .trim();
    let (sign, rest) = match text.as_bytes() {
        [b'+', ..] => (1, text.get(1..)?),
        [b'-', ..] => (-1, text.get(1..)?),
        _ => return None,
    };
    let digits: String = rest
        .chars()
        .filter(|each| !matches!(each, ':' | '.'))
        .collect();
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = match digits.len() {
        1 | 2 => digits.parse().ok()?,
        3 | 4 => digits.strip_suffix("00")?.parse().ok()?,
        _ => return None,
    };
    if hours == 0 {
        return Some(ZoneName::utc());
    }
    // The names count westwards.
    ZoneName::new(&format!("Etc/GMT{:+}", -sign * hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_names_a_zone_and_no_place_twice() {
        let mut places = std::collections::BTreeSet::new();
        for (name, zone, shown) in rows() {
            assert!(ZoneName::new(zone).is_some(), "{name}: {zone}");
            for each in shown {
                let known = name == "Coordinated Universal Time";
                assert!(places.insert(each.to_lowercase()) || known, "{each}");
            }
        }
        assert!(rows().count() >= 140);
    }

    #[test]
    fn names_are_known_in_many_spellings() {
        for (tzid, zone) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("w. europe standard time", "Europe/Berlin"),
            (
                "/freeassociation.sourceforge.net/Europe/Berlin",
                "Europe/Berlin",
            ),
            (
                "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
                "Europe/Berlin",
            ),
            ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
            (
                "/citadel.org/20190914_1/America/Argentina/Ushuaia",
                "America/Argentina/Ushuaia",
            ),
            (
                "/softwarestudio.org/Olson_20011030_5/America/New_York",
                "America/New_York",
            ),
            ("tzone://Microsoft/Utc", "UTC"),
            ("Europe/Berlin 1", "Europe/Berlin"),
            (
                "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
                "Europe/Berlin",
            ),
            (
                "(GMT+01.00) Amsterdam / Berlin / Bern / Rome / Stockholm / Vienna",
                "Europe/Berlin",
            ),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            ("(UTC+04:00) Baku", "Asia/Baku"),
            ("UTC", "UTC"),
            ("Z", "UTC"),
        ] {
            assert_eq!(by_name(tzid), ZoneName::new(zone), "{tzid}");
        }
        for tzid in [
            "",
            "Customized Time Zone",
            "Nowhere/Land",
            "/",
            "Berlin",
            "Factory",
            "Samoa Time",
        ] {
            assert_eq!(by_name(tzid), None, "{tzid}");
        }
    }

    #[test]
    fn whole_hours_have_names() {
        for (tzid, zone) in [
            ("GMT+01:00", "Etc/GMT-1"),
            ("UTC-5", "Etc/GMT+5"),
            ("+0100", "Etc/GMT-1"),
            ("(UTC+10:00)", "Etc/GMT-10"),
            ("GMT+0000", "UTC"),
            ("UTC+14", "Etc/GMT-14"),
        ] {
            assert_eq!(by_offset(tzid), ZoneName::new(zone), "{tzid}");
        }
        for tzid in ["GMT+05:30", "GMT+15", "UTC+", "1", "", "+99999"] {
            assert_eq!(by_offset(tzid), None, "{tzid}");
        }
    }
}
