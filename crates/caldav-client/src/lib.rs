//! caldav-client.
