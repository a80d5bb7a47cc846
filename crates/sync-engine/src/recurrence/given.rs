//! Which occurrences a series has when nothing overrides them, asked one at a time.
//!
//! Whoever looks at overrides asks that of each. What COUNT counts cannot be entered near the
//! occurrence that is asked about, so it is walked once and what was found is kept; everything else
//! is entered there. All answers about one series share their steps: however many overrides it has,
//! and however its rules are made, looking at them ends.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::expand::{Cut, Limits, Merge};
use super::ids::{OriginalStart, original_start};
use super::rule::RuleEnd;
use super::{Recurrence, Rule};
use crate::model::series::{Fields, RecurrenceId};
use crate::model::time::{Timestamp, When, ZoneName};

/// Steps for all answers about one series: a thousand single lookups, or a long COUNT.
const STEPS: u64 = 200_000;
/// What setting out at a rule is worth in steps.
const SETTING_OUT: u64 = 16;

/// The occurrences that a master gives, found as they are asked about.
#[derive(Debug)]
pub struct Given {
    start: When,
    recurrence: Option<Recurrence>,
    floating: ZoneName,
    known: RefCell<Known>,
}

/// What was found so far.
#[derive(Debug)]
struct Known {
    left: u64,
    answers: BTreeMap<RecurrenceId, bool>,
    /// Of a series that is walked from its start: its occurrences before `until`.
    ids: BTreeSet<RecurrenceId>,
    until: Timestamp,
    /// Nothing more can be found: from `until` on the answer is yes.
    cut: bool,
}

impl Given {
    /// Of a series' master; of an event that does not repeat there are none.
    pub fn of(master: &Fields, floating: &ZoneName) -> Self {
        Self {
            start: master.when.clone(),
            recurrence: master.recurrence.clone(),
            floating: floating.clone(),
            known: RefCell::new(Known {
                left: STEPS,
                answers: BTreeMap::new(),
                ids: BTreeSet::new(),
                until: Timestamp::MIN,
                cut: false,
            }),
        }
    }

    /// Whether these are the occurrences of that master.
    pub fn is_of(&self, master: &Fields) -> bool {
        self.start == master.when && self.recurrence == master.recurrence
    }

    /// Whether the series takes place at this occurrence. Where counting is cut short the answer is
    /// yes: a write that turns out to be refused is better than one left out.
    pub fn at(&self, id: RecurrenceId) -> bool {
        let Some(rule) = &self.recurrence else {
            return false;
        };
        let mut known = self.known.borrow_mut();
        if let Some(answer) = known.answers.get(&id) {
            return *answer;
        }
        let at = match original_start(&self.start, id, &self.floating) {
            OriginalStart::Date(date) => When::all_day(date, None).instants(&self.floating).0,
            OriginalStart::At(at) => at.instant(&self.floating),
        };
        let soon = at
            .checked_add(jiff::SignedDuration::from_secs(1))
            .unwrap_or(at);
        let answer = if is_walked_whole(rule) {
            self.walked(rule, id, soon, &mut known)
        } else {
            self.entered(rule, id, (at, soon), &mut known)
        };
        known.answers.insert(id, answer);
        answer
    }

    /// Steps that the answers so far have taken.
    pub fn steps(&self) -> u64 {
        STEPS.saturating_sub(self.known.borrow().left)
    }

    /// The walk from the start, as far as it is needed: twice as far each time, so that asking in
    /// whatever order costs little more than asking for the last.
    fn walked(
        &self,
        rule: &Recurrence,
        id: RecurrenceId,
        soon: Timestamp,
        known: &mut Known,
    ) -> bool {
        if known.until < soon && !known.cut {
            let begin = self.start.instants(&self.floating).0;
            let ahead = soon.duration_since(begin).max(jiff::SignedDuration::ZERO);
            let until = soon.checked_add(ahead).unwrap_or(Timestamp::MAX);
            self.walk(rule, until, known);
        }
        if known.until < soon {
            return true;
        }
        known.ids.contains(&id)
    }

    fn walk(&self, rule: &Recurrence, until: Timestamp, known: &mut Known) {
        let steps = known.left.min(Limits::default().iterations);
        let mut merge = Merge::new(&self.start, rule, &self.floating, None, steps);
        known.ids.clear();
        known.until = Timestamp::MIN;
        let mut reached = false;
        while let Some(candidate) = merge.next() {
            known.until = candidate.at;
            if candidate.at >= until {
                reached = true;
                break;
            }
            known.ids.insert(merge.id(&candidate));
        }
        known.left = known
            .left
            .saturating_sub(steps.saturating_sub(merge.left()));
        if merge.is_unsupported() {
            // What a rule gives that cannot be read is anybody's guess.
            known.until = Timestamp::MIN;
            known.cut = true;
        } else if !reached {
            match merge.cut() {
                Cut::No => known.until = Timestamp::MAX,
                _ => known.cut = true,
            }
        }
    }

    /// The rules entered near one occurrence.
    fn entered(
        &self,
        rule: &Recurrence,
        id: RecurrenceId,
        (at, soon): (Timestamp, Timestamp),
        known: &mut Known,
    ) -> bool {
        let rules = rule.rules.len().saturating_add(rule.exclusion_rules.len()) as u64;
        let out = rules
            .saturating_mul(SETTING_OUT)
            .saturating_add(rule.dates.len() as u64);
        known.left = known.left.saturating_sub(out);
        let limits = Limits::default();
        let steps = known.left.min(limits.iterations);
        if steps == 0 {
            return true;
        }
        let mut merge = Merge::new(&self.start, rule, &self.floating, Some(at), steps);
        let (mut found, mut running) = (false, 0);
        while let Some(candidate) = merge.next() {
            if candidate.at >= soon || running > limits.occurrences {
                break;
            }
            if merge.touches(&candidate, at) {
                running += 1;
                found |= merge.id(&candidate) == id;
            }
        }
        known.left = known
            .left
            .saturating_sub(steps.saturating_sub(merge.left()));
        found || merge.cut() != Cut::No || running > limits.occurrences
    }
}

/// Whether nothing of it can be entered anywhere but at its start. Lists of dates alone are read
/// whole in any case.
fn is_walked_whole(recurrence: &Recurrence) -> bool {
    let counts = |rule: &Rule| matches!(rule.end, RuleEnd::Count(_));
    recurrence.rules.iter().all(counts) && recurrence.exclusion_rules.iter().all(counts)
}
