//! The pages: HTML made on the server, plain forms, no script. One module a page; `shell` is what
//! surrounds them all, `widgets` and `words` are what they share.

mod caldav;
mod dashboard;
mod google;
mod held;
mod mappings;
pub(crate) mod oauth;
mod removal;
mod runs;
mod settings;
pub(crate) mod shell;
pub(crate) mod sign_in;
pub(crate) mod trouble;
mod widgets;
mod words;

use actix_web::http::header;
use actix_web::web::{self as aw, post};
use actix_web::{HttpResponse, Route};

use crate::failure::Failure;
use crate::routes::{Add, get};
use crate::web::Web;

/// What a page's handler gives.
type Answer = Result<HttpResponse, Failure>;

/// The routes of the pages.
pub(crate) fn routes(add: Add<'_>) {
    let reads = "GET, HEAD";
    let writes = "POST";
    let both = "GET, HEAD, POST";
    let mut page = |path: &str, methods: &'static str, routes: Vec<Route>| {
        add(path, methods, routes);
    };
    page("", reads, vec![get().to(to_dashboard)]);
    page("/", reads, vec![get().to(to_dashboard)]);
    page("/ui", reads, vec![get().to(to_dashboard)]);
    page("/ui/", reads, vec![get().to(dashboard::show)]);
    page("/ui/sync", writes, vec![post().to(dashboard::sync_all)]);
    page(
        "/ui/sign-in",
        both,
        vec![get().to(sign_in::show), post().to(sign_in::sign_in)],
    );
    page("/ui/sign-out", writes, vec![post().to(sign_in::sign_out)]);
    page("/oauth/start", reads, vec![get().to(oauth::start)]);
    page("/oauth/callback", reads, vec![get().to(oauth::callback)]);
    page("/ui/caldav", reads, vec![get().to(caldav::list)]);
    page(
        "/ui/caldav/new",
        both,
        vec![get().to(caldav::new), post().to(caldav::add)],
    );
    page(
        "/ui/caldav/{id}",
        both,
        vec![get().to(caldav::edit), post().to(caldav::change)],
    );
    page(
        "/ui/caldav/{id}/refresh",
        writes,
        vec![post().to(caldav::refresh)],
    );
    page(
        "/ui/caldav/{id}/delete",
        both,
        vec![get().to(caldav::ask_delete), post().to(caldav::delete)],
    );
    page("/ui/google", reads, vec![get().to(google::list)]);
    page(
        "/ui/google/{id}/refresh",
        writes,
        vec![post().to(google::refresh)],
    );
    page(
        "/ui/google/{id}/delete",
        both,
        vec![get().to(google::ask_delete), post().to(google::delete)],
    );
    page("/ui/mappings", reads, vec![get().to(mappings::list)]);
    page(
        "/ui/mappings/new",
        both,
        vec![get().to(mappings::new), post().to(mappings::add)],
    );
    page(
        "/ui/mappings/{id}",
        both,
        vec![get().to(mappings::edit), post().to(mappings::change)],
    );
    page(
        "/ui/mappings/{id}/sync",
        writes,
        vec![post().to(mappings::sync)],
    );
    page(
        "/ui/mappings/{id}/pause",
        writes,
        vec![post().to(mappings::pause)],
    );
    page(
        "/ui/mappings/{id}/resume",
        writes,
        vec![post().to(mappings::resume)],
    );
    page(
        "/ui/mappings/{id}/preview",
        reads,
        vec![get().to(mappings::preview)],
    );
    page(
        "/ui/mappings/{id}/delete",
        both,
        vec![get().to(mappings::ask_delete), post().to(mappings::delete)],
    );
    page("/ui/held", reads, vec![get().to(held::list)]);
    page(
        "/ui/held/{id}/approve",
        writes,
        vec![post().to(held::approve)],
    );
    page("/ui/held/{id}/pause", writes, vec![post().to(held::pause)]);
    page("/ui/runs", reads, vec![get().to(runs::list)]);
    page("/ui/runs/{id}", reads, vec![get().to(runs::show)]);
    page(
        "/ui/settings",
        both,
        vec![get().to(settings::show), post().to(settings::change)],
    );
    page(
        "/ui/settings/webhooks",
        writes,
        vec![post().to(settings::add_webhook)],
    );
    page(
        "/ui/settings/webhooks/{id}/delete",
        writes,
        vec![post().to(settings::delete_webhook)],
    );
}

async fn to_dashboard(web: aw::Data<Web>) -> HttpResponse {
    redirect(&web, "/ui/")
}

/// 303 to a path of ours.
fn redirect(web: &Web, path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, web.path(path)))
        .finish()
}
