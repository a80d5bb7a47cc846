//! gcal-client.
