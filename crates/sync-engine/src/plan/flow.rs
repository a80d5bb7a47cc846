//! One direction of a mapping while it is being planned: what is let through, and what the target
//! can hold.

use std::marker::PhantomData;

use super::PlanInput;
use crate::identity::PairKey;
use crate::mapping::{Direction, Mapping, OnTargetEdit};
use crate::model::time::Timestamp;
use crate::model::{Series, Side, SideTag, ZoneName};
use crate::ports::side::Capabilities;
use crate::projection::{Privacy, Projection};
use crate::recurrence;

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
    pub(super) towards: PhantomData<B>,
}

impl<'a, B: SideTag> Flow<'a, B> {
    pub(super) fn new(input: &'a PlanInput) -> Self {
        let mapping = &input.mapping;
        let (calendar, target) = match B::SIDE {
            Side::Google => (&mapping.caldav_name, &input.google),
            Side::Caldav => (&mapping.google_name, &input.caldav),
        };
        Self {
            mapping,
            pair: mapping.pair(),
            now: input.now,
            window: mapping.window.around(input.now),
            reproject: input.reproject,
            restore: mapping.on_target_edit == OnTargetEdit::Restore
                || mapping.direction == Direction::Bidirectional,
            floating: &input.floating,
            projection: Projection {
                privacy: if mapping.protects(B::SIDE) {
                    mapping.privacy.clone()
                } else {
                    Privacy::Full
                },
                declined: mapping.declined,
                private_events: mapping.private_events,
                calendar: calendar.clone(),
                time_zone: input.floating.clone(),
                target: target.clone(),
            },
            towards: PhantomData,
        }
    }

    pub(super) fn target(&self) -> &Capabilities {
        &self.projection.target
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
