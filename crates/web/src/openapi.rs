//! The OpenAPI document: what `utoipa` reads off the handlers and their types, completed by what
//! holds for every operation (`common`). Served at `/openapi.json`, shown by `pages::api`.

mod common;
pub(crate) mod words;

use actix_web::{HttpResponse, web as aw};
use utoipa::OpenApi as _;
use utoipa::openapi::{Contact, Info, License, OpenApi, Server};

use crate::api::{Answer, Operations};
use crate::input::{Nothing, Params};
use crate::web::Web;

const ABOUT: &str = "\
Everything the pages do can be done here too. JSON in and out; every request carries \
`Authorization: Bearer KEY`, but for requests from the machine itself while the program listens \
for `localhost` only, and for the probes.

Unknown members and parameters are refused. Ids are opaque, times are RFC 3339 in UTC. Every error \
is `application/problem+json` (RFC 9457) with a stable `code` and an `action` that says what to do \
next. HEAD is answered wherever GET is.";

/// The document of a program at this address.
pub(crate) fn document(address: &str, version: &str) -> OpenApi {
    let mut document = Operations::openapi();
    document.info = {
        let mut info = Info::new("caldav-sync", version);
        info.description = Some(ABOUT.to_owned());
        info.license = Some(License::new("MIT"));
        info.contact = None::<Contact>;
        info
    };
    document.servers = Some(vec![Server::new(address)]);
    common::complete(&mut document);
    document
}

/// The document as it is served and shown: of this very program.
pub(crate) fn own(web: &Web) -> OpenApi {
    let address = web.config.base_url.as_str().trim_end_matches('/');
    document(address, &web.app.config().version)
}

/// This document.
///
/// OpenAPI 3.1. A page for people is at `/ui/api`.
#[utoipa::path(get, path = "/openapi.json", tag = "about",
    responses((status = 200, description = "The OpenAPI document.", body = Object)))]
pub(crate) async fn served(web: aw::Data<Web>, _: Params<Nothing>) -> Answer {
    Ok(HttpResponse::Ok().json(own(&web)))
}

#[cfg(test)]
mod tests;
