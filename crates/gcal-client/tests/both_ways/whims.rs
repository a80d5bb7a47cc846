//! What people change about a mapping in the middle of a life. In the end it is as it was, and so must
//! both calendars be.

use sync_engine::mapping::{ConflictPolicy, Direction, Mapping, Window};
use sync_engine::model::ZoneName;
use sync_engine::projection::Privacy;

use super::dice::Dice;
use super::world::{Both, tell};

/// Somebody who cannot leave the settings alone. His dice are his own: the rest of the life is the one
/// its seed stands for.
pub(crate) struct Whims {
    dice: Dice,
    before: Mapping,
}

impl Whims {
    pub(crate) fn new(seed: u64, both: &Both) -> Self {
        Self {
            dice: Dice::new(seed ^ 0x5eed_0f77_8133),
            before: both.mapping.clone(),
        }
    }

    /// Changes something now and then.
    pub(crate) fn strike(&mut self, both: &mut Both) {
        if !self.dice.one_in(4) {
            return;
        }
        let mapping = &mut both.mapping;
        match self.dice.roll(6) {
            0 | 1 => {
                mapping.window = Window {
                    past_days: *self.dice.pick(&[0, 0, 7, 30]),
                    future_days: *self.dice.pick(&[1, 7, 30, 90]),
                };
            }
            2 | 3 => {
                mapping.direction = *self.dice.pick(&[
                    Direction::CaldavToGoogle,
                    Direction::GoogleToCaldav,
                    Direction::Bidirectional,
                ]);
            }
            4 => {
                mapping.conflict_policy = *self.dice.pick(&[
                    ConflictPolicy::Latest,
                    ConflictPolicy::Merge,
                    ConflictPolicy::Caldav,
                    ConflictPolicy::Google,
                    ConflictPolicy::Manual,
                ]);
            }
            _ => {
                mapping.privacy = match mapping.privacy {
                    Privacy::Full => Privacy::Busy,
                    _ => Privacy::Full,
                };
            }
        }
        if self.dice.one_in(12) {
            let zones = [None, ZoneName::new("America/New_York")];
            mapping.time_zone.clone_from(self.dice.pick(&zones));
        }
        tell(&format!(
            "settings {:?} {:?} {:?} {:?} {:?}",
            mapping.direction,
            mapping.window,
            mapping.conflict_policy,
            mapping.privacy,
            mapping.time_zone
        ));
    }

    /// Everything as it was.
    pub(crate) fn end(self, both: &mut Both) {
        tell("settings as they were");
        both.mapping = self.before;
    }
}
