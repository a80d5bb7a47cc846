//! The value of each property on each resource.

use jiff::Timestamp;

use super::quirks::{Quirks, TokenForm};
use super::resource::{Extra, Resource};
use super::state::{Calendar, Object, State};
use super::xml::{APPLE, CALDAV, CS, DAV, El, Name};

/// The properties that `allprop` and `propname` name.
const KNOWN: [(&str, &str); 21] = [
    (DAV, "resourcetype"),
    (DAV, "displayname"),
    (DAV, "current-user-principal"),
    (DAV, "principal-URL"),
    (DAV, "owner"),
    (DAV, "current-user-privilege-set"),
    (DAV, "supported-report-set"),
    (DAV, "sync-token"),
    (DAV, "getetag"),
    (DAV, "getlastmodified"),
    (DAV, "getcontenttype"),
    (DAV, "getcontentlength"),
    (CALDAV, "calendar-home-set"),
    (CALDAV, "calendar-user-address-set"),
    (CALDAV, "supported-calendar-component-set"),
    (CALDAV, "supported-calendar-data"),
    (CALDAV, "calendar-timezone"),
    (CALDAV, "calendar-description"),
    (CALDAV, "max-resource-size"),
    (CS, "getctag"),
    (APPLE, "calendar-color"),
];

/// The names that `allprop` stands for.
pub(super) fn known() -> Vec<Name> {
    KNOWN
        .iter()
        .map(|(ns, name)| ((*ns).to_owned(), (*name).to_owned()))
        .collect()
}

/// An `ETag` value with its quotes.
pub(super) fn etag(object: &Object, quirks: &Quirks) -> String {
    let weak = if quirks.weak_etags { "W/" } else { "" };
    format!("{weak}\"{}\"", object.etag)
}

/// An HTTP date (RFC 9110 5.6.7).
pub(super) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The sync token for a revision of a calendar.
pub(super) fn sync_token(
    calendar: &Calendar,
    quirks: &Quirks,
    revision: u64,
    now: Timestamp,
) -> String {
    render_token(quirks.token_form, calendar.epoch, revision, now)
}

fn render_token(form: TokenForm, epoch: u64, revision: u64, now: Timestamp) -> String {
    match form {
        TokenForm::Url => format!("http://caldav-sim.invalid/ns/sync/{epoch}/{revision}"),
        TokenForm::Bare => format!("sim{epoch}-{revision}"),
        TokenForm::Path => format!("/sync/?token={epoch}-{revision}"),
        TokenForm::UnixSeconds => now.as_second().to_string(),
    }
}

/// What a client's sync token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenMeaning {
    /// Changes after this revision.
    Revision(u64),
    /// Changes at or after this second.
    Second(i64),
    /// Newer than the server.
    Future,
    /// Never given out, or expired.
    Bogus,
}

/// Reads a client's sync token.
pub(super) fn read_token(
    calendar: &Calendar,
    quirks: &Quirks,
    token: &str,
    now: Timestamp,
) -> TokenMeaning {
    if quirks.token_form == TokenForm::UnixSeconds {
        return match token.parse::<i64>() {
            Ok(second) if second > now.as_second() => TokenMeaning::Future,
            Ok(second) => TokenMeaning::Second(second),
            Err(_) => TokenMeaning::Bogus,
        };
    }
    let mut numbers = token
        .rsplit(|c: char| !c.is_ascii_digit())
        .map_while(|n| n.parse::<u64>().ok());
    let (Some(revision), Some(epoch)) = (numbers.next(), numbers.next()) else {
        return TokenMeaning::Bogus;
    };
    if render_token(quirks.token_form, epoch, revision, now) != token || epoch != calendar.epoch {
        return TokenMeaning::Bogus;
    }
    if revision > calendar.revision {
        return TokenMeaning::Future;
    }
    TokenMeaning::Revision(revision)
}

/// A property of a resource as `user` sees it; `None` when it has none.
pub(super) fn property(
    state: &State,
    user: &str,
    resource: &Resource,
    name: &Name,
    now: Timestamp,
) -> Option<El> {
    let el = El::new(&name.0, &name.1);
    let principal = || state.href(&Resource::Principal(user.to_owned()));
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "current-user-principal") => Some(el.child(El::href(&principal()))),
        (DAV, "resourcetype") => Some(el.children(resource_type(state, resource))),
        (DAV, "owner") => {
            let owner = resource.owner()?.to_owned();
            Some(el.child(El::href(&state.href(&Resource::Principal(owner)))))
        }
        _ => match resource {
            Resource::Principal(owner) => of_principal(state, owner, name, el),
            Resource::Calendar(owner, slug) => {
                of_calendar(state, state.calendar(owner, slug)?, name, el, now)
            }
            Resource::Object(owner, slug, object) => {
                let object = state.calendar(owner, slug)?.objects.get(object)?;
                of_object(state, object, name, el)
            }
            Resource::Extra(_, extra) => of_extra(state, *extra, name, el),
            Resource::Home(_) | Resource::HostRoot | Resource::Root => {
                match (name.0.as_str(), name.1.as_str()) {
                    (DAV, "current-user-privilege-set") => Some(el.children(privileges(true))),
                    (DAV, "displayname") => Some(el.text("Calendars")),
                    _ => None,
                }
            }
            Resource::Principals | Resource::Homes => None,
        },
    }
}

fn resource_type(state: &State, resource: &Resource) -> Vec<El> {
    let collection = || El::dav("collection");
    match resource {
        Resource::Principal(_) => vec![collection(), El::dav("principal")],
        Resource::Calendar(_, _) => vec![collection(), El::new(CALDAV, "calendar")],
        Resource::Object(_, _, _) | Resource::Extra(_, Extra::StrayFile) => Vec::new(),
        Resource::Extra(_, Extra::Inbox) => {
            let mut types = vec![collection(), El::new(CALDAV, "schedule-inbox")];
            if state.quirks.inbox_typed_as_calendar {
                types.push(El::new(CALDAV, "calendar"));
            }
            types
        }
        Resource::Extra(_, Extra::Outbox) => {
            vec![collection(), El::new(CALDAV, "schedule-outbox")]
        }
        Resource::Extra(_, Extra::AddressBook) => vec![
            collection(),
            El::new("urn:ietf:params:xml:ns:carddav", "addressbook"),
        ],
        Resource::HostRoot
        | Resource::Root
        | Resource::Principals
        | Resource::Homes
        | Resource::Home(_) => {
            vec![collection()]
        }
    }
}

fn of_principal(state: &State, owner: &str, name: &Name, el: El) -> Option<El> {
    let user = state.users.get(owner)?;
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "displayname") => Some(el.text(user.display_name.as_str())),
        (DAV, "principal-URL") => Some(el.child(El::href(
            &state.href(&Resource::Principal(owner.to_owned())),
        ))),
        (CALDAV, "calendar-home-set") => {
            let href = match &state.quirks.home_base_url {
                Some(base) => format!("{}/{owner}/", base.trim_end_matches('/')),
                None => state.href(&Resource::Home(owner.to_owned())),
            };
            Some(el.child(El::href(&href)))
        }
        (CALDAV, "calendar-user-address-set") => {
            Some(el.children(user.addresses.iter().map(|a| El::href(a))))
        }
        _ => None,
    }
}

fn of_calendar(
    state: &State,
    calendar: &Calendar,
    name: &Name,
    el: El,
    now: Timestamp,
) -> Option<El> {
    let quirks = &state.quirks;
    let spec = &calendar.spec;
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "displayname") => Some(el.text(spec.display_name.as_str())),
        (DAV, "current-user-privilege-set") if !quirks.no_privilege_set => {
            Some(el.children(privileges(calendar.writable())))
        }
        (DAV, "supported-report-set") => {
            let mut reports = vec![(CALDAV, "calendar-multiget"), (CALDAV, "calendar-query")];
            if !quirks.no_sync_collection {
                reports.push((DAV, "sync-collection"));
            }
            Some(el.children(reports.into_iter().map(|(ns, report)| {
                El::dav("supported-report").child(El::dav("report").child(El::new(ns, report)))
            })))
        }
        (DAV, "sync-token") if !quirks.no_sync_token_property => {
            Some(el.text(sync_token(calendar, quirks, calendar.revision, now)))
        }
        (CS, "getctag") if !quirks.no_getctag => {
            Some(el.text(format!("{}-{}", calendar.epoch, calendar.revision)))
        }
        (CALDAV, "supported-calendar-component-set") if !quirks.no_component_set => Some(
            el.children(
                spec.components
                    .iter()
                    .map(|c| El::new(CALDAV, "comp").attr("name", c)),
            ),
        ),
        (CALDAV, "supported-calendar-data") => Some(
            el.child(
                El::new(CALDAV, "calendar-data")
                    .attr("content-type", "text/calendar")
                    .attr("version", "2.0"),
            ),
        ),
        (CALDAV, "max-resource-size") => Some(el.text(quirks.max_body_bytes.to_string())),
        (CALDAV, "calendar-timezone") => spec.timezone.as_deref().map(|t| el.text(t)),
        (CALDAV, "calendar-description") => calendar.description.as_deref().map(|t| el.text(t)),
        (APPLE, "calendar-color") => spec.color.as_deref().map(|t| el.text(t)),
        _ => calendar.dead.get(name).map(|text| el.text(text.as_str())),
    }
}

fn of_object(state: &State, object: &Object, name: &Name, el: El) -> Option<El> {
    let quirks = &state.quirks;
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "getetag") if !quirks.no_etags => Some(el.text(etag(object, quirks))),
        (DAV, "getlastmodified") => Some(el.text(http_date(object.modified))),
        (DAV, "getcontentlength") => Some(el.text(object.body.len().to_string())),
        (DAV, "getcontenttype") if !quirks.no_content_type => Some(el.text(format!(
            "text/calendar; charset=utf-8; component={}",
            object.component.to_ascii_lowercase()
        ))),
        _ => None,
    }
}

fn of_extra(state: &State, extra: Extra, name: &Name, el: El) -> Option<El> {
    match (name.0.as_str(), name.1.as_str()) {
        (DAV, "displayname") => Some(el.text(extra.name())),
        (CALDAV, "supported-calendar-component-set")
            if extra == Extra::Inbox && state.quirks.inbox_typed_as_calendar =>
        {
            Some(el.child(El::new(CALDAV, "comp").attr("name", "VEVENT")))
        }
        (DAV, "getetag") if extra == Extra::StrayFile => Some(el.text("\"stray\"")),
        _ => None,
    }
}

fn privileges(write: bool) -> Vec<El> {
    let mut names = vec!["read", "read-current-user-privilege-set"];
    if write {
        names.extend([
            "write",
            "write-content",
            "write-properties",
            "bind",
            "unbind",
        ]);
    }
    names
        .into_iter()
        .map(|n| El::dav("privilege").child(El::dav(n)))
        .collect()
}
