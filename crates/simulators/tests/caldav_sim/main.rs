//! The CalDAV simulator's contract: RFC-true by default, wrong exactly as told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod protocol;
mod reading;
mod support;
mod writing;
