//! Adoption by content: in a mapping's first run, an event that stands on both sides with the same
//! time, title and rule is one event, where each is the only candidate. Proof of origin and equal
//! UIDs were matched before (the run looks them up); a proven copy is never adopted this way.

use std::collections::BTreeMap;

use super::flow::Flow;
use super::{PlanInput, SeriesInput};
use crate::model::{Fields, SideTag, When};
use crate::projection::Shaped;
use crate::snapshot::{Snapshot, View};

/// Pairs of indices into the input: source only, target only.
pub(super) fn by_content<A: SideTag, B: SideTag>(
    input: &PlanInput,
    flow: &Flow<'_, B>,
) -> Vec<(usize, usize)> {
    let mut candidates: BTreeMap<String, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, series) in input.series.iter().enumerate() {
        if series.row.is_some() {
            continue;
        }
        match (series.views.get::<A>(), series.views.get::<B>()) {
            (View::Present(a), View::Unknown | View::Gone { .. }) if a.copy.is_none() => {
                if let Some(key) = source_key(flow, a, series) {
                    candidates.entry(key).or_default().0.push(index);
                }
            }
            (View::Unknown | View::Gone { .. }, View::Present(b)) if b.copy.is_none() => {
                if let Some(key) = b.series.master.as_ref().and_then(|f| key(f, flow)) {
                    candidates.entry(key).or_default().1.push(index);
                }
            }
            _ => {}
        }
    }
    candidates
        .into_values()
        .filter_map(|(a, b)| match (a.as_slice(), b.as_slice()) {
            ([a], [b]) => Some((*a, *b)),
            _ => None,
        })
        .collect()
}

fn source_key<A: SideTag, B: SideTag>(
    flow: &Flow<'_, B>,
    a: &Snapshot<A>,
    _: &SeriesInput,
) -> Option<String> {
    match flow.projection.shape(&a.series) {
        Shaped::Series(want) => key(want.series().master.as_ref()?, flow),
        Shaped::Nothing => None,
    }
}

/// Title, time and rule in a form that is equal on both sides.
fn key<B: SideTag>(fields: &Fields, flow: &Flow<'_, B>) -> Option<String> {
    if fields.title.is_empty() {
        return None;
    }
    let when = match &fields.when {
        When::AllDay { start, end } => format!("{start}/{end}"),
        timed @ When::Timed { .. } => {
            let (start, end) = timed.instants(flow.floating);
            format!("{start}/{end}")
        }
    };
    let rule = fields.recurrence.as_ref().map(|recurrence| {
        recurrence
            .rules
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    });
    Some(format!(
        "{}\n{when}\n{}",
        fields.title.as_str(),
        rule.unwrap_or_default()
    ))
}
