//! The normal form of a recurrence for a given start: two that say the same in different words
//! become equal. Used before hashing and comparing; what it changes never changes an occurrence.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::rule::{Freq, Rule, RuleEnd, Until};
use super::{ExtraDate, Recurrence};
use crate::model::time::{LocalTime, When, Zone, ZoneName};

impl Recurrence {
    /// The normal form for a series that starts at `start`: every rule normalised, rules and dates
    /// sorted and once each, dates in the start's value type and zone.
    ///
    /// Times in another zone than a *floating* start's stay as they are: what they mean to it
    /// depends on the mapping.
    #[must_use]
    pub fn normalized(&self, start: &When) -> Self {
        let rules = |rules: &[Rule]| {
            let mut rules: Vec<Rule> = rules.iter().map(|rule| rule.normalized(start)).collect();
            rules.sort_by_cached_key(ToString::to_string);
            rules.dedup();
            rules
        };
        let utc = ZoneName::utc();
        let key = |date: &ExtraDate| match date {
            ExtraDate::Date(date) => (midnight(*date).instant(&utc), None),
            ExtraDate::At(at) => (at.instant(&utc), None),
            ExtraDate::Period { start, end } => (start.instant(&utc), Some(end.instant(&utc))),
        };
        let mut dates: Vec<ExtraDate> = self
            .dates
            .iter()
            .map(|date| normal_date(date, start))
            .collect();
        dates.sort_by_cached_key(key);
        dates.dedup();
        Self {
            rules: rules(&self.rules),
            exclusion_rules: rules(&self.exclusion_rules),
            dates,
            onward: self.onward.clone(),
        }
    }
}

impl Rule {
    /// The normal form for a series that starts at `start`.
    ///
    /// * UNTIL becomes a date for whole days, an instant for a start in a zone, and a wall time
    ///   for a floating one (where an instant stays an instant: only the mapping's zone could
    ///   tell). A date on a timed start means through the end of that day on the start's wall; a
    ///   wall time is one on the start's wall; an instant on an all-day start means its UTC date.
    /// * WKST becomes Monday where it makes no difference.
    ///
    /// BYxxx parts that only restate the start stay: a later move of the start would tell.
    #[must_use]
    pub fn normalized(&self, start: &When) -> Self {
        let mut rule = self.clone();
        if let RuleEnd::Until(until) = self.end {
            rule.end = RuleEnd::Until(normal_until(until, start));
        }
        if !self.weeks_matter(start) {
            rule.week_start = Self::new(self.freq).week_start;
        }
        rule
    }

    /// Whether WKST can make a difference. It cannot while all days of a weekly rule are the
    /// start's own weekday, nor while every week counts and counts as a whole.
    fn weeks_matter(&self, start: &When) -> bool {
        let weekday = match start {
            When::AllDay { start, .. } => start.weekday(),
            When::Timed { start, .. } => start.wall.weekday(),
        };
        let one_day = self
            .by_day
            .iter()
            .all(|(_, day)| Weekday::from(*day) == weekday)
            && (!self.by_day.is_empty()
                || (self.by_month_day.is_empty() && self.by_year_day.is_empty()));
        let weekly = self.freq == Freq::Weekly
            && !one_day
            && (self.interval > 1 || !self.by_set_pos.is_empty());
        weekly || !self.by_week_no.is_empty() || !self.other.is_empty()
    }
}

fn midnight(date: Date) -> LocalTime {
    LocalTime::new(date.to_datetime(Time::midnight()), Zone::Floating)
}

/// The last whole second of a day.
pub(super) fn day_end(date: Date) -> DateTime {
    date.at(23, 59, 59, 0)
}

fn normal_until(until: Until, start: &When) -> Until {
    match start {
        When::AllDay { .. } => Until::Date(match until {
            Until::Date(date) => date,
            Until::Local(wall) => wall.date(),
            Until::Utc(at) => TimeZone::UTC.to_datetime(at).date(),
        }),
        When::Timed { start, .. } => {
            let wall = match until {
                Until::Date(date) => day_end(date),
                Until::Local(wall) => wall,
                Until::Utc(_) => return until,
            };
            match &start.zone {
                Zone::Floating => Until::Local(wall),
                Zone::Named(name) => {
                    let local = LocalTime::new(wall, start.zone.clone());
                    // A wall time that comes twice has not passed before its second pass.
                    let passed = name.rules().to_ambiguous_timestamp(wall).later();
                    Until::Utc(passed.unwrap_or_else(|_| local.instant(name)))
                }
            }
        }
    }
}

fn normal_date(date: &ExtraDate, start: &When) -> ExtraDate {
    match start {
        When::AllDay { .. } => match date {
            ExtraDate::Date(date) => ExtraDate::Date(*date),
            ExtraDate::At(at) => ExtraDate::Date(at.wall.date()),
            // A length of its own cannot be dropped.
            ExtraDate::Period { .. } => date.clone(),
        },
        When::Timed { start, .. } => match date {
            ExtraDate::Date(date) => ExtraDate::At(LocalTime::new(
                date.to_datetime(start.wall.time()),
                start.zone.clone(),
            )),
            ExtraDate::At(at) => ExtraDate::At(in_zone_of(at, start)),
            ExtraDate::Period { start: from, end } => ExtraDate::Period {
                start: in_zone_of(from, start),
                end: in_zone_of(end, start),
            },
        },
    }
}

/// `at` on the wall of `start`'s zone, where that can be said.
fn in_zone_of(at: &LocalTime, start: &LocalTime) -> LocalTime {
    match (&at.zone, &start.zone) {
        (Zone::Floating, _) => LocalTime::new(at.wall, start.zone.clone()),
        (_, Zone::Floating) => at.clone(),
        (own, zone) if own == zone => LocalTime::new(at.wall, start.zone.clone()),
        (_, Zone::Named(name)) => LocalTime::in_zone(at.instant(name), name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    fn berlin() -> Zone {
        Zone::Named(ZoneName::new("Europe/Berlin").expect("known"))
    }

    fn until(text: &str, start: &When) -> String {
        Rule::parse(&format!("FREQ=DAILY;UNTIL={text}"))
            .expect("a rule")
            .normalized(start)
            .to_string()
            .replace("FREQ=DAILY;UNTIL=", "")
    }

    #[test]
    fn until_takes_the_type_the_start_demands() {
        let days = When::all_day(date(2026, 1, 1), None);
        let wall = datetime(2026, 1, 1, 10, 0, 0, 0);
        let zoned = When::timed(LocalTime::new(wall, berlin()), None);
        let floating = When::timed(LocalTime::new(wall, Zone::Floating), None);

        assert_eq!(until("20260103", &days), "20260103");
        assert_eq!(until("20260103T000000Z", &days), "20260103");
        assert_eq!(until("20260103T235959", &days), "20260103");
        assert_eq!(until("20260103", &zoned), "20260103T225959Z");
        assert_eq!(until("20260703T100000", &zoned), "20260703T080000Z");
        assert_eq!(until("20260103T090000Z", &zoned), "20260103T090000Z");
        assert_eq!(until("20260103", &floating), "20260103T235959");
        assert_eq!(until("20260103T100000", &floating), "20260103T100000");
    }

    #[test]
    fn wkst_goes_only_where_it_says_nothing() {
        let start = When::all_day(date(2026, 1, 1), None);
        for (text, kept) in [
            ("FREQ=WEEKLY;BYDAY=MO,SU;WKST=SU", false),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU", true),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;WKST=SU", false),
            ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", false),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", true),
            ("FREQ=WEEKLY;BYDAY=MO,SU;BYSETPOS=1;WKST=SU", true),
            ("FREQ=YEARLY;BYWEEKNO=1;WKST=SU", true),
            ("FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", false),
        ] {
            let rule = Rule::parse(text).expect("a rule").normalized(&start);
            assert_eq!(rule.to_string().contains("WKST"), kept, "{text}");
        }
    }

    #[test]
    fn dates_come_in_the_starts_zone_and_order() {
        let start = When::timed(
            LocalTime::new(datetime(2026, 1, 1, 10, 0, 0, 0), berlin()),
            None,
        );
        let at = |wall, zone| ExtraDate::At(LocalTime::new(wall, zone));
        let written = Recurrence {
            dates: vec![
                at(datetime(2026, 1, 9, 11, 0, 0, 0), Zone::utc()),
                ExtraDate::Date(date(2026, 1, 5)),
                at(datetime(2026, 1, 9, 12, 0, 0, 0), berlin()),
            ],
            ..Recurrence::default()
        };
        assert_eq!(
            written.normalized(&start).dates,
            [
                at(datetime(2026, 1, 5, 10, 0, 0, 0), berlin()),
                at(datetime(2026, 1, 9, 12, 0, 0, 0), berlin()),
            ]
        );
    }
}
