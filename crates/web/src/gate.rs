//! The middleware around every request: who comes in, what every answer carries, and what becomes of
//! a panic.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web as aw};
use app::records::KeyScope;
use futures_util::FutureExt as _;

use crate::access::{Access, Area, Credentials, Decision, Key, Throttle, Visit, decide};
use crate::failure::Failure;
use crate::pages;
use crate::unread::{self, Unread};
use crate::web::Web;

/// No script at all, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// How long an address that guesses on waits for each answer.
const SLOWED: Duration = Duration::from_secs(1);

/// The middleware.
pub(crate) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(web) = request.app_data::<aw::Data<Web>>().cloned() else {
        return Err(actix_web::error::ErrorInternalServerError("no state"));
    };
    let visit = Visit::of(request.request(), web.config.prefix());
    let unread = Unread::of(&mut request);
    let mut answer = match enter(&web, &visit).await {
        Err(failure) => {
            let response = refusal(&web, request.request(), &visit, &failure);
            request.into_response(response)
        }
        Ok(access) => {
            request.extensions_mut().insert(access);
            match serve(&web, &visit, request, next).await {
                Ok(answer) => answer,
                Err(error) => return Err(undressed(&web, &visit, error, unread)),
            }
        }
    };
    dress(&web, &visit, answer.headers_mut());
    let (asked, answer) = answer.into_parts();
    Ok(ServiceResponse::new(
        asked,
        unread::answered(answer, unread),
    ))
}

/// An answer for which no request is left to hang it on: it carries the same headers.
fn undressed(
    web: &Web,
    visit: &Visit,
    error: actix_web::Error,
    unread: Option<Unread>,
) -> actix_web::Error {
    let mut response = match error.as_error::<Failure>() {
        Some(failure) if wants_page(visit) => pages::trouble::bare(failure),
        _ => error.error_response(),
    };
    dress(web, visit, response.headers_mut());
    let response = unread::answered(response, unread);
    actix_web::error::InternalError::from_response(error, response).into()
}

/// Who comes in, and as whom.
async fn enter(web: &Web, visit: &Visit) -> Result<Access, Failure> {
    web.look_for_proxies(visit);
    let rules = web.rules();
    let mut credentials = Credentials::default();
    if visit.area != Area::Probe {
        if let Some(key) = visit.bearer() {
            if web.app.key_is_short() {
                let client = visit.client(&web.config.trusted_proxies);
                let may = web.keys.may_try(client, Instant::now());
                may.map_err(|_| too_many())?;
            }
            credentials.key = web.app.grant(key).await?.map_or(Key::Foreign, Key::Ours);
        } else if let Some(id) = visit.cookie(web.cookies.session_name()) {
            credentials.session = web.app.session(id).await?;
        }
    }
    match decide(&rules, visit, credentials) {
        Decision::Enter(access) => Ok(access),
        Decision::WrongHost => Err(Failure::http(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "Another host is meant",
            "This service is not reached by that host name.",
            "Use the address in BASE_URL, set BASE_URL to the address you use, or add the name to \
             ALLOWED_HOSTS.",
        )),
        Decision::SignIn => Err(key_needed()),
        Decision::BadKey => {
            let client = visit.client(&web.config.trusted_proxies);
            refused_key(&web.keys, client).await?;
            Err(key_needed())
        }
        Decision::CrossSite => Err(cross_site()),
        Decision::Beyond => Err(beyond()),
    }
}

/// 403: the key is for less.
fn beyond() -> Failure {
    Failure::http(
        StatusCode::FORBIDDEN,
        "key_scope",
        "The key is not good for that",
        "This key was made for less than this request does.",
        "Use a key with the scope \"admin\"; for POST /sync one with the scope \"sync\" is enough, \
         unless it confirms a mapping after a restore.",
    )
}

/// Whether a visitor may ask for this very plan. Of a mapping that comes from a backup it is the word
/// that ends its waiting: an administrator's, and not that of whoever may start runs.
///
/// # Errors
/// 403.
pub(crate) async fn may_confirm(
    web: &Web,
    access: Option<&Access>,
    mapping: Option<&str>,
    plan: Option<&str>,
) -> Result<(), Failure> {
    let (Some(mapping), Some(_)) = (mapping, plan) else {
        return Ok(());
    };
    if access.is_some_and(|access| access.may(KeyScope::Admin))
        || web.app.mapping(mapping).await?.restored_at.is_none()
    {
        return Ok(());
    }
    Err(beyond())
}

/// 401: the same for no key, an unknown one and one that cannot be read.
fn key_needed() -> Failure {
    Failure::http(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "A key is needed",
        "This request has no valid key.",
        "Send the API key as \"Authorization: Bearer KEY\", or sign in with it in the browser. If it is \
         lost, set a new API_KEY and restart.",
    )
}

/// A wrong key, wherever it was given: put into the log for whoever bans addresses (the line is
/// documented), and the guesser is made to wait.
///
/// # Errors
/// 429 for an address that has used up its tries.
pub(crate) async fn refused_key(throttle: &Throttle, client: IpAddr) -> Result<(), Failure> {
    tracing::warn!(client = %client, "a wrong key was refused");
    let tried = throttle.failed(client, Instant::now());
    tokio::time::sleep(tried.unwrap_or(SLOWED)).await;
    tried.map(drop).map_err(|_| too_many())
}

/// 429.
fn too_many() -> Failure {
    Failure::http(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        "Too many attempts",
        "Too many wrong keys came from this address.",
        "Wait a few seconds, then try again with the right key.",
    )
}

/// 403.
pub(crate) fn cross_site() -> Failure {
    Failure::http(
        StatusCode::FORBIDDEN,
        "cross_site",
        "Refused",
        "This request does not come from one of our own pages, or the page is too old.",
        "Open the page again and repeat what you did.",
    )
}

/// Runs the handler; a panic is caught and the program lives on. The request itself is not kept: the
/// framework wants it for itself while it looks for the handler.
async fn serve(
    web: &Web,
    visit: &Visit,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let path = request.path().to_owned();
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(answer)) => {
            let asked = answer.request().clone();
            Ok(explained(web, visit, &asked, answer.map_into_boxed_body()))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => {
            tracing::error!(path, "a handler panicked");
            Err(numbered(Failure::http(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something broke",
                "The program made a mistake.",
                "Try again. If it stays, report it with the log's lines about this request.",
            ))
            .into())
        }
    }
}

/// An error of our own gets a number that the log has too.
fn numbered(mut failure: Failure) -> Failure {
    let id = app::access::random(9).unwrap_or_default();
    tracing::error!(request_id = %id, code = %failure.error.code, "answered with an error of our own");
    failure.error.detail = format!("{} (Request {id}.)", failure.error.detail);
    *failure.error = failure.error.with("request_id", id);
    failure
}

/// Answers of the framework that say nothing get words: HTML for pages, a problem for all else. And
/// our own errors get their number.
fn explained(
    web: &Web,
    visit: &Visit,
    asked: &HttpRequest,
    answer: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let is = |wanted: &str| kind.is_some_and(|kind| kind.as_bytes().starts_with(wanted.as_bytes()));
    let told = if wants_page(visit) {
        is("text/html")
    } else {
        is("application/") && status != StatusCode::INTERNAL_SERVER_ERROR
    };
    if told {
        return answer;
    }
    let failure = match answer
        .response()
        .error()
        .and_then(|error| error.as_error::<Failure>())
    {
        Some(failure) => Failure {
            status: failure.status,
            error: failure.error.clone(),
        },
        None => plain(status),
    };
    let failure = if status == StatusCode::INTERNAL_SERVER_ERROR {
        numbered(failure)
    } else {
        failure
    };
    let mut response = refusal(web, asked, visit, &failure);
    if let Some(allow) = answer.headers().get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    ServiceResponse::new(asked.clone(), response)
}

fn wants_page(visit: &Visit) -> bool {
    matches!(visit.area, Area::Page | Area::Open | Area::Callback)
}

/// Words for a bare status.
fn plain(status: StatusCode) -> Failure {
    match status {
        StatusCode::NOT_FOUND => Failure::no_such_path(),
        StatusCode::METHOD_NOT_ALLOWED => Failure::http(
            status,
            "method_not_allowed",
            "Method not allowed",
            "This address does not take that method.",
            "See the Allow header for those it takes.",
        ),
        _ => Failure::http(
            status,
            "http_error",
            status.canonical_reason().unwrap_or("Error"),
            "The request could not be served.",
            "Check the request.",
        ),
    }
}

/// A refusal: people are led to the sign-in, or get a page; programs get a problem.
fn refusal(web: &Web, asked: &HttpRequest, visit: &Visit, failure: &Failure) -> HttpResponse {
    if !wants_page(visit) {
        return failure.error_response();
    }
    if failure.status == StatusCode::UNAUTHORIZED && visit.method == Method::GET {
        return pages::sign_in::lead_there(web, asked);
    }
    let mut page = pages::trouble::page(web, asked, failure);
    if let Some(when) = failure.error_response().headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, when.clone());
    }
    page
}

/// What every answer carries.
fn dress(web: &Web, visit: &Visit, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_FRAME_OPTIONS, "DENY");
    // Not "no-referrer": with it browsers send "Origin: null" with our own forms. Other sites learn
    // nothing either way.
    set(header::REFERRER_POLICY, "same-origin");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    );
    if web.config.https() {
        set(
            header::STRICT_TRANSPORT_SECURITY,
            // Not for what else is below our name: that is not ours to say.
            "max-age=31536000",
        );
    }
    if !(visit.area == Area::Open && headers.contains_key(header::CACHE_CONTROL)) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The service for all other paths.
pub(crate) async fn nothing_here() -> Result<HttpResponse, Failure> {
    Err(Failure::no_such_path())
}

#[cfg(test)]
mod tests;
