//! What a whole series shows: its occurrences with cancellations taken out and overrides put where
//! they moved to. The window's questions are answered here.

use jiff::SignedDuration;

use super::Recurrence;
use super::expand::{Cut, Limits, MAX_RULES, Merge};
use super::rule::{Freq, Rule, RuleEnd};
use super::source::{SLACK, last_moment};
use super::wall::Wall;
use crate::model::series::{Fields, OverrideValue, RecurrenceId, Series};
use crate::model::time::{Span, Timestamp, When, ZoneName};

/// One event a person sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Which occurrence; `None` for an event that does not repeat.
    pub id: Option<RecurrenceId>,
    /// Where it takes place.
    pub when: When,
    /// What it shows: an override's own fields, else the master's (whose `when` is the first
    /// occurrence's, not this one's).
    pub fields: &'a Fields,
}

/// Events in order of their starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Showing<'a> {
    /// The events.
    pub items: Vec<Shown<'a>>,
    /// Whether these are all.
    pub cut: Cut,
}

/// Everything of `series` that touches the window, from its first moment up to, not including, its
/// second. Overrides count where they are now, not where they were; one whose occurrence the rule
/// does not give is shown all the same.
pub fn series_occurrences<'a>(
    series: &'a Series,
    floating: &ZoneName,
    window: (Timestamp, Timestamp),
    limits: &Limits,
) -> Showing<'a> {
    let mut found = Showing::default();
    if let Some(master) = &series.master {
        match &master.recurrence {
            None if in_window(&master.when, window, floating) => found.items.push(Shown {
                id: None,
                when: master.when.clone(),
                fields: master,
            }),
            None => {}
            Some(recurrence) => {
                found = inherited(series, master, recurrence, floating, window, limits);
            }
        }
    }
    for (id, fields) in overriding(series) {
        if in_window(&fields.when, window, floating) {
            found.items.push(Shown {
                id: Some(id),
                when: fields.when.clone(),
                fields,
            });
        }
    }
    found
        .items
        .sort_by_cached_key(|shown| (shown.when.instants(floating).0, shown.id));
    if found.items.len() > limits.occurrences {
        found.items.truncate(limits.occurrences);
        found.cut = Cut::Occurrences;
    }
    found
}

/// What the master gives in the window where nothing overrides it.
fn inherited<'a>(
    series: &'a Series,
    master: &'a Fields,
    recurrence: &Recurrence,
    floating: &ZoneName,
    window: (Timestamp, Timestamp),
    limits: &Limits,
) -> Showing<'a> {
    let mut found = Showing::default();
    let mut merge = Merge::new(
        &master.when,
        recurrence,
        floating,
        Some(window.0),
        limits.iterations,
    );
    while let Some(candidate) = merge.next() {
        if candidate.at >= window.1 {
            break;
        }
        let id = merge.id(&candidate);
        if series.overrides.contains_key(&id) || !merge.touches(&candidate, window.0) {
            continue;
        }
        if found.items.len() >= limits.occurrences {
            found.cut = Cut::Occurrences;
            return found;
        }
        found.items.push(Shown {
            id: Some(id),
            when: merge.when(&candidate),
            fields: master,
        });
    }
    found.cut = merge.cut();
    found
}

/// The overrides that show something.
fn overriding(series: &Series) -> impl Iterator<Item = (RecurrenceId, &Fields)> {
    series
        .overrides
        .iter()
        .filter_map(|(id, value)| match value {
            OverrideValue::Fields(fields) => Some((*id, fields.as_ref())),
            OverrideValue::Cancelled => None,
        })
}

fn in_window(when: &When, window: (Timestamp, Timestamp), floating: &ZoneName) -> bool {
    let (start, end) = when.instants(floating);
    start < window.1 && (start >= window.0 || end > window.0)
}

/// Whether anything of `series` touches the window. Where that cannot be told (steps ran out, a
/// rule this version does not know) it is true: the series then comes into view with its reason.
pub fn touches(series: &Series, window: (Timestamp, Timestamp), floating: &ZoneName) -> bool {
    if overriding(series).any(|(_, fields)| in_window(&fields.when, window, floating)) {
        return true;
    }
    let Some(master) = &series.master else {
        return false;
    };
    let Some(recurrence) = &master.recurrence else {
        return in_window(&master.when, window, floating);
    };
    let steps = Limits::default().iterations;
    let mut merge = Merge::new(&master.when, recurrence, floating, Some(window.0), steps);
    let mut begun = false;
    while let Some(candidate) = merge.next() {
        if candidate.at >= window.1 {
            // Nothing of a series that begins later is hidden by a rule we cannot read.
            return begun && merge.cut() == Cut::Unsupported;
        }
        begun = true;
        if merge.touches(&candidate, window.0)
            && !series.overrides.contains_key(&merge.id(&candidate))
        {
            return true;
        }
    }
    merge.cut() != Cut::No
}

/// The first start of anything `series` shows after `after`; `None` when there is none, or none
/// within the default limits.
pub fn first_start_after(
    series: &Series,
    after: Timestamp,
    floating: &ZoneName,
) -> Option<Timestamp> {
    let own = overriding(series).map(|(_, fields)| fields.when.instants(floating).0);
    let master = series.master.as_ref();
    let single = master
        .filter(|master| master.recurrence.is_none())
        .map(|master| master.when.instants(floating).0);
    let ruled = series.recurring_master().and_then(|(master, recurrence)| {
        let steps = Limits::default().iterations;
        let mut merge = Merge::new(&master.when, recurrence, floating, Some(after), steps);
        std::iter::from_fn(|| {
            let candidate = merge.next()?;
            Some((candidate.at, merge.id(&candidate)))
        })
        .find(|(at, id)| *at > after && !series.overrides.contains_key(id))
        .map(|(at, _)| at)
    });
    own.chain(single)
        .filter(|at| *at > after)
        .chain(ruled)
        .min()
}

/// The stretch of time `series` covers: nothing of it starts before or ends after. Exact for
/// rules with COUNT and for most with UNTIL, never too short. For an empty series the stretch is
/// empty (its end before its start).
pub fn span(series: &Series, floating: &ZoneName) -> Span {
    let mut span = Span {
        start: Timestamp::MAX,
        end: Some(Timestamp::MIN),
    };
    let mut cover = |start: Timestamp, end: Option<Timestamp>| {
        span.start = span.start.min(start);
        span.end = span.end.zip(end).map(|(known, end)| known.max(end));
    };
    for (_, fields) in overriding(series) {
        let (start, end) = fields.when.instants(floating);
        cover(start, Some(end));
    }
    if let Some(master) = &series.master {
        let (start, end) = master.when.instants(floating);
        cover(start, Some(end.max(start)));
        if let Some(recurrence) = &master.recurrence {
            let dates = Recurrence {
                dates: recurrence.dates.clone(),
                ..Recurrence::default()
            };
            let all = Merge::new(&master.when, &dates, floating, None, u64::MAX);
            cover_all(all, &mut cover);
            let rules = &recurrence.rules;
            let steps = Limits::default().iterations / (rules.len().max(1) as u64);
            for (index, rule) in rules.iter().enumerate() {
                let end =
                    (index < MAX_RULES).then(|| rule_end(&master.when, rule, floating, steps));
                cover(start, end.flatten());
            }
        }
    }
    span
}

fn cover_all(mut merge: Merge<'_>, cover: &mut impl FnMut(Timestamp, Option<Timestamp>)) {
    while let Some(candidate) = merge.next() {
        cover(candidate.at, Some(merge.end(&candidate)));
    }
}

/// When the last occurrence of one rule ends, at the latest.
fn rule_end(start: &When, rule: &Rule, floating: &ZoneName, steps: u64) -> Option<Timestamp> {
    let alone = Recurrence::of(rule.clone());
    let last_end = |from| {
        let mut merge = Merge::new(start, &alone, floating, from, steps);
        let mut last = None;
        while let Some(candidate) = merge.next() {
            last = last.max(Some(merge.end(&candidate)));
        }
        (last, merge.cut())
    };
    match rule.end {
        RuleEnd::Never => None,
        RuleEnd::Count(_) => match last_end(None) {
            (last, Cut::No) => last,
            _ => None,
        },
        RuleEnd::Until(_) => {
            let wall = Wall::of(start, floating);
            let until = last_moment(rule, &wall).unwrap_or(Timestamp::MAX);
            let (from, to) = start.instants(floating);
            if until < from {
                return Some(to);
            }
            let near = until
                .checked_sub(two_periods(rule))
                .unwrap_or(Timestamp::MIN);
            let length = to.duration_since(from).max(SignedDuration::ZERO);
            match last_end(Some(near)) {
                // The start itself is always found; another start is what tells.
                (Some(last), Cut::No) if last > to || near <= from => Some(last),
                _ => Some(until.checked_add(length + SLACK).unwrap_or(Timestamp::MAX)),
            }
        }
    }
}

/// A stretch in which a plain rule has an occurrence.
fn two_periods(rule: &Rule) -> SignedDuration {
    let days = match rule.freq {
        Freq::Secondly | Freq::Minutely | Freq::Hourly | Freq::Daily => 2,
        Freq::Weekly => 14,
        Freq::Monthly => 62,
        Freq::Yearly => 731,
    };
    SignedDuration::from_hours(24 * days * i64::from(rule.interval))
}
