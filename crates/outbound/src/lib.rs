//! Where we connect to: the one place that makes connections to the outside.
//!
//! Every outgoing request of the program goes through [`Client`], which judges the address a name
//! *resolved to*, at the moment of connecting, and not the name:
//!
//! | who named the address | public | private, loopback | link-local, metadata, multicast, unspecified |
//! | --- | --- | --- | --- |
//! | an administrator typed it | yes | yes | never |
//! | a server on a private address sent us there | yes | yes | never |
//! | a server on a public address sent us there | yes | no | never |
//!
//! No redirect is followed by itself: a caller that wants to follow one asks its [`Trail`], which
//! counts hops and says whether credentials may go along (same registrable domain, no step down
//! from https). Proxies from the environment are not used, bodies end at a limit counted after
//! decompression, and everything ends in time.
//!
//! TLS is always verified, by this machine's trust store. There is no switch to ignore errors: what
//! can be trusted instead is one certificate at one place, by its [`Fingerprint`]
//! ([`Client::trusting`]).
//!
//! **Architecture invariant:** no other crate builds a `reqwest::Client`.
//!
//! ```no_run
//! # async fn example() -> Result<(), outbound::Error> {
//! use outbound::{Client, Origin, Policy, Request};
//!
//! let client = Client::new(Policy::default())?;
//! let url = outbound::typed_url("https://dav.example.com/")?;
//! let answer = client.send(Origin::Administrator, Request::get(url)).await?;
//! println!("{} {} bytes", answer.status, answer.body.len());
//! # Ok(()) }
//! ```

mod address;
mod certificate;
mod client;
mod error;
mod hop;
mod message;
mod policy;
mod resolve;
mod site;
mod tls;
mod verify;

pub use address::{Reach, Verdict, judge};
pub use certificate::{Fingerprint, FingerprintError};
pub use client::Client;
pub use error::Error;
pub use hop::{Hop, Trail};
pub use message::{Request, Response};
pub use policy::{Lookup, LookupFuture, Origin, Policy};
pub use site::{Site, shown, typed_url};

// The same types for everybody who makes requests or reads answers.
pub use reqwest::header;
pub use reqwest::{Method, StatusCode};
pub use url::Url;
