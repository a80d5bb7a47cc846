//! GET, HEAD, PUT and DELETE of calendar objects, and DELETE of a calendar.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, Request};
use jiff::Timestamp;

use super::ics;
use super::props;
use super::reply::{self, Reply};
use super::resource::Resource;
use super::state::State;
use super::xml::{CALDAV, El};

/// Where an object is: owner, slug, name.
pub(super) type Place<'a> = (&'a str, &'a str, &'a str);

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// Whether a list of entity tags holds this one. Weak tags never match (RFC 9110 13.1.1).
fn strong_match(list: &str, etag: Option<&str>) -> bool {
    let Some(etag) = etag else { return false };
    list.trim() == "*" || (!etag.starts_with("W/") && list.split(',').any(|t| t.trim() == etag))
}

fn weak_match(list: &str, etag: &str) -> bool {
    let bare = |t: &str| t.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|t| bare(t) == bare(etag))
}

/// Answers GET and HEAD (the shell drops the body of a HEAD).
pub(super) fn get(state: &State, place: Place<'_>, headers: &HeaderMap) -> Reply {
    let (owner, slug, name) = place;
    let object = state
        .calendar(owner, slug)
        .and_then(|c| c.objects.get(name));
    let Some(object) = object else {
        return reply::status(404);
    };
    if let Some(code) = state.quirks.unreadable.get(name) {
        return reply::status(*code);
    }
    let etag = props::etag(object, &state.quirks);
    let unchanged = header(headers, IF_NONE_MATCH).is_some_and(|list| weak_match(list, &etag));
    let mut reply = reply::status(if unchanged { 304 } else { 200 });
    if !state.quirks.no_etags {
        reply::set(&mut reply, ETAG, &etag);
    }
    reply::set(
        &mut reply,
        LAST_MODIFIED,
        &props::http_date(object.modified),
    );
    if !unchanged {
        reply::set(&mut reply, CONTENT_TYPE, "text/calendar; charset=utf-8");
        *reply.body_mut() = object.body.clone();
    }
    reply
}

/// Answers PUT.
pub(super) fn put(
    state: &mut State,
    place: Place<'_>,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Reply {
    let (owner, slug, name) = place;
    if let Some(refusal) = refusal(state, place, request) {
        return refusal;
    }
    let uid = ics::any_uid(request.body()).unwrap_or_default();
    let quirks = state.quirks.clone();
    if quirks.uid_moves {
        for ((o, s), calendar) in &mut state.calendars {
            if o == owner
                && s != slug
                && let Some(other) = calendar.name_of_uid(&uid).map(str::to_owned)
            {
                calendar.remove(&other, now);
            }
        }
    }
    let Some(calendar) = state.calendar_mut(owner, slug) else {
        return reply::status(409);
    };
    let existed = calendar.objects.contains_key(name);
    let mut reply = reply::status(if existed { 204 } else { 201 });
    if quirks.swallows_puts {
        reply::set(&mut reply, ETAG, "\"swallowed\"");
        return reply;
    }
    let body = ics::rewrite(request.body(), &quirks.rewrites);
    let rewritten = body != request.body().as_ref();
    calendar.store(name, body, &quirks, now);
    let hides =
        quirks.no_etags || quirks.no_etag_on_put || (rewritten && quirks.no_etag_when_rewritten);
    if !hides && let Some(object) = calendar.objects.get(name) {
        reply::set(&mut reply, ETAG, &props::etag(object, &quirks));
    }
    reply
}

/// Why a PUT is refused, in the order in which servers look.
fn refusal(state: &State, place: Place<'_>, request: &Request<Bytes>) -> Option<Reply> {
    let (owner, slug, name) = place;
    let quirks = &state.quirks;
    let Some(calendar) = state.calendar(owner, slug) else {
        return Some(reply::status(409));
    };
    if !calendar.writable() {
        return Some(need_privileges(state, place));
    }
    let body = request.body();
    if body.len() > quirks.max_body_bytes {
        return Some(reply::error(413, El::new(CALDAV, "max-resource-size")));
    }
    let old = calendar.objects.get(name);
    let etag = old.map(|o| props::etag(o, quirks));
    if let Some(list) = header(request.headers(), IF_MATCH) {
        let forgiven = if old.is_some() {
            quirks.ignores_if_match
        } else {
            quirks.if_match_on_missing_creates
        };
        if !forgiven && !strong_match(list, etag.as_deref()) {
            return Some(reply::status(412));
        }
    }
    if let Some(list) = header(request.headers(), IF_NONE_MATCH)
        && let Some(etag) = &etag
        && !quirks.ignores_if_none_match
        && weak_match(list, etag)
    {
        return Some(reply::status(412));
    }
    let scan = match (ics::scan(body), quirks.invalid_body_status) {
        (Ok(scan), _) => scan,
        (Err(_), None) => return None,
        (Err(_), Some(code)) => {
            return Some(reply::error(code, El::new(CALDAV, "valid-calendar-data")));
        }
    };
    if !quirks.component_set_not_enforced && !calendar.spec.components.contains(&scan.component) {
        return Some(reply::error(
            403,
            El::new(CALDAV, "supported-calendar-component"),
        ));
    }
    if quirks.uid_trash && old.is_none() && calendar.trash.contains(&scan.uid) {
        return Some(reply::text(
            400,
            "An object with this UID is in the trash bin.",
        ));
    }
    duplicate(state, place, &scan.uid)
}

fn duplicate(state: &State, place: Place<'_>, uid: &str) -> Option<Reply> {
    let (owner, slug, name) = place;
    let code = state.quirks.duplicate_uid_status?;
    let taken = state.calendars.iter().find_map(|((o, s), calendar)| {
        let looked_at = o == owner && (s == slug || state.quirks.uid_unique_per_user);
        let other = calendar.name_of_uid(uid)?;
        (looked_at && (s != slug || other != name))
            .then(|| Resource::Object(o.clone(), s.clone(), other.to_owned()))
    })?;
    let href = El::href(&state.href(&taken));
    Some(reply::error(
        code,
        El::new(CALDAV, "no-uid-conflict").child(href),
    ))
}

fn need_privileges(state: &State, place: Place<'_>) -> Reply {
    let (owner, slug, _) = place;
    let calendar = Resource::Calendar(owner.to_owned(), slug.to_owned());
    let resource = El::dav("resource")
        .child(El::href(&state.href(&calendar)))
        .child(El::dav("privilege").child(El::dav("write")));
    reply::error(403, El::dav("need-privileges").child(resource))
}

/// Answers DELETE of an object.
pub(super) fn delete(
    state: &mut State,
    place: Place<'_>,
    headers: &HeaderMap,
    now: Timestamp,
) -> Reply {
    let (owner, slug, name) = place;
    let Some(calendar) = state.calendar(owner, slug) else {
        return reply::status(404);
    };
    if !calendar.writable() {
        return need_privileges(state, place);
    }
    let Some(object) = calendar.objects.get(name) else {
        return reply::status(state.quirks.delete_missing_status);
    };
    let etag = props::etag(object, &state.quirks);
    if let Some(list) = header(headers, IF_MATCH)
        && !state.quirks.ignores_delete_if_match
        && !strong_match(list, Some(&etag))
    {
        return reply::status(412);
    }
    if let Some(calendar) = state.calendar_mut(owner, slug) {
        calendar.remove(name, now);
    }
    reply::status(204)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_tags_never_match_strongly() {
        assert!(strong_match("\"a\", \"b\"", Some("\"b\"")));
        assert!(strong_match("*", Some("W/\"b\"")));
        assert!(!strong_match("*", None));
        assert!(!strong_match("W/\"b\"", Some("W/\"b\"")));
        assert!(weak_match("\"b\"", "W/\"b\""));
    }
}
