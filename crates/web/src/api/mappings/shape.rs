//! MAPPING, and the request that makes or changes one.

#![expect(
    clippy::option_option,
    reason = "a member that is null takes a value away, one that is missing leaves it"
)]

use app::records::{
    ConflictPolicy, DeletionLimit, Direction, Mapping, MappingSettings, OnTargetEdit, Reminders,
    Window,
};
use serde::{Deserialize, Deserializer, Serialize};
use sync_engine::projection::{Declined, Privacy, PrivateEvents};

/// A mapping to be made, or with `id` changed; what is absent is the default, or stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingRequest {
    pub(super) id: Option<String>,
    pub(super) caldav_calendar_id: Option<String>,
    pub(super) google_calendar_id: Option<String>,
    pub(super) google_account_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    name: Option<Option<String>>,
    direction: Option<Direction>,
    enabled: Option<bool>,
    window: Option<WindowRequest>,
    conflict_policy: Option<ConflictPolicy>,
    on_target_edit: Option<OnTargetEdit>,
    privacy: Option<Privacy>,
    deletion_limit: Option<LimitRequest>,
    /// `null` means the calendar's own zone.
    #[serde(default, deserialize_with = "present")]
    time_zone: Option<Option<String>>,
    declined: Option<Declined>,
    private_events: Option<PrivateEvents>,
    reminders: Option<Reminders>,
    chain: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowRequest {
    past_days: Option<u32>,
    future_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitRequest {
    count: Option<u32>,
    percent: Option<u32>,
}

/// Tells `null` from absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl MappingRequest {
    /// The settings with what the request says.
    pub(super) fn over(self, stored: MappingSettings) -> MappingSettings {
        let window = self.window.map_or(stored.window, |window| Window {
            past_days: window.past_days.unwrap_or(stored.window.past_days),
            future_days: window.future_days.unwrap_or(stored.window.future_days),
        });
        let limit = stored.deletion_limit;
        let deletion_limit = self.deletion_limit.map_or(limit, |given| DeletionLimit {
            count: given.count.unwrap_or(limit.count),
            percent: given.percent.unwrap_or(limit.percent),
        });
        MappingSettings {
            name: self.name.unwrap_or(stored.name),
            direction: self.direction.unwrap_or(stored.direction),
            enabled: self.enabled.unwrap_or(stored.enabled),
            window,
            conflict_policy: self.conflict_policy.unwrap_or(stored.conflict_policy),
            on_target_edit: self.on_target_edit.unwrap_or(stored.on_target_edit),
            privacy: self.privacy.unwrap_or(stored.privacy),
            deletion_limit,
            time_zone: self.time_zone.unwrap_or(stored.time_zone),
            declined: self.declined.unwrap_or(stored.declined),
            private_events: self.private_events.unwrap_or(stored.private_events),
            reminders: self.reminders.unwrap_or(stored.reminders),
            chain: self.chain.unwrap_or(stored.chain),
        }
    }
}

/// MAPPING.
#[derive(Serialize)]
pub(crate) struct MappingDto<'a> {
    id: &'a str,
    name: Option<&'a str>,
    caldav_calendar_id: &'a str,
    caldav_calendar_name: &'a str,
    caldav_account_id: &'a str,
    google_calendar_id: &'a str,
    google_calendar_name: &'a str,
    google_account_id: &'a str,
    direction: Direction,
    enabled: bool,
    window: Window,
    conflict_policy: ConflictPolicy,
    on_target_edit: OnTargetEdit,
    privacy: &'a Privacy,
    deletion_limit: DeletionLimit,
    time_zone: Option<&'a str>,
    declined: Declined,
    private_events: PrivateEvents,
    reminders: Reminders,
    chain: bool,
    managed: bool,
}

impl<'a> From<&'a Mapping> for MappingDto<'a> {
    fn from(mapping: &'a Mapping) -> Self {
        let settings = &mapping.settings;
        Self {
            id: mapping.id.as_str(),
            name: settings.name.as_deref(),
            caldav_calendar_id: &mapping.caldav.id,
            caldav_calendar_name: &mapping.caldav.facts.name,
            caldav_account_id: mapping.caldav.account.as_str(),
            google_calendar_id: &mapping.google.id,
            google_calendar_name: &mapping.google.facts.name,
            google_account_id: mapping.google.account.as_str(),
            direction: settings.direction,
            enabled: settings.enabled,
            window: settings.window,
            conflict_policy: settings.conflict_policy,
            on_target_edit: settings.on_target_edit,
            privacy: &settings.privacy,
            deletion_limit: settings.deletion_limit,
            time_zone: settings.time_zone.as_deref(),
            declined: settings.declined,
            private_events: settings.private_events,
            reminders: settings.reminders,
            chain: settings.chain,
            managed: mapping.managed,
        }
    }
}
