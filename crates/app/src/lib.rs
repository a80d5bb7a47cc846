//! Application services: what a person, a script or the clock can ask of the program, without any
//! HTTP server or HTML.
//!
//! [`App`] is the one door: accounts, calendars, mappings, runs, settings, who may come in. Web pages,
//! the REST API and the command line call the same methods and get the same [`UserError`]s, each
//! with what to do next. Inside, `runner` opens both sides of a mapping and hands them to the engine;
//! `scheduler` decides when; `webhooks` delivers what runs left in the outbox; `doctor` looks whether
//! everything works and says what to do, and `metrics` counts.
//!
//! No configuration is read here (the binary does), no clock but through [`Clock`], no request is
//! made but through `outbound`.

pub mod access;
mod caldav;
mod clock;
pub mod config;
mod conflicts;
mod declared;
pub mod doctor;
mod error;
mod google;
mod held;
mod mappings;
mod metrics;
mod runner;
mod runs;
mod scheduler;
mod service;
mod settings;
mod status;
mod task;
mod trust;
mod webhooks;
pub mod words;

pub use caldav::{CaldavAccountInput, CaldavAccountView, is_in_clear};
pub use clock::{Clock, SystemClock};
pub use config::{AppConfig, GoogleClient};
pub use declared::{
    ConfigValue, Declared, DeclaredAccount, DeclaredCalendar, DeclaredMapping, FileState, Pending,
    PendingKind,
};
pub use error::{FieldError, Kind, UserError};
pub use google::{PERMISSIONS, Revoked, SignIn};
pub use held::{Decided, Decision, may_restore};
pub use mappings::{MappingInput, Mirrored, check as check_mapping};
pub use metrics::{BUCKETS, Counted, Figures, MappingFigures};
pub use outbound::Fingerprint;
pub use scheduler::{RunHandle, SyncRequest};
pub use service::App;
pub use settings::{
    SETTINGS, Setting, Settings, SettingsInput, WebhookInput, WebhookState, WebhookView,
};
pub use status::{MappingStatus, Quota, SchedulerStatus, State, Status, Waiting};
pub use sync_engine::plan::CleanUp;
pub use task::{PreviewPlan, Previewed};

// What callers read is what the store keeps.
pub use store::records;
