//! MKCALENDAR, MKCOL of a calendar, and PROPPATCH.

use bytes::Bytes;
use http::Request;

use super::config::CalendarSpec;
use super::reply::{self, Reply};
use super::resource::Resource;
use super::state::{Calendar, State};
use super::xml::{self, APPLE, CALDAV, DAV, El, Name};

/// Answers MKCALENDAR (and extended MKCOL, RFC 5689).
pub(super) fn mkcalendar(
    state: &mut State,
    owner: &str,
    slug: &str,
    request: &Request<Bytes>,
) -> Reply {
    if state.calendar(owner, slug).is_some() {
        let code = state.quirks.mkcalendar_exists_status;
        return reply::error(code, El::dav("resource-must-be-null"));
    }
    let mut calendar =
        Calendar::new(CalendarSpec::new(slug, slug).components(&["VEVENT", "VTODO"]));
    if !request.body().is_empty() {
        let Some(document) = std::str::from_utf8(request.body())
            .ok()
            .and_then(|t| xml::parse(t).ok())
        else {
            return reply::text(400, "The body is not XML.");
        };
        let root = document.root_element();
        let props = xml::child(root, DAV, "set").and_then(|s| xml::child(s, DAV, "prop"));
        for node in props.iter().flat_map(roxmltree::Node::children) {
            let name = xml::name_of(node);
            if node.is_element() && !is(&name, DAV, "resourcetype") {
                let ignored =
                    state.quirks.mkcalendar_ignores_color && is(&name, APPLE, "calendar-color");
                if !ignored {
                    apply(&mut calendar, &name, node);
                }
            }
        }
    }
    state
        .calendars
        .insert((owner.to_owned(), slug.to_owned()), calendar);
    reply::status(201)
}

fn is(name: &Name, ns: &str, local: &str) -> bool {
    name.0 == ns && name.1 == local
}

fn known(name: &Name) -> bool {
    matches!(
        (name.0.as_str(), name.1.as_str()),
        (DAV, "displayname")
            | (APPLE, "calendar-color")
            | (CALDAV, "calendar-description" | "calendar-timezone")
    )
}

fn apply(calendar: &mut Calendar, name: &Name, node: roxmltree::Node<'_, '_>) {
    let text = xml::text_of(node);
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "displayname") => calendar.spec.display_name = text,
        (APPLE, "calendar-color") => calendar.spec.color = Some(text),
        (CALDAV, "calendar-description") => calendar.description = Some(text),
        (CALDAV, "calendar-timezone") => calendar.spec.timezone = Some(text),
        (CALDAV, "supported-calendar-component-set") => {
            calendar.spec.components = node
                .children()
                .filter_map(|c| c.attribute("name"))
                .map(str::to_owned)
                .collect();
        }
        _ => {
            calendar.dead.insert(name.clone(), text);
        }
    }
}

/// Answers PROPPATCH of a calendar.
pub(super) fn proppatch(
    state: &mut State,
    owner: &str,
    slug: &str,
    request: &Request<Bytes>,
) -> Reply {
    let all_or_nothing = state.quirks.proppatch_all_or_nothing;
    let style = state.quirks.xml_style;
    let href = state.href(&Resource::Calendar(owner.to_owned(), slug.to_owned()));
    let Some(document) = std::str::from_utf8(request.body())
        .ok()
        .and_then(|t| xml::parse(t).ok())
    else {
        return reply::text(400, "The body is not XML.");
    };
    let Some(calendar) = state.calendar_mut(owner, slug) else {
        return reply::status(404);
    };
    if !calendar.writable() {
        return reply::error(403, El::dav("need-privileges"));
    }
    let mut edits = Vec::new();
    for block in document
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
    {
        let set = block.tag_name().name() == "set";
        for node in xml::child(block, DAV, "prop")
            .iter()
            .flat_map(roxmltree::Node::children)
            .filter(roxmltree::Node::is_element)
        {
            edits.push((set, xml::name_of(node), node));
        }
    }
    if all_or_nothing && edits.iter().any(|(_, name, _)| !known(name)) {
        return reply::status(403);
    }
    let protected = |name: &Name| {
        is(name, DAV, "resourcetype")
            || is(name, DAV, "getetag")
            || is(name, DAV, "sync-token")
            || is(name, CALDAV, "supported-calendar-component-set")
    };
    let refused = edits.iter().any(|(_, name, _)| protected(name));
    let mut done = Vec::new();
    let (mut forbidden, mut dependent) = (Vec::new(), Vec::new());
    for (set, name, node) in edits {
        let el = El::new(&name.0, &name.1);
        // RFC 4918 9.2: all or nothing.
        if protected(&name) {
            forbidden.push(el);
        } else if refused {
            dependent.push(el);
        } else {
            if set {
                apply(calendar, &name, node);
            } else {
                remove(calendar, &name);
            }
            done.push(el);
        }
    }
    let response = El::dav("response")
        .child(El::href(&href))
        .children(reply::propstat(200, done))
        .children(reply::propstat(403, forbidden))
        .children(reply::propstat(424, dependent));
    reply::xml(207, El::dav("multistatus").child(response).document(style))
}

fn remove(calendar: &mut Calendar, name: &Name) {
    match (name.0.as_str(), name.1.as_str()) {
        (APPLE, "calendar-color") => calendar.spec.color = None,
        (CALDAV, "calendar-description") => calendar.description = None,
        (CALDAV, "calendar-timezone") => calendar.spec.timezone = None,
        _ => {
            calendar.dead.remove(name);
        }
    }
}
