//! Names of XML elements: their namespaces, and the properties we ask for.

/// WebDAV (RFC 4918, 3744, 5397, 6578).
pub(crate) const DAV: &str = "DAV:";
/// CalDAV (RFC 4791, 6638).
pub(crate) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Calendar server extensions: `getctag`.
pub(crate) const CS: &str = "http://calendarserver.org/ns/";
/// Apple's: `calendar-color`.
pub(crate) const APPLE: &str = "http://apple.com/ns/ical/";

/// An element's name: namespace and local part.
pub(crate) type Name = (&'static str, &'static str);

pub(crate) const RESOURCETYPE: Name = (DAV, "resourcetype");
pub(crate) const DISPLAYNAME: Name = (DAV, "displayname");
pub(crate) const GETETAG: Name = (DAV, "getetag");
pub(crate) const GETLASTMODIFIED: Name = (DAV, "getlastmodified");
pub(crate) const GETCONTENTTYPE: Name = (DAV, "getcontenttype");
pub(crate) const CURRENT_USER_PRINCIPAL: Name = (DAV, "current-user-principal");
pub(crate) const PRIVILEGES: Name = (DAV, "current-user-privilege-set");
pub(crate) const REPORTS: Name = (DAV, "supported-report-set");
pub(crate) const SYNC_TOKEN: Name = (DAV, "sync-token");
pub(crate) const HOME_SET: Name = (CALDAV, "calendar-home-set");
pub(crate) const ADDRESSES: Name = (CALDAV, "calendar-user-address-set");
pub(crate) const INBOX: Name = (CALDAV, "schedule-inbox-URL");
pub(crate) const OUTBOX: Name = (CALDAV, "schedule-outbox-URL");
pub(crate) const COMPONENTS: Name = (CALDAV, "supported-calendar-component-set");
pub(crate) const TIMEZONE: Name = (CALDAV, "calendar-timezone");
pub(crate) const TIMEZONE_ID: Name = (CALDAV, "calendar-timezone-id");
pub(crate) const CALENDAR_DATA: Name = (CALDAV, "calendar-data");
pub(crate) const GETCTAG: Name = (CS, "getctag");
pub(crate) const COLOR: Name = (APPLE, "calendar-color");
