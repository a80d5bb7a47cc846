//! Values of properties: dates, date-times, durations (RFC 5545 sections 3.3.4 to 3.3.6, 3.3.14).
//! Text to value and back; no property, parameter or zone is known here.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

/// A DATE or DATE-TIME as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// `20261201`.
    Date(Date),
    /// `20261201T093000`.
    Local(DateTime),
    /// `20261201T093000Z`.
    Utc(DateTime),
}

impl Stamp {
    /// Reads a date or date-time. Forgiven: missing seconds, a leap second, 24:00, lower case, and
    /// the dashes and colons of ISO 8601's extended form.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 32 || !text.is_ascii() {
            return None;
        }
        let (day, time) = match text.split_once(['T', 't', ' ']) {
            Some((day, time)) => (day, Some(time)),
            None => (text, None),
        };
        let day = digits(day, '-', 8)?;
        let date = Date::new(
            i16::try_from(number(&day, 0..4)?).ok()?,
            i8::try_from(number(&day, 4..6)?).ok()?,
            i8::try_from(number(&day, 6..8)?).ok()?,
        )
        .ok()?;
        let Some(time) = time else {
            return Some(Self::Date(date));
        };
        let (time, utc) = match time.strip_suffix(['Z', 'z']) {
            Some(time) => (time, true),
            None => (time, false),
        };
        let time = digits(time, ':', 6).or_else(|| digits(time, ':', 4))?;
        let hour = i8::try_from(number(&time, 0..2)?).ok()?;
        let minute = i8::try_from(number(&time, 2..4)?).ok()?;
        let second = match time.len() {
            4 => 0,
            _ => i8::try_from(number(&time, 4..6)?).ok()?,
        };
        let wall = if (hour, minute, second) == (24, 0, 0) {
            date.tomorrow().ok()?.at(0, 0, 0, 0)
        } else {
            let second = if second == 60 { 59 } else { second };
            let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
            date.to_datetime(time)
        };
        Some(if utc {
            Self::Utc(wall)
        } else {
            Self::Local(wall)
        })
    }

    /// The date.
    pub fn date(self) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Local(wall) | Self::Utc(wall) => wall.date(),
        }
    }
}

/// `length` digits with `separator`s allowed anywhere between them.
fn digits(text: &str, separator: char, length: usize) -> Option<String> {
    let digits: String = text.chars().filter(|each| *each != separator).collect();
    (digits.len() == length && digits.bytes().all(|octet| octet.is_ascii_digit())).then_some(digits)
}

fn number(digits: &str, range: std::ops::Range<usize>) -> Option<i32> {
    digits.get(range)?.parse().ok()
}

/// `20261201`.
pub fn write_date(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// `20261201T093000`.
pub fn write_wall(wall: DateTime) -> String {
    wall.strftime("%Y%m%dT%H%M%S").to_string()
}

/// A DURATION: days on the wall and exact seconds after them, of one sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Days, seven for each week.
    pub days: i32,
    /// Seconds.
    pub seconds: i64,
}

/// No event lasts longer than this; anything beyond is no duration.
const MAX_DAYS: i64 = 366 * 10_000;

impl Duration {
    /// Reads a duration. Parts may be mixed and repeated in any order; it must have at least one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (sign, rest) = match text.as_bytes() {
            [b'-', ..] => (-1, text.get(1..)?),
            [b'+', ..] => (1, text.get(1..)?),
            _ => (1, text.as_str()),
        };
        let (mut days, mut seconds) = (0_i64, 0_i64);
        let (mut in_time, mut any) = (false, false);
        let mut amount: Option<i64> = None;
        for character in rest.strip_prefix('P')?.chars() {
            if let Some(digit) = character.to_digit(10) {
                let so_far = amount.unwrap_or(0);
                amount = Some(so_far.checked_mul(10)?.checked_add(i64::from(digit))?);
                continue;
            }
            if character == 'T' && amount.is_none() && !in_time {
                in_time = true;
                continue;
            }
            let count = amount.take()?;
            any = true;
            let (part, each) = match (in_time, character) {
                (false, 'W') => (&mut days, 7),
                (false, 'D') => (&mut days, 1),
                (true, 'H') => (&mut seconds, 3600),
                (true, 'M') => (&mut seconds, 60),
                (true, 'S') => (&mut seconds, 1),
                _ => return None,
            };
            *part = part.checked_add(count.checked_mul(each)?)?;
        }
        if !any || amount.is_some() || days > MAX_DAYS || seconds > MAX_DAYS * 86_400 {
            return None;
        }
        Some(Self {
            days: i32::try_from(sign * days).ok()?,
            seconds: sign * seconds,
        })
    }

    /// The exact part.
    pub fn exact(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds)
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (days, seconds) = (self.days.unsigned_abs(), self.seconds.unsigned_abs());
        if self.days < 0 || self.seconds < 0 {
            f.write_str("-")?;
        }
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if seconds > 0 || days == 0 {
            f.write_str("T")?;
        }
        let parts = [
            (seconds / 3600, 'H'),
            (seconds / 60 % 60, 'M'),
            (seconds % 60, 'S'),
        ];
        for (amount, letter) in parts {
            if amount > 0 {
                write!(f, "{amount}{letter}")?;
            }
        }
        if days == 0 && seconds == 0 {
            f.write_str("0S")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn dates_and_times_are_read_with_some_forgiveness() {
        let nine = datetime(2026, 12, 1, 9, 30, 5, 0);
        for (text, stamp) in [
            ("20261201", Stamp::Date(date(2026, 12, 1))),
            ("2026-12-01", Stamp::Date(date(2026, 12, 1))),
            ("20261201T093005", Stamp::Local(nine)),
            (" 20261201T093005Z ", Stamp::Utc(nine)),
            ("2026-12-01t09:30:05z", Stamp::Utc(nine)),
            (
                "20261201T0930",
                Stamp::Local(datetime(2026, 12, 1, 9, 30, 0, 0)),
            ),
            (
                "20261231T240000",
                Stamp::Local(datetime(2027, 1, 1, 0, 0, 0, 0)),
            ),
            (
                "20261231T235960Z",
                Stamp::Utc(datetime(2026, 12, 31, 23, 59, 59, 0)),
            ),
        ] {
            assert_eq!(Stamp::parse(text), Some(stamp), "{text}");
        }
        for text in [
            "",
            "2026120",
            "20261301",
            "20261201T",
            "20261201T250000",
            "2026１201",
            "x",
        ] {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_in_every_shape() {
        for (text, days, seconds) in [
            ("PT1H", 0, 3600),
            ("P1W", 7, 0),
            ("P1W2DT3H4M5S", 9, 11_045),
            ("-PT15M", 0, -900),
            ("+P1D", 1, 0),
            ("PT0S", 0, 0),
            ("p1dt1h", 1, 3600),
            ("PT90M", 0, 5400),
        ] {
            let duration = Duration::parse(text);
            assert_eq!(duration, Some(Duration { days, seconds }), "{text}");
            let written = duration.unwrap().to_string();
            assert_eq!(Duration::parse(&written), duration, "{written}");
        }
        for text in [
            "",
            "P",
            "PT",
            "1H",
            "P1",
            "P1H",
            "PT1D",
            "P99999999999999999999D",
            "P9999999999W",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
