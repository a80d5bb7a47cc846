//! The properties we know, as values. Unknown ones are passed over.

use roxmltree::Node;

use super::{child, is, text};
use crate::names::{
    ADDRESSES, CALDAV, CALENDAR_DATA, COLOR, COMPONENTS, CURRENT_USER_PRINCIPAL, DISPLAYNAME,
    GETCONTENTTYPE, GETCTAG, GETETAG, GETLASTMODIFIED, HOME_SET, INBOX, Name, OUTBOX, PRIVILEGES,
    REPORTS, RESOURCETYPE, SYNC_TOKEN, TIMEZONE, TIMEZONE_ID,
};

/// The properties of one resource that a server gave with success. Absent is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Props {
    /// `resourcetype`, known kinds only; `None` if the property did not come.
    pub kinds: Option<Vec<ResourceKind>>,
    /// `displayname`.
    pub name: Option<String>,
    /// `getetag`, as written.
    pub etag: Option<String>,
    /// `getlastmodified`, as written.
    pub modified: Option<String>,
    /// `getcontenttype`.
    pub content_type: Option<String>,
    /// `calendar-data`.
    pub data: Option<String>,
    /// `getctag`.
    pub ctag: Option<String>,
    /// `sync-token`.
    pub sync_token: Option<String>,
    /// `supported-report-set`: local names of the reports.
    pub reports: Option<Vec<String>>,
    /// `current-user-privilege-set`: local names of the privileges.
    pub privileges: Option<Vec<String>>,
    /// `supported-calendar-component-set`, upper case.
    pub components: Option<Vec<String>>,
    /// `calendar-color`, as written.
    pub color: Option<String>,
    /// `calendar-timezone`: the text of a VCALENDAR.
    pub timezone: Option<String>,
    /// `calendar-timezone-id`.
    pub timezone_id: Option<String>,
    /// `current-user-principal`'s href.
    pub principal: Option<String>,
    /// `current-user-principal` says that nobody is signed in.
    pub unauthenticated: bool,
    /// `calendar-home-set`'s hrefs.
    pub homes: Vec<String>,
    /// `calendar-user-address-set`'s hrefs.
    pub addresses: Vec<String>,
    /// `schedule-inbox-URL` and `schedule-outbox-URL`.
    pub scheduling: Vec<String>,
}

/// Names or hrefs kept of one property; what we look for comes among the first.
const MOST: usize = 100;
/// Octets of a value that is kept: tokens, names and hrefs are short. A longer one did not come.
pub(super) const LONGEST: usize = 8192;

/// What kind of resource it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// `DAV:collection`.
    Collection,
    /// `CALDAV:calendar`.
    Calendar,
    /// `CALDAV:schedule-inbox` or `schedule-outbox`.
    Scheduling,
    /// A calendar in a trash bin.
    Deleted,
}

impl Props {
    /// Whether it is a collection of any kind.
    pub fn is_collection(&self) -> bool {
        self.kinds.as_ref().is_some_and(|kinds| !kinds.is_empty())
    }

    /// Whether it is a calendar to show: typed so, no scheduling box, not deleted.
    pub fn is_calendar(&self) -> bool {
        self.kinds.as_ref().is_some_and(|kinds| {
            kinds.contains(&ResourceKind::Calendar)
                && !kinds.contains(&ResourceKind::Scheduling)
                && !kinds.contains(&ResourceKind::Deleted)
        })
    }

    /// Whether events may be in it: unless it says otherwise, they may.
    pub fn takes_events(&self) -> bool {
        self.components
            .as_ref()
            .is_none_or(|names| names.is_empty() || names.iter().any(|name| name == "VEVENT"))
    }

    /// Whether the account may write to it; a server without access control lets everybody.
    pub fn is_writable(&self) -> bool {
        self.privileges.as_ref().is_none_or(|names| {
            names
                .iter()
                .any(|name| matches!(name.as_str(), "all" | "write" | "write-content" | "bind"))
        })
    }

    /// Whether it says that this report is supported.
    pub fn has_report(&self, name: &str) -> bool {
        self.reports
            .as_ref()
            .is_some_and(|names| names.iter().any(|report| report == name))
    }

    /// Takes what a `prop` element holds.
    pub(super) fn add(&mut self, prop: Node<'_, '_>) {
        for node in prop.children().filter(Node::is_element) {
            self.add_one(node);
        }
    }

    fn add_one(&mut self, node: Node<'_, '_>) {
        let long = || Some(text(node)).filter(|text| !text.is_empty());
        let some = || long().filter(|text| text.len() <= LONGEST);
        match name(node) {
            Some(RESOURCETYPE) => self.kinds = Some(kinds(node)),
            Some(DISPLAYNAME) => self.name = some(),
            Some(GETETAG) => self.etag = some(),
            Some(GETLASTMODIFIED) => self.modified = some(),
            Some(GETCONTENTTYPE) => self.content_type = some(),
            Some(CALENDAR_DATA) => self.data = long(),
            Some(GETCTAG) => self.ctag = some(),
            Some(SYNC_TOKEN) => self.sync_token = some(),
            Some(REPORTS) => self.reports = Some(inner_names(node, "report")),
            Some(PRIVILEGES) => self.privileges = Some(inner_names(node, "privilege")),
            Some(COMPONENTS) => self.components = Some(components(node)),
            Some(COLOR) => self.color = some(),
            Some(TIMEZONE) => self.timezone = long(),
            Some(TIMEZONE_ID) => self.timezone_id = some(),
            Some(CURRENT_USER_PRINCIPAL) => {
                self.principal = child(node, "href")
                    .map(text)
                    .filter(|href| !href.is_empty() && href.len() <= LONGEST);
                self.unauthenticated = child(node, "unauthenticated").is_some();
            }
            Some(HOME_SET) => self.homes = hrefs(node),
            Some(ADDRESSES) => self.addresses = hrefs(node),
            Some(INBOX | OUTBOX) => self.scheduling.extend(hrefs(node)),
            _ => {}
        }
    }
}

/// The name of an element if it is one of those we ask for.
fn name(node: Node<'_, '_>) -> Option<Name> {
    const KNOWN: [Name; 19] = [
        RESOURCETYPE,
        DISPLAYNAME,
        GETETAG,
        GETLASTMODIFIED,
        GETCONTENTTYPE,
        CALENDAR_DATA,
        GETCTAG,
        SYNC_TOKEN,
        REPORTS,
        PRIVILEGES,
        COMPONENTS,
        COLOR,
        TIMEZONE,
        TIMEZONE_ID,
        CURRENT_USER_PRINCIPAL,
        HOME_SET,
        ADDRESSES,
        INBOX,
        OUTBOX,
    ];
    let tag = node.tag_name();
    KNOWN
        .into_iter()
        .find(|(space, local)| tag.namespace() == Some(space) && tag.name() == *local)
}

fn kinds(node: Node<'_, '_>) -> Vec<ResourceKind> {
    node.children()
        .filter(Node::is_element)
        .filter_map(|kind| match kind.tag_name().name() {
            "collection" => Some(ResourceKind::Collection),
            "calendar" if kind.tag_name().namespace() == Some(CALDAV) => {
                Some(ResourceKind::Calendar)
            }
            "schedule-inbox" | "schedule-outbox" => Some(ResourceKind::Scheduling),
            "deleted-calendar" => Some(ResourceKind::Deleted),
            _ => None,
        })
        .take(MOST)
        .collect()
}

/// Names of the elements inside each `outer` (`<report><sync-collection/></report>`).
fn inner_names(node: Node<'_, '_>, outer: &str) -> Vec<String> {
    node.descendants()
        .filter(|node| is(*node, outer))
        .flat_map(|node| node.children().filter(Node::is_element))
        .take(MOST)
        .map(|node| node.tag_name().name().to_owned())
        .collect()
}

fn components(node: Node<'_, '_>) -> Vec<String> {
    node.children()
        .filter(|node| node.is_element() && node.tag_name().name() == "comp")
        .filter_map(|node| node.attribute("name"))
        .take(MOST)
        .map(str::to_ascii_uppercase)
        .collect()
}

fn hrefs(node: Node<'_, '_>) -> Vec<String> {
    node.children()
        .filter(|node| is(*node, "href"))
        .map(text)
        .filter(|href| !href.is_empty() && href.len() <= LONGEST)
        .take(MOST)
        .collect()
}
