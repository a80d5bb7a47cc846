//! What one rule gives: its starts in order, each once, between its COUNT and UNTIL.
//!
//! Three walks stand behind it: `plain` (the `rrule` crate), `periods` (ours, general, on the
//! wall), `elapsed` (ours, for hours and below, in instants). COUNT and UNTIL are applied here,
//! never by a walk, and so is the crossing from wall times to instants.

mod days;
mod elapsed;
mod periods;
mod plain;

use std::collections::VecDeque;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use days::Days;
use elapsed::Elapsed;
use periods::{Grid, Periods};
use plain::Plain;

use super::normal::day_end;
use super::rule::{Rule, RuleEnd, Until};
use super::wall::Wall;

#[cfg(test)]
thread_local! {
    /// Steps that this thread has taken: work is counted, not timed.
    static TAKEN: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Steps taken since this was last asked.
#[cfg(test)]
pub(crate) fn steps_taken() -> u64 {
    TAKEN.with(|taken| taken.replace(0))
}

/// Steps left to take, in the stead of a clock.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left: u64,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    /// Takes `steps`, or nothing at all and from then on nothing more.
    pub(super) fn spend(&mut self, steps: u64) -> bool {
        #[cfg(test)]
        TAKEN.with(|taken| taken.set(taken.get().saturating_add(steps)));
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}

/// A rule's times of day, sorted.
#[derive(Debug, Clone)]
struct Times {
    list: Vec<Time>,
    hours: Vec<u8>,
    minutes: Vec<u8>,
    seconds: Vec<u8>,
}

impl Times {
    fn of(rule: &Rule, wall: &Wall) -> Self {
        // RFC 5545 section 3.3.10: BYHOUR, BYMINUTE and BYSECOND are ignored for whole days.
        let whole_days = wall.is_all_day();
        let or = |list: &[u8], own: i8| {
            if whole_days || list.is_empty() {
                vec![own.unsigned_abs()]
            } else {
                list.to_vec()
            }
        };
        let start = wall.start.time();
        let (hours, minutes) = (
            or(&rule.by_hour, start.hour()),
            or(&rule.by_minute, start.minute()),
        );
        let seconds = or(&without_leap(&rule.by_second), start.second());
        let signed = |value: &u8| i8::try_from(*value).unwrap_or(0);
        let mut list = Vec::with_capacity(hours.len() * minutes.len() * seconds.len());
        for hour in &hours {
            for minute in &minutes {
                list.extend(seconds.iter().filter_map(|second| {
                    Time::new(signed(hour), signed(minute), signed(second), 0).ok()
                }));
            }
        }
        Self {
            list,
            hours,
            minutes,
            seconds,
        }
    }

    /// How many there are, at least 1.
    fn len(&self) -> u64 {
        (self.list.len() as u64).max(1)
    }

    fn get(&self, index: u64) -> Option<Time> {
        self.list.get(usize::try_from(index).ok()?).copied()
    }
}

/// BYSECOND with 60 read as 59 (RFC 5545 section 3.3.12).
fn without_leap(seconds: &[u8]) -> Vec<u8> {
    let mut seconds: Vec<u8> = seconds.iter().map(|second| (*second).min(59)).collect();
    seconds.dedup();
    seconds
}

/// One start of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuleStart {
    pub(super) at: Timestamp,
    pub(super) wall: DateTime,
    /// A gap moved it.
    pub(super) in_gap: bool,
}

/// From which start on a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// With the series' start if the rule gives it.
    AtStart,
    /// After the series' start, which is one of COUNT whether the rule gives it or not.
    AfterStart,
}

/// The starts of one rule.
pub(super) struct RuleStarts {
    walk: Walk,
    begin: Begin,
    start: Timestamp,
    until: Bound,
    count: Option<u32>,
    last: Option<Timestamp>,
    /// Starts put in order around a gap.
    sorted: VecDeque<RuleStart>,
    finished: bool,
}

enum Walk {
    Plain(Plain),
    Periods(Periods),
    Elapsed(Elapsed),
}

/// UNTIL, for its rule's walk.
#[derive(Debug, Clone, Copy)]
enum Bound {
    Never,
    Wall(DateTime),
    At(Timestamp),
}

impl Bound {
    fn of(rule: &Rule, wall: &Wall) -> Self {
        let RuleEnd::Until(until) = rule.end else {
            return Self::Never;
        };
        let last = match (until, wall.is_all_day()) {
            (Until::Date(date), _) => day_end(date),
            (Until::Local(wall), false) => wall,
            (Until::Local(wall), true) => day_end(wall.date()),
            (Until::Utc(at), true) => day_end(TimeZone::UTC.to_datetime(at).date()),
            (Until::Utc(at), false) => return Self::At(at),
        };
        // Elapsed time may pass a wall time twice: the second pass still counts.
        if rule.freq.is_sub_daily() {
            wall.latest(last).map_or(Self::Wall(last), Self::At)
        } else {
            Self::Wall(last)
        }
    }

    fn passed(self, start: &RuleStart) -> bool {
        match self {
            Self::Never => false,
            Self::Wall(last) => start.wall > last,
            Self::At(last) => start.at > last,
        }
    }
}

/// The last moment at which `rule` may have a start, if UNTIL says.
pub(super) fn last_moment(rule: &Rule, wall: &Wall) -> Option<Timestamp> {
    match Bound::of(rule, wall) {
        Bound::Never => None,
        Bound::Wall(last) => wall.latest(last),
        Bound::At(last) => Some(last),
    }
}

/// A day and two hours: more than any zone's change of offset (Samoa took a day in 2011).
pub(super) const SLACK: SignedDuration = SignedDuration::from_hours(26);

impl RuleStarts {
    /// The starts of `rule`; those before `from` may be left out. `None` for a rule that cannot be
    /// expanded: it has parts this version does not know, or repeats whole days within a day.
    pub(super) fn new(
        rule: &Rule,
        wall: &Wall,
        begin: Begin,
        from: Option<Timestamp>,
    ) -> Option<Self> {
        Self::with(rule, wall, begin, from, true)
    }

    fn with(
        rule: &Rule,
        wall: &Wall,
        begin: Begin,
        from: Option<Timestamp>,
        use_plain: bool,
    ) -> Option<Self> {
        if !rule.other.is_empty() || (wall.is_all_day() && rule.freq.is_sub_daily()) {
            return None;
        }
        let count = match rule.end {
            RuleEnd::Count(count) if begin == Begin::AfterStart => Some(count.saturating_sub(1)),
            RuleEnd::Count(count) => Some(count),
            _ => None,
        };
        // What COUNT counts cannot be skipped.
        let from = from.filter(|_| count.is_none());
        let start = wall.start.date();
        let walk = if rule.freq.is_sub_daily() {
            Walk::Elapsed(Elapsed::new(rule, wall, from))
        } else {
            let days = Days::of(rule, start);
            let times = Times::of(rule, wall);
            let grid = Grid::of(rule, &days, start);
            let floor = from
                .and_then(|from| from.checked_sub(SLACK).ok())
                .map_or(start, |from| wall.plain(from).date().max(start));
            let index = grid.at(&days, floor);
            let plain = grid
                .bounds(&days, index)
                .filter(|_| use_plain)
                .and_then(|(first, _)| Plain::new(rule, &days, &times, first));
            match plain {
                Some(plain) => Walk::Plain(plain),
                None => Walk::Periods(Periods::new(rule, days, times, (grid, index), floor)),
            }
        };
        Some(Self {
            walk,
            begin,
            start: wall.start_at(),
            until: Bound::of(rule, wall),
            count,
            last: None,
            sorted: VecDeque::new(),
            finished: false,
        })
    }

    /// The next start, later than the one before. `None` at the rule's end, and when the budget is
    /// spent.
    pub(super) fn next(&mut self, wall: &Wall, budget: &mut Budget) -> Option<RuleStart> {
        loop {
            if self.count == Some(0) {
                return None;
            }
            if self.sorted.is_empty() {
                self.pull(wall, budget);
            }
            let start = self.sorted.pop_front()?;
            let too_early = match self.begin {
                Begin::AtStart => start.at < self.start,
                Begin::AfterStart => start.at <= self.start,
            };
            if too_early || self.last.is_some_and(|last| start.at <= last) {
                continue;
            }
            self.count = self.count.map(|count| count - 1);
            self.last = Some(start.at);
            return Some(start);
        }
    }

    /// Takes the walk's next start, and with one inside a gap those that it may come after.
    fn pull(&mut self, wall: &Wall, budget: &mut Budget) {
        let mut sort_until: Option<DateTime> = None;
        while !self.finished {
            let Some((start, gap)) = self.step(wall, budget) else {
                self.finished = true;
                break;
            };
            if self.until.passed(&start) {
                self.finished = true;
                break;
            }
            let done = match sort_until {
                None if gap > 0 => {
                    // Its moment is `gap` later, and so are those of whatever shares the gap.
                    sort_until = start.wall.checked_add((2 * gap).seconds()).ok();
                    sort_until.is_none()
                }
                None => true,
                Some(end) => start.wall >= end,
            };
            self.sorted.push_back(start);
            if done {
                break;
            }
        }
        if sort_until.is_some() {
            self.sorted.make_contiguous().sort_by_key(|start| start.at);
        }
    }

    fn step(&mut self, wall: &Wall, budget: &mut Budget) -> Option<(RuleStart, i32)> {
        let naive = match &mut self.walk {
            Walk::Plain(plain) => plain.next(budget)?,
            Walk::Periods(periods) => periods.next(budget)?,
            Walk::Elapsed(elapsed) => {
                let at = elapsed.next(wall, budget)?;
                let wall = wall.show(at);
                let start = RuleStart {
                    at,
                    wall,
                    in_gap: false,
                };
                return Some((start, 0));
            }
        };
        let crossing = wall.cross(naive)?;
        let start = RuleStart {
            at: crossing.at,
            wall: naive,
            in_gap: crossing.gap != 0,
        };
        Some((start, crossing.gap))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;
    use crate::model::time::{LocalTime, When, ZoneName};
    use crate::recurrence::rule::{Day, Freq};

    fn plain_rules() -> impl Strategy<Value = Rule> {
        let days = vec![Day::Monday, Day::Wednesday, Day::Saturday, Day::Sunday];
        let ordinals = select(vec![0_i16, 0, 1, 2, 4, 5, -1, -2]);
        (
            select(vec![Freq::Daily, Freq::Weekly, Freq::Monthly, Freq::Yearly]),
            select(vec![1_u32, 1, 2, 3, 10]),
            subsequence(days.clone(), 0..=2),
            ordinals,
            prop_oneof![
                Just(Vec::new()),
                subsequence(vec![-31_i8, -3, -1, 1, 13, 28, 29, 31], 0..=2),
            ],
            prop_oneof![Just(Vec::new()), subsequence(vec![1_u8, 2, 6, 12], 0..=2)],
            subsequence(vec![0_u8, 2, 9, 23], 0..=2),
            select(days),
        )
            .prop_map(
                |(freq, interval, days, ordinal, month_days, months, hours, week_start)| {
                    let mut rule = Rule::new(freq);
                    rule.interval = interval;
                    rule.by_day = days.into_iter().map(|day| (ordinal, day)).collect();
                    rule.by_month_day = month_days;
                    rule.by_month = months;
                    rule.by_hour = hours;
                    rule.week_start = week_start;
                    rule
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            max_global_rejects: 4_096,
            ..ProptestConfig::with_cases(160)
        })]

        /// Two expanders of different descent, one result.
        #[test]
        fn the_plain_walk_and_the_general_one_agree(
            rule in plain_rules(),
            day in 0..1500_i64,
            skip in prop::option::of(0..900_i64),
        ) {
            let utc = ZoneName::utc();
            let start = jiff::civil::datetime(2023, 1, 1, 9, 0, 0, 0)
                .checked_add(day.days())
                .expect("in range");
            let start = LocalTime::new(start, crate::model::time::Zone::utc());
            let at = start.instant(&utc);
            let from = skip.map(|days| at + SignedDuration::from_hours(24 * days));
            let wall = Wall::of(&When::timed(start, None), &utc);
            let walk = |use_plain| {
                let mut budget = Budget::new(20_000);
                let mut starts =
                    RuleStarts::with(&rule, &wall, Begin::AtStart, from, use_plain).expect("known");
                let is_plain = matches!(starts.walk, Walk::Plain(_));
                let found: Vec<Timestamp> =
                    std::iter::from_fn(|| starts.next(&wall, &mut budget))
                        .map(|start| start.at)
                        .filter(|at| from.is_none_or(|from| *at >= from))
                        .take(40)
                        .collect();
                (is_plain, found)
            };
            let (is_plain, plain) = walk(true);
            prop_assume!(is_plain);
            let (_, general) = walk(false);
            let both = general.len().min(plain.len());
            prop_assert!(both > 0);
            prop_assert_eq!(&plain[..both], &general[..both]);
        }
    }
}
