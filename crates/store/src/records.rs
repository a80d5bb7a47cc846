//! Plain records that go in and out of the store. No SQL and no logic beyond defaults.

mod access;
mod account;
mod conflict;
mod mapping;
mod retention;
mod run;
mod webhook;

pub use access::{ApiKey, Hash, KeyScope, OauthState, UiSession};
pub use account::{
    CaldavAccount, CaldavAccountChange, CaldavStatus, Calendar, CalendarFacts, GoogleAccount,
    GoogleStatus, GoogleTokens, NewCaldavAccount,
};
pub use conflict::{ConflictPage, ConflictRecord, ConflictStatus};
pub use mapping::{
    ConflictPolicy, DeletionLimit, Direction, Invitations, Mapping, MappingSettings, NewMapping,
    OnTargetEdit, Reminders, Window,
};
pub use retention::{Purged, Retention};
pub use run::{History, HistoryEntry, Left, MappingOverview, Run, RunPage, RunState};
pub use webhook::{
    Delivery, DeliveryPage, DeliveryState, FailedAttempt, Message, NewWebhook, NextAttempt,
    Webhook, WebhookHealth, WebhookSource,
};
