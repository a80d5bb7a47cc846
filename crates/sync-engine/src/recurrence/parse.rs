//! Reads the text of a rule (RFC 5545 section 3.3.10): what stands after `RRULE:` or `EXRULE:`.
//!
//! Tolerant where meaning is plain (case, blanks, order, `+`, repeated items, empty parts, a
//! trailing `;`), strict where it is not: a rule that was misread moves people's events.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::rule::{Day, Freq, Rule, RuleEnd, Until};
use crate::model::time::Timestamp;

/// The longest rule text that is read, in bytes. Every value of every list once is about 9 KiB.
pub const MAX_RULE_TEXT: usize = 16 * 1024;

/// Why a rule's text was not understood. Never worth a retry: the event's owner has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// More than [`MAX_RULE_TEXT`] bytes.
    #[error("the recurrence rule is {length} bytes long; at most {MAX_RULE_TEXT} are read")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// FREQ is missing.
    #[error("the recurrence rule has no FREQ")]
    NoFrequency,
    /// A part without `=`, without name, or with control characters.
    #[error("{part:?} in the recurrence rule is not of the form NAME=VALUE")]
    NotAPart {
        /// Its beginning.
        part: String,
    },
    /// A value that this part cannot have.
    #[error("{value:?} is no value of {name} in a recurrence rule")]
    Value {
        /// The part's name.
        name: String,
        /// The value's beginning.
        value: String,
    },
    /// A part that stands twice, with different values.
    #[error("the recurrence rule gives {name} twice")]
    Repeated {
        /// The part's name.
        name: String,
    },
    /// Both ends. RFC 5545 forbids it, Google refuses it, and clients disagree on which holds.
    #[error("the recurrence rule has both COUNT and UNTIL; only one may stand")]
    CountAndUntil,
}

/// A start of `text` short enough for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Rule {
    /// Reads the text after `RRULE:`.
    ///
    /// UNTIL beyond the last instant that can be represented (`99991231T235959Z` is seen for
    /// "forever") becomes that instant.
    ///
    /// # Errors
    /// [`RuleError`] says which part was not understood.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_RULE_TEXT {
            return Err(RuleError::TooLong { length: text.len() });
        }
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in text.split(';').map(str::trim) {
            if part.is_empty() {
                continue;
            }
            let (name, value) = split_part(part).ok_or_else(|| RuleError::NotAPart {
                part: excerpt(part),
            })?;
            if value.is_empty() {
                continue;
            }
            match parts.iter().find(|(seen, _)| *seen == name) {
                Some((_, seen)) if seen.eq_ignore_ascii_case(value) => {}
                Some(_) => return Err(RuleError::Repeated { name }),
                None => parts.push((name, value)),
            }
        }
        let freq = parts
            .iter()
            .find(|(name, _)| name == "FREQ")
            .ok_or(RuleError::NoFrequency)
            .and_then(|(name, value)| frequency(value).ok_or_else(|| bad(name, value)))?;

        let mut rule = Self::new(freq);
        let mut count = None;
        let mut until = None;
        for (name, value) in parts {
            let name = name.as_str();
            match name {
                "FREQ" => {}
                "INTERVAL" => rule.interval = number(name, value, &(1..=u32::MAX))?,
                "COUNT" => count = Some(number(name, value, &(1..=u32::MAX))?),
                "UNTIL" => until = Some(read_until(value).ok_or_else(|| bad(name, value))?),
                "BYSECOND" => rule.by_second = list(name, value, &(0..=60))?,
                "BYMINUTE" => rule.by_minute = list(name, value, &(0..=59))?,
                "BYHOUR" => rule.by_hour = list(name, value, &(0..=23))?,
                "BYDAY" => {
                    rule.by_day = items(value, |item| ordinal_day(item).ok_or(()))
                        .map_err(|item| bad(name, item))?;
                }
                "BYMONTHDAY" => rule.by_month_day = nonzero(name, value, &(-31..=31))?,
                "BYYEARDAY" => rule.by_year_day = nonzero(name, value, &(-366..=366))?,
                "BYWEEKNO" => rule.by_week_no = nonzero(name, value, &(-53..=53))?,
                "BYMONTH" => rule.by_month = list(name, value, &(1..=12))?,
                "BYSETPOS" => rule.by_set_pos = nonzero(name, value, &(-366..=366))?,
                "WKST" => rule.week_start = day(value).ok_or_else(|| bad(name, value))?,
                _ => rule.other.push((name.to_owned(), value.to_owned())),
            }
        }
        rule.other.sort();
        rule.end = match (count, until) {
            (None, None) => RuleEnd::Never,
            (Some(count), None) => RuleEnd::Count(count),
            (None, Some(until)) => RuleEnd::Until(until),
            (Some(_), Some(_)) => return Err(RuleError::CountAndUntil),
        };
        Ok(rule)
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::parse(text)
    }
}

/// Name (upper case) and value (trimmed) of one part. Control characters would let a rule smuggle
/// content lines into whatever it is written to.
fn split_part(part: &str) -> Option<(String, &str)> {
    let (name, value) = part.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if name.is_empty() || !plain(name) || value.chars().any(|c| c.is_control() && c != '\t') {
        return None;
    }
    Some((name.to_ascii_uppercase(), value))
}

fn bad(name: &str, value: &str) -> RuleError {
    RuleError::Value {
        name: name.to_owned(),
        value: excerpt(value),
    }
}

fn frequency(value: &str) -> Option<Freq> {
    [
        Freq::Secondly,
        Freq::Minutely,
        Freq::Hourly,
        Freq::Daily,
        Freq::Weekly,
        Freq::Monthly,
        Freq::Yearly,
    ]
    .into_iter()
    .find(|freq| freq.name().eq_ignore_ascii_case(value))
}

fn day(code: &str) -> Option<Day> {
    [
        Day::Monday,
        Day::Tuesday,
        Day::Wednesday,
        Day::Thursday,
        Day::Friday,
        Day::Saturday,
        Day::Sunday,
    ]
    .into_iter()
    .find(|day| day.code().eq_ignore_ascii_case(code))
}

/// `MO`, `2MO`, `+1MO`, `-1 SU`.
fn ordinal_day(item: &str) -> Option<(i16, Day)> {
    let split = item.len().checked_sub(2)?;
    let (ordinal, code) = (item.get(..split)?.trim(), item.get(split..)?);
    let day = day(code)?;
    if ordinal.is_empty() {
        return Some((0, day));
    }
    let ordinal: i16 = ordinal.parse().ok()?;
    (ordinal != 0 && ordinal.abs() <= 53).then_some((ordinal, day))
}

fn number<T: FromStr + PartialOrd>(
    name: &str,
    value: &str,
    range: &RangeInclusive<T>,
) -> Result<T, RuleError> {
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| bad(name, value))
}

fn list<T: FromStr + Ord>(
    name: &str,
    value: &str,
    range: &RangeInclusive<T>,
) -> Result<Vec<T>, RuleError> {
    items(value, |item| number(name, item, range)).map_err(|item| bad(name, item))
}

fn nonzero<T: FromStr + Ord + Default>(
    name: &str,
    value: &str,
    range: &RangeInclusive<T>,
) -> Result<Vec<T>, RuleError> {
    let list = list(name, value, range)?;
    if list.contains(&T::default()) {
        return Err(bad(name, value));
    }
    Ok(list)
}

/// The items of a list, sorted and once each; the first that cannot be read as the error.
fn items<T: Ord, E>(value: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, &str> {
    let mut list = value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| read(item).map_err(|_| item))
        .collect::<Result<Vec<T>, &str>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// `20260103`, `20260103T100000`, `20260103T100000Z`; the extended form with `-` and `:` too.
fn read_until(value: &str) -> Option<Until> {
    let plain: String = value
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let (date, time) = match plain.split_once('T') {
        Some((date, time)) => (read_date(date)?, Some(time)),
        None => (read_date(&plain)?, None),
    };
    let Some(time) = time else {
        return Some(Until::Date(date));
    };
    match time.strip_suffix('Z') {
        Some(time) => {
            let wall = date.to_datetime(read_time(time)?);
            Some(Until::Utc(utc_or_last(wall)))
        }
        None => Some(Until::Local(date.to_datetime(read_time(time)?))),
    }
}

/// The instant of a UTC wall time; the last whole second there is for those beyond it.
fn utc_or_last(wall: DateTime) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(wall)
        .or_else(|_| Timestamp::from_second(Timestamp::MAX.as_second()))
        .unwrap_or(Timestamp::MAX)
}

fn digits<T: FromStr>(text: &str, range: std::ops::Range<usize>) -> Option<T> {
    let text = text.get(range)?;
    text.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    text.parse().ok()
}

fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    let (year, month, day) = (
        digits(text, 0..4)?,
        digits(text, 4..6)?,
        digits(text, 6..8)?,
    );
    Date::new(year, month, day)
        .ok()
        .filter(|date| date.year() > 0)
}

fn read_time(text: &str) -> Option<Time> {
    if text.len() != 6 {
        return None;
    }
    let second: i8 = digits(text, 4..6)?;
    // A leap second is read as the second before it (RFC 5545 section 3.3.12).
    let second = if second == 60 { 59 } else { second };
    Time::new(digits(text, 0..2)?, digits(text, 2..4)?, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        Rule::parse(text).map_or_else(|error| format!("error: {error}"), |rule| rule.to_string())
    }

    #[test]
    fn what_is_seen_in_the_wild_is_read() {
        for (text, canonical) in [
            ("FREQ=DAILY", "FREQ=DAILY"),
            ("freq=weekly;byday=we,mo", "FREQ=WEEKLY;BYDAY=MO,WE"),
            (
                " FREQ = WEEKLY ; BYDAY = MO, TU ,MO ; ",
                "FREQ=WEEKLY;BYDAY=MO,TU",
            ),
            (
                "BYDAY=+1MO,-1 su;FREQ=MONTHLY;",
                "FREQ=MONTHLY;BYDAY=-1SU,1MO",
            ),
            ("FREQ=DAILY;INTERVAL=1;WKST=MO", "FREQ=DAILY"),
            (
                "COUNT=3;WKST=SU;INTERVAL=2;FREQ=WEEKLY",
                "FREQ=WEEKLY;COUNT=3;INTERVAL=2;WKST=SU",
            ),
            (
                "FREQ=DAILY;UNTIL=2026-01-03T10:00:00z",
                "FREQ=DAILY;UNTIL=20260103T100000Z",
            ),
            ("FREQ=DAILY;UNTIL=20260103", "FREQ=DAILY;UNTIL=20260103"),
            (
                "FREQ=DAILY;UNTIL=20260103T235960",
                "FREQ=DAILY;UNTIL=20260103T235959",
            ),
            ("FREQ=DAILY;BYDAY=;COUNT=", "FREQ=DAILY"),
            ("FREQ=DAILY;FREQ=daily", "FREQ=DAILY"),
            (
                "SKIP=FORWARD;RSCALE=GREGORIAN;FREQ=YEARLY;X-a=b c",
                "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD;X-A=b c",
            ),
            (
                "FREQ=YEARLY;UNTIL=99991231T235959Z",
                "FREQ=YEARLY;UNTIL=99991230T220000Z",
            ),
        ] {
            assert_eq!(printed(text), canonical, "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in [
            "",
            ";;;",
            "DAILY",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=99999999999",
            "FREQ=DAILY;COUNT=2;UNTIL=20260101",
            "FREQ=DAILY;COUNT=2;COUNT=3",
            "FREQ=DAILY;UNTIL=20260230",
            "FREQ=DAILY;UNTIL=20260101T250000Z",
            "FREQ=DAILY;UNTIL=tomorrow",
            "FREQ=MONTHLY;BYDAY=0MO",
            "FREQ=MONTHLY;BYDAY=54MO",
            "FREQ=MONTHLY;BYDAY=XX",
            "FREQ=MONTHLY;BYDAY=M\u{e4}",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=YEARLY;BYYEARDAY=367",
            "FREQ=YEARLY;BYWEEKNO=54",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=DAILY;X-A=1\r\nATTENDEE:x",
            "FREQ=DAILY;=3",
        ] {
            assert!(Rule::parse(text).is_err(), "{text:?} was read");
        }
        let long = format!("FREQ=DAILY;X-A={}", "a".repeat(MAX_RULE_TEXT));
        assert!(matches!(Rule::parse(&long), Err(RuleError::TooLong { .. })));
    }

    #[test]
    fn the_message_names_the_part() {
        let error = Rule::parse("FREQ=DAILY;BYHOUR=9,25").expect_err("25 is no hour");
        assert_eq!(
            error.to_string(),
            "\"25\" is no value of BYHOUR in a recurrence rule"
        );
    }
}
