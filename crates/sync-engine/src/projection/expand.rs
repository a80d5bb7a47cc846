//! What a target can hold as a series, and what becomes of the rest: single events, one per
//! occurrence.

use std::collections::BTreeMap;

use super::Projected;
use crate::model::series::OverrideValue;
use crate::model::time::Timestamp;
use crate::model::{Fields, RecurrenceId, Series, When, ZoneName};
use crate::ports::side::{Capabilities, Recurring};

use crate::recurrence::ids::original_start;
use crate::recurrence::{self, Cut, ExtraDate, Limits, OriginalStart};
use crate::snapshot::inherited;

/// Most single events in place of one series.
pub const MOST_OCCURRENCES: usize = 200;

/// Why a series cannot stand as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Several RRULEs.
    #[error("it repeats by several rules")]
    SeveralRules,
    /// An EXRULE.
    #[error("it leaves out dates by a rule (EXRULE)")]
    ExclusionRule,
    /// HOURLY and finer.
    #[error("it repeats more than once a day")]
    SubDaily,
    /// RDATE with PERIOD.
    #[error("it has extra dates with a length of their own")]
    Periods,
    /// RSCALE or parts this version does not know.
    #[error("its rule has parts that are not understood")]
    UnknownParts,
    /// DTSTART is no occurrence of its rule.
    #[error("its start does not fit its own rule")]
    StartOffRule,
    /// Only extra dates.
    #[error("it repeats by a list of dates only")]
    DatesOnly,
    /// An override without master.
    #[error("it is a single occurrence of a series that is elsewhere")]
    NoMaster,
    /// An override at a time the series does not take place.
    #[error("it changes an occurrence that its rule does not give")]
    StrayOverride,
}

/// Whether the target can hold this series as one.
pub fn holds(target: &Capabilities, series: &Series, floating: &ZoneName) -> Result<(), Why> {
    if target.recurring == Recurring::Anything {
        return Ok(());
    }
    let Some(master) = &series.master else {
        return Err(Why::NoMaster);
    };
    let Some(rule) = &master.recurrence else {
        return if series.overrides.is_empty() {
            Ok(())
        } else {
            Err(Why::StrayOverride)
        };
    };
    if !rule.exclusion_rules.is_empty() {
        return Err(Why::ExclusionRule);
    }
    let one = match rule.rules.as_slice() {
        [] => return Err(Why::DatesOnly),
        [one] => one,
        _ => return Err(Why::SeveralRules),
    };
    if one.freq.is_sub_daily() {
        return Err(Why::SubDaily);
    }
    if !one.other.is_empty() {
        return Err(Why::UnknownParts);
    }
    if rule
        .dates
        .iter()
        .any(|date| matches!(date, ExtraDate::Period { .. }))
    {
        return Err(Why::Periods);
    }
    if !recurrence::generates_start(&master.when, rule) {
        return Err(Why::StartOffRule);
    }
    let stray = series.overrides.iter().any(|(id, value)| {
        matches!(value, OverrideValue::Fields(_)) && !is_occurrence(master, *id, floating)
    });
    if stray {
        Err(Why::StrayOverride)
    } else {
        Ok(())
    }
}

/// The occurrences of a series between two instants, each as a single event of its own.
///
/// Fails when there are more than `most`, or when counting them takes too long.
pub fn occurrences(
    series: &Projected,
    window: (Timestamp, Timestamp),
    floating: &ZoneName,
    most: usize,
) -> Result<BTreeMap<RecurrenceId, Projected>, TooMany> {
    let limits = Limits {
        occurrences: most.saturating_add(1),
        ..Limits::default()
    };
    let found = recurrence::series_occurrences(series.series(), floating, window, &limits);
    if found.cut != Cut::No || found.items.len() > most {
        return Err(TooMany);
    }
    Ok(found
        .items
        .into_iter()
        .filter_map(|shown| {
            let single = Fields {
                when: shown.when,
                recurrence: None,
                ..shown.fields.clone()
            };
            Some((shown.id?, Projected(Box::new(Series::single(single)))))
        })
        .collect())
}

/// One occurrence as a single event, wherever it is; `None` if it does not take place.
pub fn occurrence(series: &Projected, id: RecurrenceId, floating: &ZoneName) -> Option<Projected> {
    let series = series.series();
    let single = match series.overrides.get(&id) {
        Some(OverrideValue::Cancelled) => return None,
        Some(OverrideValue::Fields(fields)) => fields.as_ref().clone(),
        None => {
            let master = series.master.as_ref()?;
            if !is_occurrence(master, id, floating) {
                return None;
            }
            inherited(master, id)
        }
    };
    let single = Fields {
        recurrence: None,
        ..single
    };
    Some(Projected(Box::new(Series::single(single))))
}

/// Whether a series takes place at this occurrence when nothing overrides it. Where counting is cut
/// short the answer is yes: a write that turns out to be refused is better than one left out.
pub fn is_occurrence(master: &Fields, id: RecurrenceId, floating: &ZoneName) -> bool {
    let Some(rule) = &master.recurrence else {
        return false;
    };
    let at = match original_start(&master.when, id, floating) {
        OriginalStart::Date(date) => When::all_day(date, None).instants(floating).0,
        OriginalStart::At(at) => at.instant(floating),
    };
    let soon = at
        .checked_add(jiff::SignedDuration::from_secs(1))
        .unwrap_or(at);
    let found = recurrence::occurrences_between(
        &master.when,
        rule,
        floating,
        (at, soon),
        &Limits::default(),
    );
    found.cut != Cut::No || found.items.iter().any(|occurrence| occurrence.id == id)
}

/// More occurrences than may stand for one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it takes place more than {MOST_OCCURRENCES} times inside the window")]
pub struct TooMany;
