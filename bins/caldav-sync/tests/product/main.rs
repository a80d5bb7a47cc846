//! The whole product: the real binary as a process of its own, against real calendar servers, the
//! strict simulated Google and a real browser.
//!
//! One binary, one module a subject. `common` starts and steers things; the tests say what must be.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, with the reason in its message and what the program said"
)]

mod access;
mod answers;
mod bombs;
mod browser_flow;
mod certificates;
mod chaos;
mod common;
mod configuration;
mod declared;
mod demo;
mod described;
mod errors;
mod faults;
mod log_lines;
mod markup_browser;
mod one_way;
mod operations;
mod pains;
mod proxies;
mod quiet;
mod rest_flow;
mod webhooks;
