//! The occurrences of a start and its recurrence, in order: the start and RDATEs and the starts of
//! every RRULE, each moment once, without those of EXRULEs (RFC 5545 section 3.8.5).
//!
//! How it is read where the RFC is silent or clients differ:
//! * The start is always an occurrence, the first one of every COUNT, whether a rule gives it or
//!   not. Only an EXRULE or a cancelled override takes it away.
//! * Rules run on the wall clock of the start's zone; those of hours and below run in elapsed
//!   time. Wall times in a gap happen later by the gap, those in a fold in its first pass.
//! * Of two occurrences at the same moment one stays: the one with an end of its own, else that
//!   of the start or an RDATE.
//!
//! EXDATEs are not here: they are `Cancelled` overrides (`series`).

use std::iter::Peekable;
use std::vec;

use super::ids::with_own_end;
use super::length::{Length, Start};
use super::source::{Begin, Budget, RuleStart, RuleStarts};
use super::wall::{Wall, unmarked};
use super::{ExtraDate, Recurrence, Rule, RuleEnd};
use crate::model::series::RecurrenceId;
use crate::model::time::{LocalTime, Timestamp, When, ZoneName};

/// What an expansion may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Occurrences that are returned.
    pub occurrences: usize,
    /// Steps that are taken, in the stead of time: the core has no clock. A step is one day, hour,
    /// minute or start looked at, at about a microsecond.
    pub iterations: u64,
}

impl Default for Limits {
    /// 10,000 occurrences, 50,000 steps: 130 years of days.
    fn default() -> Self {
        Self {
            occurrences: 10_000,
            iterations: 50_000,
        }
    }
}

/// Whether an expansion is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// Complete.
    #[default]
    No,
    /// There are more occurrences than were allowed.
    Occurrences,
    /// There may be more: the steps ran out.
    Iterations,
    /// There may be more: a rule cannot be expanded (RSCALE, SKIP and other parts this version
    /// does not know, hours in an all-day series, more than 64 rules). What is there without that
    /// rule was returned.
    Unsupported,
}

/// One occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Its id within the series.
    pub id: RecurrenceId,
    /// Where it takes place if nothing overrides it.
    pub when: When,
}

/// Occurrences in order of their starts, no two at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Occurrences {
    /// The occurrences.
    pub items: Vec<Occurrence>,
    /// Whether these are all.
    pub cut: Cut,
}

impl IntoIterator for Occurrences {
    type Item = Occurrence;
    type IntoIter = vec::IntoIter<Occurrence>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// All occurrences of a series that starts at `start`, up to `limits`.
pub fn occurrences(
    start: &When,
    recurrence: &Recurrence,
    floating: &ZoneName,
    limits: &Limits,
) -> Occurrences {
    collect(
        Merge::new(start, recurrence, floating, None, limits.iterations),
        None,
        limits,
    )
}

/// The occurrences that touch the window from its first moment up to, not including, its second:
/// those that start in it or are still on when it begins. Rules without COUNT are entered near the
/// window, however long ago they started.
pub fn occurrences_between(
    start: &When,
    recurrence: &Recurrence,
    floating: &ZoneName,
    window: (Timestamp, Timestamp),
    limits: &Limits,
) -> Occurrences {
    let merge = Merge::new(
        start,
        recurrence,
        floating,
        Some(window.0),
        limits.iterations,
    );
    collect(merge, Some(window), limits)
}

fn collect(
    mut merge: Merge<'_>,
    window: Option<(Timestamp, Timestamp)>,
    limits: &Limits,
) -> Occurrences {
    let mut found = Occurrences::default();
    while let Some(candidate) = merge.next() {
        if let Some((from, until)) = window {
            if candidate.at >= until {
                break;
            }
            if !merge.touches(&candidate, from) {
                continue;
            }
        }
        if found.items.len() >= limits.occurrences {
            found.cut = Cut::Occurrences;
            return found;
        }
        found.items.push(Occurrence {
            id: merge.id(&candidate),
            when: merge.when(&candidate),
        });
    }
    found.cut = merge.cut();
    found
}

/// Whether a rule gives the start itself. True without any rule: the start then stands alone.
/// (A series whose start its rule does not give is one that Google cannot hold.)
pub fn generates_start(start: &When, recurrence: &Recurrence) -> bool {
    let wall = Wall::of(start, &ZoneName::utc());
    let mut budget = Budget::new(Limits::default().iterations);
    let gives = |rule: &Rule| {
        RuleStarts::new(rule, &wall, Begin::AtStart, None)
            .and_then(|mut starts| starts.next(&wall, &mut budget))
            .is_some_and(|first| first.wall == wall.start)
    };
    recurrence.rules.is_empty() || recurrence.rules.iter().take(MAX_RULES).any(gives)
}

/// Whether the rules end before the start that they would give: a series that was cut at its first
/// occurrence, or moved beyond its end. Its start takes place all the same (RFC 5545 section
/// 3.8.5.3), but not at Google.
pub fn ends_before_start(start: &When, recurrence: &Recurrence) -> bool {
    let ends = |rule: &Rule| matches!(rule.end, RuleEnd::Until(_));
    let endless = || Recurrence {
        rules: recurrence
            .rules
            .iter()
            .cloned()
            .map(Rule::endless)
            .collect(),
        ..recurrence.clone()
    };
    !recurrence.rules.is_empty()
        && recurrence.rules.iter().all(ends)
        && !generates_start(start, recurrence)
        && generates_start(start, &endless())
}

/// Rules of a series that are expanded. Nobody writes more; whoever does attacks.
pub(super) const MAX_RULES: usize = 64;

/// A start of the recurrence set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) at: Timestamp,
    wall: jiff::civil::DateTime,
    in_gap: bool,
    own_end: Option<&'a LocalTime>,
}

/// The recurrence set as a merge of its sources, in order.
pub(super) struct Merge<'a> {
    wall: Wall,
    length: Length,
    /// Every length is exact.
    elapsed: bool,
    fixed: Peekable<vec::IntoIter<Candidate<'a>>>,
    rules: Vec<Head>,
    excluded: Vec<Head>,
    budget: Budget,
    unsupported: bool,
    floating: ZoneName,
}

/// A rule and the start it is at.
struct Head {
    starts: RuleStarts,
    next: Option<RuleStart>,
    fresh: bool,
}

impl Head {
    /// The start the rule is at.
    fn peek(&mut self, wall: &Wall, budget: &mut Budget) -> Option<RuleStart> {
        if self.fresh {
            self.fresh = false;
            self.next = self.starts.next(wall, budget);
        }
        self.next
    }

    /// Goes past every start up to `at`; whether one was at that moment.
    fn pass(&mut self, at: Timestamp, wall: &Wall, budget: &mut Budget) -> bool {
        while let Some(start) = self.peek(wall, budget) {
            if start.at > at {
                return false;
            }
            self.fresh = true;
            if start.at == at {
                return true;
            }
        }
        false
    }
}

impl<'a> Merge<'a> {
    /// The set of `start` and `recurrence`; occurrences that end before `from` may be left out.
    pub(super) fn new(
        start: &When,
        recurrence: &'a Recurrence,
        floating: &ZoneName,
        from: Option<Timestamp>,
        iterations: u64,
    ) -> Self {
        let wall = Wall::of(start, floating);
        let length = Length::of(start, floating);
        let elapsed = recurrence.is_sub_daily() && !wall.is_all_day();
        let back = length.at_most(elapsed);
        let from = from.map(|from| from.checked_sub(back).unwrap_or(Timestamp::MIN));
        let mut unsupported = false;
        let mut heads = |rules: &[Rule], begin| {
            let mut heads = Vec::with_capacity(rules.len());
            for (index, rule) in rules.iter().enumerate() {
                let starts =
                    RuleStarts::new(rule, &wall, begin, from).filter(|_| index < MAX_RULES);
                match starts {
                    Some(starts) => heads.push(Head {
                        starts,
                        next: None,
                        fresh: true,
                    }),
                    None => unsupported = true,
                }
            }
            heads
        };
        let rules = heads(&recurrence.rules, Begin::AfterStart);
        let excluded = heads(&recurrence.exclusion_rules, Begin::AtStart);
        Self {
            fixed: fixed(&wall, recurrence, floating).into_iter().peekable(),
            elapsed,
            rules,
            excluded,
            budget: Budget::new(iterations),
            unsupported,
            wall,
            length,
            floating: floating.clone(),
        }
    }

    /// Whether what was given so far, once `next` gave nothing more, is all.
    pub(super) fn cut(&self) -> Cut {
        if self.budget.is_spent() {
            Cut::Iterations
        } else if self.unsupported {
            Cut::Unsupported
        } else {
            Cut::No
        }
    }

    /// Whether a rule of it cannot be expanded.
    pub(super) fn is_unsupported(&self) -> bool {
        self.unsupported
    }

    /// Steps that are left.
    pub(super) fn left(&self) -> u64 {
        self.budget.left()
    }

    pub(super) fn next(&mut self) -> Option<Candidate<'a>> {
        loop {
            let mut first = self.fixed.peek().copied();
            for head in &mut self.rules {
                let Some(start) = head.peek(&self.wall, &mut self.budget) else {
                    continue;
                };
                if first.is_none_or(|first| start.at < first.at) {
                    first = Some(Candidate {
                        at: start.at,
                        wall: start.wall,
                        in_gap: start.in_gap,
                        own_end: None,
                    });
                }
            }
            let first = first?;
            for head in &mut self.rules {
                if head.next.is_some_and(|start| start.at == first.at) {
                    head.fresh = true;
                }
            }
            while self.fixed.next_if(|fixed| fixed.at == first.at).is_some() {}
            let mut excluded = false;
            for head in &mut self.excluded {
                excluded |= head.pass(first.at, &self.wall, &mut self.budget);
            }
            // A rule that ran out of steps might have given something earlier, or excluded this.
            if !self.budget.spend(1) || self.budget.is_spent() {
                return None;
            }
            if !excluded {
                return Some(first);
            }
        }
    }

    pub(super) fn id(&self, candidate: &Candidate<'_>) -> RecurrenceId {
        self.wall.id(candidate.wall)
    }

    fn start(&self, candidate: &Candidate<'_>) -> Start {
        Start {
            wall: candidate.wall,
            at: candidate.at,
            exact: self.elapsed
                || candidate.wall != unmarked(candidate.wall)
                || (candidate.in_gap && !self.wall.is_floating()),
        }
    }

    pub(super) fn when(&self, candidate: &Candidate<'_>) -> When {
        match candidate.own_end {
            Some(end) => with_own_end(&self.wall, candidate.wall, candidate.at, end),
            None => self.length.when(&self.wall, self.start(candidate)),
        }
    }

    /// Whether it starts at or after `from`, or is on then.
    pub(super) fn touches(&self, candidate: &Candidate<'_>, from: Timestamp) -> bool {
        candidate.at >= from || self.end(candidate) > from
    }

    /// When it ends.
    pub(super) fn end(&self, candidate: &Candidate<'_>) -> Timestamp {
        match candidate.own_end {
            Some(end) => self
                .wall
                .end_of(end, &self.floating)
                .unwrap_or(candidate.at)
                .max(candidate.at),
            None => self.length.end(&self.wall, self.start(candidate)),
        }
    }
}

/// The start and the RDATEs, in order; of those at one moment, one with its own end first.
fn fixed<'a>(wall: &Wall, recurrence: &'a Recurrence, floating: &ZoneName) -> Vec<Candidate<'a>> {
    let dates = recurrence.dates.iter().map(|date| match date {
        ExtraDate::Date(date) => (wall.wall(RecurrenceId::Date(*date)), None),
        ExtraDate::At(at) => (wall.read(at, floating), None),
        ExtraDate::Period { start, end } => (wall.read(start, floating), Some(end)),
    });
    let mut fixed: Vec<Candidate<'a>> = std::iter::once((wall.start, None))
        .chain(dates)
        .map(|(start, own_end)| Candidate {
            at: wall.instant(start).unwrap_or(Timestamp::MAX),
            wall: start,
            in_gap: wall.cross(start).is_some_and(|crossing| crossing.gap != 0),
            own_end,
        })
        .collect();
    fixed.sort_by_key(|candidate| (candidate.at, candidate.own_end.is_none()));
    fixed
}
