//! The pages: HTML made on the server, plain forms, no script. One module a page; `shell` is what
//! surrounds them all, `widgets` and `words` are what they share.

mod access;
mod api;
mod caldav;
mod conflicts;
mod dashboard;
mod declared;
mod doctor;
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
mod webhooks;
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
    let mut page = |path: &str, methods: &str, routes: Vec<Route>| {
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
    page("/ui/api", reads, vec![get().to(api::show)]);
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
        "/ui/mappings/{id}/attention",
        reads,
        vec![get().to(mappings::attention)],
    );
    page(
        "/ui/mappings/{id}/delete",
        both,
        vec![get().to(mappings::ask_delete), post().to(mappings::delete)],
    );
    page(
        "/ui/mappings/{id}/cleanup",
        both,
        vec![
            get().to(mappings::ask_clean_up),
            post().to(mappings::clean_up),
        ],
    );
    page("/ui/conflicts", reads, vec![get().to(conflicts::list)]);
    page(
        "/ui/conflicts/{id}",
        writes,
        vec![post().to(conflicts::decide)],
    );
    page("/ui/held", reads, vec![get().to(held::list)]);
    page(
        "/ui/held/{id}/approve",
        writes,
        vec![post().to(held::approve)],
    );
    page(
        "/ui/held/{id}/restore",
        writes,
        vec![post().to(held::restore)],
    );
    page("/ui/held/{id}/pause", writes, vec![post().to(held::pause)]);
    page("/ui/runs", reads, vec![get().to(runs::list)]);
    page("/ui/runs/{id}", reads, vec![get().to(runs::show)]);
    page(
        "/ui/runs/{id}/undo",
        both,
        vec![get().to(runs::ask_undo), post().to(runs::undo)],
    );
    page(
        "/ui/settings",
        both,
        vec![get().to(settings::show), post().to(settings::change)],
    );
    page("/ui/doctor", reads, vec![get().to(doctor::show)]);
    page(
        "/ui/settings/webhooks",
        writes,
        vec![post().to(webhooks::add)],
    );
    let webhook = |rest: &str| format!("/ui/settings/webhooks/{{id}}{rest}");
    page(&webhook(""), reads, vec![get().to(webhooks::show)]);
    page(
        &webhook("/delete"),
        writes,
        vec![post().to(webhooks::delete)],
    );
    page(
        &webhook("/enable"),
        writes,
        vec![post().to(webhooks::enable)],
    );
    page(
        &webhook("/disable"),
        writes,
        vec![post().to(webhooks::disable)],
    );
    page(
        &webhook("/change"),
        writes,
        vec![post().to(webhooks::change)],
    );
    page(&webhook("/test"), writes, vec![post().to(webhooks::test)]);
    page(
        &webhook("/secret"),
        writes,
        vec![post().to(webhooks::new_secret)],
    );
    page(
        &webhook("/deliveries/{delivery}/replay"),
        writes,
        vec![post().to(webhooks::replay)],
    );
    page("/ui/settings/access", reads, vec![get().to(access::show)]);
    page(
        "/ui/settings/access/keys",
        writes,
        vec![post().to(access::make)],
    );
    page(
        "/ui/settings/access/keys/{id}/revoke",
        both,
        vec![get().to(access::ask_revoke), post().to(access::revoke)],
    );
    page(
        "/ui/settings/access/sessions/end",
        writes,
        vec![post().to(access::end_others)],
    );
    page(
        "/ui/settings/access/sessions/{id}/end",
        writes,
        vec![post().to(access::end)],
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
