//! What tests count and read: every request, and every mail that would have
//! gone out. No token or secret is ever written here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request to the simulated Google (not to `/_sim`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LogEntry {
    /// Counted from 1.
    pub number: u64,
    /// The clock, in milliseconds.
    pub at: i64,
    /// `GET`, `POST`, …
    pub http: String,
    /// API method (`events.insert`), `auth`, `token`, `revoke`, or empty.
    pub method: String,
    /// The path, percent-encoded.
    pub path: String,
    /// The query; of the OAuth endpoints only the names.
    pub query: Vec<(String, String)>,
    /// Whose token it was.
    pub account: Option<String>,
    /// The If-Match header.
    pub if_match: Option<String>,
    /// The User-Agent header.
    pub user_agent: Option<String>,
    /// Short hash of the body; empty without one.
    pub body_hash: String,
    /// The JSON body of an API call.
    pub body: Option<Value>,
    /// The status the core decided on; a fault may have kept it from arriving.
    pub status: u16,
    /// `errors[0].reason` or OAuth's `error`.
    pub reason: Option<String>,
    /// Quota units charged.
    pub cost: u32,
    /// A write that took effect, whatever the client was told.
    pub effect: bool,
    /// A fault changed what the client got.
    pub faulted: bool,
}

/// One mail Google would have sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MailEntry {
    /// The clock, in milliseconds.
    pub at: i64,
    /// Who wrote.
    pub account: String,
    /// Where.
    pub calendar: String,
    /// Which event.
    pub event: String,
    /// `all`, `externalOnly` or `none`.
    pub send_updates: String,
    /// Attendees other than the calendar itself.
    pub recipients: Vec<String>,
}

/// How many requests each API method got, and how many writes took effect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counts {
    /// Requests by method.
    pub requests: BTreeMap<String, u64>,
    /// Effective writes by method.
    pub writes: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts a log.
    pub(super) fn of(log: &[LogEntry]) -> Self {
        let mut out = Self::default();
        for entry in log {
            *out.requests.entry(entry.method.clone()).or_default() += 1;
            if entry.effect {
                *out.writes.entry(entry.method.clone()).or_default() += 1;
            }
        }
        out
    }

    /// Requests to one method.
    pub fn requests_of(&self, method: &str) -> u64 {
        self.requests.get(method).copied().unwrap_or(0)
    }

    /// Effective writes of one method.
    pub fn writes_of(&self, method: &str) -> u64 {
        self.writes.get(method).copied().unwrap_or(0)
    }

    /// All effective writes.
    pub fn writes_total(&self) -> u64 {
        self.writes.values().sum()
    }
}
