//! One direction of a mapping while it is being planned: what is let through, and what the target
//! can hold.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::{PlanInput, SeriesInput, party};
use crate::diff::Standing;
use crate::identity::PairKey;
use crate::mapping::{Direction, Mapping, OnTargetEdit};
use crate::model::time::Timestamp;
use crate::model::{
    Caldav, ComponentKey, Fields, Google, Sensitivity, Series, Side, SideTag, ZoneName,
};
use crate::ports::side::Capabilities;
use crate::projection::{Privacy, PrivateEvents, Projection};
use crate::recurrence;
use crate::row::{Row, RowKey};

/// Towards side `B`.
pub(super) struct Flow<'a, B: SideTag> {
    pub(super) mapping: &'a Mapping,
    pub(super) pair: PairKey,
    pub(super) now: Timestamp,
    pub(super) window: (Timestamp, Timestamp),
    pub(super) reproject: bool,
    pub(super) restore: bool,
    pub(super) floating: &'a ZoneName,
    pub(super) projection: Projection,
    /// What is let through to the side that the mapping's rule protects, where that is not `B`.
    guarded: Option<Projection>,
    /// Series of which something is private and must not show on the other side, as either side
    /// shows it or showed it last.
    private: BTreeMap<RowKey, Vec<&'a Series>>,
    pub(super) towards: PhantomData<B>,
}

impl<'a, B: SideTag> Flow<'a, B> {
    pub(super) fn new(input: &'a PlanInput) -> Self {
        let mapping = &input.mapping;
        let guarded = B::SIDE.other();
        Self {
            mapping,
            pair: mapping.pair(),
            now: input.now,
            window: mapping.window.around(input.now),
            reproject: input.reproject,
            restore: mapping.on_target_edit == OnTargetEdit::Restore
                || mapping.direction == Direction::Bidirectional,
            floating: &input.floating,
            projection: projection(input, B::SIDE),
            guarded: mapping
                .protects(guarded)
                .then(|| projection(input, guarded)),
            private: private(input),
            towards: PhantomData,
        }
    }

    pub(super) fn target(&self) -> &Capabilities {
        &self.projection.target
    }

    /// The rule towards the protected side.
    pub(super) fn guarding(&self) -> &Projection {
        self.guarded.as_ref().unwrap_or(&self.projection)
    }

    /// Whether a component of this row, or any (`None`), is private and must not show on the other
    /// side what it says. It goes by what the event itself is: of an override that says nothing
    /// about it, its master; and where a private master is left out, so are its overrides.
    pub(super) fn is_private(&self, row: &Row, key: Option<&ComponentKey>) -> bool {
        let Some(known) = self.private.get(&row.key) else {
            return false;
        };
        let sensitive = |fields: &Fields| fields.sensitivity != Sensitivity::Public;
        let left_out = |series: &Series| {
            self.mapping.private_events == PrivateEvents::Skip
                && series.master.as_ref().is_some_and(sensitive)
        };
        key.is_none_or(|key| {
            known.iter().any(|series| {
                // Single events without a master are told by any of them.
                left_out(series)
                    || series.master.is_none()
                    || Standing::of(series, key).fields().is_some_and(sensitive)
            })
        })
    }

    /// When the next occurrence beyond the window enters it; `None` if there is none.
    pub(super) fn enters(&self, series: &Series) -> Option<Timestamp> {
        // The window's last moment is outside it, so a start at that very moment is "after".
        let end = self
            .window
            .1
            .checked_sub(jiff::SignedDuration::from_nanos(1))
            .unwrap_or(self.window.1);
        let start = recurrence::first_start_after(series, end, self.floating)?;
        Some(
            start
                .checked_sub(crate::mapping::days(self.mapping.window.future_days))
                .unwrap_or(Timestamp::MIN),
        )
    }
}

/// What a mapping lets through to `side`.
fn projection(input: &PlanInput, side: Side) -> Projection {
    let mapping = &input.mapping;
    let (calendar, target) = match side {
        Side::Google => (&mapping.caldav_name, &input.google),
        Side::Caldav => (&mapping.google_name, &input.caldav),
    };
    Projection {
        privacy: if mapping.protects(side) {
            mapping.privacy.clone()
        } else {
            Privacy::Full
        },
        declined: mapping.declined,
        private_events: mapping.private_events,
        calendar: calendar.clone(),
        time_zone: input.floating.clone(),
        target: target.clone(),
    }
}

/// The series of which something is private, by the names their rows have or will get.
fn private(input: &PlanInput) -> BTreeMap<RowKey, Vec<&Series>> {
    fn seen<'a, S: SideTag>(
        series: &'a SeriesInput,
        keys: &mut Vec<RowKey>,
        known: &mut Vec<&'a Series>,
    ) {
        if let Some(snapshot) = series.views.get::<S>().present() {
            keys.extend(snapshot.keys.iter().map(RowKey::new));
            known.push(&snapshot.series);
        }
        let link = series.row.as_ref().and_then(|row| row.link::<S>());
        known.extend(link.map(|link| &link.echo));
    }
    let mut private = BTreeMap::new();
    if !input.mapping.hides_private() {
        return private;
    }
    for series in &input.series {
        let (mut keys, mut known) = (Vec::new(), Vec::new());
        seen::<Caldav>(series, &mut keys, &mut known);
        seen::<Google>(series, &mut keys, &mut known);
        known.retain(|series| party::is_private(series));
        if known.is_empty() {
            continue;
        }
        keys.extend(series.row.as_ref().map(|row| row.key.clone()));
        for key in keys {
            private.insert(key, known.clone());
        }
    }
    private
}
