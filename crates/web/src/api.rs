//! The REST API: one module a resource, each with its shapes (request and answer) and its handlers.
//! Names and shapes are promises to scripts.

pub(crate) mod caldav;
pub(crate) mod google;
pub(crate) mod held;
pub(crate) mod history;
pub(crate) mod mappings;
pub(crate) mod plan;
pub(crate) mod probes;
pub(crate) mod runs;
mod secret;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod sync;

use actix_web::web::{delete, patch, post, put};

use crate::failure::Failure;
use crate::routes::{Add, get};

/// What a handler gives.
type Answer = Result<actix_web::HttpResponse, Failure>;

/// The routes of the API.
pub(crate) fn routes(add: Add<'_>) {
    add("/healthz", "GET, HEAD", vec![get().to(probes::healthz)]);
    add("/readyz", "GET, HEAD", vec![get().to(probes::readyz)]);
    add("/status", "GET, HEAD", vec![get().to(status::status)]);
    add(
        "/caldav/accounts",
        "GET, HEAD, POST",
        vec![get().to(caldav::accounts), post().to(caldav::add)],
    );
    add(
        "/caldav/accounts/{id}",
        "PATCH, DELETE",
        vec![patch().to(caldav::change), delete().to(caldav::delete)],
    );
    add(
        "/caldav/calendars",
        "GET, HEAD",
        vec![get().to(caldav::calendars)],
    );
    add(
        "/google/accounts",
        "GET, HEAD",
        vec![get().to(google::accounts)],
    );
    add(
        "/google/accounts/{id}",
        "DELETE",
        vec![delete().to(google::delete)],
    );
    add(
        "/google/calendars",
        "GET, HEAD",
        vec![get().to(google::calendars)],
    );
    add(
        "/mappings",
        "GET, HEAD, POST",
        vec![get().to(mappings::all), post().to(mappings::put)],
    );
    add(
        "/mappings/{id}",
        "GET, HEAD, DELETE",
        vec![get().to(mappings::one), delete().to(mappings::delete)],
    );
    add(
        "/mappings/{id}/preview",
        "GET, HEAD",
        vec![get().to(plan::preview)],
    );
    add("/held", "GET, HEAD", vec![get().to(held::all)]);
    add("/held/{id}", "POST", vec![post().to(held::decide)]);
    add("/sync", "POST", vec![post().to(sync::sync)]);
    add("/runs", "GET, HEAD", vec![get().to(runs::all)]);
    add("/runs/{id}", "GET, HEAD", vec![get().to(runs::one)]);
    add(
        "/events/history",
        "GET, HEAD",
        vec![get().to(history::history)],
    );
    add(
        "/events/{uid}/history",
        "GET, HEAD",
        vec![get().to(history::of_event)],
    );
    add(
        "/settings",
        "GET, HEAD, PUT",
        vec![get().to(settings::read), put().to(settings::change)],
    );
}
