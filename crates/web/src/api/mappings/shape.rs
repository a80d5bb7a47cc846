//! MAPPING, and the request that makes or changes one.

#![expect(
    clippy::option_option,
    reason = "a member that is null takes a value away, one that is missing leaves it"
)]

use app::records::{
    ConflictPolicy, DeletionLimit, Direction, Invitations, Mapping, MappingSettings, OnTargetEdit,
    Reminders, Window,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use sync_engine::projection::{Declined, Privacy, PrivateEvents};
use utoipa::ToSchema;

use crate::api::present::present;
use crate::openapi::words;

/// A mapping to be made, or with `id` changed; what is absent is the default, or stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingRequest {
    /// The mapping to change.
    pub(super) id: Option<String>,
    pub(super) caldav_calendar_id: Option<String>,
    pub(super) google_calendar_id: Option<String>,
    /// Only to be sure: the account that the Google calendar belongs to.
    pub(super) google_account_id: Option<String>,
    /// What people call it; null takes the name away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    #[schema(value_type = Option<words::Direction>)]
    direction: Option<Direction>,
    enabled: Option<bool>,
    window: Option<WindowRequest>,
    #[schema(value_type = Option<words::ConflictPolicy>)]
    conflict_policy: Option<ConflictPolicy>,
    #[schema(value_type = Option<words::OnTargetEdit>)]
    on_target_edit: Option<OnTargetEdit>,
    #[serde(default, deserialize_with = "privacy")]
    #[schema(value_type = Option<words::Privacy>)]
    privacy: Option<Privacy>,
    deletion_limit: Option<LimitRequest>,
    /// An IANA zone that floating times stand in; null means the calendar's own zone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    time_zone: Option<Option<String>>,
    #[schema(value_type = Option<words::Declined>)]
    declined: Option<Declined>,
    #[schema(value_type = Option<words::PrivateEvents>)]
    private_events: Option<PrivateEvents>,
    #[schema(value_type = Option<words::Reminders>)]
    reminders: Option<Reminders>,
    /// Whether copies made by other mappings are a source for this one.
    chain: Option<bool>,
    #[schema(value_type = Option<words::Invitations>)]
    invitations: Option<Invitations>,
}

/// Days around now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WindowRequest {
    #[schema(maximum = 36500)]
    past_days: Option<u32>,
    #[schema(maximum = 36500)]
    future_days: Option<u32>,
}

/// Removals beyond both at once are held back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeletionLimitRequest)]
struct LimitRequest {
    count: Option<u32>,
    #[schema(maximum = 100)]
    percent: Option<u32>,
}

/// In better words than "no variant matches".
fn privacy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Privacy>, D::Error> {
    Option::deserialize(deserializer).map_err(|_| {
        D::Error::custom("it is full, busy, or an object with title, description and location")
    })
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
            invitations: self.invitations.unwrap_or(stored.invitations),
        }
    }
}

/// Days around now.
#[derive(Serialize, ToSchema)]
#[schema(as = Window)]
struct WindowDto {
    past_days: u32,
    future_days: u32,
}

/// Removals beyond both at once are held back.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletionLimit)]
struct LimitDto {
    count: u32,
    percent: u32,
}

/// MAPPING.
#[derive(Serialize, ToSchema)]
#[schema(as = Mapping)]
pub(crate) struct MappingDto<'a> {
    id: &'a str,
    #[schema(required)]
    name: Option<&'a str>,
    caldav_calendar_id: &'a str,
    caldav_calendar_name: &'a str,
    caldav_account_id: &'a str,
    google_calendar_id: &'a str,
    google_calendar_name: &'a str,
    google_account_id: &'a str,
    #[schema(value_type = words::Direction)]
    direction: Direction,
    enabled: bool,
    window: WindowDto,
    #[schema(value_type = words::ConflictPolicy)]
    conflict_policy: ConflictPolicy,
    #[schema(value_type = words::OnTargetEdit)]
    on_target_edit: OnTargetEdit,
    #[schema(value_type = words::Privacy)]
    privacy: &'a Privacy,
    deletion_limit: LimitDto,
    /// The IANA zone that floating times stand in; null means the calendar's own.
    #[schema(required)]
    time_zone: Option<&'a str>,
    #[schema(value_type = words::Declined)]
    declined: Declined,
    #[schema(value_type = words::PrivateEvents)]
    private_events: PrivateEvents,
    #[schema(value_type = words::Reminders)]
    reminders: Reminders,
    chain: bool,
    #[schema(value_type = words::Invitations)]
    invitations: Invitations,
    /// Declared in `config.yaml`: not changeable here.
    managed: bool,
    /// After a restore, until somebody has confirmed a preview: it does not run.
    awaits_confirmation: bool,
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
            window: WindowDto {
                past_days: settings.window.past_days,
                future_days: settings.window.future_days,
            },
            conflict_policy: settings.conflict_policy,
            on_target_edit: settings.on_target_edit,
            privacy: &settings.privacy,
            deletion_limit: LimitDto {
                count: settings.deletion_limit.count,
                percent: settings.deletion_limit.percent,
            },
            time_zone: settings.time_zone.as_deref(),
            declined: settings.declined,
            private_events: settings.private_events,
            reminders: settings.reminders,
            chain: settings.chain,
            invitations: settings.invitations,
            managed: mapping.managed,
            awaits_confirmation: mapping.restored_at.is_some(),
        }
    }
}
