//! The REST API: one module a resource, each with its shapes (request and answer) and its handlers.
//! Names and shapes are promises to scripts.
#![expect(
    unused_qualifications,
    reason = "utoipa writes paths in full that it is given in short"
)]

pub(crate) mod caldav;
pub(crate) mod conflicts;
pub(crate) mod declared;
pub(crate) mod doctor;
pub(crate) mod google;
pub(crate) mod held;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod mappings;
pub(crate) mod metrics;
pub(crate) mod plan;
mod present;
pub(crate) mod probes;
pub(crate) mod runs;
mod secret;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod webhooks;

use actix_web::Route;
use actix_web::web::{delete, patch, post, put};
use utoipa::OpenApi;

use crate::failure::Failure;
use crate::openapi;
use crate::routes::{Add, get};

/// What a handler gives.
pub(crate) type Answer = Result<actix_web::HttpResponse, Failure>;

/// The one list of what the API can do: from it come the routes and the OpenAPI document. Each
/// handler says the rest by itself (`#[utoipa::path]`); `openapi::tests` holds the two together.
macro_rules! operations {
    ($($method:ident $path:literal => $module:ident::$handler:ident,)+) => {
        /// Every operation, for the document.
        #[derive(OpenApi)]
        #[openapi(paths($($module::$handler),+))]
        pub(crate) struct Operations;

        impl Operations {
            /// Method, path and handler of each.
            fn all() -> Vec<(&'static str, &'static str, Route)> {
                vec![$((
                    stringify!($method),
                    $path,
                    $method().to($module::$handler),
                )),+]
            }
        }
    };
}

operations! {
    get "/healthz" => probes::healthz,
    get "/readyz" => probes::readyz,
    get "/openapi.json" => openapi::served,
    get "/status" => status::status,
    get "/metrics" => metrics::metrics,
    get "/doctor" => doctor::doctor,
    get "/caldav/accounts" => caldav::accounts,
    post "/caldav/accounts" => caldav::add,
    patch "/caldav/accounts/{id}" => caldav::change,
    delete "/caldav/accounts/{id}" => caldav::delete,
    get "/caldav/calendars" => caldav::calendars,
    get "/google/accounts" => google::accounts,
    delete "/google/accounts/{id}" => google::delete,
    get "/google/calendars" => google::calendars,
    get "/mappings" => mappings::all,
    post "/mappings" => mappings::put,
    get "/mappings/{id}" => mappings::one,
    delete "/mappings/{id}" => mappings::delete,
    get "/mappings/{id}/preview" => plan::preview,
    post "/mappings/{id}/cleanup" => plan::clean_up,
    post "/sync" => sync::sync,
    get "/runs" => runs::all,
    get "/runs/{id}" => runs::one,
    post "/runs/{id}/undo" => plan::undo,
    get "/conflicts" => conflicts::all,
    post "/conflicts/{id}" => conflicts::decide,
    get "/held" => held::all,
    post "/held/{id}" => held::decide,
    get "/events/history" => history::history,
    get "/events/{uid}/history" => history::of_event,
    get "/settings" => settings::read,
    put "/settings" => settings::change,
    get "/webhooks/{id}/deliveries" => webhooks::deliveries,
    post "/webhooks/{id}/deliveries/{delivery}/replay" => webhooks::replay,
    post "/webhooks/{id}/test" => webhooks::test,
    post "/webhooks/{id}/enable" => webhooks::enable,
    post "/webhooks/{id}/secret" => webhooks::new_secret,
    get "/keys" => keys::all,
    post "/keys" => keys::make,
    delete "/keys/{id}" => keys::revoke,
    get "/sessions" => sessions::all,
    delete "/sessions/{id}" => sessions::end,
}

/// The routes of the API: each path once, with all its methods.
pub(crate) fn routes(add: Add<'_>) {
    let mut paths: Vec<(&str, Vec<String>, Vec<Route>)> = Vec::new();
    for (method, path, route) in Operations::all() {
        let methods = if method == "get" {
            "GET, HEAD".to_owned()
        } else {
            method.to_ascii_uppercase()
        };
        match paths.iter_mut().find(|(known, ..)| *known == path) {
            Some((_, known, routes)) => {
                known.push(methods);
                routes.push(route);
            }
            None => paths.push((path, vec![methods], vec![route])),
        }
    }
    for (path, methods, routes) in paths {
        add(path, &methods.join(", "), routes);
    }
}

/// Method and path of every operation.
#[cfg(test)]
pub(crate) fn operations() -> Vec<(&'static str, &'static str)> {
    let all = Operations::all().into_iter();
    all.map(|(method, path, _)| (method, path)).collect()
}
