//! The REST API and the pages, over the application services of `app`.
//!
//! [`server`] is all the binary needs: it takes a listener, an [`app::App`] and a [`WebConfig`] and
//! gives a server to be awaited; the caller stops it through its handle.
//!
//! - `access`: who may come in. The rules are pure functions over a `Visit`.
//! - `api`: JSON in and out, one module a resource; every error is `application/problem+json`.
//! - `openapi`: the document about the API, read off its handlers.
//! - `pages`: HTML, server-rendered, plain forms, no script.
//! - `gate`: the middleware around every request: access, headers, errors without a body, panics.
//!
//! Handlers are thin: they read a request, call one method of [`app::App`] and show what it says.
//! Nothing here touches a database, a calendar or a clock of its own.

mod access;
mod api;
mod assets;
mod config;
mod failure;
mod gate;
mod input;
mod openapi;
mod pages;
mod routes;
mod server;
mod unread;
mod web;

pub use access::Cidr;
pub use config::WebConfig;
pub use routes::addresses;
pub use server::server;
