//! The simulator's own expansion of recurrence: wall-clock iteration in the
//! event's zone, mapped to instants with the offset before a gap and the first
//! of two folds. Independent of the engine's on purpose; `tests/` compares it
//! with python-dateutil. Pure.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use super::rule::{Freq, Lines, Rule};
use super::times::Moment;

/// Periods looked at before a rule counts as never matching again.
const PERIODS_MAX: usize = 60_000;

/// A recurring event's set of occurrences.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) start: Moment,
    pub(super) zone: TimeZone,
    pub(super) lines: Lines,
}

impl Series {
    /// Original starts in order, up to and including `last`, at most `max`.
    pub(super) fn occurrences(&self, last: Moment, max: usize) -> Vec<Moment> {
        let mut set: BTreeSet<Moment> = match &self.lines.rule {
            Some(rule) => self.run(rule, last, max),
            None => BTreeSet::from([self.start]),
        };
        set.extend(&self.lines.rdates);
        if let Some(rule) = &self.lines.exrule {
            for gone in self.run(rule, last, max) {
                set.remove(&gone);
            }
        }
        for gone in &self.lines.exdates {
            set.remove(gone);
        }
        set.into_iter().filter(|m| *m <= last).take(max).collect()
    }

    /// Whether `at` is the original start of an occurrence.
    pub(super) fn produces(&self, at: Moment) -> bool {
        at.is_day() == self.start.is_day() && self.occurrences(at, usize::MAX).last() == Some(&at)
    }

    /// Whether the rule itself yields DTSTART, whatever UNTIL and EXDATE say.
    pub(super) fn starts_on_rule(&self) -> bool {
        self.lines.rule.as_ref().is_none_or(|rule| {
            let endless = Rule {
                until: None,
                count: None,
                ..rule.clone()
            };
            self.run(&endless, self.start, 1).contains(&self.start)
        })
    }

    fn run(&self, rule: &Rule, last: Moment, max: usize) -> BTreeSet<Moment> {
        let mut out = BTreeSet::new();
        let start = self.start.civil(&self.zone);
        let plan = Plan::new(rule, start, self.start.is_day());
        let last_day = last.civil(&self.zone).date();
        let horizon = last_day.tomorrow().unwrap_or(last_day);
        let mut counted = 0_u32;
        for index in 0..PERIODS_MAX {
            let Some((first, candidates)) = plan.period(index) else {
                break;
            };
            if first > horizon {
                break;
            }
            for civil in candidates {
                let Some(moment) = self.moment(civil).filter(|m| *m >= self.start) else {
                    continue;
                };
                counted += 1;
                let over = rule.count.is_some_and(|n| counted > n)
                    || rule.until.is_some_and(|until| moment > until)
                    || moment > last
                    || out.len() >= max;
                if over {
                    return out;
                }
                out.insert(moment);
            }
        }
        out
    }

    fn moment(&self, civil: DateTime) -> Option<Moment> {
        if self.start.is_day() {
            Some(Moment::Day(civil.date()))
        } else {
            self.zone.to_timestamp(civil).ok().map(Moment::Instant)
        }
    }
}

/// A rule with its defaults taken from DTSTART.
struct Plan<'r> {
    rule: &'r Rule,
    start: DateTime,
    months: Vec<i32>,
    month_days: Vec<i32>,
    days: Vec<(i32, Weekday)>,
    times: Vec<Time>,
}

impl<'r> Plan<'r> {
    fn new(rule: &'r Rule, start: DateTime, all_day: bool) -> Self {
        let mut months = rule.by_month.clone();
        let mut month_days = rule.by_month_day.clone();
        let mut days = rule.by_day.clone();
        let open = rule.by_week_no.is_empty()
            && rule.by_year_day.is_empty()
            && month_days.is_empty()
            && days.is_empty();
        match rule.freq {
            Freq::Yearly if open => {
                if months.is_empty() {
                    months.push(i32::from(start.month()));
                }
                month_days.push(i32::from(start.day()));
            }
            Freq::Monthly if open => month_days.push(i32::from(start.day())),
            Freq::Weekly if open => days.push((0, start.weekday())),
            _ => {}
        }
        let or = |list: &[i32], default: i8| {
            if list.is_empty() {
                vec![i32::from(default)]
            } else {
                list.to_vec()
            }
        };
        let mut times = BTreeSet::new();
        if all_day {
            times.insert(Time::midnight());
        } else {
            for hour in or(&rule.by_hour, start.hour()) {
                for minute in or(&rule.by_minute, start.minute()) {
                    for second in or(&rule.by_second, start.second()) {
                        let small = |n: i32| i8::try_from(n).unwrap_or(0);
                        if let Ok(time) = Time::new(small(hour), small(minute), small(second), 0) {
                            times.insert(time);
                        }
                    }
                }
            }
        }
        Self {
            rule,
            start,
            months,
            month_days,
            days,
            times: times.into_iter().collect(),
        }
    }

    /// The first day and the candidates, in order, of the `index`-th period;
    /// `None` past year 9999.
    fn period(&self, index: usize) -> Option<(Date, Vec<DateTime>)> {
        let steps = i64::try_from(index).ok()? * i64::from(self.rule.interval);
        let day = self.start.date();
        let (first, length): (Date, Span) = match self.rule.freq {
            Freq::Daily => (
                day.checked_add(Span::new().try_days(steps).ok()?).ok()?,
                1.day(),
            ),
            Freq::Weekly => {
                let back = day.weekday().since(self.rule.wkst);
                let week = day.checked_sub(i64::from(back).days()).ok()?;
                (
                    week.checked_add(Span::new().try_weeks(steps).ok()?).ok()?,
                    1.week(),
                )
            }
            Freq::Monthly => (
                day.first_of_month()
                    .checked_add(Span::new().try_months(steps).ok()?)
                    .ok()?,
                1.month(),
            ),
            Freq::Yearly => (
                day.first_of_year()
                    .checked_add(Span::new().try_years(steps).ok()?)
                    .ok()?,
                1.year(),
            ),
        };
        let end = first.checked_add(length).ok()?;
        let mut out = Vec::new();
        let mut day = first;
        while day < end {
            if self.takes(day) {
                out.extend(self.times.iter().map(|time| day.to_datetime(*time)));
            }
            day = day.tomorrow().ok()?;
        }
        if !self.rule.by_set_pos.is_empty() {
            out = positions(&out, &self.rule.by_set_pos);
        }
        Some((first, out))
    }

    fn takes(&self, day: Date) -> bool {
        let list = |values: &[i32], wanted: i32| values.is_empty() || values.contains(&wanted);
        let both = |values: &[i32], up: i32, size: i32| {
            values.is_empty() || values.contains(&up) || values.contains(&(up - size - 1))
        };
        list(&self.months, i32::from(day.month()))
            && both(
                &self.month_days,
                i32::from(day.day()),
                i32::from(day.days_in_month()),
            )
            && both(
                &self.rule.by_year_day,
                i32::from(day.day_of_year()),
                i32::from(day.days_in_year()),
            )
            && self.takes_week(day)
            && self.takes_weekday(day)
    }

    fn takes_week(&self, day: Date) -> bool {
        if self.rule.by_week_no.is_empty() {
            return true;
        }
        week_number(day, self.rule.wkst).is_some_and(|(number, weeks)| {
            self.rule.by_week_no.contains(&number)
                || self.rule.by_week_no.contains(&(number - weeks - 1))
        })
    }

    fn takes_weekday(&self, day: Date) -> bool {
        if self.days.is_empty() {
            return true;
        }
        let in_month = self.rule.freq == Freq::Monthly || !self.months.is_empty();
        let (ordinal, size) = if in_month {
            (i32::from(day.day()), i32::from(day.days_in_month()))
        } else {
            (i32::from(day.day_of_year()), i32::from(day.days_in_year()))
        };
        let forward = (ordinal - 1) / 7 + 1;
        let backward = -((size - ordinal) / 7 + 1);
        self.days.iter().any(|(nth, weekday)| {
            *weekday == day.weekday() && (*nth == 0 || *nth == forward || *nth == backward)
        })
    }
}

/// The week number of `day` and the number of weeks of the year it belongs to,
/// with weeks starting on `wkst` and week 1 having at least four days.
fn week_number(day: Date, wkst: Weekday) -> Option<(i32, i32)> {
    let first_week = |year: i16| {
        let fourth = Date::new(year, 1, 4).ok()?;
        fourth
            .checked_sub(i64::from(fourth.weekday().since(wkst)).days())
            .ok()
    };
    let days = |from: Date, to: Date| i32::try_from(to.duration_since(from).as_hours() / 24).ok();
    let mut year = day.year();
    if day < first_week(year)? {
        year -= 1;
    } else if day >= first_week(year + 1)? {
        year += 1;
    }
    let first = first_week(year)?;
    let weeks = days(first, first_week(year + 1)?)? / 7;
    Some((days(first, day)? / 7 + 1, weeks))
}

fn positions(all: &[DateTime], wanted: &[i32]) -> Vec<DateTime> {
    let mut out = BTreeSet::new();
    for position in wanted {
        let index = if *position > 0 {
            usize::try_from(position - 1).ok()
        } else {
            usize::try_from(-position)
                .ok()
                .and_then(|back| all.len().checked_sub(back))
        };
        out.extend(index.and_then(|at| all.get(at)));
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::knobs::Knobs;
    use crate::google::{rule, times};

    fn series(start: &str, zone: &str, lines: &[&str]) -> Series {
        let zone = times::zone(zone).unwrap();
        let start = if start.len() == 10 {
            Moment::Day(start.parse().unwrap())
        } else {
            Moment::Instant(zone.to_timestamp(start.parse().unwrap()).unwrap())
        };
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        Series {
            start,
            zone,
            lines: rule::parse(&lines, start, &Knobs::default()).unwrap(),
        }
    }

    fn list(series: &Series, max: usize) -> Vec<String> {
        let far = if series.start.is_day() {
            Moment::Day("2100-01-01".parse().unwrap())
        } else {
            Moment::Instant("2100-01-01T00:00:00Z".parse().unwrap())
        };
        series
            .occurrences(far, max)
            .into_iter()
            .map(crate::google::ids::stamp)
            .collect()
    }

    #[test]
    fn the_wall_clock_holds_over_a_gap() {
        let daily = series(
            "2026-03-28T02:30:00",
            "Europe/Berlin",
            &["RRULE:FREQ=DAILY"],
        );
        assert_eq!(
            list(&daily, 3),
            ["20260328T013000Z", "20260329T013000Z", "20260330T003000Z"]
        );
    }

    #[test]
    fn leap_days_wait_for_leap_years() {
        let yearly = series("2024-02-29", "UTC", &["RRULE:FREQ=YEARLY"]);
        assert_eq!(list(&yearly, 3), ["20240229", "20280229", "20320229"]);
    }

    #[test]
    fn exdates_count_and_rdates_add() {
        let some = series(
            "2026-11-02",
            "UTC",
            &[
                "RRULE:FREQ=DAILY;COUNT=3",
                "EXDATE;VALUE=DATE:20261103",
                "RDATE;VALUE=DATE:20261201",
            ],
        );
        assert_eq!(list(&some, 9), ["20261102", "20261104", "20261201"]);
        assert!(some.produces(Moment::Day("2026-12-01".parse().unwrap())));
        assert!(!some.produces(Moment::Day("2026-11-03".parse().unwrap())));
    }

    #[test]
    fn until_before_the_start_leaves_nothing() {
        let none = series("2026-11-02", "UTC", &["RRULE:FREQ=DAILY;UNTIL=20261001"]);
        assert!(list(&none, 9).is_empty());
        assert!(none.starts_on_rule());
    }

    #[test]
    fn a_start_beside_the_rule_is_noticed() {
        // 2026-11-02 is a Monday.
        assert!(series("2026-11-02", "UTC", &["RRULE:FREQ=WEEKLY;BYDAY=MO"]).starts_on_rule());
        assert!(!series("2026-11-02", "UTC", &["RRULE:FREQ=WEEKLY;BYDAY=TU"]).starts_on_rule());
        assert!(
            !series(
                "2026-11-02",
                "UTC",
                &["RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]
            )
            .starts_on_rule()
        );
    }
}
