//! What people change about a mapping in the middle of a life, with dice of their own: the rest of the
//! life is the one its seed stands for.

use sync_engine::mapping::{ConflictPolicy, Direction, Mapping, Window};
use sync_engine::model::ZoneName;
use sync_engine::projection::{Privacy, PrivateEvents, Template};

use super::dice::Dice;
use super::world::{Both, tell};
use super::{caldav_people, google_people};

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

/// Rules that come and go, and events that are private or not any more: with dice of its own, so that
/// a seed's life is otherwise the same with and without.
pub(crate) struct Veils(Dice);

impl Veils {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Dice::new(!seed))
    }

    pub(crate) fn rule(&mut self, both: &mut Both) {
        let mapping = &mut both.mapping;
        (mapping.privacy, mapping.private_events) = match self.0.roll(6) {
            0 => (Privacy::Busy, PrivateEvents::Private),
            1 => (
                Privacy::Template(Template {
                    title: "Away".to_owned(),
                    description: false,
                    location: true,
                }),
                PrivateEvents::AsIs,
            ),
            2 | 3 => (Privacy::Full, PrivateEvents::Busy),
            4 => (Privacy::Full, PrivateEvents::Skip),
            _ => (Privacy::Full, PrivateEvents::AsIs),
        };
        tell(&format!(
            "rule {:?} {:?}",
            mapping.privacy, mapping.private_events
        ));
    }

    /// Now and then a new rule, or another word on what is private.
    pub(crate) fn strike(&mut self, both: &mut Both) {
        if self.0.one_in(5) {
            self.rule(both);
        }
        if self.0.one_in(2) {
            self.classify(both);
        }
    }

    /// Somebody says that an event, or one occurrence of it, is private, or that it is not.
    fn classify(&mut self, both: &Both) {
        let at_google = match both.mapping.direction {
            Direction::CaldavToGoogle => false,
            Direction::GoogleToCaldav => true,
            Direction::Bidirectional => self.0.one_in(2),
        };
        if at_google {
            google_people::classify(&mut self.0, both);
        } else {
            caldav_people::classify(&mut self.0, both);
        }
    }
}
