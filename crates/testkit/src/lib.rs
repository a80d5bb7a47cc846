//! What the tests of this workspace share.
//!
//! - [`Radicale`], [`Xandikos`] and [`Sabre`]: real CalDAV servers, started for one test and gone
//!   with it. The last only where it is installed.
//! - [`RawDav`]: plain WebDAV requests that owe nothing to our own client.
//! - [`CountingProxy`]: counts, logs and spoils requests in front of any HTTP server.
//! - [`Receiver`]: takes the calls of webhooks and answers as told.
//! - [`scripted`]: a server that answers whatever a test makes up.
//! - [`ReverseProxy`]: a real nginx or Caddy with a configuration of the test's.
//! - [`TlsFront`]: TLS with certificates of the test's in front of any server.
//! - [`Chromium`]: a headless browser, driven over WebDriver.
//! - [`corpus()`]: iCalendar objects of every shape, placed around a given day.
//! - [`expand_ics`] and [`expand_google`]: an expander that is not ours, as an oracle.
//!
//! Only for tests: everything here fails by panicking with what to do about it. `cargo xtask test`
//! provides the Python environment, the browser and the reverse proxies.
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
mod receiver;
mod reverse_proxy;
pub mod scripted;
mod servers;
mod tls;

pub use chromium::Chromium;
pub use corpus::{CorpusItem, RADICALE_REFUSES, corpus, fill};
pub use oracle::{Expansion, Occurrence, expand_google, expand_ics};
pub use proxy::{CountingProxy, Proxied, Rule, Trouble};
pub use python::{python, workspace_root};
pub use raw_dav::{Answer, Listed, RawDav};
pub use receiver::{Call, Reaction, Receiver};
pub use reverse_proxy::{Place, ReverseProxy};
pub use servers::{Radicale, Sabre, Xandikos};
pub use tls::{Identity, TlsFront};
