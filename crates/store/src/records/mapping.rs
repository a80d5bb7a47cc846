//! Mappings and their settings, as people and the API spell them.

use serde::{Deserialize, Serialize};
use sync_engine::identity::PairKey;
pub use sync_engine::mapping::{
    ConflictPolicy, DeletionLimit, Direction, Invitations, OnTargetEdit, Reminders, Window,
};
use sync_engine::model::time::Timestamp;
use sync_engine::model::{Caldav, Google, MappingId};
use sync_engine::ports::store::CalendarKey;
use sync_engine::projection::{Declined, Privacy, PrivateEvents};

use super::account::Calendar;

/// One CalDAV calendar joined to one Google calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Its id, `map_…`.
    pub id: MappingId,
    /// The CalDAV calendar.
    pub caldav: Calendar,
    /// The Google calendar.
    pub google: Calendar,
    /// How they are kept in step.
    pub settings: MappingSettings,
    /// Declared in `config.yaml`.
    pub managed: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When the database was restored from a backup, while nobody has confirmed since what the
    /// mapping would do: until then it does not run.
    pub restored_at: Option<Timestamp>,
}

impl Mapping {
    /// The CalDAV calendar, for the engine.
    pub fn caldav_key(&self) -> CalendarKey<Caldav> {
        CalendarKey {
            account: self.caldav.account.clone(),
            calendar: self.caldav.remote(),
        }
    }

    /// The Google calendar, for the engine.
    pub fn google_key(&self) -> CalendarKey<Google> {
        CalendarKey {
            account: self.google.account.clone(),
            calendar: self.google.remote(),
        }
    }

    /// What its copies are named after.
    pub fn pair(&self) -> PairKey {
        PairKey::new(&self.caldav.remote(), &self.google.remote())
    }
}

/// A mapping to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMapping {
    /// Id of the CalDAV calendar.
    pub caldav_calendar_id: String,
    /// Id of the Google calendar.
    pub google_calendar_id: String,
    /// How they are kept in step.
    pub settings: MappingSettings,
    /// Declared in `config.yaml`.
    pub managed: bool,
}

/// Every field of a mapping that people choose. The default is what the API gives to a mapping that
/// says nothing; stored settings of an older version get the defaults of what they lack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MappingSettings {
    /// What people call it.
    pub name: Option<String>,
    /// Which side is written.
    pub direction: Direction,
    /// Whether it runs.
    pub enabled: bool,
    /// Which time matters.
    pub window: Window,
    /// Who wins when both sides changed.
    pub conflict_policy: ConflictPolicy,
    /// What becomes of an edit on the target of a one-way mapping.
    pub on_target_edit: OnTargetEdit,
    /// What of an event is written.
    pub privacy: Privacy,
    /// When removals look like an accident.
    pub deletion_limit: DeletionLimit,
    /// IANA zone that floating times stand in; `None`: the calendars'.
    pub time_zone: Option<String>,
    /// Declined events.
    pub declined: Declined,
    /// Private events.
    pub private_events: PrivateEvents,
    /// Reminders of new Google copies.
    pub reminders: Reminders,
    /// Whether copies made by other mappings are a source for this one.
    pub chain: bool,
    /// Changes to events whose guests the CalDAV server would mail.
    pub invitations: Invitations,
}

impl Default for MappingSettings {
    fn default() -> Self {
        Self {
            name: None,
            direction: Direction::default(),
            enabled: true,
            window: Window::default(),
            conflict_policy: ConflictPolicy::default(),
            on_target_edit: OnTargetEdit::default(),
            privacy: Privacy::default(),
            deletion_limit: DeletionLimit::default(),
            time_zone: None,
            declined: Declined::default(),
            private_events: PrivateEvents::default(),
            reminders: Reminders::default(),
            chain: false,
            invitations: Invitations::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_lack_fields_get_the_defaults() {
        let read: MappingSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(read, MappingSettings::default());
        assert!(read.enabled);
        assert_eq!(read.window.future_days, 30);
    }

    #[test]
    fn settings_survive_storing() {
        let settings = MappingSettings {
            direction: Direction::Bidirectional,
            privacy: Privacy::Busy,
            reminders: Reminders::Default,
            time_zone: Some("Europe/Berlin".to_owned()),
            ..MappingSettings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            serde_json::from_str::<MappingSettings>(&text).unwrap(),
            settings
        );
    }
}
