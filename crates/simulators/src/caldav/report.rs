//! REPORT: calendar-multiget and calendar-query; `sync` has sync-collection.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ics;
use super::propfind::{Wanted, multistatus, names_in, responses};
use super::quirks::{MissingHref, TimeRange};
use super::reply::{self, Reply, gone};
use super::resource::Resource;
use super::state::{Object, State};
use super::sync;
use super::xml::{self, CALDAV, DAV, El, Name};

/// Answers a REPORT.
pub(super) fn report(
    state: &State,
    user: &str,
    resource: &Resource,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Reply {
    let Some(document) = std::str::from_utf8(request.body())
        .ok()
        .and_then(|t| xml::parse(t).ok())
    else {
        return reply::text(400, "The body is not XML.");
    };
    let root = document.root_element();
    let depth = request
        .headers()
        .get("depth")
        .and_then(|d| d.to_str().ok())
        .unwrap_or("0");
    let Resource::Calendar(owner, slug) = resource else {
        return reply::error(403, El::dav("supported-report"));
    };
    if state.calendar(owner, slug).is_none() {
        return reply::status(404);
    }
    let ask = Ask {
        state,
        user,
        owner,
        slug,
        now,
        props: xml::child(root, DAV, "prop")
            .map(names_in)
            .unwrap_or_default(),
    };
    match (root.tag_name().namespace(), root.tag_name().name()) {
        (Some(CALDAV), "calendar-multiget") => multiget(&ask, root),
        (Some(CALDAV), "calendar-query") => query(&ask, root, depth),
        (Some(DAV), "sync-collection") => sync::sync_collection(&ask, root, depth),
        _ => reply::error(403, El::dav("supported-report")),
    }
}

/// The name of the report in a body, for the log and for nothing else.
pub(super) fn report_name(body: &[u8]) -> Option<String> {
    let document = xml::parse(std::str::from_utf8(body).ok()?).ok()?;
    Some(document.root_element().tag_name().name().to_owned())
}

/// What every report knows.
pub(super) struct Ask<'a> {
    pub(super) state: &'a State,
    pub(super) user: &'a str,
    pub(super) owner: &'a str,
    pub(super) slug: &'a str,
    pub(super) now: Timestamp,
    pub(super) props: Vec<Name>,
}

impl Ask<'_> {
    pub(super) fn wants_data(&self) -> bool {
        self.props.iter().any(is_data)
    }

    pub(super) fn resource(&self, name: &str) -> Resource {
        Resource::Object(self.owner.to_owned(), self.slug.to_owned(), name.to_owned())
    }

    /// The responses for one object, with these elements beside its properties.
    pub(super) fn object(&self, name: &str, extra: &[(u16, El)]) -> Vec<El> {
        let props = self.props.iter().filter(|n| !is_data(n)).cloned().collect();
        responses(
            self.state,
            self.user,
            &self.resource(name),
            &Wanted::Props(props),
            extra,
            self.now,
        )
    }

    /// The responses for one object, with its body where it is asked for and may be read.
    fn object_with_data(&self, name: &str, object: &Object) -> Vec<El> {
        if self.wants_data()
            && let Some(code) = self.state.quirks.unreadable.get(name)
        {
            return vec![gone(&self.state.href(&self.resource(name)), *code)];
        }
        let data = self.wants_data().then(|| (200, data(object)));
        self.object(name, data.as_slice())
    }
}

fn is_data(name: &Name) -> bool {
    name.0 == CALDAV && name.1 == "calendar-data"
}

/// `calendar-data` of an object.
pub(super) fn data(object: &Object) -> El {
    El::new(CALDAV, "calendar-data").text(String::from_utf8_lossy(&object.body))
}

fn multiget(ask: &Ask<'_>, root: roxmltree::Node<'_, '_>) -> Reply {
    let state = ask.state;
    let cap = state.quirks.multiget_cap.unwrap_or(usize::MAX);
    let mut out = Vec::new();
    for node in root.children().filter(|n| {
        n.is_element() && n.tag_name().namespace() == Some(DAV) && n.tag_name().name() == "href"
    }) {
        if out.len() >= cap {
            break;
        }
        let href = xml::text_of(node);
        let found = match state.resolve(&href) {
            Some(Resource::Object(owner, slug, name)) if owner == ask.owner && slug == ask.slug => {
                state
                    .calendar(&owner, &slug)
                    .and_then(|c| c.objects.get(&name))
                    .map(|object| (name, object))
            }
            _ => None,
        };
        match found {
            Some((_, object)) if state.quirks.multiget_empty_hrefs => out.push(
                El::dav("response")
                    .child(El::href(""))
                    .children(reply::propstat(200, vec![data(object)])),
            ),
            Some((name, object)) => out.extend(ask.object_with_data(&name, object)),
            None => match state.quirks.multiget_missing {
                MissingHref::NotFound => out.push(gone(&href, 404)),
                MissingHref::Omitted => {}
                MissingHref::FailsWhole => return reply::status(404),
            },
        }
    }
    multistatus(state, out)
}

/// What a `calendar-query` filters by.
#[derive(Debug, Default)]
struct Filter {
    component: Option<String>,
    range: Option<(Option<Timestamp>, Option<Timestamp>)>,
    uid: Option<String>,
}

fn query(ask: &Ask<'_>, root: roxmltree::Node<'_, '_>, depth: &str) -> Reply {
    let state = ask.state;
    let Some(filter) = xml::child(root, CALDAV, "filter") else {
        return reply::error(403, El::new(CALDAV, "valid-filter"));
    };
    let filter = match read_filter(filter) {
        Ok(filter) => filter,
        Err(reply) => return *reply,
    };
    if state.quirks.time_range_required && filter.range.is_none() {
        return reply::error(400, El::new(CALDAV, "valid-filter"));
    }
    // RFC 4791 7.8: without Depth: 1 the query looks at the collection alone.
    if depth == "0" {
        return multistatus(state, Vec::new());
    }
    let cap = state.quirks.list_cap.unwrap_or(usize::MAX);
    let responses = state
        .calendar(ask.owner, ask.slug)
        .into_iter()
        .flat_map(|c| &c.objects)
        .filter(|(name, object)| {
            !state.quirks.unlisted.contains(name)
                && matches(&filter, object, state.quirks.time_range)
        })
        .take(cap)
        .flat_map(|(name, object)| ask.object_with_data(name, object))
        .collect();
    multistatus(state, responses)
}

fn read_filter(node: roxmltree::Node<'_, '_>) -> Result<Filter, Box<Reply>> {
    let bad = || Box::new(reply::error(403, El::new(CALDAV, "valid-filter")));
    let calendar = xml::child(node, CALDAV, "comp-filter").ok_or_else(bad)?;
    if calendar.attribute("name") != Some("VCALENDAR") {
        return Err(bad());
    }
    let mut filter = Filter::default();
    let Some(component) = xml::child(calendar, CALDAV, "comp-filter") else {
        return Ok(filter);
    };
    filter.component = component.attribute("name").map(str::to_owned);
    if let Some(range) = xml::child(component, CALDAV, "time-range") {
        let read = |key: &str| match range.attribute(key) {
            None => Ok(None),
            // Only UTC date-times are allowed here (RFC 4791 9.9).
            Some(text) if text.ends_with('Z') => ics::parse_instant(text, &TimeZone::UTC)
                .map(Some)
                .ok_or_else(bad),
            Some(_) => Err(bad()),
        };
        let (start, end) = (read("start")?, read("end")?);
        if start.is_none() && end.is_none() {
            return Err(bad());
        }
        filter.range = Some((start, end));
    }
    if let Some(prop) = xml::child(component, CALDAV, "prop-filter")
        && prop.attribute("name") == Some("UID")
    {
        filter.uid = xml::child(prop, CALDAV, "text-match").map(xml::text_of);
    }
    Ok(filter)
}

fn matches(filter: &Filter, object: &Object, how: TimeRange) -> bool {
    if filter
        .component
        .as_deref()
        .is_some_and(|c| c != object.component)
    {
        return false;
    }
    if filter.uid.as_deref().is_some_and(|uid| uid != object.uid) {
        return false;
    }
    let Some((from, to)) = filter.range else {
        return true;
    };
    match how {
        TimeRange::Ignored => return true,
        TimeRange::OpenGivesNothing if from.is_none() || to.is_none() => return false,
        _ => {}
    }
    let Some(span) = ics::span(&object.body) else {
        return true;
    };
    let begins = to.is_none_or(|to| span.start < to);
    let lasts = from.is_none_or(|from| span.end > from || span.start >= from);
    if span.recurs && how != TimeRange::MissesRecurring {
        return begins;
    }
    begins && lasts
}
