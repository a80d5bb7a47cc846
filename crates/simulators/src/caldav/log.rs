//! The request log: what was asked, by whom, and what came of it.
//!
//! Bounded: the oldest entries go first, the counts stay.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

/// Entries kept.
const KEPT: usize = 20_000;
/// Bytes of a request body kept with its entry.
const BODY_KEPT: usize = 64 * 1024;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// Counts from 1 since the server started.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// Method; a REPORT with its name, as `REPORT sync-collection`.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// The user it came from, once authenticated.
    pub user: Option<String>,
    /// The `Depth` header.
    pub depth: Option<String>,
    /// `If-Match` or `If-None-Match`, as `If-Match: "x"`.
    pub condition: Option<String>,
    /// Request body, cut at 64 KiB, as text.
    pub body: String,
    /// Status answered; 0 when the connection was closed instead.
    pub status: u16,
    /// Whether a fault struck it.
    pub faulted: bool,
}

/// The log with its counts.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestLog {
    entries: VecDeque<LoggedRequest>,
    counts: BTreeMap<String, u64>,
    total: u64,
}

impl RequestLog {
    pub(super) fn push(&mut self, mut entry: LoggedRequest) {
        self.total += 1;
        entry.number = self.total;
        *self.counts.entry(entry.method.clone()).or_default() += 1;
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// A kept form of a body.
    pub(super) fn excerpt(body: &[u8]) -> String {
        let cut = body.get(..BODY_KEPT).unwrap_or(body);
        String::from_utf8_lossy(cut).into_owned()
    }

    pub(super) fn entries(&self) -> Vec<LoggedRequest> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    /// Forgets entries and counts; numbers go on.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}
