//! A recurrence rule as a value in canonical form.
//!
//! Its text is read in `parse` and written in `print`, its normal form for a given start is in
//! `normal`, its occurrences are in `expand`. Nothing here knows a start or a zone.

use jiff::civil::{Date, DateTime, Weekday};
use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// How often (FREQ).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Freq {
    /// SECONDLY.
    Secondly,
    /// MINUTELY.
    Minutely,
    /// HOURLY.
    Hourly,
    /// DAILY.
    Daily,
    /// WEEKLY.
    Weekly,
    /// MONTHLY.
    Monthly,
    /// YEARLY.
    Yearly,
}

/// Where a rule ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleEnd {
    /// Nowhere.
    Never,
    /// After this many occurrences, counted before exceptions are taken out.
    Count(u32),
    /// With this moment, which still counts.
    Until(Until),
}

/// UNTIL, in the value type it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Until {
    /// A day.
    Date(Date),
    /// A wall time without zone.
    Local(DateTime),
    /// An instant.
    Utc(Timestamp),
}

/// One RRULE or EXRULE. Lists are sorted and without repetition, except `by_day`'s order, which
/// carries no meaning and is sorted too: equal rules are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// FREQ.
    pub freq: Freq,
    /// INTERVAL, at least 1.
    pub interval: u32,
    /// COUNT or UNTIL.
    pub end: RuleEnd,
    /// BYSECOND, 0 to 60.
    pub by_second: Vec<u8>,
    /// BYMINUTE, 0 to 59.
    pub by_minute: Vec<u8>,
    /// BYHOUR, 0 to 23.
    pub by_hour: Vec<u8>,
    /// BYDAY: an ordinal (0 for none) and the day.
    pub by_day: Vec<(i16, Day)>,
    /// BYMONTHDAY, ±1 to ±31.
    pub by_month_day: Vec<i8>,
    /// BYYEARDAY, ±1 to ±366.
    pub by_year_day: Vec<i16>,
    /// BYWEEKNO, ±1 to ±53.
    pub by_week_no: Vec<i8>,
    /// BYMONTH, 1 to 12.
    pub by_month: Vec<u8>,
    /// BYSETPOS, ±1 to ±366.
    pub by_set_pos: Vec<i16>,
    /// WKST.
    pub week_start: Day,
    /// Parts this version does not model (RSCALE, SKIP, X- parts), as written, sorted by name. A
    /// rule with any of them is not expanded.
    pub other: Vec<(String, String)>,
}

impl Rule {
    /// Every period of `freq`, without end.
    pub fn new(freq: Freq) -> Self {
        Self {
            freq,
            interval: 1,
            end: RuleEnd::Never,
            by_second: Vec::new(),
            by_minute: Vec::new(),
            by_hour: Vec::new(),
            by_day: Vec::new(),
            by_month_day: Vec::new(),
            by_year_day: Vec::new(),
            by_week_no: Vec::new(),
            by_month: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: Day::Monday,
            other: Vec::new(),
        }
    }

    /// The same rule without COUNT and UNTIL.
    #[must_use]
    pub fn endless(self) -> Self {
        Self {
            end: RuleEnd::Never,
            ..self
        }
    }
}

impl Freq {
    /// The name in text: `DAILY`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secondly => "SECONDLY",
            Self::Minutely => "MINUTELY",
            Self::Hourly => "HOURLY",
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        }
    }

    /// Whether the period is shorter than a day. Such rules run in elapsed time, all others on the
    /// wall clock.
    pub fn is_sub_daily(self) -> bool {
        self < Self::Daily
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Day {
    /// MO.
    Monday,
    /// TU.
    Tuesday,
    /// WE.
    Wednesday,
    /// TH.
    Thursday,
    /// FR.
    Friday,
    /// SA.
    Saturday,
    /// SU.
    Sunday,
}

impl Day {
    /// The two letters in text: `MO`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Monday => "MO",
            Self::Tuesday => "TU",
            Self::Wednesday => "WE",
            Self::Thursday => "TH",
            Self::Friday => "FR",
            Self::Saturday => "SA",
            Self::Sunday => "SU",
        }
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
            Weekday::Sunday => Self::Sunday,
        }
    }
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Monday => Self::Monday,
            Day::Tuesday => Self::Tuesday,
            Day::Wednesday => Self::Wednesday,
            Day::Thursday => Self::Thursday,
            Day::Friday => Self::Friday,
            Day::Saturday => Self::Saturday,
            Day::Sunday => Self::Sunday,
        }
    }
}
