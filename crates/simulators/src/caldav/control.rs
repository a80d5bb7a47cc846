//! `/_sim/**`: steering the server from another process, as JSON, without credentials.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_sim/log`, `DELETE /_sim/log` | the request log; forgets it |
//! | `GET /_sim/counts` | requests by method |
//! | `GET`, `PUT`, `PATCH /_sim/quirks` | all quirks; replaces them; changes the named ones |
//! | `GET`, `POST`, `DELETE /_sim/faults` | armed faults; arms one; disarms all |
//! | `POST /_sim/expire-tokens/USER/SLUG` | makes all sync tokens of a calendar void |
//! | `POST /_sim/access/USER/SLUG` | body `"read_only"` or `"read_write"` |
//! | `GET /_sim/calendars` | the calendars |
//! | `GET /_sim/calendars/USER/SLUG` | the objects of one, with their text |
//! | `PUT`, `DELETE /_sim/calendars/USER/SLUG` | creates one (body: JSON `CalendarSpec` or empty); removes it |
//! | `GET`, `PUT`, `DELETE /_sim/calendars/USER/SLUG/NAME` | an object's text; stores it as a user would; deletes it |

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::config::CalendarSpec;
use super::faults::Fault;
use super::href;
use super::props;
use super::quirks::Quirks;
use super::reply::{self, Reply};
use super::state::{Calendar, State};

/// Answers one control request; `path` is what follows `/_sim/`.
pub(super) fn control(
    state: &mut State,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Reply {
    let Some((segments, _)) = href::split(path) else {
        return reply::status(404);
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let body = request.body();
    match (request.method().as_str(), segments.as_slice()) {
        ("GET", ["log"]) => json_reply(&state.log.entries()),
        ("DELETE", ["log"]) => {
            state.log.clear();
            reply::status(204)
        }
        ("GET", ["counts"]) => json_reply(&state.log.counts()),
        ("GET", ["quirks"]) => json_reply(&state.quirks),
        ("PUT" | "PATCH", ["quirks"]) => quirks(state, request),
        ("GET", ["faults"]) => json_reply(&state.faults.list()),
        ("POST", ["faults"]) => match serde_json::from_slice::<Fault>(body) {
            Ok(fault) => {
                state.faults.add(fault);
                reply::status(204)
            }
            Err(error) => reply::text(400, &error.to_string()),
        },
        ("DELETE", ["faults"]) => {
            state.faults.clear();
            reply::status(204)
        }
        ("GET", ["calendars"]) => {
            let all: Vec<Value> = state
                .calendars
                .iter()
                .map(|((user, _), c)| json!({ "user": user, "calendar": c.spec, "objects": c.objects.len() }))
                .collect();
            json_reply(&all)
        }
        ("POST", ["expire-tokens", user, slug]) => with(state, user, slug, |c| {
            c.epoch += 1;
            reply::status(204)
        }),
        ("POST", ["access", user, slug]) => match serde_json::from_slice(body) {
            Ok(access) => with(state, user, slug, |c| {
                c.spec.access = access;
                reply::status(204)
            }),
            Err(error) => reply::text(400, &error.to_string()),
        },
        (method, ["calendars", user, slug]) => calendar(state, method, (user, slug), body),
        (method, ["calendars", user, slug, name]) => {
            let quirks = state.quirks.clone();
            with(state, user, slug, |c| {
                object(c, &quirks, method, name, body, now)
            })
        }
        _ => reply::status(404),
    }
}

fn json_reply(value: &impl Serialize) -> Reply {
    match serde_json::to_vec_pretty(value) {
        Ok(body) => {
            let mut reply = reply::status(200);
            *reply.body_mut() = body.into();
            reply::set(&mut reply, CONTENT_TYPE, "application/json");
            reply
        }
        Err(error) => reply::text(500, &error.to_string()),
    }
}

fn quirks(state: &mut State, request: &Request<Bytes>) -> Reply {
    let read = || -> serde_json::Result<Quirks> {
        if request.method() == "PUT" {
            return serde_json::from_slice(request.body());
        }
        let mut all = serde_json::to_value(&state.quirks)?;
        let changes: serde_json::Map<String, Value> = serde_json::from_slice(request.body())?;
        if let Value::Object(map) = &mut all {
            map.extend(changes);
        }
        serde_json::from_value(all)
    };
    match read() {
        Ok(quirks) => {
            state.quirks = quirks;
            reply::status(204)
        }
        Err(error) => reply::text(400, &error.to_string()),
    }
}

fn with(
    state: &mut State,
    user: &str,
    slug: &str,
    act: impl FnOnce(&mut Calendar) -> Reply,
) -> Reply {
    state
        .calendar_mut(user, slug)
        .map_or_else(|| reply::status(404), act)
}

fn calendar(state: &mut State, method: &str, (user, slug): (&str, &str), body: &[u8]) -> Reply {
    let key = (user.to_owned(), slug.to_owned());
    match method {
        "GET" => {
            let quirks = state.quirks.clone();
            with(state, user, slug, |c| {
                let objects: Vec<Value> = c
                    .objects
                    .iter()
                    .map(|(name, o)| {
                        let text = String::from_utf8_lossy(&o.body);
                        json!({ "name": name, "uid": o.uid, "etag": props::etag(o, &quirks), "ics": text })
                    })
                    .collect();
                json_reply(&objects)
            })
        }
        "PUT" if body.is_empty() => {
            let spec = CalendarSpec::new(slug, slug);
            state.calendars.insert(key, Calendar::new(spec));
            reply::status(201)
        }
        "PUT" => match serde_json::from_slice::<CalendarSpec>(body) {
            Ok(mut spec) => {
                slug.clone_into(&mut spec.slug);
                state.calendars.insert(key, Calendar::new(spec));
                reply::status(201)
            }
            Err(error) => reply::text(400, &error.to_string()),
        },
        "DELETE" => reply::status(if state.calendars.remove(&key).is_some() {
            204
        } else {
            404
        }),
        _ => reply::status(405),
    }
}

fn object(
    calendar: &mut Calendar,
    quirks: &Quirks,
    method: &str,
    name: &str,
    body: &[u8],
    now: Timestamp,
) -> Reply {
    match method {
        "GET" => match calendar.objects.get(name) {
            Some(object) => {
                let mut reply = reply::status(200);
                *reply.body_mut() = object.body.clone();
                reply::set(&mut reply, CONTENT_TYPE, "text/calendar; charset=utf-8");
                reply
            }
            None => reply::status(404),
        },
        "PUT" => {
            let new = calendar.store(name, body.to_vec(), quirks, now);
            reply::status(if new { 201 } else { 204 })
        }
        "DELETE" => reply::status(if calendar.remove(name, now) { 204 } else { 404 }),
        _ => reply::status(405),
    }
}
