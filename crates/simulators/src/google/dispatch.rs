//! The pipeline of one request: clock, faults, route, sign-in, scope, quota,
//! parameters, body, method, selector, log. The one transition of the state.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::call::Body;
use super::error::ApiError;
use super::facts::{Method, facts};
use super::faults::{self, Action, When};
use super::log::LogEntry;
use super::oauth::{AUTH_PATH, DECIDE_PATH};
use super::params::Params;
use super::state::Core;
use super::wire::{Delivery, Request, Response, percent_decode};
use super::{fields, schema};

/// Methods the simulator knows of and does not do.
const NOT_DONE: [&str; 14] = [
    "events.quickAdd",
    "events.watch",
    "calendarList.watch",
    "settings.watch",
    "channels.stop",
    "calendars.transferOwnership",
    "acl.delete",
    "acl.get",
    "acl.insert",
    "acl.list",
    "acl.patch",
    "acl.update",
    "acl.watch",
    "batch",
];

/// Log entries kept; a demo may run for weeks.
const LOG_MAX: usize = 100_000;

/// What is known of a request while it is handled, for the log.
#[derive(Default)]
struct Trace {
    method: String,
    account: Option<String>,
    body: Option<Value>,
    cost: u32,
    effect: bool,
}

impl Core {
    /// Handles one request at the system time `wall` (milliseconds; only looked
    /// at in real clock mode).
    pub(super) fn handle(&mut self, request: &Request, wall: i64) -> Response {
        self.clock.observe(wall);
        self.requests += 1;
        self.reveal();
        let request = overridden(request);
        let mut trace = Trace {
            method: name_of(&request),
            ..Trace::default()
        };
        let strikes = self.faults.strike(&trace.method, &request, &mut self.dice);
        let oauth = !request.path.starts_with("/calendar/");
        let mut instead = None;
        for (when, action) in &strikes {
            match action {
                Action::Delay { ms } => self.clock.advance(*ms),
                Action::AsUser(edit) if *when == When::Before => self.person_edits(edit),
                other if *when == When::Before && instead.is_none() => {
                    instead = faults::answer(other, oauth);
                }
                _ => {}
            }
        }
        let mut response = match instead {
            Some(response) => response,
            None => self.answer(&request, &mut trace),
        };
        let decided = response.clone();
        for (when, action) in &strikes {
            if let (When::After, Action::AsUser(edit)) = (when, action) {
                self.person_edits(edit);
            }
            if *when == When::After
                && let Some(other) = faults::answer(action, oauth)
            {
                response = other;
            }
            response = faults::disturb(action, response);
        }
        self.write_log(&request, &trace, &decided, !strikes.is_empty());
        response
    }

    fn write_log(&mut self, request: &Request, trace: &Trace, decided: &Response, faulted: bool) {
        let api = request.path.starts_with("/calendar/");
        let body_hash = if request.body.is_empty() {
            String::new()
        } else {
            let hash = Sha256::digest(&request.body);
            HEXLOWER.encode(hash.get(..8).unwrap_or_default())
        };
        let query = request
            .query
            .iter()
            .map(|(key, value)| {
                let value = if api { value.clone() } else { String::new() };
                (key.clone(), value)
            })
            .collect();
        let answer: Option<Value> = (decided.status >= 400)
            .then(|| serde_json::from_slice(&decided.body).ok())
            .flatten();
        let reason = answer.as_ref().and_then(|body| {
            let error = body.get("error")?;
            error
                .get("errors")
                .and_then(|list| list.get(0)?.get("reason"))
                .unwrap_or(error)
                .as_str()
                .map(str::to_owned)
        });
        let header = |name: &str| request.header(name).map(str::to_owned);
        if self.log.len() >= LOG_MAX {
            self.log.drain(..LOG_MAX / 2);
        }
        self.log.push(LogEntry {
            number: self.requests,
            at: self.clock.now(),
            http: request.method.clone(),
            method: trace.method.clone(),
            path: request.path.clone(),
            query,
            account: trace.account.clone(),
            if_match: header("if-match"),
            user_agent: header("user-agent"),
            body_hash,
            body: trace.body.clone(),
            status: decided.status,
            reason,
            cost: trace.cost,
            effect: trace.effect,
            faulted: faulted || decided.delivery != Delivery::Whole,
        });
    }

    fn answer(&mut self, request: &Request, trace: &mut Trace) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", AUTH_PATH) => self.authorize(request),
            ("POST", DECIDE_PATH) => self.decided(request),
            ("POST", "/token") => self.token(request),
            ("POST", "/revoke") => self.revoke(request),
            ("GET", "/.well-known/openid-configuration") => discovery(request),
            (_, path) if path.starts_with("/calendar/v3/") => match self.api(request, trace) {
                Ok(response) => response,
                Err(error) => error.response(),
            },
            (_, "/batch/calendar/v3") => ApiError::not_implemented("batch").response(),
            _ => not_found_page(),
        }
    }

    fn api(&mut self, request: &Request, trace: &mut Trace) -> Result<Response, ApiError> {
        let Some((method, variables)) = facts().route(&request.method, &request.path) else {
            return Ok(if facts().knows_path(&request.path) {
                Response::html(405, "<!DOCTYPE html><title>Error 405</title>".to_owned())
            } else {
                not_found_page()
            });
        };
        let caller = self.caller(request)?;
        trace.account = Some(caller.account.clone());
        if !method
            .scopes
            .iter()
            .any(|scope| caller.scopes.contains(scope))
        {
            let mut error = ApiError::new(
                403,
                "insufficientPermissions",
                "Request had insufficient authentication scopes.",
            );
            error.info = Some(&("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "PERMISSION_DENIED"));
            return Err(error);
        }
        let cost = if method.http == "PATCH" {
            self.quota.config.patch_cost
        } else {
            1
        };
        self.quota.charge(&caller.account, cost, self.clock.now())?;
        trace.cost = cost;
        if NOT_DONE.contains(&method.id.as_str()) {
            return Err(ApiError::not_implemented(&method.id));
        }
        let variables: Vec<String> = variables.iter().map(|v| percent_decode(v)).collect();
        let params = Params::read(method, &request.query, self.knobs.strict)?;
        let body = self.read_body(method, request)?;
        trace.body = (!body.is_empty()).then(|| Value::Object(body.clone()));
        let writes = method.http != "GET" && method.id != "freebusy.query";
        let answer = self.method(method, &caller.account, &variables, &params, request, body)?;
        trace.effect = writes;
        self.check_answer(method, answer.as_ref());
        respond(request, &params, answer)
    }

    /// In debug builds, an answer that is not per schema is a violation: ours.
    fn check_answer(&mut self, method: &Method, answer: Option<&Value>) {
        if !cfg!(debug_assertions) {
            return;
        }
        if let (Some(name), Some(answer)) = (&method.response, answer) {
            let problems = schema::check(name, answer);
            let told = problems
                .iter()
                .map(|problem| format!("{}: {problem}", method.id));
            self.violations.extend(told);
        }
    }

    /// Parses a JSON body and holds it against the method's schema.
    fn read_body(&self, method: &Method, request: &Request) -> Result<Body, ApiError> {
        let Some(name) = &method.request else {
            return Ok(Map::new());
        };
        if request.body.is_empty() {
            return Ok(Map::new());
        }
        let parse_error = || ApiError::new(400, "parseError", "Parse Error");
        let kind = request.header("content-type").unwrap_or_default();
        if self.knobs.strict && !kind.starts_with("application/json") {
            return Err(parse_error());
        }
        let value: Value = serde_json::from_slice(&request.body).map_err(|_| parse_error())?;
        if let Some(problem) = schema::check_request(name, &value).first()
            && (self.knobs.strict || !problem.ends_with("unknown name"))
        {
            return Err(ApiError::invalid(format!(
                "Invalid JSON payload: {problem}"
            )));
        }
        match value {
            Value::Object(mut map) => {
                // Only without `strict` can there be unknown ones left.
                let known = facts().schemas.get(name);
                map.retain(|key, _| known.is_some_and(|known| known.contains_key(key)));
                Ok(map)
            }
            _ => Err(parse_error()),
        }
    }
}

/// Turns a method's answer into a response: selector, etag, 304.
fn respond(
    request: &Request,
    params: &Params,
    answer: Option<Value>,
) -> Result<Response, ApiError> {
    let Some(value) = answer else {
        return Ok(Response::empty(204));
    };
    let etag = value.get("etag").and_then(Value::as_str).map(str::to_owned);
    if let (Some(etag), "GET") = (&etag, request.method.as_str())
        && request.header("if-none-match") == Some(etag)
    {
        return Ok(Response::empty(304).with("etag", etag));
    }
    let value = match params.text("fields") {
        Some(selector) => fields::select(selector, value)?,
        None => value,
    };
    let mut response = Response::json(200, &value);
    if let Some(etag) = etag {
        response = response.with("etag", etag);
    }
    Ok(response)
}

/// A POST that stands for another verb.
fn overridden(request: &Request) -> Request {
    let mut request = request.clone();
    if request.method == "POST"
        && let Some(verb) = request.header("x-http-method-override")
    {
        request.method = verb.to_owned();
    }
    request
}

/// What the log and the faults call a request.
fn name_of(request: &Request) -> String {
    match request.path.as_str() {
        AUTH_PATH | DECIDE_PATH => "auth".to_owned(),
        "/token" => "token".to_owned(),
        "/revoke" => "revoke".to_owned(),
        path => facts()
            .route(&request.method, path)
            .map(|(method, _)| method.id.clone())
            .unwrap_or_default(),
    }
}

fn not_found_page() -> Response {
    Response::html(
        404,
        "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)</title>\
         <p>The requested URL was not found on this server.</html>"
            .to_owned(),
    )
}

fn discovery(request: &Request) -> Response {
    let host = request.header("host").unwrap_or("127.0.0.1");
    let base = format!("http://{host}");
    Response::json(
        200,
        &json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}{AUTH_PATH}"),
            "token_endpoint": format!("{base}/token"),
            "revocation_endpoint": format!("{base}/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }),
    )
}
