//! One direction of a mapping while it is being planned: what is let through, and what the target
//! can hold.

use std::marker::PhantomData;

use super::PlanInput;
use crate::identity::PairKey;
use crate::mapping::{Mapping, OnTargetEdit};
use crate::model::time::Timestamp;
use crate::model::{Side, SideTag, ZoneName};
use crate::ports::side::Capabilities;
use crate::projection::{Privacy, Projection};

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
            restore: mapping.on_target_edit == OnTargetEdit::Restore,
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

    /// When a series that first starts at `start`, beyond the window, enters it.
    pub(super) fn enters_at(&self, start: Timestamp) -> Timestamp {
        start
            .checked_sub(crate::mapping::days(self.mapping.window.future_days))
            .unwrap_or(Timestamp::MIN)
    }
}
