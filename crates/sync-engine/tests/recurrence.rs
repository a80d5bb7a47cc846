//! The contract of `sync_engine::recurrence`: tables of cases, properties, and hostile rules.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "recurrence/bombs.rs"]
mod bombs;
#[path = "recurrence/cases.rs"]
mod cases;
#[path = "recurrence/given.rs"]
mod given;
#[path = "recurrence/properties.rs"]
mod properties;
#[path = "recurrence/questions.rs"]
mod questions;
#[path = "recurrence/reader.rs"]
mod reader;
