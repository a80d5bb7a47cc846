//! Plain records that go in and out of the store. No SQL and no logic beyond defaults.

mod access;
mod account;
mod mapping;
mod run;
mod webhook;

pub use access::{ApiKey, Hash, OauthState, UiSession};
pub use account::{
    CaldavAccount, CaldavAccountChange, CaldavStatus, Calendar, CalendarFacts, GoogleAccount,
    GoogleStatus, GoogleTokens, NewCaldavAccount,
};
pub use mapping::{
    ConflictPolicy, DeletionLimit, Direction, Mapping, MappingSettings, NewMapping, OnTargetEdit,
    Reminders, Window,
};
pub use run::{History, HistoryEntry, MappingOverview, Run, RunPage, RunState};
pub use webhook::{Delivery, NewWebhook, Webhook, WebhookSource};
