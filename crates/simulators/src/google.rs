//! A strict Google Calendar in the process: OAuth, calendars, events, sync
//! tokens, quotas and faults, so that a client can be held against what Google
//! refuses without a network or an account.
//!
//! Where Google is lenient or undocumented, this one refuses; where Google may
//! do either, a [`Knobs`] field picks. Facts (paths, parameters, scopes,
//! schemas) come from the API's discovery document in `data/`, not from hand.
//!
//! **How it is built.** `Core` (in `state.rs`) is the state; `Core::handle` (in
//! `dispatch.rs`) takes a request value and gives a response value. It does no
//! I/O, has its own clock and seeded randomness: the same seed and the same
//! requests give the same bytes. `server.rs` is the HTTP shell, `handle.rs` the
//! in-process controls, `admin.rs` the same controls at `/_sim/**`.
//!
//! **What is not there.** Batch, push channels, ACLs, quickAdd: 501.
//!
//! ```
//! use serde_json::json;
//! use simulators::google::{GoogleSim, GoogleSimConfig, DEFAULT_ACCOUNT};
//!
//! let sim = GoogleSim::start(GoogleSimConfig::default())?;
//! let ada = sim.as_user(DEFAULT_ACCOUNT);
//! ada.insert("primary", json!({
//!     "summary": "Tea",
//!     "start": {"date": "2026-11-22"},
//!     "end": {"date": "2026-11-23"},
//! }))?;
//! assert_eq!(sim.dump(DEFAULT_ACCOUNT)?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin;
mod calendar_list;
mod calendars;
mod call;
mod change;
mod clock;
mod config;
mod dispatch;
mod error;
mod expand;
mod facts;
mod faults;
mod fields;
mod guard;
mod handle;
mod ids;
mod insert;
mod instances;
mod knobs;
mod list;
mod log;
mod machine;
mod merge;
mod methods;
mod misc;
mod oauth;
mod page;
mod params;
mod quota;
mod relocate;
mod render;
mod rows;
mod rule;
pub mod schema;
mod series;
mod server;
mod state;
mod times;
mod token;
mod validate;
mod wire;

pub use clock::ClockMode;
pub use config::{
    AccountConfig, CalendarConfig, ClientConfig, DEFAULT_ACCOUNT, DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET, GoogleSimConfig,
};
pub use error::ApiError;
pub use faults::{Action, Fault, Match, PersonEdit, When};
pub use handle::{Answer, GoogleSim, Person, Secrets, SimError};
pub use knobs::{
    CascadeTombstones, ExceptionPolicy, Knobs, MalformedToken, OverQuota, WindowedDelta,
};
pub use log::{Counts, LogEntry, MailEntry};
pub use oauth::{Consent, SignedIn};
pub use quota::QuotaConfig;
pub use state::Role;
