//! The way to Google and back: `GET /oauth/start` and `GET /oauth/callback`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use super::shell::Shell;
use super::sign_in::set_cookie;
use super::trouble;
use super::{Answer, redirect};
use crate::access::Visit;
use crate::failure::Failure;
use crate::input::Query;
use crate::web::Web;

/// Sends the browser to Google. `account` names one that signs in again.
pub(crate) async fn start(shell: Shell, request: HttpRequest, query: Query) -> Answer {
    let web = &shell.web;
    let account = query.get("account");
    // The cookie must be set where Google sends the browser back to. `moved` ends a circle behind a
    // proxy that changes the host.
    if !on_base_host(web, &request) && query.get("moved").is_none() {
        return Ok(move_to_base(web, account));
    }
    let sign_in = web.app.begin_google_sign_in(account).await?;
    let mut answer = HttpResponse::SeeOther()
        .insert_header((header::LOCATION, sign_in.url.as_str()))
        .finish();
    set_cookie(
        &mut answer,
        &web.cookies.sign_in(sign_in.cookie.expose_secret()),
    );
    Ok(answer)
}

/// Ends the sign-in: state and cookie let in, each state once.
pub(crate) async fn callback(shell: Shell, request: HttpRequest) -> Answer {
    let web = &shell.web;
    let cookie = request
        .cookie(web.cookies.sign_in_name())
        .map(|cookie| cookie.value().to_owned())
        .unwrap_or_default();
    let mut answer = match web
        .app
        .finish_google_sign_in(request.query_string(), &cookie)
        .await
    {
        Ok(_) => redirect(web, "/ui/google?done=connected"),
        Err(error) => {
            tracing::warn!(code = %error.code, error = %error, "a sign-in with Google failed");
            trouble::page(web, &request, &Failure::from(error))
        }
    };
    set_cookie(&mut answer, &web.cookies.no_sign_in());
    Ok(answer)
}

fn on_base_host(web: &Web, request: &HttpRequest) -> bool {
    let visit = Visit::of(request, web.config.prefix());
    let base = &web.config.base_url;
    let name = base.host_str().unwrap_or_default();
    let with_port = match base.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    visit.host(&web.config.trusted_proxies) == Some(&with_port)
}

fn move_to_base(web: &Web, account: Option<&str>) -> HttpResponse {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(account) = account {
        query.append_pair("account", account);
    }
    query.append_pair("moved", "1");
    let mut there = web.config.base_url.clone();
    there.set_path(&web.path("/oauth/start"));
    there.set_query(Some(&query.finish()));
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, there.as_str()))
        .finish()
}
