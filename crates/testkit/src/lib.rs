//! What the tests of this workspace share.
//!
//! - [`Radicale`] and [`Xandikos`]: real CalDAV servers, started for one test and gone with it.
//! - [`RawDav`]: plain WebDAV requests that owe nothing to our own client.
//! - [`CountingProxy`]: counts, logs and spoils requests in front of any HTTP server.
//! - [`Chromium`]: a headless browser, driven over WebDriver.
//! - [`corpus()`]: iCalendar objects of every shape, placed around a given day.
//! - [`expand_ics`] and [`expand_google`]: an expander that is not ours, as an oracle.
//!
//! Only for tests: everything here fails by panicking with what to do about it. `cargo xtask test`
//! provides the Python environment and the browser.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test's helper fails by panicking, with the reason in its message"
)]

mod chromium;
mod corpus;
mod oracle;
mod process;
mod proxy;
mod python;
mod raw_dav;
mod servers;

pub use chromium::Chromium;
pub use corpus::{CorpusItem, RADICALE_REFUSES, corpus, fill};
pub use oracle::{Expansion, Occurrence, expand_google, expand_ics};
pub use proxy::{CountingProxy, Proxied, Rule, Trouble};
pub use python::{python, workspace_root};
pub use raw_dav::{Answer, Listed, RawDav};
pub use servers::{Radicale, Xandikos};
