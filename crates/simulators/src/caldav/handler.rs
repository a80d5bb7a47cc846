//! The core: state and a request in, an answer out.
//!
//! Deterministic: the same state, request and time give the same answer. The order is: faults,
//! throttle, redirects, credentials, rights, method, spoiling, log.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, LOCATION, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;

use super::auth::{self, Who};
use super::faults::{FaultAction, Moment};
use super::log::{LoggedRequest, RequestLog};
use super::reply::{self, Reply};
use super::resource::Resource;
use super::state::State;
use super::xml::El;
use super::{collection, object, propfind, report, spoil};

const METHODS: &str =
    "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCALENDAR, MKCOL, REPORT";

/// An answer, and what its connection still has to suffer.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) reply: Reply,
    /// A reset, a cut or a delay.
    pub(super) suffers: Option<FaultAction>,
}

/// Answers one request.
pub(super) fn handle(state: &mut State, request: &Request<Bytes>, now: Timestamp) -> Outcome {
    let path = request.uri().path().to_owned();
    let method = request.method().as_str();
    let fault = state.faults.strike(method, &path, request.body());
    let mut user = None;
    let mut reply = match &fault {
        Some(fault) if fault.moment == Moment::Before && has_no_effect(&fault.action) => {
            reply::status(503)
        }
        _ => match throttled(state, now) {
            Some(reply) => reply,
            None => answer(state, request, &path, now, &mut user),
        },
    };
    if let Some(FaultAction::Status {
        code,
        retry_after,
        body,
    }) = fault.as_ref().map(|f| &f.action)
    {
        reply = reply::text(*code, body);
        if let Some(value) = retry_after {
            reply::set(&mut reply, RETRY_AFTER, value);
        }
    }
    spoil::spoil(&state.quirks, request, &mut reply);
    let reset = matches!(fault.as_ref().map(|f| &f.action), Some(FaultAction::Reset));
    let name = match report::report_name(request.body()) {
        Some(report) if method == "REPORT" => format!("REPORT {report}"),
        _ => method.to_owned(),
    };
    let text = |name: &str| {
        let value = request.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let condition = text("if-match")
        .map(|v| format!("If-Match: {v}"))
        .or_else(|| text("if-none-match").map(|v| format!("If-None-Match: {v}")));
    state.log.push(LoggedRequest {
        number: 0,
        at: now,
        method: name,
        path,
        user,
        depth: text("depth"),
        condition,
        body: RequestLog::excerpt(request.body()),
        status: if reset { 0 } else { reply.status().as_u16() },
        faulted: fault.is_some(),
    });
    Outcome {
        reply,
        suffers: fault
            .map(|f| f.action)
            .filter(|a| !matches!(a, FaultAction::Status { .. })),
    }
}

/// A fault before the effect keeps the request from having one, unless it only delays or cuts.
fn has_no_effect(action: &FaultAction) -> bool {
    matches!(action, FaultAction::Status { .. } | FaultAction::Reset)
}

fn throttled(state: &mut State, now: Timestamp) -> Option<Reply> {
    let throttle = state.quirks.throttle.as_ref()?;
    let window = now.as_second() / i64::from(throttle.window_seconds.max(1));
    if state.window.0 != window {
        state.window = (window, 0);
    }
    state.window.1 = state.window.1.saturating_add(1);
    if state.window.1 <= throttle.requests {
        return None;
    }
    let mut reply = reply::status(throttle.status);
    if let Some(after) = &throttle.retry_after {
        reply::set(&mut reply, RETRY_AFTER, after);
    }
    Some(reply)
}

fn answer(
    state: &mut State,
    request: &Request<Bytes>,
    path: &str,
    now: Timestamp,
    user: &mut Option<String>,
) -> Reply {
    if state.quirks.refuses_chunked && request.headers().contains_key(TRANSFER_ENCODING) {
        return reply::text(400, "Chunked bodies are not accepted.");
    }
    if let Some(reply) = redirect(state, path) {
        return reply;
    }
    if request.method() == "OPTIONS" {
        let mut reply = dav_headers(state, reply::status(200));
        reply::set(&mut reply, ALLOW, METHODS);
        return reply;
    }
    let name = match auth::identify(state, request.method().as_str(), request.headers()) {
        Who::User(name) => name,
        Who::Nobody
            if state.quirks.unauthenticated_propfind_207 && request.method() == "PROPFIND" =>
        {
            let resource = state.resolve(path).unwrap_or(Resource::Root);
            return propfind::unauthenticated(state, &resource);
        }
        Who::Nobody => return challenge(state, false),
        Who::Wrong { stale } => return challenge(state, stale),
    };
    *user = Some(name.clone());
    let Some(resource) = state.resolve(path) else {
        return reply::status(404);
    };
    if resource.owner().is_some_and(|owner| owner != name) {
        return reply::status(state.quirks.foreign_status);
    }
    let reply = by_method(state, &name, &resource, request, now);
    dav_headers(state, reply)
}

fn by_method(
    state: &mut State,
    user: &str,
    resource: &Resource,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Reply {
    match (request.method().as_str(), resource) {
        ("PROPFIND", _) => propfind::propfind(state, user, resource, request, now),
        ("REPORT", _) => report::report(state, user, resource, request, now),
        ("GET" | "HEAD", Resource::Object(o, s, n)) => {
            object::get(state, (o, s, n), request.headers())
        }
        ("PUT", Resource::Object(o, s, n)) => object::put(state, (o, s, n), request, now),
        ("DELETE", Resource::Object(o, s, n)) => {
            object::delete(state, (o, s, n), request.headers(), now)
        }
        ("DELETE", Resource::Calendar(owner, slug)) => {
            let gone = state.calendars.remove(&(owner.clone(), slug.clone()));
            reply::status(if gone.is_some() { 204 } else { 404 })
        }
        ("MKCALENDAR" | "MKCOL", Resource::Calendar(owner, slug)) => {
            collection::mkcalendar(state, owner, slug, request)
        }
        ("MKCALENDAR" | "MKCOL", _) => reply::error(
            403,
            El::new(super::xml::CALDAV, "calendar-collection-location-ok"),
        ),
        ("PROPPATCH", Resource::Calendar(owner, slug)) => {
            collection::proppatch(state, owner, slug, request)
        }
        _ => {
            let mut reply = reply::status(405);
            reply::set(&mut reply, ALLOW, METHODS);
            reply
        }
    }
}

fn redirect(state: &State, path: &str) -> Option<Reply> {
    let to = |code: u16, url: &str| {
        let mut reply = reply::status(code);
        reply::set(&mut reply, LOCATION, url);
        reply
    };
    if path.trim_end_matches('/') == "/.well-known/caldav" {
        return Some(match &state.quirks.well_known_target {
            _ if state.quirks.no_well_known => reply::status(404),
            Some(url) => to(301, url),
            None => to(301, &state.href(&Resource::Root)),
        });
    }
    state
        .quirks
        .redirects
        .iter()
        .find_map(|(prefix, url)| Some(to(302, &format!("{url}{}", path.strip_prefix(prefix)?))))
}

fn challenge(server: &mut State, stale: bool) -> Reply {
    let mut reply = reply::text(401, "Credentials are needed.");
    for challenge in auth::challenges(server, stale) {
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            reply.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
    reply
}

fn dav_headers(state: &State, mut reply: Reply) -> Reply {
    let mut dav = "1, 3, extended-mkcol, calendar-access".to_owned();
    if !state.quirks.no_sync_collection {
        dav.push_str(", sync-collection");
    }
    if state.quirks.auto_schedule {
        dav.push_str(", calendar-schedule, calendar-auto-schedule");
    }
    reply::set(&mut reply, HeaderName::from_static("dav"), &dav);
    if state.quirks.no_keep_alive {
        reply::set(&mut reply, CONNECTION, "close");
    }
    reply
}
