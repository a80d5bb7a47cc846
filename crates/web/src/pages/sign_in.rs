//! Signing in with the API key, and out.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use app::UserError;
use app::access::Visitor;
use maud::html;
use secrecy::ExposeSecret as _;
use url::form_urlencoded;

use super::shell::{Here, Page, Shell};
use super::widgets::{Input, summary};
use super::{Answer, redirect};
use crate::access::{Access, Visit};
use crate::gate::refused_key;
use crate::input::{Form, Query};
use crate::web::Web;

/// To the sign-in, and back to where the visitor wanted to go.
pub(crate) fn lead_there(web: &Web, asked: &HttpRequest) -> HttpResponse {
    let prefix = web.config.prefix();
    let inside = asked.path().strip_prefix(prefix).unwrap_or_default();
    let wanted = match inside {
        // Google's page cannot be reached by a form's redirect: the sign-in there begins anew.
        "/oauth/start" => Some("/ui/google".to_owned()),
        "" | "/" | "/ui" | "/ui/" => None,
        _ => {
            let query = asked
                .uri()
                .query()
                .map_or_else(String::new, |query| format!("?{query}"));
            Some(format!("{inside}{query}"))
        }
    };
    match wanted {
        None => redirect(web, "/ui/sign-in"),
        Some(wanted) => {
            let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
            redirect(web, &format!("/ui/sign-in?next={next}"))
        }
    }
}

/// Where to go after the sign-in: a page of ours, nothing else.
fn next_of(given: Option<&str>) -> String {
    match given {
        Some(next)
            if next.starts_with("/ui/")
                && !next.contains('\\')
                && next.bytes().all(|byte| byte.is_ascii_graphic())
                && !next.contains("//") =>
        {
            next.to_owned()
        }
        _ => "/ui/".to_owned(),
    }
}

/// The sign-in page.
pub(crate) async fn show(shell: Shell, query: Query) -> HttpResponse {
    let next = next_of(query.get("next"));
    if matches!(shell.access(), Access::Session(_)) {
        return redirect(&shell.web, &next);
    }
    shell.show(&page(&shell, &next, None))
}

fn page(shell: &Shell, next: &str, error: Option<&UserError>) -> Page {
    let key = Input {
        name: "key",
        label: "API key",
        kind: "password",
        autocomplete: Some("current-password"),
        hint: Some(html! {
            "It was printed once in the log when caldav-sync first started, or you set it as "
            code { "API_KEY" } ". Lost it? " code { "caldav-sync key reset" } " makes a new one."
        }),
        required: true,
        error,
        ..Input::default()
    };
    let fields = html! {
        input type="hidden" name="next" value=(next);
        // For password managers, which want a name beside a password.
        input.unseen type="text" name="username" value="admin" autocomplete="username"
            tabindex="-1" aria-hidden="true" readonly;
        (key)
        button.primary type="submit" { "Sign in" }
    };
    let main = html! {
        div.narrow {
            @if let Some(error) = error { (summary(error)) }
            h1 { "Sign in" }
            @if shell.web.config.in_clear() {
                p.notice.warn {
                    "This page came by plain http: whoever is on the way can read the key. "
                    "Put caldav-sync behind https and set " code { "BASE_URL" } "."
                }
            }
            section.card { (shell.form("/ui/sign-in", "stack", &fields)) }
        }
    };
    Page::new(Here::Elsewhere, "Sign in", main)
}

/// Checks the key and begins a session: always a new one, and the one before ends.
pub(crate) async fn sign_in(shell: Shell, request: HttpRequest, form: Form) -> Answer {
    let web = &shell.web;
    let visit = Visit::of(&request, web.config.prefix());
    let client = visit.client(&web.config.trusted_proxies);
    let next = next_of(form.get("next"));
    let key = form.secret("key");
    let key = key.as_ref().map_or("", |key| key.expose_secret()).trim();
    let granted = match web.sign_ins.may_try(client, Instant::now()) {
        // The key is not even looked at.
        Err(_) => None,
        Ok(()) => web.app.grant(key).await?,
    };
    let Some(grant) = granted else {
        refused_key(&web.sign_ins, client).await?;
        let detail = if key.is_empty() {
            "Enter the API key."
        } else {
            "That is not a valid key."
        };
        let error = UserError::invalid("key", detail);
        let page = page(&shell, &next, Some(&error));
        return Ok(shell.show(&page.refused(StatusCode::UNPROCESSABLE_ENTITY)));
    };
    if let Access::Session(before) = shell.access() {
        web.app.end_session(before.id.expose_secret()).await?;
    }
    let visitor = Visitor {
        address: client.to_string(),
        agent: visit.header("user-agent").unwrap_or_default().to_owned(),
    };
    let session = web.app.begin_session(grant, visitor).await?;
    tracing::info!(client = %client, key_id = %session.grant.key_id, "a browser signed in");
    let mut answer = redirect(web, &next);
    set_cookie(
        &mut answer,
        &web.cookies.session(session.id.expose_secret()),
    );
    Ok(answer)
}

/// Ends the session.
pub(crate) async fn sign_out(shell: Shell, _form: Form) -> Answer {
    if let Access::Session(session) = shell.access() {
        shell
            .web
            .app
            .end_session(session.id.expose_secret())
            .await?;
    }
    let mut answer = redirect(&shell.web, "/ui/sign-in?done=signed-out");
    set_cookie(&mut answer, &shell.web.cookies.no_session());
    Ok(answer)
}

/// Adds a cookie to an answer.
pub(super) fn set_cookie(answer: &mut HttpResponse, cookie: &actix_web::cookie::Cookie<'static>) {
    // Our own cookies are made of letters, digits and dashes.
    if let Ok(value) = cookie.to_string().parse() {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_sign_in_only_to_our_own_pages() {
        for (given, next) in [
            (Some("/ui/runs?mapping=map_1"), "/ui/runs?mapping=map_1"),
            (Some("//evil.example/ui/"), "/ui/"),
            (Some("/ui//evil.example"), "/ui/"),
            (Some("https://evil.example/ui/"), "/ui/"),
            (Some("/ui/\\evil.example"), "/ui/"),
            (Some("/oauth/start"), "/ui/"),
            (Some("/ui/\0"), "/ui/"),
            (Some("/ui/\r\nx: y"), "/ui/"),
            (Some("/ui/\u{7f}"), "/ui/"),
            (Some("/ui/\u{85}"), "/ui/"),
            (None, "/ui/"),
        ] {
            assert_eq!(next_of(given), next);
        }
    }
}
