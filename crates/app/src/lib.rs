//! Application services: what a person, a script or the clock can ask of the program, without any
//! HTTP server or HTML.
//!
//! [`App`] is the one door: accounts, calendars, mappings, runs, settings, who may come in. Web pages,
//! the REST API and the command line call the same methods and get the same [`UserError`]s, each
//! with what to do next. Inside, `runner` opens both sides of a mapping and hands them to the engine;
//! `scheduler` decides when; `webhooks` delivers what runs left in the outbox.
//!
//! No configuration is read here (the binary does), no clock but through [`Clock`], no request is
//! made but through `outbound`.

pub mod access;
mod caldav;
mod clock;
pub mod config;
mod error;
mod google;
mod held;
mod mappings;
mod runner;
mod runs;
mod scheduler;
mod service;
mod settings;
mod status;
mod webhooks;

pub use caldav::{CaldavAccountInput, CaldavAccountView};
pub use clock::{Clock, SystemClock};
pub use config::{AppConfig, GoogleClient};
pub use error::{FieldError, Kind, UserError};
pub use google::SignIn;
pub use held::{Decided, Decision};
pub use mappings::{MappingInput, Mirrored};
pub use runner::{PreviewPlan, Previewed};
pub use scheduler::{RunHandle, SyncRequest};
pub use service::App;
pub use settings::{Settings, SettingsInput, WebhookInput, WebhookView};
pub use status::{MappingStatus, Quota, SchedulerStatus, State, Status};

// What callers read is what the store keeps.
pub use store::records;
