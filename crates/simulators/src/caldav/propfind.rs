//! PROPFIND, and the `response` elements that reports share with it.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use super::props;
use super::reply::{self, Reply, gone, propstat, status_line};
use super::resource::{Extra, Resource};
use super::state::State;
use super::xml::{self, DAV, El, Name};

/// Which properties a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Names,
    Props(Vec<Name>),
}

/// Reads a `propfind` body; an empty one is `allprop`.
fn wanted(body: &[u8]) -> Result<Wanted, Box<Reply>> {
    if body.is_empty() {
        return Ok(Wanted::All);
    }
    let bad = || Box::new(reply::text(400, "The body is not a propfind document."));
    let text = std::str::from_utf8(body).map_err(|_| bad())?;
    let document = xml::parse(text).map_err(|_| bad())?;
    let root = document.root_element();
    if xml::name_of(root) != (DAV.to_owned(), "propfind".to_owned()) {
        return Err(bad());
    }
    if xml::child(root, DAV, "propname").is_some() {
        return Ok(Wanted::Names);
    }
    if let Some(prop) = xml::child(root, DAV, "prop") {
        return Ok(Wanted::Props(names_in(prop)));
    }
    xml::child(root, DAV, "allprop").map_or_else(|| Err(bad()), |_| Ok(Wanted::All))
}

/// The names of the elements inside a `prop`.
pub(super) fn names_in(prop: roxmltree::Node<'_, '_>) -> Vec<Name> {
    prop.children()
        .filter(roxmltree::Node::is_element)
        .map(xml::name_of)
        .collect()
}

/// Answers a PROPFIND.
pub(super) fn propfind(
    state: &State,
    user: &str,
    resource: &Resource,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Reply {
    if *resource == Resource::HostRoot
        && let Some(code) = state.quirks.root_propfind_status
    {
        return reply::status(code);
    }
    let depth = request
        .headers()
        .get("depth")
        .and_then(|d| d.to_str().ok())
        .unwrap_or("infinity");
    let wanted = match wanted(request.body()) {
        Ok(wanted) => wanted,
        Err(reply) => return *reply,
    };
    if !exists(state, resource) {
        if state.quirks.missing_collection_207 && !matches!(resource, Resource::Object(..)) {
            let url = state.url(resource);
            return multistatus(state, vec![gone(&url, 404)]);
        }
        return reply::status(404);
    }
    let mut resources = vec![resource.clone()];
    match depth {
        "0" => {}
        "1" => resources.extend(members(state, user, resource)),
        _ if matches!(resource, Resource::Object(..)) => {}
        "infinity" => return reply::error(403, El::dav("propfind-finite-depth")),
        _ => return reply::text(400, "Depth must be 0 or 1."),
    }
    let responses = resources
        .iter()
        .flat_map(|r| responses(state, user, r, &wanted, &[], now))
        .collect();
    multistatus(state, responses)
}

/// The 207 that a client gets which sent no credentials, where a server allows that.
pub(super) fn unauthenticated(state: &State, resource: &Resource) -> Reply {
    let principal = El::dav("current-user-principal").child(El::dav("unauthenticated"));
    let response = El::dav("response")
        .child(El::href(&state.href(resource)))
        .children(propstat(200, vec![principal]));
    multistatus(state, vec![response])
}

/// Whether there is such a resource.
pub(super) fn exists(state: &State, resource: &Resource) -> bool {
    match resource {
        Resource::HostRoot | Resource::Root | Resource::Principals | Resource::Homes => true,
        Resource::Principal(user) | Resource::Home(user) => state.users.contains_key(user),
        Resource::Calendar(user, slug) => state.calendar(user, slug).is_some(),
        Resource::Object(user, slug, name) => state
            .calendar(user, slug)
            .is_some_and(|c| c.objects.contains_key(name)),
        Resource::Extra(_, extra) => listed_extras(state).contains(extra),
    }
}

fn listed_extras(state: &State) -> Vec<Extra> {
    if state.quirks.home_lists_extras {
        return Extra::ALL.to_vec();
    }
    if state.quirks.inbox_typed_as_calendar {
        return vec![Extra::Inbox];
    }
    Vec::new()
}

fn members(state: &State, user: &str, resource: &Resource) -> Vec<Resource> {
    match resource {
        Resource::HostRoot | Resource::Root => vec![
            Resource::Principal(user.to_owned()),
            Resource::Home(user.to_owned()),
        ],
        Resource::Principals => vec![Resource::Principal(user.to_owned())],
        Resource::Homes => vec![Resource::Home(user.to_owned())],
        Resource::Home(owner) => state
            .calendars
            .keys()
            .filter(|(o, _)| o == owner)
            .map(|(o, slug)| Resource::Calendar(o.clone(), slug.clone()))
            .chain(
                listed_extras(state)
                    .into_iter()
                    .map(|e| Resource::Extra(owner.clone(), e)),
            )
            .collect(),
        Resource::Calendar(owner, slug) => {
            let cap = state.quirks.list_cap.unwrap_or(usize::MAX);
            state
                .calendar(owner, slug)
                .into_iter()
                .flat_map(|c| c.objects.keys())
                .filter(|name| !state.quirks.unlisted.contains(name))
                .take(cap)
                .map(|name| Resource::Object(owner.clone(), slug.clone(), name.clone()))
                .collect()
        }
        Resource::Principal(_) | Resource::Object(..) | Resource::Extra(..) => Vec::new(),
    }
}

/// The `response` of a resource: usually one, two where a server lists a name twice.
///
/// `extra` are properties with their values that only a report knows (`calendar-data`).
pub(super) fn responses(
    state: &State,
    user: &str,
    resource: &Resource,
    wanted: &Wanted,
    extra: &[(u16, El)],
    now: Timestamp,
) -> Vec<El> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    let names = match wanted {
        Wanted::Props(names) => names.clone(),
        Wanted::All | Wanted::Names => props::known(),
    };
    for name in &names {
        match props::property(state, user, resource, name, now) {
            Some(_) if *wanted == Wanted::Names => found.push(El::new(&name.0, &name.1)),
            Some(value) => found.push(value),
            None if matches!(wanted, Wanted::Props(_)) => missing.push(El::new(&name.0, &name.1)),
            None => {}
        }
    }
    for (code, el) in extra {
        if *code == 200 {
            found.push(el.clone());
        } else {
            missing.push(el.clone());
        }
    }
    hrefs(state, resource)
        .iter()
        .map(|href| {
            let mut response = El::dav("response").child(El::href(href));
            if state.quirks.status_beside_propstat {
                response = response.child(status_line(200));
            }
            response
                .children(propstat(200, found.clone()))
                .children(propstat(404, missing.clone()))
        })
        .collect()
}

/// The hrefs under which a resource is listed.
fn hrefs(state: &State, resource: &Resource) -> Vec<String> {
    let href = state.href(resource);
    let Resource::Object(owner, slug, name) = resource else {
        return vec![href];
    };
    if state.quirks.empty_href_for_colon && name.contains(':') {
        return vec![String::new()];
    }
    if state.quirks.lists_escaped_names_twice {
        let calendar = state.href(&Resource::Calendar(owner.clone(), slug.clone()));
        let escaped = super::href::encode(name, super::quirks::HrefEscape::EscapeAt);
        if escaped != *name {
            let raw = super::href::encode(name, super::quirks::HrefEscape::Minimal);
            return vec![format!("{calendar}{escaped}"), format!("{calendar}{raw}")];
        }
    }
    vec![href]
}

/// A 207.
pub(super) fn multistatus(state: &State, responses: Vec<El>) -> Reply {
    multistatus_with(state, responses, None)
}

/// A 207 with a sync token.
pub(super) fn multistatus_with(state: &State, responses: Vec<El>, token: Option<String>) -> Reply {
    let root = El::dav("multistatus")
        .children(responses)
        .children(token.map(|t| El::dav("sync-token").text(t)));
    reply::xml(207, root.document(state.quirks.xml_style))
}
