//! What a whole series shows: its occurrences with cancellations taken out and overrides put where
//! they moved to. The window's questions are answered here.

use jiff::SignedDuration;

use super::Recurrence;
use super::expand::{Cut, Limits, MAX_RULES, Merge};
use super::ids::{OriginalStart, original_start};
use super::onward::Onward;
use super::rule::{Freq, Rule, RuleEnd};
use super::source::{SLACK, last_moment};
use super::wall::Wall;
use crate::model::series::{Fields, OverrideValue, RecurrenceId, Series, Status};
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
    recurrence: &'a Recurrence,
    floating: &ZoneName,
    window: (Timestamp, Timestamp),
    limits: &Limits,
) -> Showing<'a> {
    let mut found = Showing::default();
    let wide = widened(master, recurrence, floating, window);
    let mut merge = Merge::new(
        &master.when,
        recurrence,
        floating,
        Some(wide.0),
        limits.iterations,
    );
    while let Some(candidate) = merge.next() {
        if candidate.at >= wide.1 {
            break;
        }
        let id = merge.id(&candidate);
        if series.overrides.contains_key(&id) {
            continue;
        }
        let (when, fields) = match moved(recurrence, id, window, floating) {
            Given::Moved(when, fields) => (when, fields),
            Given::Elsewhere => continue,
            Given::Master => {
                if candidate.at >= window.1 || !merge.touches(&candidate, window.0) {
                    continue;
                }
                (merge.when(&candidate), master)
            }
        };
        if found.items.len() >= limits.occurrences {
            found.cut = Cut::Occurrences;
            return found;
        }
        found.items.push(Shown {
            id: Some(id),
            when,
            fields,
        });
    }
    found.cut = merge.cut();
    found
}

/// What a change that holds for later occurrences makes of one of them.
enum Given<'a> {
    /// There is none: the master's own.
    Master,
    /// It is inside the window, with these fields.
    Moved(When, &'a Fields),
    /// It is outside the window, or called off.
    Elsewhere,
}

fn moved<'a>(
    recurrence: &'a Recurrence,
    id: RecurrenceId,
    window: (Timestamp, Timestamp),
    floating: &ZoneName,
) -> Given<'a> {
    let Some(onward) = recurrence.onward_at(id) else {
        return Given::Master;
    };
    match onward.when(id) {
        Some(when)
            if onward.fields.status != Status::Cancelled && in_window(&when, window, floating) =>
        {
            Given::Moved(when, &onward.fields)
        }
        _ => Given::Elsewhere,
    }
}

/// The window in which original starts may be whose occurrences touch `window`: changes that hold
/// for later occurrences may have moved them into it or made them longer.
fn widened(
    master: &Fields,
    recurrence: &Recurrence,
    floating: &ZoneName,
    window: (Timestamp, Timestamp),
) -> (Timestamp, Timestamp) {
    let (mut from, mut to) = window;
    for (back, forth) in recurrence
        .onward
        .iter()
        .map(|onward| shift(master, onward, floating))
    {
        from = from.min(
            window
                .0
                .checked_sub(forth + SLACK)
                .unwrap_or(Timestamp::MIN),
        );
        to = to.max(window.1.checked_add(back + SLACK).unwrap_or(Timestamp::MAX));
    }
    (from, to)
}

/// How far such a change takes an occurrence back at most, and how far after its original start it
/// then ends at most; neither is negative.
fn shift(
    master: &Fields,
    onward: &Onward,
    floating: &ZoneName,
) -> (SignedDuration, SignedDuration) {
    let original = match original_start(&master.when, onward.from, floating) {
        OriginalStart::Date(date) => When::all_day(date, None).instants(floating).0,
        OriginalStart::At(at) => at.instant(floating),
    };
    let (start, end) = onward.fields.when.instants(floating);
    (
        original.duration_since(start).max(SignedDuration::ZERO),
        end.duration_since(original).max(SignedDuration::ZERO),
    )
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
    let wide = widened(master, recurrence, floating, window);
    let mut merge = Merge::new(&master.when, recurrence, floating, Some(wide.0), steps);
    let mut begun = false;
    while let Some(candidate) = merge.next() {
        if candidate.at >= wide.1 {
            // Nothing of a series that begins later is hidden by a rule we cannot read.
            return begun && merge.cut() == Cut::Unsupported;
        }
        begun = true;
        let id = merge.id(&candidate);
        let shows = match moved(recurrence, id, window, floating) {
            Given::Moved(..) => true,
            Given::Elsewhere => false,
            Given::Master => candidate.at < window.1 && merge.touches(&candidate, window.0),
        };
        if shows && !series.overrides.contains_key(&id) {
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
        let from = widened(master, recurrence, floating, (after, after)).0;
        let mut merge = Merge::new(&master.when, recurrence, floating, Some(from), steps);
        std::iter::from_fn(|| {
            let candidate = merge.next()?;
            Some((candidate.at, merge.id(&candidate)))
        })
        .filter(|(_, id)| !series.overrides.contains_key(id))
        .filter_map(|(at, id)| match recurrence.onward_at(id) {
            None => Some(at),
            Some(onward) if onward.fields.status == Status::Cancelled => None,
            Some(onward) => Some(onward.when(id)?.instants(floating).0),
        })
        .filter(|at| *at > after)
        // A change for later occurrences may put them in another order.
        .take(if recurrence.onward.is_empty() { 1 } else { 32 })
        .min()
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
                let later = recurrence.onward.iter().map(|onward| {
                    let (_, forth) = shift(master, onward, floating);
                    let (begin, _) = onward.fields.when.instants(floating);
                    (begin, forth)
                });
                let (begin, longer) = later.fold((start, SignedDuration::ZERO), |all, each| {
                    (all.0.min(each.0), all.1.max(each.1 + SLACK))
                });
                let end = end
                    .flatten()
                    .map(|end| end.checked_add(longer).unwrap_or(Timestamp::MAX));
                cover(begin, end);
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
