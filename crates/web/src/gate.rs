//! The middleware around every request: who comes in, what every answer carries, and what becomes of
//! a panic.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web as aw};
use futures_util::FutureExt as _;
use secrecy::SecretString;

use crate::access::{Access, Area, Credentials, Decision, Session, Visit, decide};
use crate::failure::Failure;
use crate::pages;
use crate::web::Web;

/// No script at all, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// The middleware.
pub(crate) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(web) = request.app_data::<aw::Data<Web>>().cloned() else {
        return Err(actix_web::error::ErrorInternalServerError("no state"));
    };
    let visit = Visit::of(request.request(), web.config.prefix());
    let mut answer = match enter(&web, &visit).await {
        Err(failure) => {
            let response = refusal(&web, request.request(), &visit, &failure);
            request.into_response(response)
        }
        Ok(access) => {
            request.extensions_mut().insert(access);
            match serve(&web, &visit, request, next).await {
                Ok(answer) => answer,
                Err(error) => return Err(undressed(&web, &visit, error)),
            }
        }
    };
    dress(&web, &visit, answer.headers_mut());
    Ok(answer)
}

/// An answer for which no request is left to hang it on: it carries the same headers.
fn undressed(web: &Web, visit: &Visit, error: actix_web::Error) -> actix_web::Error {
    let mut response = match error.as_error::<Failure>() {
        Some(failure) if wants_page(visit) => pages::trouble::bare(failure),
        _ => error.error_response(),
    };
    dress(web, visit, response.headers_mut());
    actix_web::error::InternalError::from_response(error, response).into()
}

/// Who comes in, and as whom.
async fn enter(web: &Web, visit: &Visit) -> Result<Access, Failure> {
    if visit.peer.is_loopback() && visit.is_forwarded() {
        web.saw_proxy();
    }
    let rules = web.rules();
    let mut credentials = Credentials::default();
    if visit.area != Area::Probe {
        if let Some(key) = visit.bearer() {
            credentials.key = Some(web.app.is_key(key).await?);
        } else if let Some(id) = visit.cookie(web.cookies.session_name()) {
            credentials.session = web.app.session(id).await?.map(|csrf| Session {
                id: SecretString::from(id),
                csrf,
            });
        }
    }
    match decide(&rules, visit, credentials) {
        Decision::Enter(access) => Ok(access),
        Decision::WrongHost => Err(Failure::http(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "Another host is meant",
            "This service is not reached by that host name.",
            "Use the address in BASE_URL, or set BASE_URL to the address you use.",
        )),
        Decision::SignIn => Err(Failure::http(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A key is needed",
            "This request has no key.",
            "Send the API key as \"Authorization: Bearer KEY\", or sign in with it in the browser.",
        )),
        Decision::BadKey => Err(bad_key(web, visit).await),
        Decision::CrossSite => Err(cross_site()),
    }
}

/// A wrong key: whoever guesses is made to wait.
async fn bad_key(web: &Web, visit: &Visit) -> Failure {
    let client = visit.client(&web.config.trusted_proxies);
    let slowed = web.throttle.may_try(client, Instant::now()).is_err();
    let wait = web.throttle.failed(client, Instant::now());
    tracing::warn!(client = %client, "a request with a wrong key was refused");
    if slowed {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        return too_many();
    }
    tokio::time::sleep(wait).await;
    Failure::http(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "A key is needed",
        "The key of this request is not valid.",
        "Check the key. If it is lost, set a new API_KEY and restart.",
    )
}

/// 429.
pub(crate) fn too_many() -> Failure {
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
            let id = app::access::random(9).unwrap_or_default();
            tracing::error!(request_id = %id, path, "a handler panicked");
            Err(Failure::http(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something broke",
                format!("The program made a mistake (request {id})."),
                "Try again. If it stays, report it with the log's lines about this request.",
            )
            .into())
        }
    }
}

/// Answers of the framework that say nothing get words: HTML for pages, a problem for all else.
fn explained(
    web: &Web,
    visit: &Visit,
    asked: &HttpRequest,
    answer: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    let status = answer.status();
    let told = answer.headers().contains_key(header::CONTENT_TYPE);
    if !status.is_client_error() && !status.is_server_error() || told && !wants_page(visit) {
        return answer;
    }
    let is_html = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_html || visit.area == Area::Probe {
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
    pages::trouble::page(web, asked, failure)
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
            "max-age=31536000; includeSubDomains",
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
