//! What a target can hold as a series, and what becomes of the rest: single events, one per
//! occurrence.

use std::collections::BTreeMap;

use super::Projected;
use crate::model::series::OverrideValue;
use crate::model::time::Timestamp;
use crate::model::{Fields, RecurrenceId, Series, Status, When, ZoneName};
use crate::ports::side::{Capabilities, Recurring};

use crate::recurrence::{self, Cut, ExtraDate, Given, Limits};
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
    /// RANGE=THISANDFUTURE.
    #[error("one of its changes holds for all later occurrences")]
    ThisAndFuture,
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
    if !rule.onward.is_empty() {
        return Err(Why::ThisAndFuture);
    }
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
    let given = Given::of(master, floating);
    let stray = series
        .overrides
        .iter()
        .any(|(id, value)| matches!(value, OverrideValue::Fields(_)) && !given.at(*id));
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
    let only = only_occurrence(series.series());
    Ok(found
        .items
        .into_iter()
        .filter_map(|shown| {
            let single = Fields {
                when: shown.when,
                recurrence: None,
                ..shown.fields.clone()
            };
            // A single event beside which overrides were left is the occurrence of its own start.
            let id = shown.id.or(only)?;
            Some((id, Projected::of_target(Series::single(single))))
        })
        .collect())
}

/// The occurrences of a series as single events, asked one at a time.
pub struct Singles<'a> {
    series: &'a Series,
    given: Option<Given>,
}

impl<'a> Singles<'a> {
    /// Of this series.
    pub fn of(series: &'a Projected, floating: &ZoneName) -> Self {
        let series = series.series();
        let master = series.master.as_ref();
        Self {
            series,
            given: master.map(|master| Given::of(master, floating)),
        }
    }

    /// One occurrence, wherever it is; `None` if it does not take place.
    pub fn at(&self, id: RecurrenceId) -> Option<Projected> {
        let series = self.series;
        let single = match series.overrides.get(&id) {
            Some(OverrideValue::Cancelled) => return None,
            Some(OverrideValue::Fields(fields)) => fields.as_ref().clone(),
            None => {
                let master = series.master.as_ref()?;
                let fields = if only_occurrence(series) == Some(id) {
                    master.clone()
                } else if self.given.as_ref()?.at(id) {
                    inherited(master, id)
                } else {
                    return None;
                };
                if fields.status == Status::Cancelled && master.status != Status::Cancelled {
                    return None;
                }
                fields
            }
        };
        let single = Fields {
            recurrence: None,
            ..single
        };
        Some(Projected::of_target(Series::single(single)))
    }
}

/// What stands for the occurrence of an event that does not repeat: its start, or where an override
/// that was left over goes by that name, its start as the other kind of event would have it.
pub(crate) fn only_occurrence(series: &Series) -> Option<RecurrenceId> {
    let master = series.master.as_ref()?;
    if master.recurrence.is_some() {
        return None;
    }
    let names = match &master.when {
        When::AllDay { start, .. } => [
            RecurrenceId::Date(*start),
            RecurrenceId::Wall(start.at(0, 0, 0, 0)),
        ],
        When::Timed { start, .. } => [
            RecurrenceId::Wall(start.wall),
            RecurrenceId::Date(start.wall.date()),
        ],
    };
    let taken =
        |id: &RecurrenceId| matches!(series.overrides.get(id), Some(OverrideValue::Fields(_)));
    names.into_iter().find(|id| !taken(id))
}

/// Whether a series takes place at this occurrence when nothing overrides it. Whoever asks of more
/// than one of a series asks [`Given`].
pub fn is_occurrence(master: &Fields, id: RecurrenceId, floating: &ZoneName) -> bool {
    Given::of(master, floating).at(id)
}

/// More occurrences than may stand for one series, or a rule that leads nowhere for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it takes place more than {MOST_OCCURRENCES} times inside the window, or its rule is too \
     complex to be followed"
)]
pub struct TooMany;
