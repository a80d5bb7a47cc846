//! The contract of the simulated Google, over HTTP: each rule of the API that a
//! client may stumble on, one module per subject. Every successful answer is
//! held against the discovery document's schemas by the support module.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

#[path = "google_contract/access.rs"]
mod access;
#[path = "google_contract/calendars.rs"]
mod calendars;
#[path = "google_contract/controls.rs"]
mod controls;
#[path = "google_contract/faults.rs"]
mod faults;
#[path = "google_contract/instances.rs"]
mod instances;
#[path = "google_contract/oauth.rs"]
mod oauth;
#[path = "google_contract/preconditions.rs"]
mod preconditions;
#[path = "google_contract/quota.rs"]
mod quota;
#[path = "google_contract/support.rs"]
mod support;
#[path = "google_contract/surface.rs"]
mod surface;
#[path = "google_contract/sync.rs"]
mod sync;
#[path = "google_contract/validation.rs"]
mod validation;
#[path = "google_contract/writes.rs"]
mod writes;
