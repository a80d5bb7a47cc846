//! Series that were set aside, after a loop or because a person took a run back: they sit out plans
//! until a side changes them again. The row remembers what that is measured by: after a loop what
//! both sides showed then, else what they showed when both agreed.

use super::{Plan, SeriesInput};
use crate::model::time::Timestamp;
use crate::model::{Caldav, ComponentKey, Fingerprint, Google, Series, SideTag};
use crate::ports::store::RowChange;
use crate::report::Warning;
use crate::row::{Row, RowState, Setback};
use crate::snapshot::View;

/// The code of a loop, as a warning and as what holds a row back.
const LOOP: &str = "loop";

/// Whether this series was set aside and nothing stirred it since.
pub(super) fn stays(input: &SeriesInput, reproject: bool, plan: &mut Plan) -> bool {
    let Some(row) = input
        .row
        .as_ref()
        .filter(|row| row.state == RowState::SetAside)
    else {
        return false;
    };
    let (caldav, google) = (&input.views.caldav, &input.views.google);
    if !matches!(caldav, View::Present(_) | View::Unreadable { .. })
        && !matches!(google, View::Present(_) | View::Unreadable { .. })
    {
        plan.rows.push(RowChange::Drop(row.key.clone()));
        return true;
    }
    if is_stirred(row, input) {
        return false;
    }
    if input.fresh {
        // Somebody goes on putting back the very same.
        plan.warnings.extend(tell(row));
    }
    if reproject {
        // It is brought in line with the settings once it is stirred.
        let mut row = row.clone();
        row.anew = true;
        plan.rows.push(RowChange::Put(Box::new(row)));
    }
    true
}

fn is_stirred(row: &Row, input: &SeriesInput) -> bool {
    let (caldav, google) = (&input.views.caldav, &input.views.google);
    let Some(aside) = &row.aside else {
        return stirred::<Caldav>(row, caldav) || stirred::<Google>(row, google);
    };
    let unreadable =
        matches!(caldav, View::Unreadable { .. }) || matches!(google, View::Unreadable { .. });
    !unreadable && *aside != shown(input)
}

fn stirred<S: SideTag>(row: &Row, view: &View<S>) -> bool {
    match (row.link::<S>(), view) {
        (Some(link), View::Present(snapshot)) => snapshot.series != link.echo,
        (Some(_), View::Gone { .. }) => true,
        _ => false,
    }
}

/// What both sides show; gone or never seen is the same nothing.
fn shown(input: &SeriesInput) -> Fingerprint {
    fn series<S: SideTag>(view: &View<S>) -> Option<&Series> {
        view.present().map(|snapshot| &snapshot.series)
    }
    Fingerprint::of_value(&(series(&input.views.caldav), series(&input.views.google)))
}

/// A row that takes part again, if it was set aside.
pub(super) fn taken_up(row: &Row) -> Option<Row> {
    (row.state == RowState::SetAside).then(|| {
        let mut row = row.clone();
        row.state = RowState::Active;
        row.aside = None;
        row.due = None;
        row.setbacks.retain(|(_, setback)| setback.code != LOOP);
        row
    })
}

/// The row of a series that is set aside because of a loop: as it was, with what was found while it
/// was planned.
pub(super) fn looped(input: &SeriesInput, planned: &Row, reproject: bool) -> Row {
    let mut row = input.row.clone().unwrap_or_else(|| planned.clone());
    row.open.clone_from(&planned.open);
    row.anew |= reproject || planned.anew;
    row.state = RowState::SetAside;
    row.aside = Some(shown(input));
    // A time that never comes: what waits for a person is found among what waits.
    row.due = Some(Timestamp::MAX);
    row.setbacks = vec![(
        ComponentKey::Master,
        Setback {
            attempts: 0,
            until: Timestamp::MAX,
            code: LOOP.to_owned(),
            detail: "Something else puts it back every time it is written, so it is left alone. \
                     Look for another program that syncs the same calendar; change the event on \
                     either side to have it synced again."
                .to_owned(),
        },
    )];
    row
}

/// What people are told while a loop is left alone.
pub(super) fn tell(row: &Row) -> Option<Warning> {
    let mut setbacks = row.setbacks.iter().map(|(_, setback)| setback);
    let setback = setbacks.find(|setback| setback.code == LOOP)?;
    Some(Warning {
        code: setback.code.clone(),
        detail: setback.detail.clone(),
        uid: Some(row.uid.clone()),
    })
}
