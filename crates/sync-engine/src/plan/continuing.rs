//! Series that continue a tracked one: "this and following" cuts a series and makes a new one, which
//! is in scope whatever the window says.
//!
//! Google names the new series after the old one (`<id>_R…`; the run sees to that). Elsewhere it is
//! new in the read in which a tracked series was cut, with its title, and starts at or after the cut.

use super::{PlanInput, SeriesInput};
use crate::model::time::Timestamp;
use crate::model::{Caldav, Fields, Google, Series, SideTag};
use crate::recurrence::{RuleEnd, Until};
use crate::snapshot::View;

/// A tracked series that one side cut in this read.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    title: String,
    at: Timestamp,
}

/// The cuts in this read.
pub(super) fn cuts(input: &PlanInput) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for series in &input.series {
        cuts.extend(cut::<Caldav>(series));
        cuts.extend(cut::<Google>(series));
    }
    cuts
}

fn cut<S: SideTag>(series: &SeriesInput) -> Option<Cut> {
    let echo = &series.row.as_ref()?.link::<S>()?.echo;
    let now = &series.views.get::<S>().present()?.series;
    let at = end(now.master.as_ref()?)?;
    let before = echo.master.as_ref().filter(|m| m.recurrence.is_some())?;
    if end(before).is_some_and(|before| before <= at) {
        return None;
    }
    Some(Cut {
        title: now.master.as_ref()?.title.as_str().to_owned(),
        at,
    })
}

/// When a series' rule ends, where it says so by a date.
fn end(master: &Fields) -> Option<Timestamp> {
    let rule = master.recurrence.as_ref()?.rules.first()?;
    let utc = crate::model::ZoneName::utc();
    match rule.end {
        RuleEnd::Until(Until::Utc(at)) => Some(at),
        RuleEnd::Until(Until::Date(date)) => {
            let day = crate::model::When::all_day(date, None);
            Some(day.instants(&utc).0)
        }
        RuleEnd::Until(Until::Local(wall)) => {
            Some(crate::model::LocalTime::new(wall, crate::model::Zone::Floating).instant(&utc))
        }
        RuleEnd::Never | RuleEnd::Count(_) => None,
    }
}

/// Whether a series that nothing links continues one that was cut.
pub(super) fn continues(series: &SeriesInput, cuts: &[Cut], input: &PlanInput) -> bool {
    if series.row.is_some() || cuts.is_empty() {
        return false;
    }
    let new: Option<&Series> = match (&series.views.caldav, &series.views.google) {
        (View::Present(c), _) => Some(&c.series),
        (_, View::Present(g)) => Some(&g.series),
        _ => None,
    };
    let Some(master) = new.and_then(|series| series.master.as_ref()) else {
        return false;
    };
    let (start, _) = master.when.instants(&input.floating);
    cuts.iter()
        .any(|cut| cut.title == master.title.as_str() && start >= cut.at)
}
