//! iCalendar objects of every shape, placed around a given day.
//!
//! Each object is a file of `crates/testkit/corpus`, named after its shape; the name up to the
//! first hyphen is its kind. Dates are tokens, so that "within 30 days from now" is true whenever
//! a test runs (see [`fill`]). Two kinds stand apart: `outside-…` has no occurrence near the given
//! day, and `odd-…` is broken, contradictory, or beyond what some side can hold.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

/// The objects that Radicale 3.9.0 answers with 400; Xandikos 0.4.10 takes all.
pub const RADICALE_REFUSES: [&str; 3] = [
    "odd-until-before-start",
    "override-two-without-master",
    "rdate-period",
];

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorpusItem {
    /// The file's name without `.ics`.
    pub name: String,
    /// The UID, the same in every component.
    pub uid: String,
    /// The text, as a client would send it.
    pub ics: String,
}

impl CorpusItem {
    /// The part of the name before the first hyphen: `allday`, `timed`, `zone`, `duration`,
    /// `rrule`, `rdate`, `exdate`, `override`, `dst`, `text`, `carried`, `status`, `class`,
    /// `transp`, `outside` or `odd`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.name.split('-').next().unwrap_or_default()
    }

    /// Whether it is broken, contradictory, or beyond what some side can hold.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        self.kind() == "odd"
    }
}

/// All objects, in the order of their names, with dates around `base`.
///
/// All but the `odd-…`, `outside-…` and one-off `dst-single-…` ones have an occurrence in the 30
/// days from `base`.
#[must_use]
pub fn corpus(base: Date) -> Vec<CorpusItem> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut items: Vec<CorpusItem> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name()?.to_str()?.strip_suffix(".ics")?.to_owned();
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let ics = fill(&text, base);
            let uid = ics
                .lines()
                .find_map(|line| {
                    line.strip_prefix("UID:")
                        .or_else(|| line.strip_prefix("uid:"))
                })
                .unwrap_or_else(|| panic!("{name} has no UID"))
                .trim()
                .to_owned();
            Some(CorpusItem { name, uid, ics })
        })
        .collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    items
}

/// Replaces the date tokens of a template.
///
/// A token is `{ANCHOR}`, `{ANCHOR+DAYS}` or `{ANCHOR-DAYS}`, a date written `20261122`:
///
/// | anchor | date, with `x` = base ± days |
/// | --- | --- |
/// | `D` | x |
/// | `MO` … `SU` | the first such weekday on or after x |
/// | `EOM`, `LWD`, `LFR` | the last day, last Monday-to-Friday, last Friday of the month of x |
/// | `WEEK` | x, moved on by weeks until its ISO year is its calendar year |
/// | `GAP:ZONE`, `OVERLAP:ZONE` | the day of the zone's next change forward, or back, after base |
///
/// It may end in a field: `.md` day of month, `.mo` month, `.yd` day of year, `.wk` ISO week, `.wd`
/// weekday as `MO`, `.nth` which of its weekday in the month, `.plusN` the date N days later. Or in
/// `@HH:MM ZONE>OTHER`, the time of day in OTHER at that moment in ZONE, as `20261122T090000`.
///
/// # Panics
/// On anything else in braces.
#[must_use]
pub fn fill(template: &str, base: Date) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (token, tail) = after
            .split_once('}')
            .unwrap_or_else(|| panic!("an open brace in {template}"));
        out.push_str(before);
        let value = value(token, base);
        out.push_str(&value.unwrap_or_else(|| panic!("no such token: {{{token}}}")));
        rest = tail;
    }
    out + rest
}

fn value(token: &str, base: Date) -> Option<String> {
    if let Some((date, moment)) = token.split_once('@') {
        let (time, zones) = moment.split_once(' ')?;
        let (from, to) = zones.split_once('>')?;
        let (hour, minute) = time.split_once(':')?;
        let there = self::date(date, base)?
            .at(hour.parse().ok()?, minute.parse().ok()?, 0, 0)
            .in_tz(from)
            .ok()?;
        let here = there.in_tz(to).ok()?;
        return Some(here.strftime("%Y%m%dT%H%M%S").to_string());
    }
    let (anchor, field) = match token.split_once('.') {
        Some((anchor, field)) => (anchor, Some(field)),
        None => (token, None),
    };
    let date = date(anchor, base)?;
    Some(match field {
        None => basic(date),
        Some("md") => date.day().to_string(),
        Some("mo") => date.month().to_string(),
        Some("yd") => date.day_of_year().to_string(),
        Some("wk") => date.iso_week_date().week().to_string(),
        Some("wd") => WEEKDAYS
            .iter()
            .find(|(_, day)| *day == date.weekday())
            .map(|(name, _)| (*name).to_owned())?,
        Some("nth") => ((date.day() - 1) / 7 + 1).to_string(),
        Some(field) => {
            let days: i64 = field.strip_prefix("plus")?.parse().ok()?;
            basic(date + days.days())
        }
    })
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

fn basic(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

fn date(token: &str, base: Date) -> Option<Date> {
    if let Some(zone) = token.strip_prefix("GAP:") {
        return change(zone, base, true);
    }
    if let Some(zone) = token.strip_prefix("OVERLAP:") {
        return change(zone, base, false);
    }
    let at = token.find(['+', '-']).unwrap_or(token.len());
    let (anchor, offset) = token.split_at(at);
    let days: i64 = if offset.is_empty() {
        0
    } else {
        offset.parse().ok()?
    };
    let date = base + days.days();
    let back_until = |wanted: fn(Weekday) -> bool| {
        let mut day = date.last_of_month();
        while !wanted(day.weekday()) {
            day -= 1.day();
        }
        day
    };
    match anchor {
        "D" => Some(date),
        "EOM" => Some(date.last_of_month()),
        "LWD" => Some(back_until(|d| {
            d != Weekday::Saturday && d != Weekday::Sunday
        })),
        "LFR" => Some(back_until(|d| d == Weekday::Friday)),
        "WEEK" => {
            let mut date = date;
            while date.iso_week_date().year() != date.year() {
                date += 1.week();
            }
            Some(date)
        }
        name => {
            let (_, weekday) = WEEKDAYS.iter().find(|(n, _)| *n == name)?;
            (date - 1.day()).nth_weekday(1, *weekday).ok()
        }
    }
}

/// The local date of the zone's next change after `base` that moves clocks forward, or back.
fn change(zone: &str, base: Date, forward: bool) -> Option<Date> {
    let zone = TimeZone::get(zone).ok()?;
    let start: Zoned = base.to_zoned(zone.clone()).ok()?;
    let mut before = start.offset();
    for change in zone.following(start.timestamp()).take(8) {
        let after = change.offset();
        if after != before && (after > before) == forward {
            return Some(change.timestamp().to_zoned(zone.clone()).date());
        }
        before = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn tokens_become_dates() {
        let base = date(2026, 11, 22); // a Sunday
        for (token, expected) in [
            ("{D}", "20261122"),
            ("{D+10}", "20261202"),
            ("{D-22}", "20261031"),
            ("{SU}", "20261122"),
            ("{MO}", "20261123"),
            ("{MO-7}", "20261116"),
            ("{EOM}", "20261130"),
            ("{EOM-40}", "20261031"),
            ("{LWD-40}", "20261030"),
            ("{LFR}", "20261127"),
            ("{D+3.md}/{D+3.mo}/{D+3.wd}/{D+3.nth}", "25/11/WE/4"),
            ("{D+3.yd} {D+3.wk} {EOM.plus3}", "329 48 20261203"),
            ("{WEEK+40}", "20270108"),
            ("{GAP:Europe/Berlin}", "20270328"),
            ("{OVERLAP:America/New_York}", "20271107"),
            ("{D@09:30 Europe/Berlin>UTC}Z", "20261122T083000Z"),
            ("no token", "no token"),
        ] {
            assert_eq!(fill(token, base), expected, "{token}");
        }
    }

    #[test]
    #[should_panic(expected = "no such token: {X+1}")]
    fn a_slip_in_a_template_is_found() {
        let _never = fill("DTSTART:{X+1}", date(2026, 11, 22));
    }
}
