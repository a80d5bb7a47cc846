//! Counterparts in the process: a strict Google Calendar and a small CalDAV server.
//!
//! Tests and the demo start them; the product's `serve` never links a path to them. Each is a pure
//! core (state, request and time in, answer out) under a thin HTTP shell on 127.0.0.1, with a
//! request log and faults to inject.

pub mod caldav;
pub mod google;
