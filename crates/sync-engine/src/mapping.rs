//! One mapping's settings as the engine needs them: direction, window, policies, privacy.

use serde::{Deserialize, Serialize};

use crate::identity::PairKey;
use crate::model::time::Timestamp;
use crate::model::{Caldav, CalendarId, Google, MappingId, Side, ZoneName};
use crate::ports::store::CalendarKey;
use crate::projection::{Declined, Privacy, PrivateEvents};

/// One CalDAV calendar joined to one Google calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// The CalDAV end.
    pub caldav: CalendarKey<Caldav>,
    /// The Google end.
    pub google: CalendarKey<Google>,
    /// The CalDAV calendar's name, for `{calendar}`.
    pub caldav_name: String,
    /// The Google calendar's name, for `{calendar}`.
    pub google_name: String,
    /// Which way events go.
    pub direction: Direction,
    /// What is in scope.
    pub window: Window,
    /// Who wins when both sides changed the same.
    pub conflict_policy: ConflictPolicy,
    /// What becomes of edits on the target of a one-way mapping.
    pub on_target_edit: OnTargetEdit,
    /// What is let through.
    pub privacy: Privacy,
    /// Declined events.
    pub declined: Declined,
    /// Private events.
    pub private_events: PrivateEvents,
    /// Reminders of new copies.
    pub reminders: Reminders,
    /// When removals are held.
    pub deletion_limit: DeletionLimit,
    /// What floating times stand for; `None` means the calendars' own zone.
    pub time_zone: Option<ZoneName>,
    /// Whether copies made by other mappings are sources too.
    pub chain: bool,
    /// What becomes of changes to events whose guests the CalDAV server would mail.
    pub invitations: Invitations,
}

impl Mapping {
    /// Joins two calendars with every setting at its default: from CalDAV to Google, thirty days
    /// ahead, as it is.
    pub fn new(id: MappingId, caldav: CalendarKey<Caldav>, google: CalendarKey<Google>) -> Self {
        Self {
            id,
            caldav,
            google,
            caldav_name: String::new(),
            google_name: String::new(),
            direction: Direction::default(),
            window: Window::default(),
            conflict_policy: ConflictPolicy::default(),
            on_target_edit: OnTargetEdit::default(),
            privacy: Privacy::default(),
            declined: Declined::default(),
            private_events: PrivateEvents::default(),
            reminders: Reminders::default(),
            deletion_limit: DeletionLimit::default(),
            time_zone: None,
            chain: false,
            invitations: Invitations::default(),
        }
    }

    /// The key that everything deterministic is derived from.
    pub fn pair(&self) -> PairKey {
        PairKey::new(&self.caldav.calendar, &self.google.calendar)
    }

    /// Whether this mapping may write to `side`.
    pub fn writes(&self, side: Side) -> bool {
        self.direction.leads_to(side)
    }

    /// Whether the privacy rule shapes what is written to `side`: Google, or CalDAV in a mapping
    /// from Google.
    pub fn protects(&self, side: Side) -> bool {
        match self.direction {
            Direction::GoogleToCaldav => side == Side::Caldav,
            Direction::CaldavToGoogle | Direction::Bidirectional => side == Side::Google,
        }
    }

    /// Whether a rule keeps texts of some events from a side.
    pub fn hides_texts(&self) -> bool {
        self.privacy != Privacy::Full || self.hides_private()
    }

    /// Whether private events do not show on the other side what they say.
    pub(crate) fn hides_private(&self) -> bool {
        matches!(
            self.private_events,
            PrivateEvents::Busy | PrivateEvents::Skip
        )
    }

    /// The calendar's id on the CalDAV side.
    pub fn caldav_calendar(&self) -> &CalendarId<Caldav> {
        &self.caldav.calendar
    }

    /// The calendar's id on the Google side.
    pub fn google_calendar(&self) -> &CalendarId<Google> {
        &self.google.calendar
    }
}

/// Which way events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// CalDAV is the source.
    #[default]
    CaldavToGoogle,
    /// Google is the source.
    GoogleToCaldav,
    /// Both are.
    Bidirectional,
}

impl Direction {
    /// Whether events go to this side.
    pub fn leads_to(self, side: Side) -> bool {
        match self {
            Self::CaldavToGoogle => side == Side::Google,
            Self::GoogleToCaldav => side == Side::Caldav,
            Self::Bidirectional => true,
        }
    }

    /// As a webhook's body says it.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::CaldavToGoogle => "CalDAV → Google",
            Self::GoogleToCaldav => "Google → CalDAV",
            Self::Bidirectional => "Bidirectional",
        }
    }
}

/// What is in scope, in days around now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Days back.
    pub past_days: u32,
    /// Days ahead.
    pub future_days: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            past_days: 0,
            future_days: 30,
        }
    }
}

impl Window {
    /// The window around `now`, as instants.
    pub fn around(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        (
            now.checked_sub(days(self.past_days))
                .unwrap_or(Timestamp::MIN),
            now.checked_add(days(self.future_days))
                .unwrap_or(Timestamp::MAX),
        )
    }
}

/// So many days of 24 hours.
pub(crate) fn days(days: u32) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(24 * i64::from(days))
}

/// Who wins when both sides changed the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// The most recently modified version of the component.
    #[default]
    Latest,
    /// Field by field; only fields changed on both sides fall to `Latest`.
    Merge,
    /// CalDAV.
    Caldav,
    /// Google.
    Google,
    /// Nobody: a person decides.
    Manual,
}

/// What becomes of edits on the target of a one-way mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTargetEdit {
    /// The source's fields are put back.
    #[default]
    Restore,
    /// They stay until the source changes.
    Keep,
}

/// Reminders of new copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminders {
    /// None.
    #[default]
    None,
    /// The calendar's default ones.
    Default,
}

/// What becomes of changes to events whose guests the CalDAV server would mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invitations {
    /// They wait.
    #[default]
    Wait,
    /// They are written; the server tells the guests.
    Write,
}

/// Removals beyond both limits are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionLimit {
    /// So many at once.
    pub count: u32,
    /// So many in a hundred tracked.
    pub percent: u32,
}

impl Default for DeletionLimit {
    fn default() -> Self {
        Self {
            count: 10,
            percent: 25,
        }
    }
}
